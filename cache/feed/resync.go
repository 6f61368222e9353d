package feed

import (
	"context"
	"errors"
	"time"

	"rddsd/cache"
	"rddsd/cache/registry"
)

const (
	// resyncSpread is the longest that an edge with something to serve waits at
	// random before it takes a snapshot, so that a fleet does not ask in step.
	resyncSpread = time.Second
	// A snapshot that is held, or does not fit, is taken again after retryHeld, or ten times as
	// long as it took: a registry that is wrong for a day is not read all day.
	retryHeld      = time.Minute
	retryHeldTimes = 10
)

// errNoZone says that a snapshot is none to begin with: under no TLD there are no
// names, and every question would be answered as another registry's.
var errNoZone = errors.New("the registry publishes no TLD, so there is nothing to answer from: its table of TLDs (rdds_tld) must name one at least")

// resync builds a new View from a snapshot beside the served one and publishes
// it if it passes the gates. A snapshot that is held is not taken again before
// its time.
func (l *loop) resync(ctx context.Context, reason Reason) error {
	if l.hold != nil && l.Clock.Now().Before(l.hold.retry) {
		return nil
	}
	if l.Clock.Now().Before(l.roomAt) {
		l.pause(ctx, min(holdPause, l.roomAt.Sub(l.Clock.Now())))
		return nil
	}
	expected := 0
	if l.view != nil {
		l.pause(ctx, time.Duration(l.Clock.Random()*float64(resyncSpread)))
		expected = l.view.Count(registry.KindDomain)
	}
	if l.taking != reason { // else this is another attempt
		l.Log.Info("taking a snapshot", "reason", reason)
		l.taking = reason
	}
	var (
		builder = cache.NewBuilder(expected)
		read    = reading{at: l.Clock.Now()}
		pos     cache.Position
		asOf    registry.Time
		err     error
	)
	defer builder.Discard()
	put, unfit := l.putting(builder)
	cancelled := l.await(ctx, nil, func(ctx context.Context) {
		pos, asOf, err = l.Source.Snapshot(ctx, put)
	})
	l.took = l.Clock.Now().Sub(read.at)
	if m := unfit(); m != nil {
		l.connected()
		l.refused(m)
		l.roomAt = l.Clock.Now().Add(max(retryHeld, retryHeldTimes*l.Clock.Now().Sub(read.at)))
		return nil
	}
	switch {
	case err != nil && cancelled:
		return nil
	case err != nil:
		return err
	}
	if l.view != nil && pos.Registry == l.view.Position().Registry {
		err := cache.GuardReads(func() error { return builder.Keep(l.view) })
		if err != nil && !errors.Is(err, cache.ErrUnreadable) { // then there is no last good row to keep
			return err
		}
		if pos.Epoch == l.view.Position().Epoch {
			asOf = max(asOf, l.view.AsOf())
		}
	}
	rejected := builder.Rejected()
	next, err := builder.View(pos, asOf, read.missUntil(l.MaxMissAge))
	if err != nil {
		return err
	}
	if l.view == nil && next.Count(registry.KindTLD) == 0 {
		return errNoZone
	}
	l.connected()
	l.polled, l.forced = read.at, ""
	took := l.Clock.Now().Sub(read.at)

	forDelta := reason == ReasonLarge || reason == ReasonRejected
	measure := measureSnapshot(l.view, next, len(rejected), forDelta)
	if why := measure.refused(l.view, l.allowed); why != nil {
		l.holdBack(hold{
			Held:  Held{What: HeldSnapshot, Why: why, Measure: measure},
			retry: l.Clock.Now().Add(max(retryHeld, retryHeldTimes*took)),
		})
		return nil
	}
	l.store.leave()
	if l.view == nil {
		// Nothing is on disk that a crash could fall back to, and what is answered
		// as found once must not be lost: so the very first answers wait for the
		// copy. Later ones do not, for the older copy's misses are unknown.
		next = l.store.first(ctx, next)
	}
	l.publish(next, rejected, read)
	l.store.check(next) // and let the memory of what was served go
	l.confirmed = read.at
	l.taking = ""
	l.fitted()
	l.countResync(reason)
	l.release()
	l.Log.Info("serving a snapshot", "reason", reason, "serial", pos.Serial, "as_of", asOf.String(), "took", took.Round(time.Millisecond),
		"domains", next.Count(registry.KindDomain), "contacts", next.Count(registry.KindContact), "quarantined", len(rejected))
	return nil
}
