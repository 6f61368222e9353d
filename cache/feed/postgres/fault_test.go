package postgres_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"rddsd/cache"
	"rddsd/cache/feed"
	"rddsd/cache/feed/postgres/pgtest"
	"rddsd/cache/registry"
)

// In each of these something goes wrong with the registry. What is served goes
// on, no name that exists is missing, the status tells the cause, and in the end
// what is served is what the views say.

func TestServerKilledInTheMiddleOfACopy(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	r := newRegistry(t, server, 30_000) // more than waits on the way
	e := newEdge(t, r, r.DSN("edge1"), "")
	var (
		once  sync.Once
		ready = make(chan error, 1)
	)
	e.hooks.onPut = func(c cache.Change) {
		if c.Kind != registry.KindDomain {
			return
		}
		once.Do(func() {
			err := server.Kill()
			go func() {
				for deadline := time.Now().Add(patience); e.Status().LastError == "" && time.Now().Before(deadline); {
					time.Sleep(5 * time.Millisecond)
				}
				// The first snapshot is not served: nothing is, until there is a whole one.
				if e.Cache.Current() != nil {
					t.Error("half a snapshot is served")
				}
				ready <- errors.Join(err, server.Run())
			}()
		})
	}
	e.start()
	if err := <-ready; err != nil {
		t.Fatal(err)
	}
	e.equal(r)
	if s := e.Status(); s.LastError == "" || s.Resyncs[feed.ReasonStart] != 1 {
		t.Errorf("the status tells nothing of what happened: %+v", s)
	}
}

func TestServerKilledInTheMiddleOfAPoll(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	r := newRegistry(t, server, 50)
	e := newEdge(t, r, r.DSN("edge1"), "")
	armed := make(chan struct{}, 1)
	e.source.OnPoll(func() {
		select {
		case <-armed:
			if err := server.Kill(); err != nil {
				t.Error(err)
			}
		default:
		}
	})
	e.start()
	e.guard("d0.coop", "d49.coop")
	armed <- struct{}{}
	e.until("a fault", func(_ *cache.View, s feed.Status) bool { return !s.Connected && s.LastError != "" })
	if err := server.Run(); err != nil {
		t.Fatal(err)
	}
	r.Exec(t, "update registry.domain set statuses = '{clientHold}' where name = 'd7.coop'")
	e.has("d7.coop", registry.ClientHold)
	e.equal(r)
	if s := e.Status(); s.Resyncs[feed.ReasonStart] != 1 || len(s.Resyncs) != 1 {
		t.Errorf("a crash that lost nothing led to snapshots: %v", s.Resyncs)
	}
}

func TestConnectionThatStallsWithoutClosing(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	r := newRegistry(t, server, 50)
	p := startProxy(t, server)
	e := newEdge(t, r, p.dsn("edge1", r.Name), "")
	e.source.Limit(300 * time.Millisecond)
	e.start()
	e.guard("d0.coop")
	p.stall()
	e.faulted("the server has sent nothing for too long")
	r.Exec(t, "update registry.domain set statuses = '{clientHold}' where name = 'd7.coop'")
	p.pass()
	e.has("d7.coop", registry.ClientHold)
	e.equal(r)
}

func TestServerThatHangs(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	r := newRegistry(t, server, 50)
	e := newEdge(t, r, r.DSN("edge1"), "")
	e.source.Limit(300 * time.Millisecond)
	e.start()
	e.guard("d0.coop")
	if err := server.Freeze(); err != nil {
		t.Fatal(err)
	}
	e.until("a fault", func(_ *cache.View, s feed.Status) bool { return !s.Connected })
	if err := server.Thaw(); err != nil {
		t.Fatal(err)
	}
	r.Exec(t, "delete from registry.domain where name = 'd7.coop'")
	e.until("d7.coop is gone", func(*cache.View, feed.Status) bool { return e.value("d7.coop") == nil })
	e.equal(r)
}

