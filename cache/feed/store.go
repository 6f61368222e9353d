package feed

import (
	"context"
	"errors"
	"fmt"
	"time"

	"rddsd/cache"
	"rddsd/cache/registry"
)

const (
	// syncWithin is how long an appended delta may wait for its fsync. The
	// promise is a second (feed.md §8); the rest is for what the loop is doing.
	syncWithin = 500 * time.Millisecond
	// beatEvery is how often a delta without changes is appended: it only makes
	// the as-of after a restart a little younger.
	beatEvery = 5 * time.Second
	// A new base is due when the log has more than minLog bytes, and more than
	// logShare for each object served: a start replays it, at some 300,000
	// changes a second.
	minLog   = 32 << 20
	logShare = 64
	// A value that a contact has withdrawn is out of the newest files within a
	// minute: a base is due this long after, the later the better, for it serves all
	// withdrawals until then. The rest is for the poll and for writing; see scrubIn.
	minScrub = 30 * time.Second
	maxScrub = 50 * time.Second
	// After a fault of the disk the next attempt waits for minRetryDisk, and after
	// each that fails for twice as long, up to maxRetryDisk.
	minRetryDisk = 15 * time.Second
	maxRetryDisk = 2 * time.Minute
)

// store keeps the copy on disk behind what is served by as little as it can, and
// has what is served folded: aside, into a new base on disk, or in memory where
// the disk cannot. A fault of the disk never stops the feed: after one nothing
// more is appended, for a log with a hole would be replayed into a state that
// never was, until a new base could be written.
//
// It belongs to the goroutine of the loop, which calls folded when folding.Done,
// checked when checking.done, and synced with what comes from syncing.
type store struct {
	*Follower
	syncDue <-chan time.Time // fires when the log must be synced; nil while nothing waits
	syncing chan error       // gives what came of the sync that is under way; nil while none is
	again   bool             // another sync is due already

	continues bool          // base and log on disk lead to what is served, or will: a delta may be appended
	retry     time.Time     // not before this is a base written
	pause     time.Duration // after the last fault; 0 = none since the copy was whole
	beat      cache.Delta   // newest delta without changes that was not appended; zero To = none
	beatAt    time.Time     // when one was appended last

	scrub    time.Time     // when a base must be written, because the files show what was withdrawn; zero = they do not
	took     time.Duration // the last folding of changes into a file; 0 = there was none
	folding  *folding      // nil = nothing is folded
	rest     time.Time     // not before this is folded in memory
	unfit    bool          // that did not fit
	checking *checking     // nil = nothing is checked
}

// folding is a cache.Folding and what it is for.
type folding struct {
	*cache.Folding
	cancel  context.CancelFunc
	toDisk  bool
	changes bool // there are some; without, a base is but copied
	dropped bool // what is served came from elsewhere meanwhile
	began   time.Time
}

// load returns the copy on disk, nil when there is none of use.
func (s *store) load() *cache.View {
	if s.Disk == nil {
		return nil
	}
	view, err := s.Disk.Load(s.Clock.Now(), s.MaxMissAge)
	if err != nil {
		s.fault(fmt.Errorf("load the copy on disk: %w", err))
		return nil
	}
	s.continues = view != nil
	if err := s.Disk.Probe(); err != nil {
		s.fault(err)
	}
	return view
}

// append adds delta to the log; it is called before delta is published.
func (s *store) append(delta cache.Delta) {
	if s.folding != nil {
		s.folding.Add(delta)
	}
	if !s.continues {
		return
	}
	now := s.Clock.Now()
	if len(delta.Changes) == 0 && now.Sub(s.beatAt) < beatEvery {
		s.beat = delta
		return
	}
	s.beatAt = now
	s.appendNow(delta)
}

func (s *store) appendNow(delta cache.Delta) {
	s.beat = cache.Delta{}
	if err := s.Disk.Append(delta); err != nil {
		s.fault(fmt.Errorf("append to the delta log: %w", err))
		return
	}
	if s.syncDue == nil {
		s.syncDue = s.Clock.After(syncWithin)
	}
}

// appendBeat brings the log to what is served.
func (s *store) appendBeat() {
	if s.continues && s.beat.To != (cache.Position{}) {
		s.appendNow(s.beat)
	}
}

