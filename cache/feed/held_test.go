package feed_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rddsd/cache"
	"rddsd/cache/feed"
	"rddsd/cache/registry"
)

// deletes returns the statement that deletes the domains from to below.
func deletes(from, below int) string {
	return fmt.Sprintf("delete from domain where cast(substr(name, 2) as integer) between %d and %d", from, below-1)
}

// discloses is the same for the names of contacts.
func discloses(from, below int) string {
	return fmt.Sprintf("update contact set disclose = '[\"name\",\"org\"]' where cast(substr(roid, 2) as integer) between %d and %d", from, below-1)
}

// What would be hard to take back is held whole, with one alarm; one less is
// not.
func TestBrakes(t *testing.T) {
	t.Parallel()
	tests := []struct {
		rule      string
		names     int
		statement string
		why       string // "" = goes through
	}{
		{"deletes up to the floor", 200, deletes(0, 50), ""},
		{"deletes over the floor", 200, deletes(0, 51), "it deletes 51 of 200 names, the limit is 50"},
		{"deletes up to a fiftieth", 2550, deletes(0, 51), ""},
		{"deletes over a fiftieth", 2550, deletes(0, 52), "it deletes 52 of 2550 names, the limit is 51"},
		{"disclosures up to the floor", 200, discloses(0, 50), ""},
		{"disclosures over the floor", 200, discloses(0, 51), "it discloses more of 51 of 200 contacts, the limit is 50"},
		{"withholding is never held", 200, "update contact set disclose = '[]'", ""},
		{"other changes are never held", 200, "update domain set statuses = '[\"serverHold\"]'", ""},
	}
	for _, test := range tests {
		t.Run(test.rule, func(t *testing.T) {
			r := newRegistry(t, test.names)
			// What is disclosed already is not disclosed anew.
			r.run(t, "update contact set disclose = '[\"org\"]' where cast(substr(roid, 2) as integer) % 2 = 0")
			synctest.Test(t, func(t *testing.T) {
				e := newEdge(t, r.path, "").start()
				before := e.settle()
				r.run(t, test.statement)
				after := e.after(12 * time.Second) // in which what is held is read twice more
				s := e.Status()
				if test.why == "" {
					if s.Held != nil {
						t.Errorf("held: %q", s.Held.Why)
					}
					e.same(r.path)
				} else {
					if s.Held == nil || s.Held.What != feed.HeldDelta || len(s.Held.Why) != 1 || s.Held.Why[0] != test.why {
						t.Errorf("held %+v, want %q", s.Held, test.why)
					}
					if after.Position() != before.Position() || len(differences(after, before)) != 0 {
						t.Error("something of it is served")
					}
					if n := e.log.count("held until"); n != 1 {
						t.Errorf("%d alarms, want one", n)
					}
					if err := e.Decide(true, "it is meant"); err != nil {
						t.Fatal(err)
					}
					e.after(6 * time.Second)
					if s := e.Status(); s.Held != nil || s.Resyncs[feed.ReasonStart] != 1 || len(s.Resyncs) != 1 {
						t.Errorf("accepted: held %+v, resyncs %v", s.Held, s.Resyncs)
					}
					e.same(r.path)
				}
				e.stop()
			})
		})
	}
}

// A TLD that goes takes all its names with it.
func TestTLDThatGoesIsHeld(t *testing.T) {
	t.Parallel()
	r := newRegistry(t, 3)
	synctest.Test(t, func(t *testing.T) {
		e := newEdge(t, r.path, "").start()
		e.settle()
		r.run(t, "insert into tld (name) values ('example')", "delete from tld where name = 'coop'")
		if view := e.after(time.Minute); len(view.TLDs()) != 1 || e.Status().Held == nil || e.Status().Held.Zones != 1 {
			t.Fatalf("%d TLDs, held %+v", len(view.TLDs()), e.Status().Held)
		}
		if err := e.Decide(true, "it has moved"); err != nil {
			t.Fatal(err)
		}
		if view := e.after(time.Minute); len(view.TLDs()) != 1 || view.TLDs()[0].Name != "example" {
			t.Errorf("accepted: %d TLDs", len(view.TLDs()))
		}
		e.stop()
	})
}

