package rdap

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/http"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/valyala/fasthttp"

	"rddsd/cache"
	"rddsd/ratelimit"
	"rddsd/server/lookup"
	"rddsd/server/tally"
)

// exchange is what one request needs and the next one uses again, on whatever
// connection. There are as many as requests are being answered, few, so that what they
// hold stays in the processor's cache; the body of a connection's last answer does not.
type exchange struct {
	query  lookup.Query
	answer lookup.Answer
	fields fields
	url    []byte // that was asked for, as AppendURL makes it
	head   []byte // lines of the head of the response that not every one has
	body   []byte // that is sent
	plain  []byte // the body as it was rendered, where it is sent in gzip
	tag    []byte // its entity tag
	out    []byte // the whole response, where fasthttp does not send it

	marks    marks        // of the body
	rendered bool         // body, tag and marks are those of answer
	as       lookup.Class // which it had then
}

// request is where a request came in.
type request struct {
	client ratelimit.Client
	base   base   // the base URL that it lies below
	below  []byte // path and query below the base URL
}

// failure is an answer that no look-up gave.
type failure struct {
	status int
	class  lookup.Class
	detail string // one more sentence for who asked; "" for none
	wait   wait
	keep   []byte // value of Cache-Control; nil has it kept by nobody
}

// retryUnknown is how long a client is asked to wait when the data cannot tell.
// The feed comes back within seconds, or an operator is already at work.
const retryUnknown = 30 * time.Second

// retryCrowded is how long a client with too many connections is asked to wait:
// as long as it takes it to close one.
const retryCrowded = time.Second

// handle answers one request.
func (s *Server) handle(ctx *fasthttp.RequestCtx) {
	w := wireOf(ctx.Conn())
	c, now := w.conn, time.Now()
	w.asked = now
	_ = c.SetWriteDeadline(now.Add(s.WriteTimeout)) // takes any
	c.secure(ctx)
	if s.draining.Load() {
		ctx.SetConnectionClose()
	}
	x := s.exchanges.Get().(*exchange)
	defer func() {
		if fault := recover(); fault != nil {
			s.fault(fault, c.client)
			ctx.Response.Reset()
			ctx.SetConnectionClose()
			c.secure(ctx)
			// x is not used again: what the panic left in it is not to be trusted.
			s.writeFailure(ctx, new(exchange), s.nowhere(c), failure{status: http.StatusInternalServerError})
		}
	}()
	if c.redirects {
		s.redirect(ctx, c, x)
	} else {
		s.respond(ctx, c, x, now)
	}
	x.answer.View = nil // an idle exchange must not keep an old View alive
	w.sending = x
}

// respond is the way of one request: target, View, method, Query, Find, Decide,
// body. now is when it was read. OPTIONS asks nothing of the registry and is not counted.
func (s *Server) respond(ctx *fasthttp.RequestCtx, c *conn, x *exchange, now time.Time) {
	head, view := &ctx.Request.Header, s.Cache.Current()
	target := originForm(head.RequestURI())
	path, rawQuery, _ := bytes.Cut(target, questionMark)
	base, found := s.basesOf(view).match(askedHost(head), path)
	r := request{client: c.client, base: base}
	if c.proxied {
		r.client = s.Limiter.Client(s.Proxies.client(head, c.client.Addr))
	}
	long := len(path) > lookup.MaxPath || len(rawQuery) > lookup.MaxPath
	if found && !long {
		r.below = target[len(base.path):]
	}
	switch {
	case c.crowded():
		s.refuseCrowded(ctx, c, x, r)
		return
	case head.IsOptions():
		writePreflight(ctx)
		return
	case !head.IsGet() && !head.IsHead():
		s.refuse(ctx, x, r, failure{status: http.StatusMethodNotAllowed, class: lookup.Invalid})
		return
	case long:
		s.refuse(ctx, x, r, failure{status: http.StatusRequestURITooLong, class: lookup.Invalid})
		return
	case !found:
		s.refuse(ctx, x, r, failure{status: http.StatusNotFound, class: lookup.Invalid})
		return
	}
	if view == nil {
		s.refuse(ctx, x, r, failure{status: http.StatusServiceUnavailable, class: lookup.Error, wait: wait{after: retryUnknown}})
		return
	}
	var err error
	if x.query, err = lookup.ParsePath(path[len(base.path)-1:], rawQuery); err != nil {
		s.refuse(ctx, x, r, unparsed(err))
		return
	}
	x.fields.read(head)
	x.write(ctx, s.answer(view, x, r, now))
}

