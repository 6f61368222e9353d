package synthetic

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"rddsd/cache/registry"
)

var update = flag.Bool("update", false, "write the golden files")

func mustNew(t testing.TB, p Params) *Registry {
	t.Helper()
	g, err := New(p)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// describe writes every object of g, one a line.
func describe(t testing.TB, g *Registry) []byte {
	t.Helper()
	var b bytes.Buffer
	err := g.Each(Sink{
		TLD:       func(o *registry.TLD) error { fmt.Fprintf(&b, "%+v\n", *o); return nil },
		Registrar: func(o *registry.Registrar) error { fmt.Fprintf(&b, "%+v\n", *o); return nil },
		Contact:   func(o *Contact) error { fmt.Fprintf(&b, "%+v\n", *o); return nil },
		Host:      func(o *registry.Nameserver) error { fmt.Fprintf(&b, "%+v\n", *o); return nil },
		Domain:    func(o *Domain) error { fmt.Fprintf(&b, "%+v\n", *o); return nil },
		Reserved:  func(o *registry.Reserved) error { fmt.Fprintf(&b, "%+v\n", *o); return nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// outputs returns every output of g by name.
func outputs(t testing.TB, g *Registry) map[string][]byte {
	t.Helper()
	dir := t.TempDir()
	var zone bytes.Buffer
	if err := errors.Join(g.WriteZone(&zone), g.WriteDeposits(context.Background(), dir, false)); err != nil {
		t.Fatal(err)
	}
	out := map[string][]byte{"objects": describe(t, g), "zone": zone.Bytes()}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		out[e.Name()] = text
	}
	return out
}

// TestTinyIsGolden holds the bytes of the registry of 100 names with seed 1: a
// change of them changes every registry that anybody has made.
func TestTinyIsGolden(t *testing.T) {
	out := outputs(t, mustNew(t, Params{Names: 100, Seed: 1}))
	names := make([]string, 0, len(out))
	for name := range out {
		names = append(names, name)
	}
	slices.Sort(names)
	var got strings.Builder
	for _, name := range names {
		fmt.Fprintf(&got, "%x  %s\n", sha256.Sum256(out[name]), name)
	}
	const golden = "testdata/tiny.sha256"
	if *update {
		if err := os.WriteFile(golden, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != string(want) {
		t.Errorf("New(Params{Names: 100, Seed: 1}): got\n%swant\n%s(go test -update writes it)", got.String(), want)
	}
}

func TestSeedAndParametersDecide(t *testing.T) {
	base := Params{Names: 300, Seed: 7}
	first, second := outputs(t, mustNew(t, base)), outputs(t, mustNew(t, base))
	for name := range first {
		if !bytes.Equal(first[name], second[name]) {
			t.Errorf("%s differs between two registries of the same parameters", name)
		}
	}
	g := mustNew(t, base)
	if !bytes.Equal(describe(t, g), describe(t, g)) {
		t.Error("the second pass over a registry differs from the first")
	}
	id, epoch := g.Identity()
	if len(id) != 32 || len(epoch) != 32 || id == epoch {
		t.Errorf("Identity() = %q, %q, want two times 32 digits", id, epoch)
	}
	for name, p := range map[string]Params{
		"seed":        {Names: 300, Seed: 8},
		"names":       {Names: 301, Seed: 7},
		"TLD":         {Names: 300, Seed: 7, TLD: "test"},
		"now":         {Names: 300, Seed: 7, Now: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)},
		"ROID suffix": {Names: 300, Seed: 7, ROIDSuffix: "TEST"},
	} {
		other := mustNew(t, p)
		if bytes.Equal(describe(t, other), describe(t, g)) {
			t.Errorf("another %s gives the same registry", name)
		}
		if otherID, otherEpoch := other.Identity(); otherID == id || otherEpoch == epoch {
			t.Errorf("another %s gives the same identity", name)
		}
	}
}

func TestParamsOutOfRange(t *testing.T) {
	for name, p := range map[string]Params{
		"no names":          {},
		"too many names":    {Names: MaxNames + 1},
		"TLD with capitals": {Names: 1, TLD: "Coop"},
		"TLD with a dot":    {Names: 1, TLD: "coop."},
		"TLD that is long":  {Names: 1, TLD: strings.Repeat("a.", 100) + "a"},
		"bad A-label":       {Names: 1, TLD: "xn--99999999"},
		"now too early":     {Names: 1, Now: time.Date(2009, 12, 31, 0, 0, 0, 0, time.UTC)},
		"long ROID suffix":  {Names: 1, ROIDSuffix: "ABCDEFGHI"},
		"ROID suffix":       {Names: 1, ROIDSuffix: "CO-OP"},
	} {
		if _, err := New(p); err == nil {
			t.Errorf("%s: New(%+v) succeeded", name, p)
		}
	}
}

// all holds the objects of a registry by key.
type all struct {
	registrars map[string]registry.Registrar
	contacts   map[string]Contact
	hosts      map[string]registry.Nameserver
	domains    map[string]Domain
	reserved   map[string]registry.Reserved
}

// collect copies every object of g and fails on one that comes twice or before
// what it refers to.
func collect(t testing.TB, g *Registry) all {
	t.Helper()
	a := all{map[string]registry.Registrar{}, map[string]Contact{}, map[string]registry.Nameserver{}, map[string]Domain{}, map[string]registry.Reserved{}}
	need := func(ok bool, what string, args ...any) {
		if !ok {
			t.Errorf(what, args...)
		}
	}
	err := g.Each(Sink{
		Registrar: func(r *registry.Registrar) error {
			_, twice := a.registrars[r.ClID]
			need(!twice, "registrar %s twice", r.ClID)
			a.registrars[r.ClID] = *r
			return nil
		},
		Contact: func(c *Contact) error {
			_, twice := a.contacts[c.ROID]
			_, sponsored := a.registrars[c.Registrar]
			need(!twice && sponsored, "contact %s: twice %v, sponsor %q", c.ROID, twice, c.Registrar)
			copied := *c
			copied.Street = slices.Clone(c.Street)
			a.contacts[c.ROID] = copied
			return nil
		},
		Host: func(n *registry.Nameserver) error {
			_, twice := a.hosts[n.ROID]
			_, sponsored := a.registrars[n.Registrar]
			need(!twice && sponsored, "host %s: twice %v, sponsor %q", n.ROID, twice, n.Registrar)
			copied := *n
			copied.V4, copied.V6 = slices.Clone(n.V4), slices.Clone(n.V6)
			a.hosts[n.ROID] = copied
			return nil
		},
		Domain: func(d *Domain) error {
			_, twice := a.domains[d.Name]
			need(!twice, "domain %s twice", d.Name)
			_, sponsored := a.registrars[d.Registrar]
			need(sponsored, "domain %s: sponsor %q", d.Name, d.Registrar)
			for _, roid := range slices.Concat([]string{d.Registrant}, d.Tech, d.Admin) {
				_, known := a.contacts[roid]
				need(known, "domain %s: contact %s was not made", d.Name, roid)
			}
			for i, roid := range d.Hosts {
				need(a.hosts[roid].Name == d.HostNames[i], "domain %s: host %s is named %q, not %q", d.Name, roid, a.hosts[roid].Name, d.HostNames[i])
			}
			copied := *d
			copied.Tech, copied.Admin, copied.DS = slices.Clone(d.Tech), slices.Clone(d.Admin), slices.Clone(d.DS)
			copied.Hosts, copied.HostNames = slices.Clone(d.Hosts), slices.Clone(d.HostNames)
			a.domains[d.Name] = copied
			return nil
		},
		Reserved: func(r *registry.Reserved) error {
			_, twice := a.reserved[r.Name]
			need(!twice, "reserved %s twice", r.Name)
			_, registered := a.domains[r.Name]
			need(!registered, "reserved %s is registered", r.Name)
			a.reserved[r.Name] = *r
			return nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestEachEndsWithTheFirstError(t *testing.T) {
	g := mustNew(t, Params{Names: 200, Seed: 1})
	stop := errors.New("stop")
	sinks := map[string]Sink{
		"tld":       {TLD: func(*registry.TLD) error { return stop }},
		"registrar": {Registrar: func(*registry.Registrar) error { return stop }},
		"contact":   {Contact: func(*Contact) error { return stop }},
		"host":      {Host: func(*registry.Nameserver) error { return stop }},
		"domain":    {Domain: func(*Domain) error { return stop }},
		"reserved":  {Reserved: func(*registry.Reserved) error { return stop }},
	}
	for name, sink := range sinks {
		if err := g.Each(sink); !errors.Is(err, stop) {
			t.Errorf("%s: Each() = %v, want the sink's error", name, err)
		}
	}
}

func TestSizeIsAsAsked(t *testing.T) {
	for _, names := range []int{1, 6, 7, 36, 100, 1000} {
		if got, want := len(collect(t, mustNew(t, Params{Names: names, Seed: 3})).domains), max(names, fixedNames); got != want {
			t.Errorf("Names: %d gives %d names, want %d", names, got, want)
		}
	}
}

func BenchmarkEach(b *testing.B) {
	const names = 100_000
	for b.Loop() {
		g := mustNew(b, Params{Names: names, Seed: 1})
		if err := g.Each(Sink{
			Contact: func(*Contact) error { return nil },
			Host:    func(*registry.Nameserver) error { return nil },
			Domain:  func(*Domain) error { return nil },
		}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(names)*float64(b.N)/b.Elapsed().Seconds(), "names/s")
}
