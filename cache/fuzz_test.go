package cache_test

import (
	"context"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"rddsd/cache"
	"rddsd/cache/cachetest"
	"rddsd/cache/registry"
)

// Files come from a disk that may have lost or mixed anything, or from another
// program. What decodes is a View that answers as its twin; the rest is an
// error, never a panic and never memory by what a number in the file says.

var fuzzProbes = &cachetest.Probes{
	Names: []string{"", "coop", "d2.coop", "ns5.coop", "none.coop"}, ROIDs: []string{"H1-COOP", "C1-COOP", "D5-COOP"},
	ClIDs: []string{"one"}, IANA: []int{7}, Limits: []int{3}, Times: []registry.Time{registry.MaxTime},
}

// sameAsTwin checks the look-ups of view against a twin made of its rows.
func sameAsTwin(t *testing.T, view *cache.View) {
	t.Helper()
	var changes []cache.Change
	for key, row := range view.All() {
		key.Name = strings.Clone(key.Name)
		changes = append(changes, cache.Change{Key: key, Row: strings.Clone(row)})
	}
	twin, rejected := cachetest.NewTwin(view.Position(), view.AsOf(), time.Time{}, changes)
	if len(rejected) > 0 || len(view.Quarantined()) > 0 {
		return // a domain whose zone is gone: the twin would not take it up anew
	}
	if diff := twin.Diff(view, fuzzProbes); diff != "" {
		t.Error(diff)
	}
}

// fuzzBase returns the View of a small registry and the base that holds it.
func fuzzBase(f *testing.F) (*cache.View, string) {
	dir := f.TempDir()
	k := twoGenerations(f, dir)
	return k.view, string(readFile(f, filepath.Join(dir, "base-00000003")))
}

func FuzzBase(f *testing.F) {
	_, good := fuzzBase(f)
	f.Add(good)
	f.Add(good[:len(good)/2])
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		if view, err := cache.DecodeBase(text); err == nil {
			askAll(t, view)
		}
	})
}

// FuzzSealedBase puts any bytes anywhere into a base and makes its hashes right,
// as a fault of ours would. What comes of it may be wrong, but it ends, and what
// is found under a key has that key.
func FuzzSealedBase(f *testing.F) {
	_, good := fuzzBase(f)
	body := cache.Body(good)
	for _, at := range []int{0, 64, 200, body / 2, body - 9, body, body + 40, len(good) - 16} {
		f.Add(uint32(at), "")
		f.Add(uint32(at), "\xff\xff\xff\xff\xff\xff\xff\xff\xff")
		f.Add(uint32(at), "\x00\x00\x00\x00")
	}
	f.Fuzz(func(t *testing.T, at uint32, part string) {
		i := int(at) % len(good)
		part = part[:min(len(part), len(good)-i)]
		if view, err := cache.DecodeBase(cache.Seal(good[:i] + part + good[i+len(part):])); err == nil {
			askAll(t, view)
		}
	})
}

// askAll asks view for everything that anybody may.
func askAll(t *testing.T, view *cache.View) {
	var (
		d    registry.Domain
		n    registry.Nameserver
		c    registry.Contact
		r    registry.Reserved
		seen int
	)
	names := slices.Clone(fuzzProbes.Names)
	roids := slices.Clone(fuzzProbes.ROIDs)
	for key, row := range view.All() {
		if seen++; seen > 1000 {
			break
		}
		_ = row
		names, roids = append(names, strings.Clone(key.Name)), append(roids, strings.Clone(key.Name))
	}
	for _, name := range names {
		if view.Domain(name, &d) == cache.Present && d.Name != name {
			t.Errorf("Domain(%q) gives %q", name, d.Name)
		}
		if view.Reserved(name, &r) == cache.Present && r.Name != name {
			t.Errorf("Reserved(%q) gives %q", name, r.Name)
		}
		if view.NameserverByName(name, &n) == cache.Present && n.Name != name {
			t.Errorf("NameserverByName(%q) gives %q", name, n.Name)
		}
		view.Names(name, 9, nil)
	}
	for _, roid := range roids {
		if view.Contact(roid, &c) == cache.Present && c.ROID != roid {
			t.Errorf("Contact(%q) gives %q", roid, c.ROID)
		}
		if view.Nameserver(roid, &n) == cache.Present && n.ROID != roid {
			t.Errorf("Nameserver(%q) gives %q", roid, n.ROID)
		}
		if view.DomainByROID(roid, &d) == cache.Present && d.ROID != roid {
			t.Errorf("DomainByROID(%q) gives %q", roid, d.ROID)
		}
		view.DomainsOfHost(roid, 9, nil)
		view.DomainsOfContact(roid, 9, nil)
		view.Linked(roid)
	}
	view.NameserversAt(netip.MustParseAddr("192.0.2.1"), 9, nil)
	view.Due(registry.MaxTime)
	_ = view.Verify(context.Background())
	_ = view.Usage()
	file, err := os.CreateTemp(t.TempDir(), "base")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	_ = view.Fold(context.Background(), file)
}

// FuzzLog replays any bytes as a log, and any record behind a good one in a log
// whose hashes are right.
func FuzzLog(f *testing.F) {
	view, _ := fuzzBase(f)
	record := cache.DeltaRecord(deltaTo(view.Position().Serial + 1))
	f.Add(cache.SealLog(view, record), record)
	f.Add("", "")
	f.Fuzz(func(t *testing.T, text, record string) {
		for _, log := range []string{text, cache.SealLog(view, cache.DeltaRecord(deltaTo(view.Position().Serial)), record)} {
			next, err := cache.ReplayLog(view, log)
			if err != nil {
				continue
			}
			sameAsTwin(t, next)
			if next.Position().Registry != view.Position().Registry || next.Position().Serial < view.Position().Serial {
				t.Errorf("a log leads from %+v to %+v", view.Position(), next.Position())
			}
		}
	})
}
