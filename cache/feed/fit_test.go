package feed_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rddsd/cache"
	"rddsd/cache/registry"
)

// TestSnapshotThatDoesNotFit grows a registry past the memory that is allowed:
// the snapshot is refused long before it is read whole, what was served goes on,
// and it is not read all the time.
func TestSnapshotThatDoesNotFit(t *testing.T) {
	t.Parallel()
	r := newRegistry(t, 5000)
	grow := func(from, to int) []string {
		count := fmt.Sprintf("with recursive n(i) as (select %d union all select i + 1 from n where i < %d) ", from, to-1)
		return []string{
			"insert into domain (roid, name, clid, created, expires) " + count + "select 'D' || i, 'd' || i || '.coop', 'reg-a', 1000000, 2000000000000000 from n",
			"update rdds_meta set epoch = lower(hex(randomblob(16)))",
		}
	}
	synctest.Test(t, func(t *testing.T) {
		e := newEdge(t, r.path, "")
		e.MemoryLimit, e.MaxMissAge = 1<<20, 4*time.Minute
		snapshots, rows := 0, 0
		e.hooks.onSnapshot = func() { snapshots++; rows = 0 }
		e.hooks.onPut = func(c cache.Change) { rows++ }
		e.start()
		before := e.settle()

		r.run(t, grow(5000, 25_000)...)
		view := e.after(5 * time.Minute)
		if view.Count(registry.KindDomain) != 5000 || view.Position() != before.Position() {
			t.Errorf("served are %d domains at %+v", view.Count(registry.KindDomain), view.Position())
		}
		s := e.Status()
		if !strings.Contains(s.MemoryError, "[data] memory_limit is 1 MiB") || !s.Connected {
			t.Errorf("status %+v", s)
		}
		if n := e.log.count("level=ERROR"); n != 1 {
			t.Errorf("%d alarms, want one:\n%s", n, e.log.lines.String())
		}
		if rows > 26_000 || snapshots < 3 || snapshots > 7 {
			t.Errorf("%d snapshots were begun in five minutes, of the last %d rows of 30,000 were read", snapshots, rows)
		}
		if view.MissKnown(time.Now()) {
			t.Error("misses do not age")
		}

		r.run(t, "delete from domain where cast(substr(roid, 2) as integer) >= 5000", "update rdds_meta set epoch = lower(hex(randomblob(16)))")
		e.after(2 * time.Minute)
		if s := e.Status(); s.MemoryError != "" || e.log.count("within the memory") != 1 {
			t.Errorf("it fits again: %+v", s)
		}
		e.same(r.path)
		e.stop()
	})
}
