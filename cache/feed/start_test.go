package feed_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"rddsd/cache"
	"rddsd/cache/feed/sqlite"
	"rddsd/cache/registry"
)

func TestRegistryThatComesLater(t *testing.T) {
	t.Parallel()
	r := newRegistry(t, 3)
	synctest.Test(t, func(t *testing.T) {
		away := r.path + ".away"
		if err := os.Rename(r.path, away); err != nil {
			t.Fatal(err)
		}
		e := newEdge(t, r.path, "").start()
		time.Sleep(time.Minute)
		synctest.Wait()
		if s := e.Status(); e.Cache.Current() != nil || s.Ready || s.Connected || s.LastError == "" {
			t.Fatalf("without a registry: %+v", s)
		}
		select {
		case <-e.Ready():
			t.Fatal("ready without data")
		default:
		}
		if n := e.log.count("cannot be read"); n != 1 {
			t.Errorf("the same fault is logged %d times", n)
		}
		if n := e.log.count("taking a snapshot"); n != 1 {
			t.Errorf("that a snapshot is taken is logged %d times", n)
		}
		if e.log.count("what was served goes on") != 0 || e.log.count("nothing to answer from yet") != 1 {
			t.Errorf("nothing is served, and the log says\n%s", e.log.lines.String())
		}
		if err := os.Rename(away, r.path); err != nil {
			t.Fatal(err)
		}
		<-e.Ready()
		synctest.Wait()
		if s := e.Status(); !s.Ready || !s.Connected || s.Degraded || s.Resyncs["start"] != 1 {
			t.Errorf("with a registry: %+v", s)
		}
		e.same(r.path)
		e.stop()
	})
}

// The waits between attempts grow to half a minute and start anew after a
// success; with chance in the middle each is halfway between the bounds. The
// poll that fails first was asked for before.
func TestBackoff(t *testing.T) {
	t.Parallel()
	r := newRegistry(t, 3)
	synctest.Test(t, func(t *testing.T) {
		e := newEdge(t, r.path, "")
		var (
			mu    sync.Mutex
			asked []time.Time
		)
		e.hooks.onNext = func(cache.Position) {
			mu.Lock()
			defer mu.Unlock()
			asked = append(asked, time.Now())
		}
		e.start()
		e.settle()
		want := []time.Duration{625, 1125, 2125, 4125, 8125, 15125, 15125}
		for i := range want {
			want[i] *= time.Millisecond
		}
		for range 2 {
			mu.Lock()
			asked = nil
			mu.Unlock()
			if err := os.Rename(r.path, r.path+".away"); err != nil {
				t.Fatal(err)
			}
			e.after(time.Minute)
			var waits []time.Duration
			mu.Lock()
			for i := 1; i < len(asked); i++ {
				waits = append(waits, asked[i].Sub(asked[i-1]))
			}
			mu.Unlock()
			if len(waits) < len(want) || !slices.Equal(waits[:len(want)], want) {
				t.Errorf("the waits between attempts are %v, want %v and so on", waits, want)
			}
			if err := os.Rename(r.path+".away", r.path); err != nil {
				t.Fatal(err)
			}
			e.after(time.Minute)
			if s := e.Status(); !s.Connected {
				t.Fatalf("the registry is back: %+v", s)
			}
		}
		e.stop()
	})
}

// With a short longest wait a registry that was away for long is noticed soon:
// a local file costs a look.
func TestRegistryIsBackSoon(t *testing.T) {
	t.Parallel()
	r := newRegistry(t, 3)
	synctest.Test(t, func(t *testing.T) {
		e := newEdge(t, r.path, "")
		e.MaxBackoff = sqlite.MaxBackoff
		e.start()
		e.settle()
		for _, away := range []time.Duration{time.Second, 10 * time.Second, time.Hour} {
			e.after(pollInterval - time.Second) // the poll that fails has waited long
			if err := os.Rename(r.path, r.path+".away"); err != nil {
				t.Fatal(err)
			}
			e.after(away)
			if e.Status().Connected {
				t.Fatalf("the registry is away for %v, and the edge calls itself connected", away)
			}
			if err := os.Rename(r.path+".away", r.path); err != nil {
				t.Fatal(err)
			}
			if e.after(sqlite.MaxBackoff); !e.Status().Connected {
				t.Errorf("the registry is back after %v, and not noticed within %v", away, sqlite.MaxBackoff)
			}
		}
		e.stop()
	})
}

