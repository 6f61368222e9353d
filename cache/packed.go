package cache

import (
	"encoding/binary"
	"fmt"
	"math/bits"

	"rddsd/cache/registry"
)

// A packed index finds objects by a second key, domains by ROID and hosts by
// name: what is asked for seldom. It takes 4.6 bytes an object where buckets
// takes 5.9, because it has no bytes for tags: an entry is four bytes, of which
// the value takes as few bits as its largest needs, and a tag what is left.
//
//	bucket     16 entries, a line of the processor's cache; they fill from the front
//	entry      4 bytes: low bits one more than the value, 0 = no entry; high bits
//	           of the hash
//
// The value is the number of a domain, which takes three bits less than its place,
// or the place of a host. An entry stands in the bucket that its hash names, or in
// the next one that had room, so a search ends where there is no entry.
//
// Of 10 million domains one look-up in six meets an entry of another ROID with the
// same tag, of 100 million each meets one or two.
type packed struct {
	part
	bits uint8 // of a value and one
}

const (
	packedEntries = 16 // of a bucket
	packedFill    = 14 // of them, on average; with 15 a search reads 8 buckets instead of 3
)

// tagOf returns what an entry keeps of a hash.
func (p *packed) tagOf(hash uint64) uint32 { return uint32(hash) >> p.bits }

// packedProbe walks the values that a hash may mean.
type packedProbe struct {
	packed
	tag   uint32
	at    int  // of the next entry, in bytes
	steps int  // entries that may still follow
	bad   bool // a bucket is damaged: what was looked for may stand there
}

func (p *packed) probe(hash uint64) packedProbe {
	n := len(p.text) / bucketSize
	high, _ := bits.Mul64(hash, uint64(n))
	return packedProbe{packed: *p, tag: p.tagOf(hash), at: int(high) * bucketSize, steps: n * packedEntries}
}

// next returns the next value.
func (p *packedProbe) next() (value uint32, ok bool) {
	for ; p.steps > 0; p.steps-- {
		if p.at%bucketSize == 0 {
			if p.at == len(p.text) {
				p.at = 0
			}
			if !p.good(p.at, p.at+bucketSize) {
				p.bad, p.steps = true, 0
				return 0, false
			}
		}
		e := uint32At(p.text, p.at)
		if e == 0 {
			p.steps = 0
			return 0, false
		}
		p.at += 4
		if e>>p.bits == p.tag {
			p.steps--
			return uint32(uint64(e)&(1<<p.bits-1)) - 1, true
		}
	}
	return 0, false
}

// candidates walks the places of the objects that key may find in ix, which is
// hostByName or domainByROID.
type candidates struct {
	packedProbe
	domains *kindTable // of whose numbers the values are; nil when they are places
}

func (b *base) candidates(ix index, key string) candidates {
	hash := hashText(b.seed, key)
	if ix == domainByROID {
		return candidates{b.domainByROID.probe(hash), &b.kinds[registry.KindDomain]}
	}
	return candidates{b.hostByName.probe(hash), nil}
}

// next returns the next place.
func (c *candidates) next() (place uint32, ok bool) {
	value, ok := c.packedProbe.next()
	if !ok || c.domains == nil {
		return value, ok
	}
	if place, ok = c.domains.number(int(value)); !ok {
		c.bad = true
	}
	return place, ok
}

// packedMaker fills a packed index.
type packedMaker struct {
	memory *region
	packed // without its text
	n      int
	queue  queue
}

// makePacked returns an empty index for so many objects, with values to most.
func makePacked(objects int, most uint64) (*packedMaker, error) {
	n := (objects + packedFill - 1) / packedFill
	memory, err := newRegion(n * bucketSize)
	if err != nil {
		return nil, fmt.Errorf("make an index of %d objects: %w", objects, err)
	}
	return &packedMaker{memory: memory, packed: packed{bits: uint8(bits.Len64(most + 1))}, n: n}, nil
}

// add puts value under hash. There must be room: makePacked was told of it.
func (m *packedMaker) add(hash uint64, value uint32) error {
	high, _ := bits.Mul64(hash, uint64(m.n))
	if !m.queue.add(int(high)*bucketSize, uint64(m.tagOf(hash))<<m.bits|uint64(value)+1) {
		return nil
	}
	return m.flush()
}

// flush puts what waits where it belongs.
func (m *packedMaker) flush() error {
	data := m.memory.data
	for _, e := range m.queue.take(data) {
		at := e.at
		for steps := 0; binary.LittleEndian.Uint32(data[at:]) != 0; steps++ {
			if at += 4; at == len(data) {
				at = 0
			}
			if steps == m.n*packedEntries {
				return fmt.Errorf("make an index: it has room for %d entries and is full", steps)
			}
		}
		binary.LittleEndian.PutUint32(data[at:], uint32(e.value))
	}
	return nil
}
