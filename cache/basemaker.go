package cache

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"

	"rddsd/cache/registry"
)

// baseMaker makes a base of records, kind by kind, each in order of key: out of a
// snapshot (Builder) or out of another View (Fold). What it holds beside what it
// has written are the indexes that are being made, one kind at a time.
type baseMaker struct {
	recordMaker
	out    *baseWriter
	layout layout
	moved  int // out.moved when base was opened

	kind    registry.Kind
	start   uint64 // where its records begin
	key     *bucketsMaker
	second  *packedMaker // by name of a host, by ROID of a domain
	samples column[uint32]
	refresh column[moment]
	address column[uint64] // cell of an address, place of a host
	record  domainRecord
	host    registry.Nameserver
	work    workspace
	rec     []byte
	next    uint32 // place after that of the object folded last
}

// recordMaker makes records of objects.
type recordMaker struct {
	references
	texts  *textsMaker
	zoneOf func(name string) string
	zone   string // that zoneOf said last
}

var (
	errTooMany      = errors.New("a base carries at most 4,294,967,294 objects of a kind, and 256 GiB of their records")
	errTooManyLinks = errors.New("a base carries at most 4,294,967,295 references of domains to contacts, and as many to hosts")
)

// newBaseMaker returns a maker that writes to out. zoneOf returns the zone that
// a name stands under, "" if there is none.
func newBaseMaker(out *baseWriter, zoneOf func(name string) string) (*baseMaker, error) {
	m := &baseMaker{out: out, recordMaker: recordMaker{references: references{base: new(base), found: make([]found, foundSize)}, texts: newTextsMaker(), zoneOf: zoneOf}}
	var seed [8]byte
	_, _ = rand.Read(seed[:]) // it never fails
	m.layout.seed = binary.LittleEndian.Uint64(seed[:])
	m.base.init()
	m.base.seed = m.layout.seed
	start := make([]byte, partAlign)
	copy(start, appendMagic(nil, baseMagic, baseVersion))
	return m, out.write(start)
}

func (m *recordMaker) width(kind registry.Kind) int { return m.base.kinds[kind].width }

// begin starts a kind with at most so many objects, whose records take at most so
// many bytes. Kinds come in order.
func (m *baseMaker) begin(kind registry.Kind, objects int, bytes int) (err error) {
	m.kind = kind
	if objects >= math.MaxUint32-1 {
		return errTooMany
	}
	shift := m.layout.minShift
	for ; (uint64(bytes)+uint64(objects)<<shift)>>shift >= math.MaxUint32; shift++ {
		if shift == maxShift {
			return errTooMany
		}
	}
	if kind == registry.KindContact || kind == registry.KindHost {
		shift = narrow(shift, objects, bytes)
	}
	m.layout.shifts[kind] = shift
	if m.key, err = makeBuckets(objects); err != nil {
		return err
	}
	switch kind {
	case registry.KindHost:
		m.second, err = makePacked(objects, uint64(bytes+objects<<shift)>>shift)
	case registry.KindDomain:
		m.second, err = makePacked(objects, uint64(objects))
	}
	if err != nil {
		return err
	}
	if err := m.out.align(partAlign); err != nil {
		return err
	}
	m.start = m.out.size
	m.syncTexts()
	return nil
}

// narrow returns a shift under which places take three bytes instead of four, if
// one of 8 at most does: each domain holds some, and the records grow less by what
// parts them.
func narrow(shift uint8, objects, bytes int) uint8 {
	for s := shift; s <= 3; s++ {
		if (bytes+objects<<s)>>s < 1<<24 {
			return s
		}
	}
	return shift
}

// syncTexts makes the texts of the records so far readable.
func (m *baseMaker) syncTexts() {
	t := &m.base.texts
	t.affixes = m.texts.affixes
	t.words, t.ends = part{text: textOf(m.texts.words)}, part{text: textOf(m.texts.ends)}
}

// marks returns the marks of the object of kind that w holds.
func (m *baseMaker) marks(kind registry.Kind, w *workspace) (marks marks) {
	switch kind {
	case registry.KindHost:
		marks.second = hashText(m.layout.seed, w.host.Name)
	case registry.KindDomain:
		if w.domain.ROID != "" {
			marks.second = hashText(m.layout.seed, w.domain.ROID)
		}
		marks.refresh = w.domain.RefreshAt
	}
	return marks
}

