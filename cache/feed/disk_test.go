package feed_test

import (
	"errors"
	"fmt"
	"io/fs"
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

// After a clean stop the edge serves from disk what it served, and tells misses
// as long as they would have been told without the stop.
func TestRestartWithoutTheRegistry(t *testing.T) {
	t.Parallel()
	r := newRegistry(t, 100)
	dir := filepath.Join(t.TempDir(), "snapshots")
	synctest.Test(t, func(t *testing.T) {
		e := newEdge(t, r.path, dir).start()
		e.settle()
		r.run(t, "update domain set expires = 9 where name = 'd0.coop'", "delete from domain where name = 'd1.coop'",
			"update host set v4 = '[\"bad\"]' where roid = 'H2'")
		want := e.after(time.Minute)
		e.stop()
		if err := os.Rename(r.path, r.path+".away"); err != nil {
			t.Fatal(err)
		}

		e = newEdge(t, r.path, dir).start()
		<-e.Ready()
		got := e.after(0)
		if diffs := differences(got, want); len(diffs) != 0 {
			t.Errorf("from disk: %q", diffs)
		}
		if got.AsOf() != want.AsOf() || !got.MissKnown(time.Now()) {
			t.Errorf("from disk: as of %v, want %v; misses known %v", got.AsOf(), want.AsOf(), got.MissKnown(time.Now()))
		}
		if s := e.Status(); s.Connected || !s.Ready || s.DiskError != "" || s.Quarantined[feed.RejectedRow{Kind: registry.KindHost, Reason: registry.RejectAddress}] != 1 {
			t.Errorf("status %+v", s)
		}
		if e.after(15 * time.Minute).MissKnown(time.Now()) {
			t.Error("misses do not age")
		}

		// And again, without having read the registry: it is not younger for that.
		e.stop()
		e = newEdge(t, r.path, dir).start()
		<-e.Ready()
		if got := e.after(0); got.MissKnown(time.Now()) || len(differences(got, want)) != 0 {
			t.Error("the second restart: misses are told, or rows differ")
		}

		if err := os.Rename(r.path+".away", r.path); err != nil {
			t.Fatal(err)
		}
		r2 := openRegistry(t, r.path)
		defer r2.db.Close()
		r2.run(t, "update domain set expires = 10 where name = 'd2.coop'")
		if got := e.after(time.Minute); !got.MissKnown(time.Now()) {
			t.Error("the registry is back: misses are not told")
		}
		e.same(r.path)
		if s := e.Status(); len(s.Resyncs) != 0 {
			t.Errorf("the position held, but there were snapshots: %v", s.Resyncs)
		}
		e.stop()
	})
}

// image copies dir as a crash of the process would leave it.
func image(t testing.TB, dir string) string {
	t.Helper()
	to := t.TempDir()
	for range 100 {
		names, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		err = nil
		for _, name := range names {
			content, readErr := os.ReadFile(filepath.Join(dir, name.Name()))
			err = errors.Join(err, readErr)
			if readErr == nil && os.WriteFile(filepath.Join(to, name.Name()), content, 0o600) != nil {
				t.Fatal("cannot write the image")
			}
		}
		if err == nil {
			return to
		}
		if !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		if err := os.RemoveAll(to); err != nil {
			t.Fatal(err)
		}
		if err := os.Mkdir(to, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	t.Fatal("the directory does not stand still")
	return ""
}

// A process that is killed at any moment has lost nothing that it answered: what
// was published as found is found, and what the copy lacks is unknown until the
// registry was read.
func TestKilledAtAnyMoment(t *testing.T) {
	r := newRegistry(t, 50)
	dir := filepath.Join(t.TempDir(), "snapshots")
	e := newEdge(t, r.path, dir).start()
	<-e.Ready()
	done := make(chan struct{})
	stop := make(chan struct{})
	go func() {
		defer close(done)
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			time.Sleep(time.Millisecond) // a pace that leaves room for the images
			r.run(t, fmt.Sprintf("insert into reserved (name, reason) values ('r%d.coop', 'reserved')", i))
			if i%200 == 199 { // and now and then everything anew
				r.run(t, "update rdds_meta set epoch = lower(hex(randomblob(16)))")
			}
		}
	}()
	images := 0
	// Until the feed has begun anew at least once, however slow the machine is.
	enough := func(s feed.Status) bool { return images >= 10 && s.Changes >= 20 && s.Resyncs[feed.ReasonEpoch] > 0 }
	for begun := time.Now(); time.Since(begun) < 4*time.Second || !enough(e.Status()) && time.Since(begun) < 2*time.Minute; images++ {
		published := e.Cache.Current()
		disk, err := cache.OpenDisk(image(t, dir))
		if err != nil {
			t.Fatal(err)
		}
		disk.Log = e.Log
		view, err := disk.Load(time.Now(), time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		if view == nil {
			if published.Count(registry.KindReserved) == 0 {
				continue // the first base is being written
			}
			t.Fatal("nothing could be loaded")
		}
		if view.MissKnown(time.Now()) {
			t.Fatal("misses are told after a crash, before the registry was read")
		}
		// A snapshot is published before its base is written: within that time
		// the copy may be behind, by whole epochs.
		if view.Position().Epoch == published.Position().Epoch {
			for key := range published.All() {
				if key.Kind == registry.KindReserved && view.Reserved(key.Name, new(registry.Reserved)) != cache.Present {
					t.Fatalf("%s was published at %d and is lost at %d", key.Name, published.Position().Serial, view.Position().Serial)
				}
			}
		}
		if err := disk.Close(time.Time{}, false); err != nil {
			t.Fatal(err)
		}
	}
	close(stop)
	<-done
	s := e.Status()
	if !enough(s) || s.DiskError != "" {
		t.Errorf("%d images of a feed with %+v", images, s)
	}
	t.Logf("%d images, %d changes in %d deltas, resyncs %v", images, s.Changes, s.Deltas, s.Resyncs)
}

// What is held is held after a restart too: nobody has decided.
func TestRestartWhileHeld(t *testing.T) {
	t.Parallel()
	for _, clean := range []bool{true, false} {
		r := newRegistry(t, 300)
		dir := filepath.Join(t.TempDir(), "snapshots")
		synctest.Test(t, func(t *testing.T) {
			e := newEdge(t, r.path, dir).start()
			before := e.settle()
			r.run(t, discloses(0, 60), "insert into reserved (name, reason) values ('later.coop', 'reserved')")
			e.after(time.Minute)
			if e.Status().Held == nil {
				t.Fatal("a mass disclosure is not held")
			}
			next := dir
			if !clean {
				next = image(t, dir)
			}
			e.stop()

			e = newEdge(t, r.path, next).start()
			<-e.Ready()
			if got := e.Cache.Current(); len(differences(got, before)) != 0 {
				t.Errorf("clean %v: from disk: %q", clean, differences(got, before))
			}
			view := e.after(20 * time.Second)
			if s := e.Status(); s.Held == nil || s.Held.Disclosing != 60 || view.Position() != before.Position() {
				t.Fatalf("clean %v: held %+v at %+v", clean, s.Held, view.Position())
			}
			if !clean && view.MissKnown(time.Now()) {
				t.Error("misses are told after a crash, before anything was published")
			}
			if err := e.Decide(true, "it is meant"); err != nil {
				t.Fatal(err)
			}
			e.after(10 * time.Second)
			e.same(r.path)

			// Nor does what was accepted have to be accepted again.
			e.stop()
			e = newEdge(t, r.path, next).start()
			e.after(10 * time.Second)
			if held := e.Status().Held; held != nil {
				t.Errorf("clean %v: after the second restart held: %q", clean, held.Why)
			}
			e.same(r.path)
			e.stop()
		})
	}
}

// The copy on disk stands for whatever the edge cannot read.
func TestStartWithoutAUsableRegistry(t *testing.T) {
	t.Parallel()
	spoils := map[string]func(t *testing.T, r *registryFile){
		"empty":                 func(t *testing.T, r *registryFile) { replace(t, emptyFile(t), r.path) },
		"newer contract":        func(t *testing.T, r *registryFile) { r.run(t, "update rdds_meta set contract = 2") },
		"another registry's":    func(t *testing.T, r *registryFile) { r.run(t, "update rdds_meta set registry = 'other'") },
		"locked for good":       func(t *testing.T, r *registryFile) { r.run(t, "pragma journal_mode = delete", "begin exclusive") },
		"emptied, in new epoch": func(t *testing.T, r *registryFile) { r.run(t, "update rdds_meta set epoch = 'e2'", deletes(0, 100)) },
	}
	for name, spoil := range spoils {
		t.Run(name, func(t *testing.T) {
			r := newRegistry(t, 100)
			dir := filepath.Join(t.TempDir(), "snapshots")
			synctest.Test(t, func(t *testing.T) {
				e := newEdge(t, r.path, dir).start()
				want := e.settle()
				e.stop()
				spoil(t, r)
				e = newEdge(t, r.path, dir).start()
				<-e.Ready()
				wait := time.Hour
				if name == "locked for good" {
					wait = 10 * time.Second // SQLite waits for locks in real time
				}
				for _, d := range []time.Duration{0, wait} {
					if diffs := differences(e.after(d), want); len(diffs) != 0 {
						t.Errorf("after %v: %d differences, %s", d, len(diffs), diffs[0])
					}
				}
				if s := e.Status(); s.LastError == "" && s.Held == nil || len(s.Resyncs) != 0 || s.Degraded != (wait == time.Hour) {
					t.Errorf("status %+v", s)
				}
				e.stop()
			})
		})
	}
}

func emptyFile(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// A disk that fails never stops the feed; the copy is whole again when it can
// be.
func TestDiskThatFails(t *testing.T) {
	t.Parallel()
	r := newRegistry(t, 100)
	dir := filepath.Join(t.TempDir(), "snapshots")
	synctest.Test(t, func(t *testing.T) {
		e := newEdge(t, r.path, dir).start()
		e.settle()
		// The directory gives way to a file: nothing can be made in it.
		if err := os.Rename(dir, dir+".away"); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(dir, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		for i := range 5 {
			r.run(t, fmt.Sprintf("update domain set expires = %d where name = 'd0.coop'", 10+i))
			e.after(20 * time.Second)
			e.same(r.path)
		}
		s := e.Status()
		if s.DiskErrors == 0 || s.DiskError == "" || !s.Connected || s.Degraded {
			t.Errorf("status %+v", s)
		}
		if n := e.log.count("level=ERROR"); n != 1 {
			t.Errorf("%d alarms, want one", n)
		}

		if err := os.Remove(dir); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(dir+".away", dir); err != nil {
			t.Fatal(err)
		}
		r.run(t, "update domain set expires = 20 where name = 'd0.coop'")
		want := e.after(2 * time.Minute)
		if s := e.Status(); s.DiskError != "" || e.log.count("whole again") != 1 {
			t.Errorf("the disk is back: status %+v", s)
		}
		e.stop()
		if err := os.Remove(r.path); err != nil {
			t.Fatal(err)
		}
		e = newEdge(t, r.path, dir).start()
		<-e.Ready()
		if got := e.after(0); len(differences(got, want)) != 0 || !got.MissKnown(time.Now()) {
			t.Errorf("from disk: %q, misses known %v", differences(got, want), got.MissKnown(time.Now()))
		}
		e.stop()
	})
}

// A stop right after a snapshot waits for its base: nothing else leads to what
// was answered from it.
func TestStopRightAfterASnapshot(t *testing.T) {
	t.Parallel()
	r := newRegistry(t, 1000)
	dir := filepath.Join(t.TempDir(), "snapshots")
	e := newEdge(t, r.path, dir).start()
	<-e.Ready()
	for round := range 3 {
		was := e.Cache.Current().Position().Epoch
		r.run(t, fmt.Sprintf("insert into reserved (name, reason) values ('r%d.coop', 'reserved')", round),
			"update rdds_meta set epoch = lower(hex(randomblob(16)))")
		for end := time.Now().Add(time.Minute); e.Cache.Current().Position().Epoch == was; time.Sleep(100 * time.Microsecond) {
			if time.Now().After(end) {
				t.Fatal("there is no snapshot of the new epoch")
			}
		}
		want := e.Cache.Current().Position()
		e.stop()
		away := r.path + ".away"
		if err := os.Rename(r.path, away); err != nil {
			t.Fatal(err)
		}
		e = newEdge(t, r.path, dir).start()
		<-e.Ready()
		if got := e.Cache.Current(); got.Position() != want || !got.MissKnown(time.Now()) {
			t.Fatalf("round %d: a start is at %+v, served was %+v; misses known %v", round, got.Position(), want, got.MissKnown(time.Now()))
		}
		if err := os.Rename(away, r.path); err != nil {
			t.Fatal(err)
		}
	}
}

// A log that has grown long gives way to a new base.
func TestLongLogBecomesABase(t *testing.T) {
	t.Parallel()
	r := newRegistry(t, 10)
	dir := filepath.Join(t.TempDir(), "snapshots")
	synctest.Test(t, func(t *testing.T) {
		e := newEdge(t, r.path, dir).start()
		e.settle()
		r.run(t, `insert into reserved (name, reason, of, idn_table, public_text)
			with recursive n(i) as (select 0 union all select i + 1 from n where i < 999)
			select 'r' || i || '.coop', 'variant', printf('%.1000c', 'a'), printf('%.1000c', 'b'), printf('%.1000c', 'c') from n`)
		e.after(10 * time.Second)
		folds := e.Status().Folds
		sizes := []int64{e.Disk.LogSize()}
		for i := range 12 {
			r.run(t, fmt.Sprintf("update reserved set of = printf('%%.1000c', '%c')", 'a'+i))
			e.after(10 * time.Second)
			sizes = append(sizes, e.Disk.LogSize())
		}
		full := slices.IndexFunc(sizes, func(size int64) bool { return size+sizes[0] > 32<<20 })
		if full < 10 || full+1 >= len(sizes) || sizes[full+1] > 1000 || e.Status().Folds != folds+1 {
			t.Errorf("the log has %v bytes after each delta, want it to grow to 32 MiB and begin anew; %d folds", sizes, e.Status().Folds-folds)
		}
		e.after(10 * time.Second)
		e.same(r.path)
		want := e.Cache.Current()
		e.stop()
		if err := os.Remove(r.path); err != nil {
			t.Fatal(err)
		}
		e = newEdge(t, r.path, dir).start()
		<-e.Ready()
		if diffs := differences(e.after(0), want); len(diffs) != 0 {
			t.Errorf("from disk: %d differences", len(diffs))
		}
		e.stop()
	})
}
