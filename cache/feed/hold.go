package feed

import (
	"context"
	"errors"
	"strings"
	"time"
)

// HeldWhat says what is held.
type HeldWhat string

// What can be held.
const (
	HeldDelta    HeldWhat = "delta"    // a mass deletion or a mass disclosure
	HeldSnapshot HeldWhat = "snapshot" // it did not pass the gates
	HeldRegistry HeldWhat = "registry" // the database is another registry's
)

// Held is what stays unpublished until an operator decides. Meanwhile the old
// answers and the old position stay, and misses age.
//
// A hold does not keep the rows. While it lasts the registry is read again
// every few seconds, a snapshot more seldom, and the hold ends by itself when
// what is read no longer meets a gate or brake: the registry took it back. The
// numbers shown do not change before a decision, so an acceptance covers
// exactly what was shown: then the registry is read once more, and what has
// been added since is weighed by itself. If that is too much in turn, it is held
// anew, with new numbers.
type Held struct {
	What    HeldWhat
	Since   time.Time // by the edge's clock
	Why     []string  // each gate or brake that it met, with the numbers
	Measure           // what an acceptance covers
}

type hold struct {
	Held
	shown *Held     // the copy that Status gives out; its address is the hold's identity
	retry time.Time // not before this is a snapshot taken again
}

type decision struct {
	accept bool
	reason string
	about  *Held
}

// ErrNothingHeld says that there is nothing to decide.
var ErrNothingHeld = errors.New("nothing is held: there is nothing to accept or to reject")

// Decide accepts or rejects what is held, for a reason that the log keeps. It
// returns at once; Serve then acts. An acceptance lets in what Status shows of
// Held; a rejection drops it, and a fresh snapshot meets the gates and brakes
// again. A decision about what the registry has taken back meanwhile has no
// effect. If nothing is held, or it is decided already, it returns
// ErrNothingHeld.
func (f *Follower) Decide(accept bool, reason string) error {
	f.init()
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.status.Held == nil || f.decision != nil {
		return ErrNothingHeld
	}
	f.decision = &decision{accept, reason, f.status.Held}
	select {
	case f.decided <- struct{}{}:
	default: // an earlier word that nobody has heard yet does as well
	}
	return nil
}

// holdPause is how long a hold rests before the registry is read again.
const holdPause = 5 * time.Second

// reconsider waits for a decision, at most for holdPause, and prepares what
// follows from it. It reports false when ctx has ended.
func (l *loop) reconsider(ctx context.Context) bool {
	d := l.takeDecision()
	if d == nil {
		l.pause(ctx, l.Clock.Jitter(holdPause, 0.1))
		d = l.takeDecision()
	}
	if ctx.Err() != nil {
		return false
	}
	if d == nil || d.about != l.hold.shown {
		return true
	}
	held := l.hold.Held
	l.hold = nil
	l.showHeld(nil)
	other := l.view != nil && held.Registry != l.view.Position().Registry
	verdict := "rejected"
	switch {
	case d.accept:
		verdict = "accepted"
		l.allowed, l.forced = &held.Measure, ""
		if other {
			l.forced = ReasonAccepted
		}
	case other:
		l.allowed, l.forced = nil, "" // a snapshot of it would be read for nothing
	default:
		l.allowed, l.forced = nil, ReasonRejected
	}
	l.Log.Warn("an operator has "+verdict+" what was held", "what", held.What, "reason", d.reason,
		"why_held", strings.Join(held.Why, "; "), "held_for", l.Clock.Now().Sub(held.Since).Round(time.Second))
	return true
}

func (l *loop) takeDecision() *decision {
	l.mu.Lock()
	defer l.mu.Unlock()
	d := l.decision
	l.decision = nil
	return d
}

// holdBack holds h, with one alarm. What is held already stays as it was shown,
// unless it is of another registry.
func (l *loop) holdBack(h hold) {
	if l.hold != nil && l.hold.Registry == h.Registry {
		l.hold.retry = h.retry
		return
	}
	h.Since = l.Clock.Now()
	shown := h.Held
	h.shown = &shown
	l.hold, l.allowed = &h, nil
	l.showHeld(h.shown)
	l.Log.Error("held until \"rddsd accept\" or \"rddsd reject\": what was served goes on", "what", h.What, "why", strings.Join(h.Why, "; "))
}

// holdRegistry holds another registry's database back.
func (l *loop) holdRegistry(other *OtherRegistry) {
	l.disconnected(other.Error())
	l.holdBack(hold{Held: Held{What: HeldRegistry, Why: []string{other.Error()}, Measure: Measure{Registry: other.Found}}})
}

// release ends a hold and an acceptance after something was published.
func (l *loop) release() {
	l.allowed = nil
	if l.hold == nil {
		return
	}
	l.Log.Warn("no longer held: the registry took it back", "what", l.hold.What, "why_held", strings.Join(l.hold.Why, "; "))
	l.hold = nil
	l.showHeld(nil)
}
