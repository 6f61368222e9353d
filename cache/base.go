package cache

import (
	"cmp"
	"net/netip"

	"rddsd/cache/registry"
)

// base holds nearly all objects of a View and the indexes over them. It is one
// piece of memory without a pointer in it, laid out as its file is: made once,
// read by many, changed never. Many Views share it.
//
//	+--------------------------------------------------------------+
//	| magic, format version                                        |
//	+--------------------------------------------------------------+
//	| TLD        records | hash index by key | samples             |
//	| registrar  records | hash index by key | samples             |
//	| contact    records | hash index by key | samples             |
//	| host       records | hash index by key, by name | samples    |  <-.
//	| domain     records | hash index by key, by ROID | samples    | ---' places
//	| reserved   records | hash index by key | samples             |
//	+--------------------------------------------------------------+
//	| domains of contacts | domains of hosts                       |
//	| addresses of hosts | refresh moments of domains              |
//	| dictionary of shared texts                                   |
//	+--------------------------------------------------------------+
//	| table: position, counts, where each part begins, quarantine, |
//	|        a hash of each block of 64 KiB before it              |
//	| length and hash of the table                                 |
//	+--------------------------------------------------------------+
//
// A look-up by name reads the bucket of the name's hash (buckets), then the
// record that it points at (recordDomain); that record refers to contacts and
// hosts by the places of theirs, so each further object costs one more line of
// memory and no search.
//
// Records stand in order of key: their order is the sorted order, and costs
// nothing. Every 32nd place is noted (samples), for searches by prefix and to
// find a record by its number.
//
// What changed since stands in the View's overlay. A record of the base counts no
// longer once the overlay holds the object, and an index entry of the base counts
// no longer (it is void) once the overlay says that the object stands elsewhere in
// that index, or is gone. So each look-up drops void entries of the base and adds
// those of the overlay.
//
// # Bytes a name
//
// Of 10 million generated names with their public contacts a name takes some 75 bytes:
//
//	39   its record: 11 of name, 10 of dates, 9 of references to contacts and hosts
//	10   two hash indexes, by name and by ROID
//	9    contacts, of which there is one for five names
//	6    hosts, one for fifteen names
//	10   who refers to them, addresses, refresh moments
//
// go run ./bench cache --size 10000000 measures the sum, View.Usage has the parts.
type base struct {
	layout
	memory *region
	blocks *blocks // nil when nothing has to be checked

	kinds            [registry.Kinds]kindTable
	texts            texts
	domainByROID     packed // numbers
	hostByName       packed // places
	domainsByContact postings
	domainsByHost    postings
	lostContacts     postings // domains that refer to contacts which the base does not hold
	lostHosts        postings
	addresses        postings // places of the hosts that have an address
	refresh          part     // numbers of the domains that the clock changes, 4 bytes each, in order of when it does
}

// layout tells where in a base its parts are, and what else it takes to read
// them.
type layout struct {
	seed     uint64 // of all hashes of texts
	body     uint64 // bytes before the table
	extents  [parts]extent
	counts   [registry.Kinds]int
	shifts   [registry.Kinds]uint8
	minShift uint8    // for tests: what shifts are at least
	bits     [2]uint8 // of the values of the indexes of hosts by name and of domains by ROID
	affixes
}

// extent is where a part stands, in bytes.
type extent struct{ at, size uint64 }

// partAlign is what the place of a part is a multiple of, in bytes: buckets are
// lines of the processor's cache.
const partAlign = 64

// partID names a part. The numbers belong to the file format.
type partID int

const (
	partHostByName partID = 3*registry.Kinds + iota
	partDomainByROID
	partContactDomains // lists, samples; then those of contacts that are not there
	_
	_
	_
	partHostDomains
	_
	_
	_
	partAddresses // lists, samples
	_
	partRefresh
	partWords
	partWordEnds

	parts
)

func recordsOf(kind registry.Kind) partID { return partID(kind) * 3 }
func byKeyOf(kind registry.Kind) partID   { return partID(kind)*3 + 1 }
func samplesOf(kind registry.Kind) partID { return partID(kind)*3 + 2 }

// eachAddress calls do with the key of each address of n.
func eachAddress(n *registry.Nameserver, do func(key [16]byte)) {
	for _, list := range [2][]string{n.V4, n.V6} {
		for _, text := range list {
			if addr, err := netip.ParseAddr(text); err == nil {
				do(addressKey(addr))
			}
		}
	}
}

// moment is when the clock alone changes the row of a domain.
type moment struct {
	at     registry.Time
	domain uint64 // number
}

func (m *moment) compare(to *moment) int {
	return cmp.Or(cmp.Compare(m.at, to.at), cmp.Compare(m.domain, to.domain))
}