// A registry that breaks off in the middle of a snapshot is not read all day,
// however short the longest wait: each attempt is followed by a rest as long.
func TestLongAttemptsRest(t *testing.T) {
	t.Parallel()
	r := newRegistry(t, 3)
	synctest.Test(t, func(t *testing.T) {
		e := newEdge(t, r.path, "")
		e.MaxBackoff = sqlite.MaxBackoff
		attempts := 0
		e.hooks.onSnapshot = func() {
			attempts++
			time.Sleep(20 * time.Second)
		}
		if err := os.Rename(r.path, r.path+".away"); err != nil {
			t.Fatal(err)
		}
		e.start()
		time.Sleep(201 * time.Second)
		synctest.Wait()
		e.stop()
		if attempts != 6 {
			t.Errorf("%d attempts of 20 s began in 201 s, want 6", attempts)
		}
	})
}

// A registry without a TLD is none to answer from: the edge is not ready, and
// says why, until there is one.
func TestRegistryWithoutATLD(t *testing.T) {
	t.Parallel()
	r := newRegistry(t, 3)
	r.run(t, "delete from tld")
	synctest.Test(t, func(t *testing.T) {
		e := newEdge(t, r.path, filepath.Join(t.TempDir(), "snapshots")).start()
		time.Sleep(time.Minute)
		synctest.Wait()
		if s := e.Status(); e.Cache.Current() != nil || s.Ready || s.Connected || !strings.Contains(s.LastError, "no TLD") {
			t.Errorf("without a TLD: %+v", s)
		}
		if n := e.log.count("no TLD"); n != 1 {
			t.Errorf("the log says %d times that there is no TLD", n)
		}
		r.run(t, "insert into tld (name, gtld, created) values ('coop', 1, 1000000)")
		<-e.Ready()
		e.same(r.path)
		e.stop()
	})
}

func TestBackoffIsJittered(t *testing.T) {
	t.Parallel()
	r := newRegistry(t, 3)
	synctest.Test(t, func(t *testing.T) {
		if err := os.Rename(r.path, r.path+".away"); err != nil {
			t.Fatal(err)
		}
		e := newEdge(t, r.path, "")
		chance := []float64{0, 0.999999, 0, 0.999999, 0}
		want := []time.Duration{250, 1000, 250, 4000, 250}
		e.Clock.Random = func() float64 {
			if len(chance) == 0 {
				return 0.5
			}
			c := chance[0]
			chance = chance[1:]
			return c
		}
		var waits []time.Duration
		e.Clock.After = func(d time.Duration) <-chan time.Time {
			waits = append(waits, d.Round(time.Millisecond)/time.Millisecond)
			return time.After(d)
		}
		e.start()
		time.Sleep(20 * time.Second)
		synctest.Wait()
		e.stop()
		if len(waits) < len(want) || !slices.Equal(waits[:len(want)], want) {
			t.Errorf("the waits are %v ms, want %v", waits, want)
		}
	})
}

// Hits go on at any age; misses are told for max_miss_age.
func TestMissesAge(t *testing.T) {
	t.Parallel()
	r := newRegistry(t, 3)
	synctest.Test(t, func(t *testing.T) {
		e := newEdge(t, r.path, "")
		e.MaxMissAge, e.MaxAge = 4*time.Minute, 8*time.Minute
		e.start()
		view := e.settle()
		check := func(when string, known, degraded bool) {
			t.Helper()
			view := e.after(0)
			if got := view.MissKnown(time.Now()); got != known {
				t.Errorf("%s: misses known %v, want %v", when, got, known)
			}
			if s := e.Status(); s.Degraded != degraded {
				t.Errorf("%s: degraded %v at age %v, want %v", when, s.Degraded, s.Age, degraded)
			}
			if presence(view, "d0.coop") != cache.Present {
				t.Errorf("%s: d0.coop is not found", when)
			}
		}
		check("fresh", true, false)
		e.after(5 * time.Minute)
		check("after a while without changes", true, false)

		if err := os.Rename(r.path, r.path+".away"); err != nil {
			t.Fatal(err)
		}
		e.after(3 * time.Minute)
		check("3 minutes after the registry went", true, false)
		e.after(time.Minute + pollInterval)
		check("4 minutes after the registry went", false, false)
		e.after(4 * time.Minute)
		check("8 minutes after the registry went", false, true)

		if err := os.Rename(r.path+".away", r.path); err != nil {
			t.Fatal(err)
		}
		e.after(31 * time.Second)
		check("the registry is back", true, false)
		if now := e.Cache.Current(); now.Position() != view.Position() || now.AsOf() < view.AsOf() || e.Status().Resyncs["start"] != 1 {
			t.Errorf("back at %+v as of %v, was %+v as of %v", now.Position(), now.AsOf(), view.Position(), view.AsOf())
		}
		e.stop()
	})
}

