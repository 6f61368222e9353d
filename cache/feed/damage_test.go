package feed_test

import (
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"rddsd/cache"
	"rddsd/cache/feed"
	"rddsd/cache/registry"
)

// insertReserved adds 2000 reserved names of three kilobytes each, which is more
// than an overlay keeps.
const insertReserved = `insert into reserved (name, reason, of, idn_table, public_text)
	with recursive n(i) as (select 0 union all select i + 1 from n where i < 1999)
	select 'r' || i || '.coop', 'variant', printf('%.1000c', 'a'), printf('%.1000c', 'b'), printf('%.1000c', 'c') from n`

// newestBase returns the path of the newest base in dir.
func newestBase(t *testing.T, dir string) string {
	t.Helper()
	bases, err := filepath.Glob(filepath.Join(dir, "base-*"))
	if err != nil || len(bases) == 0 {
		t.Fatalf("bases in %s: %v, %v", dir, bases, err)
	}
	return slices.Max(bases)
}

// flip changes a byte of the file at path, at a share of its length.
func flip(t *testing.T, path string, share float64) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	at := int(share * float64(len(data)))
	if _, err := file.WriteAt([]byte{data[at] ^ 0x10}, int64(at)); err != nil {
		t.Fatal(err)
	}
}

func verified(t *testing.T, path string) error {
	t.Helper()
	info, err := cache.InspectFile(path, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	return info.Verify(t.Context())
}

// A base in which a byte has changed gives way to the generation before it, or to
// a snapshot; nothing is answered wrongly meanwhile, and the next base is good.
func TestDamagedBase(t *testing.T) {
	t.Parallel()
	for _, older := range []bool{true, false} {
		name := map[bool]string{true: "the older generation leads there", false: "only the registry has it"}[older]
		t.Run(name, func(t *testing.T) {
			r := newRegistry(t, 100)
			dir := filepath.Join(t.TempDir(), "snapshots")
			synctest.Test(t, func(t *testing.T) {
				e := newEdge(t, r.path, dir).start()
				e.settle()
				r.run(t, insertReserved)
				e.after(10 * time.Second)
				if folds := e.Status().Folds; folds != 2 {
					t.Fatalf("%d folds, want the first base and one of what has changed", folds)
				}
				if !older {
					r.run(t, "update rdds_meta set epoch = lower(hex(randomblob(16)))")
					e.after(10 * time.Second)
				}
				e.stop()
				want := state(t, r.path) // what was served stands in the file that is to be damaged
				bad := newestBase(t, dir)
				flip(t, bad, 0.7)
				if err := os.Rename(r.path, r.path+".away"); err != nil {
					t.Fatal(err)
				}

				e = newEdge(t, r.path, dir).start()
				<-e.Ready()
				got := e.after(time.Minute)
				if n := e.log.count("level=ERROR") - e.log.count("the registry cannot be read"); n != 1 || e.log.count("is damaged") != 1 {
					t.Errorf("%d alarms, want one of the damage:\n%s", n, e.log.lines.String())
				}
				if diffs := differences(got, want); older && len(diffs) != 0 {
					t.Errorf("from the older generation: %d differences, %.300q", len(diffs), diffs[0])
				}
				unknown := 0
				for key, row := range want.All() {
					var r registry.Reserved
					switch {
					case key.Kind != registry.KindReserved:
					case got.Reserved(key.Name, &r) == cache.Unknown:
						unknown++
					case got.Reserved(key.Name, &r) == cache.Absent || string(registry.AppendReserved(nil, &r)) != row:
						t.Fatalf("%s is answered as %+v out of a damaged file", key.Name, r)
					}
				}
				if (unknown == 0) != older || unknown > 50 {
					t.Errorf("%d of 2000 objects are unknown", unknown)
				}
				if s := e.Status(); (s.DiskError == "") != older {
					t.Errorf("without the registry: %+v", s)
				}
				if err := os.Rename(r.path+".away", r.path); err != nil {
					t.Fatal(err)
				}
				e.after(time.Minute)
				e.same(r.path)
				if s := e.Status(); s.DiskError != "" || (s.Resyncs[feed.ReasonDamaged] != 0) == older {
					t.Errorf("the registry is back: %+v", s)
				}
				if err := e.Cache.Current().Verify(t.Context()); err != nil {
					t.Errorf("what is served is damaged: %v", err)
				}
				if newest := newestBase(t, dir); newest == bad || verified(t, newest) != nil {
					t.Errorf("the newest base is %s: %v", newest, verified(t, newest))
				}
				if _, err := os.Stat(bad); !os.IsNotExist(err) {
					t.Errorf("the damaged base is still there: %v", err)
				}
				e.stop()
			})
		})
	}
}
