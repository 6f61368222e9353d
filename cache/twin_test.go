package cache_test

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"rddsd/cache"
	"rddsd/cache/cachetest"
	"rddsd/cache/registry"
)

// A small registry, so that random changes meet: names and ROIDs are taken,
// given up and taken again by others.
var (
	zones     = []string{"coop", "test", "a.coop"}
	clids     = []string{"one", "two", "six"}
	titles    = []string{"One Limited", "ONE, Limited", "Two"}
	labels    = []string{"a", "b", "ab", "abc", "b-b", "xn--caf-dma"}
	roids     = []string{"1-COOP", "2-COOP", "3-COOP", "4-COOP", "12345678-COOP", "12345679-COOP"}
	addresses = []string{"192.0.2.1", "192.0.2.2", "2001:db8::1", "::ffff:192.0.2.1"}
	reasons   = []registry.Reject{registry.RejectDate, registry.RejectName, registry.RejectAddress}
	probes    = makeProbes()
)

func makeProbes() *cachetest.Probes {
	p := &cachetest.Probes{
		Names:  append(slices.Clone(zones), "", "zz.coop", "a.a", "other.example"),
		ROIDs:  append(slices.Clone(roids), "", "9-COOP"),
		ClIDs:  append(slices.Clone(clids), "", "none"),
		IANA:   []int{0, 1, 2, 3, 9},
		Folded: []string{"onelimited", "two", "none", ""},
		Times:  []registry.Time{0, 1, 10, 25, registry.MaxTime},
		Limits: []int{0, 1, 2, 100},
	}
	for _, label := range labels {
		for _, zone := range zones {
			p.Names = append(p.Names, label+"."+zone)
		}
	}
	for _, a := range append(slices.Clone(addresses), "192.0.2.9") {
		p.Addresses = append(p.Addresses, netip.MustParseAddr(a))
	}
	return p
}

func drawName(t *rapid.T) string {
	return rapid.SampledFrom(labels).Draw(t, "label") + "." + rapid.SampledFrom(zones).Draw(t, "zone")
}

func drawSome(t *rapid.T, from []string, what string) []string {
	return rapid.SliceOfNDistinct(rapid.SampledFrom(from), 0, 3, rapid.ID[string]).Draw(t, what)
}

func drawKey(t *rapid.T) cache.Key {
	kind := rapid.SampledFrom([]registry.Kind{
		registry.KindTLD, registry.KindRegistrar, registry.KindContact, registry.KindHost, registry.KindHost,
		registry.KindDomain, registry.KindDomain, registry.KindDomain, registry.KindDomain, registry.KindReserved,
	}).Draw(t, "kind")
	switch kind {
	case registry.KindTLD:
		return cache.Key{Kind: kind, Name: rapid.SampledFrom(zones).Draw(t, "tld")}
	case registry.KindRegistrar:
		return cache.Key{Kind: kind, Name: rapid.SampledFrom(clids).Draw(t, "clid")}
	case registry.KindContact, registry.KindHost:
		return cache.Key{Kind: kind, Name: rapid.SampledFrom(roids).Draw(t, "roid")}
	}
	return cache.Key{Kind: kind, Name: drawName(t)}
}

func drawObject(t *rapid.T, key cache.Key) any {
	created := registry.Time(rapid.IntRange(1, 5).Draw(t, "created"))
	switch key.Kind {
	case registry.KindTLD:
		return &registry.TLD{Name: key.Name, GTLD: rapid.Bool().Draw(t, "gtld"), Created: created}
	case registry.KindRegistrar:
		return &registry.Registrar{
			ClID: key.Name, IANA: rapid.IntRange(0, 3).Draw(t, "iana"),
			Name: rapid.SampledFrom(titles).Draw(t, "name"), Created: created,
		}
	case registry.KindContact:
		return &registry.Contact{
			ROID: key.Name, Name: rapid.SampledFrom([]string{"", "Desk"}).Draw(t, "name"),
			Street: []string{"1 Street"}[:rapid.IntRange(0, 1).Draw(t, "streets")], CC: "GB", Created: created,
		}
	case registry.KindHost:
		n := &registry.Nameserver{ROID: key.Name, Name: "ns." + drawName(t), Created: created}
		if rapid.Bool().Draw(t, "in zone") {
			n.Name = drawName(t)
		}
		for _, a := range drawSome(t, addresses, "addresses") {
			if netip.MustParseAddr(a).Is4() {
				n.V4 = append(n.V4, a)
			} else {
				n.V6 = append(n.V6, a)
			}
		}
		return n
	case registry.KindDomain:
		return &registry.Domain{
			Name: key.Name, ROID: rapid.SampledFrom(append(roids, "")).Draw(t, "roid"),
			Registrar:  rapid.SampledFrom(clids).Draw(t, "registrar"),
			Registrant: rapid.SampledFrom(append(roids, "")).Draw(t, "registrant"),
			Tech:       drawSome(t, roids, "tech"), Hosts: drawSome(t, roids, "hosts"),
			Created: created, Expires: 9, RefreshAt: registry.Time(10 * rapid.IntRange(0, 3).Draw(t, "refresh")),
		}
	}
	return &registry.Reserved{Name: key.Name, Reason: registry.Reason(rapid.IntRange(0, 3).Draw(t, "reason"))}
}

