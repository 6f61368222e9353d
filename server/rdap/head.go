package rdap

import (
	"bytes"
	"net/http"
	"strconv"
	"time"

	"github.com/valyala/fasthttp"

	"rddsd/ratelimit"
)

// Header fields, and their values, of every response or of some (rdap.md §1.2,
// §1.3). A browser's script on any site may read what this service says.
var (
	allowOrigin    = []byte("Access-Control-Allow-Origin")
	allowMethods   = []byte("Access-Control-Allow-Methods")
	allowHeaders   = []byte("Access-Control-Allow-Headers")
	exposeHeaders  = []byte("Access-Control-Expose-Headers")
	preflightAge   = []byte("Access-Control-Max-Age")
	allow          = []byte("Allow")
	cacheControl   = []byte("Cache-Control")
	location       = []byte("Location")
	contentOptions = []byte("X-Content-Type-Options")
	etag           = []byte("ETag")
	retryAfter     = []byte("Retry-After")
	vary           = []byte("Vary")
	// Of a limit that a client has used up (draft-ietf-httpapi-ratelimit-headers).
	rateLimit       = []byte("Ratelimit")
	rateLimitPolicy = []byte("Ratelimit-Policy")

	transportSecurity = []byte("Strict-Transport-Security")

	anyOrigin      = []byte("*")
	methods        = []byte("GET, HEAD, OPTIONS")
	requestHeaders = []byte("Accept, Accept-Language, If-None-Match, Content-Type")
	day            = []byte("86400")
	noSniff        = []byte("nosniff")
	noStore        = []byte("no-store")
	anHour         = []byte("max-age=3600")
	exposed        = []byte("ETag, RateLimit, RateLimit-Policy, Retry-After")
	inGzip         = []byte("gzip")

	acceptEncodingName = []byte(acceptEncoding)
	// As long as browsers and the guides ask for at least; sub-domains are not ours.
	aYear = []byte("max-age=31536000")
	// As long as "last update" stands still if nothing else changes (whois.md T-01).
	aMinute = []byte("max-age=60")
)

// Header fields of requests.
const (
	acceptEncoding = "Accept-Encoding"
	ifNoneMatch    = "If-None-Match"
)

// fields is what of a request's head its answer depends on. The values are good while
// the request is answered.
type fields struct {
	head    bool     // the method is HEAD
	tags    [][]byte // values of If-None-Match
	codings [][]byte // values of Accept-Encoding
}

// read takes the fields out of head, in one go: to ask fasthttp for each by its name
// costs four times as much.
func (f *fields) read(head *fasthttp.RequestHeader) {
	f.head, f.tags, f.codings = head.IsHead(), f.tags[:0], f.codings[:0]
	for name, value := range head.All() {
		switch string(name) {
		case ifNoneMatch:
			f.tags = append(f.tags, value)
		case acceptEncoding:
			f.codings = append(f.codings, value)
		}
	}
}

// secure tells browsers to come back over TLS only, where they came over it.
func (c *conn) secure(ctx *fasthttp.RequestCtx) {
	if c.encrypted {
		ctx.Response.Header.SetCanonical(transportSecurity, aYear)
	}
}

// The fields of a response that shows something, without and with those of one that may
// be compressed: for anybody and a while, and for this client alone and now.
var (
	lasting = [2][]byte{leading(aMinute, nil), leading(aMinute, acceptEncodingName)}
	passing = [2][]byte{leading(noStore, nil), leading(noStore, acceptEncodingName)}
)

// leading returns the name ETag with these fields before it. fasthttp writes the name of
// a field as it is given, and what is set one by one it copies, compares and copies again:
// five fields at once cost as much as one.
func leading(keep, varies []byte) []byte {
	var dst []byte
	for _, field := range [...]struct{ name, value []byte }{
		{allowOrigin, anyOrigin}, {contentOptions, noSniff}, {exposeHeaders, exposed}, {cacheControl, keep}, {vary, varies},
	} {
		if field.value != nil {
			dst = append(append(append(append(dst, field.name...), ": "...), field.value...), "\r\n"...)
		}
	}
	return append(dst, etag...)
}

// reply is an answer as HTTP tells it, of which the exchange holds the body and the
// fields of the head that not every answer has.
type reply struct {
	status int
	gzip   bool // the body is in gzip
}

