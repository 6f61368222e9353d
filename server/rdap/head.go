package rdap

import (
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

// found is a response that shows something, and what its head says of it.
type found struct {
	tag      []byte // entity tag of the body
	known    bool   // the client has it already: no body
	gzip     bool   // the body is in gzip
	degraded bool   // for this client alone and for now
}

// writeFound makes body the response, which is sent before its memory is used again.
func (s *Server) writeFound(ctx *fasthttp.RequestCtx, body []byte, f found) {
	ctx.Response.SetBodyRaw(body)
	ctx.SetStatusCode(http.StatusOK)
	if f.known {
		ctx.SetStatusCode(http.StatusNotModified)
	}
	h := &ctx.Response.Header
	h.SetContentType(mediaType)
	heads := &lasting
	if f.degraded {
		heads = &passing
	}
	head := heads[0]
	if s.Compressed != nil {
		head = heads[1]
	}
	h.SetCanonical(head, f.tag)
	if f.gzip {
		h.SetContentEncodingBytes(inGzip)
	}
}

// writeError makes body and status the response.
func (s *Server) writeError(ctx *fasthttp.RequestCtx, status int, body []byte, w wait) {
	ctx.Response.SetBodyRaw(body)
	ctx.SetStatusCode(status)
	h := &ctx.Response.Header
	h.SetContentType(mediaType)
	h.SetCanonical(allowOrigin, anyOrigin)
	h.SetCanonical(contentOptions, noSniff)
	h.SetCanonical(cacheControl, noStore)
	if w.after <= 0 {
		return
	}
	h.SetCanonical(exposeHeaders, exposed)
	var room [64]byte
	h.SetCanonical(retryAfter, strconv.AppendInt(room[:0], seconds(w.after), 10))
	quota, window := 0, time.Duration(0)
	switch limits := s.Limiter.Config(); w.cause {
	case ratelimit.Second:
		quota, window = limits.Burst, time.Duration(float64(limits.Burst)/limits.Rate*float64(time.Second))
	case ratelimit.QuarterHour:
		quota, window = limits.QuarterHour, 15*time.Minute
	default:
		return // what the operator made with one network is not told
	}
	name := append(append(room[:0], '"'), w.cause.String()...)
	name = append(name, `";`...)
	policy := append(strconv.AppendInt(append(name, "q="...), int64(quota), 10), ";w="...)
	h.SetCanonical(rateLimitPolicy, strconv.AppendInt(policy, seconds(window), 10))
	h.SetCanonical(rateLimit, strconv.AppendInt(append(name, "r=0;t="...), seconds(w.after), 10))
}

// seconds returns d in whole seconds, rounded up: who comes back then is not
// refused again for having come too early.
func seconds(d time.Duration) int64 { return int64((d + time.Second - 1) / time.Second) }

// writeFailure makes f the response.
func (s *Server) writeFailure(ctx *fasthttp.RequestCtx, x *exchange, r request, f failure) {
	p := r.base.policy
	x.url = AppendURL(x.url[:0], p.BaseURL, r.below)
	x.body = appendError(x.body[:0], f.status, explain(f.status), f.detail, p, x.url)
	s.writeError(ctx, f.status, x.body, f.wait)
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
