package sqlite

import (
	"context"
	"fmt"
	"testing"
	"time"

	"rddsd/cache"
	"rddsd/cache/registry"
	"rddsd/cache/registry/synthetic"
)

// fill loads a registry of n domains shaped like the reference one: two hosts
// each out of n/10, a registrant and 0.6 technical contacts each out of 0.8 n,
// one in ten signed.
func fill(l *Loader, n int) error {
	const created, expires = registry.Time(1_600_000_000_000_000), registry.Time(1_900_000_000_000_000)
	hosts, contacts := max(2, n/10), max(2, n*8/10)
	err := l.TLD(&registry.TLD{Name: "coop", GTLD: true, ContactModel: registry.ModelFull, Created: created})
	for i := 0; i < 100 && err == nil; i++ {
		err = l.Registrar(&registry.Registrar{ClID: fmt.Sprintf("reg-%d", i), IANA: 900001 + i, Name: fmt.Sprintf("Registrar %d", i), Status: "ok", Created: created})
	}
	for i := 0; i < contacts && err == nil; i++ {
		err = l.Contact(&registry.Contact{
			ROID: fmt.Sprintf("C%d-COOP", i), Registrar: fmt.Sprintf("reg-%d", i%100), Org: fmt.Sprintf("Cooperative %d", i),
			SP: "Ontario", CC: "CA", Created: created,
			Redacted: registry.ElementID | registry.ElementName | registry.ElementStreet | registry.ElementCity | registry.ElementPC |
				registry.ElementVoice | registry.ElementEmail,
		})
	}
	for i := 0; i < hosts && err == nil; i++ {
		err = l.Host(&registry.Nameserver{ROID: fmt.Sprintf("H%d-COOP", i), Name: fmt.Sprintf("ns%d.example.net", i), Registrar: fmt.Sprintf("reg-%d", i%100), Created: created})
	}
	for i := 0; i < n && err == nil; i++ {
		d := synthetic.Domain{Domain: registry.Domain{
			Name: fmt.Sprintf("name-%d.coop", i), ROID: fmt.Sprintf("D%d-COOP", i), Registrar: fmt.Sprintf("reg-%d", i%100),
			Registrant: fmt.Sprintf("C%d-COOP", i%contacts), Created: created, Updated: created, Expires: expires,
			Hosts:    []string{fmt.Sprintf("H%d-COOP", i%hosts), fmt.Sprintf("H%d-COOP", (i+1)%hosts)},
			Statuses: registry.ClientTransferProhibited,
		}}
		if i%10 < 6 {
			d.Tech = []string{fmt.Sprintf("C%d-COOP", (i+1)%contacts)}
		}
		if i%10 == 0 {
			d.DS = []registry.DS{{KeyTag: uint16(i), Algorithm: 13, DigestType: 2, Digest: "0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF"}}
		}
		err = l.Domain(&d)
	}
	return err
}

func benchSource(b *testing.B, n int) *Source {
	path := load(b, func(l *Loader) error { return fill(l, n) })
	s := Open(path, 5*time.Second)
	b.Cleanup(s.Close)
	return s
}

// BenchmarkSnapshot reads a registry of 100,000 names as a cold start does.
func BenchmarkSnapshot(b *testing.B) {
	s := benchSource(b, 100_000)
	rows := 0
	b.ReportAllocs()
	for b.Loop() {
		_, _, err := s.Snapshot(context.Background(), func(cache.Change) error { rows++; return nil })
		if err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(rows)/b.Elapsed().Seconds(), "rows/s")
}

// BenchmarkLook is what the file costs between polls.
func BenchmarkLook(b *testing.B) {
	s := benchSource(b, 1000)
	if err := s.look(); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := s.look(); err != nil {
			b.Fatal(err)
		}
		if _, err := s.reader.version(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkReopen is what a checkpoint of the registry costs.
func BenchmarkReopen(b *testing.B) {
	s := benchSource(b, 1000)
	for b.Loop() {
		s.disconnect()
		if err := s.look(); err != nil {
			b.Fatal(err)
		}
		if _, err := s.reader.head(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkPoll reads 100 domains that changed, and none.
func BenchmarkPoll(b *testing.B) {
	s := benchSource(b, 100_000)
	at, _, err := s.Snapshot(context.Background(), func(cache.Change) error { return nil })
	if err != nil {
		b.Fatal(err)
	}
	for _, n := range []int{0, 1, 100} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			keys := make([]cache.Key, n)
			for i := range keys {
				keys[i] = cache.Key{Kind: registry.KindDomain, Name: fmt.Sprintf("name-%d.coop", i*997)}
			}
			b.ReportAllocs()
			for b.Loop() {
				s.at = cache.Position{} // poll at once
				delta, err := s.Next(context.Background(), at, func(registry.Time) []cache.Key { return keys })
				if err != nil || len(delta.Changes) != n {
					b.Fatal(len(delta.Changes), err)
				}
			}
		})
	}
}
