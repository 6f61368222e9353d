package sqlite

import (
	"context"
	"errors"
	"os"
	"time"

	"rddsd/cache"
	"rddsd/cache/feed"
	"rddsd/cache/feed/contract"
	"rddsd/cache/registry"
)

// Source reads a registry file through the views of the publication contract
// (deploy/schema). It only ever reads: it opens the file read-only, and never
// makes one.
//
// Its connection is its own, so that "pragma data_version" tells when another
// connection has committed. It connects when it is first asked, again after an
// error, and when the file at its path is another one or was written past
// SQLite. It is for one goroutine at a time.
type Source struct {
	Clock feed.Clock // default the machine's

	// Large returns how many changed objects are so many that a snapshot is
	// cheaper; nil: five million. They are not read then.
	Large func() int

	path     string
	interval time.Duration

	reader *reader     // nil = not connected
	file   os.FileInfo // the file that reader has open, as it was at the last look
	log    leftLog

	// What the last poll returned, and when; the zero position when the next
	// call must poll at once.
	at      cache.Position
	version int64 // data_version in its transaction
	polled  time.Time
}

const (
	// tick is how often the file is looked at between polls: one stat and one
	// pragma, 10 µs together (BenchmarkLook), so less than a thousandth of a core.
	tick = 25 * time.Millisecond
	// settle is how long a change rests before the poll that reads it, so that
	// a burst of commits costs one poll (feed.md §5).
	settle = 50 * time.Millisecond
	// intervalJitter is the share by which a poll interval differs at random.
	intervalJitter = 0.1
)

// MaxBackoff is how long to wait at most before a registry file that could not be
// read is tried again: while it is missing a try costs one stat.
const MaxBackoff = 2 * time.Second

// Open returns a Source for the registry file at path, which it does not touch
// yet. pollInterval is the longest time between two polls; the changes of other
// programs are noticed at once.
func Open(path string, pollInterval time.Duration) *Source {
	return &Source{path: path, interval: pollInterval}
}

// Close closes the connection. The Source can be asked again.
func (s *Source) Close() { s.disconnect() }

// Snapshot implements feed.Source.
func (s *Source) Snapshot(ctx context.Context, put func(cache.Change) error) (cache.Position, registry.Time, error) {
	head, err := s.snapshot(ctx, put)
	if err != nil {
		s.disconnect()
		return cache.Position{}, 0, s.explain("take a snapshot of", err)
	}
	return head.position, head.clock, nil
}

func (s *Source) snapshot(ctx context.Context, put func(cache.Change) error) (head, error) {
	if err := s.look(); err != nil {
		return head{}, err
	}
	polled := s.Clock.Complete().Now()
	var now head
	err := s.reader.transaction(func() error {
		var err error
		if now, err = s.reader.head(); err != nil {
			return err
		}
		if err := now.readable(); err != nil {
			return err
		}
		for kind := range registry.Kind(registry.Kinds) {
			if err := s.reader.all(ctx, kind, put); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return head{}, err
	}
	s.at, s.version, s.polled = now.position, now.version, polled
	return now, nil
}

// Next implements feed.Source.
func (s *Source) Next(ctx context.Context, at cache.Position, due func(clock registry.Time) []cache.Key) (cache.Delta, error) {
	delta, err := s.next(ctx, at, due)
	if err != nil {
		s.at = cache.Position{}
		if !answers(err) {
			s.disconnect()
			err = s.explain("follow", err)
		}
		return cache.Delta{}, err
	}
	return delta, nil
}

// answers reports whether err is something that the registry said, rather than
// a failure to read it.
func answers(err error) bool {
	return errors.Is(err, feed.ErrGap) || errors.Is(err, feed.ErrOtherRegistry) ||
		errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

func (s *Source) next(ctx context.Context, at cache.Position, due func(clock registry.Time) []cache.Key) (cache.Delta, error) {
	noticed, err := s.wait(ctx, at)
	if err != nil {
		return cache.Delta{}, err
	}
	polled := s.Clock.Complete().Now()
	var (
		now   head
		delta cache.Delta
	)
	err = s.reader.transaction(func() error {
		var err error
		if now, err = s.reader.head(); err != nil {
			return err
		}
		if err := now.follows(at); err != nil {
			return err
		}
		delta.To, delta.AsOf, delta.Noticed = now.position, now.clock, noticed
		keys := contract.Keys{}
		if s.Large != nil {
			keys.Limit = s.Large()
		}
		for _, key := range due(now.clock) {
			if err := keys.Add(key); err != nil {
				return err
			}
		}
		if now.position.Serial > at.Serial {
			if err := s.reader.changes(ctx, at.Serial, &keys); err != nil {
				return err
			}
		}
		delta.Changes, err = s.reader.byKey(ctx, &keys)
		return err
	})
	if err != nil {
		return cache.Delta{}, err
	}
	s.at, s.version, s.polled = now.position, now.version, polled
	return delta, nil
}

// wait returns when it is time for a poll that starts at the position at, and
// when it noticed that something has changed, zero if it did not.
func (s *Source) wait(ctx context.Context, at cache.Position) (noticed time.Time, err error) {
	clock := s.Clock.Complete()
	until := s.polled.Add(clock.Jitter(s.interval, intervalJitter))
	for {
		if err := s.look(); err != nil {
			return time.Time{}, err
		}
		left := until.Sub(clock.Now())
		if !noticed.IsZero() || at != s.at || left <= 0 {
			return noticed, nil
		}
		version, err := s.reader.version()
		if err != nil {
			return time.Time{}, err
		}
		pause := min(tick, left)
		if version != s.version {
			noticed, pause = clock.Now(), settle
		}
		select {
		case <-ctx.Done():
			return time.Time{}, ctx.Err()
		case <-clock.After(pause):
		}
	}
}

// look sees to it that the connection is to the file that now stands at path. A
// connection goes on reading a file that was removed or renamed over, and in
// write-ahead mode its page cache does not notice a file that was overwritten
// in place. So whenever the file differs from the last look it is opened anew,
// also when it was only SQLite that moved its log into it: that happens once in
// hundreds of commits and costs a millisecond. After that the next poll is due
// at once.
func (s *Source) look() error {
	info, err := os.Stat(s.path)
	if s.reader != nil && (err != nil || !os.SameFile(info, s.file)) {
		s.log.gone(s.path, s.file)
	}
	if err != nil {
		return err
	}
	if s.reader != nil && os.SameFile(info, s.file) && info.Size() == s.file.Size() && info.ModTime().Equal(s.file.ModTime()) {
		return nil
	}
	s.disconnect()
	if err := checkFile(info); err != nil {
		return err
	}
	if err := s.log.check(s.path, info); err != nil {
		return err
	}
	if s.reader, err = connect(s.path); err != nil {
		return err
	}
	s.file = info
	s.log.follow(s.path)
	return nil
}

func (s *Source) disconnect() {
	if s.reader != nil {
		s.reader.close()
	}
	s.reader, s.file, s.at = nil, nil, cache.Position{}
}
