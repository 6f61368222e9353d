package cache

import (
	"sort"
	"strings"
	"unsafe"

	"rddsd/cache/registry"
)

// kindTable holds the records of one kind in order of key, one after the other,
// and finds them. The place of a record is where it begins, in units of
// 1 << shift bytes: four bytes carry any size, and the unit is a byte up to
// 4 GiB. As records are in order, so are places.
type kindTable struct {
	kind    registry.Kind
	base    *base
	records part
	shift   uint8
	width   int // bytes of the greatest place
	count   int
	byKey   buckets
	samples part // place of every sampleEvery-th record, 4 bytes each
}

const (
	// sampleEvery is how many records a walk from a known place passes at most.
	sampleEvery = 32
	// minRecord is the least that a record takes, in bytes, so that the eighth of
	// where it begins is a number of its own; see postings.
	minRecord = 8
	// maxShift carries 256 GiB of records of a kind: no machine holds them.
	maxShift = 6
)

// nextLine is how far into a record its second line of memory is read ahead.
const nextLine = 48

func (t *kindTable) offset(place uint32) int { return int(place) << t.shift }

// scanner returns a scanner at the record at place.
func (t *kindTable) scanner(place uint32) scanner {
	if at := t.offset(place); at < len(t.records.text) {
		return scanner{s: t.records.text, i: at}
	}
	return scanner{bad: true} // and empty
}

// read reports whether c, which has read the record at place, read what was
// written.
func (t *kindTable) read(place uint32, c *scanner) bool {
	return !c.bad && t.records.good(t.offset(place), c.i)
}

// after returns the place of the record that follows one which takes the bytes
// from place's to end.
func (t *kindTable) after(place uint32, end int) uint32 {
	end = max(end, t.offset(place)+minRecord)
	return uint32((end + 1<<t.shift - 1) >> t.shift)
}

// more reports whether a record begins at place.
func (t *kindTable) more(place uint32) bool { return t.offset(place) < len(t.records.text) }

// fetch prefetches the record at place: most end on the line after the one they
// begin on.
func (t *kindTable) fetch(place uint32) {
	at := t.offset(place)
	t.records.fetch(at)
	t.records.fetch(at + nextLine)
}

// roid returns the key of the contact or host at place.
func (t *kindTable) roid(place uint32) (roid string, ok bool) {
	c := t.scanner(place)
	roid = c.text()
	return roid, t.read(place, &c)
}

// rowAt returns the row in the record at place, of a kind that has rows.
func (t *kindTable) rowAt(place uint32) (row string, end int, ok bool) {
	c := t.scanner(place)
	row = c.text()
	return row, c.i, t.read(place, &c)
}

// record is what can be said of any record: its key, and where it ends.
type record struct {
	domain domainRecord // of a domain, whose key stands in pieces
	key    string       // of all others
	end    int
}

// at takes apart the record at place, as far as its key.
func (t *kindTable) at(place uint32, r *record) (ok bool) {
	switch t.kind {
	case registry.KindDomain:
		r.end, ok = t.base.domain(place, &r.domain)
	case registry.KindContact, registry.KindHost:
		r.key, ok = t.roid(place)
	default:
		var row string
		if row, r.end, ok = t.rowAt(place); ok {
			r.key, ok = rowKey(row)
		}
	}
	return ok
}

// compare orders the key of r, which is of the kind of t, and key.
func (t *kindTable) compare(r *record, key string) int {
	if t.kind == registry.KindDomain {
		return r.domain.compare(key)
	}
	return strings.Compare(r.key, key)
}

// appendKey appends the key of r, which is of the kind of t.
func (t *kindTable) appendKey(dst []byte, r *record) []byte {
	if t.kind == registry.KindDomain {
		return r.domain.appendName(dst)
	}
	return append(dst, r.key...)
}