func TestMassDisclosureShowsNothingBeforeItIsAccepted(t *testing.T) {
	t.Parallel()
	r := newRegistry(t, 100)
	synctest.Test(t, func(t *testing.T) {
		e := newEdge(t, r.path, "")
		e.MaxMissAge = 2 * time.Minute
		e.start().settle()
		r.run(t, discloses(0, 100))
		var c registry.Contact
		for range 10 {
			view := e.after(15 * time.Second)
			for i := range 100 {
				if view.Contact(fmt.Sprintf("C%d", i), &c); c.Name != "" || c.Org != "" {
					t.Fatalf("%s shows %q", c.ROID, c.Name)
				}
			}
		}
		if e.Cache.Current().MissKnown(time.Now()) {
			t.Error("misses do not age while a delta is held")
		}
		if s := e.Status(); s.Held == nil || s.Held.Disclosing != 100 || s.Age < 2*time.Minute || !s.Connected {
			t.Errorf("held %+v, age %v, connected %v", s.Held, s.Age, s.Connected)
		}
		e.stop()
	})
}

func TestWhatTheRegistryTakesBackIsNoLongerHeld(t *testing.T) {
	t.Parallel()
	r := newRegistry(t, 200)
	synctest.Test(t, func(t *testing.T) {
		e := newEdge(t, r.path, "").start()
		e.settle()
		r.run(t, discloses(0, 200))
		e.after(12 * time.Second)
		if e.Status().Held == nil {
			t.Fatal("a mass disclosure is not held")
		}
		r.run(t, "update contact set disclose = '[]'", "update domain set expires = 7 where name = 'd0.coop'")
		e.after(6 * time.Second)
		if s := e.Status(); s.Held != nil || e.log.count("took it back") != 1 {
			t.Errorf("held %+v", s.Held)
		}
		e.same(r.path)
		if err := e.Decide(true, "too late"); !errors.Is(err, feed.ErrNothingHeld) {
			t.Errorf("Decide with nothing held: %v", err)
		}
		e.stop()
	})
}

// An acceptance covers the numbers that were shown. What came after is weighed
// by itself: a little goes along, a lot is asked again.
func TestAcceptanceCoversWhatWasShown(t *testing.T) {
	t.Parallel()
	tests := []struct {
		rule  string
		later string
		again int // deletes that are asked about again; 0 = nothing is
	}{
		{"nothing more", "update domain set expires = 7 where name = 'd299.coop'", 0},
		{"up to the limit more", deletes(60, 110), 0},
		{"more than the limit more", deletes(60, 111), 111},
		{"something else", discloses(200, 260), 60},
	}
	for _, test := range tests {
		t.Run(test.rule, func(t *testing.T) {
			r := newRegistry(t, 300)
			synctest.Test(t, func(t *testing.T) {
				e := newEdge(t, r.path, "").start()
				before := e.settle()
				r.run(t, deletes(0, 60))
				e.after(12 * time.Second)
				r.run(t, test.later)
				e.after(12 * time.Second)
				held := e.Status().Held
				if held == nil || held.Deleted != 60 {
					t.Fatalf("held %+v, want what was shown first", held)
				}
				if err := e.Decide(true, "60 are meant"); err != nil {
					t.Fatal(err)
				}
				view := e.after(12 * time.Second)
				held = e.Status().Held
				if test.again == 0 {
					if held != nil {
						t.Errorf("held again: %q", held.Why)
					}
					e.same(r.path)
				} else {
					if held == nil || len(held.Why) != 1 || !strings.Contains(held.Why[0], fmt.Sprint(test.again)) || view.Position() != before.Position() {
						t.Fatalf("held %+v at %+v, want %d asked about", held, view.Position(), test.again)
					}
					if n := e.log.count("held until"); n != 2 {
						t.Errorf("%d alarms, want two", n)
					}
					if err := e.Decide(true, "these too"); err != nil {
						t.Fatal(err)
					}
					e.after(12 * time.Second)
					e.same(r.path)
				}
				e.stop()
			})
		})
	}
}

