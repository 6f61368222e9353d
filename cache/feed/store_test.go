package feed

import (
	"testing"
	"time"
)

// A base for what was withdrawn is begun so that it is there within a minute, the
// poll before it included, even if it takes twice as long as the last one; where
// nothing helps, it is begun soon.
func TestScrubIn(t *testing.T) {
	for took, want := range map[time.Duration]time.Duration{
		0:                      minScrub, // nothing is known
		20 * time.Millisecond:  maxScrub - 40*time.Millisecond,
		3 * time.Second:        44 * time.Second,
		10 * time.Second:       30 * time.Second,
		10 * time.Minute:       minScrub,
		-20 * time.Millisecond: maxScrub, // the clock was set back
	} {
		if got := scrubIn(took); got != want {
			t.Errorf("scrubIn(%v) = %v, want %v", took, got, want)
		}
	}
}
