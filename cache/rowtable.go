package cache

import (
	"errors"
	"hash/maphash"
	"math"
	"slices"
	"sort"
	"strings"
)

// rowTable holds the rows of one kind, in order of key once it is sorted, and
// finds them by key. A row's number is its place; what refers to rows does so by
// number, so that the garbage collector has nothing to follow but the rows
// themselves.
type rowTable struct {
	rows  []string
	byKey slots
}

var errTooMany = errors.New("a View carries at most 4,294,967,294 objects of a kind")

// add appends row, whose key is not in t yet, and returns its number.
func (t *rowTable) add(row, key string) (uint32, error) {
	if len(t.rows) >= math.MaxUint32-1 {
		return 0, errTooMany
	}
	number := uint32(len(t.rows))
	t.rows = append(t.rows, row)
	t.byKey.add(tagOf(key), number)
	return number, nil
}

// find returns the number of the row under key.
func (t *rowTable) find(key string) (number uint32, ok bool) {
	p := t.byKey.probe(tagOf(key))
	for number, ok = p.next(); ok; number, ok = p.next() {
		if t.key(number) == key {
			return number, true
		}
	}
	return 0, false
}

// row returns the row under key, "" if there is none.
func (t *rowTable) row(key string) string {
	if number, ok := t.find(key); ok {
		return t.rows[number]
	}
	return ""
}

// key returns the key of a row.
func (t *rowTable) key(number uint32) string {
	key, _ := rowKey(t.rows[number]) // it was there when the row was added
	return key
}

// from returns the number of the first row whose key is not before key, in a
// sorted table.
func (t *rowTable) from(key string) uint32 {
	return uint32(sort.Search(len(t.rows), func(i int) bool { return t.key(uint32(i)) >= key }))
}

// sort puts the rows in order of key and returns the new number of each, nil
// when nothing has moved.
func (t *rowTable) sort() []uint32 {
	sorted := true
	for i := 1; i < len(t.rows) && sorted; i++ {
		sorted = t.key(uint32(i-1)) < t.key(uint32(i))
	}
	if sorted {
		return nil
	}
	type place struct {
		order  uint64 // first eight bytes of the key
		number uint32
	}
	places := make([]place, len(t.rows))
	for i := range places {
		places[i] = place{order(t.key(uint32(i))), uint32(i)}
	}
	slices.SortFunc(places, func(x, y place) int {
		if x.order != y.order {
			return sign(x.order < y.order)
		}
		return strings.Compare(t.key(x.number), t.key(y.number))
	})
	rows, moved := make([]string, len(t.rows)), make([]uint32, len(t.rows))
	for i, p := range places {
		rows[i], moved[p.number] = t.rows[p.number], uint32(i)
	}
	t.rows = rows
	t.byKey.renumber(moved)
	return moved
}

// slots is a hash table from texts to numbers of rows. It holds no text: who
// asks compares that of the row. A text may have several numbers.
type slots struct {
	table []uint64 // tag and number+1, each 32 bits; 0 = free
	shift uint8    // a tag's place in table is its upper bits
	used  int
}

// seed makes the places of texts unforeseeable: names are chosen by strangers.
var seed = maphash.MakeSeed()

func tagOf(text string) uint32 { return uint32(maphash.String(seed, text) >> 32) }

// reserve makes room for so many numbers, of which s holds none yet.
func (s *slots) reserve(numbers int) {
	size, bits := 8, uint8(3)
	for size*3/4 < numbers {
		size, bits = size*2, bits+1
	}
	s.table, s.shift = make([]uint64, size), 32-bits
}

func (s *slots) add(tag, number uint32) {
	if (s.used+1)*4 > len(s.table)*3 {
		old := s.table
		s.reserve(max(8, len(old)))
		for _, e := range old {
			if e != 0 {
				s.put(uint32(e>>32), e)
			}
		}
	}
	s.put(tag, uint64(tag)<<32|uint64(number+1))
	s.used++
}

func (s *slots) put(tag uint32, e uint64) {
	at := int(tag >> s.shift)
	for s.table[at] != 0 {
		at = (at + 1) & (len(s.table) - 1)
	}
	s.table[at] = e
}

func (s *slots) renumber(moved []uint32) {
	for i, e := range s.table {
		if e != 0 {
			s.table[i] = e&^math.MaxUint32 | uint64(moved[uint32(e)-1]+1)
		}
	}
}

// probe walks the numbers that a tag may mean.
type probe struct {
	table []uint64
	at    int
	tag   uint32
}

func (s *slots) probe(tag uint32) probe { return probe{s.table, int(tag >> s.shift), tag} }

func (p *probe) next() (number uint32, ok bool) {
	if len(p.table) == 0 {
		return 0, false
	}
	for e := p.table[p.at]; e != 0; e = p.table[p.at] {
		p.at = (p.at + 1) & (len(p.table) - 1)
		if uint32(e>>32) == p.tag {
			return uint32(e) - 1, true
		}
	}
	return 0, false
}
