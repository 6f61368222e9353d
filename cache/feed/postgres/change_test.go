package postgres_test

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"rddsd/cache"
	"rddsd/cache/feed"
	"rddsd/cache/feed/postgres/pgtest"
	"rddsd/cache/registry"
	"rddsd/deploy/schema"
)

// In each of these the registry changes in a way that has gone wrong somewhere.

// A row that cannot be published is kept out alone: its last good version stays,
// a new object is unknown, and all else of the transaction is served.
func TestPoisonRowsOfEachKind(t *testing.T) {
	t.Parallel()
	r := newRegistry(t, pgtest.Shared(t), 20)
	r.Exec(t, "insert into registry.reserved (name, reason) values ('r.coop', 'reserved')")
	e := newEdge(t, r, r.DSN("edge1"), "").start()
	e.guard("d0.coop", "d1.coop", "d2.coop")
	// What the reference tables refuse, the tables of another registry may hold.
	r.Exec(t, `
		alter table registry.tld drop constraint tld_contact_model_check;
		alter table registry.registrar drop constraint registrar_status_check;
		alter table registry.reserved drop constraint reserved_reason_check;
		insert into registry.domain (roid, name, clid, created, expires) values
			('N1', '-bad-.coop', 'reg-a', '2020-01-01', '2030-01-01'), ('N2', 'under.no-such-tld', 'reg-a', '2020-01-01', '2030-01-01'),
			('N3', 'newborn.coop', 'reg-a', '0044-03-15 BC', '2030-01-01');
		update registry.domain set expires = 'infinity' where name = 'd1.coop';
		update registry.domain set statuses = '{sleeping}' where name = 'd2.coop';
		update registry.domain set statuses = '{clientHold}' where name = 'd3.coop';
		update registry.registrar set iana_id = null where clid = 'reg-b';
		update registry.domain set clid = 'reg-b' where name = 'd4.coop';
		update registry.tld set contact_model = 'sometimes';
		update registry.registrar set status = 'asleep' where clid = 'reg-a';
		update registry.host set name = 'no host name' where roid = 'H1';
		update registry.contact set created = '-infinity' where roid = 'C5';
		update registry.reserved set reason = 'why not' where name = 'r.coop';`)
	e.has("d3.coop", registry.ClientHold)
	for _, bad := range []struct {
		kind registry.Kind
		key  string
	}{
		{registry.KindDomain, "-bad-.coop"},
		{registry.KindDomain, "under.no-such-tld"},
		{registry.KindDomain, "newborn.coop"},
		{registry.KindDomain, "d1.coop"},
		{registry.KindDomain, "d2.coop"},
		{registry.KindDomain, "d4.coop"},
		{registry.KindTLD, "coop"},
		{registry.KindRegistrar, "reg-a"},
		{registry.KindHost, "H1"},
		{registry.KindContact, "C5"},
		{registry.KindReserved, "r.coop"},
	} {
		e.until(fmt.Sprintf("%s %s is in quarantine", bad.kind, bad.key), func(view *cache.View, _ feed.Status) bool {
			return view.Rejection(cache.Key{Kind: bad.kind, Name: bad.key}) != ""
		})
	}
	if e.value("d1.coop").Expires.String() != "2030-01-01T00:00:00Z" {
		t.Error("the last good version of d1.coop is not served")
	}
	var d registry.Domain
	if got := e.Cache.Current().Domain("newborn.coop", &d); got == cache.Absent {
		t.Error("a new name whose row is bad is told as missing")
	}
	s := e.Status()
	if n := len(s.Rejected); n < 8 {
		t.Errorf("the status tells of %d kinds and reasons: %v", n, s.Rejected)
	}
	r.Exec(t, `
		delete from registry.domain where roid in ('N1', 'N2', 'N3');
		update registry.domain set expires = '2031-01-01', statuses = '{}', clid = 'reg-a';
		update registry.tld set contact_model = 'full';
		update registry.registrar set status = 'ok', iana_id = coalesce(iana_id, 900003);
		update registry.host set name = 'ns1.example.net' where roid = 'H1';
		update registry.contact set created = now() where roid = 'C5';
		update registry.reserved set reason = 'reserved'`)
	e.until("nothing is in quarantine", func(view *cache.View, s feed.Status) bool { return len(view.Quarantined()) == 0 })
	e.equal(r)
}

