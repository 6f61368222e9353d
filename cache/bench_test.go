package cache_test

import (
	"fmt"
	"runtime"
	"strconv"
	"testing"
	"time"

	"rddsd/cache"
	"rddsd/cache/cachetest"
	"rddsd/cache/registry"
)

// benchView builds a registry of n names, not a multiple of 7919: two hosts of a
// shared pool and a contact of its own for each name.
func benchView(tb testing.TB, n int) *cache.View {
	tb.Helper()
	return benchBuild(tb, n, benchRows(n))
}

// benchBuild builds the View of n domains from rows.
func benchBuild(tb testing.TB, n int, rows []cache.Change) *cache.View {
	tb.Helper()
	b := cache.NewBuilder(n)
	for _, c := range rows {
		if err := b.Put(c); err != nil {
			tb.Fatal(err)
		}
	}
	view, err := b.View(cachetest.Start, cachetest.AsOf, cachetest.Forever())
	if err != nil {
		tb.Fatal(err)
	}
	return view
}

// benchRows returns the registry of benchView.
func benchRows(n int) (rows []cache.Change) {
	put := func(object any) { rows = append(rows, cachetest.Change(object)) }
	put(&registry.TLD{Name: "coop"})
	put(&registry.Registrar{ClID: "one", IANA: 7, Name: "One Limited"})
	hosts := max(1, n/10)
	for i := range n {
		put(&registry.Contact{
			ROID: "C" + strconv.Itoa(i) + "-COOP", Registrar: "one", Org: "Example Organisation " + strconv.Itoa(i), SP: "Kent", CC: "GB",
			Redacted: registry.ElementName | registry.ElementStreet | registry.ElementEmail, Created: benchTime, Updated: benchTime,
		})
	}
	for i := range hosts {
		put(&registry.Nameserver{
			ROID: "H" + strconv.Itoa(i) + "-COOP", Name: "ns" + strconv.Itoa(i) + ".example.coop", Registrar: "one",
			V4: []string{fmt.Sprintf("192.%d.%d.%d", i>>16&255, i>>8&255, i&255)}, Created: benchTime,
		})
	}
	for i := range n {
		put(benchDomain(i*7919%n, hosts))
	}
	return rows
}

// BenchmarkBuild builds Views from rows that are there, in no order.
func BenchmarkBuild(b *testing.B) {
	for _, n := range []int{10_000, 1_000_000} {
		rows := benchRows(n)
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				benchBuild(b, n, rows)
			}
			b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "names/s")
		})
	}
}

const benchTime registry.Time = 1700000000000000

func benchDomain(i, hosts int) *registry.Domain {
	return &registry.Domain{
		Name: "example" + strconv.Itoa(i) + ".coop", ROID: "D" + strconv.Itoa(i) + "-COOP", Registrar: "one",
		Registrant: "C" + strconv.Itoa(i) + "-COOP", Tech: []string{"C" + strconv.Itoa(i/2) + "-COOP"},
		Hosts:    []string{"H" + strconv.Itoa(i%hosts) + "-COOP", "H" + strconv.Itoa((i+1)%hosts) + "-COOP"},
		Statuses: registry.ClientTransferProhibited,
		Created:  benchTime, Updated: benchTime, Expires: benchTime + 1e15,
	}
}

// BenchmarkLoad is a start: newest base read, verified and indexed.
func BenchmarkLoad(b *testing.B) {
	for _, n := range []int{10_000, 1_000_000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			dir := b.TempDir()
			disk, _ := openDisk(b, dir)
			if err := disk.WriteBase(benchView(b, n)); err != nil {
				b.Fatal(err)
			}
			runtime.GC()
			for b.Loop() {
				if view, err := disk.Load(noon, maxMissAge); err != nil || view.Count(registry.KindDomain) != n {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "names/s")
		})
	}
}

func BenchmarkWriteBase(b *testing.B) {
	for _, n := range []int{10_000, 1_000_000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			disk, _ := openDisk(b, b.TempDir())
			view := benchView(b, n)
			b.ReportAllocs()
			for b.Loop() {
				if err := disk.WriteBase(view); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkReplay is a start with a log of so many deltas of ten changes.
func BenchmarkReplay(b *testing.B) {
	const names, deltas = 100_000, 10_000
	dir := b.TempDir()
	disk, _ := openDisk(b, dir)
	if err := disk.WriteBase(benchView(b, names)); err != nil {
		b.Fatal(err)
	}
	for i := range deltas {
		delta := benchDelta(i, 10, names)
		if err := disk.Append(delta); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		if view, err := disk.Load(noon, maxMissAge); err != nil || view.Position().Serial != deltas {
			b.Fatal(err)
		}
	}
	b.ReportMetric(10*deltas*float64(b.N)/b.Elapsed().Seconds(), "changes/s")
}

func benchDelta(i, changes, names int) cache.Delta {
	delta := cache.Delta{To: cachetest.Start, AsOf: cachetest.AsOf + registry.Time(i)}
	delta.To.Serial = uint64(i) + 1
	for j := range changes {
		d := benchDomain((i*7919+j*104729)%names, names/10)
		d.Updated += registry.Time(i)
		delta.Changes = append(delta.Changes, cachetest.Change(d))
	}
	return delta
}

// BenchmarkApply applies deltas of ten changes, folding as it goes.
func BenchmarkApply(b *testing.B) {
	for _, n := range []int{10_000, 1_000_000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			view := benchView(b, n)
			b.ReportAllocs()
			i := 0
			slowest := time.Duration(0)
			for b.Loop() {
				delta := benchDelta(i, 10, n)
				start := time.Now()
				next, _, err := view.Apply(delta, cachetest.Forever())
				if err != nil {
					b.Fatal(err)
				}
				slowest = max(slowest, time.Since(start))
				view = next
				i++
			}
			b.ReportMetric(float64(slowest.Milliseconds()), "slowest-ms")
		})
	}
}

// BenchmarkDomain is the look-ups of one domain answer: the name, its contacts
// and its hosts, in a View with an empty overlay and with a full one.
func BenchmarkDomain(b *testing.B) {
	const names = 100_000
	empty := benchView(b, names)
	full := empty
	for i := range 1200 {
		var err error
		if full, _, err = full.Apply(benchDelta(i, 10, names), cachetest.Forever()); err != nil {
			b.Fatal(err)
		}
	}
	for _, c := range []struct {
		name string
		view *cache.View
	}{{"base", empty}, {"overlay-" + strconv.Itoa(cache.OverlaySize(full)), full}} {
		b.Run(c.name, func(b *testing.B) {
			var (
				d  registry.Domain
				co registry.Contact
				h  registry.Nameserver
			)
			asked := make([]string, names)
			for i := range asked {
				asked[i] = "example" + strconv.Itoa(i*7919%names) + ".coop"
			}
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				if c.view.Domain(asked[i%names], &d) != cache.Present {
					b.Fatal(asked[i%names])
				}
				c.view.Contact(d.Registrant, &co)
				c.view.Contact(d.Tech[0], &co)
				for _, roid := range d.Hosts {
					c.view.Nameserver(roid, &h)
				}
				i++
			}
		})
	}
}
