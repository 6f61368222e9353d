package feed

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"rddsd/cache"
	"rddsd/cache/registry"
)

// loop is the state of the one goroutine that follows. It alone publishes and
// writes to Disk.
type loop struct {
	*Follower
	store store

	view      *cache.View   // what is served; nil before the first
	confirmed time.Time     // when view was last known to be the registry's state; zero = not in this run
	polled    time.Time     // when the registry was last read, published or not
	due       time.Time     // when the clock next changes a row of view; zero = never
	woken     bool          // the last poll was cancelled
	failures  int           // in a row
	lastErr   string        // the failure that was logged last
	forced    Reason        // a snapshot to take without asking for a delta first
	roomAt    time.Time     // a snapshot did not fit: not before this is another taken
	took      time.Duration // how long the snapshot was read that failed in this turn
	taking    Reason        // why a snapshot is being taken, as the log was told; "" = none is

	hold    *hold    // what waits for a decision
	allowed *Measure // what an operator has accepted, until something is published
}

// minDue is the least time from one read to one that only a refresh_at asks
// for. Rows that fall due one after the other are read together, and a row
// whose refresh_at stays in the past does not keep the registry busy.
const minDue = time.Second

// turn does one thing: it waits for a decision, polls, or takes a snapshot.
func (l *loop) turn(ctx context.Context) {
	l.took = 0
	err := cache.GuardReads(func() error { return l.act(ctx) })
	switch {
	case err == nil || ctx.Err() != nil:
		return
	case errors.Is(err, cache.ErrUnreadable) && l.forced != ReasonDamaged:
		l.damaged(err)
		return
	}
	l.failed(err)
	l.pause(ctx, max(l.Clock.backoff(l.failures, l.MaxBackoff), min(l.took, DefaultMaxBackoff)))
}

func (l *loop) act(ctx context.Context) error {
	if l.view != nil && l.forced != ReasonDamaged { // of what is damaged no base can be made
		l.store.settle(l.view)
		l.slowDown(ctx)
	}
	if l.hold != nil && !l.reconsider(ctx) {
		return nil
	}
	switch {
	case l.view == nil:
		return l.resync(ctx, ReasonStart)
	case l.forced != "":
		return l.resync(ctx, l.forced)
	}
	return l.follow(ctx)
}

// load publishes the copy on disk. What it lacks is unknown until the registry
// answers, unless Disk says otherwise.
func (l *loop) load() {
	view := l.store.load()
	if view == nil || view.Count(registry.KindTLD) == 0 { // see errNoZone
		return
	}
	now := l.Clock.Now()
	age := max(0, now.Sub(view.AsOf().Std()))
	l.publish(view, nil, reading{at: now, stale: age})
	l.store.check(view)
	l.Log.Info("serving the copy on disk until the registry answers", "as_of", view.AsOf().String(), "age", age.Round(time.Second),
		"serial", view.Position().Serial, "domains", view.Count(registry.KindDomain))
}

// reading tells when and how a state of the registry was read.
type reading struct {
	at    time.Time     // by the edge's clock
	clock registry.Time // the registry's clock in that read; 0 = not told
	stale time.Duration // how far the state lagged behind the registry's clock
}

// missUntil returns until when what a state lacks may be told as not found.
func (r reading) missUntil(maxMissAge time.Duration) time.Time { return r.at.Add(maxMissAge - r.stale) }

// follow reads the delta after the served View and publishes it, or holds it,
// or takes the snapshot that it asks for.
func (l *loop) follow(ctx context.Context) error {
	delta, read, err := l.next(ctx)
	var (
		gap   *Gap
		other *OtherRegistry
	)
	switch {
	case errors.Is(err, errWoken):
		return nil // to be asked again: a row is due, or Serve ends
	case errors.As(err, &gap):
		l.connected()
		return l.resync(ctx, gap.Reason)
	case errors.As(err, &other):
		l.holdRegistry(other)
		return nil
	case err != nil:
		return err
	}
	l.connected()
	l.polled = read.at
	if len(delta.Changes) > LargeDelta(l.view, l.MemoryLimit) {
		return l.resync(ctx, ReasonLarge)
	}
	measure := measureDelta(l.view, delta)
	if why := measure.refused(l.view, l.allowed); why != nil {
		l.holdBack(hold{Held: Held{What: HeldDelta, Why: why, Measure: measure}})
		return nil
	}
	return l.apply(delta, read)
}

// next asks the Source for the delta after the served View, until a row of it
// falls due.
func (l *loop) next(ctx context.Context) (cache.Delta, reading, error) {
	var wake <-chan time.Time
	// After a cancelled call the Source polls at once: cancelling that one too
	// would never get anywhere. Nor does it wait while something is held.
	if !l.due.IsZero() && !l.woken && l.hold == nil {
		now := l.Clock.Now()
		wake = l.Clock.After(max(l.due.Sub(now), l.polled.Add(minDue).Sub(now), 0))
	}
	var (
		delta cache.Delta
		err   error
		read  = reading{at: l.Clock.Now()}

		view       = l.view // it may be folded meanwhile, and be the same
		unreadable error
	)
	cancelled := l.await(ctx, wake, func(ctx context.Context) {
		delta, err = l.Source.Next(ctx, view.Position(), func(clock registry.Time) (due []cache.Key) {
			read = reading{at: l.Clock.Now(), clock: clock}
			unreadable = cache.GuardReads(func() error {
				due = view.Due(clock)
				return nil
			})
			return due
		})
	})
	l.woken = err != nil && cancelled
	switch {
	case unreadable != nil:
		return delta, read, unreadable
	case l.woken:
		return delta, read, errWoken
	case err != nil:
		return delta, read, err
	}
	if read.clock != 0 {
		read.stale = max(0, between(delta.AsOf, read.clock))
	}
	// The registry's clock may be set back; what we know does not become older.
	delta.AsOf = max(delta.AsOf, l.view.AsOf())
	return delta, read, nil
}