// Renaming a host is one change, whatever number of names it serves.
func TestHostRenameWithManyDomains(t *testing.T) {
	n := 10_000
	if *long {
		n = 100_000
	}
	r := newRegistry(t, pgtest.Shared(t), n)
	e := newEdge(t, r, r.DSN("edge1"), "").start()
	before := e.Status().Changes
	r.Exec(t, "update registry.host set name = 'ns9.example.org' where roid = 'H1'")
	e.until("the new name", func(view *cache.View, _ feed.Status) bool {
		var h registry.Nameserver
		return view.Nameserver("H1", &h) == cache.Present && h.Name == "ns9.example.org"
	})
	s := e.Status()
	if s.Changes-before != 1 || len(s.Resyncs) != 1 {
		t.Errorf("a rename led to %d changes and %v", s.Changes-before, s.Resyncs)
	}
	e.equal(r)
}

func TestRegistrarRename(t *testing.T) {
	r := newRegistry(t, pgtest.Shared(t), 2000)
	e := newEdge(t, r, r.DSN("edge1"), "").start()
	before := e.Status().Changes
	r.Exec(t, "update registry.registrar set name = 'Another Name' where clid = 'reg-a'")
	e.until("the new name", func(view *cache.View, _ feed.Status) bool { return view.Registrar("reg-a").Name == "Another Name" })
	if s := e.Status(); s.Changes-before != 1 {
		t.Errorf("a rename led to %d changes", s.Changes-before)
	}
	// What is private changes nothing.
	r.Exec(t, "update registry.registrar set billing_note = 'owes'; update registry.domain set authinfo = 'secret'")
	r.Exec(t, "update registry.registrar set name = 'A Third Name' where clid = 'reg-a'")
	e.until("the third name", func(view *cache.View, _ feed.Status) bool { return view.Registrar("reg-a").Name == "A Third Name" })
	if s := e.Status(); s.Changes-before != 2 {
		t.Errorf("private columns led to %d changes", s.Changes-before-2)
	}
	e.equal(r)
}

// A host's name moves to another ROID, and two hosts exchange theirs, each in
// one transaction.
func TestNameThatMovesBetweenROIDs(t *testing.T) {
	t.Parallel()
	r := newRegistry(t, pgtest.Shared(t), 10)
	e := newEdge(t, r, r.DSN("edge1"), "").start()
	named := func(name, roid string) {
		t.Helper()
		e.until(name+" is "+roid, func(view *cache.View, _ feed.Status) bool {
			var h registry.Nameserver
			return view.NameserverByName(name, &h) == cache.Present && h.ROID == roid
		})
	}
	r.Exec(t, `begin; update registry.host set name = 'old.example.net' where roid = 'H1';
		insert into registry.host (roid, name, clid) values ('H3', 'ns1.example.net', 'reg-b'); commit`)
	named("ns1.example.net", "H3")
	named("old.example.net", "H1")
	r.Exec(t, `begin; update registry.host set name = 'swap.example.net' where roid = 'H2'; update registry.host set name = 'ns2.example.net' where roid = 'H3';
		update registry.host set name = 'ns1.example.net' where roid = 'H2'; commit`)
	named("ns1.example.net", "H2")
	named("ns2.example.net", "H3")
	e.equal(r)
}

// A name that is deleted and registered anew in one transaction was never
// missing.
func TestDeleteAndRegisterAnewInOneTransaction(t *testing.T) {
	t.Parallel()
	r := newRegistry(t, pgtest.Shared(t), 10)
	e := newEdge(t, r, r.DSN("edge1"), "").start()
	e.guard("d7.coop")
	for i := range 20 {
		r.Exec(t, fmt.Sprintf(`begin; delete from registry.domain where name = 'd7.coop';
			insert into registry.domain (roid, name, clid, created, expires) values ('E%d', 'd7.coop', 'reg-b', now(), '2031-01-01'); commit`, i))
	}
	e.until("the last ROID", func(*cache.View, feed.Status) bool { return e.value("d7.coop").ROID == "E19" })
	e.equal(r)
}

