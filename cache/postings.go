package cache

import (
	"encoding/binary"
	"slices"
	"sort"
	"unsafe"

	"rddsd/cache/registry"
)

// postings tell which domains refer to a contact or a host:
//
//	lists      one after the other, in order of cell:
//	           distance of its cell to that of the list before, length,
//	           number of the first domain, distance of each to the one before
//	samples    cell, 4 bytes, and where its list stands, 8 bytes, of every
//	           listsEvery-th list
//
// The numbers of domains count records in order of name, so a list is in that
// order too, and takes one or two bytes for each domain of a host that has many.
// The cell of a record is the eighth of where it begins, see minRecord; of a
// ROID that the base does not hold it is a hash.
//
// Which hosts have an address is told in the same way: a cell is a hash of the
// address, and the lists hold the places of hosts. That takes seven bytes an
// address, whatever its family; in order of address it would be twenty.
type postings struct{ lists, samples part }

const (
	listsEvery     = 32
	listSampleSize = 12
)

// of returns the list of cell.
func (p *postings) of(cell uint32) (list numbers, ok bool) {
	ok = true
	n := sort.Search(len(p.samples.text)/listSampleSize, func(i int) bool {
		at := i * listSampleSize
		ok = ok && p.samples.good(at, at+listSampleSize)
		return uint32At(p.samples.text, at) > cell
	}) - 1
	if n < 0 || !ok {
		return numbers{}, ok
	}
	from := uint64At(p.samples.text, n*listSampleSize+4)
	if from >= uint64(len(p.lists.text)) {
		return numbers{}, false
	}
	c := scanner{s: p.lists.text, i: int(from)}
	at := uint32At(p.samples.text, n*listSampleSize)
	for i := 0; i < listsEvery && c.i < len(c.s); i++ {
		distance := uint32(c.uvarint())
		if i > 0 {
			at += distance
		}
		text := c.text()
		if c.bad || !p.lists.good(int(from), c.i) {
			return numbers{}, false
		}
		if at >= cell {
			if at > cell {
				break
			}
			return numbers{scanner{s: text}, 0}, true
		}
	}
	return numbers{}, true
}

// lostCell returns the cell of a ROID that the base does not hold, addressCell
// that of an address.
func lostCell(seed uint64, roid string) uint32 { return uint32(hashText(seed, roid) >> 32) }

func addressCell(seed uint64, key [16]byte) uint32 {
	return uint32(hashText(seed, textOf(key[:])) >> 32)
}

// numbers are the numbers of records, or their places, in order.
type numbers struct {
	scanner
	last uint64
}

func (n *numbers) next() (number int, ok bool) {
	if n.i >= len(n.s) {
		return 0, false
	}
	n.last += n.uvarint()
	return int(n.last & (1<<32 - 1)), !n.bad
}

// postingsMaker makes the postings of one kind: it counts what refers to each
// cell as domains come, makes room, and puts each domain in its place.
type postingsMaker struct {
	to      *kindTable
	seed    uint64
	cells   *region        // 4 bytes each: how many domains; then where the next one goes
	domains *region        // 4 bytes each
	lost    column[uint64] // cell of a ROID that the base does not hold, and domain
	seen    []uint32       // cells of the domain at hand

	queue   [postingsQueue]posting // what waits until memory is fetched for all of it; see queue
	waiting int
}

// posting is that a domain refers to the object of a cell.
type posting struct{ cell, domain uint32 }

const postingsQueue = 64

func makePostings(to *kindTable, seed uint64) (*postingsMaker, error) {
	cells, err := newRegion((len(to.records.text)/minRecord + 1) * 4)
	return &postingsMaker{to: to, seed: seed, cells: cells}, err
}

// read sets m.seen to the cells that the domain of r refers to, and calls lost
// for each ROID that the base does not hold.
func (m *postingsMaker) read(r *domainRecord, lost func(roid string)) {
	m.seen = m.seen[:0]
	list := r.hosts
	if m.to.kind == registry.KindContact {
		switch {
		case r.flags&registrantPlace != 0:
			m.seen = append(m.seen, uint32(m.to.offset(r.registrant.place)/minRecord))
		case r.flags&registrantText != 0:
			lost(r.registrant.roid)
		}
		list = r.tech
	}
	for next, ok := list.next(); ok; next, ok = list.next() {
		if next.dangling {
			lost(next.roid)
		} else if cell := uint32(m.to.offset(next.place) / minRecord); !slices.Contains(m.seen, cell) {
			m.seen = append(m.seen, cell)
		}
	}
}

