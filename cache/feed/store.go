package feed

import (
	"fmt"
	"time"

	"rddsd/cache"
)

const (
	// syncWithin is how long an appended delta may wait for its fsync. The
	// promise is a second (feed.md §8); the rest is for what the loop is doing.
	syncWithin = 500 * time.Millisecond
	// beatEvery is how often a delta without changes is appended: it only makes
	// the as-of after a restart a little younger.
	beatEvery = 5 * time.Second
	// A new base is written when the log has more than minLog bytes, and more
	// than logShare for each object served. Deltas wait while it is written: 44 ms
	// for 380,000 objects, without what the disk adds; so it is rare where it is
	// slow.
	minLog   = 32 << 20
	logShare = 64
	// retryDisk is the time between attempts to write a base after a fault.
	retryDisk = time.Minute
)

// store keeps the copy on disk behind what is served by as little as it can. A
// fault of the disk never stops the feed: after one nothing more is appended,
// for a log with a hole would be replayed into a state that never was, until a
// new base could be written.
type store struct {
	*Follower
	syncDue <-chan time.Time // fires when the log must be synced; nil while nothing waits

	continues bool        // base and log on disk end at what is served: a delta may be appended
	retry     time.Time   // not before this is a base written
	beat      cache.Delta // newest delta without changes that was not appended; zero To = none
	beatAt    time.Time   // when one was appended last
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
	return view
}

// append adds delta to the log; it is called before delta is published.
func (s *store) append(delta cache.Delta) {
	if !s.continues {
		return
	}
	now := s.Clock.Now()
	if len(delta.Changes) == 0 && now.Sub(s.beatAt) < beatEvery {
		s.beat = delta
		return
	}
	s.beat, s.beatAt = cache.Delta{}, now
	if err := s.Disk.Append(delta); err != nil {
		s.fault(fmt.Errorf("append to the delta log: %w", err))
		return
	}
	if s.syncDue == nil {
		s.syncDue = s.Clock.After(syncWithin)
	}
}

// sync brings what was appended to the disk.
func (s *store) sync() {
	s.syncDue = nil
	if !s.continues {
		return
	}
	if err := s.Disk.Sync(); err != nil {
		s.fault(fmt.Errorf("sync the delta log: %w", err))
	}
}

// leave says that what is served next does not follow on the log.
func (s *store) leave() { s.continues, s.retry = false, time.Time{} }

// settle writes view as a new base if the log has grown too long or does not
// lead to it.
func (s *store) settle(view *cache.View) {
	switch {
	case s.Disk == nil:
		return
	case s.continues && s.Disk.LogSize() <= max(minLog, logShare*int64(objects(view))):
		return
	case !s.continues && s.Clock.Now().Before(s.retry):
		return
	}
	if err := s.Disk.WriteBase(view); err != nil {
		s.fault(fmt.Errorf("write a new base: %w", err))
		return
	}
	s.continues, s.syncDue, s.beat = true, nil, cache.Delta{}
	s.mu.Lock()
	recovered := s.status.DiskError != ""
	s.status.DiskError = ""
	s.mu.Unlock()
	if recovered {
		s.Log.Info("the copy on disk is whole again")
	}
}

// fault notes that the copy on disk stays behind, and logs it once until it is
// whole again.
func (s *store) fault(err error) {
	s.continues, s.syncDue, s.beat = false, nil, cache.Delta{}
	s.retry = s.Clock.Now().Add(retryDisk)
	s.mu.Lock()
	first := s.status.DiskError == ""
	s.status.DiskErrors++
	s.status.DiskError = err.Error()
	asOf := s.status.AsOf
	s.mu.Unlock()
	if first {
		s.Log.Error("the copy on disk stays behind; what is served does not suffer, but a restart now would begin with older data "+
			"and answer what that lacks as unknown until the registry is read; free or repair the disk, it is tried again every minute",
			"error", err, "served_as_of", asOf.String())
	}
}

// close ends the log. confirmed is when what is served was last known to be the
// registry's state, zero for never in this run.
func (s *store) close(confirmed time.Time) error {
	if s.Disk == nil {
		return nil
	}
	if s.continues && s.beat.To != (cache.Position{}) {
		if err := s.Disk.Append(s.beat); err != nil {
			s.fault(fmt.Errorf("append to the delta log: %w", err))
		}
	}
	if err := s.Disk.Close(confirmed, s.continues); err != nil {
		return fmt.Errorf("close the copy on disk: %w", err)
	}
	return nil
}