// answer is the way from Query to body. It counts the request, once, and last: a fault
// on the way is counted as one instead.
func (s *Server) answer(view *cache.View, x *exchange, r request, now time.Time) reply {
	x.query.Audience = r.client.Audience
	a := &x.answer
	s.Finder.Find(view, &x.query, now, a)
	tld := ""
	if a.TLD != nil {
		tld = a.TLD.Name
	} else {
		a.Policy = r.base.policy
	}
	x.url = AppendURL(x.url[:0], r.base.of(a.Policy), r.below)
	x.rendered = false
	told := s.show(x, s.decide(x, r.client, now))
	s.Tally.Count(tally.RDAP, tld, a.Object, a.Class, r.client.Audience)
	return told
}

// decide makes the answer of x what its client may learn. The price is what the
// answer would show, hence it comes after the look-up; a refusal must cost less than
// an answer, hence before rendering. But whether the client has the answer already,
// and so learns next to nothing, only the body tells.
func (s *Server) decide(x *exchange, client ratelimit.Client, now time.Time) wait {
	a := &x.answer
	a.Ask.Bodiless = x.fields.head || s.known(x)
	return settle(a, s.Limiter.Decide(client, a.Ask, now))
}

// shows reports whether answers of class c show something, and so are worth
// compressing and keeping.
func shows(c lookup.Class) bool {
	return c == lookup.Found || c == lookup.Degraded || c == lookup.Help
}

// known reports whether the client has the answer of x already, by its tag. It renders
// the answer where the client tells a tag.
func (s *Server) known(x *exchange) bool {
	if len(x.fields.tags) == 0 || !shows(x.answer.Class) {
		return false
	}
	s.render(x)
	return hasTag(x.fields.tags, x.tag)
}

// render makes body and tag of the answer of x, unless they are made.
func (s *Server) render(x *exchange) {
	if x.rendered && x.as == x.answer.Class {
		return
	}
	x.body, _, x.marks = s.prebuilt.appendBody(x.body[:0], &x.answer, x.url)
	x.tag = appendTag(x.tag[:0], x.body, x.marks)
	x.rendered, x.as = true, x.answer.Class
}

// show makes head and body of the answer of x: whole, in gzip, or that the client has it
// already (rdap.md §1.5).
func (s *Server) show(x *exchange, w wait) reply {
	a := &x.answer
	if !shows(a.Class) {
		var status int
		x.body, status = appendRefusal(x.body[:0], a, x.url)
		if w.cause == ratelimit.Denied {
			status = http.StatusForbidden
			x.body = appendError(x.body[:0], status, explain(status), "", a.Policy, x.url)
		}
		x.head = s.appendError(x.head[:0], noStore, w)
		return reply{status: status}
	}
	known := s.known(x)
	s.render(x)
	x.head = s.appendFound(x.head[:0], x.tag, a.Class == lookup.Degraded)
	switch {
	case known:
		x.body = x.body[:0]
		return reply{status: http.StatusNotModified}
	case s.Compressed != nil && takesGzip(x.fields.codings):
		x.plain, x.body = x.body, x.plain
		x.body = s.Compressed.AppendGzip(x.body[:0], x.plain, x.marks.stamp)
		return reply{status: http.StatusOK, gzip: true}
	}
	return reply{status: http.StatusOK}
}

// wait is how long it is until it is worth asking again, 0 where that does not matter,
// and which limit says so.
type wait struct {
	after time.Duration
	cause ratelimit.Cause
}

// settle makes a what decision leaves of it, and returns how long to wait.
func settle(a *lookup.Answer, decision ratelimit.Decision) wait {
	switch decision.Verdict {
	case ratelimit.Refuse:
		a.Class = lookup.Limited
		return wait{decision.RetryIn, decision.Cause}
	case ratelimit.Degrade:
		a.WithoutContacts()
	}
	if a.Class == lookup.Unknown {
		return wait{after: retryUnknown}
	}
	return wait{}
}

var questionMark = []byte{'?'}

// originForm returns path and query of a request target, which may be a whole
// URL (RFC 9112 §3.2.2). One without a path has no query that could matter.
func originForm(target []byte) []byte {
	if len(target) > 0 && target[0] == '/' {
		return target
	}
	_, rest, _ := bytes.Cut(target, []byte("://"))
	if i := bytes.IndexAny(rest, "/?"); i >= 0 && rest[i] == '/' {
		return rest[i:]
	}
	return []byte{'/'}
}

