package feed

import "time"

// LagBounds are the upper bounds of the buckets of Lags.
var LagBounds = [...]time.Duration{
	10 * time.Millisecond, 25 * time.Millisecond, 50 * time.Millisecond, 100 * time.Millisecond, 250 * time.Millisecond, 500 * time.Millisecond,
	time.Second, 2500 * time.Millisecond, 5 * time.Second, 10 * time.Second, 30 * time.Second, time.Minute,
}

// Lags counts how long deltas took from commit to answer.
type Lags struct {
	Count  uint64
	Sum    time.Duration
	Within [len(LagBounds)]uint64 // how many took at most that long
}

func (l *Lags) add(lag time.Duration) {
	l.Count++
	l.Sum += lag
	for i, bound := range LagBounds {
		if lag <= bound {
			l.Within[i]++
		}
	}
}