// appendFound appends the fields of an answer that shows something under tag; degraded
// says that it is for this client alone and for now.
func (s *Server) appendFound(dst, tag []byte, degraded bool) []byte {
	heads := &lasting
	if degraded {
		heads = &passing
	}
	head := heads[0]
	if s.Compressed != nil {
		head = heads[1]
	}
	return appendField(dst, head, tag)
}

// appendError appends the fields of an answer that shows nothing, which is kept as keep
// says.
func (s *Server) appendError(dst, keep []byte, w wait) []byte {
	dst = appendField(dst, allowOrigin, anyOrigin)
	dst = appendField(dst, contentOptions, noSniff)
	dst = appendField(dst, cacheControl, keep)
	if w.after <= 0 {
		return dst
	}
	dst = appendField(dst, exposeHeaders, exposed)
	var room [64]byte
	dst = appendField(dst, retryAfter, strconv.AppendInt(room[:0], seconds(w.after), 10))
	quota, window := 0, time.Duration(0)
	switch limits := s.Limiter.Config(); w.cause {
	case ratelimit.Second:
		quota, window = limits.Burst, time.Duration(float64(limits.Burst)/limits.Rate*float64(time.Second))
	case ratelimit.QuarterHour:
		quota, window = limits.QuarterHour, 15*time.Minute
	default:
		return dst // what the operator made with one network is not told
	}
	name := append(append(room[:0], '"'), w.cause.String()...)
	name = append(name, `";`...)
	policy := append(strconv.AppendInt(append(name, "q="...), int64(quota), 10), ";w="...)
	dst = appendField(dst, rateLimitPolicy, strconv.AppendInt(policy, seconds(window), 10))
	return appendField(dst, rateLimit, strconv.AppendInt(append(name, "r=0;t="...), seconds(w.after), 10))
}

// appendField appends a line of a head.
func appendField(dst, name, value []byte) []byte {
	dst = append(append(dst, name...), ": "...)
	return append(append(dst, value...), "\r\n"...)
}

// write makes r the response, which is sent before the memory of x is used again.
func (x *exchange) write(ctx *fasthttp.RequestCtx, r reply) {
	ctx.Response.SetBodyRaw(x.body)
	ctx.SetStatusCode(r.status)
	h := &ctx.Response.Header
	h.SetContentType(mediaType)
	name, value := lastValue(x.head)
	h.SetCanonical(name, value)
	if r.gzip {
		h.SetContentEncodingBytes(inGzip)
	}
}

// lastValue parts lines of a head before the value of the last: what stands before it
// goes to fasthttp as one name.
func lastValue(lines []byte) (name, value []byte) {
	lines = lines[:len(lines)-len("\r\n")]
	last := bytes.LastIndexByte(lines, '\n') + 1
	colon := last + bytes.IndexByte(lines[last:], ':')
	return lines[:colon], lines[colon+len(": "):]
}

// seconds returns d in whole seconds, rounded up: who comes back then is not
// refused again for having come too early.
func seconds(d time.Duration) int64 { return int64((d + time.Second - 1) / time.Second) }

// writeFailure makes f the response.
func (s *Server) writeFailure(ctx *fasthttp.RequestCtx, x *exchange, r request, f failure) {
	p := r.base.policy
	x.url = AppendURL(x.url[:0], p.BaseURL, r.below)
	x.body = appendError(x.body[:0], f.status, explain(f.status), f.detail, p, x.url)
	keep := noStore
	if f.keep != nil {
		keep = f.keep
	}
	x.head = s.appendError(x.head[:0], keep, f.wait)
	x.write(ctx, reply{status: f.status})
	if f.status == http.StatusMethodNotAllowed {
		ctx.Response.Header.SetCanonical(allow, methods)
	}
}

// writePreflight answers OPTIONS, which browsers send before a request from
// another site (rdap.md §1.2).
func writePreflight(ctx *fasthttp.RequestCtx) {
	ctx.SetStatusCode(http.StatusNoContent)
	h := &ctx.Response.Header
	h.SetContentType(mediaType)
	h.SetCanonical(allowOrigin, anyOrigin)
	h.SetCanonical(allow, methods)
	h.SetCanonical(allowMethods, methods)
	h.SetCanonical(allowHeaders, requestHeaders)
	h.SetCanonical(preflightAge, day)
}
