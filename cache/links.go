package cache

import (
	"encoding/binary"
	"net/netip"
	"slices"

	"rddsd/cache/registry"
)

// index is a way to find objects other than by their key: a set of pairs
// (what is asked for, key of the object).
type index uint8

const (
	domainByROID    index = iota // ROID, name
	domainByHost                 // host ROID, name
	domainByContact              // contact ROID of the registrant or a tech, name
	domainByRefresh              // timeKey, name
	hostByName                   // name, ROID
	hostByAddress                // addressKey, ROID

	indexes = 6 // how many there are
)

// indexSet is a set of indexes, one bit each.
type indexSet uint8

const allIndexes indexSet = 1<<indexes - 1

func (s indexSet) has(ix index) bool { return s>>ix&1 != 0 }

// differing returns the indexes in which the object of w that is of kind stands
// elsewhere than that of old.
func (w *workspace) differing(kind registry.Kind, old *workspace) (set indexSet) {
	note := func(ix index, same bool) {
		if !same {
			set |= 1 << ix
		}
	}
	switch kind {
	case registry.KindDomain:
		d, o := &w.domain, &old.domain
		note(domainByROID, d.ROID == o.ROID)
		note(domainByHost, slices.Equal(d.Hosts, o.Hosts))
		note(domainByContact, d.Registrant == o.Registrant && slices.Equal(d.Tech, o.Tech))
		note(domainByRefresh, d.RefreshAt == o.RefreshAt)
	case registry.KindHost:
		n, o := &w.host, &old.host
		note(hostByName, n.Name == o.Name)
		note(hostByAddress, slices.Equal(n.V4, o.V4) && slices.Equal(n.V6, o.V6))
	}
	return set
}

// workspace is what the one writer of a View decodes rows into.
type workspace struct {
	tld       registry.TLD
	registrar registry.Registrar
	contact   registry.Contact
	host      registry.Nameserver
	domain    registry.Domain
	reserved  registry.Reserved
	row       []byte
}

// encode returns the row of the object of w that is of kind. It is valid until
// the next.
func (w *workspace) encode(kind registry.Kind) string {
	row := w.row[:0]
	switch kind {
	case registry.KindTLD:
		row = registry.AppendTLD(row, &w.tld)
	case registry.KindRegistrar:
		row = registry.AppendRegistrar(row, &w.registrar)
	case registry.KindContact:
		row = registry.AppendContact(row, &w.contact)
	case registry.KindHost:
		row = registry.AppendNameserver(row, &w.host)
	case registry.KindDomain:
		row = registry.AppendDomain(row, &w.domain)
	default:
		row = registry.AppendReserved(row, &w.reserved)
	}
	w.row = row
	return textOf(row)
}

// decode reads row into the object of w that is of kind.
func (w *workspace) decode(kind registry.Kind, row string) error {
	switch kind {
	case registry.KindTLD:
		return registry.DecodeTLD(row, &w.tld)
	case registry.KindRegistrar:
		return registry.DecodeRegistrar(row, &w.registrar)
	case registry.KindContact:
		return registry.DecodeContact(row, &w.contact)
	case registry.KindHost:
		return registry.DecodeNameserver(row, &w.host)
	case registry.KindDomain:
		return registry.DecodeDomain(row, &w.domain)
	default:
		return registry.DecodeReserved(row, &w.reserved)
	}
}

// links calls put for each index entry of the object of w that is of kind. A
// pair may come twice, where an object names the same thing twice.
func (w *workspace) links(kind registry.Kind, put func(ix index, a, b string)) {
	switch kind {
	case registry.KindDomain:
		d := &w.domain
		if d.ROID != "" {
			put(domainByROID, d.ROID, d.Name)
		}
		for _, host := range d.Hosts {
			put(domainByHost, host, d.Name)
		}
		if d.Registrant != "" {
			put(domainByContact, d.Registrant, d.Name)
		}
		for _, contact := range d.Tech {
			put(domainByContact, contact, d.Name)
		}
		if d.RefreshAt > 0 {
			put(domainByRefresh, timeKey(d.RefreshAt), d.Name)
		}
	case registry.KindHost:
		n := &w.host
		put(hostByName, n.Name, n.ROID)
		eachAddress(n, func(key [16]byte) { put(hostByAddress, string(key[:]), n.ROID) })
	}
}

// addressKey returns the key of addr in hostByAddress. IPv4 and the IPv6 form
// that maps it are one address (whois.md Q-09).
func addressKey(addr netip.Addr) [16]byte { return addr.As16() }

// timeKey returns the key of t in domainByRefresh: its text order is the order
// of time.
func timeKey(t registry.Time) string {
	return string(binary.BigEndian.AppendUint64(nil, uint64(t)))
}

func timeOfKey(key string) registry.Time {
	return registry.Time(order(key))
}

// rowKey returns the key of the object in row: every kind of row begins with
// it. It shares the row's memory. ok is false when row is cut before its end.
func rowKey(row string) (key string, ok bool) {
	r := reader{rest: row}
	key = r.text()
	return key, !r.bad
}
