package cache_test

import (
	"fmt"
	"net/netip"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"rddsd/cache"
	"rddsd/cache/cachetest"
	"rddsd/cache/registry"
)

// world returns a View of n domains, each with two hosts and a contact, half of
// whose domains stand in the overlay.
func world(tb testing.TB, n int) *cache.View {
	tb.Helper()
	objects := []any{&registry.TLD{Name: "coop"}, &registry.Registrar{ClID: "one", IANA: 7, Name: "One Limited"}}
	for i := range n {
		objects = append(objects,
			&registry.Contact{ROID: fmt.Sprintf("C%d-COOP", i), Org: "Example", CC: "GB", Created: 1},
			&registry.Nameserver{ROID: fmt.Sprintf("H%d-COOP", i), Name: fmt.Sprintf("ns%d.example.coop", i), V4: []string{"192.0.2.1"}, Created: 1},
			worldDomain(i, n))
	}
	view := cachetest.Build(objects...)
	delta := cache.Delta{To: view.Position(), AsOf: view.AsOf()}
	for i := 0; i < n; i += 2 {
		d := worldDomain(i, n)
		d.Updated = 2
		delta.Changes = append(delta.Changes, cachetest.Change(d))
	}
	view, _, err := view.Apply(delta, cachetest.Forever())
	if err != nil {
		tb.Fatal(err)
	}
	return view
}

func worldDomain(i, n int) *registry.Domain {
	return &registry.Domain{
		Name: fmt.Sprintf("d%d.coop", i), ROID: fmt.Sprintf("D%d-COOP", i), Registrar: "one",
		Registrant: fmt.Sprintf("C%d-COOP", i), Tech: []string{fmt.Sprintf("C%d-COOP", (i+1)%n)},
		Hosts:   []string{fmt.Sprintf("H%d-COOP", i), fmt.Sprintf("H%d-COOP", (i+1)%n)},
		DS:      []registry.DS{{KeyTag: 1, Algorithm: 13, DigestType: 2, Digest: "AB"}},
		Created: 1, Expires: 9,
	}
}

// TestLookupsDoNotAllocate leaves out what lists names of domains: those stand
// nowhere in one piece, and no answer of today lists them.
func TestLookupsDoNotAllocate(t *testing.T) {
	view := world(t, 1000)
	if cache.OverlaySize(view) != 500 {
		t.Fatalf("the overlay holds %d rows, want 500: the test is to look in both layers", cache.OverlaySize(view))
	}
	var (
		d     registry.Domain
		n     registry.Nameserver
		c     registry.Contact
		r     registry.Reserved
		list  = make([]string, 0, 64)
		addr  = netip.MustParseAddr("192.0.2.1")
		later = time.Now()
	)
	for _, call := range []struct {
		name string
		do   func()
	}{
		{"Domain in the base", func() { view.Domain("d1.coop", &d) }},
		{"Domain in the overlay", func() { view.Domain("d2.coop", &d) }},
		{"Domain that is not there", func() { view.Domain("no.coop", &d) }},
		{"DomainByROID in the base", func() { view.DomainByROID("D1-COOP", &d) }},
		{"DomainByROID in the overlay", func() { view.DomainByROID("D2-COOP", &d) }},
		{"Nameserver", func() { view.Nameserver("H1-COOP", &n) }},
		{"NameserverByName", func() { view.NameserverByName("ns1.example.coop", &n) }},
		{"NameserversAt", func() { list, _ = view.NameserversAt(addr, 50, list[:0]) }},
		{"Contact", func() { view.Contact("C1-COOP", &c) }},
		{"Reserved", func() { view.Reserved("r.coop", &r) }},
		{"Linked", func() { view.Linked("H1-COOP") }},
		{"registrars", func() { _, _, _ = view.Registrar("one"), view.RegistrarByIANA(7), view.RegistrarsByName("onelimited") }},
		{"zones", func() { _, _, _ = view.TLD("coop"), view.TLDOf("a.b.coop"), view.TLDs() }},
		{"state", func() { _, _, _ = view.MissKnown(later), view.Doubt(registry.KindHost), view.NextDue() }},
	} {
		if got := testing.AllocsPerRun(100, call.do); got != 0 {
			t.Errorf("%s: %v allocations, want 0", call.name, got)
		}
	}
}