// Up to a limit names may go, and contacts may disclose; one more is held until
// an operator decides, or the registry takes it back.
func TestMassDeletionAndDisclosure(t *testing.T) {
	const atMost = 50 // the floor of both limits (feed.md §4)
	for _, test := range []struct{ name, change, back string }{
		{"deletion", "delete from registry.domain where roid in (select 'D' || i from generate_series(%d, %d) i)", ""},
		{
			"disclosure", "update registry.contact set disclose = '{org}' where roid in (select 'C' || i from generate_series(%d, %d) i)",
			"update registry.contact set disclose = '{}' where roid in (select 'C' || i from generate_series(%d, %d) i)",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := newRegistry(t, pgtest.Shared(t), 400)
			e := newEdge(t, r, r.DSN("edge1"), "").start()
			r.Exec(t, fmt.Sprintf(test.change, 0, atMost-1))
			e.equal(r)
			if s := e.Status(); s.Held != nil {
				t.Fatalf("%d are held: %v", atMost, s.Held.Why)
			}
			before := e.Cache.Current().Position()
			r.Exec(t, fmt.Sprintf(test.change, 100, 100+atMost)) // one more
			e.until("a hold", func(_ *cache.View, s feed.Status) bool { return s.Held != nil && s.Held.What == feed.HeldDelta })
			if at := e.Cache.Current().Position(); at != before || e.value("d100.coop") == nil {
				t.Error("what is held is served")
			}
			if e.source.Status().Behind == 0 {
				t.Error("the status tells of no rows that wait")
			}
			if err := e.Decide(true, "test"); err != nil {
				t.Fatal(err)
			}
			e.equal(r)
			if test.back == "" {
				return
			}
			r.Exec(t, fmt.Sprintf(test.change, 200, 200+atMost))
			e.until("a hold", func(_ *cache.View, s feed.Status) bool { return s.Held != nil })
			r.Exec(t, fmt.Sprintf(test.back, 200, 200+atMost))
			e.until("the end of the hold", func(_ *cache.View, s feed.Status) bool { return s.Held == nil })
			e.equal(r)
		})
	}
}

// A grace period ends by the clock: nobody writes anything.
func TestGracePeriodEndsWithoutAWrite(t *testing.T) {
	t.Parallel()
	r := newRegistry(t, pgtest.Shared(t), 10)
	e := newEdge(t, r, r.DSN("edge1"), "").start()
	var at registry.Time
	for at == 0 { // a machine that stands still may see nothing of a period
		r.Exec(t, "update registry.domain set add_until = now() + interval '2 s' where name = 'd7.coop'")
		over := time.Now().Add(2 * time.Second)
		e.until("the period or its end", func(*cache.View, feed.Status) bool {
			at = e.value("d7.coop").RefreshAt
			return at != 0 || time.Now().After(over)
		})
	}
	e.until("the end of the period", func(*cache.View, feed.Status) bool { return e.value("d7.coop").Statuses&registry.AddPeriod == 0 })
	if late := time.Since(at.Std()); late < 0 {
		t.Errorf("the period was seen to end %v before it did", -late)
	}
	e.equal(r)
}

// The registry's clock jumps by an hour and back. What is served follows it, and
// says nothing of the edge's own clock.
func TestRegistryClockJumps(t *testing.T) {
	t.Parallel()
	r := newRegistryWithClock(t, 10)
	e := newEdge(t, r, r.DSN("edge1"), "").start()
	e.guard("d0.coop")
	r.Exec(t, "update registry.domain set add_until = now() + interval '30 min', renew_until = now() + interval '2 hours' where name = 'd7.coop'")
	e.has("d7.coop", registry.AddPeriod|registry.RenewPeriod)
	r.Exec(t, "update public.hand set by = interval '1 hour'")
	e.until("the end of the add period", func(*cache.View, feed.Status) bool { return e.value("d7.coop").Statuses&registry.AddPeriod == 0 })
	e.equal(r)
	ahead := e.Status().AsOf
	r.Exec(t, "update public.hand set by = interval '-1 hour'")
	e.resynced(feed.ReasonClock)
	e.has("d7.coop", registry.AddPeriod|registry.RenewPeriod)
	e.equal(r)
	r.Exec(t, "update public.hand set by = interval '0'; update registry.domain set statuses = '{clientHold}' where name = 'd8.coop'")
	e.has("d8.coop", registry.ClientHold)
	e.equal(r)
	if s := e.Status(); s.AsOf < ahead || s.Degraded {
		t.Errorf("as of %s, which was %s already; degraded %v", s.AsOf, ahead, s.Degraded)
	}
}

