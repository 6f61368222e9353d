package rdap

import (
	"errors"
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

	encrypted bool   // under TLS
	balanced  bool   // begins with a PROXY header
	redirects bool   // came to a port that only redirects
	proxied   bool   // from one of Proxies, so that each request may have another client
	ahead     []byte // was read of it before its turn

	// The goroutine that serves the connection uses these alone.
	read, write deadline
	slack       time.Duration // by which a deadline may be early
	turns       atomic.Uint32 // odd while a request is being read or answered
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

// SetReadDeadline sets the deadline of the Reads that follow; it does not outlast
// until. It returns nil.
func (c *conn) SetReadDeadline(t time.Time) error {
	if !c.until.IsZero() && (t.IsZero() || t.After(c.until)) {
		t = c.until
	}
	c.read.want = t
	return nil
}

// SetWriteDeadline sets the deadline of the Writes that follow. It returns nil.
func (c *conn) SetWriteDeadline(t time.Time) error {
	c.write.want = t
	return nil
}

// SetDeadline sets both.
func (c *conn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

// Read reads what was read ahead, then from the connection.
func (c *conn) Read(p []byte) (int, error) {
	if len(c.ahead) > 0 {
		n := copy(p, c.ahead)
		c.ahead = c.ahead[n:]
		return n, nil
	}
	if c.read.due(c.slack) {
		if err := c.Conn.SetReadDeadline(c.read.want); err != nil {
			return 0, err
		}
		c.read.have = c.read.want
	}
	return c.Conn.Read(p)
}

// Write writes to the connection.
func (c *conn) Write(p []byte) (int, error) {
	if c.write.due(c.slack) {
		if err := c.Conn.SetWriteDeadline(c.write.want); err != nil {
			return 0, err
		}
		c.write.have = c.write.want
	}
	return c.Conn.Write(p)
}

// deadline is one of a connection. A request has three, and to set them costs more than
// reading it does; here one is set when it is waited for, and not when the one that is
// in force ends hardly sooner.
type deadline struct {
	want, have time.Time
}

// due reports whether the deadline in force will not do, which may be slack earlier.
func (d *deadline) due(slack time.Duration) bool {
	if d.want.IsZero() || d.have.IsZero() {
		return d.want != d.have
	}
	later := d.want.Sub(d.have)
	return later < 0 || later > slack
}

// slackPart is which part of the shortest timeout a deadline may be early.
const slackPart = 16

// crowded reports whether c is the connection of a client that has too many.
func (c *conn) crowded() bool { return !c.until.IsZero() }

// enter takes a new connection in; nil says that there was no room for it. One from
// a balancer gets its place once it has told for whom it is.
func (s *Server) enter(nc net.Conn) *conn {
	c := &conn{Conn: nc, client: s.clientAt(nc.RemoteAddr()), linger: s.LingerTimeout, slack: s.slack}
	c.balanced = s.Balancers.Trusts(c.client.Addr)
	if !c.balanced && !s.admit(c) {
		nc.Close()
		return nil
	}
	s.mu.Lock()
	s.conns[c] = struct{}{}
	s.mu.Unlock()
	return c
}

// admit finds a place for the connection of its client. A proxy's connection carries
// requests of many clients, and who is on the operator's list may have as many as there
// is room for (whois.md L-15): only the total caps theirs.
func (s *Server) admit(c *conn) bool {
	var verdict listen.Verdict
	c.proxied = s.Proxies.Networks.Trusts(c.client.Addr)
	if c.proxied || c.client.Audience != ratelimit.Anonymous {
		c.slot, verdict = s.Caps.AcquireShared()
	} else {
		c.slot, verdict = s.Caps.Acquire(c.client.Addr)
	}
	switch verdict {
	case listen.Full:
		s.counts.refused.Add(1)
		return false
	case listen.Crowded:
		c.until = time.Now().Add(s.RefuseTimeout)
	}
	return true
}

// meet reads the PROXY header of a balancer, and finds a place for the client that it
// connects for, if it tells one. It reports whether the connection goes on.
func (s *Server) meet(c *conn) bool {
	if c.Conn.SetReadDeadline(time.Now().Add(s.ProxyTimeout)) != nil {
		return false // it is closed
	}
	addr, ahead, err := listen.ReadProxy(c.Conn, nil)
	if err != nil {
		if !errors.Is(err, listen.ErrNoProxy) { // a probe is no failure
			s.counts.broken.Add(1)
		}
		return false
	}
	c.ahead = ahead
	if addr.IsValid() {
		c.client = s.Limiter.Client(addr)
	}
	return s.admit(c)
}

// leave forgets a connection that was served.
func (s *Server) leave(c *conn) {
	c.slot.Release()
	s.mu.Lock()
	delete(s.conns, c)
	s.mu.Unlock()
}

// clientAt returns who is at addr.
func (s *Server) clientAt(addr net.Addr) ratelimit.Client {
	if tcp, ok := addr.(*net.TCPAddr); ok {
		return s.Limiter.Client(tcp.AddrPort().Addr())
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
