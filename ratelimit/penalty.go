package ratelimit

import (
	"net/netip"
	"sync/atomic"
	"time"
)

const (
	// hammerCells makes the table of those who are being refused 512 KiB. Two that
	// share a cell share their count; both are being refused.
	hammerCells = 1 << 16

	// hammerEvery and hammerBurst are how many refusals a client may provoke without
	// a longer wait: 10 a second (whois.md L-07), 20 at once.
	hammerEvery = int64(100 * time.Millisecond)
	hammerBurst = 20

	// hammerPenalty is what each refusal beyond that adds to the wait.
	hammerPenalty = time.Second
)

// hammers counts refusals: GCRAs without owners.
type hammers struct{ cells []atomic.Uint64 }

// hammered notes that a query of the client was refused, and lengthens its wait
// if it hammers, which it reports. The lengthening ends by itself, like any charge.
func (l *Limiter) hammered(a *accounts, now *instant, s *settings) bool {
	first := &a.list[0]
	cell := &l.hammers.cells[first.hash>>16%hammerCells]
	was := cell.Load()
	next := max(int64(was), int64(now.nanos)) + hammerEvery
	if next-int64(now.nanos) <= hammerBurst*hammerEvery {
		cell.CompareAndSwap(was, uint64(next)) // one that is lost to another refusal is one less counted
		return false
	}
	most := s.loadBound[first.tier].fast + uint64(maxPenalty/loadFast)
	delay(l.line(first.hash).load[:], first.hash, now, uint64(hammerPenalty/loadFast), most)
	return true
}

const (
	// canaryCells makes the table of who has asked for canaries 128 KiB.
	canaryCells = 1 << 14

	// canaryRoom and canaryEvery are how many canaries a client may ask for by
	// chance: two, and another each 15 days.
	canaryRoom  = 2
	canaryEvery = int64(15 * day)

	// canaryShare is what part of the budget of each wider prefix a client takes
	// with it.
	canaryShare = 8
)

// canary notes that the client asks for a canary it has not asked for before. Who
// asks for several is copying the zone: his budgets are taken whole, and a part of
// those of the prefixes around him.
func (l *Limiter) canary(a *accounts, now *instant, who netip.Prefix) {
	cell := &l.canaries[a.list[0].hash>>16%canaryCells]
	if fit(cell, int64(now.nanos), canaryEvery, canaryRoom*canaryEvery, true) {
		return
	}
	l.counts.canary.Add(1)
	l.top.canary(who)
	for i := range a.n {
		account := &a.list[i]
		share := uint64(canaryShare)
		if i == 0 {
			share = 1
		}
		raise(l.line(account.hash).data[:], account.hash, now, ticks{budgetBound.fast / share, budgetBound.slow / share}, budgetBound)
	}
}