// drawChange draws an object, a deletion, a rejection, a row under another key,
// or a row that does not decode.
func drawChange(t *rapid.T, key cache.Key, deletions bool) cache.Change {
	switch n := rapid.IntRange(0, 19).Draw(t, "what"); {
	case n < 4 && deletions:
		return cache.Change{Key: key}
	case n == 4:
		return cache.Change{Key: key, Reject: rapid.SampledFrom(reasons).Draw(t, "reject")}
	case n == 5:
		c := cachetest.Change(drawObject(t, key))
		c.Name = key.Name + "x"
		return c
	case n == 6:
		c := cachetest.Change(drawObject(t, key))
		c.Row = c.Row[:rapid.IntRange(1, len(c.Row)-1).Draw(t, "cut")]
		return c
	}
	return cachetest.Change(drawObject(t, key))
}

func drawChanges(t *rapid.T, least, most int, deletions bool) []cache.Change {
	keys := rapid.SliceOfNDistinct(rapid.Custom(drawKey), least, most, rapid.ID[cache.Key]).Draw(t, "keys")
	changes := make([]cache.Change, 0, len(keys))
	for _, key := range keys {
		changes = append(changes, drawChange(t, key, deletions))
	}
	return changes
}

// state is a View with the Twin that tells what it must answer, for good.
type state struct {
	view *cache.View
	twin *cachetest.Twin
}

func missUntil(n int) time.Time { return time.Date(2026, 1, 1, 0, 0, n, 0, time.UTC) }

func drawState(t *rapid.T, old *state) state {
	changes := drawChanges(t, rapid.SampledFrom([]int{0, 10, 30}).Draw(t, "least"), 40, false)
	slices.SortStableFunc(changes, func(a, b cache.Change) int { return int(a.Kind) - int(b.Kind) })
	twin, want := cachetest.NewTwin(cachetest.Start, cachetest.AsOf, missUntil(0), changes)
	b := cache.NewBuilder(rapid.IntRange(0, 10).Draw(t, "expected"))
	for _, c := range changes {
		if err := b.Put(c); err != nil {
			t.Fatalf("Put(%+v): %v", c.Key, err)
		}
	}
	if got := b.Rejected(); !slices.Equal(got, want) {
		t.Fatalf("the Builder rejected %v, the twin %v", got, want)
	}
	if old != nil {
		if err := b.Keep(old.view); err != nil {
			t.Fatalf("Keep: %v", err)
		}
		twin.Keep(old.twin)
	}
	view, err := b.View(cachetest.Start, cachetest.AsOf, missUntil(0))
	if err != nil {
		t.Fatalf("View: %v", err)
	}
	return state{view, twin}
}

// TestTwin applies random snapshots and deltas to Views and their twins. After
// each step every View that there ever was answers as its twin does: Views do
// not change, whatever is applied to them, once or twice.
func TestTwin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		states := []state{drawState(t, nil)}
		var held []heldAnswer
		for step := range rapid.IntRange(1, twinSteps).Draw(t, "steps") {
			from := states[len(states)-1]
			if rapid.IntRange(0, 9).Draw(t, "branch") == 0 {
				from = rapid.SampledFrom(states).Draw(t, "from")
			}
			held = append(held, hold(from.view, drawName(t))...)
			next := stepFrom(t, from, step+1)
			if states = append(states, next); len(states) > 4 {
				states = states[1:]
			}
			for i, s := range states {
				if i < len(states)-1 && step%3 != 0 {
					continue
				}
				if diff := s.twin.Diff(s.view, probes); diff != "" {
					t.Fatalf("step %d, View %d of %d: %s", step, i, len(states), diff)
				}
			}
			for _, h := range held {
				h.check(t)
			}
		}
	})
}