// place returns the place of the next object.
func (m *baseMaker) place() uint32 {
	shift := m.layout.shifts[m.kind]
	return uint32((m.out.size - m.start + 1<<shift - 1) >> shift)
}

// add adds an object. Keys come in order.
func (m *baseMaker) add(o *spooled) error {
	shift := m.layout.shifts[m.kind]
	n := m.layout.counts[m.kind]
	place := m.place()
	if err := m.out.align(1 << shift); err != nil {
		return err
	}
	if n%sampleEvery == 0 {
		if err := m.samples.append(place); err != nil {
			return err
		}
	}
	m.layout.counts[m.kind]++
	if err := m.key.add(hashText(m.layout.seed, o.key), place); err != nil {
		return err
	}
	if err := m.index(place, n, o); err != nil {
		return err
	}
	if err := m.out.write(bytesOf(o.record)); err != nil {
		return err
	}
	if short := minRecord - len(o.record); short > 0 {
		if err := m.out.write(zeros[:short]); err != nil {
			return err
		}
	}
	if m.moved == m.out.moved {
		return nil
	}
	return m.open()
}

// index notes how o is found other than by its key.
func (m *baseMaker) index(place uint32, number int, o *spooled) error {
	switch m.kind {
	case registry.KindHost:
		if err := m.second.add(o.marks.second, place); err != nil {
			return err
		}
		if len(m.texts.words) != len(m.base.texts.words.text) {
			m.syncTexts()
		}
		c := scanner{s: o.record}
		m.base.host(&c, &m.host)
		var failed error
		eachAddress(&m.host, func(key [16]byte) {
			if err := m.address.append(uint64(addressCell(m.layout.seed, key))<<32 | uint64(place)); err != nil {
				failed = err
			}
		})
		return failed
	case registry.KindDomain:
		c := scanner{s: o.record}
		if c.shape(&m.texts.texts).flags&roidText != 0 {
			if err := m.second.add(o.marks.second, uint32(number)); err != nil {
				return err
			}
		}
		if at := o.marks.refresh; at > 0 {
			return m.refresh.append(moment{at, uint64(number)})
		}
	}
	return nil
}

// end ends a kind.
func (m *baseMaker) end() error {
	m.layout.extents[recordsOf(m.kind)] = extent{m.start, m.out.size - m.start}
	if err := m.key.flush(); err != nil {
		return err
	}
	if err := m.part(byKeyOf(m.kind), m.key.memory); err != nil {
		return err
	}
	m.key = nil
	if m.second != nil {
		if err := m.second.flush(); err != nil {
			return err
		}
		id := partHostByName
		if m.kind == registry.KindDomain {
			id = partDomainByROID
		}
		m.layout.bits[id-partHostByName] = m.second.bits
		if err := m.part(id, m.second.memory); err != nil {
			return err
		}
		m.second = nil
	}
	if err := m.bytes(samplesOf(m.kind), m.samples.bytes()); err != nil {
		return err
	}
	m.samples.free()
	switch m.kind {
	case registry.KindContact, registry.KindDomain:
		return m.open()
	case registry.KindHost:
		if err := m.open(); err != nil {
			return err
		}
		return m.startPostings()
	}
	return nil
}

// open makes what was written readable.
func (m *baseMaker) open() error {
	data, err := m.out.readable()
	if err != nil {
		return err
	}
	m.moved = m.out.moved
	m.base.layout = m.layout
	m.base.layout.affixes = m.texts.affixes
	m.base.use(data, nil)
	clear(m.found)
	m.syncTexts()
	return nil
}

// part writes memory as a part and frees it.
func (m *baseMaker) part(id partID, memory *region) error {
	err := m.bytes(id, memory.data)
	memory.free()
	return err
}

func (m *baseMaker) bytes(id partID, data []byte) error {
	if err := m.out.align(partAlign); err != nil {
		return err
	}
	at := m.out.size
	for chunk := range slices.Chunk(data, blockSize) {
		if err := m.out.write(chunk); err != nil {
			return err
		}
	}
	m.layout.extents[id] = extent{at, m.out.size - at}
	return nil
}

