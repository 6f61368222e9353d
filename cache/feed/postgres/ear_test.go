package postgres_test

import (
	"testing"
	"time"

	"rddsd/cache"
	"rddsd/cache/feed"
	"rddsd/cache/feed/postgres/pgtest"
	"rddsd/cache/registry"
)

// A registry that says nothing when it changes is polled each second, however
// long the poll interval is; once it speaks again, its words are heard.
func TestRegistryThatSaysNothingIsPolledEachSecond(t *testing.T) {
	t.Parallel()
	r := newRegistry(t, pgtest.Shared(t), 10)
	s := r.sourceEvery(t, 1500*time.Millisecond)
	view := snapshot(t, s)
	listening := true
	for deadline := time.Now().Add(patience); listening && time.Now().Before(deadline); {
		r.Exec(t, "set rdds.notify = off; update registry.domain set reseller = now()::text where name = 'd7.coop'")
		view = next(t, s, view)
		if _, err := s.Next(t.Context(), view.Position(), view.Due); err != nil { // which tells what it found out
			t.Fatal(err)
		}
		listening = s.Status().Listening
	}
	if listening {
		t.Fatal("the source goes on waiting for words that do not come")
	}
	for deadline := time.Now().Add(patience); !s.Status().Listening && time.Now().Before(deadline); {
		r.Exec(t, "update registry.domain set reseller = now()::text where name = 'd7.coop'")
		view = next(t, s, view)
	}
	if !s.Status().Listening {
		t.Error("the source does not trust the words that come again")
	}
	r.same(t, view)
}

// When the server ends the listening connection alone, polls go on, and it is
// opened again.
func TestListeningConnectionThatIsCut(t *testing.T) {
	t.Parallel()
	r := newRegistry(t, pgtest.Shared(t), 10)
	e := newEdge(t, r, r.DSN("edge1"), "").start()
	e.until("a listening connection", func(*cache.View, feed.Status) bool { return e.source.Status().Listening })
	r.Exec(t, "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and query = 'listen rdds'")
	r.Exec(t, "update registry.domain set statuses = '{clientHold}' where name = 'd7.coop'")
	e.has("d7.coop", registry.ClientHold)
	e.equal(r)
}

// A role that may have no third connection takes its snapshots over one.
func TestSnapshotOverOneConnection(t *testing.T) {
	t.Parallel()
	r := newRegistry(t, pgtest.Shared(t), 3000)
	r.Login(t, "edge_of_one", "rdds_reader")
	r.Exec(t, "alter role edge_of_one connection limit 1")
	e := newEdge(t, r, r.DSN("edge_of_one"), "").start()
	e.equal(r)
	r.Exec(t, "update registry.domain set statuses = '{clientHold}' where name = 'd7.coop'")
	e.has("d7.coop", registry.ClientHold)
	if s := e.source.Status(); s.Listening || s.WakeUps != 0 {
		t.Errorf("with one connection: %+v", s)
	}
	e.equal(r)
}

// Behind a pooler that takes no prepared statements the connection string says
// so, and all is read alike.
func TestWithoutPreparedStatements(t *testing.T) {
	r := newRegistry(t, pgtest.Shared(t), 100)
	for _, mode := range []string{"exec", "simple_protocol", "describe_exec", "cache_describe"} {
		t.Run(mode, func(t *testing.T) {
			e := newEdge(t, r, r.DSN("edge1")+" default_query_exec_mode="+mode, "").start()
			r.Exec(t, "update registry.domain set reseller = $1 where name = 'd7.coop'", mode)
			e.until("the change", func(*cache.View, feed.Status) bool { return e.value("d7.coop").Reseller == mode })
			e.equal(r)
		})
	}
}
