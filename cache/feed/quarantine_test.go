package feed_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rddsd/cache"
	"rddsd/cache/feed"
	"rddsd/cache/registry"
)

// A row that cannot be published is kept out by itself: the last good version
// stays, a new object is unknown, it is counted and logged once, and it heals
// when the registry does, journal or not.
func TestQuarantine(t *testing.T) {
	t.Parallel()
	const long = "printf('%.1021c', 'x')"
	tests := []struct {
		reason registry.Reject
		poison string // of d0.coop
		heal   string
	}{
		{registry.RejectDate, "update domain set expires = 253402300800000000 where name = 'd0.coop'", "update domain set expires = 7 where name = 'd0.coop'"},
		{registry.RejectStatus, `update domain set statuses = '["sleeping"]' where name = 'd0.coop'`, "update domain set statuses = '[]' where name = 'd0.coop'"},
		{registry.RejectForm, `update domain set statuses = '"clientHold"' where name = 'd0.coop'`, "update domain set statuses = '[]' where name = 'd0.coop'"},
		{registry.RejectText, "update domain set u_name = " + long + " where name = 'd0.coop'", "update domain set u_name = null where name = 'd0.coop'"},
		{registry.RejectDS, "insert into ds values ('D0', 1, 13, 2, 'zz')", "delete from ds"},
		{registry.RejectRegistrar, "pragma foreign_keys = 0; update domain set clid = 'nobody' where name = 'd0.coop'", "update domain set clid = 'reg-a' where name = 'd0.coop'"},
		{
			registry.RejectNoIANA, "update registrar set iana_id = null where clid = 'reg-b'; update domain set clid = 'reg-b' where name = 'd0.coop'",
			"update registrar set iana_id = 5 where clid = 'reg-b'",
		}, // the domain's own row does not change
	}
	for _, test := range tests {
		t.Run(string(test.reason), func(t *testing.T) {
			r := newRegistry(t, 5)
			key := cache.Key{Kind: registry.KindDomain, Name: "d0.coop"}
			synctest.Test(t, func(t *testing.T) {
				e := newEdge(t, r.path, "").start()
				before := e.settle()
				r.run(t, test.poison, "update domain set expires = 9 where name = 'd1.coop'")
				e.settle()
				changes := e.Status().Changes
				view := e.after(time.Minute)
				if s := e.Status(); s.Changes != changes || s.Deltas < 10 {
					t.Errorf("rows in quarantine are read in every poll: %d changes after %d", s.Changes, changes)
				}
				if got := view.Rejection(key); got != test.reason {
					t.Fatalf("d0.coop is rejected as %q, want %q", got, test.reason)
				}
				var was, is registry.Domain
				before.Domain("d0.coop", &was)
				if view.Domain("d0.coop", &is) != cache.Present || fmt.Sprint(was) != fmt.Sprint(is) {
					t.Errorf("d0.coop is served as %+v, want the last good %+v", is, was)
				}
				if view.Domain("d1.coop", &is); is.Expires != 9 {
					t.Error("the rest of the delta is missing")
				}
				row := feed.RejectedRow{Kind: registry.KindDomain, Reason: test.reason}
				if s := e.Status(); s.Rejected[row] != 1 || s.Quarantined[row] != 1 || len(s.Quarantined) != 1 {
					t.Errorf("rejected %v, in quarantine %v, want %v once", s.Rejected, s.Quarantined, row)
				}
				if n := e.log.count("key=d0.coop reason=" + string(test.reason)); n != 1 {
					t.Errorf("logged %d times", n)
				}

				r.run(t, test.heal)
				view = e.after(pollInterval * 2)
				if got := view.Rejection(key); got != "" {
					t.Errorf("healed, d0.coop is rejected as %q", got)
				}
				if s := e.Status(); len(s.Quarantined) != 0 || s.Rejected[row] != 1 {
					t.Errorf("healed: rejected %v, in quarantine %v", s.Rejected, s.Quarantined)
				}
				e.same(r.path)

				// The same again is new: it is logged again.
				r.run(t, strings.ReplaceAll(test.poison, "values ('D0', 1", "values ('D0', 2"))
				e.settle()
				if s := e.Status(); s.Rejected[row] != 2 {
					t.Errorf("poisoned again: rejected %v", s.Rejected)
				}
				e.stop()
			})
		})
	}
}

