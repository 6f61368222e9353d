package feed_test

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"rddsd/cache"
	"rddsd/cache/feed"
	"rddsd/cache/registry"
)

// A position that no longer holds leads to a snapshot, and what was served goes
// on until that is there.
func TestGapTakesASnapshot(t *testing.T) {
	t.Parallel()
	tests := []struct {
		rule   string
		reason feed.Reason
		gap    func(t *testing.T, r *registryFile)
	}{
		{"a new epoch", feed.ReasonEpoch, func(t *testing.T, r *registryFile) {
			r.run(t, "begin immediate; update domain set expires = 7 where name = 'd0.coop'; update rdds_meta set epoch = 'e2', floor = 0; delete from rdds_journal; commit")
		}},
		{"the journal pruned past us", feed.ReasonPruned, func(t *testing.T, r *registryFile) {
			r.run(t, "begin immediate; update domain set expires = 7 where name = 'd0.coop'; update rdds_meta set floor = (select seq from rdds_head); delete from rdds_journal; commit")
		}},
		{"an older copy in its place", feed.ReasonRewound, func(t *testing.T, r *registryFile) {
			old := r.path + ".old"
			r.copyTo(t, old)
			r.run(t, "update domain set expires = 8 where name = 'd1.coop'")
			time.Sleep(time.Second) // the edge has that change
			if err := r.db.Close(); err != nil {
				t.Fatal(err)
			}
			replace(t, old, r.path)
		}},
	}
	for _, test := range tests {
		t.Run(test.rule, func(t *testing.T) {
			r := newRegistry(t, 30)
			synctest.Test(t, func(t *testing.T) {
				e := newEdge(t, r.path, "").start()
				before := e.settle()
				var loading atomic.Int32
				e.hooks.set(func(h *hooks) {
					h.onPut = func(cache.Change) {
						loading.Add(1)
						if e.Cache.Current().Count(registry.KindDomain) != 30 {
							t.Error("what was served is gone while the snapshot loads")
						}
					}
				})
				test.gap(t, r)
				after := e.after(10 * time.Second)
				e.same(r.path)
				if s := e.Status(); s.Resyncs[test.reason] != 1 || s.Resyncs[feed.ReasonStart] != 1 || len(s.Resyncs) != 2 || s.Held != nil {
					t.Errorf("resyncs %v, held %+v, want one for %s", s.Resyncs, s.Held, test.reason)
				}
				if loading.Load() == 0 || after == before {
					t.Errorf("%d rows came as a snapshot", loading.Load())
				}
				// And it goes on by deltas.
				other := openRegistry(t, r.path)
				defer other.db.Close()
				other.run(t, "update domain set expires = 9 where name = 'd2.coop'")
				e.settle()
				e.same(r.path)
				e.stop()
			})
		})
	}
}

func TestLargeDeltaIsTakenAsASnapshot(t *testing.T) {
	t.Parallel()
	r := newRegistry(t, 5100)
	synctest.Test(t, func(t *testing.T) {
		e := newEdge(t, r.path, "").start()
		e.settle()
		r.run(t, "update domain set expires = expires + 1")
		e.after(2 * time.Second)
		e.same(r.path)
		if s := e.Status(); s.Resyncs[feed.ReasonLarge] != 1 || s.Changes != 0 {
			t.Errorf("resyncs %v, %d rows by deltas", s.Resyncs, s.Changes)
		}
		// As a snapshot it does not slip past the brakes.
		r.run(t, "begin; "+deletes(100, 300)+"; update domain set expires = expires + 1; commit")
		e.after(2 * time.Second)
		if s := e.Status(); s.Held == nil || s.Held.What != feed.HeldSnapshot || s.Held.Deleted != 200 {
			t.Errorf("a mass deletion within a large delta: held %+v", s.Held)
		}
		if n := e.Cache.Current().Count(registry.KindDomain); n != 5100 {
			t.Errorf("%d names are served", n)
		}
		e.stop()
	})
}