// The clock of the registry alone changes a row; the edge reads it then, and waits for
// no poll. In real time, for the file's clock is the machine's; where that stands still
// for longer than the period, there is another one.
func TestRefreshAt(t *testing.T) {
	r := newRegistry(t, 3)
	e := newEdgeThatPolls(t, time.Hour, r.path, "").start()
	<-e.Ready()
	var d registry.Domain
	end := time.Now().Add(time.Minute)
	wait := func(what string, met func() bool) {
		t.Helper()
		for ; !met(); time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("%s d0.coop has %v", what, d.Statuses.Names())
			}
			e.Cache.Current().Domain("d0.coop", &d)
		}
	}
	for d.Statuses != registry.AddPeriod {
		until := registry.TimeOf(time.Now().Add(1200 * time.Millisecond))
		r.run(t, fmt.Sprintf("update domain set add_until = %d where name = 'd0.coop'", until))
		wait("within its add period", func() bool { return d.Statuses == registry.AddPeriod || registry.TimeOf(time.Now()) > until })
		if d.Statuses == registry.AddPeriod && d.RefreshAt != until {
			t.Errorf("d0.coop is to be read again at %v, want %v", d.RefreshAt, until)
		}
	}
	until := d.RefreshAt
	wait("after its add period", func() bool { return d.Statuses == 0 })
	if now := registry.TimeOf(time.Now()); now < until || d.RefreshAt != 0 {
		t.Errorf("the add period until %v ended at %v; d0.coop is to be read again at %v", until, now, d.RefreshAt)
	}
}

// What is known does not become older when the registry's clock is set back.
func TestAsOfNeverGoesBack(t *testing.T) {
	t.Parallel()
	const start = registry.Time(1_700_000_000_000_000)
	r := newRegistry(t, 3)
	synctest.Test(t, func(t *testing.T) {
		r.setClock(t, start)
		e := newEdge(t, r.path, "").start()
		e.settle()
		for _, clock := range []registry.Time{start + 5e6, start - 3600e6, start + 6e6} {
			was := e.Cache.Current().AsOf()
			r.setClock(t, clock)
			if got := e.settle().AsOf(); got != max(was, clock) {
				t.Errorf("the registry's clock went from %v to %v: as of %v", was, clock, got)
			}
		}
		// Another epoch is another time.
		r.run(t, "update rdds_meta set epoch = 'ffff'")
		r.setClock(t, start-3600e6)
		if got := e.after(2 * time.Second).AsOf(); got != start-3600e6 {
			t.Errorf("a new epoch stands at %v, as of %v", start-3600e6, got)
		}
		e.stop()
	})
}

// A change that another connection commits is published at once: polls are an hour
// apart. In real time, of which a busy machine may take some: the quickest counts.
func TestFreshness(t *testing.T) {
	r := newRegistry(t, 100)
	e := newEdgeThatPolls(t, time.Hour, r.path, "").start()
	<-e.Ready()
	quickest, slowest := time.Hour, time.Duration(0)
	for i := range 10 {
		committed := time.Now()
		r.run(t, "insert into reserved (name, reason) values ('r"+string(rune('a'+i))+".coop', 'blocked')")
		for e.Cache.Current().Count(registry.KindReserved) != i+1 {
			if time.Since(committed) > time.Minute {
				t.Fatal("the change is not published")
			}
			time.Sleep(time.Millisecond)
		}
		took := time.Since(committed)
		quickest, slowest = min(quickest, took), max(slowest, took)
	}
	t.Logf("commit to publication: %v to %v", quickest, slowest)
	if quickest > time.Second {
		t.Errorf("each change was published %v after its commit or later, want a second at most", quickest)
	}
}
