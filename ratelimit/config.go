package ratelimit

import (
	"cmp"
	"fmt"
	"math"
	"time"
)

// Mode says whether the limiter's decisions bind. It is written "enforce",
// "dry-run" or "off" in the configuration.
type Mode uint8

const (
	Enforce Mode = iota // decide, charge, count; the default
	DryRun              // decide, charge and count, but refuse and degrade nobody
	Off                 // refuse and degrade nobody, charge and count nothing

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

// What a Config that says nothing means, and what it may say. The numbers of days
// and of the guard come from bench harvest; OPERATING.md tells why each.
const (
	DefaultRate        = 5.0  // look-ups a second (design.md §7)
	DefaultBurst       = 60   // look-ups back to back (design.md §7)
	DefaultQuarterHour = 3000 // look-ups in 15 minutes
	DefaultDay         = 240  // objects with contact values in 24 hours
	DefaultMonth       = 750  // objects with contact values in 30 days
	DefaultFree        = 3    // objects with contact values in 30 days, whatever the guard says
	DefaultGuardDay    = 0.02 // share of the objects with contact values in 24 hours
	DefaultGuardMonth  = 0.30 // the same in 30 days

	MinRate        = 0.001
	MaxRate        = 100 // above it a tick of 2 ms is too coarse to be fair
	MinBurst       = 1
	MaxBurst       = 10_000
	MinQuarterHour = 2
	MaxQuarterHour = 100_000
	MinBudget      = 10 // of Day and Month
	MaxBudget      = 20_000
	MaxFree        = 10
	MinGuard       = 0.0001 // of GuardDay and GuardMonth
	MaxGuard       = 1
)

// Config is what an operator may choose. A field that is 0 means its default, but
// Free, which may be none: DefaultConfig says all. Counts are those of one client,
// an IPv4 address or an IPv6 /64; the prefixes around it have multiples of them
// (widths).
type Config struct {
	// Mode says whether decisions bind; default Enforce.
	Mode Mode

	// Rate is how many look-ups a second a client can keep up, from MinRate to
	// MaxRate. The time between two is rounded up to whole ticks of 2 ms.
	Rate float64
	// Burst is how many look-ups a client that was quiet for Burst/Rate seconds
	// can make back to back, from MinBurst to MaxBurst; that must be an hour
	// at most.
	Burst int
	// QuarterHour is how many look-ups a client can make in any 15 minutes: half of
	// them at once, as far as Burst and Rate let it, the other half over that time.
	QuarterHour int

	// Day and Month are how many objects with contact values a client is shown in
	// any 24 hours and in any 30 days: half of them at once, the other half over
	// that time. A zone of less than 80,000 such objects gives less: widths has
	// its share.
	Day, Month int
	// Free is how many objects with contact values each source is shown in any 30 days
	// however full the guard is; 0 = none.
	Free int
	// GuardDay and GuardMonth are the shares of a zone's objects with contact values
	// that all anonymous clients together are shown in any 24 hours and any 30 days,
	// beside the free ones.
	GuardDay, GuardMonth float64
}

// DefaultConfig returns the limits as shipped.
func DefaultConfig() Config { return Config{Free: DefaultFree}.effective() }

// bounded is one number of a Config.
type bounded struct {
	what, unit       string
	value            float64
	least, most, def float64
	set              func(float64)
}

// numbers are the numbers of c that have a default.
func (c *Config) numbers() []bounded {
	whole := func(n *int) func(float64) { return func(v float64) { *n = int(v) } }
	real := func(n *float64) func(float64) { return func(v float64) { *n = v } }
	return []bounded{
		{"rate", "look-ups a second", c.Rate, MinRate, MaxRate, DefaultRate, real(&c.Rate)},
		{"burst", "look-ups", float64(c.Burst), MinBurst, MaxBurst, DefaultBurst, whole(&c.Burst)},
		{"quarter_hour", "look-ups", float64(c.QuarterHour), MinQuarterHour, MaxQuarterHour, DefaultQuarterHour, whole(&c.QuarterHour)},
		{"day", "objects", float64(c.Day), MinBudget, MaxBudget, DefaultDay, whole(&c.Day)},
		{"month", "objects", float64(c.Month), MinBudget, MaxBudget, DefaultMonth, whole(&c.Month)},
		{"guard_day", "of the zone", c.GuardDay, MinGuard, MaxGuard, DefaultGuardDay, real(&c.GuardDay)},
		{"guard_month", "of the zone", c.GuardMonth, MinGuard, MaxGuard, DefaultGuardMonth, real(&c.GuardMonth)},
	}
}

// within reports whether the number may be used; NaN may not.
func (b *bounded) within() bool { return b.value >= b.least && b.value <= b.most }

// Check tells which value is out of its range and what the range is.
func (c Config) Check() error {
	if c.Mode >= modes {
		return fmt.Errorf("limiter mode %d is unknown, the highest is %d", uint8(c.Mode), modes-1)
	}
	for _, n := range c.numbers() {
		if n.value != 0 && !n.within() {
			return fmt.Errorf("limiter %s is %v %s, it must be from %v to %v", n.what, n.value, n.unit, n.least, n.most)
		}
	}
	if c.Free < 0 || c.Free > MaxFree {
		return fmt.Errorf("limiter free is %d objects, it must be from 0 to %d", c.Free, MaxFree)
	}
	if burst, rate := cmp.Or(c.Burst, DefaultBurst), cmp.Or(c.Rate, DefaultRate); float64(burst)/rate > MaxFill.Seconds() {
		return fmt.Errorf("limiter burst is %d look-ups at %v a second, which takes %.0f s; burst / rate must be %.0f s at most",
			burst, rate, float64(burst)/rate, MaxFill.Seconds())
	}
	return nil
}

// effective returns c with its defaults filled in. A value that Check refuses
// becomes the default too: limits that nobody meant must not come into force.
func (c Config) effective() Config {
	if c.Mode >= modes {
		c.Mode = Enforce
	}
	for _, n := range c.numbers() {
		if !n.within() {
			n.set(n.def)
		}
	}
	if c.Free < 0 || c.Free > MaxFree {
		c.Free = DefaultFree
	}
	if float64(c.Burst)/c.Rate > MaxFill.Seconds() {
		c.Rate, c.Burst = DefaultRate, DefaultBurst
	}
	return c
}

// Prices of what an answer teaches, in the unit in which budgets are kept: a new
// object without contact values. An object with contact values costs contactPrice at
// least, and more in a small zone.
const (
	missPrice    = 0.1  // nothing was found, or nothing could be
	repeatPrice  = 0.05 // an object that the client knows; an answer without a body
	contactPrice = 4
)

// settings is a Config as Decide needs it. It never changes once built.
type settings struct {
	config    Config
	systems   *Systems
	dayRoom   float64 // objects with contact values that the account of one client holds, of a day
	monthRoom float64 // and of 30 days

	loadPrice, loadBound [tiers]ticks // of one query
	object               [tiers]ticks // of one new object without contact values
	miss, repeat         [tiers]ticks
}

// budgetBound is what an account of budgets holds, and trifleBound what misses and
// repeats may fill of it: who watches a name all day must be shown it also when a
// restart has forgotten that he has seen it (whois.md L-15).
var (
	budgetBound = ticks{fast: uint64(day / dataFast), slow: uint64(month / dataSlow)}
	trifleBound = ticks{budgetBound.fast / 2, budgetBound.slow / 2}
)

func newSettings(c Config, systems *Systems) *settings {
	c = c.effective()
	s := &settings{config: c, systems: systems, dayRoom: float64(c.Day) / 2, monthRoom: float64(c.Month) / 2}
	for t, w := range widths {
		fast := costOf(time.Second, loadFast, c.Rate*w.load)
		quarter := math.Max(float64(c.QuarterHour)/2, 1) * w.load
		slow := costOf(quarterHour, loadSlow, quarter)
		s.loadPrice[t] = lasting(ticks{fast, slow}, loadFast, loadSlow)
		s.loadBound[t] = ticks{ // where a tick is too coarse for a wide network, less than the multiple
			min(fast*uint64(float64(c.Burst)*w.load), uint64(MaxFill/loadFast)),
			min(slow*uint64(quarter), uint64(quarterHour/loadSlow)),
		}
		// Where Rate is slower than QuarterHour, it alone limits.
		s.loadBound[t] = lasting(s.loadBound[t], loadFast, loadSlow)
		price := func(units float64) ticks {
			return lasting(ticks{
				fast: costOf(day, dataFast, s.dayRoom*w.data*contactPrice/units),
				slow: costOf(month, dataSlow, s.monthRoom*w.data*contactPrice/units),
			}, dataFast, dataSlow)
		}
		s.object[t], s.miss[t], s.repeat[t] = price(1), price(missPrice), price(repeatPrice)
	}
	return s
}