// What a registry that a program does not understand says is not taken in: what
// was served goes on.
func TestNewerContract(t *testing.T) {
	t.Parallel()
	r := newRegistry(t, 3)
	synctest.Test(t, func(t *testing.T) {
		e := newEdge(t, r.path, "")
		e.MaxMissAge = 2 * time.Minute
		before := e.start().settle()
		r.run(t, "update rdds_meta set contract = 2", "delete from domain where name = 'd0.coop'")
		if view := e.after(3 * time.Minute); presence(view, "d0.coop") != cache.Present || view.Position() != before.Position() || view.MissKnown(time.Now()) {
			t.Errorf("served is %+v", view.Position())
		}
		if s := e.Status(); s.Connected || !strings.Contains(s.LastError, "install a newer rddsd") || !strings.Contains(s.LastError, r.path) || s.Held != nil {
			t.Errorf("status %+v", s)
		}
		if n := e.log.count("level=ERROR"); n != 1 {
			t.Errorf("%d alarms, want one", n)
		}
		r.run(t, "update rdds_meta set contract = 1")
		e.after(31 * time.Second)
		e.same(r.path)
		e.stop()
	})
}

// Whatever happens to the file, what was served goes on, and it is followed
// again when it is whole.
func TestFileThatBreaksAndHeals(t *testing.T) {
	t.Parallel()
	tests := []struct {
		rule  string
		spoil func(t *testing.T, path string)
	}{
		{"missing", func(t *testing.T, path string) {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		}},
		{"empty", func(t *testing.T, path string) {
			if err := os.Truncate(path, 0); err != nil {
				t.Fatal(err)
			}
		}},
		{"overwritten", func(t *testing.T, path string) {
			info, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(strings.Repeat("spoilt! ", int(info.Size())/8)), 0o600); err != nil {
				t.Fatal(err)
			}
		}},
		{"cut off", func(t *testing.T, path string) {
			info, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.Truncate(path, info.Size()/2); err != nil {
				t.Fatal(err)
			}
		}},
	}
	for _, test := range tests {
		t.Run(test.rule, func(t *testing.T) {
			r := newRegistry(t, 300)
			whole := r.path + ".whole"
			r.copyTo(t, whole)
			if err := r.db.Close(); err != nil { // and with it goes the write-ahead log
				t.Fatal(err)
			}
			synctest.Test(t, func(t *testing.T) {
				e := newEdge(t, r.path, "").start()
				before := e.settle()
				test.spoil(t, r.path)
				if view := e.after(10 * time.Minute); view.Position() != before.Position() || view.Count(registry.KindDomain) != 300 {
					t.Errorf("served is %+v with %d names", view.Position(), view.Count(registry.KindDomain))
				}
				if s := e.Status(); s.Connected || s.Held != nil || !strings.Contains(s.LastError, r.path) {
					t.Errorf("status %+v", s)
				}
				copyFile(t, whole, r.path)
				if view := e.after(time.Minute); view.Position() != before.Position() || !view.MissKnown(time.Now()) {
					t.Errorf("healed: served is %+v", view.Position())
				}
				if s := e.Status(); !s.Connected || s.Resyncs[feed.ReasonStart] != 1 || len(s.Resyncs) != 1 {
					t.Errorf("healed: status %+v", s)
				}
				e.same(r.path)
				e.stop()
			})
		})
	}
}

func TestLockedRegistry(t *testing.T) {
	t.Parallel()
	r := newRegistry(t, 3)
	r.run(t, "pragma journal_mode = delete")
	synctest.Test(t, func(t *testing.T) {
		e := newEdge(t, r.path, "").start()
		before := e.settle()
		r.run(t, "begin exclusive", "update domain set expires = 7")
		// SQLite waits for the lock in real time, so not for long.
		if view := e.after(2 * time.Second); view.Position() != before.Position() {
			t.Errorf("served is %+v", view.Position())
		}
		if s := e.Status(); s.Connected || !strings.Contains(s.LastError, "locked") {
			t.Errorf("status %+v", s)
		}
		r.run(t, "commit")
		e.after(5 * time.Second)
		e.same(r.path)
		e.stop()
	})
}

