package cache

import (
	"encoding/binary"
	"encoding/hex"
	"math/bits"
	"slices"
	"strings"

	"rddsd/cache/registry"
)

// The record of a domain. It says most in few bits, and what is rare costs
// nothing where it is not:
//
//	shape        1 byte, number of the flags and statuses; or rareShape, flags
//	             3 bytes, see below, and statuses
//	tail         1 byte, number of the zone's name; none for tail 0
//	sizes        1 byte: six bits the length of the head, or longHead, and the
//	             length follows; two bits how many bytes the number of the ROID has
//	head         the name before its tail
//	ROID         form 1 byte unless it is form 0, number; or length, text
//	registrar    shared text; IDN table and reseller likewise, U-label: length, text
//	registrant   place of the contact; or length, text
//	tech         place; or a list
//	hosts        place of the first, then the distance of each to the one before; or a list
//	DS           key tag 2 bytes, algorithm, digest type, length, digest in binary or as text
//	times        created 4 bytes; expires 1 byte; updated, transferred, refresh 4 bytes each, where they are
//
// Flags and statuses take four bytes, but nine in ten domains share 255 pairs of
// them, so they stand in the dictionary.
//
// A list is its length and for each object twice its place, or twice the length
// of its ROID plus one, and the ROID: that is how a domain refers to what is not
// published.
const (
	hasTail = 1 << iota
	roidNumber
	roidNumberOfForm
	hasUName
	hasIDNTable
	hasReseller
	registrantPlace
	registrantText
	techRegistrant // the one technical contact is the registrant
	techPlace
	_ // four bits: how many hosts; hostList = a list
	_
	_
	_
	_ // two bits: how many DS records; dsList = as many as a number says
	_
	plainTimes // else all five are varints, in microseconds
	hasUpdated
	hasTransferred
	transferredLast // transferred is updated
	hasRefresh

	roidText  = roidNumber | roidNumberOfForm
	techList  = techRegistrant | techPlace
	flagBytes = 3

	hostsShift = 10
	hostList   = 15
	dsShift    = 14
	dsList     = 3

	rareShape = 255
	longHead  = 63
)

// roidSizes are how many bytes the number of a ROID may have.
var roidSizes = [...]int{3, 4, 5, 8}

// shape is what many domains have in common.
type shape struct {
	flags    uint32
	statuses registry.Status
}

func (s shape) key() uint64 { return uint64(s.flags)<<32 | uint64(s.statuses) }

// shape reads the first part of a domain's record.
func (c *scanner) shape(t *texts) shape {
	switch n := int(c.byte()); {
	case n == rareShape:
		return shape{uint32(c.sized(flagBytes)), registry.Status(c.uvarint())}
	case n < len(t.shapes):
		return t.shapes[n]
	}
	c.bad = true
	return shape{}
}

// head reads the head of a name, and how many bytes the number of its ROID has.
func (c *scanner) head() (head string, roidSize int) {
	sizes := c.byte()
	length := uint64(sizes & longHead)
	if length == longHead {
		length = c.uvarint()
	}
	return c.take(length), roidSizes[sizes>>6]
}

// domainRecord is a record of a domain taken apart, its texts not yet put
// together.
type domainRecord struct {
	flags                             uint32
	head, tail                        string
	roidForm                          byte
	roidSerial                        uint64
	roidText                          string // where roidNumber alone does not do
	registrar, uname, table, reseller string
	registrant                        ref
	tech, hosts                       refs
	ds                                scanner
	dsCount                           uint64
	statuses                          registry.Status
	times                             [5]registry.Time // created, updated, transferred, expires, refresh
}

// ref is how a domain refers to a contact or a host: by the place of its record,
// or by ROID when the base does not hold it.
type ref struct {
	place    uint32
	dangling bool
	roid     string // where it dangles
}

// refs are several refs, still to be read.
type refs struct {
	scanner
	left  uint64
	width int // of a place that comes first; 0 in a list
	place uint32
}

