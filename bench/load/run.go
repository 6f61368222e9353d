package load

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync/atomic"
	"time"
)

// run is one run. All moments in it are counted from base, on the monotonic
// clock.
type run struct {
	Options
	addr    netip.AddrPort
	secured string // how TLS was agreed upon, for people
	base    time.Time
	until   time.Duration // when nothing more is sent

	left    atomic.Int64 // queries that may still be sent
	walked  atomic.Int64 // names of the zone that harvesters have seen
	stopped atomic.Bool  // by the context, or because the target is gone

	full, empty chan *interval
}

// drainFor is how long after its end an open loop still sends what fell due
// before: a stall just before the end delays queries like any other.
const drainFor = time.Second

// driver sends queries and records how they end.
type driver interface {
	// drive returns when the run is over and nothing is under way any more. An error
	// is this process's own.
	drive(ctx context.Context) error
}

// Run does one run. It first asks the target once, and measures nothing if that
// does not answer as it should. When ctx is cancelled it returns what was
// measured so far, as Partial.
//
// With a Result the error, if any, says why the run failed all the same: answers
// that were wrong, too many errors, a target that stopped answering.
func Run(ctx context.Context, o Options) (*Result, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("load: %w", err)
	}
	addr, err := resolve(ctx, o.Target)
	if err != nil {
		return nil, fmt.Errorf("load: %w", err)
	}
	r := &run{Options: o, addr: addr, until: o.Warmup + o.For}
	r.left.Store(o.Count)
	if err := r.probe(ctx); err != nil {
		return nil, fmt.Errorf("load: %w", err)
	}
	drivers, recorders := r.drivers()
	r.full, r.empty = make(chan *interval, 2*recorders), make(chan *interval, 2*recorders)
	for range 2 * recorders {
		r.empty <- newInterval()
	}
	return r.measure(ctx, drivers, recorders)
}

// measure starts the drivers and waits for all they began.
func (r *run) measure(ctx context.Context, drivers []driver, recorders int) (*Result, error) {
	// Without the deadline of ctx, which dialling would take for one of its own and
	// count as the target's fault.
	outer := ctx
	ctx, cancel := context.WithCancel(context.WithoutCancel(outer))
	defer cancel()
	defer context.AfterFunc(outer, cancel)()
	c := newCollector(r, recorders, cancel)
	collected := make(chan struct{})
	go func() {
		defer close(collected)
		c.collect()
	}()

	r.base = time.Now()
	detach := context.AfterFunc(ctx, func() { r.stopped.Store(true) })
	defer detach()
	failed := make(chan error, len(drivers))
	for _, d := range drivers {
		go func() { failed <- d.drive(ctx) }()
	}

	select {
	case <-ctx.Done():
	case <-time.After(r.Warmup):
	}
	cpu := processorTime()
	var errs []error
	for range drivers {
		err := <-failed
		if err != nil {
			cancel()
		}
		errs = append(errs, err)
	}
	cpu = processorTime() - cpu
	ended := r.clock()
	close(r.full)
	<-collected
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("load: %w", err)
	}
	return r.finish(c, ended, cpu)
}

// finish makes the result and judges the run.
func (r *run) finish(c *collector, ended, cpu time.Duration) (*Result, error) {
	result := &c.result
	result.Started = r.base.Add(r.Warmup)
	result.Took = r.For
	result.Partial = r.stopped.Load()
	if result.Partial || r.left.Load() < 0 {
		result.Took = min(ended, r.until) - r.Warmup
	}
	result.ClientCPU = cpu
	if result.Requests == 0 {
		if c.gone != nil {
			return nil, fmt.Errorf("load: %w", c.gone)
		}
		return nil, fmt.Errorf("load: %s: stopped before anything was measured", r.Target)
	}
	result.Assumptions = r.assumptions()
	result.Remarks = r.remarks(result)
	return result, r.judge(c)
}

// drivers returns what sends the queries, and how many recorders they have.
func (r *run) drivers() ([]driver, int) {
	if !r.Goroutines && !r.HTTP.TLS {
		if loops := newLoops(r); loops != nil {
			return loops, len(loops)
		}
	}
	return []driver{newWorkers(r)}, 1
}

// judge returns why a run that measured something has failed, if it has.
func (r *run) judge(c *collector) error {
	result := &c.result
	switch wrong := result.Outcomes[Wrong]; {
	case c.gone != nil:
		return fmt.Errorf("load: %w", c.gone)
	case wrong > 0:
		return fmt.Errorf("load: %s: %d of %d answers are wrong, such as: %s", r.Target, wrong, result.Requests, c.exampleOf(Wrong))
	case result.ErrorShare() > MaxErrorShare && !r.AllowErrors:
		return fmt.Errorf("load: %s: %d of %d queries ended with an error (%.1f %%, allowed is %g %%), such as: %s",
			r.Target, result.Errors(), result.Requests, 100*result.ErrorShare(), 100*MaxErrorShare, c.commonest())
	}
	return nil
}