// TestReadersSeeOnePosition runs readers beside Apply and Publish. Every state
// of the registry says its serial in each of its objects, so a reader that met
// two states in one View would see two numbers.
func TestReadersSeeOnePosition(t *testing.T) {
	const last = 300
	state := func(serial uint64) []cache.Change {
		org := fmt.Sprint(serial)
		return []cache.Change{
			cachetest.Change(&registry.Registrar{ClID: "one", IANA: int(serial), Name: "N " + org}),
			cachetest.Change(&registry.Contact{ROID: "C-COOP", Org: org}),
			cachetest.Change(&registry.Nameserver{ROID: "H-COOP", Name: "ns" + org + ".coop"}),
			cachetest.Change(&registry.Domain{
				Name: "a.coop", ROID: "D" + org + "-COOP", Registrar: "one", Registrant: "C-COOP", Hosts: []string{"H-COOP"},
				Created: 1, Expires: 1 + registry.Time(serial),
			}),
			cachetest.Change(&registry.Domain{Name: "b" + org + ".coop", Registrar: "one", Created: 1, Expires: 2}),
			cachetest.Gone(registry.KindDomain, fmt.Sprintf("b%d.coop", serial-1)),
		}
	}
	objects := []any{&registry.TLD{Name: "coop"}}
	for _, c := range state(1)[:5] {
		objects = append(objects, c)
	}
	var current cache.Cache
	current.Publish(cachetest.Build(objects...))

	read := func() (uint64, error) {
		view := current.Current()
		serial := view.Position().Serial
		var (
			d registry.Domain
			c registry.Contact
			n registry.Nameserver
		)
		want := fmt.Sprint(serial)
		if view.DomainByROID("D"+want+"-COOP", &d) != cache.Present || d.Expires != 1+registry.Time(serial) {
			return 0, fmt.Errorf("at %d the domain is %+v", serial, d)
		}
		if view.Contact(d.Registrant, &c) != cache.Present || c.Org != want {
			return 0, fmt.Errorf("at %d the contact is %+v", serial, c)
		}
		if view.NameserverByName("ns"+want+".coop", &n) != cache.Present || !view.Linked(n.ROID) {
			return 0, fmt.Errorf("at %d the host is %+v", serial, n)
		}
		if r := view.RegistrarByIANA(int(serial)); r == nil || r.Name != "N "+want {
			return 0, fmt.Errorf("at %d the registrar is %+v", serial, r)
		}
		if names, _ := view.Names("b", 9, nil); strings.Join(names, " ") != "b"+want+".coop" {
			return 0, fmt.Errorf("at %d the names are %v", serial, names)
		}
		return serial, nil
	}
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for before := uint64(0); before < last; {
				serial, err := read()
				if err != nil {
					t.Error(err)
					return
				}
				if serial < before {
					t.Errorf("a reader that saw serial %d then saw %d", before, serial)
					return
				}
				before = serial
			}
		})
	}
	pos := cachetest.Start
	for pos.Serial < last {
		pos.Serial++
		delta := cache.Delta{To: pos, AsOf: cachetest.AsOf, Changes: state(pos.Serial)}
		next, rejected, err := current.Current().Apply(delta, cachetest.Forever())
		if err != nil || len(rejected) > 0 {
			t.Errorf("Apply: %v, rejected %v", err, rejected)
			break
		}
		if pos.Serial%50 == 0 {
			if next, err = cache.FoldInMemory(t.Context(), next); err != nil {
				t.Error(err)
				break
			}
		}
		current.Publish(next)
	}
	readers.Wait()
}

// TestMemory holds the estimate to the heap: that of the overlay may be a third
// off, not a half; the base is none of the heap, and known to the byte.
func TestMemory(t *testing.T) {
	heap := func() int64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	before := heap()
	view := benchView(t, 50_000)
	built := heap() - before
	usage := view.Usage()
	t.Logf("%d bytes a name, %+v", view.Memory()/50_000, usage)
	if built > 100_000 {
		t.Errorf("a View of %d bytes takes %d of the Go heap", view.Memory(), built)
	}
	if file := int64(len(cache.EncodeBase(t, view))); usage.Bytes() < file*99/100 || usage.Bytes() > file || usage.Overlay != 0 || usage.Shared > 10_000 {
		t.Errorf("Usage() = %+v for a base of %d bytes", usage, file)
	}
	next, err := view, error(nil)
	for i := range 500 {
		if next, _, err = next.Apply(benchDelta(i, 10, 50_000), cachetest.Forever()); err != nil {
			t.Fatal(err)
		}
	}
	grown := heap() - before - built
	changes, bytes := next.OverlaySize()
	if got := next.Memory() - view.Memory(); got < grown*2/3 || got > grown*3/2 || changes == 0 || bytes != got {
		t.Errorf("Memory() grows by %d, with an overlay of %d changes and %d bytes that takes %d", got, changes, bytes, grown)
	}
	runtime.KeepAlive(view)
	runtime.KeepAlive(next)
}

func TestApplyRefusesWhatCannotFollow(t *testing.T) {
	view := cachetest.Build(&registry.TLD{Name: "coop"})
	for _, c := range []struct {
		name  string
		delta cache.Delta
		want  string
	}{
		{"another registry", cache.Delta{To: cache.Position{Registry: "other", Epoch: cachetest.Start.Epoch, Serial: 9}}, "of registry other"},
		{"another epoch", cache.Delta{To: cache.Position{Registry: cachetest.Start.Registry, Epoch: "other", Serial: 9}}, "of epoch other"},
		{"an earlier serial", cache.Delta{To: cache.Position{Registry: cachetest.Start.Registry, Epoch: cachetest.Start.Epoch}}, "serial 0"},
		{"a kind of the future", cache.Delta{To: cachetest.Start, Changes: []cache.Change{{Key: cache.Key{Kind: registry.Kinds, Name: "x"}, Row: "x"}}}, "kind"},
	} {
		if next, _, err := view.Apply(c.delta, time.Time{}); err == nil || next != nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: Apply gave a View %v and the error %v, want one with %q", c.name, next != nil, err, c.want)
		}
	}
}