func (l *refs) next() (r ref, ok bool) {
	if l.left == 0 || l.bad {
		return ref{}, false
	}
	l.left--
	if l.width > 0 {
		l.place, l.width = uint32(l.sized(l.width)), -1
		return ref{place: l.place}, !l.bad
	}
	n := l.uvarint()
	switch {
	case l.width < 0:
		l.place += uint32(unzigzag(n))
		return ref{place: l.place}, !l.bad
	case n&1 == 0:
		return ref{place: uint32(n >> 1)}, !l.bad
	}
	r = ref{dangling: true, roid: l.take(n >> 1)}
	return r, !l.bad
}

// skip moves c behind l, which begins where c stands.
func (l refs) skip(c *scanner) refs {
	for rest := l; ; {
		if _, ok := rest.next(); !ok {
			c.i, c.bad = rest.i, c.bad || rest.bad
			return l
		}
	}
}

// domain takes apart the record at place. ok is false when it is damaged.
func (b *base) domain(place uint32, r *domainRecord) (end int, ok bool) {
	t := &b.kinds[registry.KindDomain]
	c := t.scanner(place)
	b.readDomain(&c, r)
	return c.i, t.read(place, &c)
}

// readDomain takes apart the record at c.
func (b *base) readDomain(c *scanner, r *domainRecord) {
	b.readRefs(c, r)
	r.ds = *c
	r.skipDS(c)
	r.readTimes(c)
}

// readRefs takes apart the first half of the record at c, up to the hosts.
func (b *base) readRefs(c *scanner, r *domainRecord) {
	s := c.shape(&b.texts)
	f := s.flags
	r.flags, r.statuses = f, s.statuses
	tail := byte(0)
	if f&hasTail != 0 {
		tail = c.byte()
	}
	var ok bool
	if r.tail, ok = b.texts.tail(tail); !ok {
		c.bad = true
	}
	head, roidSize := c.head()
	r.head = head
	r.roidForm, r.roidSerial, r.roidText = 0, 0, ""
	switch f & roidText {
	case roidText:
		r.roidText = c.text()
	case roidNumberOfForm:
		r.roidForm = c.byte()
		fallthrough
	case roidNumber:
		r.roidSerial = c.sized(roidSize)
		c.bad = c.bad || int(r.roidForm) >= len(b.texts.forms)
	}
	r.registrar = c.shared(&b.texts)
	r.uname, r.table, r.reseller = "", "", ""
	if f&hasUName != 0 {
		r.uname = c.text()
	}
	if f&hasIDNTable != 0 {
		r.table = c.shared(&b.texts)
	}
	if f&hasReseller != 0 {
		r.reseller = c.shared(&b.texts)
	}
	r.registrant = ref{}
	switch {
	case f&registrantPlace != 0:
		r.registrant.place = uint32(c.sized(b.kinds[registry.KindContact].width))
	case f&registrantText != 0:
		r.registrant = ref{dangling: true, roid: c.text()}
	}
	r.tech.left = 0
	switch f & techList {
	case techPlace:
		r.tech = refs{scanner: *c, left: 1, width: b.kinds[registry.KindContact].width}
		c.take(uint64(r.tech.width))
	case techList:
		n := c.uvarint()
		r.tech = refs{scanner: *c, left: n}.skip(c)
	}
	switch n := uint64(f >> hostsShift & hostList); n {
	case 0:
		r.hosts.left = 0
	case hostList:
		n = c.uvarint()
		r.hosts = refs{scanner: *c, left: n}.skip(c)
	default:
		r.hosts = refs{scanner: *c, left: n, width: b.kinds[registry.KindHost].width}
		c.take(uint64(r.hosts.width))
		for ; n > 1; n-- {
			c.uvarint()
		}
	}
	if r.dsCount = uint64(f >> dsShift & dsList); r.dsCount == dsList {
		r.dsCount = c.uvarint()
	}
}

// skipRest moves c from behind what readRefs has read to the end of the record.
func (r *domainRecord) skipRest(c *scanner) {
	r.skipDS(c)
	if r.flags&plainTimes == 0 {
		r.readTimes(c)
		return
	}
	c.take(4)
	if c.byte() == 0 {
		c.take(4)
	}
	c.take(4 * uint64(bits.OnesCount32(r.flags&(hasUpdated|hasTransferred|hasRefresh))))
}

