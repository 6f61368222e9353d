package cache_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"rddsd/cache"
	"rddsd/cache/cachetest"
	"rddsd/cache/registry"
)

// TestTwinOfManyDeltas takes one View through 10,000 random deltas, a million with
// -long, folding it now and then, in memory or through a file. After each it
// answers as its twin does.
func TestTwinOfManyDeltas(t *testing.T) {
	deltas := manyDeltas
	if *long {
		deltas = 1_000_000
	}
	var (
		rng      = rand.New(rand.NewPCG(5, 6))
		first    = randomChanges(rng, 20, false)
		twin, _  = cachetest.NewTwin(cachetest.Start, cachetest.AsOf, missUntil(0), first)
		view     = build(t, first)
		narrow   = *probes
		nothing  cache.Position
		rejected []cache.Rejected
		err      error
	)
	narrow.Limits = []int{1, 100}
	for i := range deltas {
		pos := twin.Position
		pos.Serial++
		delta := cache.Delta{To: pos, AsOf: cachetest.AsOf + registry.Time(i), Changes: randomChanges(rng, rng.IntN(6), true)}
		want := twin.Apply(delta, missUntil(i))
		if view, rejected, err = view.Apply(delta, missUntil(i)); err != nil || !slices.Equal(rejected, want) {
			t.Fatalf("delta %d: %v, rejected %v, the twin %v", i, err, rejected, want)
		}
		switch rng.IntN(60) {
		case 0:
			if view, err = cache.FoldInMemory(context.Background(), view); err != nil {
				t.Fatalf("delta %d: %v", i, err)
			}
		case 1:
			view = throughFile(t, view).Refreshed(view.AsOf(), missUntil(i))
		}
		if view.Position() == nothing {
			t.Fatal("the View stands nowhere")
		}
		// Every look-up of a few names and ROIDs; all of them now and then.
		some := narrow
		if i%50 != 0 {
			at := rng.IntN(len(probes.Names) - 2)
			some.Names = probes.Names[at : at+2]
			at = rng.IntN(len(probes.ROIDs) - 1)
			some.ROIDs = probes.ROIDs[at : at+1]
		}
		if diff := twin.Diff(view, &some); diff != "" {
			t.Fatalf("delta %d: %s", i, diff)
		}
	}
}

// throughFile returns view as a start finds it.
func throughFile(t *testing.T, view *cache.View) *cache.View {
	t.Helper()
	path := filepath.Join(t.TempDir(), "base")
	file, err := os.Create(path)
	if err == nil {
		err = view.Fold(context.Background(), file)
		_ = file.Close()
	}
	if err == nil {
		view, err = cache.OpenBase(path, nil)
	}
	if err == nil {
		err = os.Remove(path)
	}
	if err != nil {
		t.Fatal(err)
	}
	return view
}

func build(t *testing.T, changes []cache.Change) *cache.View {
	t.Helper()
	b := cache.NewBuilder(0)
	for _, c := range changes {
		if err := b.Put(c); err != nil {
			t.Fatal(err)
		}
	}
	view, err := b.View(cachetest.Start, cachetest.AsOf, missUntil(0))
	if err != nil {
		t.Fatal(err)
	}
	return view
}

func pick[T any](rng *rand.Rand, list []T) T { return list[rng.IntN(len(list))] }

func pickSome(rng *rand.Rand, list []string) (some []string) {
	for range rng.IntN(4) {
		if s := pick(rng, list); !slices.Contains(some, s) {
			some = append(some, s)
		}
	}
	return some
}

// randomChanges returns n changes or fewer, in order of kind.
func randomChanges(rng *rand.Rand, n int, deletions bool) []cache.Change {
	var changes []cache.Change
	for range n {
		name := pick(rng, labels) + "." + pick(rng, zones)
		object := randomObject(rng, name)
		c := cachetest.Change(object)
		if slices.ContainsFunc(changes, func(x cache.Change) bool { return x.Key == c.Key }) {
			continue
		}
		switch x := rng.IntN(20); {
		case x < 4 && deletions:
			c.Row = ""
		case x == 4:
			c.Row, c.Reject = "", pick(rng, reasons)
		case x == 5:
			c.Row = c.Row[:1+rng.IntN(len(c.Row)-1)]
		}
		changes = append(changes, c)
	}
	slices.SortStableFunc(changes, func(a, b cache.Change) int { return int(a.Kind) - int(b.Kind) })
	return changes
}

func randomObject(rng *rand.Rand, name string) any {
	created := registry.Time(rng.IntN(3)) * 1e6
	switch x := rng.IntN(20); {
	case x == 0:
		return &registry.TLD{Name: pick(rng, zones), GTLD: rng.IntN(4) == 0}
	case x < 3:
		return &registry.Registrar{ClID: pick(rng, clids), IANA: rng.IntN(4), Name: pick(rng, titles)}
	case x < 6:
		return &registry.Contact{ROID: pick(rng, roids), Registrar: pick(rng, clids), Org: fmt.Sprint(rng.IntN(3)), SP: pick(rng, labels), Created: created}
	case x < 9:
		return &registry.Nameserver{ROID: pick(rng, roids), Name: name, Registrar: pick(rng, clids), V4: pickSome(rng, addresses[:2]), V6: pickSome(rng, addresses[2:]), Created: created}
	case x == 9:
		return &registry.Reserved{Name: name, Reason: registry.Reason(rng.IntN(4))}
	}
	return &registry.Domain{
		Name: name, ROID: pick(rng, append(roids, "", "007-COOP", "x")), Registrar: pick(rng, clids), Registrant: pick(rng, append(roids, "")),
		Tech: pickSome(rng, roids), Hosts: pickSome(rng, roids), Statuses: registry.Status(rng.IntN(1 << 12)),
		Created: 1 + created, Updated: created, Transferred: registry.Time(rng.IntN(2)) * created, Expires: 9e6 + created, RefreshAt: registry.Time(10 * rng.IntN(4)),
	}
}