func TestBuilderRefusesAnUnusableSnapshot(t *testing.T) {
	tld := cachetest.Change(&registry.TLD{Name: "coop"})
	for _, c := range []struct {
		name    string
		changes []cache.Change
		want    string
	}{
		{"an object twice", []cache.Change{tld, tld}, "twice"},
		{"a rejected object twice", []cache.Change{cachetest.Rejected(registry.KindTLD, "coop", registry.RejectDate), tld}, "twice"},
		{"an object without a row", []cache.Change{cachetest.Gone(registry.KindTLD, "coop")}, "without a row"},
		{"a kind of the future", []cache.Change{{Key: cache.Key{Kind: registry.Kinds, Name: "x"}, Row: "x"}}, "does not know"},
		{"a TLD after what stands under it", []cache.Change{cachetest.Change(&registry.Contact{ROID: "C-COOP"}), tld}, "comes first"},
	} {
		b := cache.NewBuilder(0)
		for _, change := range c.changes {
			_ = b.Put(change) // View says it too
		}
		if view, err := b.View(cachetest.Start, 1, cachetest.Forever()); view != nil || err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: View gave %v, want an error with %q", c.name, err, c.want)
		}
	}
}

// A row can be anything when a file was damaged or a feed is wrong: no look-up
// may panic on it, and none may call it absent.
func FuzzRow(f *testing.F) {
	for _, object := range []any{
		&registry.TLD{Name: "coop"},
		&registry.Registrar{ClID: "one", Street: []string{"1 Street"}},
		&registry.Contact{ROID: "C-COOP", Street: []string{"1 Street"}},
		&registry.Nameserver{ROID: "H-COOP", Name: "ns.coop", V4: []string{"192.0.2.1"}},
		worldDomain(0, 1),
		&registry.Reserved{Name: "r.coop", PublicText: "text"},
	} {
		c := cachetest.Change(object)
		f.Add(uint8(c.Kind), c.Name, c.Row)
	}
	f.Add(uint8(registry.KindDomain), "a", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01")
	start := cachetest.Build(&registry.TLD{Name: "coop"}, &registry.Registrar{ClID: "one", Name: "One"})
	f.Fuzz(func(t *testing.T, kind uint8, name, row string) {
		if row == "" {
			return
		}
		c := cache.Change{Key: cache.Key{Kind: registry.Kind(kind % registry.Kinds), Name: name}, Row: row}
		delta := cache.Delta{To: start.Position(), Changes: []cache.Change{c}}
		view, rejected, err := start.Apply(delta, time.Time{})
		if err != nil {
			t.Fatalf("Apply: %v", err)
		}
		folded, err := cache.FoldInMemory(t.Context(), view)
		if err != nil {
			t.Fatalf("fold: %v", err)
		}
		for _, v := range []*cache.View{view, folded} {
			lookUp(t, v, c.Key, len(rejected) == 0)
		}
		twin, _ := cachetest.NewTwin(start.Position(), start.AsOf(), cachetest.Forever(), []cache.Change{
			cachetest.Change(&registry.TLD{Name: "coop"}), cachetest.Change(&registry.Registrar{ClID: "one", Name: "One"}),
		})
		twin.Apply(delta, time.Time{})
		for _, v := range []*cache.View{view, folded} {
			if diff := twin.Diff(v, &cachetest.Probes{Names: []string{name}, ROIDs: []string{name}, ClIDs: []string{name}, Limits: []int{9}}); diff != "" {
				t.Error(diff)
			}
		}
	})
}

func lookUp(t *testing.T, view *cache.View, key cache.Key, published bool) {
	var (
		d        registry.Domain
		n        registry.Nameserver
		c        registry.Contact
		r        registry.Reserved
		presence cache.Presence
	)
	switch key.Kind {
	case registry.KindDomain:
		presence = view.Domain(key.Name, &d)
	case registry.KindHost:
		presence = view.Nameserver(key.Name, &n)
	case registry.KindContact:
		presence = view.Contact(key.Name, &c)
	case registry.KindReserved:
		presence = view.Reserved(key.Name, &r)
	default:
		return // a TLD or registrar is held decoded
	}
	if want := map[bool]cache.Presence{true: cache.Present, false: cache.Unknown}[published]; presence != want {
		t.Errorf("%s %q: presence %d, want %d", key.Kind, key.Name, presence, want)
	}
	if !published && view.Doubt(key.Kind) != cache.Unknown {
		t.Errorf("%s %q is in quarantine, and Doubt says nothing of it", key.Kind, key.Name)
	}
}
