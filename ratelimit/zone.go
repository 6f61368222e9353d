package ratelimit

import (
	"maps"
	"slices"
	"sync/atomic"
	"time"
)

// smallestZone is how many objects with contact values a zone counts for at least: a
// share of a smaller one would be a handful, and who wants all of it has copied it
// by hand.
const smallestZone = 10_000

// The guards, like every account, are leaky buckets: what they hold at once and what
// drains within the window make up the share that is configured. The guard of a day
// holds much and that of 30 days drains much, so that both let the same through for
// good (0.7 % of the zone a day) and neither is filled by one network.
const (
	dayRoomShare   = 0.65 // of GuardDay, held at once
	monthRoomShare = 0.30 // of GuardMonth

	// How long a full guard takes to drain: the rest of the share in a window.
	dayDrain   = day * 65 / 35
	monthDrain = month * 30 / 70
)

// zone is what the limiter knows of one TLD: how many objects with contact values
// there are, what one of them costs in each tier, and its guard.
//
// The guard bounds the share of those objects that is shown to anonymous clients, in
// a day and in 30 days, however many they are. It is two GCRAs like the accounts.
// What is shown for free (Config.Free) and repeats are outside it.
type zone struct {
	size   int // as told by SetZone
	prices atomic.Pointer[zonePrices]
	day    atomic.Int64 // when the guard of a day will be empty, in nanoseconds of the limiter's clock
	month  atomic.Int64 // the same of 30 days
	quiet  atomic.Int64 // when the guard was nearly empty last, in hours of the limiter's clock
}

// zonePrices are what one object with contact values costs.
type zonePrices struct {
	of         [tiers]ticks // an account
	day, month int64        // the guard, in nanoseconds
}

func newZonePrices(size int, s *settings) *zonePrices {
	n := float64(max(size, smallestZone))
	p := new(zonePrices)
	for t, w := range widths {
		p.of[t] = lasting(ticks{
			fast: costOf(day, dataFast, min(s.dayRoom*w.data, n*w.shareDay)),
			slow: costOf(month, dataSlow, min(s.monthRoom*w.data, n*w.shareMonth)),
		}, dataFast, dataSlow)
	}
	p.day = int64(float64(dayDrain) / (n * s.config.GuardDay * dayRoomShare))
	p.month = int64(float64(monthDrain) / (n * s.config.GuardMonth * monthRoomShare))
	return p
}

// costOf returns what one of n costs in ticks, if n fill an account that takes
// window to drain. Rounded up: nobody gets more than he is told.
func costOf(window, tick time.Duration, n float64) uint64 {
	cost := float64(window) / float64(tick) / n
	whole := uint64(cost)
	if float64(whole) < cost*(1-1e-12) { // not for the error of the division
		whole++
	}
	return max(whole, 1)
}

// fill returns how full the guard is at now, from 0 to 1, by day and by 30 days.
func (z *zone) fill(now int64) (inDay, inMonth float64) {
	return share(z.day.Load()-now, dayDrain), share(z.month.Load()-now, monthDrain)
}

func share(left int64, of time.Duration) float64 { return min(max(float64(left)/float64(of), 0), 1) }

// quiet is the share of the guard below which nobody takes more than it can spare. A
// rush is the time since it was last below.
const quiet = 0.10

// reaches reports whether the guard is empty enough at now for a source of which
// asked is known.
func (z *zone) reaches(now int64, asked demand) bool {
	full, hour := fullest(z.fill(now)), now/int64(time.Hour)
	if full <= calm {
		if full < quiet && z.quiet.Load() < hour {
			z.quiet.Store(hour) // not each time: all queries read this cache line
		}
		return true
	}
	return full <= asked.reach(uint64(max(hour-z.quiet.Load(), 0)))
}

// charge adds the price of n objects to both horizons of the guard, or to none.
// Without act it only tells whether they fit.
func (z *zone) charge(now int64, n int, act bool) bool {
	p := z.prices.Load()
	if !fit(&z.month, now, p.month*int64(n), int64(monthDrain), act) {
		return false
	}
	if !fit(&z.day, now, p.day*int64(n), int64(dayDrain), act) {
		if !act {
			return false
		}
		z.month.Add(-p.month * int64(n))
		return false
	}
	return true
}

// fit adds cost to the account that will be empty at *empty, if it then holds no
// more than capacity. Without act it adds nothing.
func fit(empty *atomic.Int64, now, cost, capacity int64, act bool) bool {
	for {
		was := empty.Load()
		next := max(was, now) + cost
		if next-now > capacity {
			return false
		}
		if !act || empty.CompareAndSwap(was, next) {
			return true
		}
	}
}

// zones are the zones by their TLD. The map does not change once it is stored.
type zones map[string]*zone

// zone returns the zone of tld; that of "" stands for all that SetZone has not told.
func (l *Limiter) zone(tld string) *zone {
	all := *l.zones.Load()
	if z := all[tld]; z != nil {
		return z
	}
	return all[""]
}

// SetZone tells how many objects of tld show contact values. What the limits let
// through follows it; the charges stay.
func (l *Limiter) SetZone(tld string, objects int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	z := l.makeZone(tld)
	z.size = objects
	z.prices.Store(newZonePrices(objects, l.settings.Load()))
}

// makeZone returns the zone of tld, which is made if there is none. The caller holds l.mu.
func (l *Limiter) makeZone(tld string) *zone {
	all := *l.zones.Load()
	z := all[tld]
	if z == nil {
		z = new(zone)
		z.prices.Store(newZonePrices(0, l.settings.Load()))
		if until := int64(l.cautious.Load()); until > 0 {
			z.distrust(until - int64(distrustFor)) // its charges are lost as those of the others
		}
		all = maps.Clone(all)
		all[tld] = z
		l.zones.Store(&all)
	}
	return z
}

// ZoneStatus tells how one zone stands.
type ZoneStatus struct {
	TLD     string  `json:"tld"`
	Objects int     `json:"objects"` // with contact values, as SetZone told
	Day     float64 `json:"day"`     // share of the guard that is used, 0 to 1
	Month   float64 `json:"month"`
}

// Zones tells how the zones stand at now, by TLD.
func (l *Limiter) Zones(now time.Time) []ZoneStatus {
	l.mu.Lock()
	defer l.mu.Unlock()
	all, nanos := *l.zones.Load(), int64(l.nanos(now))
	var list []ZoneStatus
	for _, tld := range slices.Sorted(maps.Keys(all)) {
		if tld == "" && all[tld].month.Load() == 0 && len(all) > 1 {
			continue // nobody needed it
		}
		s := ZoneStatus{TLD: tld, Objects: all[tld].size}
		s.Day, s.Month = all[tld].fill(nanos)
		list = append(list, s)
	}
	return list
}

func fullest(inDay, inMonth float64) float64 { return max(inDay, inMonth) }
