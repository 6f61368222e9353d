package cache_test

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"rddsd/cache"
	"rddsd/cache/cachetest"
	"rddsd/cache/registry"
)

var long = flag.Bool("long", false, "run the long tests: a million deltas against the twin, 100,000 damaged files")

// wounded is a base file of several blocks, and what it must answer.
type wounded struct {
	text    string
	domains map[string]registry.Domain
}

func newWounded(t *testing.T) *wounded {
	t.Helper()
	view := benchView(t, 3000)
	g := &wounded{text: cache.EncodeBase(t, view), domains: map[string]registry.Domain{}}
	for i := range 3000 {
		want := *benchDomain(i, 300)
		g.domains[want.Name] = want
	}
	return g
}

// check opens text, a damaged form of g.text, and asks for names at random. What
// is there is answered right or not at all, and what is not there is not told to
// be free once damage was met.
func (g *wounded) check(t *testing.T, rng *rand.Rand, text, what string) {
	t.Helper()
	view, err := cache.DecodeBase(text)
	if err != nil {
		return
	}
	var d registry.Domain
	for range 20 {
		i := rng.IntN(3000)
		name := fmt.Sprintf("example%d.coop", i)
		switch presence := view.Domain(name, &d); presence {
		case cache.Present:
			got := d
			got.Memory = nil
			if want := g.domains[name]; !reflect.DeepEqual(tidy(got), tidy(want)) {
				t.Fatalf("%s: Domain(%q) = %+v, want %+v", what, name, got, want)
			}
		case cache.Absent:
			t.Fatalf("%s: Domain(%q) is absent", what, name)
		}
		if hosts, _ := view.DomainsOfHost(fmt.Sprintf("H%d-COOP", i%300), 100, nil); len(hosts) < 20 && view.Doubt(registry.KindDomain) != cache.Unknown {
			t.Fatalf("%s: host %d has %d domains, and there is no doubt", what, i%300, len(hosts))
		}
	}
	if err := view.Verify(context.Background()); err == nil {
		t.Fatalf("%s: nothing was found out", what)
	}
	if view.Damage() == nil || view.MissKnown(noon) || view.Doubt(registry.KindHost) != cache.Unknown {
		t.Fatalf("%s: damage was met, and misses may be told", what)
	}
	file, err := os.CreateTemp(t.TempDir(), "base")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := view.Fold(context.Background(), file); err == nil {
		t.Fatalf("%s: it was written anew", what)
	}
}

func tidy(d registry.Domain) registry.Domain {
	if len(d.DS) == 0 {
		d.DS = nil
	}
	return d
}

// TestDamagedBase flips bits and cuts ends of a base at random. Each fault is
// found when it is met, and by Verify when it is not; none gives a wrong answer.
func TestDamagedBase(t *testing.T) {
	g := newWounded(t)
	rng := rand.New(rand.NewPCG(1, 2))
	rounds := 300
	if *long {
		rounds = 100_000
	}
	data := []byte(g.text)
	for round := range rounds {
		if round%4 == 0 {
			n := rng.IntN(len(data))
			g.check(t, rng, g.text[:n], fmt.Sprintf("cut to %d of %d bytes", n, len(data)))
			continue
		}
		at, bit := rng.IntN(len(data)), byte(1)<<rng.IntN(8)
		data[at] ^= bit
		g.check(t, rng, string(data), fmt.Sprintf("bit %d of byte %d flipped", bit, at))
		data[at] ^= bit
	}
}

