package ratelimit

import (
	"cmp"
	"net/netip"
	"slices"
	"sync"
	"time"
)

const (
	topSets = 64 // of the record of who meets limits
	topWays = 4

	// topKept is how long a client is told of after it met a limit last (whois.md L-12).
	topKept = day
)

// Met tells how often one client has met a limit.
type Met struct {
	Network  netip.Prefix `json:"network"` // IPv4 address or IPv6 /64
	Refused  uint64       `json:"refused"`
	Degraded uint64       `json:"degraded"`
	Canaries uint64       `json:"canaries"` // how often it asked for more canaries than by chance
	Cause    string       `json:"cause"`    // of the last time
	Last     time.Time    `json:"last"`
	cause    Cause
}

func (m *Met) times() uint64 { return m.Refused + m.Degraded }

// top is a record of those who met limits most, for the operator, in memory of fixed
// size and never on disk. It is a sample: while somebody writes into it, others
// pass by. Of those that do not fit, who has met the fewest limits goes first.
type top struct {
	mu   sync.Mutex // taken with TryLock where a query would wait
	sets [topSets][topWays]Met
}

// hammerSample is of how many refusals of those who hammer one is recorded, for all:
// a refusal must stay cheap.
const hammerSample = 16

// note records n times d about network.
func (t *top) note(network netip.Prefix, d Decision, n uint64, now time.Time) {
	if !t.mu.TryLock() {
		return
	}
	defer t.mu.Unlock()
	m := t.entry(network, now)
	if d.Verdict == Refuse {
		m.Refused += n
	} else {
		m.Degraded += n
	}
	m.cause, m.Last = d.Cause, now
}

// canary records that network asked for canaries.
func (t *top) canary(network netip.Prefix) {
	if !t.mu.TryLock() {
		return
	}
	defer t.mu.Unlock()
	t.entry(network, time.Time{}).Canaries++
}

// entry returns the entry of network, which may take the place of another's.
func (t *top) entry(network netip.Prefix, now time.Time) *Met {
	octets := network.Addr().As16()
	set := &t.sets[(octets[4]^octets[5]*3^octets[6]*7^octets[7]*31^octets[12]^octets[13]*3^octets[14]*7^octets[15]*31)%topSets]
	least := &set[0]
	for i := range set {
		m := &set[i]
		if m.Network == network {
			return m
		}
		if now.Sub(m.Last) > topKept && !now.IsZero() {
			*m = Met{}
		}
		if m.times() < least.times() {
			least = m
		}
	}
	*least = Met{Network: network, Last: now}
	return least
}

// Top returns who met limits most in the last day, the most first, n at most.
func (l *Limiter) Top(n int, now time.Time) []Met {
	l.top.mu.Lock()
	var list []Met
	for _, set := range l.top.sets {
		for _, m := range set {
			if m.Network.IsValid() && (now.Sub(m.Last) <= topKept || m.Last.IsZero()) {
				m.Cause = m.cause.String()
				list = append(list, m)
			}
		}
	}
	l.top.mu.Unlock()
	slices.SortFunc(list, func(a, b Met) int {
		return cmp.Or(cmp.Compare(b.times(), a.times()), a.Network.Addr().Compare(b.Network.Addr()))
	})
	return list[:min(n, len(list))]
}

// forget removes the entry of network.
func (t *top) forget(network netip.Prefix) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := range t.sets {
		for j := range t.sets[i] {
			if m := &t.sets[i][j]; m.Network == network {
				*m = Met{}
			}
		}
	}
}
