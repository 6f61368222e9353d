package rdap

import (
	"io"
	"net"
	"sync/atomic"
	"time"

	"rddsd/ratelimit"
	"rddsd/server/listen"
)

// conn is a connection and who is behind it.
type conn struct {
	net.Conn
	client ratelimit.Client
	slot   listen.Slot
	until  time.Time     // set for a client with too many connections: it has until then to ask, and is refused
	linger time.Duration // how long Close waits once lingers is set

	encrypted bool          // under TLS
	turns     atomic.Uint32 // odd while a request is being read or answered
	// lingers says that input may be left when the connection is closed. Closing
	// over it would send RST, which can destroy the answer on its way out.
	lingers atomic.Bool
}

// Close closes the connection, after throwing away what the client still sends
// if that is needed for it to read the answer.
func (c *conn) Close() error {
	if c.lingers.Swap(false) {
		if half, ok := c.Conn.(interface{ CloseWrite() error }); ok && half.CloseWrite() == nil &&
			c.Conn.SetReadDeadline(time.Now().Add(c.linger)) == nil {
			_, _ = io.CopyN(io.Discard, c.Conn, maxDiscard)
		}
	}
	return c.Conn.Close()
}

// SetReadDeadline is called by fasthttp before each wait; it does not outlast
// until.
func (c *conn) SetReadDeadline(t time.Time) error {
	if !c.until.IsZero() && (t.IsZero() || t.After(c.until)) {
		t = c.until
	}
	return c.Conn.SetReadDeadline(t)
}

// enter takes a new connection in; nil says that there was no room for it.
func (s *Server) enter(nc net.Conn) *conn {
	c := &conn{Conn: nc, client: clientAt(nc.RemoteAddr()), linger: s.LingerTimeout}
	var verdict listen.Verdict
	c.slot, verdict = s.Caps.Acquire(c.client.Addr)
	switch verdict {
	case listen.Full:
		s.counts.refused.Add(1)
		nc.Close()
		return nil
	case listen.Crowded:
		c.until = time.Now().Add(s.RefuseTimeout)
	}
	s.mu.Lock()
	s.conns[c] = struct{}{}
	s.mu.Unlock()
	return c
}

// leave forgets a connection that was served.
func (s *Server) leave(c *conn) {
	c.slot.Release()
	s.mu.Lock()
	delete(s.conns, c)
	s.mu.Unlock()
}

// clientAt returns who is at addr.
func clientAt(addr net.Addr) ratelimit.Client {
	if tcp, ok := addr.(*net.TCPAddr); ok {
		return ratelimit.ClientAt(tcp.AddrPort().Addr())
	}
	return ratelimit.Client{}
}

// Draining looks at the connections every drainTick. One that waits for its next
// request is closed at the second look, one that has not sent its first at the
// twentieth: it may be in the middle of a TLS handshake.
const (
	drainTick   = 50 * time.Millisecond
	idleLooks   = 2
	silentLooks = 20
)

// drain closes the connections as they become idle, and after DrainTimeout those
// that are left. It returns once none is left.
func (s *Server) drain() {
	type look struct {
		turns uint32
		times int
	}
	seen := make(map[*conn]look)
	deadline := time.Now().Add(s.DrainTimeout)
	tick := time.NewTicker(drainTick)
	defer tick.Stop()
	for ; ; <-tick.C {
		late := time.Now().After(deadline)
		s.mu.Lock()
		left := len(s.conns)
		var idle []*conn
		for c := range s.conns {
			now := look{turns: c.turns.Load(), times: 1}
			if before := seen[c]; before.turns == now.turns {
				now.times += before.times
			}
			seen[c] = now
			enough := idleLooks
			if now.turns == 0 {
				enough = silentLooks
			}
			if late || now.turns%2 == 0 && now.times >= enough {
				idle = append(idle, c)
			}
		}
		s.mu.Unlock()
		if left == 0 {
			return
		}
		for _, c := range idle {
			c.Conn.Close()
		}
	}
}
