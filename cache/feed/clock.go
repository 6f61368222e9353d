package feed

import (
	"math/rand/v2"
	"time"
)

// Clock is where a Follower and a Source take time and chance from, so that a
// run can be simulated. The zero Clock is the machine's.
type Clock struct {
	Now    func() time.Time                     // default time.Now; ages are differences of it, so it should carry a monotonic reading
	After  func(time.Duration) <-chan time.Time // default time.After
	Random func() float64                       // at least 0, below 1; default rand.Float64
}

// Complete returns c with the machine's own for what is not set.
func (c Clock) Complete() Clock {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.After == nil {
		c.After = time.After
	}
	if c.Random == nil {
		c.Random = rand.Float64
	}
	return c
}

// Jitter returns d changed by up to share of it, up or down.
func (c Clock) Jitter(d time.Duration, share float64) time.Duration {
	return d + time.Duration(share*(2*c.Random()-1)*float64(d))
}

// minBackoff is the least wait before another attempt (feed.md §5).
const minBackoff = 250 * time.Millisecond

// backoff returns how long to wait after the failures-th failure in a row: at
// least minBackoff, and at random up to a bound that doubles from twice that to
// most, so that a fleet does not come back in step.
func (c Clock) backoff(failures int, most time.Duration) time.Duration {
	bound := most
	if failures < 8 { // 250 ms << 7 = 32 s
		bound = min(most, minBackoff<<failures)
	}
	return minBackoff + time.Duration(c.Random()*float64(max(0, bound-minBackoff)))
}
