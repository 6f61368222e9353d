package tally

import (
	"context"
	"time"
)

// saveEach is how often the counts are written while there are queries: a crash
// loses at most this much, the time to write, and less than the 60 s that
// design.md §6 allows.
const saveEach = 30 * time.Second

// Serve writes the counts while ctx lasts, and once more at its end; what is
// counted after that is written by Save. A write that fails is tried again with
// the next, and logged when writing begins to fail and when it works again.
func (t *Tally) Serve(ctx context.Context) error {
	timer := time.NewTimer(t.wait())
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return t.Save()
		case <-timer.C:
			t.save()
			timer.Reset(t.wait())
		}
	}
}

// wait returns how long until the next write: at the turn of the month at the
// latest, so that each query counts in the month in which it came.
func (t *Tally) wait() time.Duration {
	now := t.now()
	return min(saveEach, max((MonthOf(now)+1).Begins().Sub(now), time.Millisecond))
}

func (t *Tally) save() {
	err := t.Save()
	switch {
	case err != nil && !t.failing:
		t.log.Error("the query counts cannot be written; those since the last time are lost if the program dies", "error", err)
	case err == nil && t.failing:
		t.log.Info("the query counts are written again", "file", t.path)
	}
	t.failing = err != nil
}
