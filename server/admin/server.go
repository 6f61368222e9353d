// Package admin is what only the operator sees: metrics, health, status and
// profiles on loopback, which change nothing, and a unix socket that takes the
// few orders there are.
package admin

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/valyala/fasthttp"
	"github.com/valyala/fasthttp/pprofhandler"

	"rddsd/cache"
	"rddsd/cache/feed"
	"rddsd/ratelimit"
	"rddsd/server/tally"
)

// Server answers the operator. Its fields are set before Serve and not changed
// after it; all but Services and Source must be set.
type Server struct {
	Version  string                   // of the program
	Kind     string                   // how the registry is read: "sqlite"
	Cache    *cache.Cache             // for what is served
	Feed     func() feed.Status       // how the feed stands
	Source   func() feed.SourceStatus // how the registry is read; nil = there is no more to tell
	Tally    *tally.Tally             // the queries
	Limiter  *ratelimit.Limiter       // its counters
	Services []Service                // what the public reaches

	// Reload reads the configuration again, and Decide decides about what the
	// feed holds. An error is told to whoever gave the order.
	Reload func(ctx context.Context) error
	Decide func(accept bool, reason string) error

	// Inspect answers a question about the limits with something that JSON can hold,
	// and Order carries out Unblock, Withhold or Release. Both are reached through the
	// socket alone: what Inspect tells holds addresses.
	Inspect func(question string, args url.Values) (any, error)
	Order   func(order Order, about About, reason string) (note string, err error)

	Log *slog.Logger

	draining atomic.Bool
}

// Service is a server of queries and what it counts beside them.
type Service struct {
	Name   string        // as in the tally: "whois", "rdap"
	Counts func() Counts // called at each scrape, from any goroutine
}

// Counts are what a Service counts, since its start.
type Counts struct {
	Connections uint64            // accepted
	Open        int               // connections at this moment
	Failed      map[string]uint64 // connections without an answer, by reason
	Junk        map[string]uint64 // queries in another protocol, by protocol
	Compressed  map[string]uint64 // bodies sent in gzip, by where they came from
	Panics      uint64            // faults of ours
}

const (
	ioTimeout    = 10 * time.Second // for the whole request, and for writing the answer
	idleTimeout  = 2 * time.Minute  // longer than the interval of common scrapers
	drainTimeout = 5 * time.Second  // for requests that run when Serve is to end
	maxBody      = 4096             // bytes; an order is a reason
)

// Drain makes /readyz say that no more queries should be sent here. It is
// called when the servers of queries begin to end.
func (s *Server) Drain() { s.draining.Store(true) }

// Serve answers on listeners, read-only, and takes orders on socket, which
// OpenSocket has opened, until ctx ends; socket may be nil. It closes all of
// them.
func (s *Server) Serve(ctx context.Context, socket net.Listener, listeners ...net.Listener) error {
	// The switch is the library's, for the whole process.
	metrics.ExposeMetadata(true)
	var open connections
	reading, ordering := s.server(s.read, &open), s.server(s.order, &open)

	var running sync.WaitGroup
	ended := make(chan error, len(listeners)+1)
	serve := func(server *fasthttp.Server, l net.Listener) {
		running.Go(func() {
			if err := server.Serve(l); err != nil {
				ended <- fmt.Errorf("serve on %v: %w", l.Addr(), err)
			}
		})
	}
	for _, l := range listeners {
		serve(reading, l)
	}
	if socket != nil {
		serve(ordering, socket)
		listeners = append(listeners, socket)
	}

	var failed error
	select {
	case <-ctx.Done():
	case failed = <-ended:
	}
	// Shutdown knows only listeners whose Serve has begun: closed here, none
	// can be left.
	for _, l := range listeners {
		if err := l.Close(); err != nil {
			failed = errors.Join(failed, fmt.Errorf("close %v: %w", l.Addr(), err))
		}
	}
	running.Wait()
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
	defer cancel()
	for _, server := range []*fasthttp.Server{reading, ordering} {
		if err := server.ShutdownWithContext(drain); err != nil && !errors.Is(err, net.ErrClosed) && !errors.Is(err, context.DeadlineExceeded) {
			failed = errors.Join(failed, err)
		}
	}
	open.close()
	return failed
}

func (s *Server) server(handler fasthttp.RequestHandler, open *connections) *fasthttp.Server {
	return &fasthttp.Server{
		Handler:               handler,
		ReadTimeout:           ioTimeout,
		WriteTimeout:          ioTimeout,
		IdleTimeout:           idleTimeout,
		MaxRequestBodySize:    maxBody,
		NoDefaultServerHeader: true,
		CloseOnShutdown:       true,
		Concurrency:           64,
		Logger:                quiet{s.Log},
		ConnState:             open.note,
	}
}

// connections are those that are open.
type connections struct{ open sync.Map }

func (c *connections) note(conn net.Conn, state fasthttp.ConnState) {
	switch state {
	case fasthttp.StateNew:
		c.open.Store(conn, nil)
	case fasthttp.StateClosed, fasthttp.StateHijacked:
		c.open.Delete(conn)
	}
}

// close closes the connections whose request did not end in time, and so ends
// the request.
func (c *connections) close() {
	for conn := range c.open.Range {
		_ = conn.(net.Conn).Close()
	}
}

// quiet takes what fasthttp has to say about clients.
type quiet struct{ log *slog.Logger }

func (q quiet) Printf(format string, args ...any) {
	q.log.Debug("a request to the admin server failed", "error", fmt.Sprintf(format, args...))
}

// read answers what changes nothing.
func (s *Server) read(ctx *fasthttp.RequestCtx) {
	ctx.SetContentType("text/plain; charset=utf-8")
	ctx.Response.Header.Set("Cache-Control", "no-store")
	if !ctx.IsGet() && !ctx.IsHead() {
		ctx.Response.Header.Set("Allow", "GET, HEAD")
		ctx.SetStatusCode(http.StatusMethodNotAllowed)
		ctx.SetBodyString("nothing can be changed here; the unix socket takes orders\n")
		return
	}
	switch path := string(ctx.Path()); {
	case path == "/healthz":
		ctx.SetBodyString("ok\n")
	case path == "/readyz":
		s.readiness(ctx)
	case path == "/status":
		s.status(ctx)
	case path == "/metrics":
		ctx.SetContentType("text/plain; version=0.0.4; charset=utf-8")
		var page bytes.Buffer
		s.writeMetrics(&page)
		metrics.WriteProcessMetrics(&page)
		ctx.SetBody(page.Bytes())
	case bytes.HasPrefix(ctx.Path(), []byte("/debug/pprof/")):
		pprofhandler.PprofHandler(ctx)
	case path == "/":
		ctx.SetBodyString("/metrics\n/healthz\n/readyz\n/status\n/debug/pprof/\n")
	default:
		ctx.SetStatusCode(http.StatusNotFound)
		ctx.SetBodyString("there is no such page; / lists them\n")
	}
}

// readiness says whether queries should be sent here: with any data they
// should, however old it is, because stale is better than dark (feed.md §7).
func (s *Server) readiness(ctx *fasthttp.RequestCtx) {
	status := s.Feed()
	switch {
	case s.draining.Load():
		ctx.SetStatusCode(http.StatusServiceUnavailable)
		ctx.SetBodyString("draining\n")
	case !status.Ready:
		ctx.SetStatusCode(http.StatusServiceUnavailable)
		ctx.SetBodyString("no data\n")
	case status.Degraded:
		ctx.SetBodyString("degraded\n")
	default:
		ctx.SetBodyString("ready\n")
	}
}
