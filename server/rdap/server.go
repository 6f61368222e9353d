package rdap

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"
	"golang.org/x/time/rate"

	"rddsd/cache"
	"rddsd/cache/response"
	"rddsd/ratelimit"
	"rddsd/server/listen"
	"rddsd/server/lookup"
	"rddsd/server/tally"
)

// Defaults of the Server's timeouts.
const (
	DefaultReadTimeout   = 10 * time.Second
	DefaultWriteTimeout  = 30 * time.Second
	DefaultIdleTimeout   = 60 * time.Second
	DefaultRefuseTimeout = 2 * time.Second
	DefaultProxyTimeout  = 2 * time.Second
	DefaultLingerTimeout = time.Second
	DefaultDrainTimeout  = 10 * time.Second

	// certificateEvery is how often the files of the certificate are looked at.
	certificateEvery = 10 * time.Second
	panicLogEvery    = time.Minute
)

// Bounds on a request, in bytes. A buffer of 16 KiB holds whole bodies, and over
// TLS the default of 4 KiB costs 45 % more CPU (design.md §6); the one for
// reading is also the longest header.
const (
	bufferSize  = 16 << 10
	maxBody     = 1 << 10 // a query has none; what is longer is not read
	maxDiscard  = 4 << 20 // of what a client still sends behind an error
	concurrency = 1 << 20 // above any cap of listen.Caps, which decides
)

// Server answers RDAP queries. Set its fields before Serve; the zero timeouts are
// the defaults.
type Server struct {
	Cache   *cache.Cache
	Finder  *lookup.Finder
	Limiter *ratelimit.Limiter
	Tally   *tally.Tally
	Caps    *listen.Caps
	Log     *slog.Logger

	// Compressed keeps bodies in gzip; nil has them all sent as they are.
	Compressed *response.Cache

	// Certificates are what the TLS listeners show; at least one if there are any.
	Certificates Certificates

	// Proxies are the HTTP proxies in front; none by default.
	Proxies Proxies
	// Balancers are the networks whose connections begin with a PROXY header; none by
	// default.
	Balancers listen.Balancers

	// ReadTimeout is the time for a whole request, from the connection or from
	// the request's first byte on; a byte a second does not move it. A TLS
	// handshake has as long before the first one.
	ReadTimeout time.Duration
	// ProxyTimeout is the time for a balancer's PROXY header.
	ProxyTimeout time.Duration
	// WriteTimeout is the time for a whole answer.
	WriteTimeout time.Duration
	// IdleTimeout is how long a connection is kept between two requests.
	IdleTimeout time.Duration
	// RefuseTimeout takes the place of both reading ones for a client with too
	// many connections: its request is read, so that it can read the refusal.
	RefuseTimeout time.Duration
	// LingerTimeout is how long input is thrown away behind an error, so that the
	// kernel does not take the answer back.
	LingerTimeout time.Duration
	// DrainTimeout is how long answers in flight may take once Serve is told to
	// stop.
	DrainTimeout time.Duration
	// ArrivalTimeout is how long those who have begun to connect by then may take
	// to get in.
	ArrivalTimeout time.Duration

	http      fasthttp.Server
	exchanges sync.Pool // of *exchange
	bases     atomic.Pointer[bases]
	date      atomic.Pointer[date]
	prebuilt  prebuilt
	draining  atomic.Bool
	slack     time.Duration // of the deadlines of connections
	counts    counters
	panics    rate.Sometimes

	mu    sync.Mutex
	conns map[*conn]struct{} // being served
}

// Listeners is what a Server serves: the same answers on Plain and TLS, and on Redirect
// where to find them. Plain HTTP is for loopback or behind a proxy that ends TLS
// (design.md §9).
type Listeners struct {
	Plain, TLS, Redirect []net.Listener
}

