package cache_test

import (
	"path/filepath"
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
		changes = append(changes, cache.Change{Key: key, Row: row})
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
			sameAsTwin(t, view)
		}
	})
}

// FuzzSection puts any bytes into one section of a base whose hashes are right.
func FuzzSection(f *testing.F) {
	_, good := fuzzBase(f)
	parts := cache.Sections(good)
	rows := make([]uint64, len(parts))
	for i, part := range parts {
		f.Add(uint8(i), uint64(0), part)
		f.Add(uint8(i), uint64(3), part)
		f.Add(uint8(i), uint64(1)<<63, part)
	}
	view, err := cache.DecodeBase(good)
	if err != nil {
		f.Fatal(err)
	}
	for kind := range registry.Kind(registry.Kinds) {
		rows[1+kind] = uint64(view.Count(kind))
	}
	rows[len(rows)-1] = uint64(len(view.Quarantined()))
	if _, err := cache.DecodeBase(cache.SealBase(parts, rows)); err != nil {
		f.Fatalf("a base with its own sections: %v", err)
	}
	f.Fuzz(func(t *testing.T, at uint8, n uint64, part string) {
		i := int(at) % len(parts)
		changed, counts := append([]string(nil), parts...), append([]uint64(nil), rows...)
		changed[i], counts[i] = part, n
		view, err := cache.DecodeBase(cache.SealBase(changed, counts))
		if err == nil {
			sameAsTwin(t, view)
		}
	})
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