func (r *domainRecord) skipDS(c *scanner) {
	for n := r.dsCount; n > 0 && !c.bad; n-- {
		c.take(4)
		c.take(c.uvarint() >> 1)
	}
}

// expires stands as a byte of whole days after created: 365 for each of the years
// in its upper five bits, and those in its lower three for leap years; 0 where it
// is not such a day, and four bytes follow.
const leapBits = 3

func (r *domainRecord) readTimes(c *scanner) {
	r.times = [5]registry.Time{}
	created, updated, transferred, expires, refresh := &r.times[0], &r.times[1], &r.times[2], &r.times[3], &r.times[4]
	if r.flags&plainTimes == 0 {
		for i := range r.times {
			r.times[i] = registry.Time(c.varint())
		}
		return
	}
	*created = c.seconds()
	if lasts := c.byte(); lasts != 0 {
		*expires = *created + registry.Time(365*int(lasts>>leapBits)+int(lasts&(1<<leapBits-1)))*day
	} else {
		*expires = c.seconds()
	}
	if r.flags&hasUpdated != 0 {
		*updated = c.seconds()
	}
	switch {
	case r.flags&hasTransferred != 0:
		*transferred = c.seconds()
	case r.flags&transferredLast != 0:
		*transferred = *updated
	}
	if r.flags&hasRefresh != 0 {
		*refresh = c.seconds()
	}
}

const day = 86400 * second

// appendName appends the name of the domain.
func (r *domainRecord) appendName(dst []byte) []byte {
	return append(append(dst, r.head...), r.tail...)
}

// compare orders the name of the domain and name.
func (r *domainRecord) compare(name string) int {
	n := min(len(r.head), len(name))
	if c := strings.Compare(r.head[:n], name[:n]); c != 0 || n < len(r.head) {
		if c == 0 {
			return 1
		}
		return c
	}
	return strings.Compare(r.tail, name[n:])
}

func (r *domainRecord) appendROID(dst []byte, t *texts) []byte {
	switch r.flags & roidText {
	case 0:
		return dst
	case roidText:
		return append(dst, r.roidText...)
	}
	return t.forms[r.roidForm].append(dst, r.roidSerial)
}

// hasROID reports whether the ROID of the domain is roid.
func (r *domainRecord) hasROID(roid string, t *texts) bool {
	switch r.flags & roidText {
	case 0:
		return roid == ""
	case roidText:
		return roid == r.roidText
	}
	before, serial, after, ok := splitROID(roid)
	f := &t.forms[r.roidForm]
	return ok && serial == r.roidSerial && before == f.before && after == f.after
}

// fetch prefetches the records that r refers to, all at once; one after the other
// they would cost as much as all the rest of a look-up (BenchmarkDomain).
func (b *base) fetch(r *domainRecord) {
	if r.flags&registrantPlace != 0 {
		b.kinds[registry.KindContact].fetch(r.registrant.place)
	}
	for list := r.hosts; ; {
		next, ok := list.next()
		if !ok {
			return
		}
		if !next.dangling {
			b.kinds[registry.KindHost].fetch(next.place)
		}
	}
}

