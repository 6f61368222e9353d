package postgres_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"rddsd/cache"
	"rddsd/cache/feed"
	"rddsd/cache/feed/postgres/pgtest"
	"rddsd/cache/registry"
)

// After every delta what is served equals the published views as they stood in
// the transaction that read it (feed.md §3), under eight writers. The rule that
// one would write first, "what has a higher number than the last", loses rows
// under the same writers: were that not so, then this test could not fail.
func TestServedEqualsTheViewsAfterEveryDelta(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	r := newRegistry(t, server, 0)
	stress(t, r, r)
}

func TestServedEqualsTheViewsOfAStandbyAfterEveryDelta(t *testing.T) {
	t.Parallel()
	primary := pgtest.Start(t)
	r := newRegistry(t, primary, 0)
	standby := primary.Standby(t)
	standby.CatchUp(t, primary)
	stress(t, r, reg{r.On(standby)})
}

// stress follows the registry read, which is written as registry written.
func stress(t *testing.T, written, read reg) {
	duration := 4 * time.Second
	if *long {
		duration = 60 * time.Second
	}
	// On a standby nothing wakes the source; what wakes it elsewhere comes before.
	s := read.sourceEvery(t, 100*time.Millisecond)
	view := snapshot(t, s)
	var want *cache.View
	s.Audit(func(v *cache.View) { want = v })
	n := startNaive(t, read)
	w := startWriters(t, written)

	begun := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), duration+2*patience)
	defer cancel()
	deltas, changes, refreshed := 0, 0, 0
	step := func() {
		var due []cache.Key
		delta, err := s.Next(ctx, view.Position(), func(clock registry.Time) []cache.Key {
			due = view.Due(clock)
			return due
		})
		if _, gap := errors.AsType[*feed.Gap](err); gap || ctx.Err() != nil {
			t.Fatal(err)
		}
		if err != nil { // a standby takes rows away from under us now and then
			t.Log(err)
			return
		}
		after, _, err := view.Apply(delta, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		view = after
		deltas, changes, refreshed = deltas+1, changes+len(delta.Changes), refreshed+len(due)
		if diffs := differences(view, want); len(diffs) > 0 {
			report(t, diffs)
			t.Fatalf("delta %d, of %d changes, led elsewhere than where the views stand", deltas, len(delta.Changes))
		}
		written.maintain(t, "10 s")
	}
	enough := func() bool { return w.count() >= 50 && deltas >= 20 && refreshed > 0 && n.lost(t) > 0 }
	for time.Since(begun) < duration || !enough() && time.Since(begun) < patience+duration/2 {
		step()
	}
	if n.lost(t) == 0 {
		t.Error("the naive rule lost nothing: the writers do not show what this test is for")
	}
	w.stop()
	step() // what was committed last
	t.Logf("%v: %d transactions, %d deltas of %d changes, %d read again by the clock, 0 differences; the naive rule lost %d of %d journal rows; statements that failed: %v",
		time.Since(begun).Round(time.Second), w.committed, deltas, changes, refreshed, n.lost(t), n.all(t), w.faults)
	if w.committed < 50 || deltas < 20 || refreshed == 0 {
		t.Errorf("%d transactions, %d deltas, %d read again by the clock: too little happened", w.committed, deltas, refreshed)
	}
}

// naive polls by the rule that loses rows.
type naive struct {
	conn  *pgx.Conn // its own
	other *pgx.Conn // to find out what it lost
	from  int64
	last  int64
	got   map[int64]bool
	stop  chan struct{}
	done  chan error
	mark  chan struct{} // asks for got, and gives it back
}

func startNaive(t *testing.T, r reg) *naive {
	n := &naive{conn: r.Connect(t, "edge1"), other: r.Connect(t, "edge1"), got: make(map[int64]bool), stop: make(chan struct{}), done: make(chan error, 1), mark: make(chan struct{})}
	n.from = query[int64](t, n.other, "select coalesce(max(seq), 0) from rdds.changes")
	n.last = n.from
	go func() { n.done <- n.run() }()
	t.Cleanup(func() {
		close(n.stop)
		if err := <-n.done; err != nil {
			t.Log("the naive poller:", err)
		}
	})
	return n
}

func (n *naive) run() error {
	for {
		select {
		case <-n.stop:
			return nil
		case n.mark <- struct{}{}:
			<-n.mark
		case <-time.After(25 * time.Millisecond): // as often as the check that feed.md tells of
		}
		rows, err := n.conn.Query(context.Background(), "select seq from rdds.changes where seq > $1 order by seq", n.last)
		if err != nil {
			return err
		}
		seqs, err := pgx.CollectRows(rows, pgx.RowTo[int64])
		if err != nil {
			return err
		}
		for _, seq := range seqs {
			n.got[seq] = true
			n.last = seq
		}
	}
}

// lost returns how many rows it has passed by for good.
func (n *naive) lost(t *testing.T) int {
	t.Helper()
	select {
	case <-n.mark:
	case err := <-n.done:
		n.done <- nil
		t.Fatal("the naive poller:", err)
	}
	defer func() { n.mark <- struct{}{} }()
	rows, err := n.other.Query(t.Context(), "select seq from rdds.changes where seq > $1 and seq <= $2", n.from, n.last)
	if err != nil {
		t.Fatal(err)
	}
	seqs, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		t.Fatal(err)
	}
	lost := 0
	for _, seq := range seqs {
		if !n.got[seq] {
			lost++
		}
	}
	return lost
}

func (n *naive) all(t *testing.T) int64 {
	return query[int64](t, n.other, "select count(*) from rdds.changes where seq > $1", n.from)
}