// A rejection does not let in by a snapshot what it kept out of a delta.
func TestRejectionTakesASnapshotThatMeetsTheBrakes(t *testing.T) {
	t.Parallel()
	for _, statement := range []string{deletes(0, 60), discloses(0, 60)} {
		r := newRegistry(t, 300)
		synctest.Test(t, func(t *testing.T) {
			e := newEdge(t, r.path, "").start()
			before := e.settle()
			r.run(t, statement)
			e.after(12 * time.Second)
			if err := e.Decide(false, "a mistake"); err != nil {
				t.Fatal(err)
			}
			if err := e.Decide(false, "twice"); !errors.Is(err, feed.ErrNothingHeld) {
				t.Errorf("Decide what is decided already: %v", err)
			}
			view := e.after(10 * time.Second)
			s := e.Status()
			if s.Held == nil || s.Held.What != feed.HeldSnapshot || s.Held.Deleted+s.Held.Disclosing != 60 || view.Position() != before.Position() {
				t.Fatalf("held %+v at %+v", s.Held, view.Position())
			}
			if n := e.log.count("held until"); n != 2 {
				t.Errorf("%d alarms, want two", n)
			}
			if err := e.Decide(true, "it was meant after all"); err != nil {
				t.Fatal(err)
			}
			e.after(10 * time.Second)
			if s := e.Status(); s.Held != nil {
				t.Errorf("held %+v", s.Held)
			}
			e.same(r.path)
			if n := e.log.count("reason=\"it was meant after all\""); n != 1 {
				t.Errorf("the reason is logged %d times", n)
			}
			e.stop()
		})
	}
}

