package listen

import (
	"net/netip"
	"sync"
)

// Verdict is what Acquire found.
type Verdict uint8

const (
	Granted Verdict = iota // within all caps
	Crowded                // the client has as many connections as it may; serve it only a refusal
	Full                   // there is no slot left; close at once
)

// Limits are how many connections may be open at once; 0 = as many as come.
type Limits struct {
	PerClient int // of one IPv4 address or one IPv6 /64
	Total     int
}

// Caps counts the connections that are open. It is safe for concurrent use. Its
// memory is bounded by Total: it knows only clients that have a connection.
type Caps struct {
	mu     sync.Mutex
	limits Limits
	open   int
	client map[netip.Prefix]int
}

// NewCaps returns caps with limits.
func NewCaps(limits Limits) *Caps {
	return &Caps{limits: limits, client: make(map[netip.Prefix]int)}
}

// SetLimits changes the limits for connections from now on.
func (c *Caps) SetLimits(limits Limits) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.limits = limits
}

// Slot is one open connection's place. Release gives it back, once.
type Slot struct {
	caps   *Caps
	client netip.Prefix
}

// Acquire takes a place for a connection from addr. It takes none when the
// verdict is Full. A crowded client's connection has a place like any other, for
// the time that telling it takes: refusing before reading would reset it
// (whois.md W-07).
func (c *Caps) Acquire(addr netip.Addr) (Slot, Verdict) {
	client := clientOf(addr)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.limits.Total > 0 && c.open >= c.limits.Total {
		return Slot{}, Full
	}
	c.open++
	c.client[client]++
	if c.limits.PerClient > 0 && c.client[client] > c.limits.PerClient {
		return Slot{c, client}, Crowded
	}
	return Slot{c, client}, Granted
}

// Release gives the place back. On the zero Slot it does nothing.
func (s Slot) Release() {
	if s.caps == nil {
		return
	}
	s.caps.mu.Lock()
	defer s.caps.mu.Unlock()
	s.caps.open--
	if s.caps.client[s.client]--; s.caps.client[s.client] == 0 {
		delete(s.caps.client, s.client)
	}
}

// Occupancy returns the share of the places that are taken, 0 when there is no
// limit on them.
func (c *Caps) Occupancy() float64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.limits.Total == 0 {
		return 0
	}
	return float64(c.open) / float64(c.limits.Total)
}

// Open returns how many connections have a place.
func (c *Caps) Open() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.open
}

// clientOf returns the network that counts as one client.
func clientOf(addr netip.Addr) netip.Prefix {
	addr = addr.Unmap().WithZone("")
	bits := 32
	if addr.Is6() {
		bits = 64
	}
	client, err := addr.Prefix(bits)
	if err != nil {
		return netip.Prefix{} // no address: all of them are one client
	}
	return client
}