// askedHost returns the host that a request asks, which may come with a port: that in a
// target which is a whole URL, or else that in Host (RFC 9112 §3.2.2).
func askedHost(head *fasthttp.RequestHeader) []byte {
	if _, rest, whole := bytes.Cut(head.RequestURI(), []byte("://")); whole && head.RequestURI()[0] != '/' {
		if i := bytes.IndexAny(rest, "/?"); i >= 0 {
			return rest[:i]
		}
		return rest
	}
	return head.Host()
}

// unparsed returns how the error of ParsePath is answered.
func unparsed(err error) failure {
	f := failure{status: http.StatusBadRequest, class: lookup.Invalid}
	if e := (*lookup.PathError)(nil); errors.As(err, &e) {
		f.status, f.detail = e.Status, e.Reason
	}
	return f
}

// refuseCrowded answers a client that has too many connections.
func (s *Server) refuseCrowded(ctx *fasthttp.RequestCtx, c *conn, x *exchange, r request) {
	ctx.SetConnectionClose()
	c.lingers.Store(true) // more may be on its way behind the request
	s.writeFailure(ctx, x, r, failure{status: http.StatusTooManyRequests, wait: wait{after: retryCrowded}})
	s.count(lookup.Limited, r.client)
}

// refuse answers without a look-up. Junk is priced like any query.
func (s *Server) refuse(ctx *fasthttp.RequestCtx, x *exchange, r request, f failure) {
	if d := s.Limiter.Decide(r.client, ratelimit.Ask{}, time.Now()); d.Verdict == ratelimit.Refuse {
		f = failure{status: http.StatusTooManyRequests, class: lookup.Limited, wait: wait{d.RetryIn, d.Cause}}
		if d.Cause == ratelimit.Denied {
			f.status = http.StatusForbidden
		}
	}
	s.writeFailure(ctx, x, r, f)
	s.count(f.class, r.client)
}

// count counts a query that got no look-up.
func (s *Server) count(class lookup.Class, client ratelimit.Client) {
	s.Tally.Count(tally.RDAP, "", lookup.NoObject, class, client.Audience)
}

// nowhere returns the request of c when its target is not known.
func (s *Server) nowhere(c *conn) request {
	base, _ := s.basesOf(s.Cache.Current()).match(nil, nil)
	return request{client: c.client, base: base}
}

// handleBroken answers a request that could not be read. What ended the
// connection, or came too slowly to be a request, is not counted as a query.
func (s *Server) handleBroken(ctx *fasthttp.RequestCtx, err error) {
	w := wireOf(ctx.Conn())
	c := w.conn
	s.counts.broken.Add(1)
	c.lingers.Store(true)
	// The deadline of the last answer may have passed while the connection idled.
	_ = c.SetWriteDeadline(time.Now().Add(s.WriteTimeout)) // takes any
	ctx.Response.SkipBody = ctx.IsHead() || w.isHead()
	c.secure(ctx)
	var (
		small *fasthttp.ErrSmallBuffer
		lost  *net.OpError
	)
	f := failure{status: http.StatusBadRequest, class: lookup.Invalid}
	switch {
	case errors.As(err, &lost) && lost.Timeout():
		s.writeFailure(ctx, new(exchange), s.nowhere(c), failure{status: http.StatusRequestTimeout})
		return
	case lost != nil:
		return // nobody is there to be answered
	case errors.As(err, &small) && !w.line:
		f.status = http.StatusRequestURITooLong
	case small != nil:
		f.status = http.StatusRequestHeaderFieldsTooLarge
	case errors.Is(err, fasthttp.ErrBodyTooLarge) && !ctx.IsGet() && !ctx.IsHead() && !ctx.IsOptions():
		f.status = http.StatusMethodNotAllowed // which is what is wrong with it first
	case errors.Is(err, fasthttp.ErrBodyTooLarge):
		f.status = http.StatusRequestEntityTooLarge
	}
	s.refuse(ctx, new(exchange), s.nowhere(c), f)
}

// fault counts and logs a panic. The log holds where it was, nothing of whom and
// what it was about: a value made from a query could.
func (s *Server) fault(fault any, client ratelimit.Client) {
	s.counts.panics.Add(1)
	s.count(lookup.Error, client)
	what := fmt.Sprintf("%T", fault)
	if e, ok := fault.(runtime.Error); ok {
		what = e.Error()
	}
	stack := debug.Stack()
	s.panics.Do(func() {
		s.Log.Error("an RDAP query met a fault of ours and was answered as such", "fault", what, "stack", string(stack))
	})
}