// A snapshot that does not pass the gates is held; what was served goes on. Each
// heals by itself when the registry does, and can be accepted.
func TestGates(t *testing.T) {
	t.Parallel()
	const newEpoch = "update rdds_meta set epoch = lower(hex(randomblob(16))), floor = 0; delete from rdds_journal"
	tests := []struct {
		rule      string
		statement string
		why       []string // nil = passes
	}{
		{"an empty registry", "delete from domain_host; delete from domain; delete from contact; delete from host; delete from registrar; delete from tld", []string{
			"it has 0 objects of kind tld, 1 are served and at least 90 % must stay",
			"it has 0 objects of kind registrar, 2 are served and at least 90 % must stay",
			"it has 0 objects of kind contact, 400 are served and at least 90 % must stay",
			"it has 0 objects of kind host, 2 are served and at least 90 % must stay",
			"it has 0 objects of kind domain, 400 are served and at least 90 % must stay",
			"it drops 1 of 1 TLDs",
		}},
		{"nine tenths of the names", "update domain_contact set role = 'tech'; insert into domain_contact select 'D399', 'tech', roid from contact; " + deletes(0, 40), nil},
		{
			"less than nine tenths of the names", "insert into domain_contact select 'D399', 'tech', roid from contact; " + deletes(0, 41),
			[]string{"it has 359 objects of kind domain, 400 are served and at least 90 % must stay"},
		},
		{"as many rejects as may be", "insert into host (roid, name, clid) select 'B' || roid, 'B' || roid, 'reg-a' from contact limit 100", nil},
		{
			"too many rejects", "insert into host (roid, name, clid) select 'B' || roid, 'B' || roid, 'reg-a' from contact limit 101",
			[]string{"101 of its 906 rows cannot be published, the limit is 100"},
		},
		{"a mass disclosure", discloses(0, 51), []string{"it discloses more of 51 of 400 contacts, the limit is 50"}},
	}
	for _, test := range tests {
		t.Run(test.rule, func(t *testing.T) {
			r := newRegistry(t, 400)
			synctest.Test(t, func(t *testing.T) {
				e := newEdge(t, r.path, "").start()
				before := e.settle()
				r.run(t, "begin immediate; pragma defer_foreign_keys = 1; "+test.statement+"; "+newEpoch+"; commit")
				view := e.after(30 * time.Second)
				s := e.Status()
				if test.why == nil {
					if s.Held != nil || s.Resyncs[feed.ReasonEpoch] != 1 {
						t.Errorf("held %+v, resyncs %v", s.Held, s.Resyncs)
					}
					e.same(r.path)
					e.stop()
					return
				}
				if s.Held == nil || s.Held.What != feed.HeldSnapshot || strings.Join(s.Held.Why, "\n") != strings.Join(test.why, "\n") {
					t.Fatalf("held %+v, want %q", s.Held, test.why)
				}
				if view.Position() != before.Position() || presence(view, "d0.coop") != cache.Present {
					t.Errorf("served is %+v", view.Position())
				}
				if n := e.log.count("held until"); n != 1 {
					t.Errorf("%d alarms, want one", n)
				}
				if n := e.log.count("taking a snapshot"); n != 2 {
					t.Errorf("%d snapshots in half a minute, want the first and one", n)
				}
				if err := e.Decide(true, "it is meant"); err != nil {
					t.Fatal(err)
				}
				e.after(10 * time.Second)
				if s := e.Status(); s.Held != nil || s.Resyncs[feed.ReasonEpoch] != 1 {
					t.Errorf("accepted: held %+v, resyncs %v", s.Held, s.Resyncs)
				}
				e.same(r.path)
				e.stop()
			})

			if test.why == nil {
				return
			}
			r2 := newRegistry(t, 400)
			synctest.Test(t, func(t *testing.T) {
				e := newEdge(t, r2.path, "").start()
				before := e.settle()
				r2.run(t, "begin immediate; pragma defer_foreign_keys = 1; "+test.statement+"; "+newEpoch+"; commit")
				e.after(30 * time.Second)
				if e.Status().Held == nil {
					t.Fatal("not held")
				}
				// Back to the numbering that is served: the position holds again.
				r2.run(t, "update rdds_meta set epoch = '"+before.Position().Epoch+"'")
				e.after(10 * time.Second)
				if s := e.Status(); s.Held != nil || s.Resyncs[feed.ReasonEpoch] != 0 {
					t.Errorf("the epoch is back: held %+v, resyncs %v", s.Held, s.Resyncs)
				}
				e.stop()
			})
		})
	}
}

// The first snapshot has nothing to be compared with but its own rejects.
func TestGateOfTheFirstSnapshot(t *testing.T) {
	t.Parallel()
	r := newRegistry(t, 300)
	r.run(t, "insert into host (roid, name, clid) select 'B' || roid, 'B' || roid, 'reg-a' from contact limit 200")
	synctest.Test(t, func(t *testing.T) {
		e := newEdge(t, r.path, "").start()
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if s := e.Status(); e.Cache.Current() != nil || s.Ready || s.Held == nil || s.Held.Rejected != 200 {
			t.Fatalf("served %v, held %+v", e.Cache.Current() != nil, s.Held)
		}
		if n := e.log.count("taking a snapshot"); n > 11 {
			t.Errorf("%d snapshots in ten minutes", n)
		}
		if err := e.Decide(true, "known"); err != nil {
			t.Fatal(err)
		}
		e.after(10 * time.Second)
		e.same(r.path)
		e.stop()
	})
}

func TestDecideBeforeServe(t *testing.T) {
	t.Parallel()
	if err := new(feed.Follower).Decide(true, "early"); !errors.Is(err, feed.ErrNothingHeld) {
		t.Errorf("Decide: %v", err)
	}
}
