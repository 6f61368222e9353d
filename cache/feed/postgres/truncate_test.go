package postgres_test

import (
	"errors"
	"sync"
	"testing"

	"rddsd/cache"
	"rddsd/cache/feed"
	"rddsd/cache/feed/postgres/pgtest"
	"rddsd/cache/registry"
)

// refill empties the tables of domains and fills them again in one transaction, as
// a registry's own bulk load does: no moment at which anything is missing.
const refill = `begin;
	create temporary table d on commit drop as select * from registry.domain;
	create temporary table h on commit drop as select * from registry.domain_host;
	truncate registry.domain, registry.domain_contact, registry.domain_host, registry.ds;
	insert into registry.domain select * from d;
	insert into registry.domain_host select * from h;
	commit`

// A table that is truncated between the head and the rows of a poll looks empty to
// it: nothing of that may be taken for deletions.
func TestTruncateDuringAPollDeletesNothing(t *testing.T) {
	r := newRegistry(t, pgtest.Shared(t), 30)
	s := r.source(t)
	view := snapshot(t, s)
	r.Exec(t, "update registry.domain set statuses = '{clientHold}' where name = 'd7.coop'")
	var once sync.Once
	for range 3 {
		delta, err := s.Next(t.Context(), view.Position(), func(clock registry.Time) []cache.Key {
			once.Do(func() { r.Exec(t, refill) })
			return view.Due(clock)
		})
		if errors.Is(err, feed.ErrGap) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if len(delta.Changes) > 0 {
			t.Fatalf("a delta was read from emptied tables: %+v", delta.Changes)
		}
	}
	if got := snapshot(t, s).Count(registry.KindDomain); got != 30 {
		t.Errorf("%d domains after that, want 30", got)
	}
}

// Nor may a snapshot that it hits be taken for a registry without names.
func TestTruncateDuringASnapshotIsNoSnapshot(t *testing.T) {
	r := newRegistry(t, pgtest.Shared(t), 30)
	s := r.source(t)
	var once sync.Once
	_, _, err := s.Snapshot(t.Context(), func(cache.Change) error {
		once.Do(func() { r.Exec(t, refill) })
		return nil
	})
	if err == nil {
		t.Error("a snapshot was taken over a TRUNCATE")
	}
	if got := snapshot(t, s).Count(registry.KindDomain); got != 30 {
		t.Errorf("%d domains after that, want 30", got)
	}
}