// A connection that stalls in the middle of a snapshot is given up, and the
// snapshot is taken again.
func TestSnapshotThatStalls(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	r := newRegistry(t, server, 3000)
	p := startProxy(t, server)
	e := newEdge(t, r, p.dsn("edge1", r.Name), "")
	e.source.Limit(300 * time.Millisecond)
	var once sync.Once
	e.hooks.onPut = func(c cache.Change) {
		if c.Name == "d0.coop" {
			once.Do(p.stall)
		}
	}
	go func() {
		for deadline := time.Now().Add(patience); e.Status().LastError == "" && time.Now().Before(deadline); {
			time.Sleep(5 * time.Millisecond)
		}
		p.pass()
	}()
	e.start()
	e.equal(r)
}

// A writer that stays open holds the horizon, and holds back nobody else's
// changes; its own come with its commit. Its hour is compressed: what counts is
// how many transactions pass meanwhile.
func TestWriterThatStaysOpen(t *testing.T) {
	r := newRegistry(t, pgtest.Shared(t), 50)
	clock := &shifted{}
	e := newEdge(t, r, r.DSN("edge1"), "")
	e.source.Clock = feed.Clock{Now: clock.now}
	e.start()
	app := r.Connect(t, "app")
	tx, err := app.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), "update registry.domain set statuses = '{serverHold}' where name = 'd0.coop'"); err != nil {
		t.Fatal(err)
	}
	transactions := 2000
	if *long {
		transactions = 30_000
	}
	r.Exec(t, fmt.Sprintf(`do $$ begin for i in 0..%d loop
		update registry.domain set reseller = i::text where name = 'd' || 1 + i %% 49 || '.coop'; commit;
	end loop; end $$`, transactions-1))
	last := fmt.Sprintf("d%d.coop", 1+(transactions-1)%49)
	e.until("the last change of the others", func(*cache.View, feed.Status) bool { return e.value(last).Reseller == fmt.Sprint(transactions-1) })
	if d := e.value("d0.coop"); d.Statuses&registry.ServerHold != 0 {
		t.Error("what is not committed is served")
	}
	clock.add(time.Hour)
	e.until("an alarm", func(*cache.View, feed.Status) bool {
		return strings.Contains(e.log.String(), "a transaction of the registry has been open for long")
	})
	if s := e.source.Status(); s.OpenSince.IsZero() || s.HorizonLag < uint64(transactions) {
		t.Errorf("the status does not tell of the open transaction: %+v", s)
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	e.has("d0.coop", registry.ServerHold)
	e.equal(r)
	e.until("no open transaction", func(*cache.View, feed.Status) bool { return e.source.Status().OpenSince.IsZero() })
	if s := e.Status(); len(s.Resyncs) != 1 {
		t.Errorf("an open transaction led to snapshots: %v", s.Resyncs)
	}
}

// shifted is the machine's clock, put forward.
type shifted struct {
	mu sync.Mutex
	by time.Duration
}

func (s *shifted) now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Now().Add(s.by)
}

func (s *shifted) add(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.by += d
}

// A prepared transaction outlives its connection and the server, and is
// committed by somebody else.
func TestPreparedTransaction(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	r := newRegistry(t, server, 50)
	e := newEdge(t, r, r.DSN("edge1"), "").start()
	e.guard("d0.coop")
	// NOTIFY cannot be prepared: such a registry lets the poll find its changes.
	r.Exec(t, "begin; set local rdds.notify = off; update registry.domain set statuses = '{serverHold}' where name = 'd0.coop'; prepare transaction 'forgotten'")
	r.Exec(t, "update registry.domain set statuses = '{clientHold}' where name = 'd1.coop'")
	e.has("d1.coop", registry.ClientHold)
	if err := server.Stop(); err != nil {
		t.Fatal(err)
	}
	if err := server.Run(); err != nil {
		t.Fatal(err)
	}
	r.Exec(t, "update registry.domain set statuses = '{clientHold}' where name = 'd2.coop'")
	e.has("d2.coop", registry.ClientHold)
	if e.source.Status().OpenSince.IsZero() {
		t.Error("the status does not tell of the prepared transaction")
	}
	r.Exec(t, "commit prepared 'forgotten'")
	e.has("d0.coop", registry.ServerHold)
	e.equal(r)
}

