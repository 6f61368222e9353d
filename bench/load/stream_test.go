package load

import (
	"math"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
)

// ask returns so many queries of a mix, as lines and paths are asked for them.
func ask(t *testing.T, o Options, count int) []query {
	t.Helper()
	o.Names = generated()
	o, err := o.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	random := newRandom(o.Seed, 0)
	s, w := newStream(&o, random, new(atomic.Int64)), newWire(&o, random)
	list := make([]query, count)
	for i := range list {
		s.next(&list[i])
		w.request(&list[i])
	}
	return list
}

// A mix is asked in its shares, and the same seed asks the same.
func TestStreamMix(t *testing.T) {
	const count = 20_000
	for _, p := range []Protocol{WHOIS, RDAP} {
		for _, name := range MixNames() {
			o := Options{Protocol: p, Mix: mix(t, name, p), Seed: 7}
			list := ask(t, o, count)
			var kinds [Kinds]float64
			heads := 0.0
			for i := range list {
				kinds[list[i].kind]++
				if list[i].head {
					heads++
				}
				if p == RDAP && strings.HasPrefix(string(list[i].out), "HEAD /") != list[i].head {
					t.Fatalf("%s %s: %q, although it should be HEAD: %t", p, name, list[i].out, list[i].head)
				}
			}
			sum := 0.0
			for _, share := range o.Mix.Shares {
				sum += share
			}
			for k, n := range kinds {
				if want := o.Mix.Shares[k] / sum; math.Abs(n/count-want) > 0.015 {
					t.Errorf("%s %s: %.3f of the queries are %s, want %.3f", p, name, n/count, Kind(k), want)
				}
			}
			if math.Abs(heads/count-o.Mix.Head) > 0.015 {
				t.Errorf("%s %s: %.3f of the queries are HEAD, want %.3f", p, name, heads/count, o.Mix.Head)
			}
			again := ask(t, o, 100)
			for i := range again {
				if string(again[i].out) != string(list[i].out) {
					t.Fatalf("%s %s: query %d of the same seed is %q and %q", p, name, i, list[i].out, again[i].out)
				}
			}
			o.Seed = 8
			if other := ask(t, o, 100); name != "harvest" && string(other[50].out)+string(other[51].out) == string(list[50].out)+string(list[51].out) {
				t.Errorf("%s %s: another seed asks the same", p, name)
			}
		}
	}
}

// Each kind asks for what it says.
func TestStreamKinds(t *testing.T) {
	n := generated()
	all := make(map[string]bool)
	for i := range n.Len() {
		all[n.At(i)] = true
	}
	polled := make(map[string]bool)
	for i, q := range ask(t, Options{Mix: mix(t, "mixed", WHOIS)}, 20_000) {
		line, ended := strings.CutSuffix(string(q.out), "\r\n")
		switch q.kind {
		case Hit, Harvest:
			if !all[line] || !ended {
				t.Errorf("query %d, %s: %q is none of the names", i, q.kind, q.out)
			}
		case Miss:
			if all[line] || !strings.HasPrefix(line, "free-") || !strings.HasSuffix(line, ".coop") {
				t.Errorf("query %d, %s: %q", i, q.kind, q.out)
			}
		case DropCatch:
			polled[line] = true
			if !all[line] && !strings.HasPrefix(line, "free-") {
				t.Errorf("query %d, %s: %q", i, q.kind, q.out)
			}
		case Help:
			if line != "?" {
				t.Errorf("query %d, %s: %q", i, q.kind, q.out)
			}
		}
	}
	if n := len(polled); n < dropNames/2 || n > dropNames+10 {
		t.Errorf("drop-catchers ask for %d names, want about %d", n, dropNames)
	}
	unicode := 0
	for i, q := range ask(t, Options{Mix: mix(t, "idn", RDAP), Protocol: RDAP}, 1000) {
		path := strings.Fields(string(q.out))[1]
		if !strings.HasPrefix(path, "/domain/") || !all[string(q.name)] || !strings.HasPrefix(string(q.name), "xn--") {
			t.Errorf("query %d: %q for %s", i, path, q.name)
		}
		if strings.Contains(path, "%") {
			unicode++
		}
	}
	if unicode < 400 || unicode > 600 {
		t.Errorf("%d of 1000 IDN queries are U-labels, want half", unicode)
	}
}

// A harvester sees each name once before any comes again, in the order of the
// zone.
func TestStreamHarvest(t *testing.T) {
	count := generated().Len()
	last := ""
	for i, q := range ask(t, Options{Mix: mix(t, "harvest", WHOIS)}, count+1) {
		if name := string(q.name); name <= last && i < count {
			t.Errorf("%s comes after %s", name, last)
		} else {
			last = name
		}
	}
	if first := generated().At(int(generated().zoneOrder()[0])); last != first {
		t.Errorf("after the last name comes %s, want %s", last, first)
	}
}

