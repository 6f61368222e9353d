package registry

import (
	"encoding/binary"
	"fmt"
	"math"
)

// A row is an object in the binary form that deltas, the View and the files
// share: its fields in the order of its struct, numbers as varints, texts and
// lists behind their length. A row decodes without copying: the strings of the
// decoded object share the row's memory. An object has one row: what decodes
// encodes to the same bytes, so rows are compared instead of objects.
//
// The form belongs to the file format of package cache; changing it means a new
// format version there.

// AppendTLD appends t as a row.
func AppendTLD(dst []byte, t *TLD) []byte {
	dst = appendText(dst, t.Name)
	dst = appendText(dst, t.UName)
	dst = append(dst, flag(t.GTLD)|flag(t.ZoneSigned)<<1, byte(t.ContactModel))
	return appendTimes(dst, t.Created, t.Updated)
}

// DecodeTLD reads row into t.
func DecodeTLD(row string, t *TLD) error {
	d := decoder{rest: row}
	t.Name, t.UName = d.text(), d.text()
	flags := d.byte()
	d.bad = d.bad || flags > 3
	t.GTLD, t.ZoneSigned = flags&1 != 0, flags&2 != 0
	t.ContactModel = ContactModel(d.byte())
	t.Created, t.Updated = d.time(), d.time()
	return d.end(KindTLD)
}

// AppendRegistrar appends r as a row.
func AppendRegistrar(dst []byte, r *Registrar) []byte {
	dst = appendText(dst, r.ClID)
	dst = binary.AppendUvarint(dst, uint64(r.IANA))
	for _, s := range r.texts() {
		dst = appendText(dst, *s)
	}
	dst = appendTexts(dst, r.Street)
	dst = append(dst, byte(r.ContactModel))
	return appendTimes(dst, r.Created, r.Updated)
}

// DecodeRegistrar reads row into r.
func DecodeRegistrar(row string, r *Registrar) error {
	d := decoder{rest: row}
	r.ClID = d.text()
	r.IANA = int(d.uvarint())
	for _, s := range r.texts() {
		*s = d.text()
	}
	r.Street = d.texts(r.Street)
	r.ContactModel = ContactModel(d.byte())
	r.Created, r.Updated = d.time(), d.time()
	return d.end(KindRegistrar)
}

func (r *Registrar) texts() [22]*string {
	return [...]*string{
		&r.Name, &r.Status, &r.URL, &r.RDAPURL, &r.WhoisServer, &r.AbuseEmail, &r.AbusePhone,
		&r.City, &r.SP, &r.PC, &r.CC, &r.Voice, &r.VoiceExt, &r.Fax, &r.FaxExt, &r.Email,
		&r.AdminFN, &r.AdminVoice, &r.AdminEmail, &r.TechFN, &r.TechVoice, &r.TechEmail,
	}
}

// AppendContact appends c as a row.
func AppendContact(dst []byte, c *Contact) []byte {
	for _, s := range c.texts() {
		dst = appendText(dst, *s)
	}
	dst = appendTexts(dst, c.Street)
	dst = binary.AppendUvarint(dst, uint64(c.Redacted))
	return appendTimes(dst, c.Created, c.Updated)
}

// DecodeContact reads row into c, reusing c.Street.
func DecodeContact(row string, c *Contact) error {
	d := decoder{rest: row}
	for _, s := range c.texts() {
		*s = d.text()
	}
	c.Street = d.texts(c.Street)
	c.Redacted = Element(d.atMost(math.MaxUint16))
	c.Created, c.Updated = d.time(), d.time()
	return d.end(KindContact)
}

func (c *Contact) texts() [14]*string {
	return [...]*string{
		&c.ROID, &c.Registrar, &c.Handle, &c.Name, &c.Org, &c.City, &c.SP, &c.PC, &c.CC,
		&c.Voice, &c.VoiceExt, &c.Fax, &c.FaxExt, &c.Email,
	}
}

// AppendNameserver appends n as a row.
func AppendNameserver(dst []byte, n *Nameserver) []byte {
	dst = appendText(dst, n.ROID)
	dst = appendText(dst, n.Name)
	dst = appendText(dst, n.Registrar)
	dst = appendTexts(dst, n.V4)
	dst = appendTexts(dst, n.V6)
	dst = binary.AppendUvarint(dst, uint64(n.Statuses))
	return appendTimes(dst, n.Created, n.Updated)
}

// DecodeNameserver reads row into n, reusing its slices.
func DecodeNameserver(row string, n *Nameserver) error {
	d := decoder{rest: row}
	n.ROID, n.Name, n.Registrar = d.text(), d.text(), d.text()
	n.V4, n.V6 = d.texts(n.V4), d.texts(n.V6)
	n.Statuses = Status(d.atMost(math.MaxUint32))
	n.Created, n.Updated = d.time(), d.time()
	return d.end(KindHost)
}

// AppendDomain appends m as a row.
func AppendDomain(dst []byte, m *Domain) []byte {
	dst = appendText(dst, m.Name)
	dst = appendText(dst, m.ROID)
	dst = appendText(dst, m.UName)
	dst = appendText(dst, m.IDNTable)
	dst = appendText(dst, m.Registrar)
	dst = appendText(dst, m.Reseller)
	dst = appendText(dst, m.Registrant)
	dst = appendTexts(dst, m.Tech)
	dst = appendTexts(dst, m.Hosts)
	dst = binary.AppendUvarint(dst, uint64(len(m.DS)))
	for i := range m.DS {
		ds := &m.DS[i]
		dst = binary.AppendUvarint(dst, uint64(ds.KeyTag))
		dst = append(dst, ds.Algorithm, ds.DigestType)
		dst = appendText(dst, ds.Digest)
	}
	dst = binary.AppendUvarint(dst, uint64(m.Statuses))
	return appendTimes(dst, m.Created, m.Updated, m.Transferred, m.Expires, m.RefreshAt)
}

