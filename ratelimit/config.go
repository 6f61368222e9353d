package ratelimit

import (
	"fmt"
	"time"
)

// Mode says whether the limiter's decisions bind. It is written "enforce",
// "dry-run" or "off" in the configuration.
type Mode uint8

const (
	Enforce Mode = iota // decide, charge, count; the default
	DryRun              // decide, charge and count, but refuse nobody
	Off                 // refuse nobody, charge and count nothing

	modes = 3
)

var modeNames = [modes]string{"enforce", "dry-run", "off"}

// String returns the mode as the configuration writes it.
func (m Mode) String() string {
	if m >= modes {
		return fmt.Sprintf("mode %d", uint8(m))
	}
	return modeNames[m]
}

// MarshalText returns the mode as the configuration writes it.
func (m Mode) MarshalText() ([]byte, error) {
	if m >= modes {
		return nil, fmt.Errorf("write limiter mode %d: there is no such mode", uint8(m))
	}
	return []byte(modeNames[m]), nil
}

// UnmarshalText reads a mode as the configuration writes it. The empty text is
// an error: who leaves the key out means Enforce, who writes "" has forgotten something.
func (m *Mode) UnmarshalText(text []byte) error {
	for i, name := range modeNames {
		if string(text) == name {
			*m = Mode(i)
			return nil
		}
	}
	return fmt.Errorf("limiter mode %q is unknown, write %q, %q or %q",
		text, modeNames[Enforce], modeNames[DryRun], modeNames[Off])
}

// What a Config that says nothing means (design.md §7), and what it may say.
const (
	DefaultRate  = 5.0 // look-ups a second
	DefaultBurst = 60  // look-ups back to back

	MinRate  = 0.001
	MaxRate  = 1000 // above it a tick of 0.1 ms is too coarse to be fair
	MinBurst = 1
	MaxBurst = 10_000
)

// Config is what an operator may choose. Its zero value is the default.
type Config struct {
	// Mode says whether decisions bind; default Enforce.
	Mode Mode

	// Rate is how many look-ups a second one client, an IPv4 address or an IPv6
	// /64, can keep up. From MinRate to MaxRate; 0 is DefaultRate. The time
	// between two look-ups is rounded up to a whole tick of 0.1 ms.
	Rate float64

	// Burst is how many look-ups a client that was quiet for Burst/Rate seconds
	// can make back to back. From MinBurst to MaxBurst; 0 is DefaultBurst.
	Burst int
}

// Check tells which value is out of its range and what the range is.
func (c Config) Check() error {
	if c.Mode >= modes {
		return fmt.Errorf("limiter mode %d is unknown, the highest is %d", uint8(c.Mode), modes-1)
	}
	if c.Rate != 0 && !(c.Rate >= MinRate && c.Rate <= MaxRate) { // so written, NaN is refused too
		return fmt.Errorf("limiter rate is %v look-ups a second, it must be from %v to %v", c.Rate, MinRate, MaxRate)
	}
	if c.Burst != 0 && (c.Burst < MinBurst || c.Burst > MaxBurst) {
		return fmt.Errorf("limiter burst is %d look-ups, it must be from %d to %d", c.Burst, MinBurst, MaxBurst)
	}
	return nil
}

// effective returns c with its defaults filled in. A value that Check refuses
// becomes the default too: limits that nobody meant must not come into force.
func (c Config) effective() Config {
	if c.Mode >= modes {
		c.Mode = Enforce
	}
	if !(c.Rate >= MinRate && c.Rate <= MaxRate) {
		c.Rate = DefaultRate
	}
	if c.Burst < MinBurst || c.Burst > MaxBurst {
		c.Burst = DefaultBurst
	}
	return c
}

// limits is a Config as the table needs it. It never changes once built.
type limits struct {
	config   Config
	mode     Mode
	cost     ticks // what one look-up adds to an account
	capacity ticks // what an account can hold: Burst look-ups
}

func newLimits(c Config) *limits {
	c = c.effective()
	// Rounded up: a client may get a trifle less than Rate, never more.
	between := time.Duration(float64(time.Second)/c.Rate + 0.5)
	cost := ticks((between + tick - 1) / tick)
	return &limits{config: c, mode: c.Mode, cost: cost, capacity: cost * ticks(c.Burst)}
}
