package ratelimit

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// No sequence of queries, from any addresses at any times, shows more than the
// budgets: of each address and each prefix in any window, and of the zone beside
// what is free.
func TestNoSequenceShowsMoreThanTheBudget(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		config := Config{
			Day: rapid.IntRange(MinBudget, 60).Draw(t, "day"), Month: rapid.IntRange(MinBudget, 200).Draw(t, "month"),
			Free:     rapid.IntRange(0, 3).Draw(t, "free"),
			GuardDay: 0.005, GuardMonth: 0.02, QuarterHour: MaxQuarterHour, Rate: MaxRate, Burst: MaxBurst,
		}
		if err := config.Check(); err != nil {
			t.Fatal(err)
		}
		l := New(config, epoch)
		const zone = 10_000
		l.SetZone("coop", zone)
		prefixes := rapid.IntRange(1, 40).Draw(t, "prefixes")
		each := rapid.IntRange(1, 6).Draw(t, "addresses in each")
		type view struct {
			at     time.Duration
			client int
		}
		var views []view
		now := time.Duration(0)
		known := map[[2]int]bool{}
		for i := range rapid.IntRange(1, 60).Draw(t, "bouts") {
			now += time.Duration(rapid.Int64Range(0, int64(3*day)).Draw(t, "pause"))
			client := rapid.IntRange(0, prefixes*each-1).Draw(t, "client")
			for j := range rapid.IntRange(1, 80).Draw(t, "queries") {
				client := (client + j) % (prefixes * each)
				object := rapid.OneOf(rapid.Just(i*100+j), rapid.IntRange(0, 20)).Draw(t, "object")
				addr := addrAt(0x0a000000 + uint32(client/each)<<12 + uint32(client%each))
				d := l.Decide(ClientAt(addr), fresh(object), epoch.Add(now))
				if d.Verdict == Full && !known[[2]int{client, object}] {
					known[[2]int{client, object}] = true
					views = append(views, view{now, client})
				}
			}
		}
		within := func(window time.Duration, limit float64, of func(view) bool, what string) {
			var recent []time.Duration
			for _, v := range views {
				if !of(v) {
					continue
				}
				recent = append(recent, v.at)
				for recent[0] < v.at-window {
					recent = recent[1:]
				}
				if float64(len(recent)) > limit {
					t.Fatalf("%s: %d objects within %v, at most %v are allowed", what, len(recent), window, limit)
				}
			}
		}
		for c := range prefixes * each {
			one := func(v view) bool { return v.client == c }
			within(day, float64(config.Day), one, "an address")
			within(month, float64(config.Month), one, "an address")
		}
		for p := range prefixes {
			one := func(v view) bool { return v.client/each == p }
			within(month, min(float64(config.Month)*widths[tier24].data, 2*zone*widths[tier24].shareMonth), one, "a /24")
		}
		sources := map[int]bool{}
		for _, v := range views {
			sources[v.client] = true
		}
		all := func(view) bool { return true }
		within(day, zone*config.GuardDay+float64(config.Free*len(sources)), all, "all together")
		within(month, zone*config.GuardMonth+float64(config.Free*len(sources)), all, "all together")
	})
}

// Whoever asks from many goroutines at once gets no more than from one.
func TestConcurrentQueriesShareTheBudget(t *testing.T) {
	const workers = 8
	l := limiter(10_000)
	var full, refused atomic.Int64
	var running sync.WaitGroup
	for w := range workers {
		running.Go(func() {
			for i := range 2000 {
				client := ClientAt(addrAt(0xc0000200 + uint32(i%4)))
				switch l.Decide(client, fresh(w*2000+i), epoch).Verdict {
				case Full:
					full.Add(1)
				case Refuse:
					refused.Add(1)
				}
			}
		})
	}
	running.Wait()
	// 100 of the guard's day, and 3 free ones for each of the four.
	if n := full.Load(); n > 112 || n < 50 {
		t.Errorf("%d objects were shown, want at most 112 and most of them", n)
	}
	if n := refused.Load(); n != workers*2000-4*60 {
		t.Errorf("%d queries were refused, want all but 60 of each address", n)
	}
}

// Filling the table pushes nobody's charges out for his benefit.
func TestFillingTheTableGainsNothing(t *testing.T) {
	l := limiter(1_000_000)
	client := at("192.0.2.1")
	first := shown(l, client, epoch, 300)
	now := epoch.Add(30 * time.Minute)
	for i := range strangers { // each with one object
		l.Decide(ClientAt(addrAt(uint32(i)*4093+1)), Ask{Object: uint64(i), Shows: Object, Count: 1}, now)
	}
	if again := shown(l, client, now, 300); again > first/20+6 {
		t.Errorf("%d objects were shown at first, and %d more after %d strangers came", first, again, strangers)
	}
}