// DecodeDomain reads row into m, reusing its slices.
func DecodeDomain(row string, m *Domain) error {
	d := decoder{rest: row}
	m.Name, m.ROID, m.UName, m.IDNTable = d.text(), d.text(), d.text(), d.text()
	m.Registrar, m.Reseller, m.Registrant = d.text(), d.text(), d.text()
	m.Tech, m.Hosts = d.texts(m.Tech), d.texts(m.Hosts)
	m.DS = m.DS[:0]
	for n := d.uvarint(); n > 0 && !d.bad; n-- {
		m.DS = append(m.DS, DS{uint16(d.atMost(math.MaxUint16)), d.byte(), d.byte(), d.text()})
	}
	m.Statuses = Status(d.atMost(math.MaxUint32))
	m.Created, m.Updated, m.Transferred, m.Expires, m.RefreshAt = d.time(), d.time(), d.time(), d.time(), d.time()
	return d.end(KindDomain)
}

// AppendReserved appends r as a row.
func AppendReserved(dst []byte, r *Reserved) []byte {
	dst = appendText(dst, r.Name)
	dst = append(dst, byte(r.Reason))
	dst = appendText(dst, r.Of)
	dst = appendText(dst, r.IDNTable)
	return appendText(dst, r.PublicText)
}

// DecodeReserved reads row into r.
func DecodeReserved(row string, r *Reserved) error {
	d := decoder{rest: row}
	r.Name = d.text()
	r.Reason = Reason(d.byte())
	r.Of, r.IDNTable, r.PublicText = d.text(), d.text(), d.text()
	return d.end(KindReserved)
}

func flag(b bool) byte {
	if b {
		return 1
	}
	return 0
}

func appendText(dst []byte, s string) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(s)))
	return append(dst, s...)
}

func appendTexts(dst []byte, list []string) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(list)))
	for _, s := range list {
		dst = appendText(dst, s)
	}
	return dst
}

func appendTimes(dst []byte, times ...Time) []byte {
	for _, t := range times {
		dst = binary.AppendVarint(dst, int64(t))
	}
	return dst
}

// decoder reads a row from its start. After the first fault it returns zero
// values, and end reports it.
type decoder struct {
	rest string
	bad  bool
}

func (d *decoder) byte() byte {
	if len(d.rest) == 0 {
		d.bad = true
		return 0
	}
	b := d.rest[0]
	d.rest = d.rest[1:]
	return b
}

func (d *decoder) uvarint() uint64 {
	if len(d.rest) > 0 && d.rest[0] < 0x80 {
		b := d.rest[0]
		d.rest = d.rest[1:]
		return uint64(b)
	}
	return d.longUvarint()
}

func (d *decoder) longUvarint() uint64 {
	var x uint64
	for i := range min(len(d.rest), binary.MaxVarintLen64) {
		b := d.rest[i]
		x |= uint64(b&0x7f) << (7 * i)
		if b < 0x80 {
			// A byte of zero adds nothing: the same number in another form. Nor may
			// the last of ten add what does not fit.
			d.bad = d.bad || b == 0 || i == binary.MaxVarintLen64-1 && b > 1
			d.rest = d.rest[i+1:]
			return x
		}
	}
	d.bad, d.rest = true, ""
	return 0
}

// timeVarint reads a number of eight bytes, as nearly all times are: it takes its
// seven bits of each byte together at once, in three steps, not one by one.
func (d *decoder) timeVarint() (x uint64, ok bool) {
	if len(d.rest) < 8 {
		return 0, false
	}
	s := d.rest[:8]
	x = uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
	if x&0x8080808080808080 != 0x0080808080808080 || x>>56 == 0 {
		return 0, false
	}
	x &= 0x7f7f7f7f7f7f7f7f
	x = x&0x007f007f007f007f | x&0x7f007f007f007f00>>1
	x = x&0x00003fff00003fff | x&0x3fff00003fff0000>>2
	x = x&0x000000000fffffff | x&0x0fffffff00000000>>4
	d.rest = d.rest[8:]
	return x, true
}

// atMost returns the next number, which is to be no greater than most.
func (d *decoder) atMost(most uint64) uint64 {
	x := d.uvarint()
	if x > most {
		d.bad = true
		return 0
	}
	return x
}

func (d *decoder) text() string {
	if rest := d.rest; len(rest) > 0 {
		if end := int(rest[0]) + 1; end <= 0x80 && end <= len(rest) {
			d.rest = rest[end:]
			return rest[1:end]
		}
	}
	n := d.uvarint()
	if n > uint64(len(d.rest)) {
		d.bad, d.rest = true, ""
		return ""
	}
	s := d.rest[:n]
	d.rest = d.rest[n:]
	return s
}

func (d *decoder) texts(reuse []string) []string {
	list := reuse[:0]
	for n := d.uvarint(); n > 0 && !d.bad; n-- {
		list = append(list, d.text())
	}
	return list
}

func (d *decoder) time() Time {
	x, ok := d.timeVarint()
	if !ok {
		x = d.uvarint()
	}
	t := Time(x >> 1)
	if x&1 != 0 {
		t = ^t
	}
	return t
}

func (d *decoder) end(kind Kind) error {
	if d.bad || d.rest != "" {
		return fmt.Errorf("decode a %s row: it is cut or too long", kind)
	}
	return nil
}
