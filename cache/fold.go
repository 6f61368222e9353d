package cache

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime"

	"rddsd/cache/registry"
)

// Fold writes all that v holds, base and overlay, as one base file to out, which
// is empty and open for reading too, and syncs nothing. It reads v alone, so
// readers and Apply go on beside it. It writes from the first byte to the last,
// and what it holds meanwhile are the indexes of one kind and how often domains
// refer to each contact and host, and then which ones refer to contacts, or to
// hosts: about a quarter of the base at most, outside the Go heap (TestFoldMemory).
// It ends with the cause of ctx soon after that is done; what out holds then is of
// no use.
func (v *View) Fold(ctx context.Context, out *os.File) error {
	if err := v.foldInto(ctx, out, out); err != nil {
		return fmt.Errorf("fold a View into %s: %w", out.Name(), err)
	}
	return nil
}

// foldInto is Fold, with out writing to file.
func (v *View) foldInto(ctx context.Context, out io.Writer, file *os.File) error {
	defer runtime.KeepAlive(v)
	w := newFileWriter(ctx, out, file)
	defer w.free()
	l := &v.base.layout
	if v.overlay.size() == 0 {
		if err := v.base.copyBody(w); err != nil {
			return err
		}
	} else {
		m, err := v.remake(w)
		if err != nil {
			return err
		}
		l = &m.layout
	}
	return w.end(appendTable(nil, l, v))
}

// folded returns a base in memory with all that v holds.
func (v *View) folded(ctx context.Context) (*base, error) {
	defer runtime.KeepAlive(v)
	w := newMemoryWriter(ctx)
	m, err := v.remake(w)
	if err != nil {
		w.memory.free()
		return nil, err
	}
	return m.memoryBase()
}

// remake writes the parts of a base with all that v holds to w.
func (v *View) remake(w *baseWriter) (*baseMaker, error) {
	m, err := newBaseMaker(w, v.zoneOf)
	if err == nil {
		m.layout.minShift, m.from = v.base.minShift, v.base
		err = v.refoldAll(m)
	}
	if err == nil {
		err = m.finish()
	}
	if err != nil {
		m.free()
		return nil, err
	}
	return m, nil
}

// refoldAll adds all that v holds to m.
func (v *View) refoldAll(m *baseMaker) error {
	var y yielder
	for kind := range registry.Kind(registry.Kinds) {
		t := &v.base.kinds[kind]
		more := v.overlay.rows[kind].size
		if err := m.begin(kind, v.counts[kind], t.offset(uint32(len(t.records.text)>>t.shift))+int(v.overlay.bytes)*2+(minRecord+16)*more); err != nil {
			return err
		}
		for o := range v.from(kind, "") {
			if err := v.refold(m, kind, o); err != nil {
				return fmt.Errorf("%s %q: %w", kind, o.key, err)
			}
			if y.rest(); m.out.ctx.Err() != nil {
				return context.Cause(m.out.ctx)
			}
		}
		if got := m.layout.counts[kind]; got != v.counts[kind] {
			return fmt.Errorf("%d objects of kind %s are left of %d: %w", got, kind, v.counts[kind], v.damage())
		}
		if err := m.end(); err != nil {
			return err
		}
	}
	return nil
}

// refold adds o to m.
func (v *View) refold(m *baseMaker, kind registry.Kind, o object) error {
	w, row := &m.work, o.row
	t := &v.base.kinds[kind]
	if row != "" {
		if err := w.decode(kind, row); err != nil {
			return err
		}
	} else {
		end, ok := v.base.decode(kind, o.place, w)
		switch {
		case !ok:
			return v.damage()
		case kind == registry.KindContact || kind == registry.KindHost:
			m.moves[kind].add(o.place, m.place(), o.place == m.next)
			m.next = t.after(o.place, end)
		case kind != registry.KindDomain:
			row = w.encode(kind)
		}
	}
	if kind == registry.KindDomain {
		m.refer(&w.domain)
		m.resolve()
	}
	m.rec = m.appendObject(m.rec[:0], kind, row, w)
	return m.add(&spooled{o.key, textOf(m.rec), m.marks(kind, w)})
}

// yielder lets others have the processor now and then: folding has time.
type yielder struct{ n int }

// yieldEvery is how many objects are folded between two yields, half a
// millisecond's worth.
const yieldEvery = 512

func (y *yielder) rest() {
	if y.n++; y.n%yieldEvery == 0 {
		runtime.Gosched()
	}
}

// OverlaySize returns how far v has grown beyond its base: how many objects
// changed since, and about how many bytes of heap they take.
func (v *View) OverlaySize() (changes int, bytes int64) { return v.overlay.size(), v.overlayBytes() }

// Verify checks every block of the base of v that has not been checked yet, and
// yields between them. It returns what is damaged, or the cause of ctx. Without
// damage no look-up checks anything any more.
func (v *View) Verify(ctx context.Context) error {
	defer runtime.KeepAlive(v)
	b := v.base.blocks
	if b == nil {
		return nil
	}
	for at := range uint64(len(b.hashes)) {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if !b.good(at*blockSize, at*blockSize+1) {
			return b.damaged()
		}
		runtime.Gosched()
	}
	b.whole.Store(true)
	return nil
}

// Damage returns the damage that was met so far in the base file of v, nil if
// there was none. What stands there is answered as unknown, and so is every miss;
// a snapshot heals it.
func (v *View) Damage() error { return v.base.blocks.damaged() }

// damage is Damage where something is known to be wrong.
func (v *View) damage() error {
	if err := v.Damage(); err != nil {
		return err
	}
	return errCut
}
