package postgres_test

import (
	"testing"
	"time"

	"rddsd/cache"
	"rddsd/cache/feed/postgres/pgtest"
	"rddsd/cache/registry"
)

func TestSnapshotAndDeltas(t *testing.T) {
	r := newRegistry(t, pgtest.Shared(t), 30)
	s := r.source(t)
	view := snapshot(t, s)
	if got := view.Count(registry.KindDomain); got != 30 {
		t.Fatalf("%d domains, want 30", got)
	}
	if d := domain(t, view, "d7.coop"); d == nil || d.Registrant != "C7" || len(d.Hosts) != 2 || d.Created.String() != "2020-01-01T00:00:00Z" {
		t.Fatalf("d7.coop is %+v", d)
	}
	r.Exec(t, "update registry.domain set statuses = '{clientHold}' where name = 'd7.coop'; delete from registry.domain where name = 'd8.coop'")
	view = next(t, s, view)
	if d := domain(t, view, "d7.coop"); d == nil || d.Statuses != registry.ClientHold {
		t.Errorf("d7.coop is %+v, want it held", d)
	}
	if domain(t, view, "d8.coop") != nil {
		t.Error("d8.coop is still there")
	}
	r.same(t, view)
}

// A change is read because the registry says that there is one, long before the
// poll interval has passed.
func TestChangeWakesTheSource(t *testing.T) {
	r := newRegistry(t, pgtest.Shared(t), 1)
	s := r.source(t)
	view := snapshot(t, s)
	// The first call opens the listening connection and polls once more.
	if _, err := s.Next(t.Context(), view.Position(), view.Due); err != nil {
		t.Fatal(err)
	}
	app := r.Connect(t, "app")
	begun := time.Now()
	woken := s.Status().WakeUps
	changed := make(chan error, 1)
	go func() {
		_, err := app.Exec(t.Context(), "update registry.domain set updated = now()")
		changed <- err
	}()
	for len(rows(view)) > 0 {
		delta, err := s.Next(t.Context(), view.Position(), view.Due)
		if err != nil {
			t.Fatal(err)
		}
		if len(delta.Changes) > 0 {
			if delta.Noticed.Before(begun) || delta.Noticed.After(time.Now()) {
				t.Errorf("noticed at %v, which is not between %v and now", delta.Noticed, begun)
			}
			break
		}
		if view, _, err = view.Apply(delta, time.Time{}); err != nil {
			t.Fatal(err)
		}
	}
	if err := <-changed; err != nil {
		t.Fatal(err)
	}
	status := s.Status()
	if status.WakeUps == woken || !status.Listening {
		t.Errorf("the change did not wake the source: %+v", status)
	}
}

// The position survives being written down, and means the same.
func TestPositionIsTakenUpAgain(t *testing.T) {
	r := newRegistry(t, pgtest.Shared(t), 3)
	view := r.state(t)
	open := r.Connect(t, "app")
	tx, err := open.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), "update registry.domain set statuses = '{serverHold}' where name = 'd0.coop'"); err != nil {
		t.Fatal(err)
	}
	r.Exec(t, "update registry.domain set statuses = '{clientHold}' where name = 'd1.coop'")
	view = next(t, r.source(t), view) // another process, which knows nothing but the position
	if d := domain(t, view, "d1.coop"); d.Statuses != registry.ClientHold {
		t.Errorf("d1.coop has %v", d.Statuses.Names())
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	view = next(t, r.source(t), view)
	r.same(t, view)
	if d := domain(t, view, "d0.coop"); d.Statuses != registry.ServerHold {
		t.Errorf("d0.coop has %v: what was committed late was lost", d.Statuses.Names())
	}
}

func TestPositionOfAnotherKindOfRegistryIsAGap(t *testing.T) {
	r := newRegistry(t, pgtest.Shared(t), 1)
	at := r.state(t).Position()
	at.Resume = ""
	expectGap(t, r, at, "system")
}

func expectGap(t *testing.T, r reg, at cache.Position, reason string) {
	t.Helper()
	_, err := r.source(t).Next(t.Context(), at, func(registry.Time) []cache.Key { return nil })
	wantGap(t, err, reason)
}