func TestJournalPrunedPastAStoppedEdge(t *testing.T) {
	r := newRegistry(t, pgtest.Shared(t), 50)
	dir := t.TempDir()
	newEdge(t, r, r.DSN("edge1"), dir).start().stop()
	r.Exec(t, "update registry.domain set statuses = '{clientHold}' where name = 'd7.coop'")
	r.maintain(t, "7 days") // a tick, which the next but one prunes by
	r.Exec(t, "delete from registry.domain where name = 'd8.coop'")
	r.maintain(t, "0 s")
	r.maintain(t, "0 s")
	if n := query[int](t, r.Connect(t, "postgres"), "select count(*) from rdds.journal where key = 'd7.coop' and xid >= (select floor from rdds.meta)"); n != 0 {
		t.Fatal("the journal was not pruned: this test shows nothing")
	}
	e := newEdge(t, r, r.DSN("edge1"), dir).start()
	e.guard("d0.coop", "d7.coop")
	e.resynced(feed.ReasonPruned)
	e.equal(r)
}

// An edge that was away for less than what the journal keeps takes no snapshot.
func TestEdgeComesBackWithinWhatIsKept(t *testing.T) {
	r := newRegistry(t, pgtest.Shared(t), 50)
	dir := t.TempDir()
	newEdge(t, r, r.DSN("edge1"), dir).start().stop()
	for i := range 20 {
		r.Exec(t, "update registry.domain set reseller = $1 where name = 'd7.coop'", fmt.Sprint(i))
		r.maintain(t, "1 hour")
	}
	e := newEdge(t, r, r.DSN("edge1"), dir).start()
	e.equal(r)
	if s := e.Status(); len(s.Resyncs) != 0 {
		t.Errorf("snapshots were taken: %v", s.Resyncs)
	}
}

func TestNewEpoch(t *testing.T) {
	t.Parallel()
	r := newRegistry(t, pgtest.Shared(t), 50)
	e := newEdge(t, r, r.DSN("edge1"), "").start()
	e.guard("d0.coop")
	// A bulk load without triggers, as a restore makes it.
	r.Exec(t, "set session_replication_role = replica; update registry.domain set statuses = '{clientHold}' where name = 'd7.coop'; select rdds.new_epoch()")
	e.resynced(feed.ReasonEpoch)
	e.has("d7.coop", registry.ClientHold)
	e.equal(r)
}

// TRUNCATE fires no row trigger. By a role that owns nothing it is noticed all
// the same; that everything goes is held, and let in by an operator only.
func TestTruncateByARoleThatIsNotTheOwner(t *testing.T) {
	t.Parallel()
	r := newRegistry(t, pgtest.Shared(t), 200)
	e := newEdge(t, r, r.DSN("edge1"), "").start()
	e.guard("d0.coop")
	app := r.Connect(t, "app")
	if _, err := app.Exec(t.Context(), "truncate registry.reserved, registry.ds"); err != nil {
		t.Fatal(err)
	}
	e.resynced(feed.ReasonEpoch)
	e.equal(r)
	if _, err := app.Exec(t.Context(), "truncate registry.domain, registry.domain_contact, registry.domain_host, registry.ds"); err != nil {
		t.Fatal(err)
	}
	e.until("a hold", func(_ *cache.View, s feed.Status) bool { return s.Held != nil && s.Held.What == feed.HeldSnapshot })
	if e.value("d199.coop") == nil {
		t.Error("an empty registry is served")
	}
}