// finish writes what is left after the last kind.
func (m *baseMaker) finish() error {
	if err := m.allPostings(); err != nil {
		return err
	}
	if err := m.lists(partAddresses, func(w *listWriter) error { return w.writePairs(m.address.list) }); err != nil {
		return err
	}
	m.address.free()
	slices.SortFunc(m.refresh.list, func(x, y moment) int { return x.compare(&y) })
	var numbers column[uint32]
	defer numbers.free()
	for i := range m.refresh.list {
		if err := numbers.append(uint32(m.refresh.list[i].domain)); err != nil {
			return err
		}
	}
	if err := m.bytes(partRefresh, numbers.bytes()); err != nil {
		return err
	}
	m.refresh.free()
	if err := m.bytes(partWords, m.texts.words); err != nil {
		return err
	}
	if err := m.bytes(partWordEnds, m.texts.ends); err != nil {
		return err
	}
	m.layout.affixes, m.layout.body = m.texts.affixes, m.out.size
	return nil
}

// startPostings begins to count what domains refer to.
func (m *baseMaker) startPostings() (err error) {
	for i, kind := range [...]registry.Kind{registry.KindContact, registry.KindHost} {
		if m.counts[i], err = makePostings(&m.base.kinds[kind], m.layout.seed); err != nil {
			return err
		}
	}
	return nil
}

// allPostings writes which domains refer to contacts and to hosts. In memory, where
// a whole base is made, one walk over the domains does for both kinds; beside a
// View that serves (Fold), less memory counts for more.
func (m *baseMaker) allPostings() error {
	if err := m.open(); err != nil {
		return err
	}
	if m.out.memory != nil {
		return m.postings(m.counts[:]...)
	}
	if err := m.postings(m.counts[0]); err != nil {
		return err
	}
	return m.postings(m.counts[1])
}

// postings writes which domains refer to the objects of some kinds, in a walk over
// the domains that puts each where it belongs.
func (m *baseMaker) postings(makers ...*postingsMaker) error {
	for _, p := range makers {
		if err := p.room(); err != nil {
			return err
		}
	}
	err := m.eachDomain(func(number int, r *domainRecord) error {
		for _, p := range makers {
			if err := p.put(r, number); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, p := range makers {
		first := partContactDomains
		if p.to.kind == registry.KindHost {
			first = partHostDomains
		}
		if err := m.lists(first, p.write); err != nil {
			return err
		}
		if err := m.lists(first+2, func(w *listWriter) error { return w.writePairs(p.lost.list) }); err != nil {
			return err
		}
		p.free()
	}
	return nil
}

func (m *baseMaker) lists(id partID, write func(w *listWriter) error) error {
	if err := m.out.align(partAlign); err != nil {
		return err
	}
	w := &listWriter{out: m.out, start: m.out.size}
	defer w.samples.free()
	if err := write(w); err != nil {
		return err
	}
	m.layout.extents[id] = extent{w.start, m.out.size - w.start}
	return m.bytes(id+1, w.samples.bytes())
}

// eachDomain calls do for each domain, in order, with what it refers to.
func (m *baseMaker) eachDomain(do func(number int, r *domainRecord) error) error {
	t := &m.base.kinds[registry.KindDomain]
	place := uint32(0)
	for number := range t.count {
		c := t.scanner(place)
		m.base.readRefs(&c, &m.record)
		m.record.skipRest(&c)
		if !t.read(place, &c) {
			return fmt.Errorf("read back domain %d of %d: its record is damaged", number, t.count)
		}
		if err := do(number, &m.record); err != nil {
			return err
		}
		if number%4096 == 0 && m.out.ctx.Err() != nil {
			return context.Cause(m.out.ctx)
		}
		place = t.after(place, c.i)
	}
	return nil
}

// memoryBase returns the base that was made in memory.
func (m *baseMaker) memoryBase() (*base, error) {
	memory := m.out.memory
	if err := memory.resize(int(m.out.size)); err != nil {
		return nil, err
	}
	b := &base{memory: memory, layout: m.layout}
	b.use(memory.data, nil)
	return b, nil
}

// free gives back what is left when no base is made after all.
func (m *baseMaker) free() {
	m.out.free()
	if m.key != nil {
		m.key.memory.free()
	}
	if m.second != nil {
		m.second.memory.free()
	}
	for _, p := range m.counts {
		if p != nil {
			p.free()
		}
	}
	m.samples.free()
	m.refresh.free()
	m.address.free()
}