// sync begins to bring what was appended to the disk, aside: deltas go on while a
// slow disk takes its time.
func (s *store) sync() {
	s.syncDue = nil
	switch {
	case !s.continues:
	case s.syncing != nil:
		s.again = true
	default:
		done := make(chan error, 1)
		s.syncing = done
		go func() { done <- s.Disk.Sync() }()
	}
}

// synced ends a sync, of which err has come.
func (s *store) synced(err error) {
	again := s.again
	s.syncing, s.again = nil, false
	switch {
	case !s.continues: // and the log is worth nothing
	case err != nil:
		s.fault(fmt.Errorf("sync the delta log: %w", err))
	case again:
		s.sync()
	}
}

// awaitSync waits for the sync that is under way.
func (s *store) awaitSync() {
	for s.syncing != nil {
		s.synced(<-s.syncing)
	}
}

// leave says that what is served next does not follow on the log.
func (s *store) leave() {
	s.continues, s.syncDue, s.beat, s.retry = false, nil, cache.Delta{}, time.Time{}
	s.checking.end()
	if s.folding != nil {
		s.folding.dropped = true
		s.folding.cancel()
	}
}

// withdrawn notes that what follows on view withdraws a contact's value, which
// base and log on disk go on showing until another base is there.
func (s *store) withdrawn(view *cache.View, delta cache.Delta) {
	if s.Disk == nil || !s.scrub.IsZero() {
		return
	}
	var w weigher
	for _, c := range delta.Changes {
		if c.Kind == registry.KindContact && w.withdraws(view, c) {
			s.scrub = s.Clock.Now().Add(scrubIn(s.took))
			return
		}
	}
}

// scrubIn returns how long after a withdrawal a base is begun that takes as long
// as the one before, or twice as long.
func scrubIn(took time.Duration) time.Duration {
	if took == 0 {
		return minScrub
	}
	return min(max(maxScrub-2*took, minScrub), maxScrub)
}

// settle begins to fold view where that is due: to disk when the overlay or the
// log has grown, when a value was withdrawn, when what is there does not lead to
// view, or to see whether a fault is over; in memory when the overlay has grown and the disk fails.
func (s *store) settle(view *cache.View) {
	if s.folding != nil {
		return
	}
	mayWrite := s.Disk != nil && !s.Clock.Now().Before(s.retry)
	scrub := !s.scrub.IsZero() && !s.Clock.Now().Before(s.scrub)
	switch due := view.FoldDue(); {
	case mayWrite && (due || scrub || !s.continues || s.pause > 0 || s.Disk.LogSize() > max(minLog, logShare*int64(objects(view)))):
		s.foldToDisk(view)
	case !due || s.Clock.Now().Before(s.rest):
	case s.MemoryLimit > 0 && 2*view.Memory() > s.MemoryLimit:
		s.rest, s.unfit = s.Clock.Now().Add(maxRetryDisk), true
		s.refused(&misfit{"folding what has changed, which the disk did not take,", view.Memory(), view.Memory(), s.MemoryLimit})
	default:
		s.fold(false, func(ctx context.Context) (*cache.View, error) { return cache.FoldInMemory(ctx, view) })
	}
}

func (s *store) foldToDisk(view *cache.View) {
	s.fold(true, s.beginBase(view).Write)
	changes, _ := view.OverlaySize()
	s.folding.changes = changes > 0
}

// beginBase makes view the newest base, which is to be written, and has the log
// go on from it.
func (s *store) beginBase(view *cache.View) *cache.BaseWrite {
	s.appendBeat()
	s.awaitSync()
	base := s.Disk.BeginBase(view, s.continues)
	s.continues, s.syncDue, s.scrub = true, nil, time.Time{}
	return base
}

func (s *store) fold(toDisk bool, base func(context.Context) (*cache.View, error)) {
	// It does not end with Serve's context: close decides.
	ctx, cancel := context.WithCancel(context.Background())
	s.folding = &folding{Folding: cache.StartFolding(ctx, base), cancel: cancel, toDisk: toDisk, began: s.Clock.Now()}
}

// done returns a channel that is closed when folded is to be called, nil while
// nothing is folded.
func (s *store) done() <-chan struct{} {
	if s.folding == nil {
		return nil
	}
	return s.folding.Done()
}

