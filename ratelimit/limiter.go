package ratelimit

import (
	"hash/maphash"
	"net/netip"
	"sync/atomic"
	"time"
)

// Limiter decides whether a client may learn something now. There is one for the
// process, so that WHOIS, RDAP and the web share one account per client.
//
// A client is an IPv4 address or an IPv6 /64, and its load is limited: Burst
// look-ups back to back, then Rate a second. The accounts live in a table of fixed
// size (4 MiB); whatever is sent at it, it neither grows nor needs a sweep, and
// nobody gains a look-up by filling it (see table).
//
// All methods are safe for concurrent use, never block and never allocate, but for
// SetConfig, which allocates.
type Limiter struct {
	epoch    time.Time
	seed     maphash.Seed // a new one each start, so that nobody can aim at a bucket
	accounts table
	limits   atomic.Pointer[limits]

	_      [64]byte // the counters change under attack; what every query reads must not share their cache line
	counts struct {
		refused, wouldRefuse, crowded atomic.Uint64
	}
}

// New returns a Limiter whose accounts are all empty. It reads no clock itself:
// epoch is the time it counts from, not later than any time given to Decide; in
// the server it is time.Now() at start. config is expected to have passed Check.
func New(config Config, epoch time.Time) *Limiter {
	l := &Limiter{epoch: epoch, seed: maphash.MakeSeed(), accounts: newTable(tableBuckets)}
	l.SetConfig(config)
	return l
}

// SetConfig puts config in force for every Decide that begins after it returns.
// The accounts stay: nobody gets a fresh burst by a reload. config is expected
// to have passed Check.
func (l *Limiter) SetConfig(config Config) { l.limits.Store(newLimits(config)) }

// Config returns what is in force, defaults filled in. The numbers in help
// texts and terms come from here (whois.md L-13).
func (l *Limiter) Config() Config { return l.limits.Load().config }

// Decide charges ask to client and says whether it may be answered in full. It
// is called once a query, whatever the class of its answer, and neither writes
// nor sleeps nor logs. Load is limited by the number of queries, so each costs
// one, whatever ask says.
//
// A refusal costs nothing: who comes back after RetryIn is answered, and asking
// in between does not lengthen the wait (L-07). RetryIn is exact; round it up
// when writing it in seconds. A client whose audience is Probe is neither limited
// nor charged.
//
// now should carry a monotonic reading, as time.Now() does, and so stay clear of
// steps of the wall clock. Time that runs backwards is borne: a step of up to a minute
// makes clients wait that much longer, a longer one costs each the rest of its burst
// once. A time before the epoch counts as the epoch.
func (l *Limiter) Decide(client Client, _ Ask, now time.Time) Decision {
	limits := l.limits.Load()
	if limits.mode == Off || client.Audience == Probe {
		return Decision{Verdict: Full}
	}
	since := max(now.Sub(l.epoch), 0)
	wait, crowded := l.accounts.charge(l.hash(client.Addr), ticks(since/tick), limits.cost, limits.capacity)
	if crowded {
		l.counts.crowded.Add(1)
	}
	if wait == 0 {
		return Decision{Verdict: Full}
	}
	if limits.mode == DryRun {
		l.counts.wouldRefuse.Add(1)
		return Decision{Verdict: Full}
	}
	l.counts.refused.Add(1)
	return Decision{
		Verdict: Refuse,
		Network: client.Network(),
		RetryIn: time.Duration(wait)*tick - since%tick, // wait counts from the tick that now is in
	}
}

// hash names the account of addr: an IPv4 address, or the /64 of an IPv6 one. What
// has no address, such as a peer on a unix socket, has one account for all its kind.
func (l *Limiter) hash(addr netip.Addr) uint64 {
	addr = addr.Unmap()
	switch {
	case addr.Is4():
		octets := addr.As4()
		return maphash.Bytes(l.seed, octets[:])
	case addr.Is6():
		octets := addr.As16()
		return maphash.Bytes(l.seed, octets[:8])
	default:
		return maphash.Bytes(l.seed, nil)
	}
}

// Counts are the limiter's own counters since New.
type Counts struct {
	Refused     uint64 // queries refused in mode Enforce
	WouldRefuse uint64 // queries that mode DryRun let pass and Enforce would have refused
	Crowded     uint64 // accounts opened on the charge of another, because the table had no free cell for them
}

// Counts returns the counters. Each is exact; they are not read at one instant.
func (l *Limiter) Counts() Counts {
	return Counts{
		Refused:     l.counts.refused.Load(),
		WouldRefuse: l.counts.wouldRefuse.Load(),
		Crowded:     l.counts.crowded.Load(),
	}
}