// A dump of yesterday, restored without a new epoch.
func TestRestoreOfAnOlderDump(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	r := newRegistry(t, server, 50)
	dump := server.Dump(t, r.Database)
	e := newEdge(t, r, r.DSN("edge1"), "").start()
	e.guard("d0.coop")
	for i := range 30 {
		r.Exec(t, "update registry.domain set reseller = $1", fmt.Sprint(i))
	}
	r.Exec(t, "delete from registry.domain where name = 'd7.coop'")
	e.until("d7.coop is gone", func(*cache.View, feed.Status) bool { return e.value("d7.coop") == nil })

	// Into another cluster, which counts its transactions anew.
	other := pgtest.Start(t)
	restored := reg{other.Restore(t, dump, "edge1", "rdds_reader")}
	e.stop()
	again := newEdge(t, restored, restored.DSN("edge1"), "")
	again.Cache = e.Cache
	s := e.Cache.Current().Position()
	if _, err := again.source.Next(t.Context(), s, e.Cache.Current().Due); err == nil || !strings.Contains(err.Error(), "system") {
		t.Errorf("following on in a restored dump: %v; want a gap because of another cluster", err)
	}
	again.Cache = new(cache.Cache)
	again.start()
	again.equal(restored)
}

// The same where the numbers of transactions go on: into the place of the
// database, in its cluster.
func TestRestoreOfAnOlderDumpInItsPlace(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	r := newRegistry(t, server, 50)
	dump := server.Dump(t, r.Database)
	e := newEdge(t, r, r.DSN("edge1"), "").start()
	e.guard("d0.coop", "d1.coop")
	r.Exec(t, "update registry.domain set statuses = '{clientHold}' where name = 'd1.coop'; delete from registry.domain where name = 'd7.coop'")
	e.until("d7.coop is gone", func(*cache.View, feed.Status) bool { return e.value("d7.coop") == nil })

	restored := server.Restore(t, dump, "edge1", "rdds_reader")
	cluster := pgtest.Database{Server: server, Name: "postgres"}
	cluster.Exec(t, "drop database "+r.Name+" with (force)")
	cluster.Exec(t, "alter database "+restored.Name+" rename to "+r.Name)
	e.resynced(feed.ReasonRewound)
	e.equal(r)
	if e.value("d7.coop") == nil || e.value("d1.coop").Statuses != 0 {
		t.Error("what is served is not what was restored")
	}
}

// A standby is promoted that lacks the primary's last commits; their transaction
// numbers are given out again.
func TestPromotionWithLostCommits(t *testing.T) {
	t.Parallel()
	primary := pgtest.Start(t)
	r := newRegistry(t, primary, 50)
	standby := primary.Standby(t)
	standby.CatchUp(t, primary)
	both := fmt.Sprintf("host=%s,%s port=%d,%d user=edge1 dbname=%s target_session_attrs=primary", primary.Dir(), standby.Dir(), primary.Port(), standby.Port(), r.Name)
	e := newEdge(t, r, both, "").start()
	e.guard("d0.coop")
	if err := standby.Stop(); err != nil { // it hears no more
		t.Fatal(err)
	}
	r.Exec(t, "update registry.domain set statuses = '{serverHold}' where name = 'd7.coop'")
	e.has("d7.coop", registry.ServerHold)
	if err := primary.Kill(); err != nil {
		t.Fatal(err)
	}
	e.until("a fault", func(_ *cache.View, s feed.Status) bool { return !s.Connected })
	if err := standby.Run(); err != nil {
		t.Fatal(err)
	}
	standby.Promote(t)
	promoted := reg{r.On(standby)}
	promoted.Exec(t, "update registry.domain set statuses = '{clientHold}' where name = 'd8.coop'")

	// The edge is told of both and finds the one that lives.
	e.resynced(feed.ReasonTimeline)
	e.has("d8.coop", registry.ClientHold)
	e.equal(promoted)
	if d := e.value("d7.coop"); d.Statuses != 0 {
		t.Errorf("d7.coop has %v, which was lost", d.Statuses.Names())
	}
}

// A database that lost commits which we have read, and tells so by nothing but
// their absence.
func TestCommitsThatAreGone(t *testing.T) {
	r := newRegistry(t, pgtest.Shared(t), 50)
	view := r.state(t)
	r.Exec(t, "update registry.domain set statuses = '{serverHold}' where name = 'd7.coop'")
	s := r.source(t)
	view = next(t, s, view)
	r.Exec(t, "delete from rdds.journal where seq = (select max(seq) from rdds.journal)")
	_, err := r.source(t).Next(t.Context(), view.Position(), view.Due)
	wantGap(t, err, string(feed.ReasonRewound))
}