// fillDomain sets d to the domain of r. ok is false when what r refers to is
// damaged.
func (b *base) fillDomain(r *domainRecord, d *registry.Domain) (ok bool) {
	b.fetch(r)
	memory := r.appendName(d.Memory[:0])
	named := len(memory)
	memory = r.appendROID(memory, &b.texts)
	roid := len(memory)
	d.UName, d.IDNTable, d.Registrar, d.Reseller = r.uname, r.table, r.registrar, r.reseller
	d.Registrant, ok = "", true
	if r.flags&(registrantPlace|registrantText) != 0 {
		d.Registrant, ok = b.roid(registry.KindContact, r.registrant)
	}
	d.Tech = d.Tech[:0]
	if r.flags&techList == techRegistrant {
		d.Tech = append(d.Tech, d.Registrant)
	}
	for list := r.tech; ok; {
		next, more := list.next()
		if !more {
			break
		}
		var text string
		text, ok = b.roid(registry.KindContact, next)
		d.Tech = append(d.Tech, text)
	}
	d.Hosts = d.Hosts[:0]
	for list := r.hosts; ok; {
		next, more := list.next()
		if !more {
			break
		}
		var text string
		text, ok = b.roid(registry.KindHost, next)
		d.Hosts = append(d.Hosts, text)
	}
	d.DS = d.DS[:0]
	for c, n := r.ds, r.dsCount; n > 0; n-- {
		ds := registry.DS{KeyTag: uint16(c.sized(2)), Algorithm: c.byte(), DigestType: c.byte()}
		if length := c.uvarint(); length&1 != 0 {
			ds.Digest = c.take(length >> 1)
		} else {
			from := len(memory)
			memory = appendHex(memory, c.take(length>>1))
			ds.Digest = textOf(memory[from:])
		}
		d.DS = append(d.DS, ds)
	}
	d.Name, d.ROID = textOf(memory[:named]), textOf(memory[named:roid])
	d.Memory = memory
	d.Statuses = r.statuses
	d.Created, d.Updated, d.Transferred, d.Expires, d.RefreshAt = r.times[0], r.times[1], r.times[2], r.times[3], r.times[4]
	return ok
}

// roid returns the ROID that r refers to.
func (b *base) roid(kind registry.Kind, r ref) (roid string, ok bool) {
	if r.dangling {
		return r.roid, true
	}
	return b.kinds[kind].roid(r.place)
}

const digits = "0123456789ABCDEF"

func appendHex(dst []byte, bytes string) []byte {
	for i := range len(bytes) {
		dst = append(dst, digits[bytes[i]>>4], digits[bytes[i]&15])
	}
	return dst
}

// appendDomain appends d as a record. What d refers to was resolved before.
func (m *recordMaker) appendDomain(dst []byte, d *registry.Domain) []byte {
	start := len(dst)
	var flags uint32
	dst = append(dst, rareShape)
	if m.zone == "" || !isLabelUnder(d.Name, m.zone) {
		m.zone = m.zoneOf(d.Name)
	}
	tail, head := m.texts.tailOf(d.Name, m.zone)
	if tail != 0 {
		flags |= hasTail
		dst = append(dst, tail)
	}
	form, serial, numbered := m.texts.formOf(d.ROID)
	class := 0
	for sizeOf(serial) > roidSizes[class] {
		class++
	}
	dst = append(dst, byte(min(len(head), longHead)|class<<6))
	if len(head) >= longHead {
		dst = appendNumber(dst, uint64(len(head)))
	}
	dst = append(dst, head...)
	switch {
	case numbered && form == 0:
		flags |= roidNumber
	case numbered:
		flags |= roidNumberOfForm
		dst = append(dst, form)
	case d.ROID != "":
		flags |= roidText
		dst = appendText(dst, d.ROID)
	}
	if numbered {
		dst = appendSized(dst, serial, roidSizes[class])
	}
	dst = m.texts.appendShared(dst, d.Registrar)
	if d.UName != "" {
		flags |= hasUName
		dst = appendText(dst, d.UName)
	}
	if d.IDNTable != "" {
		flags |= hasIDNTable
		dst = m.texts.appendShared(dst, d.IDNTable)
	}
	if d.Reseller != "" {
		flags |= hasReseller
		dst = m.texts.appendShared(dst, d.Reseller)
	}
	registrant, tech, hosts := m.take(d)
	switch {
	case registrant == nil:
	case registrant.there:
		flags |= registrantPlace
		dst = appendSized(dst, uint64(registrant.place), m.width(registry.KindContact))
	default:
		flags |= registrantText
		dst = appendText(dst, d.Registrant)
	}
	dst, flags = m.appendTech(dst, flags, d.Registrant, tech)
	dst, flags = m.appendHosts(dst, flags, hosts)
	flags |= uint32(min(len(d.DS), dsList)) << dsShift
	if len(d.DS) >= dsList {
		dst = appendNumber(dst, uint64(len(d.DS)))
	}
	for i := range d.DS {
		dst = appendDS(dst, &d.DS[i])
	}
	dst, flags = appendDomainTimes(dst, flags, d)
	s := shape{flags, d.Statuses}
	if number, ok := m.texts.shapeOf(s); ok {
		dst[start] = number
		return dst
	}
	var rare [flagBytes + binary.MaxVarintLen32]byte
	return slices.Insert(dst, start+1, appendNumber(appendSized(rare[:0], uint64(s.flags), flagBytes), uint64(s.statuses))...)
}

