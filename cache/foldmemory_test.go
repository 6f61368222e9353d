package cache

import (
	"context"
	"io"
	"os"
	"testing"
	"time"

	"rddsd/cache/registry"
	"rddsd/cache/registry/synthetic"
)

// syntheticView returns the View of a generated registry of n names.
func syntheticView(t *testing.T, n int) *View {
	t.Helper()
	g, err := synthetic.New(synthetic.Params{Names: n, Seed: 3})
	if err != nil {
		t.Fatal(err)
	}
	b, now := NewBuilder(n), registry.TimeOf(g.Now)
	put := func(kind registry.Kind, name string, row []byte) error {
		return b.Put(Change{Key: Key{kind, name}, Row: string(row)})
	}
	err = g.Each(synthetic.Sink{
		TLD: func(o *registry.TLD) error { return put(registry.KindTLD, o.Name, registry.AppendTLD(nil, o)) },
		Registrar: func(o *registry.Registrar) error {
			return put(registry.KindRegistrar, o.ClID, registry.AppendRegistrar(nil, o))
		},
		Contact: func(o *synthetic.Contact) error {
			if o.AdminOnly {
				return nil
			}
			return put(registry.KindContact, o.ROID, registry.AppendContact(nil, &o.Contact))
		},
		Host: func(o *registry.Nameserver) error {
			return put(registry.KindHost, o.ROID, registry.AppendNameserver(nil, o))
		},
		Domain: func(o *synthetic.Domain) error {
			d := o.Published(now)
			return put(registry.KindDomain, d.Name, registry.AppendDomain(nil, &d))
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	view, err := b.View(Position{Registry: "r", Epoch: "e", Contract: registry.Contract}, now, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	return view
}

// TestFoldMemory folds into a file and adds up, each time that the file grows,
// what the maker of the new base holds outside the Go heap: a quarter of the base, as
// Fold says.
func TestFoldMemory(t *testing.T) {
	view := syntheticView(t, 50_000)
	file, err := os.CreateTemp(t.TempDir(), "base")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var m *baseMaker
	most := 0
	w := newFileWriter(context.Background(), writerFunc(func(p []byte) (int, error) {
		if m != nil {
			most = max(most, m.holds())
		}
		return file.Write(p)
	}), file)
	defer w.free()
	if m, err = newBaseMaker(w, view.zoneOf); err != nil {
		t.Fatal(err)
	}
	m.from = view.base
	if err := view.refoldAll(m); err != nil {
		t.Fatal(err)
	}
	if err := m.finish(); err != nil {
		t.Fatal(err)
	}
	share := float64(most) / float64(w.size)
	t.Logf("%.1f %% of a base of %d bytes", 100*share, w.size)
	if share > 0.28 || share < 0.15 {
		t.Errorf("folding held %.1f %% of a base, want about a quarter", 100*share)
	}
	if held := m.holds(); held != 0 {
		t.Errorf("at the end it holds %d bytes", held)
	}
}

// holds returns how many bytes m holds outside the Go heap, or would if the base
// were larger.
func (m *baseMaker) holds() (bytes int) {
	add := func(r *region) {
		if r != nil {
			bytes += len(r.data)
		}
	}
	if m.key != nil {
		add(m.key.memory)
	}
	if m.second != nil {
		add(m.second.memory)
	}
	for _, p := range m.counts {
		if p != nil {
			add(p.cells)
			add(p.domains)
			bytes += 8 * len(p.lost.list)
		}
	}
	return bytes + 4*len(m.samples.list) + 16*len(m.refresh.list) + 8*len(m.address.list)
}

type writerFunc func(p []byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

var _ io.Writer = writerFunc(nil)