// The popularity of ranks follows 1/r^s, for exponents on both sides of 1.
func TestZipf(t *testing.T) {
	const n, draws = 1000, 400_000
	for _, s := range []float64{0, 0.5, 0.9, 1, 1.2, 2} {
		counts := make([]float64, n+1)
		z, random := newZipf(n, s), newRandom(1, 0)
		for range draws {
			counts[z.draw(random)]++
		}
		sum := 0.0
		for r := 1; r <= n; r++ {
			sum += math.Pow(float64(r), -s)
		}
		for _, r := range []int{1, 2, 3, 10, 100, 500, n} {
			want := math.Pow(float64(r), -s) / sum * draws
			if off := math.Abs(counts[r] - want); off > 5*math.Sqrt(want)+1 {
				t.Errorf("s = %g: rank %d came %.0f times, want %.0f", s, r, counts[r], want)
			}
		}
	}
}

// All names are asked for, each by a rank of its own.
func TestStride(t *testing.T) {
	for _, n := range []int{1, 2, 3, 6, 10, 100, 999, 1 << 16, 30030} {
		seen := make([]bool, n)
		for i, k := 0, stride(n); i < n; i++ {
			at := i * k % n
			if seen[at] {
				t.Fatalf("stride(%d) = %d comes to %d twice", n, k, at)
			}
			seen[at] = true
		}
	}
}

// Clients have the addresses that source.go tells.
func TestSources(t *testing.T) {
	s := newSources(newRandom(1, 0), 1000)
	ordinary := make(map[netip.Addr]int)
	networks := make(map[netip.Prefix]bool)
	harvest := make(map[netip.Prefix]bool)
	drop := make(map[netip.Addr]bool)
	for range 50_000 {
		a := s.pick(Hit)
		ordinary[a]++
		networks[netip.PrefixFrom(a, 24).Masked()] = true
		harvest[netip.PrefixFrom(s.pick(Harvest), 24).Masked()] = true
		drop[s.pick(DropCatch)] = true
		if !a.IsLoopback() {
			t.Fatalf("source %s", a)
		}
	}
	if len(ordinary) != 1000 || len(networks) != 1000 || len(harvest) != harvestNetworks || len(drop) != dropSources {
		t.Errorf("%d ordinary clients in %d networks, %d networks of harvesters, %d drop-catchers",
			len(ordinary), len(networks), len(harvest), len(drop))
	}
	hot := 0
	for _, n := range ordinary {
		if n > 1000 {
			hot += n
		}
	}
	if share := float64(hot) / 50_000; math.Abs(share-hotQueries) > 0.05 {
		t.Errorf("the hot clients send %.2f of the queries, want %.2f", share, hotQueries)
	}
	if a := newSources(newRandom(1, 0), 1).pick(Harvest); a.IsValid() {
		t.Errorf("with one source, the system chooses it: %s", a)
	}
	whole := newSources(newRandom(1, 0), MaxSources)
	for range 1000 {
		if a := whole.pick(Miss).As4(); a[1] < 16 || a[1] > 207 || a[3] < 1 || a[3] > 253 {
			t.Fatalf("source %v", a)
		}
	}
}

// Queries cost no garbage.
func TestStreamAllocates(t *testing.T) {
	for _, p := range []Protocol{WHOIS, RDAP} {
		o, err := (Options{Names: generated(), Protocol: p, Mix: mix(t, "mixed", p)}).withDefaults()
		if err != nil {
			t.Fatal(err)
		}
		random := newRandom(1, 0)
		s, w := newStream(&o, random, new(atomic.Int64)), newWire(&o, random)
		q := query{out: make([]byte, 0, 11<<10), name: make([]byte, 0, 300), asked: make([]byte, 0, 300)}
		if n := testing.AllocsPerRun(2000, func() {
			s.next(&q)
			w.request(&q)
		}); n > 0 {
			t.Errorf("%s: a query costs %g allocations", p, n)
		}
	}
}

func BenchmarkStream(b *testing.B) {
	for _, name := range []string{"hits", "mixed"} {
		b.Run(name, func(b *testing.B) {
			o, err := (Options{Names: generated(), Mix: mix(b, name, WHOIS)}).withDefaults()
			if err != nil {
				b.Fatal(err)
			}
			random := newRandom(1, 0)
			s, w := newStream(&o, random, new(atomic.Int64)), newWire(&o, random)
			var q query
			b.ReportAllocs()
			for b.Loop() {
				s.next(&q)
				w.request(&q)
			}
		})
	}
}
