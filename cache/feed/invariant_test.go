package feed_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"rddsd/cache/registry"
)

// After each poll what is served equals the registry's views as they were read,
// row for row, whatever the writers do: the invariant of feed.md §3.
func TestServedIsWhatTheViewsSay(t *testing.T) {
	t.Parallel()
	seeds, steps := uint64(3), 150
	if underRace {
		seeds, steps = 1, 40 // ten times as slow
	}
	for seed := range seeds {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { randomWriters(t, seed, steps) })
		})
	}
}

func randomWriters(t *testing.T, seed uint64, steps int) {
	const start = registry.Time(1_700_000_000_000_000)
	r := newRegistry(t, 120)
	w := &writers{random: rand.New(rand.NewPCG(seed, 1)), clock: start}
	r.setClock(t, start)
	e := newEdge(t, r.path, "").start()
	e.settle()
	for range steps {
		for range 1 + w.random.IntN(5) {
			w.transaction(t, r.db)
		}
		if w.random.IntN(4) == 0 {
			r.maintain(t, 10*time.Second)
		}
		// The registry's clock goes on, and only forward: a period that was over does
		// not come back without a change that says so.
		w.clock += registry.Time(w.random.IntN(10_000_000))
		r.setClock(t, w.clock)
		e.after(pollInterval * 12 / 10)
		e.same(r.path)
		if t.Failed() {
			t.Fatalf("the log:\n%s", e.log.lines.String())
		}
	}
	s := e.Status()
	if s.Resyncs["start"] != 1 || len(s.Resyncs) != 1 || s.Held != nil || len(s.Quarantined) != 0 {
		t.Errorf("a registry that only changes led to %+v", s)
	}
	if s.Changes < 3*uint64(steps) {
		t.Errorf("only %d rows were applied: the writers do too little", s.Changes)
	}
}
