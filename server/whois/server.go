// Package whois answers on port 43 (RFC 3912): one line in, one text out, for
// one connection. The text form is that of ICANN's registries.
package whois

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"rddsd/cache"
	"rddsd/ratelimit"
	"rddsd/server/listen"
	"rddsd/server/lookup"
	"rddsd/server/tally"
)

// Defaults of the Server's timeouts (whois.md W-04 to W-07, W-20).
const (
	DefaultReadTimeout    = 30 * time.Second
	DefaultHurriedTimeout = 5 * time.Second
	DefaultRefuseTimeout  = 2 * time.Second
	DefaultWriteTimeout   = 30 * time.Second
	DefaultLingerTimeout  = time.Second
	DefaultDrainTimeout   = 10 * time.Second
	panicLogEvery         = time.Minute
	maxDiscard            = 64 << 10 // bytes read and thrown away by a lingering close

	// Shares of the connection slots in use: above one, slow clients get less time
	// (W-04); above the other, who comes is told that the server is busy, while
	// there are still slots to tell it with.
	hurriedAbove = 0.5
	swampedAbove = 0.9
)

// Server answers WHOIS queries. Set its fields before Serve; the zero timeouts
// are the defaults.
type Server struct {
	Cache   *cache.Cache
	Finder  *lookup.Finder
	Limiter *ratelimit.Limiter
	Tally   *tally.Tally
	Caps    *listen.Caps
	Log     *slog.Logger

	// ReadTimeout is the time from accept to the end of the query line: one
	// deadline, which a byte a second does not move.
	ReadTimeout time.Duration
	// HurriedTimeout takes its place while more than half of the connection
	// slots are in use.
	HurriedTimeout time.Duration
	// RefuseTimeout takes its place where a refusal is all there will be: the
	// query is read so that the refusal can be.
	RefuseTimeout time.Duration
	// WriteTimeout is the time for the whole answer.
	WriteTimeout time.Duration
	// LingerTimeout is how long input is thrown away behind the answer, so that
	// the kernel does not take the answer back (W-06).
	LingerTimeout time.Duration
	// DrainTimeout is how long answers in flight may take once Serve is told to
	// stop.
	DrainTimeout time.Duration

	workers sync.Pool // of *worker
	counts  counters
	panics  rate.Sometimes

	mu    sync.Mutex
	conns map[net.Conn]struct{} // being served; closed when draining takes too long
}

// Serve answers the connections of listeners until ctx ends. Then it accepts no
// more, lets answers in flight finish for DrainTimeout, and returns nil when
// nothing that it began is left. It returns an error when a listener fails for
// good. It closes listeners.
func (s *Server) Serve(ctx context.Context, listeners ...net.Listener) error {
	s.conns = map[net.Conn]struct{}{}
	s.panics.Interval = panicLogEvery

	var accepting, serving sync.WaitGroup
	failed := make(chan error, len(listeners))
	for _, ln := range listeners {
		accepting.Go(func() { failed <- s.accept(ln, &serving) })
	}
	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	for _, ln := range listeners {
		if closeErr := ln.Close(); closeErr != nil && !errors.Is(closeErr, net.ErrClosed) && err == nil {
			err = fmt.Errorf("close the WHOIS listener on %s: %w", ln.Addr(), closeErr)
		}
	}
	accepting.Wait()
	s.drain(&serving)
	return err
}

// accept serves each connection of ln in a goroutine that serving counts. It
// returns when ln is closed or fails for good.
func (s *Server) accept(ln net.Listener, serving *sync.WaitGroup) error {
	for {
		conn, err := ln.Accept()
		if err != nil {
			return fmt.Errorf("accept WHOIS connections on %s: %w", ln.Addr(), err)
		}
		s.counts.connections.Add(1)
		client := clientOf(conn)
		slot, terms := s.admit(client)
		if terms == unwanted {
			s.counts.refused.Add(1)
			conn.Close()
			continue
		}
		// Here and not in its goroutine, so that drain comes later for certain.
		if err := conn.SetReadDeadline(time.Now().Add(s.patience(terms))); err != nil {
			s.counts.broken.Add(1)
			slot.Release()
			conn.Close()
			continue
		}
		s.track(conn)
		serving.Go(func() {
			defer conn.Close()
			// Before the client can see the end: who asks again at once, one query
			// after the other, must find his place free.
			defer slot.Release()
			defer s.untrack(conn)
			s.serveConn(conn, client, terms)
		})
	}
}

// admit says on which terms a connection of client is served.
func (s *Server) admit(client ratelimit.Client) (listen.Slot, terms) {
	slot, verdict := s.Caps.Acquire(client.Addr)
	switch {
	case verdict == listen.Full:
		return slot, unwanted // W-07: the hard cap alone closes unread
	case verdict == listen.Crowded:
		return slot, crowded
	case s.Caps.Occupancy() > swampedAbove:
		return slot, swamped
	}
	return slot, welcome
}

// drain waits until serving ends. Who has not sent a query yet gets little time
// to, or every restart would wait for the slowest stranger; after DrainTimeout
// all are cut off.
func (s *Server) drain(serving *sync.WaitGroup) {
	hurry := time.Now().Add(cmp.Or(s.RefuseTimeout, DefaultRefuseTimeout))
	s.eachConn(func(conn net.Conn) { conn.SetReadDeadline(hurry) })
	late := make(chan struct{})
	cut := time.AfterFunc(cmp.Or(s.DrainTimeout, DefaultDrainTimeout), func() {
		s.eachConn(func(conn net.Conn) { conn.Close() })
		close(late)
	})
	serving.Wait()
	if !cut.Stop() {
		<-late
	}
}

func (s *Server) eachConn(do func(net.Conn)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for conn := range s.conns {
		do(conn)
	}
}

func (s *Server) track(conn net.Conn) {
	s.mu.Lock()
	s.conns[conn] = struct{}{}
	s.mu.Unlock()
}

func (s *Server) untrack(conn net.Conn) {
	s.mu.Lock()
	delete(s.conns, conn)
	s.mu.Unlock()
}

// clientOf returns who is at the other end of conn.
func clientOf(conn net.Conn) ratelimit.Client {
	if addr, ok := conn.RemoteAddr().(*net.TCPAddr); ok {
		return ratelimit.ClientAt(addr.AddrPort().Addr())
	}
	return ratelimit.Client{}
}