// Serve answers on all listeners until ctx ends or one of them fails; then it
// closes them, lets answers in flight finish, and returns once everything that
// it began has ended. It owns the listeners and is called once.
func (s *Server) Serve(ctx context.Context, on Listeners) error {
	if len(on.TLS) > 0 && len(s.Certificates) == 0 {
		return errors.New("serve RDAP over TLS: no certificate was given")
	}
	s.setDefaults()

	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var (
		accepting, serving sync.WaitGroup
		failed             = make(chan error, len(on.Plain)+len(on.TLS)+len(on.Redirect))
	)
	accept := func(l net.Listener, p port) {
		accepting.Go(func() {
			if err := s.accept(ctx, l, p, &serving); err != nil {
				failed <- err
			}
		})
	}
	for _, l := range on.Plain {
		accept(l, port{})
	}
	for _, l := range on.Redirect {
		accept(l, port{redirects: true})
	}
	if len(on.TLS) > 0 {
		config := s.Certificates.config()
		for _, l := range on.TLS {
			accept(l, port{config: config})
		}
		for _, c := range s.Certificates {
			serving.Go(func() { c.watch(ctx, certificateEvery, s.Log) })
		}
	}

	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	cancel()
	s.draining.Store(true)
	listeners := slices.Concat(on.Plain, on.TLS, on.Redirect)
	for _, l := range listeners {
		// Who has begun to connect gets in, and an accept that fails after that is
		// how it ends.
		_ = listen.Drain(l, s.ArrivalTimeout)
	}
	accepting.Wait()
	for _, l := range listeners {
		l.Close()
	}
	s.drain()
	serving.Wait()
	return err
}

func (s *Server) setDefaults() {
	for _, d := range [...]struct {
		set       *time.Duration
		otherwise time.Duration
	}{
		{&s.ReadTimeout, DefaultReadTimeout},
		{&s.WriteTimeout, DefaultWriteTimeout},
		{&s.IdleTimeout, DefaultIdleTimeout},
		{&s.RefuseTimeout, DefaultRefuseTimeout},
		{&s.ProxyTimeout, DefaultProxyTimeout},
		{&s.LingerTimeout, DefaultLingerTimeout},
		{&s.DrainTimeout, DefaultDrainTimeout},
		{&s.ArrivalTimeout, listen.DefaultArrivals},
	} {
		if *d.set == 0 {
			*d.set = d.otherwise
		}
	}
	s.slack = min(s.ReadTimeout, s.WriteTimeout, s.IdleTimeout, s.RefuseTimeout) / slackPart
	s.panics.Interval = panicLogEvery
	s.exchanges.New = func() any { return new(exchange) }
	s.mu.Lock()
	s.conns = make(map[*conn]struct{})
	s.mu.Unlock()

	h := &s.http
	h.Handler = s.handle
	h.ErrorHandler = s.handleBroken
	h.ConnState = countTurn
	h.Logger = silent{}
	// Its own timeouts are off: a wire sets those of s.
	h.ReadBufferSize, h.WriteBufferSize = bufferSize, bufferSize
	h.MaxRequestBodySize = maxBody
	h.Concurrency = concurrency
	h.NoDefaultServerHeader = true
	h.DisablePreParseMultipartForm = true
	h.SecureErrorLogMessage = true // errors hold nothing of the request
	h.LazyRequestTime = true       // each request reads the clock once, for the limiter
}

// silent is the log of fasthttp: it would write the addresses of clients.
type silent struct{}

func (silent) Printf(string, ...any) {}

var _ fasthttp.Logger = silent{}

// port is how the connections of a listener are served.
type port struct {
	config    *tls.Config // nil without TLS
	redirects bool        // leads to the service and does nothing else
}

// accept serves the connections of l until it is closed.
func (s *Server) accept(ctx context.Context, l net.Listener, p port, serving *sync.WaitGroup) error {
	for {
		nc, err := l.Accept()
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("accept RDAP connections on %s: %w", l.Addr(), err)
		}
		s.counts.connections.Add(1)
		c := s.enter(nc)
		if c == nil {
			continue
		}
		serving.Go(func() { s.serveConn(c, p) })
	}
}

// serveConn answers the requests of one connection.
func (s *Server) serveConn(c *conn, p port) {
	defer s.leave(c)
	c.redirects = p.redirects
	defer func() {
		// A fault in the code that reads requests must not stop the server
		// either; those in our handler are answered there.
		if fault := recover(); fault != nil {
			c.Close()
			s.fault(fault, c.client)
		}
	}()
	if c.balanced && !s.meet(c) {
		c.Close()
		return
	}
	w := &wire{Conn: c, conn: c, server: s}
	if p.config != nil {
		c.encrypted = true
		encrypted, err := s.handshake(c, p.config)
		if err != nil {
			c.Close()
			return
		}
		w.Conn = encrypted
	}
	_ = c.SetReadDeadline(time.Now().Add(s.ReadTimeout)) // takes any
	if !p.redirects && !s.serveSimple(w) {
		w.Close()
		return
	}
	// What ends a connection is the client's business: a reset, a timeout.
	_ = s.http.ServeConn(w)
	w.sent()
}