func (m *recordMaker) appendTech(dst []byte, flags uint32, registrant string, tech []reference) ([]byte, uint32) {
	switch {
	case len(tech) == 0:
		return dst, flags
	case len(tech) == 1 && tech[0].key == registrant && registrant != "":
		return dst, flags | techRegistrant
	case len(tech) == 1 && tech[0].there:
		return appendSized(dst, uint64(tech[0].place), m.width(registry.KindContact)), flags | techPlace
	}
	return appendReferences(dst, tech), flags | techList
}

func (m *recordMaker) appendHosts(dst []byte, flags uint32, hosts []reference) ([]byte, uint32) {
	start := len(dst)
	for i := range hosts {
		switch place := hosts[i].place; {
		case !hosts[i].there || i == hostList-1:
			return appendReferences(dst[:start], hosts), flags | hostList<<hostsShift
		case i == 0:
			dst = appendSized(dst, uint64(place), m.width(registry.KindHost))
		default:
			dst = appendNumber(dst, zigzag(int64(place)-int64(hosts[i-1].place)))
		}
	}
	return dst, flags | uint32(len(hosts))<<hostsShift
}

func appendReferences(dst []byte, list []reference) []byte {
	dst = appendNumber(dst, uint64(len(list)))
	for i := range list {
		if ref := &list[i]; ref.there {
			dst = appendNumber(dst, uint64(ref.place)<<1)
		} else {
			dst = append(appendNumber(dst, uint64(len(ref.key))<<1|1), ref.key...)
		}
	}
	return dst
}

func appendDS(dst []byte, ds *registry.DS) []byte {
	dst = append(dst, byte(ds.KeyTag), byte(ds.KeyTag>>8), ds.Algorithm, ds.DigestType)
	if !strings.ContainsAny(ds.Digest, "abcdef") { // capitals come back
		binary, err := hex.AppendDecode(appendNumber(dst, uint64(len(ds.Digest)/2)<<1), []byte(ds.Digest))
		if err == nil {
			return binary
		}
	}
	return append(appendNumber(dst, uint64(len(ds.Digest))<<1|1), ds.Digest...)
}

func appendDomainTimes(dst []byte, flags uint32, d *registry.Domain) ([]byte, uint32) {
	if !plainTime(d.Created) || !plainTime(d.Updated) || !plainTime(d.Transferred) || !plainTime(d.Expires) || !plainTime(d.RefreshAt) {
		for _, t := range [...]registry.Time{d.Created, d.Updated, d.Transferred, d.Expires, d.RefreshAt} {
			dst = appendNumber(dst, zigzag(int64(t)))
		}
		return dst, flags
	}
	flags |= plainTimes
	dst = appendSeconds(dst, d.Created)
	lasts := d.Expires - d.Created
	days := lasts / day
	if years, leap := days/365, days%365; lasts > 0 && lasts%day == 0 && years < 1<<5 && leap < 1<<leapBits && days > 0 {
		dst = append(dst, byte(years<<leapBits|leap))
	} else {
		dst = appendSeconds(append(dst, 0), d.Expires)
	}
	if d.Updated != 0 {
		flags |= hasUpdated
		dst = appendSeconds(dst, d.Updated)
	}
	switch {
	case d.Transferred == 0:
	case d.Transferred == d.Updated:
		flags |= transferredLast
	default:
		flags |= hasTransferred
		dst = appendSeconds(dst, d.Transferred)
	}
	if d.RefreshAt != 0 {
		flags |= hasRefresh
		dst = appendSeconds(dst, d.RefreshAt)
	}
	return dst, flags
}