// newRegistryWithClock makes a registry whose clock is put by what stands in
// public.hand.
func newRegistryWithClock(t *testing.T, n int) reg {
	t.Helper()
	r := newRegistry(t, pgtest.Shared(t), n)
	r.Exec(t, `create table public.hand (by interval); insert into public.hand values ('0');
		create function public.hand() returns timestamptz stable security definer language sql set search_path = pg_catalog as 'select now() + (select by from public.hand)';
		grant execute on function public.hand() to public`)
	_, rdds, found := strings.Cut(schema.Postgres(), "create schema if not exists rdds;")
	if !found {
		t.Fatal("the schema has another form")
	}
	r.Exec(t, strings.ReplaceAll(strings.ReplaceAll(rdds, "now()", "public.hand()"), "clock_timestamp()", "public.hand()"))
	return r
}

// One transaction changes more than is worth reading: it is not read, memory
// stays bounded, and a snapshot brings it.
func TestOneTransactionOfManyRows(t *testing.T) {
	n, limit := 30_000, uint64(64<<20)
	if *long {
		n, limit = 1_000_000, 400<<20
	}
	r := newRegistry(t, pgtest.Shared(t), n)
	e := newEdge(t, r, r.DSN("edge1"), "")
	e.MemoryLimit = int64(limit)
	e.start()
	e.guard("d0.coop", fmt.Sprintf("d%d.coop", n-1))
	runtime.GC()
	var before runtime.MemStats
	runtime.ReadMemStats(&before)
	peak := samplePeak(t)
	r.Exec(t, "update registry.domain set statuses = '{clientHold}'")
	e.resynced(feed.ReasonLarge)
	grown := peak() - min(before.HeapAlloc, peak())
	t.Logf("%d rows in one transaction: the heap grew by %d MiB at most", n, grown>>20)
	if grown > limit {
		t.Errorf("the heap grew by %d MiB, the limit is %d", grown>>20, limit>>20)
	}
	e.has(fmt.Sprintf("d%d.coop", n-1), registry.ClientHold)
	if s := e.Status(); s.MemoryError != "" || s.Resyncs[feed.ReasonLarge] != 1 {
		t.Errorf("resyncs %v, %s", s.Resyncs, s.MemoryError)
	}
	e.equal(r)
}

// A transaction of fewer rows than are worth a snapshot, but more than fit in the
// memory that is left, is not read either; one that fits is applied.
func TestTransactionThatDoesNotFit(t *testing.T) {
	const n, most = 15_000, 5500
	r := newRegistry(t, pgtest.Shared(t), n)
	e := newEdge(t, r, r.DSN("edge1"), "")
	e.MemoryLimit = r.state(t).Memory() + most<<10
	e.start()
	if got := feed.LargeDelta(e.Cache.Current(), e.MemoryLimit); got != most || most >= 2*n/5 {
		t.Fatalf("a delta may have %d changes, want %d", got, most)
	}
	update := func(rows int, status registry.Status) {
		r.Exec(t, fmt.Sprintf("update registry.domain set statuses = '{%s}' where roid in (select 'D' || i from generate_series(0, %d) i)", status.EPP(), rows-1))
		e.has("d0.coop", status)
		e.equal(r)
	}
	update(1000, registry.ServerHold)
	if s := e.Status(); s.Resyncs[feed.ReasonLarge] != 0 || s.Changes != 1000 {
		t.Errorf("a transaction that fits: resyncs %v, %d rows by deltas", s.Resyncs, s.Changes)
	}
	update(most+1, registry.ClientHold)
	if s := e.Status(); s.Resyncs[feed.ReasonLarge] != 1 || s.Changes != 1000 || s.MemoryError != "" {
		t.Errorf("one that does not: resyncs %v, %d rows by deltas, %s", s.Resyncs, s.Changes, s.MemoryError)
	}
}

// samplePeak returns a function that tells the largest heap since.
func samplePeak(t *testing.T) func() uint64 {
	var (
		mu   sync.Mutex
		most uint64
		stop = make(chan struct{})
		done = make(chan struct{})
	)
	go func() {
		defer close(done)
		for {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			mu.Lock()
			most = max(most, m.HeapAlloc)
			mu.Unlock()
			select {
			case <-stop:
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	}()
	t.Cleanup(func() {
		close(stop)
		<-done
	})
	return func() uint64 {
		mu.Lock()
		defer mu.Unlock()
		return most
	}
}