// folded ends a folding that is done and returns view over the new base, nil when
// there is none. view is what is served.
func (s *store) folded(view *cache.View) *cache.View {
	f := s.folding
	f.cancel()
	s.folding = nil
	if f.dropped {
		return nil
	}
	var next *cache.View
	err := cache.GuardReads(func() (err error) {
		next, err = f.Swap(view)
		return err
	})
	if err != nil && !f.toDisk {
		s.rest = s.Clock.Now().Add(maxRetryDisk)
		s.Log.Error("what has changed cannot be folded in memory; what is served goes on", "error", err)
		return nil
	}
	if err != nil {
		s.fault(fmt.Errorf("write a new base: %w", err))
		return nil
	}
	if f.toDisk && s.continues {
		s.healed()
	}
	if s.unfit {
		s.unfit = false
		s.fitted()
	}
	s.counted()
	took := s.Clock.Now().Sub(f.began)
	if f.toDisk && f.changes {
		s.took = took
	}
	s.Log.Debug("folded what had changed into a new base", "on_disk", f.toDisk, "took", took.Round(time.Millisecond))
	return next
}

// counted has status count a new base.
func (s *store) counted() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.status.Folds++
}

// first writes view, which is the first that is served, and returns it over its
// base on disk; view itself where that fails. It waits: before it, nothing is on
// disk that a crash could fall back to. It does not read what was written, as
// folding does for the sake of readers: there are none, and view and its copy
// would be in memory both.
func (s *store) first(ctx context.Context, view *cache.View) *cache.View {
	if s.Disk == nil {
		return view
	}
	next, err := s.beginBase(view).Write(ctx)
	switch {
	case err == nil:
		s.healed()
		s.counted()
		return next
	case ctx.Err() == nil:
		s.fault(fmt.Errorf("write a new base: %w", err))
	}
	return view
}

// healed notes that the copy on disk is whole.
func (s *store) healed() {
	s.pause, s.retry = 0, time.Time{}
	s.mu.Lock()
	was := s.status.DiskError
	s.status.DiskError = ""
	s.mu.Unlock()
	if was != "" {
		s.Log.Info("the copy on disk is whole again")
	}
}

// fault notes that the copy on disk stays behind, or cannot be renewed, and logs
// it once until it is whole again.
func (s *store) fault(err error) {
	s.continues = s.continues && s.Disk.Whole()
	if !s.continues {
		s.syncDue, s.beat = nil, cache.Delta{}
	}
	s.pause = min(max(2*s.pause, minRetryDisk), maxRetryDisk)
	s.retry = s.Clock.Now().Add(s.pause)
	switch {
	case !s.note(err):
	case s.continues:
		s.Log.Error("the copy on disk cannot be renewed; nothing is missing from it, but a start takes longer the more changes; "+
			"free or repair the disk, it is tried again by itself", "error", err)
	default:
		s.Log.Error("the copy on disk stays behind; what is served does not suffer, but a restart now would begin with older data "+
			"and answer what that lacks as unknown until the registry is read; free or repair the disk, it is tried again by itself",
			"error", err, "served_as_of", s.Status().AsOf.String())
	}
}

// note has status tell of err, and reports whether it told of nothing before.
func (s *store) note(err error) (first bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	first = s.status.DiskError == ""
	s.status.DiskErrors++
	s.status.DiskError = err.Error()
	return first
}

// close ends the log. view is what was served last, and confirmed when that was
// last known to be the registry's state, zero for never in this run.
func (s *store) close(view *cache.View, confirmed time.Time) error {
	s.checking.end()
	if s.folding != nil {
		// What leads to a base that is not there is worth nothing without it;
		// else the next start folds as well.
		if s.folding.dropped || !s.folding.toDisk || s.Disk.Whole() {
			s.folding.cancel()
		}
		<-s.done()
		s.folding.cancel()
		s.folding = nil
	}
	if s.Disk == nil {
		return nil
	}
	s.awaitSync()
	if view != nil && !s.continues && s.pause == 0 { // a snapshot came last, and its base was not begun
		s.foldToDisk(view)
		<-s.done()
		s.folded(view)
	}
	s.appendBeat()
	err := s.Disk.Close(confirmed, s.continues && s.Disk.Whole())
	if errors.Is(err, cache.ErrUnwritable) {
		s.Log.Warn("the copy on disk was not closed cleanly: the next start answers what it lacks as unknown until the registry is read", "error", err)
		return nil
	}
	if err != nil {
		return fmt.Errorf("close the copy on disk: %w", err)
	}
	return nil
}
