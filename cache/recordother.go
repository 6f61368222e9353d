package cache

import (
	"rddsd/cache/registry"
)

// The record of a contact:
//
//	ROID      length, text
//	mask      2 bytes: which of what follows is there
//	texts     registrar, state or province and country shared, the others as they are
//	street    how many lines; length, text
//	redacted  varint
//	times     created and updated, 4 bytes each; or both as varints
//
// The record of a host:
//
//	ROID      length, text
//	mask      1 byte
//	name      length, text
//	registrar shared text
//	addresses of IPv4 and of IPv6: how many; length, text
//	statuses  varint
//	times     as a contact's
//
// The record of a TLD, registrar or reserved name is the length of its row, and
// the row.
const (
	contactStreet = 1 << (13 + iota)
	contactPlainTimes
	contactUpdated
)

const (
	hostV4 = 1 << iota
	hostV6
	hostStatuses
	hostPlainTimes
	hostUpdated
)

// contactTexts are the texts of a contact in the order of the bits of its mask.
func contactTexts(c *registry.Contact) [13]*string {
	return [...]*string{
		&c.Registrar, &c.SP, &c.CC, // shared
		&c.Handle, &c.Name, &c.Org, &c.City, &c.PC, &c.Voice, &c.VoiceExt, &c.Fax, &c.FaxExt, &c.Email,
	}
}

const sharedContactTexts = 3

func (m *recordMaker) appendContact(dst []byte, c *registry.Contact) []byte {
	dst = appendText(dst, c.ROID)
	start, mask := len(dst), uint16(0)
	dst = append(dst, 0, 0)
	for i, s := range contactTexts(c) {
		if *s == "" {
			continue
		}
		mask |= 1 << i
		if i < sharedContactTexts {
			dst = m.texts.appendShared(dst, *s)
		} else {
			dst = appendText(dst, *s)
		}
	}
	if len(c.Street) > 0 {
		mask |= contactStreet
		dst = appendTextList(dst, c.Street)
	}
	dst = appendNumber(dst, uint64(c.Redacted))
	if plainTime(c.Created) && plainTime(c.Updated) {
		mask |= contactPlainTimes
		dst = appendSeconds(dst, c.Created)
		if c.Updated != 0 {
			mask |= contactUpdated
			dst = appendSeconds(dst, c.Updated)
		}
	} else {
		dst = appendNumber(appendNumber(dst, zigzag(int64(c.Created))), zigzag(int64(c.Updated)))
	}
	dst[start], dst[start+1] = byte(mask), byte(mask>>8)
	return dst
}

// contact reads the record of a contact at c.
func (b *base) contact(c *scanner, o *registry.Contact) {
	o.ROID = c.text()
	mask := c.sized(2)
	for i, s := range contactTexts(o) {
		switch {
		case mask&(1<<i) == 0:
			*s = ""
		case i < sharedContactTexts:
			*s = c.shared(&b.texts)
		default:
			*s = c.text()
		}
	}
	o.Street = c.textList(o.Street, mask&contactStreet != 0)
	o.Redacted = registry.Element(c.uvarint())
	o.Created, o.Updated = c.twoTimes(mask&contactPlainTimes != 0, mask&contactUpdated != 0)
}

func (m *recordMaker) appendHost(dst []byte, n *registry.Nameserver) []byte {
	dst = appendText(dst, n.ROID)
	start, mask := len(dst), byte(0)
	dst = append(dst, 0)
	dst = m.texts.appendShared(appendText(dst, n.Name), n.Registrar)
	if len(n.V4) > 0 {
		mask |= hostV4
		dst = appendTextList(dst, n.V4)
	}
	if len(n.V6) > 0 {
		mask |= hostV6
		dst = appendTextList(dst, n.V6)
	}
	if n.Statuses != 0 {
		mask |= hostStatuses
		dst = appendNumber(dst, uint64(n.Statuses))
	}
	if plainTime(n.Created) && plainTime(n.Updated) {
		mask |= hostPlainTimes
		dst = appendSeconds(dst, n.Created)
		if n.Updated != 0 {
			mask |= hostUpdated
			dst = appendSeconds(dst, n.Updated)
		}
	} else {
		dst = appendNumber(appendNumber(dst, zigzag(int64(n.Created))), zigzag(int64(n.Updated)))
	}
	dst[start] = mask
	return dst
}

// host reads the record of a host at c.
func (b *base) host(c *scanner, n *registry.Nameserver) {
	n.ROID = c.text()
	mask := c.byte()
	n.Name, n.Registrar = c.text(), c.shared(&b.texts)
	n.V4, n.V6 = c.textList(n.V4, mask&hostV4 != 0), c.textList(n.V6, mask&hostV6 != 0)
	n.Statuses = 0
	if mask&hostStatuses != 0 {
		n.Statuses = registry.Status(c.uvarint())
	}
	n.Created, n.Updated = c.twoTimes(mask&hostPlainTimes != 0, mask&hostUpdated != 0)
}

// twoTimes reads when an object was created and updated.
func (c *scanner) twoTimes(plain, updated bool) (registry.Time, registry.Time) {
	switch {
	case !plain:
		return registry.Time(c.varint()), registry.Time(c.varint())
	case updated:
		return c.seconds(), c.seconds()
	}
	return c.seconds(), 0
}

func (c *scanner) textList(reuse []string, there bool) []string {
	list := reuse[:0]
	if there {
		for n := c.uvarint(); n > 0 && !c.bad; n-- {
			list = append(list, c.text())
		}
	}
	return list
}

func appendTextList(dst []byte, list []string) []byte {
	dst = appendNumber(dst, uint64(len(list)))
	for _, s := range list {
		dst = appendText(dst, s)
	}
	return dst
}
