package cache

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// A View's overlay is folded into a new base when it takes more than a foldShare
// of what the base takes, and at least foldFloor. Folding runs aside and deltas
// go on, so the overlay grows on meanwhile; past twice that, which is the bound
// of the overlay, whoever applies deltas slows down (PastBound). So base, overlay
// and what is kept of the deltas stay within a quarter more than a base alone.
//
// A larger share folds more seldom: each change pays for 1/foldShare of the
// folding of as many bytes of base.
const (
	foldShare = 10
	foldFloor = 4 << 20 // bytes; so that a small registry is not folded all the time
)

// FoldDue reports whether the overlay of v has grown enough to be folded.
func (v *View) FoldDue() bool { return v.grownOver(1) }

// PastBound reports whether the overlay of v has grown past its bound, so that
// the next delta should wait for the folding.
func (v *View) PastBound() bool { return v.grownOver(2) }

func (v *View) grownOver(times int64) bool {
	_, bytes := v.OverlaySize()
	return bytes > times*max(foldFloor, (v.Memory()-bytes)/foldShare)
}

// Folding is the making of a new base out of a View, aside, while deltas go on
// being applied to the old one. The deltas since are kept, and applied again onto
// the new base: what comes of it is the same state by construction, and that is
// checked. At 300,000 changes a second it costs less than a tenth of what folding
// does, and moving the difference of the overlays instead would have to tell
// which rows in quarantine have a good version that is newer than the base.
//
// StartFolding starts it. The other methods are for the goroutine that applies
// deltas.
type Folding struct {
	done chan struct{}

	mu     sync.Mutex
	behind []Delta // those that next lacks

	next *View // with done
	err  error // with done
}

// catchUp is how many deltas may be left for Swap, so that the deltas that come
// while others are caught up with do not keep a Folding from its end.
const catchUp = 16

// StartFolding has base make the new base, a View with the same state as the one
// that is served now (BaseWrite.Write, or FoldInMemory), and catches up with what
// was given to Add meanwhile. It ends early with ctx. Its owner waits for Done.
func StartFolding(ctx context.Context, base func(ctx context.Context) (*View, error)) *Folding {
	f := &Folding{done: make(chan struct{})}
	go f.run(ctx, base)
	return f
}

// Done returns a channel that is closed when nothing of f runs any more.
func (f *Folding) Done() <-chan struct{} { return f.done }

// Add tells f of a delta that was applied to what is served.
func (f *Folding) Add(delta Delta) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.behind = append(f.behind, delta)
}

func (f *Folding) run(ctx context.Context, base func(ctx context.Context) (*View, error)) {
	defer close(f.done)
	f.err = GuardReads(func() (err error) {
		if f.next, err = base(ctx); err == nil {
			// Else readers would be the first to touch each block of its file, and hash it.
			err = f.next.Verify(ctx)
		}
		for err == nil {
			behind := f.take(catchUp)
			if behind == nil {
				break
			}
			f.next, err = f.next.applyAll(ctx, behind)
		}
		return err
	})
}

// take returns the deltas that next lacks, nil if there are no more than few.
func (f *Folding) take(few int) []Delta {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.behind) <= few {
		return nil
	}
	behind := f.behind
	f.behind = nil
	return behind
}

// applyAll returns the View after deltas.
func (v *View) applyAll(ctx context.Context, deltas []Delta) (*View, error) {
	var err error
	for _, delta := range deltas {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if v, _, err = v.Apply(delta, v.missUntil); err != nil {
			return nil, err
		}
	}
	return v, nil
}

// Swap is called after Done. It returns current, which is what is served and all
// that Add was told of leads to, over the new base.
func (f *Folding) Swap(current *View) (*View, error) {
	if f.err != nil {
		return nil, f.err
	}
	next, err := f.next.applyAll(context.Background(), f.take(0))
	if err != nil {
		return nil, fmt.Errorf("fold: catch up with the deltas since: %w", err)
	}
	if next.origin() != current.origin() {
		return nil, fmt.Errorf("fold: %w", errOtherState)
	}
	return next.Refreshed(current.asOf, current.missUntil), nil
}

// errOtherState says that a fault of ours lost or changed something.
var errOtherState = errors.New("the new base with the deltas since is not what is served; it is dropped")