// count takes in what a domain refers to.
func (m *postingsMaker) count(refs []reference) {
	m.seen = m.seen[:0]
	for i := range refs {
		if !refs[i].there {
			continue
		}
		cell := uint32(m.to.offset(refs[i].place) / minRecord)
		if slices.Contains(m.seen, cell) {
			continue
		}
		m.seen = append(m.seen, cell)
		if m.wait(cell, 0) {
			m.countWaiting()
		}
	}
}

// wait reports whether the queue is full now.
func (m *postingsMaker) wait(cell uint32, number int) bool {
	m.queue[m.waiting] = posting{cell, uint32(number)}
	m.waiting++
	return m.waiting == len(m.queue)
}

// fetch returns the queue, which is empty then, and prefetches its cells.
func (m *postingsMaker) fetch(cells []uint32) []posting {
	list := m.queue[:m.waiting]
	m.waiting = 0
	for i := range list {
		prefetch(unsafe.Pointer(&cells[list[i].cell]))
	}
	return list
}

func (m *postingsMaker) countWaiting() {
	cells := arrayOf[uint32](m.cells.data)
	for _, p := range m.fetch(cells) {
		cells[p.cell]++
	}
}

// room makes room for what was counted.
func (m *postingsMaker) room() (err error) {
	m.countWaiting()
	sum := uint64(0)
	cells := arrayOf[uint32](m.cells.data)
	for i, n := range cells {
		cells[i] = uint32(sum)
		sum += uint64(n)
	}
	if sum >= 1<<32 {
		return errTooManyLinks
	}
	m.domains, err = newRegion(int(sum) * 4)
	return err
}

// put takes in the domain of r, the one with that number.
func (m *postingsMaker) put(r *domainRecord, number int) (err error) {
	m.read(r, func(roid string) {
		if failed := m.lost.append(uint64(lostCell(m.seed, roid))<<32 | uint64(number)); failed != nil {
			err = failed
		}
	})
	for _, cell := range m.seen {
		if m.wait(cell, number) {
			m.putWaiting()
		}
	}
	return err
}

func (m *postingsMaker) putWaiting() {
	cells, domains := arrayOf[uint32](m.cells.data), arrayOf[uint32](m.domains.data)
	list := m.fetch(cells)
	for i := range list {
		at := &cells[list[i].cell]
		list[i].cell = *at // where the domain goes
		*at++
	}
	for i := range list {
		prefetch(unsafe.Pointer(&domains[list[i].cell]))
	}
	for _, p := range list {
		domains[p.cell] = p.domain
	}
}

// write writes the lists of what the base holds, to lists and samples.
func (m *postingsMaker) write(w *listWriter) error {
	m.putWaiting()
	domains, from := arrayOf[uint32](m.domains.data), uint32(0)
	for cell, to := range arrayOf[uint32](m.cells.data) {
		if to > from {
			if err := w.write(uint32(cell), domains[from:to]); err != nil {
				return err
			}
		}
		from = to
	}
	return nil
}

// writePairs writes lists of pairs, in any order: a cell and, below, a number.
func (w *listWriter) writePairs(pairs []uint64) error {
	slices.Sort(pairs)
	var list []uint32
	for i, pair := range pairs {
		if number := uint32(pair); len(list) == 0 || list[len(list)-1] != number {
			list = append(list, number)
		}
		cell := uint32(pair >> 32)
		if i+1 < len(pairs) && uint32(pairs[i+1]>>32) == cell {
			continue
		}
		if err := w.write(cell, list); err != nil {
			return err
		}
		list = list[:0]
	}
	return nil
}

func (m *postingsMaker) free() {
	m.cells.free()
	m.domains.free()
	m.lost.free()
}

// listWriter writes lists.
type listWriter struct {
	out     *baseWriter
	start   uint64 // of the lists
	n       int
	last    uint32 // cell
	samples column[uint32]
	buffer  []byte
	list    []byte
}

func (w *listWriter) write(cell uint32, domains []uint32) error {
	if w.n%listsEvery == 0 {
		at := w.out.size - w.start
		for _, x := range [...]uint32{cell, uint32(at), uint32(at >> 32)} {
			if err := w.samples.append(x); err != nil {
				return err
			}
		}
	}
	w.list = w.list[:0]
	last := uint32(0)
	for _, domain := range domains {
		w.list = appendNumber(w.list, uint64(domain-last))
		last = domain
	}
	w.buffer = appendNumber(w.buffer[:0], uint64(cell-w.last))
	w.buffer = binary.AppendUvarint(w.buffer, uint64(len(w.list)))
	w.n++
	w.last = cell
	return w.out.write(append(w.buffer, w.list...))
}
