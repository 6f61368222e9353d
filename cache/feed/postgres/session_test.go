package postgres

import (
	"context"
	"errors"
	"slices"
	"testing"

	"rddsd/cache/feed/postgres/pgtest"
	"rddsd/cache/registry/synthetic"
)

// TestChangeIsMadeAgainAfterAConflict has another writer and a session wait for
// each other: the database ends one of them, the session, which begins anew.
func TestChangeIsMadeAgainAfterAConflict(t *testing.T) {
	db := generated(t, synthetic.Params{Names: 50, Seed: 1})
	s, other, watcher := open(t, db), db.Connect(t, "postgres"), db.Connect(t, "postgres")
	const first, second = "update registrar set city = ?1 where clid = 'example'", "update reserved set note = ?1 where name = 'reserved.coop'"
	done := make(chan error, 1)
	tries := 0
	err := s.Change(t.Context(), func(ctx context.Context) error {
		tries++
		if err := s.Exec(ctx, "set local deadlock_timeout = '20ms'"); err != nil { // who waits for the shorter time is ended
			return err
		}
		if err := s.Exec(ctx, first, "Session"); err != nil {
			return err
		}
		if tries == 1 {
			tx, err := other.Begin(ctx)
			if err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, "update registry.reserved set note = 'Other' where name = 'reserved.coop'"); err != nil {
				return err
			}
			go func() {
				_, err := tx.Exec(ctx, "update registry.registrar set city = 'Other' where clid = 'example'")
				done <- errors.Join(err, tx.Commit(ctx))
			}()
			// The other must wait first: the database looks for a circle only once
			// in each wait.
			for waiting := 0; waiting == 0; {
				if err := watcher.QueryRow(ctx, "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'").Scan(&waiting); err != nil {
					return err
				}
			}
		}
		return s.Exec(ctx, second, "Session")
	})
	if err != nil || tries < 2 {
		t.Errorf("Change = %v after %d tries, want it to succeed after the first", err, tries)
	}
	if err := <-done; err != nil {
		t.Errorf("the other writer: %v", err)
	}
	if got := texts(t, s, "select city || ' ' || (select note from reserved where name = 'reserved.coop') from registrar where clid = 'example'"); !slices.Equal(got, []string{"Session Session"}) {
		t.Errorf("the rows hold %q", got)
	}
}

// TestChangeRollsBack wants nothing of a change that fails, and the session to go
// on after it.
func TestChangeRollsBack(t *testing.T) {
	db := generated(t, synthetic.Params{Names: 50, Seed: 1})
	s := open(t, db)
	failure := errors.New("no more")
	for _, fail := range []func(context.Context) error{
		func(context.Context) error { return failure },
		func(ctx context.Context) error { return s.Exec(ctx, "update registrar set clid = ?1", "") },
	} {
		err := s.Change(t.Context(), func(ctx context.Context) error {
			if err := s.Exec(ctx, "update registrar set city = ?1", "Lost"); err != nil {
				return err
			}
			return fail(ctx)
		})
		if err == nil {
			t.Error("a change that fails: no error")
		}
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Change(ended, func(context.Context) error { t.Error("it was begun"); return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("with a context that has ended: %v", err)
	}
	if got := texts(t, s, "select count(*)::text from registrar where city = 'Lost'"); !slices.Equal(got, []string{"0"}) {
		t.Errorf("%q registrars were changed", got)
	}
}

func TestSessionNeedsTheContract(t *testing.T) {
	db := pgtest.Shared(t).Database(t)
	if s, err := OpenSession(t.Context(), db.DSN("postgres")); err == nil {
		t.Error("a session in an empty database")
		s.Close()
	}
}

// TestMaintainPrunesWhatWasRead keeps what an open transaction has yet to commit:
// its rows look old, and nobody has read them.
func TestMaintainPrunesWhatWasRead(t *testing.T) {
	db := generated(t, synthetic.Params{Names: 50, Seed: 1})
	s := open(t, db)
	late, err := db.Connect(t, "postgres").Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := late.Exec(t.Context(), "update registry.registrar set city = 'Late' where clid = 'example'"); err != nil {
		t.Fatal(err)
	}
	db.Exec(t, "update registry.reserved set public_text = 'early' where name = 'reserved.coop'")
	maintain := func() {
		t.Helper()
		if err := s.Maintain(t.Context(), 0); err != nil {
			t.Fatal(err)
		}
	}
	maintain()
	maintain() // the tick before is older than what is kept
	if err := late.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	const journal = "select kind || ' ' || key from rdds.journal order by seq"
	if got := texts(t, s, journal); !slices.Contains(got, "registrar example") {
		t.Errorf("a row that was committed late is pruned: the journal holds %q", got)
	}
	maintain()
	maintain()
	if got := texts(t, s, journal); len(got) != 0 {
		t.Errorf("what everybody has read is kept: %q", got)
	}
	if got := texts(t, s, "select (floor > '0')::text from rdds.meta"); !slices.Equal(got, []string{"true"}) {
		t.Error("the floor has not risen")
	}
}
