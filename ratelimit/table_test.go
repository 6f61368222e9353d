package ratelimit

import (
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"
)

// tokens is the exact token bucket that an account must equal, counted in ticks so
// that no fraction is lost: it starts full, gains a tick each tick, and a look-up takes cost.
type tokens struct{ left, last ticks }

func (m *tokens) take(now, cost, capacity ticks) (wait ticks) {
	m.left = min(m.left+now-m.last, capacity)
	m.last = now
	if m.left < cost {
		return cost - m.left
	}
	m.left -= cost
	return 0
}

// In a table with room, each account equals its own exact token bucket, waits included.
func TestAccountsEqualTokenBuckets(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cost := rapid.Uint64Range(1, 5000).Draw(t, "cost")
		burst := rapid.Uint64Range(1, 80).Draw(t, "burst")
		capacity := cost * burst
		table := newTable(1)
		var models [ways]tokens
		for i := range models {
			models[i] = tokens{left: capacity}
		}
		now := ticks(0)
		for range rapid.IntRange(1, 400).Draw(t, "queries") {
			now += rapid.OneOf(
				rapid.Just[uint64](0), rapid.Uint64Range(0, 2*cost), rapid.Uint64Range(0, 2*capacity),
			).Draw(t, "pause")
			who := rapid.IntRange(0, ways-1).Draw(t, "who")
			wait, crowded := table.charge(uint64(who)<<emptyBits, now, cost, capacity)
			if want := models[who].take(now, cost, capacity); wait != want || crowded {
				t.Fatalf("account %d at %d: wait %d, crowded %v; want %d, false", who, now, wait, crowded, want)
			}
		}
	})
}

// Whatever a crowd does to a table that is too small, nobody is admitted when his own
// exact token bucket would refuse him: filling the table gains nothing.
func TestFillingTheTableGainsNothing(t *testing.T) {
	crowdedOnce := false
	rapid.Check(t, func(t *rapid.T) {
		const accounts = 4 * ways
		cost := rapid.Uint64Range(1, 5000).Draw(t, "cost")
		capacity := cost * rapid.Uint64Range(1, 10).Draw(t, "burst")
		table := newTable(1)
		var models [accounts]tokens
		for i := range models {
			models[i] = tokens{left: capacity}
		}
		now := ticks(0)
		for range rapid.IntRange(1, 600).Draw(t, "queries") {
			now += rapid.OneOf(rapid.Just[uint64](0), rapid.Uint64Range(0, cost)).Draw(t, "pause")
			who := rapid.OneOf(rapid.Just(0), rapid.IntRange(0, accounts-1)).Draw(t, "who")
			wait, crowded := table.charge(uint64(who)<<emptyBits, now, cost, capacity)
			crowdedOnce = crowdedOnce || crowded
			if wait > 0 {
				continue
			}
			if want := models[who].take(now, cost, capacity); want > 0 {
				t.Fatalf("account %d at %d was admitted; its own token bucket refuses it for %d more", who, now, want)
			}
		}
	})
	if !crowdedOnce {
		t.Error("no account was ever opened on another's charge: the test shows nothing")
	}
}

// The cell that goes is the least charged, however long ago the others were used.
func TestLeastChargedGoesFirst(t *testing.T) {
	const cost, capacity = 10, 600
	tag := func(i int) uint64 { return uint64(i) << emptyBits }
	table := newTable(1)
	for i := 1; i <= ways; i++ {
		for range 2 + (i+3)%ways { // account 5 has the least: 2
			table.charge(tag(i), 0, cost, capacity)
		}
	}
	if _, crowded := table.charge(tag(100), 0, cost, capacity); !crowded {
		t.Error("a newcomer to a bucket without an empty cell is not counted as crowded")
	}
	for i := 1; i <= ways; i++ {
		_, word := table.buckets[0].find(tag(i))
		if gone := word&tagMask != tag(i); gone != (i == 5) {
			t.Errorf("account %d gone from the table: %v, want only account 5 gone", i, gone)
		}
	}
	if _, word := table.buckets[0].find(tag(100)); word != tag(100)|3*cost {
		t.Errorf("the newcomer's charge is %d, want the %d it found and its own %d", word&emptyMask, 2*cost, cost)
	}
}