// TestDamageIsToldOnce opens a file with a bad block: the View serves on, and the
// log has one line with the path.
func TestDamageIsToldOnce(t *testing.T) {
	g := newWounded(t)
	path := filepath.Join(t.TempDir(), "base")
	data := []byte(g.text)
	data[65536] ^= 1 // among the contacts, half of them
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	var lines strings.Builder
	view, err := cache.OpenBase(path, slog.New(slog.NewTextHandler(&lines, nil)))
	if err != nil {
		t.Fatal(err)
	}
	if lines.String() != "" || view.Damage() != nil {
		t.Errorf("opening read the file: %s", lines.String())
	}
	var d registry.Domain
	unknown := 0
	for name := range g.domains {
		if view.Domain(name, &d) == cache.Unknown {
			unknown++
		}
	}
	if unknown == 0 || unknown == len(g.domains) || view.Damage() == nil {
		t.Errorf("%d of %d names are unknown, damage %v", unknown, len(g.domains), view.Damage())
	}
	if err := view.Verify(context.Background()); err == nil || strings.Count(lines.String(), "\n") != 1 || !strings.Contains(lines.String(), path) {
		t.Errorf("Verify: %v; the log says %q", err, lines.String())
	}
}

// TestOpenReadsLittle opens a base and takes a look-up to the whole of it, block
// by block: what is not needed is not read.
func TestOpenReadsLittle(t *testing.T) {
	g := newWounded(t)
	data := []byte(g.text)
	// Every block but the first two, which hold the TLD and the registrar, is bad.
	for at := 2 * 65536; at < cache.Body(g.text); at += 65536 {
		data[at] ^= 1
	}
	view, err := cache.DecodeBase(string(data))
	if err != nil {
		t.Fatal(err)
	}
	if view.Damage() != nil || view.Registrar("one") == nil || view.TLD("coop") == nil || view.Count(registry.KindDomain) != 3000 {
		t.Errorf("damage %v, registrars %v, %d domains", view.Damage(), view.Registrars(), view.Count(registry.KindDomain))
	}
}

