package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"rddsd/cache"
)

const (
	foldRuns  = 5      // how often busy look-ups are compared with quiet ones; the middle one is taken
	foldRate  = 10_000 // changes a second meanwhile
	foldDelta = 100    // of them in a delta
)

// folder applies deltas at foldRate, and folds the View into a file over and over,
// as package feed does.
type folder struct {
	*changes
	current *cache.Cache
	disk    *cache.Disk
	applied int // changes
	folded  int // bases that were served
	took    time.Duration
}

// measureLookupsWhileFolding adds how long look-ups of one reader take while
// deltas come and the View is folded, against those while nothing happens.
func measureLookupsWhileFolding(ctx context.Context, f *figures, c *changes, parent string, length time.Duration) (err error) {
	dir, err := os.MkdirTemp(parent, "rddsd-bench-fold-")
	if err != nil {
		return fmt.Errorf("make a directory to fold into: %w", err)
	}
	disk, err := cache.OpenDisk(dir)
	if err != nil {
		return err
	}
	disk.Log = slog.New(slog.DiscardHandler)
	defer func() {
		for _, failed := range [...]error{disk.Close(time.Now(), true), os.RemoveAll(dir)} {
			if err == nil {
				err = failed
			}
		}
	}()
	if err := disk.WriteBase(c.view); err != nil {
		return err
	}
	w := &folder{changes: c, current: new(cache.Cache), disk: disk}
	w.current.Publish(c.view)
	var quiet, busy, ratio []float64
	for range foldRuns {
		for _, m := range [...]struct {
			p999 *[]float64
			do   func(context.Context, time.Duration) error
		}{{&quiet, wait}, {&busy, w.run}} {
			h, err := w.readWhile(ctx, func(ctx context.Context) error { return m.do(ctx, length) })
			if err != nil {
				return err
			}
			*m.p999 = append(*m.p999, float64(h.ValueAtPercentile(99.9))/1e3)
		}
		ratio = append(ratio, busy[len(busy)-1]/quiet[len(quiet)-1])
	}
	f.add("look_quiet_p999_us", "a look-up, nothing applied, p99.9", spreadOf(quiet).Median, "µs")
	f.add("look_fold_p999_us", "a look-up while 10,000 changes a second are applied and folded, p99.9", spreadOf(busy).Median, "µs")
	f.add("look_fold_ratio", "the second by the first, median of 5", spreadOf(ratio).Median, "")
	f.add("look_fold_changes_per_s", "applied meanwhile", float64(w.applied)/w.took.Seconds(), "changes/s")
	f.add("look_fold_bases", "bases folded and served meanwhile", float64(w.folded), "")
	return nil
}

// wait lets some time pass.
func wait(ctx context.Context, length time.Duration) error {
	ctx, stop := context.WithTimeout(ctx, length)
	defer stop()
	<-ctx.Done()
	return nil
}

// readWhile looks names up, one after the other, until do returns.
func (w *folder) readWhile(ctx context.Context, do func(context.Context) error) (*hdrhistogram.Histogram, error) {
	reading, stop := context.WithCancel(ctx)
	gaps := make(chan *hdrhistogram.Histogram, 1)
	go func() { gaps <- readGaps(reading, w.current, w.names) }()
	err := do(ctx)
	stop()
	h := <-gaps
	if err == nil {
		err = ctx.Err()
	}
	return h, err
}

// run applies and folds until a length of time has passed since a folded base was
// served.
func (w *folder) run(ctx context.Context, length time.Duration) error {
	ctx, stop := context.WithCancel(ctx)
	folding := w.fold(ctx)
	defer func() {
		stop()
		<-folding.Done()
	}()
	begun, applied := time.Now(), 0
	for until := (time.Time{}); until.IsZero() || time.Now().Before(until); {
		due := time.NewTimer(time.Until(begun.Add(time.Duration(applied) * time.Second / foldRate)))
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-folding.Done():
			due.Stop()
			next, err := folding.Swap(w.view)
			if err != nil {
				return err
			}
			w.view = next
			w.current.Publish(next)
			w.folded++
			until = time.Now().Add(length)
			runtime.GC() // so that the base before is unmapped, as feed does
			folding = w.fold(ctx)
		case <-due.C:
			delta, err := w.delta(min(foldDelta, len(w.names)/2))
			if err != nil {
				return err
			}
			next, _, err := w.view.Apply(delta, time.Now().Add(time.Hour))
			if err == nil {
				err = w.disk.Append(delta)
			}
			if err != nil {
				return err
			}
			w.view = next
			w.current.Publish(next)
			folding.Add(delta)
			applied += len(delta.Changes)
		}
	}
	w.applied += applied
	w.took += time.Since(begun)
	return nil
}

func (w *folder) fold(ctx context.Context) *cache.Folding {
	return cache.StartFolding(ctx, w.disk.BeginBase(w.view, true).Write)
}