// init makes b an empty base, of which every part can be asked.
func (b *base) init() {
	for kind := range b.kinds {
		b.kinds[kind] = kindTable{kind: registry.Kind(kind), base: b, width: 1}
	}
}

// use makes data the bytes of b, whose layout says where in it things are, as
// far as data goes: a base that is being made is shorter than its layout.
func (b *base) use(data []byte, check *blocks) {
	b.init()
	b.blocks = check
	at := func(id partID) part {
		e := b.extents[id]
		return part{text: textOf(data[e.at : e.at+e.size]), at: e.at, blocks: check}
	}
	for kind := range registry.Kind(registry.Kinds) {
		t := &b.kinds[kind]
		t.records, t.byKey, t.samples = at(recordsOf(kind)), buckets{at(byKeyOf(kind))}, at(samplesOf(kind))
		t.shift, t.count = b.shifts[kind], b.counts[kind]
		t.width = min(4, sizeOf(uint64(len(t.records.text))>>t.shift))
	}
	b.texts = texts{words: at(partWords), ends: at(partWordEnds), affixes: b.affixes}
	b.hostByName, b.domainByROID = packed{at(partHostByName), b.bits[0]}, packed{at(partDomainByROID), b.bits[1]}
	list := func(id partID) postings { return postings{at(id), at(id + 1)} }
	b.domainsByContact, b.lostContacts = list(partContactDomains), list(partContactDomains+2)
	b.domainsByHost, b.lostHosts = list(partHostDomains), list(partHostDomains+2)
	b.addresses, b.refresh = list(partAddresses), at(partRefresh)
}

// decode fills the object of w that is of kind with the one at place, and returns
// where its record ends.
func (b *base) decode(kind registry.Kind, place uint32, w *workspace) (end int, ok bool) {
	t := &b.kinds[kind]
	switch kind {
	case registry.KindDomain:
		var r domainRecord
		end, ok = b.domain(place, &r)
		return end, ok && b.fillDomain(&r, &w.domain)
	case registry.KindContact:
		c := t.scanner(place)
		b.contact(&c, &w.contact)
		return c.i, t.read(place, &c)
	case registry.KindHost:
		c := t.scanner(place)
		b.host(&c, &w.host)
		return c.i, t.read(place, &c)
	}
	row, end, ok := t.rowAt(place)
	return end, ok && w.decode(kind, row) == nil
}

// domainsOf returns the numbers of the domains that refer to the object of kind
// under roid.
func (b *base) domainsOf(kind registry.Kind, roid string) (list numbers, ok bool) {
	held, lost := &b.domainsByContact, &b.lostContacts
	if kind == registry.KindHost {
		held, lost = &b.domainsByHost, &b.lostHosts
	}
	t := &b.kinds[kind]
	place, found, ok := t.find(roid)
	switch {
	case !ok:
		return numbers{}, false
	case found:
		return held.of(uint32(t.offset(place) / minRecord))
	}
	return lost.of(lostCell(b.seed, roid))
}

// refers reports whether the domain of r refers to the object of kind under
// roid. It is asked of what a hash alone has found.
func (b *base) refers(r *domainRecord, kind registry.Kind, roid string) bool {
	is := func(ref ref) bool {
		text, ok := b.roid(kind, ref)
		return ok && text == roid
	}
	list := r.hosts
	if kind == registry.KindContact {
		if r.flags&(registrantPlace|registrantText) != 0 && is(r.registrant) {
			return true
		}
		list = r.tech
	}
	for next, ok := list.next(); ok; next, ok = list.next() {
		if is(next) {
			return true
		}
	}
	return false
}

// hostsAt returns the places of the hosts that may have the address key.
func (b *base) hostsAt(key [16]byte) (places numbers, ok bool) {
	return b.addresses.of(addressCell(b.seed, key))
}

// hasAddress reports whether the host at place has the address key, and returns
// its ROID. It is asked of what a hash alone has found.
func (b *base) hasAddress(place uint32, key [16]byte) (roid string, has, ok bool) {
	t := &b.kinds[registry.KindHost]
	c := t.scanner(place)
	roid = c.text()
	mask := c.byte()
	c.text()
	c.shared(&b.texts)
	for _, family := range [...]byte{hostV4, hostV6} {
		if mask&family == 0 {
			continue
		}
		for n := c.uvarint(); n > 0 && !c.bad; n-- {
			addr, err := netip.ParseAddr(c.text())
			has = has || err == nil && addressKey(addr) == key
		}
	}
	return roid, has, t.read(place, &c)
}

// refreshed returns the number at in refresh.
func (b *base) refreshed(at int) (number int, there, ok bool) {
	from := at * 4
	if from+4 > len(b.refresh.text) {
		return 0, false, true
	}
	ok = b.refresh.good(from, from+4)
	return int(uint32At(b.refresh.text, from)), ok, ok
}
