package listen

import (
	"encoding/binary"
	"net/netip"
	"sync"
)

// Verdict is what Acquire found.
type Verdict uint8

const (
	Granted Verdict = iota // within all caps
	Crowded                // the client has as many connections as it may; serve it only a refusal
	Full                   // there is no place left; close at once
)

// Limits are how many connections may be open at once; 0 = as many as come.
type Limits struct {
	PerClient int // of one IPv4 address or one IPv6 /64
	Total     int
}

// maxCrowded is how many of the places may go to crowded clients: half, so that one
// client that opens connections without end cannot keep everybody else out.
func (l Limits) maxCrowded() int { return max(1, l.Total/2) }

// Caps counts the connections that are open. It is safe for concurrent use. Its
// memory is bounded by Total: it knows only clients that have a connection.
type Caps struct {
	mu      sync.Mutex
	limits  Limits
	open    int            // connections that have a place, crowded ones included
	crowded int            // of them, those that do not count against their clients
	granted map[client]int // places of each client, without these
}

// client is an IPv4 address or an IPv6 /64: what its connections are counted by. The
// zero client stands for all that have no address.
type client struct {
	network uint64
	bits    uint8
}

// NewCaps returns caps with limits.
func NewCaps(limits Limits) *Caps {
	return &Caps{limits: limits, granted: make(map[client]int)}
}

// SetLimits changes the limits for connections from now on; those that are open stay.
func (c *Caps) SetLimits(limits Limits) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.limits = limits
}

// Slot is one open connection's place. Release gives it back, once. It is its
// connection's alone.
type Slot struct {
	caps    *Caps
	client  client
	verdict Verdict
}

// Acquire takes a place for a connection from addr. It takes none when the verdict is
// Full. A crowded client's connection has a place too, for the time that telling it
// takes: refusing before reading would reset it (whois.md W-07). It does not count
// against its client, so that who stops hammering is welcome as soon as one of his
// granted connections ends.
func (c *Caps) Acquire(addr netip.Addr) (Slot, Verdict) {
	client := clientAt(addr)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.limits.Total > 0 && c.open >= c.limits.Total {
		return Slot{}, Full
	}
	if c.limits.PerClient > 0 && c.granted[client] >= c.limits.PerClient {
		if c.limits.Total > 0 && c.crowded >= c.limits.maxCrowded() {
			return Slot{}, Full
		}
		c.open++
		c.crowded++
		return Slot{caps: c, client: client, verdict: Crowded}, Crowded
	}
	c.open++
	c.granted[client]++
	return Slot{caps: c, client: client, verdict: Granted}, Granted
}

// shared is the client of connections that carry the queries of many.
var shared = client{bits: 255}

// AcquireShared takes a place for a connection that carries the queries of many
// clients, a proxy's: only the total caps those. It takes none when the verdict is Full.
func (c *Caps) AcquireShared() (Slot, Verdict) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.limits.Total > 0 && c.open >= c.limits.Total {
		return Slot{}, Full
	}
	c.open++
	c.granted[shared]++
	return Slot{caps: c, client: shared, verdict: Granted}, Granted
}

// Crowded reports whether Acquire would find a connection from addr crowded. It is
// for who answers at once and takes no place for that.
func (c *Caps) Crowded(addr netip.Addr) bool {
	client := clientAt(addr)
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.limits.PerClient > 0 && c.granted[client] >= c.limits.PerClient
}

// Answered says that the connection keeps its place for a while and that its client
// is done with it: it no longer counts against the client, who may ask again. So half
// of all places at most can be kept, by crowded clients and answered ones together;
// beyond that it does nothing.
func (s *Slot) Answered() {
	if s.caps == nil || s.verdict == Crowded {
		return
	}
	c := s.caps
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.limits.Total > 0 && c.crowded >= c.limits.maxCrowded() {
		return
	}
	c.forget(s.client)
	c.crowded++
	s.verdict = Crowded
}

// Release gives the place back. On the zero Slot it does nothing.
func (s *Slot) Release() {
	if s.caps == nil {
		return
	}
	c := s.caps
	c.mu.Lock()
	defer c.mu.Unlock()
	c.open--
	if s.verdict == Crowded {
		c.crowded--
		return
	}
	c.forget(s.client)
}

// forget takes a place off its client's count.
func (c *Caps) forget(client client) {
	if c.granted[client]--; c.granted[client] == 0 {
		delete(c.granted, client)
	}
}

// Occupancy returns the share of the places that are taken, 0 when there is no
// limit on them. It can be above 1 after the limit was lowered.
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

// clientAt returns the client that a connection from addr counts for.
func clientAt(addr netip.Addr) client {
	addr = addr.Unmap()
	switch {
	case addr.Is4():
		octets := addr.As4()
		return client{network: uint64(binary.BigEndian.Uint32(octets[:])), bits: 32}
	case addr.Is6():
		octets := addr.As16()
		return client{network: binary.BigEndian.Uint64(octets[:8]), bits: 64}
	}
	return client{}
}