func TestOtherRegistry(t *testing.T) {
	t.Parallel()
	r, foreign := newRegistry(t, 30), newRegistry(t, 28)
	foreign.run(t, "update domain set expires = 7")
	if err := foreign.db.Close(); err != nil {
		t.Fatal(err)
	}
	if err := r.db.Close(); err != nil {
		t.Fatal(err)
	}
	swap := func(t *testing.T) {
		t.Helper()
		for _, move := range [][2]string{{r.path, r.path + ".swap"}, {foreign.path, r.path}, {r.path + ".swap", foreign.path}} {
			if err := os.Rename(move[0], move[1]); err != nil {
				t.Fatal(err)
			}
		}
	}
	synctest.Test(t, func(t *testing.T) {
		e := newEdge(t, r.path, "").start()
		before := e.settle()
		held := func(when string) {
			t.Helper()
			if view := e.Cache.Current(); view.Position() != before.Position() || view.Count(registry.KindDomain) != 30 {
				t.Errorf("%s: served is %+v", when, view.Position())
			}
			if s := e.Status(); s.Held == nil || s.Held.What != feed.HeldRegistry || s.Held.Registry == before.Position().Registry || s.Connected {
				t.Fatalf("%s: held %+v", when, s.Held)
			}
		}
		swap(t)
		e.after(20 * time.Minute)
		held("another registry")
		if e.Cache.Current().MissKnown(time.Now()) {
			t.Error("misses do not age")
		}
		if n := e.log.count("held until"); n != 1 {
			t.Errorf("%d alarms, want one", n)
		}

		// Ours comes back: nobody has to decide.
		swap(t)
		e.after(time.Minute)
		if s := e.Status(); s.Held != nil || !s.Connected || s.Position != before.Position() {
			t.Fatalf("ours is back: held %+v, %+v", s.Held, s.Position)
		}
		swap(t)
		e.after(time.Minute)
		held("again")
		if err := e.Decide(false, "not ours"); err != nil {
			t.Fatal(err)
		}
		e.after(10 * time.Second)
		held("rejected")
		if n := e.log.count("held until"); n != 3 {
			t.Errorf("%d alarms, want one for each time", n)
		}
		if err := e.Decide(true, "we have moved"); err != nil {
			t.Fatal(err)
		}
		e.after(10 * time.Second)
		e.same(r.path)
		if s := e.Status(); s.Held != nil || s.Resyncs[feed.ReasonAccepted] != 1 || s.Position.Registry == before.Position().Registry {
			t.Errorf("accepted: %+v", s)
		}
		e.stop()
	})
}

// The file may become another registry's between the poll that asks for a
// snapshot and the snapshot.
func TestOtherRegistryInASnapshot(t *testing.T) {
	t.Parallel()
	r, foreign := newRegistry(t, 30), newRegistry(t, 30)
	if err := foreign.db.Close(); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		e := newEdge(t, r.path, "").start()
		before := e.settle()
		swap := sync.OnceFunc(func() { replace(t, foreign.path, r.path) })
		e.hooks.set(func(h *hooks) { h.onSnapshot = swap })
		r.run(t, "update rdds_meta set epoch = 'e2'")
		view := e.after(10 * time.Second)
		if s := e.Status(); s.Held == nil || s.Held.Registry == before.Position().Registry || view.Position() != before.Position() {
			t.Errorf("held %+v, served %+v", s.Held, view.Position())
		}
		e.stop()
	})
}

// An accepted registry still meets the gates: who lets another registry in has
// not said that it may be empty.
func TestOtherRegistryMeetsTheGates(t *testing.T) {
	t.Parallel()
	r, foreign := newRegistry(t, 300), newRegistry(t, 10)
	if err := foreign.db.Close(); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		e := newEdge(t, r.path, "").start()
		before := e.settle()
		if err := r.db.Close(); err != nil {
			t.Fatal(err)
		}
		replace(t, foreign.path, r.path)
		for i, what := range []feed.HeldWhat{feed.HeldRegistry, feed.HeldSnapshot} {
			e.after(10 * time.Second)
			s := e.Status()
			if s.Held == nil || s.Held.What != what || s.Position != before.Position() {
				t.Fatalf("step %d: held %+v", i, s.Held)
			}
			if err := e.Decide(true, fmt.Sprint("step ", i)); err != nil {
				t.Fatal(err)
			}
		}
		e.after(10 * time.Second)
		e.same(r.path)
		if s := e.Status(); s.Held != nil {
			t.Errorf("held %+v", s.Held)
		}
		e.stop()
	})
}