// assumptions returns what the run assumes.
func (r *run) assumptions() []string {
	list := r.Mix.Assumptions(r.Names)
	if r.Sources > 1 && r.addr.Addr().Is4() {
		list = append(list, fmt.Sprintf("clients (assumed): %d addresses of 127.0.0.0/8, %g %% of them send %g %% of the queries",
			r.Sources, 100*hotClients, 100*hotQueries))
	} else {
		list = append(list, "clients: one address")
	}
	switch {
	case r.Protocol == WHOIS:
		list = append(list, "connections: one for each query, closed by the server first, then with FIN by the client")
	case r.HTTP.PerQuery:
		list = append(list, "connections: one for each query")
	default:
		list = append(list, "connections: kept")
	}
	if r.HTTP.TLS {
		list = append(list, "TLS: "+r.secured+", as Go's client and the target agree; sessions are "+resumes(r.HTTP))
	}
	return list
}

func resumes(h HTTP) string {
	if h.FullHandshakes {
		return "never resumed"
	}
	return "resumed where the target offers it"
}

// remarks returns what a reader must know of the figures beside assumptions.
func (r *run) remarks(result *Result) (list []string) {
	add := func(format string, args ...any) { list = append(list, fmt.Sprintf(format, args...)) }
	if result.Partial {
		add("stopped before the end: these are the figures of the first %s", result.Took.Round(time.Millisecond))
	}
	switch {
	case r.Constant:
		add("this target is a reference: what it sends is read like an answer, and only has to be the same each time")
	case r.Expect == nil:
		add("no answer was checked against a registry, only its form and its name")
	case result.Unkept > 0:
		add("%d answers whose turn it was were not checked: a run keeps %d", result.Unkept, MaxKept)
	case result.Checked == 0:
		add("no answer was checked: none of those whose turn it was is known")
	}
	if refused := result.Outcomes[Refused]; float64(refused) > MaxErrorShare*float64(result.Requests) {
		add("%.1f %% of the answers are refusals, which cost less than answers: to measure answers, limits must not decide (mode dry-run or off)",
			100*float64(refused)/float64(result.Requests))
	}
	if r.Mix.Conditional > 0 && result.Outcomes[NotModified] == 0 {
		add("no conditional request was answered by 304: the target sends no entity tags, or changes them each time")
	}
	if r.HTTP.Gzip && result.Compressed == 0 {
		add("no answer was compressed, although every request accepted it")
	}
	if r.HTTP.TLS && r.HTTP.PerQuery && !r.HTTP.FullHandshakes && float64(result.Resumed) < 0.9*float64(result.Connections) {
		add("%d of %d handshakes resumed a session: the target does not offer it each time", result.Resumed, result.Connections)
	}
	if unsent := result.Outcomes[Unsent]; unsent > 0 {
		add("%d queries fell due and could not be sent: the target does not keep up with %g a second on %d connections",
			unsent, r.Rate, r.Connections)
	}
	lag, p99 := time.Duration(result.Lag.ValueAtPercentile(99)), result.Quantile(0.99)
	if result.Lag.TotalCount() > 0 && lag > p99/4 {
		add("the load generator itself was up to %s late (p99), beside a p99 of %s: latency says as much about it as about the target", lag, p99)
	}
	return list
}

// clock returns the moment of now.
func (r *run) clock() time.Duration { return time.Since(r.base) }

// take reports whether one more query may be sent, and counts it.
func (r *run) take() bool { return r.left.Add(-1) >= 0 }

// due returns when query i of part falls due, of so many parts that share the
// rate.
func (r *run) due(i int64, part, parts int) time.Duration {
	return time.Duration(float64(i*int64(parts)+int64(part)) / r.Rate * float64(time.Second))
}

// resolve returns the address of target, which must be one of loopback.
func resolve(ctx context.Context, target string) (netip.AddrPort, error) {
	host, port, err := net.SplitHostPort(target)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("target %q must be host:port, such as 127.0.0.1:8043: %w", target, err)
	}
	number, err := net.DefaultResolver.LookupPort(ctx, "tcp", port)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("target %q: %w", target, err)
	}
	addrs, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("target %q: %w", target, err)
	}
	for _, addr := range addrs {
		if addr = addr.Unmap(); addr.IsLoopback() {
			return netip.AddrPortFrom(addr, uint16(number)), nil
		}
	}
	return netip.AddrPort{}, fmt.Errorf("target %q is not on loopback, and load is not sent anywhere else", target)
}