// The accounts of distinct clients spread evenly over the buckets, and a client cannot
// choose its bucket: another seed puts it elsewhere.
func TestClientsSpreadOverTheTable(t *testing.T) {
	l := New(Config{}, epoch)
	other := New(Config{}, epoch)
	const clients = 4 * tableBuckets
	var count, together [tableBuckets]uint8
	for i := range uint32(clients) {
		client := ClientAt(addrAt(i))
		bucket := l.hash(client.Addr) & l.accounts.mask
		count[bucket]++
		if other.hash(client.Addr)&l.accounts.mask == bucket {
			together[bucket]++
		}
	}
	// Poisson with mean 4: more than 20 in one bucket has a chance of 10^-8 for each.
	if most := slices.Max(count[:]); most > 24 {
		t.Errorf("%d consecutive addresses: %d share one bucket, want about 4", clients, most)
	}
	same := 0
	for _, n := range together {
		same += int(n)
	}
	if same > 64 { // mean 4
		t.Errorf("%d of %d clients have the same bucket under two seeds, want about 4", same, clients)
	}
}

// One account, many goroutines, a clock that stands and then moves: exactly the burst,
// then exactly what has drained.
func TestConcurrentQueriesOfOneClient(t *testing.T) {
	const workers, cost, burst = 8, 2000, 60
	for round := range 200 {
		table := newTable(1)
		hash := rand.Uint64()
		for step, want := range []int64{burst, 0, 1, 7, 60} {
			now := ticks(round) + []ticks{0, 0, cost, 8 * cost, 100 * cost}[step]
			var admitted atomic.Int64
			var group sync.WaitGroup
			for range workers {
				group.Go(func() {
					for range 2 * burst {
						if wait, _ := table.charge(hash, now, cost, cost*burst); wait == 0 {
							admitted.Add(1)
						}
					}
				})
			}
			group.Wait()
			if admitted.Load() != want {
				t.Fatalf("round %d, step %d: %d were admitted, want %d", round, step, admitted.Load(), want)
			}
		}
	}
}

// Many accounts fight for one bucket while the clock runs. Each account is pushed out
// and opened again all the time, by several goroutines at once, and still none is
// admitted more than its burst and its rate allow. There is no slack.
func TestConcurrentNewcomersGainNothing(t *testing.T) {
	const (
		workers, accounts = 8, ways + 3
		cost, burst       = 100, 20
		queries           = 4000
	)
	for round := range 30 {
		table := newTable(1)
		var clock atomic.Uint64
		var admitted [accounts]atomic.Uint64
		var crowds atomic.Uint64
		var group sync.WaitGroup
		for worker := range workers {
			group.Go(func() {
				random := rand.New(rand.NewPCG(uint64(round), uint64(worker)))
				for range queries {
					who := random.IntN(accounts)
					now := clock.Load()
					if random.IntN(3) == 0 {
						now = clock.Add(1)
					}
					wait, crowded := table.charge(uint64(who)<<emptyBits, now, cost, cost*burst)
					if wait == 0 {
						admitted[who].Add(1)
					}
					if crowded {
						crowds.Add(1)
					}
				}
			})
		}
		group.Wait()
		most := burst + clock.Load()/cost
		for who := range admitted {
			if got := admitted[who].Load(); got > most {
				t.Fatalf("round %d: account %d was admitted %d times in %d ticks, at most %d are allowed",
					round, who, got, clock.Load(), most)
			}
		}
		if crowds.Load() == 0 {
			t.Fatalf("round %d: nobody was pushed out: the test shows nothing", round)
		}
		owners := make(map[uint64]bool)
		for i := range table.buckets[0] {
			owner := table.buckets[0][i].Load() >> emptyBits
			if owners[owner] {
				t.Errorf("round %d: account %d has two cells", round, owner)
			}
			owners[owner] = true
		}
	}
}