// errWoken says that a read was cancelled because something else is due.
var errWoken = errors.New("the read was cancelled")

// await runs read and keeps house meanwhile. It returns once read has returned,
// which wake or the end of ctx cancels; cancelled says that one of them did.
func (l *loop) await(ctx context.Context, wake <-chan time.Time, read func(context.Context)) (cancelled bool) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan struct{})
	go func() {
		defer close(done)
		read(ctx)
	}()
	for {
		select {
		case <-done:
			return ctx.Err() != nil
		case <-wake:
			cancel()
		case <-l.store.syncDue:
			l.store.sync()
		case err := <-l.store.syncing:
			l.store.synced(err)
		case <-l.store.done():
			l.folded()
		case <-l.store.checked():
			l.checked()
		}
	}
}

// pause waits for d, for the end of ctx or, while something is held, for a
// decision.
func (l *loop) pause(ctx context.Context, d time.Duration) {
	l.pauseWhile(ctx, d, func() bool { return true })
}

// pauseWhile is pause that ends, too, when something was done meanwhile after
// which more is false.
func (l *loop) pauseWhile(ctx context.Context, d time.Duration, more func() bool) {
	var decided chan struct{}
	if l.hold != nil {
		decided = l.decided
	}
	end := l.Clock.After(d)
	for more() {
		select {
		case <-ctx.Done():
			return
		case <-end:
			return
		case <-decided:
			return
		case <-l.store.syncDue:
			l.store.sync()
		case err := <-l.store.syncing:
			l.store.synced(err)
		case <-l.store.done():
			l.folded()
		case <-l.store.checked():
			l.checked()
		}
	}
}

// slowPause is how long a delta waits at most while the overlay is past its
// bound: the registry's changes gather in its journal and are read as one.
const slowPause = time.Second

// slowDown waits while the overlay is past its bound, for the folding that is
// under way or to be tried again, and at most for slowPause: what changes must
// come to be served, however slow the disk is.
func (l *loop) slowDown(ctx context.Context) {
	if l.view.PastBound() {
		l.pauseWhile(ctx, slowPause, func() bool { return l.view.PastBound() })
	}
}

// folded serves the same state over the new base, if there is one.
func (l *loop) folded() {
	if next := l.store.folded(l.view); next != nil {
		l.swap(next)
	}
}

// swap serves view, which is the same state as before over another base.
func (l *loop) swap(view *cache.View) {
	l.Cache.Publish(view)
	l.view = view
	l.store.check(view)
}

// checked acts on what a check of the base has found.
func (l *loop) checked() {
	if damage := l.store.damage(); damage != nil {
		l.damaged(damage)
	}
}

// damaged replaces what is served, whose base is damaged: what stands in the
// damaged part is unknown. The older generation may have it, else the registry
// has.
func (l *loop) damaged(damage error) {
	if l.Disk == nil {
		l.forced = ReasonDamaged
		return
	}
	if whole := l.Disk.Renew(l.view); whole != nil {
		l.swap(whole)
		l.Log.Info("the older generation of the copy on disk has taken the place of the damaged one: nothing is lost")
		return
	}
	if l.store.note(damage) && errors.Is(damage, cache.ErrUnreadable) { // of other damage Disk has told
		l.Log.Error("what is served cannot be read; what stands there is answered as unavailable until it is replaced", "error", damage)
	}
	l.forced = ReasonDamaged
}

// apply makes the View after delta, keeps it and publishes it. What was read but
// is as it was is not kept or counted: rows in quarantine are read in every
// poll, and registries set columns to the values that they have.
func (l *loop) apply(delta cache.Delta, read reading) error {
	next, rejected, err := l.view.Apply(delta, read.missUntil(l.MaxMissAge))
	if err != nil {
		l.forced = ReasonUnusable
		return fmt.Errorf("%w; what was served goes on, and a snapshot follows", err)
	}
	delta.Changes = slices.DeleteFunc(delta.Changes, func(c cache.Change) bool { return !next.Differs(l.view, c.Key) })
	l.store.withdrawn(l.view, delta)
	l.store.append(delta)
	l.publish(next, rejected, read)
	l.confirmed = read.at.Add(-read.stale)
	l.count(delta)
	l.release()
	return nil
}

// publish makes next the current View: the one place that does.
func (l *loop) publish(next *cache.View, rejected []cache.Rejected, read reading) {
	l.report(next, rejected)
	l.Cache.Publish(next)
	first := l.view == nil
	l.view, l.due = next, time.Time{}
	if due := next.NextDue(); due != 0 {
		// A snapshot does not tell the clock, only the as-of, which may lag
		// behind it; the first poll puts that right.
		l.due = read.at.Add(between(cmp.Or(read.clock, next.AsOf()), due))
	}
	l.published(next, read)
	if first {
		close(l.ready)
	}
}

// between returns the time from a to b, at most a century either way.
func between(a, b registry.Time) time.Duration {
	const century = registry.Time(36525 * 24 * time.Hour / time.Microsecond)
	return time.Duration(min(max(b-a, -century), century)) * time.Microsecond
}
