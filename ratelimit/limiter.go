package ratelimit

import (
	"crypto/rand"
	"encoding/binary"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"
)

// tableLines makes the table of accounts 32 MiB: 1.5 million cells of load and
// 2.1 million of budgets. Load is forgotten within 15 minutes; what an anonymous
// client learns, for a light one within hours. With the filter of free objects and
// the memories of repeats and of demand the limiter takes 73 MiB, whatever is sent at it.
const tableLines = 1 << 19

// Limiter decides whether a client may learn something now. There is one for the
// process, so that WHOIS, RDAP and the web share one account per client.
//
// All methods are safe for concurrent use. Decide, Client and Try take no lock, wait
// for nothing and allocate nothing.
type Limiter struct {
	epoch    time.Time // when New was called, by its clock
	secret   secret
	boot     []byte        // what tells this boot of the machine apart; nil = unknown
	before   atomic.Uint64 // nanoseconds of this clock that had passed at epoch, in earlier runs
	cautious atomic.Uint64 // until then nothing is free: the charges of before are lost
	table    []line
	hammers  hammers
	repeats  repeats
	free     free
	demands  demands
	canaries []atomic.Int64 // by account: when its account of canaries will be empty
	settings atomic.Pointer[settings]
	networks atomic.Pointer[Networks]
	zones    atomic.Pointer[zones]
	top      top

	mu sync.Mutex // held while settings or zones change

	_      [64]byte // the counters change under attack; what every query reads must not share their cache line
	counts struct {
		refused, degraded         [Causes]atomic.Uint64
		wouldRefuse, wouldDegrade [Causes]atomic.Uint64
		crowded, hammering        atomic.Uint64
		canary                    atomic.Uint64
	}
}

// New returns a Limiter whose accounts are all empty. It reads no clock itself:
// epoch is the time it counts from, not later than any time given to Decide; in
// the server it is time.Now() at start. config is expected to have passed Check.
func New(config Config, epoch time.Time) *Limiter {
	l := &Limiter{
		epoch: epoch, boot: bootID(), table: huge(make([]line, tableLines)),
		hammers:  hammers{cells: make([]atomic.Uint64, hammerCells)},
		repeats:  repeats{huge(make([][8]atomic.Uint64, repeatBuckets))},
		canaries: make([]atomic.Int64, canaryCells), free: newFree(),
		demands: demands{huge(make([][8]atomic.Uint64, demandBuckets))},
	}
	var key [32]byte
	rand.Read(key[:]) // never fails
	for i := range l.secret {
		l.secret[i] = binary.NativeEndian.Uint64(key[8*i:])
	}
	l.networks.Store(new(Networks))
	l.zones.Store(&zones{})
	l.SetConfig(config)
	return l
}

// SetConfig puts config in force for every Decide that begins after it returns.
// The accounts stay: nobody gets a fresh burst by a reload. config is expected
// to have passed Check.
func (l *Limiter) SetConfig(config Config) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var systems *Systems
	if old := l.settings.Load(); old != nil {
		systems = old.systems
	}
	l.use(newSettings(config, systems))
}

// SetSystems puts a table of AS numbers in force; nil = none.
func (l *Limiter) SetSystems(systems *Systems) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.use(newSettings(l.settings.Load().config, systems))
}

// use puts s in force. The caller holds l.mu.
func (l *Limiter) use(s *settings) {
	l.settings.Store(s)
	l.makeZone("")
	for _, z := range *l.zones.Load() {
		z.prices.Store(newZonePrices(z.size, s))
	}
}

// Config returns what is in force, defaults filled in. The numbers in help
// texts and terms come from here (whois.md L-13).
func (l *Limiter) Config() Config { return l.settings.Load().config }

// nanos returns now by the limiter's own clock, which goes on over restarts.
func (l *Limiter) nanos(now time.Time) uint64 {
	return l.before.Load() + uint64(max(now.Sub(l.epoch), 0))
}

// line returns the line of the table that holds the account of hash.
func (l *Limiter) line(hash uint64) *line { return &l.table[hash&(tableLines-1)] }

// Decide charges ask to client and to each wider prefix around it, narrowest first,
// and says what to do with the answer. It is called once a query, whatever the class
// of its answer, and neither writes nor sleeps nor logs.
//
// Each query is load, whatever it asks, and load alone is refused. A refusal costs
// nothing: who comes back after RetryIn is answered by the prefix that refused, and
// asking in between does not lengthen the wait (L-07), unless it is hammering:
// more than 10 refusals a second lengthen it by a second each, by five minutes at
// most. RetryIn is exact; round it up when writing it in seconds.
//
// What the answer teaches is charged to the budgets of a day and of 30 days, and
// an answer that does not fit is degraded, never refused. What was charged in a
// narrow prefix stays charged if a wider one says no. A repeat is shown in full
// even so, because it teaches nothing.
//
// now should carry a monotonic reading, as time.Now() does, and so stay clear of
// steps of the wall clock. A time before the epoch counts as the epoch.
func (l *Limiter) Decide(client Client, ask Ask, now time.Time) Decision {
	s := l.settings.Load()
	if s.config.Mode == Off || client.Audience == Probe {
		return Decision{}
	}
	var d Decision
	var q inquiry
	q.Limiter, q.settings, q.nanos, q.act, q.ask = l, s, l.nanos(now), true, ask
	// Field by field, as it came in registers (instant.loadAt).
	q.client.Addr, q.client.Audience, q.client.network = client.Addr, client.Audience, client.network
	if q.judge(now, &d) {
		return Decision{}
	}
	return l.settle(client, d, s, now)
}

// Try returns what Decide would return in mode Enforce, and charges and counts
// nothing.
func (l *Limiter) Try(client Client, ask Ask, now time.Time) Decision {
	if client.Audience == Probe {
		return Decision{}
	}
	var d Decision
	q := inquiry{Limiter: l, settings: l.settings.Load(), client: client, ask: ask, nanos: l.nanos(now)}
	q.judge(now, &d)
	return d
}

// settle counts a decision that is not in full, and returns what comes of it in
// the mode that is in force.
func (l *Limiter) settle(client Client, d Decision, s *settings, now time.Time) Decision {
	if !d.hammering {
		l.top.note(client.Network(), d, 1, now)
	} else if l.counts.hammering.Add(1)%hammerSample == 0 {
		l.top.note(client.Network(), d, hammerSample, now)
	}
	d.hammering = false
	dry := s.config.Mode == DryRun
	switch {
	case d.Verdict == Refuse && dry:
		l.counts.wouldRefuse[d.Cause].Add(1)
	case d.Verdict == Refuse:
		l.counts.refused[d.Cause].Add(1)
	case dry:
		l.counts.wouldDegrade[d.Cause].Add(1)
	default:
		l.counts.degraded[d.Cause].Add(1)
	}
	if dry {
		return Decision{}
	}
	return d
}

// Memory returns how many bytes the limiter holds, which does not change.
func (l *Limiter) Memory() int64 {
	return int64(len(l.table))*int64(unsafe.Sizeof(line{})) + repeatBuckets*64 + demandBuckets*64 + 2*freeWords*8 + hammerCells*8 + canaryCells*8 + int64(unsafe.Sizeof(l.top))
}
