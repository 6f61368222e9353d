package postgres_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"rddsd/cache"
	"rddsd/cache/feed"
	"rddsd/cache/feed/postgres"
	"rddsd/cache/registry"
)

// An edge is a Follower with a registry in PostgreSQL, and a disk if dir is set.
type edge struct {
	*feed.Follower
	t      testing.TB
	reg    reg
	source *postgres.Source
	hooks  *hooks
	log    *logged
	cancel context.CancelFunc
	done   chan error
}

// logged collects what was logged.
type logged struct {
	mu    sync.Mutex
	lines bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lines.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lines.String()
}

// hooks stands between the Follower and a Source, so that a test can act in the
// middle of a snapshot.
type hooks struct {
	feed.Source
	onPut func(cache.Change)
}

func (h *hooks) Snapshot(ctx context.Context, put func(cache.Change) error) (cache.Position, registry.Time, error) {
	return h.Source.Snapshot(ctx, func(c cache.Change) error {
		if h.onPut != nil {
			h.onPut(c)
		}
		return put(c)
	})
}

// newEdge returns an edge that follows r through dsn and keeps its copy in dir,
// nowhere if dir is "". Its fields may be changed before start.
func newEdge(t testing.TB, r reg, dsn, dir string) *edge {
	t.Helper()
	source, err := postgres.Open(dsn, 100*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	e := &edge{t: t, reg: r, source: source, hooks: &hooks{Source: source}, log: new(logged)}
	log := slog.New(slog.NewTextHandler(e.log, nil))
	e.Follower = &feed.Follower{
		Source: e.hooks, Cache: new(cache.Cache), Log: log, MaxBackoff: time.Second,
		Clock: feed.Clock{Random: func() float64 { return 0.1 }},
	}
	source.Log, source.Large = log, func() int { return feed.LargeDelta(e.Cache.Current(), e.MemoryLimit) }
	if dir != "" {
		if e.Disk, err = cache.OpenDisk(dir); err != nil {
			t.Fatal(err)
		}
		e.Disk.Log = log
	}
	return e
}

// start starts the edge and returns when it serves.
func (e *edge) start() *edge {
	e.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	e.cancel, e.done = cancel, make(chan error, 1)
	go func() { e.done <- e.Serve(ctx) }()
	e.t.Cleanup(e.stop)
	select {
	case <-e.Ready():
	case <-time.After(patience):
		e.t.Fatalf("nothing is served; the log:\n%s", e.log)
	}
	return e
}

// stop stops the edge as SIGTERM does.
func (e *edge) stop() {
	if e.cancel == nil {
		return
	}
	e.cancel()
	e.cancel = nil
	if err := <-e.done; err != nil {
		e.t.Error(err)
	}
	e.source.Close()
	if e.t.Failed() {
		e.t.Logf("the edge's log:\n%s", e.log)
	}
}

// until waits for a condition.
func (e *edge) until(what string, met func(view *cache.View, s feed.Status) bool) {
	e.t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		s := e.Status()
		if met(e.Cache.Current(), s) {
			return
		}
		if time.Now().After(deadline) {
			e.t.Fatalf("after %v not yet: %s; status %+v", patience, what, s)
		}
	}
}

// resynced waits until a snapshot was taken because of reason.
func (e *edge) resynced(reason feed.Reason) {
	e.t.Helper()
	e.until("a snapshot because of "+string(reason), func(_ *cache.View, s feed.Status) bool { return s.Resyncs[reason] > 0 })
}

// faulted waits until the status tells of a fault with what in it.
func (e *edge) faulted(what string) {
	e.t.Helper()
	e.until("a fault that tells of "+what, func(_ *cache.View, s feed.Status) bool {
		return !s.Connected && strings.Contains(s.LastError, what)
	})
}

// equal waits until what is served is what r's views say.
func (e *edge) equal(r reg) {
	e.t.Helper()
	var diffs []string
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if diffs = differences(e.Cache.Current(), r.state(e.t)); len(diffs) == 0 && e.Status().Connected {
			return
		}
	}
	report(e.t, diffs)
	e.t.Fatalf("what is served is not what the registry says; status %+v", e.Status())
}

// guard fails the test when one of names is ever not served, until the end of
// the test: whatever happens to the registry, what exists is not told as missing.
func (e *edge) guard(names ...string) {
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for d := new(registry.Domain); ; {
			view := e.Cache.Current()
			for _, name := range names {
				if got := view.Domain(name, d); got != cache.Present {
					e.t.Errorf("%s was served, and at %s is %v", name, view.AsOf(), got)
					return
				}
			}
			select {
			case <-stop:
				return
			case <-time.After(time.Millisecond):
			}
		}
	}()
	e.t.Cleanup(func() {
		close(stop)
		<-done
	})
}

// value returns what is served of a name.
func (e *edge) value(name string) *registry.Domain {
	return domain(e.t, e.Cache.Current(), name)
}

// has waits until a name has a status.
func (e *edge) has(name string, status registry.Status) {
	e.t.Helper()
	e.until(fmt.Sprintf("%s has %v", name, status.Names()), func(*cache.View, feed.Status) bool {
		d := e.value(name)
		return d != nil && d.Statuses&status == status
	})
}
