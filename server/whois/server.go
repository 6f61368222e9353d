// Package whois answers on port 43 (RFC 3912): one line in, one text out, for
// one connection. The text form is that of ICANN's registries.
package whois

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
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
	failureLogEvery       = 10 * time.Second
	maxDiscard            = 64 << 10 // bytes read and thrown away by a lingering close
	lingerRead            = 512      // bytes of them at once: clients that linger are many, and send little

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

	// Loops is how many loops serve each listener on Linux (see loop). 0, and
	// other systems, have a goroutine for each connection.
	Loops int
	// Balancers are whose connections begin with a PROXY header (W-16).
	Balancers listen.Balancers

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
	// ArrivalTimeout is how long those who have begun to connect by then may take
	// to get in.
	ArrivalTimeout time.Duration

	workers  sync.Pool // of *worker
	prebuilt prebuilt
	counts   counters
	panics   rate.Sometimes
	failures rate.Sometimes // of accepting
	draining atomic.Bool

	mu    sync.Mutex
	conns map[stream]struct{} // being served; closed when draining takes too long
}

// Serve answers the connections of listeners, which are TCP's, until ctx ends. Then
// it lets in only those who have begun to connect, lets answers in flight finish
// for DrainTimeout, and returns nil when nothing that it began is left. It returns
// an error when a listener fails for good. It closes listeners.
func (s *Server) Serve(ctx context.Context, listeners ...net.Listener) error {
	s.conns = map[stream]struct{}{}
	s.panics.Interval, s.failures.Interval = panicLogEvery, failureLogEvery

	var accepting, serving sync.WaitGroup
	acceptors, err := s.open(listeners, &serving)
	if err == nil {
		failed := make(chan error, len(acceptors))
		for _, a := range acceptors {
			accepting.Go(func() { failed <- a.run() })
		}
		select {
		case <-ctx.Done():
		case err = <-failed:
		}
		s.draining.Store(true)
		s.hurry()
		for _, a := range acceptors {
			a.stop()
		}
		accepting.Wait()
	}
	for _, a := range acceptors {
		if closeErr := a.close(); !errors.Is(closeErr, net.ErrClosed) {
			err = errors.Join(err, closeErr)
		}
	}
	s.drain(&serving)
	return err
}

// open returns what accepts the connections of listeners.
func (s *Server) open(listeners []net.Listener, serving *sync.WaitGroup) ([]acceptor, error) {
	var acceptors []acceptor
	var faults []error
	for _, ln := range listeners {
		loops, err := s.openLoops(ln, serving)
		faults = append(faults, err)
		if acceptors = append(acceptors, loops...); len(loops) == 0 {
			acceptors = append(acceptors, &plain{s, ln, serving})
		}
	}
	return acceptors, errors.Join(faults...)
}

func (s *Server) arrivals() time.Duration { return cmp.Or(s.ArrivalTimeout, listen.DefaultArrivals) }

// admit says on which terms a connection of client is served. Those of the
// operator's list may have as many as there is room for (whois.md W-14, L-15).
func (s *Server) admit(client ratelimit.Client) (listen.Slot, terms) {
	slot, verdict := s.acquire(client)
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

func (s *Server) acquire(client ratelimit.Client) (listen.Slot, listen.Verdict) {
	if client.Audience != ratelimit.Anonymous {
		return s.Caps.AcquireShared()
	}
	return s.Caps.Acquire(client.Addr)
}

// hurry gives who has not sent a query yet little time to, or every restart would
// wait for the slowest stranger.
func (s *Server) hurry() {
	at := time.Now().Add(cmp.Or(s.RefuseTimeout, DefaultRefuseTimeout))
	s.eachConn(func(conn stream) { conn.SetReadDeadline(at) })
}

// drain waits until serving ends; after DrainTimeout all are cut off.
func (s *Server) drain(serving *sync.WaitGroup) {
	late := make(chan struct{})
	cut := time.AfterFunc(cmp.Or(s.DrainTimeout, DefaultDrainTimeout), func() {
		s.eachConn(func(conn stream) { conn.Close() })
		close(late)
	})
	serving.Wait()
	if !cut.Stop() {
		<-late
	}
}

func (s *Server) eachConn(do func(stream)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for conn := range s.conns {
		do(conn)
	}
}

func (s *Server) track(conn stream) {
	s.mu.Lock()
	s.conns[conn] = struct{}{}
	s.mu.Unlock()
}

func (s *Server) untrack(conn stream) {
	s.mu.Lock()
	delete(s.conns, conn)
	s.mu.Unlock()
}