// TestExtremes folds objects that need every form that a record has, and compares
// their rows.
func TestExtremes(t *testing.T) {
	many := make([]string, 40)
	for i := range many {
		many[i] = fmt.Sprintf("H%d-COOP", i%3)
	}
	const late = registry.MaxTime
	domains := []*registry.Domain{
		{Name: "a.coop", ROID: "D1-COOP", Registrar: "one", Created: 1, Expires: late},
		{Name: "b.coop", ROID: "D007-COOP", Registrar: "one", Created: late, Expires: late, Updated: late, Transferred: late, RefreshAt: late},
		{Name: "c.coop", ROID: "nothing in it to count", Registrar: "one", Registrant: "not there", Tech: []string{"not there"}, Hosts: []string{"nor this", "H1-COOP"}, Created: 1e6, Expires: 2e6},
		{Name: "d.coop", ROID: "99999999999999999999-COOP", Registrar: "one", Hosts: many, Created: 1e6, Expires: 86400e6 + 1e6},
		{Name: "e.coop", ROID: "999999999999999999_x", Registrar: "one", Hosts: many[:14], Tech: []string{"C1-COOP", "C2-COOP"}, Created: 1e6, Expires: 2},
		{Name: "f.coop", ROID: "0-COOP", Registrar: "one", Registrant: "C1-COOP", Tech: []string{"C1-COOP"}, Hosts: many[:15], Created: 1e6, Expires: 1e6},
		{Name: "g.coop", Registrar: "one", Registrant: "C1-COOP", Tech: []string{"C2-COOP"}, UName: "\u00e9.coop", IDNTable: "fr", Reseller: "R", Created: 86400e6 * 365 * 3, Expires: 86400e6 * 365 * 40},
		{Name: "h.coop", ROID: "-COOP", Registrar: "one", Statuses: 1<<24 - 1, DS: []registry.DS{{Digest: "AB"}, {KeyTag: 65535, Algorithm: 255, DigestType: 255, Digest: "CDEF"}, {Digest: "00"}}, Created: 4294967295e6, Expires: 4294967295e6, Updated: 4294967296e6},
		{Name: strings.Repeat("a.", 100) + "coop", ROID: "D2-COOP", Registrar: "one", Created: 1, Expires: 1},
		{Name: "i.coop", ROID: "D2-OTHER", Registrar: "one", Updated: 5e6, Transferred: 5e6, RefreshAt: 7e6, Created: 5e6, Expires: 5e6 + 86400e6*(365*31+7)},
	}
	objects := []any{&registry.TLD{Name: "coop", Created: late}, &registry.Registrar{ClID: "one", Name: "One"}}
	for i := range 3 {
		objects = append(objects,
			&registry.Contact{ROID: fmt.Sprintf("C%d-COOP", i), Registrar: "one", CC: "GB", SP: "Kent", Street: []string{"", "x"}, Redacted: 1<<11 - 1, Created: late - registry.Time(i), Updated: 1},
			&registry.Nameserver{ROID: fmt.Sprintf("H%d-COOP", i), Name: fmt.Sprintf("n%d.coop", i), V4: []string{"192.0.2.1", "192.0.2.2"}, V6: []string{"2001:db8::1"}, Statuses: registry.ClientUpdateProhibited, Created: late * registry.Time(i%2), Updated: 1e6})
	}
	for _, d := range domains {
		objects = append(objects, d)
	}
	built := cachetest.Build(objects...)
	for shift := range uint8(7) {
		view := cache.ShiftAt(built, shift)
		for range 2 { // once out of the builder's base, once out of a folded one
			next, _, err := view.Apply(cache.Delta{To: view.Position(), Changes: []cache.Change{
				cachetest.Gone(registry.KindDomain, "none.coop"), cachetest.Change(&registry.Reserved{Name: "r.coop", PublicText: fmt.Sprint(view.Count(registry.KindReserved))}),
			}}, noon)
			if err != nil {
				t.Fatal(err)
			}
			if view, err = cache.FoldInMemory(context.Background(), next); err != nil {
				t.Fatal(err)
			}
		}
		rows := map[string]string{}
		for key, row := range view.All() {
			rows[fmt.Sprint(key)] = row + ""
		}
		for _, o := range objects {
			c := cachetest.Change(o)
			var d registry.Domain
			if c.Kind == registry.KindDomain {
				if got := view.Domain(c.Name, &d); got != cache.Present || string(registry.AppendDomain(nil, &d)) != c.Row {
					t.Errorf("shift %d: Domain(%q) = %d, %+v, want %+v", shift, c.Name, got, d, o)
				}
			}
		}
		for _, d := range domains {
			var got registry.Domain
			if d.ROID != "" && (view.DomainByROID(d.ROID, &got) != cache.Present || got.Name != d.Name) {
				t.Errorf("shift %d: DomainByROID(%q) gives %q, want %q", shift, d.ROID, got.Name, d.Name)
			}
		}
		names, _ := view.DomainsOfHost("H1-COOP", 100, nil)
		lost, _ := view.DomainsOfContact("not there", 100, nil)
		if got := strings.Join(names, " ") + "; " + strings.Join(lost, " "); got != "c.coop d.coop e.coop f.coop; c.coop" {
			t.Errorf("shift %d: references lead to %s", shift, got)
		}
	}
}

// TestRuns builds a View out of records that do not fit one run.
func TestRuns(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	b := cache.NewBuilder(0)
	cache.SetRunSize(b, 2000)
	put := func(object any) {
		if err := b.Put(cachetest.Change(object)); err != nil {
			t.Fatal(err)
		}
	}
	put(&registry.TLD{Name: "coop"})
	put(&registry.Registrar{ClID: "one", Name: "One"})
	for _, i := range rng.Perm(300) {
		put(&registry.Contact{ROID: fmt.Sprintf("C%d-COOP", i), CC: "GB", Created: 1})
	}
	for _, i := range rng.Perm(2000) {
		put(benchDomain(i, 10))
	}
	view, err := b.View(cachetest.Start, cachetest.AsOf, cachetest.Forever())
	if err != nil {
		t.Fatal(err)
	}
	var d registry.Domain
	for i := range 2000 {
		if want := benchDomain(i, 10); view.Domain(want.Name, &d) != cache.Present || d.ROID != want.ROID {
			t.Fatalf("%s is not there", want.Name)
		}
	}
	names, more := view.Names("", 5000, nil)
	if len(names) != 2000 || more {
		t.Errorf("%d names, more %t", len(names), more)
	}
	last := ""
	for _, name := range names {
		if name <= last {
			t.Fatalf("%s after %s", name, last)
		}
		last = name
	}
}