// next returns the place of the record after the one at place, which r is.
func (t *kindTable) next(place uint32, r *record) (after uint32, ok bool) {
	switch t.kind {
	case registry.KindContact:
		c := t.scanner(place)
		var o registry.Contact
		t.base.contact(&c, &o)
		r.end, ok = c.i, t.read(place, &c)
	case registry.KindHost:
		c := t.scanner(place)
		var n registry.Nameserver
		t.base.host(&c, &n)
		r.end, ok = c.i, t.read(place, &c)
	default:
		ok = true // at has met the end
	}
	return t.after(place, r.end), ok
}

// find returns the place of the record under key. ok is false when a damaged
// block keeps that from being known.
func (t *kindTable) find(key string) (place uint32, found, ok bool) {
	if place, ok := t.own(key); ok {
		return place, true, true
	}
	return t.search(key, hashText(t.base.seed, key))
}

// search is find for a key that stands in no record, and whose hash is known.
func (t *kindTable) search(key string, hash uint64) (place uint32, found, ok bool) {
	p := t.byKey.probe(hash)
	if t.kind == registry.KindDomain {
		return t.findDomain(&p, key)
	}
	var r record
	for place, more := p.next(); more; place, more = p.next() {
		if !t.at(place, &r) {
			return 0, false, false
		}
		if r.key == key {
			return place, true, true
		}
	}
	return 0, false, !p.bad
}

// own returns the place of the contact or host whose key is key itself, not
// another text that says the same: a look-up of its domain has set it, and checked
// it. So the objects of an answer are found without a search, and their records
// are in the processor's cache by now, or nearly. Any other text of a record would be
// taken for a key: nobody asks for a name or a street as for a ROID.
func (t *kindTable) own(key string) (place uint32, ok bool) {
	if t.kind != registry.KindContact && t.kind != registry.KindHost {
		return 0, false
	}
	at := uintptr(unsafe.Pointer(unsafe.StringData(key))) - uintptr(unsafe.Pointer(unsafe.StringData(t.records.text))) - 1 // behind its length
	if at >= uintptr(len(t.records.text)) || at&(1<<t.shift-1) != 0 || int(t.records.text[at]) != len(key) {
		return 0, false
	}
	return uint32(at >> t.shift), len(key) < 0x80
}

// findDomain is find without taking apart more than the name.
func (t *kindTable) findDomain(p *probe, name string) (place uint32, found, ok bool) {
	for place, more := p.next(); more; place, more = p.next() {
		t.fetch(place)
		c := t.scanner(place)
		tail := byte(0)
		if c.shape(&t.base.texts).flags&hasTail != 0 {
			tail = c.byte()
		}
		head, _ := c.head()
		ending, known := t.base.texts.tail(tail)
		if !known || !t.read(place, &c) {
			return 0, false, false
		}
		if len(name) == len(head)+len(ending) && name[:len(head)] == head && name[len(head):] == ending {
			return place, true, true
		}
	}
	return 0, false, !p.bad
}

// number returns the place of the record with that number in order of key, n
// less than count.
func (t *kindTable) number(n int) (place uint32, ok bool) {
	at := n / sampleEvery * 4
	if n < 0 || at+4 > len(t.samples.text) || !t.samples.good(at, at+4) {
		return 0, false
	}
	place = uint32At(t.samples.text, at)
	var r record
	for range n % sampleEvery {
		if !t.more(place) || !t.at(place, &r) {
			return 0, false
		}
		if place, ok = t.next(place, &r); !ok {
			return 0, false
		}
	}
	return place, t.more(place)
}

// from returns the place of the first record whose key is not before key.
func (t *kindTable) from(key string) (place uint32, ok bool) {
	var r record
	ok = true
	samples := len(t.samples.text) / 4
	// The last sample whose key is before key: the record stands behind it.
	n := sort.Search(samples, func(i int) bool {
		good := t.samples.good(4*i, 4*i+4) && t.at(uint32At(t.samples.text, 4*i), &r)
		ok = ok && good
		return !good || t.compare(&r, key) >= 0
	}) - 1
	if n >= 0 {
		place = uint32At(t.samples.text, 4*n)
	}
	for ok && t.more(place) {
		if ok = t.at(place, &r); !ok || t.compare(&r, key) >= 0 {
			break
		}
		place, ok = t.next(place, &r)
	}
	return place, ok
}