// A snapshot finds the rows in quarantine that are there already, and keeps
// their last good version as a delta does.
func TestQuarantineOverASnapshot(t *testing.T) {
	t.Parallel()
	r := newRegistry(t, 5)
	row := feed.RejectedRow{Kind: registry.KindHost, Reason: registry.RejectName}
	synctest.Test(t, func(t *testing.T) {
		e := newEdge(t, r.path, "").start()
		e.settle()
		r.run(t, "insert into host (roid, name, clid) values ('B1', 'BAD', 'reg-a')", "update host set name = 'AWFUL' where roid = 'H1'")
		e.settle()
		r.run(t, "update rdds_meta set epoch = 'e2'", "insert into host (roid, name, clid) values ('B2', 'WORSE', 'reg-a')")
		e.after(5 * time.Second)
		if s := e.Status(); s.Resyncs[feed.ReasonEpoch] != 1 || s.Rejected[row] != 3 || s.Quarantined[row] != 3 {
			t.Errorf("resyncs %v, rejected %v, in quarantine %v", s.Resyncs, s.Rejected, s.Quarantined)
		}
		var host registry.Nameserver
		if got := e.Cache.Current().Nameserver("H1", &host); got != cache.Present || host.Name != "ns1.example.net" {
			t.Errorf("H1 is %v, %q", got, host.Name)
		}
		for _, key := range []string{"B1", "B2", "H1"} {
			if n := e.log.count("key=" + key); n != 1 {
				t.Errorf("%s is logged %d times", key, n)
			}
		}
		e.stop()
	})
}

// A new object whose row is bad is unknown, never "not found".
func TestNewObjectInQuarantineIsUnknown(t *testing.T) {
	t.Parallel()
	tests := []struct {
		kind   registry.Kind
		name   string
		reason registry.Reject
		insert string
	}{
		{registry.KindDomain, "a_b.coop", registry.RejectName, "insert into domain (roid, name, clid, created, expires) values ('N', 'a_b.coop', 'reg-a', 5, 6)"},
		{registry.KindDomain, "new.example", registry.RejectNoTLD, "insert into domain (roid, name, clid, created, expires) values ('N', 'new.example', 'reg-a', 5, 6)"},
		{registry.KindDomain, "new.coop", registry.RejectDate, "insert into domain (roid, name, clid, created, expires) values ('N', 'new.coop', 'reg-a', 0, 6)"},
		{registry.KindHost, "N", registry.RejectAddress, `insert into host (roid, name, clid, v4) values ('N', 'n.example.net', 'reg-a', '["192.0.2.256"]')`},
		{registry.KindReserved, "-.coop", registry.RejectName, "insert into reserved (name, reason) values ('-.coop', 'reserved')"},
	}
	r := newRegistry(t, 3)
	synctest.Test(t, func(t *testing.T) {
		e := newEdge(t, r.path, "").start()
		e.settle()
		for i, test := range tests {
			r.run(t, test.insert)
			view := e.settle()
			if got := view.Rejection(cache.Key{Kind: test.kind, Name: test.name}); got != test.reason {
				t.Errorf("%s %q is rejected as %q, want %q", test.kind, test.name, got, test.reason)
			}
			var got cache.Presence
			switch test.kind {
			case registry.KindDomain:
				got = presence(view, test.name)
			case registry.KindHost:
				got = view.Nameserver(test.name, new(registry.Nameserver))
			case registry.KindReserved:
				got = view.Reserved(test.name, new(registry.Reserved))
			}
			if got != cache.Unknown {
				t.Errorf("%s %q is %v, want unknown", test.kind, test.name, got)
			}
			r.run(t, fmt.Sprintf("delete from %s where '%s' in (name%s)", test.kind, test.name, map[registry.Kind]string{registry.KindHost: ", roid"}[test.kind]))
			if view = e.settle(); len(view.Quarantined()) != 0 {
				t.Errorf("step %d: still in quarantine: %v", i, view.Quarantined())
			}
		}
		e.same(r.path)
		e.stop()
	})
}

// What a contact disclosed may have been withheld since: while its newest row
// cannot be read, nothing of it is shown.
func TestContactInQuarantineShowsNothing(t *testing.T) {
	t.Parallel()
	r := newRegistry(t, 3)
	r.run(t, discloses(0, 3))
	synctest.Test(t, func(t *testing.T) {
		e := newEdge(t, r.path, "").start()
		var c registry.Contact
		if e.settle().Contact("C0", &c); c.Name != "Held" {
			t.Fatalf("C0 shows %q", c.Name)
		}
		r.run(t, "update contact set disclose = '[\"org\"]', city = x'ff' || 'x' where roid = 'C0'", "update contact set city = "+"printf('%.1021c', 'x'), disclose = '[\"city\"]' where roid = 'C0'")
		view := e.settle()
		if got := view.Rejection(cache.Key{Kind: registry.KindContact, Name: "C0"}); got != registry.RejectText {
			t.Fatalf("C0 is rejected as %q", got)
		}
		if view.Contact("C0", &c) != cache.Present || c.Name != "" || c.Org != "" || c.City != "" || c.CC != "GB" {
			t.Errorf("C0 shows %+v", c)
		}
		r.run(t, "update contact set city = null where roid = 'C0'")
		e.settle()
		e.same(r.path)
		e.stop()
	})
}