func TestStandbyThatLags(t *testing.T) {
	t.Parallel()
	primary := pgtest.Start(t)
	r := newRegistry(t, primary, 50)
	standby := primary.Standby(t)
	standby.CatchUp(t, primary)
	late := reg{r.On(standby)}
	late.Exec(t, "select pg_wal_replay_pause()")
	for range 3 {
		r.Exec(t, "update registry.domain set updated = now() where name = 'd7.coop'")
	}
	at := r.state(t).Position() // of the primary, as after a switch from it to the standby

	s := late.source(t)
	none := func(registry.Time) []cache.Key { return nil }
	if _, err := s.Next(t.Context(), at, none); !isBehind(err) {
		t.Fatalf("Next = %v; want to be told that the standby stands before our position", err)
	}
	late.Exec(t, "select pg_wal_replay_resume()")
	standby.CatchUp(t, primary)
	if _, err := s.Next(t.Context(), at, none); err != nil {
		t.Fatalf("after the standby caught up: %v", err)
	}
	// One that never catches up has been rewound.
	at.Serial += 1_000_000
	var err error
	for i := range 2 {
		_, err = s.Next(t.Context(), at, none)
		if i == 0 && !isBehind(err) {
			t.Errorf("Next = %v; want to wait first", err)
		}
		s.Forget(time.Hour)
	}
	wantGap(t, err, string(feed.ReasonRewound))
}

func TestOtherRegistryAndNewerContract(t *testing.T) {
	r := newRegistry(t, pgtest.Shared(t), 50)
	e := newEdge(t, r, r.DSN("edge1"), "").start()
	e.guard("d0.coop")
	r.Exec(t, "update rdds.meta set contract = 2")
	e.faulted("version 2, this program reads up to 1")
	r.Exec(t, "update rdds.meta set contract = 1")
	e.until("a connection", func(_ *cache.View, s feed.Status) bool { return s.Connected })
	r.Exec(t, "update rdds.meta set registry = gen_random_uuid()")
	e.until("a hold", func(_ *cache.View, s feed.Status) bool { return s.Held != nil && s.Held.What == feed.HeldRegistry })
	if err := e.Decide(true, "test"); err != nil {
		t.Fatal(err)
	}
	e.equal(r)
}

// A view that is changed under the edge: first so that it cannot be read, then
// back.
func TestViewsChangedUnderTheEdge(t *testing.T) {
	t.Parallel()
	r := newRegistry(t, pgtest.Shared(t), 50)
	e := newEdge(t, r, r.DSN("edge1"), "").start()
	e.guard("d0.coop")
	definition := query[string](t, r.Connect(t, "postgres"), "select pg_get_viewdef('rdds.reserved')")
	r.Exec(t, "drop view rdds.reserved; update registry.domain set statuses = '{clientHold}' where name = 'd7.coop'")
	r.Exec(t, "insert into registry.reserved (name, reason) values ('r.coop', 'reserved')")
	e.faulted("registry schema postgres")
	// With a column of another type.
	r.Exec(t, "create view rdds.reserved with (security_barrier) as select name as key, reason::bytea, of, idn_table, public_text from registry.reserved; grant select on rdds.reserved to rdds_reader")
	e.faulted("column reason of rdds.reserved is not of type text")
	r.Exec(t, "drop view rdds.reserved; create view rdds.reserved with (security_barrier) as "+definition+"; grant select on rdds.reserved to rdds_reader")
	e.has("d7.coop", registry.ClientHold)
	e.equal(r)
	// The columns in another order, and one more: they are read by their names.
	r.Exec(t, "begin; drop view rdds.reserved; create view rdds.reserved with (security_barrier) as select 1 as more, public_text, idn_table, of, reason, name as key from registry.reserved; "+
		"grant select on rdds.reserved to rdds_reader; commit")
	r.Exec(t, "insert into registry.reserved (name, reason) values ('s.coop', 'blocked')")
	e.equal(r)
}

func isBehind(err error) bool {
	return err != nil && strings.Contains(err.Error(), "stands before what it has told already")
}
