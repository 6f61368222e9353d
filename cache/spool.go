package cache

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unsafe"

	"rddsd/cache/registry"
)

// spool puts the records of one kind in order of key. They are gathered until
// there are runSize bytes of them, sorted, and put aside as a run outside the Go
// heap; in the end the runs are merged, and given back as they are read. So
// records in any order cost little more memory than they take themselves.
type spool struct {
	buffer []byte // key: length, text; record: length, text; marks; and so on
	places []place
	spare  []place // to sort in
	runs   []*region
	count  int
	bytes  int // of the records alone

	runSize int // for tests: less than that; 0 = that
}

// runSize is how many bytes of records are sorted at once. Larger runs fall out
// of the processor's cache, smaller ones are more to merge.
const runSize = 16 << 20

// place is where a record stands in the buffer.
type place struct {
	order uint64 // first eight bytes of its key
	at    uint32
	size  uint32
}

// expect makes room for so many records of usual size.
func (s *spool) expect(records int) {
	const usual = 64 // bytes of a key and a record
	s.buffer = make([]byte, 0, min(records*usual, runSize+runSize/8))
	s.places = make([]place, 0, min(records, runSize/usual))
}

// marks are what the indexes of a base want to know of an object beside its key
// and its record.
type marks struct {
	second  uint64        // hash of the ROID of a domain, of the name of a host
	refresh registry.Time // of a domain
}

func (s *spool) add(key string, record []byte, m marks) error {
	at := len(s.buffer)
	s.buffer = appendText(s.buffer, key)
	s.buffer = append(appendNumber(s.buffer, uint64(len(record))), record...)
	s.buffer = appendNumber(appendSized(s.buffer, m.second, 8), zigzag(int64(m.refresh)))
	s.places = append(s.places, place{order(key), uint32(at), uint32(len(s.buffer) - at)})
	s.count++
	s.bytes += len(record)
	if len(s.buffer) < cmp.Or(s.runSize, runSize) {
		return nil
	}
	return s.endRun()
}

// sort puts the places of the buffer in order of key.
func (s *spool) sort() {
	s.places, s.spare = sortByOrder(s.places, s.spare)
	// What begins alike stands together now.
	text := textOf(s.buffer)
	for from := 0; from < len(s.places); {
		to := from + 1
		for to < len(s.places) && s.places[to].order == s.places[from].order {
			to++
		}
		if to > from+1 {
			slices.SortFunc(s.places[from:to], func(x, y place) int {
				a, b := scanner{s: text, i: int(x.at)}, scanner{s: text, i: int(y.at)}
				return strings.Compare(a.text(), b.text())
			})
		}
		from = to
	}
}

// sortByOrder sorts list by order, with spare to work in, and returns it and what
// is spare now. It goes through the bytes of order from the last to the first, and
// leaves out those in which all are the same: ten times as fast as comparing.
func sortByOrder(list, spare []place) (sorted, left []place) {
	var counts [8][256]uint32
	for i := range list {
		x := list[i].order
		for b := range counts {
			counts[b][byte(x>>(8*b))]++
		}
	}
	spare = slices.Grow(spare[:0], len(list))[:len(list)]
	for b := range counts {
		count := &counts[b]
		if len(list) == 0 || count[byte(list[0].order>>(8*b))] == uint32(len(list)) {
			continue
		}
		sum := uint32(0)
		for i, n := range count {
			count[i] = sum
			sum += n
		}
		for i := range list {
			at := &count[byte(list[i].order>>(8*b))]
			spare[*at] = list[i]
			*at++
		}
		list, spare = spare, list
	}
	return list, spare
}

// endRun puts the buffer aside.
func (s *spool) endRun() error {
	s.sort()
	run, err := newRegion(len(s.buffer))
	if err != nil {
		return fmt.Errorf("sort the objects of a snapshot: %w", err)
	}
	text, at := textOf(s.buffer), 0
	for some := range slices.Chunk(s.places, queueSize) {
		for _, p := range some {
			prefetch(unsafe.Pointer(unsafe.StringData(text[p.at:]))) // see queue
			prefetch(unsafe.Pointer(unsafe.StringData(text[p.at+p.size-1:])))
		}
		for _, p := range some {
			at += copy(run.data[at:], text[p.at:p.at+p.size])
		}
	}
	s.runs = append(s.runs, run)
	s.buffer, s.places = s.buffer[:0], s.places[:0]
	return nil
}

// spooled is a record in a spool.
type spooled struct {
	key, record string
	marks       marks
}

// run is a run that is being merged.
type run struct {
	scanner
	spooled
	order  uint64
	region *region
	given  int // bytes given back
}

// next takes the next record, and reports whether there was one.
func (r *run) next() bool {
	if r.i == len(r.s) {
		r.region.free()
		return false
	}
	r.given = r.region.discardBefore(r.i, r.given)
	r.spooled = r.scanner.spooled()
	r.order = order(r.key)
	return true
}

func (r *run) before(x *run) bool {
	return r.order < x.order || r.order == x.order && r.key < x.key
}

func (c *scanner) spooled() spooled {
	return spooled{c.text(), c.text(), marks{c.sized(8), registry.Time(c.varint())}}
}

// each calls do for each record in order of key, and ends s. What do is given is
// valid until it returns.
func (s *spool) each(do func(o *spooled) error) error {
	defer s.free()
	if len(s.runs) == 0 { // all in the buffer
		s.sort()
		for _, p := range s.places {
			c := scanner{s: textOf(s.buffer), i: int(p.at)}
			o := c.spooled()
			if err := do(&o); err != nil {
				return err
			}
		}
		return nil
	}
	if len(s.places) > 0 {
		if err := s.endRun(); err != nil {
			return err
		}
	}
	heap := make([]*run, 0, len(s.runs)) // of runs, the one with the least key first
	for _, region := range s.runs {
		r := &run{scanner: scanner{s: textOf(region.data)}, region: region}
		r.next()
		heap = append(heap, r)
	}
	for i := len(heap)/2 - 1; i >= 0; i-- {
		sink(heap, i)
	}
	for len(heap) > 0 {
		if err := do(&heap[0].spooled); err != nil {
			return err
		}
		if !heap[0].next() {
			heap[0] = heap[len(heap)-1]
			heap = heap[:len(heap)-1]
		}
		sink(heap, 0)
	}
	return nil
}

// sink puts the run at i where it belongs.
func sink(heap []*run, i int) {
	for {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(heap); child++ {
			if heap[child].before(heap[least]) {
				least = child
			}
		}
		if least == i {
			return
		}
		heap[i], heap[least] = heap[least], heap[i]
		i = least
	}
}

func (s *spool) free() {
	for _, run := range s.runs {
		run.free()
	}
	// The buffers serve the next kind.
	*s = spool{buffer: s.buffer[:0], places: s.places[:0], spare: s.spare[:0], runSize: s.runSize}
}