func stepFrom(t *rapid.T, from state, step int) state {
	pos := from.twin.Position
	pos.Serial += uint64(rapid.IntRange(0, 2).Draw(t, "serial"))
	asOf := from.twin.AsOf + registry.Time(step)
	switch rapid.IntRange(0, 19).Draw(t, "step") {
	case 0:
		return drawState(t, &from)
	case 1:
		twin := from.twin.Clone()
		twin.AsOf, twin.MissUntil = asOf, missUntil(step)
		return state{from.view.Refreshed(asOf, missUntil(step)), twin}
	}
	delta := cache.Delta{To: pos, AsOf: asOf, Changes: drawChanges(t, 0, 12, true)}
	view, rejected, err := from.view.Apply(delta, missUntil(step))
	if err != nil {
		t.Fatalf("Apply: %v", err)
	}
	twin := from.twin.Clone()
	if want := twin.Apply(delta, missUntil(step)); !slices.Equal(rejected, want) {
		t.Fatalf("Apply rejected %v, the twin %v", rejected, want)
	}
	for _, key := range append(from.view.Quarantined(), view.Quarantined()...) {
		if view.Rejection(key) != from.view.Rejection(key) && !view.Differs(from.view, key) {
			t.Fatalf("Differs(%v) = false", key)
		}
	}
	if rapid.IntRange(0, 3).Draw(t, "fold") == 0 {
		if view, err = cache.FoldInMemory(context.Background(), view); err != nil {
			t.Fatalf("fold: %v", err)
		}
		if changes, _ := view.OverlaySize(); changes != 0 {
			t.Fatalf("a folded View has %d changes in its overlay", changes)
		}
	}
	return state{view, twin}
}

// heldAnswer is what a look-up returned, and a copy of it made at once.
type heldAnswer struct{ got, copied any }

func hold(view *cache.View, name string) []heldAnswer {
	var held []heldAnswer
	d, again := new(registry.Domain), new(registry.Domain)
	if view.Domain(name, d) == cache.Present {
		if err := registry.DecodeDomain(strings.Clone(string(registry.AppendDomain(nil, d))), again); err == nil {
			held = append(held, heldAnswer{d, again})
		}
	}
	names, _ := view.Names("", 100, nil)
	cloned := make([]string, 0, len(names))
	for _, n := range names {
		cloned = append(cloned, strings.Clone(n))
	}
	return append(held, heldAnswer{names, cloned})
}

func (h heldAnswer) check(t *rapid.T) {
	if diff := cmp.Diff(h.copied, h.got, ignoreNil, ignoreMemory); diff != "" {
		t.Fatalf("what a look-up returned has changed since (-then +now):\n%s", diff)
	}
}

var ignoreMemory = cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == ".Memory" }, cmp.Ignore())

var ignoreNil = cmp.FilterValues(func(a, b []string) bool { return len(a) == 0 && len(b) == 0 }, cmp.Ignore())

// TestDigestTellsStates holds the digest to what it is for: the same state gives
// the same digest, however it came about.
func TestDigestTellsStates(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawState(t, nil)
		for step := range rapid.IntRange(1, 10).Draw(t, "steps") {
			s = stepFrom(t, s, step)
		}
		b := cache.NewBuilder(0)
		for key, row := range s.view.All() {
			if err := b.Put(cache.Change{Key: key, Row: row}); err != nil {
				t.Fatal(err)
			}
		}
		if len(b.Rejected()) > 0 {
			t.Skip("a TLD or registrar went from under its domains")
		}
		again, err := b.View(s.twin.Position, s.twin.AsOf, missUntil(0))
		if err != nil {
			t.Fatal(err)
		}
		for _, key := range s.view.Quarantined() {
			change := cache.Change{Key: key, Reject: s.view.Rejection(key)}
			next, _, err := again.Apply(cache.Delta{To: s.twin.Position, Changes: []cache.Change{change}}, missUntil(0))
			if err != nil {
				t.Fatal(err)
			}
			if next.Rejection(key) != again.Rejection(key) && cache.Digest(next) == cache.Digest(again) {
				t.Fatal("a row came into quarantine and the digest is the same")
			}
			again = next
		}
		if got, want := cache.Digest(again), cache.Digest(s.view); got != want {
			t.Fatalf("the digest is %x after deltas, %x built anew", want, got)
		}
	})
}

func ExampleView_Names() {
	view := cachetest.Build(
		&registry.TLD{Name: "coop"}, &registry.Registrar{ClID: "one"},
		&registry.Domain{Name: "exam.coop", Registrar: "one", Created: 1, Expires: 2},
		&registry.Domain{Name: "example.coop", Registrar: "one", Created: 1, Expires: 2},
		&registry.Domain{Name: "other.coop", Registrar: "one", Created: 1, Expires: 2},
	)
	fmt.Println(view.Names("exam", 10, nil))
	// Output: [exam.coop example.coop] false
}
