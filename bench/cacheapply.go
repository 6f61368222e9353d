package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"rddsd/cache"
	"rddsd/cache/registry"
)

// changes makes deltas: renewals of names of the sample, at random.
type changes struct {
	view  *cache.View // the newest
	names []string
	rng   *rand.Rand
	d     registry.Domain
	row   []byte
	clock func() time.Duration
}

// delta returns a delta that changes n names, and follows on the newest View.
func (c *changes) delta(n int) (cache.Delta, error) {
	pos := c.view.Position()
	pos.Serial++
	delta := cache.Delta{To: pos, AsOf: c.view.AsOf() + 1, Changes: make([]cache.Change, 0, n)}
	seen := make(map[string]bool, n)
	for len(delta.Changes) < n {
		name := c.names[c.rng.IntN(len(c.names))]
		if seen[name] {
			continue
		}
		seen[name] = true
		if c.view.Domain(name, &c.d) != cache.Present {
			return delta, fmt.Errorf("change %s: it is not there", name)
		}
		c.d.Expires += registry.Time(time.Second / time.Microsecond)
		c.row = registry.AppendDomain(c.row[:0], &c.d)
		delta.Changes = append(delta.Changes, cache.Change{Key: cache.Key{Kind: registry.KindDomain, Name: name}, Row: string(c.row)})
	}
	return delta, nil
}

// apply makes the View after a delta of n changes, and returns how long that took.
func (c *changes) apply(n int) (time.Duration, error) {
	delta, err := c.delta(n)
	if err != nil {
		return 0, err
	}
	begun := c.clock()
	next, rejected, err := c.view.Apply(delta, time.Now().Add(time.Hour))
	took := c.clock() - begun
	if err == nil && len(rejected) > 0 {
		err = fmt.Errorf("apply a delta: %d rows were not published, such as %q: %s", len(rejected), rejected[0].Name, rejected[0].Reason)
	}
	if err == nil {
		c.view = next
	}
	return took, err
}

// measureApply adds how fast deltas of several sizes are applied.
func measureApply(ctx context.Context, f *figures, c *changes, each time.Duration) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for _, n := range [...]int{1, 10, 100, 1000} {
		if n > len(c.names)/2 {
			break
		}
		var (
			sum    time.Duration
			deltas int
			times  = newTimes()
		)
		// Making a delta takes longer than applying it; nobody waits for more than
		// four times as long.
		for begun := time.Now(); sum < each && time.Since(begun) < 4*each; deltas++ {
			took, err := c.apply(n)
			if err == nil {
				err = ctx.Err()
			}
			if err != nil {
				return err
			}
			sum += took
			if err := times.RecordValue(took.Nanoseconds()); err != nil {
				return fmt.Errorf("a delta took %v to apply: %w", took, err)
			}
		}
		key, label := fmt.Sprintf("apply_%d_", n), fmt.Sprintf("applying deltas of %d", n)
		f.add(key+"per_s", label, float64(deltas*n)/sum.Seconds(), "changes/s")
		f.add(key+"p50_us", label+", p50", float64(times.ValueAtPercentile(50))/1e3, "µs a delta")
		f.add(key+"max_us", label+", max", float64(times.Max())/1e3, "µs a delta")
	}
	return nil
}

// foldRounds is how often the overlay is filled and folded.
const foldRounds = 2

// measureFold adds how fast a View is folded, and how fast deltas of a thousand
// changes are applied when the overlay is folded each time that it has grown to an
// eighth of the names: all on one thread, as if there were one core.
func measureFold(ctx context.Context, f *figures, c *changes) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	size := min(1000, len(c.names)/2)
	changed, applying, folding := 0, time.Duration(0), time.Duration(0)
	for range foldRounds {
		for {
			took, err := c.apply(size)
			if err == nil {
				err = ctx.Err()
			}
			if err != nil {
				return err
			}
			changed += size
			applying += took
			if grown, _ := c.view.OverlaySize(); grown > c.view.Count(registry.KindDomain)/8 {
				break
			}
		}
		begun := threadTime()
		folded, err := cache.FoldInMemory(ctx, c.view)
		if err != nil {
			return err
		}
		folding += threadTime() - begun
		c.view = folded
	}
	f.add("fold_names_per_s", "folding", float64(foldRounds*c.view.Count(registry.KindDomain))/folding.Seconds(), "names/s")
	f.add("apply_fold_per_s", "applying deltas of 1000, and folding", float64(changed)/(applying+folding).Seconds(), "changes/s")
	return nil
}

// newTimes holds nanoseconds up to an hour.
func newTimes() *hdrhistogram.Histogram { return hdrhistogram.New(1, time.Hour.Nanoseconds(), 3) }

// pauseDelta is how many changes a delta holds while a reader's pauses are
// measured.
const pauseDelta = 100

// measurePause adds how long a reader that looks up one name after the other is
// held up: first by the machine alone, then while deltas are applied and published
// back to back. What the second is above the first is ours.
func measurePause(ctx context.Context, f *figures, c *changes, length time.Duration) error {
	current := new(cache.Cache)
	for _, m := range []struct {
		key, label string
		write      bool
	}{
		{"pause_idle_", "a reader's gap, nothing applied", false},
		{"pause_apply_", "a reader's gap, deltas applied back to back", true},
	} {
		current.Publish(c.view)
		ctx, stop := context.WithTimeout(ctx, length)
		gaps := make(chan *hdrhistogram.Histogram, 1)
		go func() { gaps <- readGaps(ctx, current, c.names) }()
		var err error
		for m.write && err == nil && ctx.Err() == nil {
			if _, err = c.apply(min(pauseDelta, len(c.names)/2)); err == nil {
				current.Publish(c.view)
			}
		}
		if err != nil {
			stop()
		}
		h := <-gaps
		stop()
		if err != nil {
			return err
		}
		f.add(m.key+"p999_us", m.label+", p99.9", float64(h.ValueAtPercentile(99.9))/1e3, "µs")
		f.add(m.key+"p9999_us", m.label+", p99.99", float64(h.ValueAtPercentile(99.99))/1e3, "µs")
		f.add(m.key+"max_us", m.label+", max", float64(h.Max())/1e3, "µs")
	}
	return ctx.Err()
}

// readGaps looks names up until ctx ends, and returns how long it was from one
// look-up to the next.
func readGaps(ctx context.Context, current *cache.Cache, names []string) *hdrhistogram.Histogram {
	var (
		d    registry.Domain
		gaps = newTimes()
		done = ctx.Done()
	)
	last := time.Now()
	for i := 0; ; i++ {
		current.Current().Domain(names[i%len(names)], &d)
		now := time.Now()
		_ = gaps.RecordValue(now.Sub(last).Nanoseconds()) // no gap is an hour long
		last = now
		select {
		case <-done:
			return gaps
		default:
		}
	}
}
