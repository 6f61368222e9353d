package feed

import (
	"maps"
	"time"

	"rddsd/cache"
	"rddsd/cache/registry"
)

// RejectedRow labels the counts of rows that could not be published.
type RejectedRow struct {
	Kind   registry.Kind
	Reason registry.Reject
}

// Status is one consistent copy of how the feed stands. It is the caller's own.
type Status struct {
	Ready     bool   // there is something to serve
	Connected bool   // the last attempt to read the registry succeeded
	LastError string // why the last attempt that failed did; stays after success
	LastFault time.Time

	Position cache.Position // of what is served
	AsOf     registry.Time  // of what is served, by the registry's clock
	Age      time.Duration  // of what is served: the time since it was read, and how old it was then
	Degraded bool           // Age is over MaxAge
	Held     *Held          // what waits for a decision, nil if nothing does

	Deltas  uint64            // published, those without changes included
	Changes uint64            // objects in them
	Lag     time.Duration     // of the last delta with changes: from noticing that there is one to publishing it, and how old it was then
	Lags    Lags              // of all deltas with changes
	Resyncs map[Reason]uint64 // snapshots published, by reason

	Rejected    map[RejectedRow]uint64 // rows that went into quarantine, each key once for each reason
	Quarantined map[RejectedRow]int    // rows in quarantine now

	MemoryLimit int64  // as it was set
	MemoryError string // what did not fit in MemoryLimit, "" while all does

	DiskErrors uint64
	DiskError  string // why the copy on disk is behind what is served or cannot be renewed, "" while all is well
	Folds      uint64 // bases made of what is served: after a snapshot, and when much had changed
}

// Status returns how the feed stands now.
func (f *Follower) Status() Status {
	f.init()
	now := f.Clock.Now()
	f.mu.Lock()
	defer f.mu.Unlock()
	s := f.status
	s.MemoryLimit = f.MemoryLimit
	s.Resyncs, s.Rejected, s.Quarantined = maps.Clone(s.Resyncs), maps.Clone(s.Rejected), maps.Clone(s.Quarantined)
	if s.Held != nil {
		held := *s.Held
		s.Held = &held
	}
	if s.Ready {
		s.Age = max(0, now.Sub(f.read)) + f.stale
		s.Degraded = s.Age > f.MaxAge
	}
	return s
}

// maxRejectLines is how many rows of one delta or snapshot are logged one by
// one when they go into quarantine.
const maxRejectLines = 100

// report counts and logs the rows of next that go into quarantine and were not
// there for the same reason.
func (l *loop) report(next *cache.View, rejected []cache.Rejected) {
	var fresh []cache.Rejected
	for _, r := range rejected {
		if l.view == nil || l.view.Rejection(r.Key) != r.Reason {
			fresh = append(fresh, r)
		}
	}
	for _, r := range fresh[:min(len(fresh), maxRejectLines)] {
		l.Log.Warn("a row cannot be published; its last good version stays, a new object is answered as unknown",
			"kind", r.Kind.String(), "key", r.Name, "reason", string(r.Reason))
	}
	if len(fresh) > maxRejectLines {
		l.Log.Warn("more rows cannot be published", "rows", len(fresh)-maxRejectLines)
	}
	quarantined := make(map[RejectedRow]int)
	for _, key := range next.Quarantined() {
		quarantined[RejectedRow{key.Kind, next.Rejection(key)}]++
	}

	l.mu.Lock()
	defer l.mu.Unlock()
	if l.status.Rejected == nil {
		l.status.Rejected = make(map[RejectedRow]uint64)
	}
	for _, r := range fresh {
		l.status.Rejected[RejectedRow{r.Kind, r.Reason}]++
	}
	l.status.Quarantined = quarantined
}

// published tells the world of view.
func (l *loop) published(view *cache.View, read reading) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.status.Ready, l.status.Position, l.status.AsOf = true, view.Position(), view.AsOf()
	l.read, l.stale = read.at, read.stale
}

// count counts a delta that was published.
func (l *loop) count(delta cache.Delta) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.status.Deltas++
	l.status.Changes += uint64(len(delta.Changes))
	if len(delta.Changes) > 0 {
		since := l.read.Add(-l.stale)
		if !delta.Noticed.IsZero() {
			since = delta.Noticed
		}
		l.status.Lag = l.Clock.Now().Sub(since)
		l.status.Lags.add(l.status.Lag)
	}
}

func (l *loop) countResync(reason Reason) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.status.Resyncs == nil {
		l.status.Resyncs = make(map[Reason]uint64)
	}
	l.status.Resyncs[reason]++
}

func (l *loop) showHeld(held *Held) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.status.Held = held
}

// connected notes that the registry was read.
func (l *loop) connected() {
	l.failures = 0
	l.mu.Lock()
	was := l.status.Connected
	l.status.Connected = true
	l.mu.Unlock()
	if !was {
		l.lastErr = ""
		l.Log.Info("reading the registry")
	}
}

func (l *loop) disconnected(why string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.status.Connected, l.status.LastError, l.status.LastFault = false, why, l.Clock.Now()
}

// failed notes that the registry could not be read, and logs each new reason
// once.
func (l *loop) failed(err error) {
	l.failures++
	l.disconnected(err.Error())
	if err.Error() == l.lastErr {
		return
	}
	l.lastErr = err.Error()
	meanwhile := "what was served goes on"
	if l.view == nil {
		meanwhile = "there is nothing to answer from yet"
	}
	l.Log.Error("the registry cannot be read; "+meanwhile+", and it is tried again", "error", err)
}
