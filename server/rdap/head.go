package rdap

import (
	"net/http"
	"strconv"
	"time"

	"github.com/valyala/fasthttp"
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
	contentOptions = []byte("X-Content-Type-Options")
	retryAfter     = []byte("Retry-After")

	anyOrigin      = []byte("*")
	methods        = []byte("GET, HEAD, OPTIONS")
	requestHeaders = []byte("Accept, Accept-Language, If-None-Match, Content-Type")
	day            = []byte("86400")
	noSniff        = []byte("nosniff")
	noStore        = []byte("no-store")
	// As long as "last update" stands still if nothing else changes (whois.md T-01).
	aMinute = []byte("max-age=60")
)

// takeBody returns the memory of the response's body, empty.
func takeBody(ctx *fasthttp.RequestCtx) []byte { return ctx.Response.SwapBody(nil)[:0] }

// writeBody makes body, which was appended to what takeBody returned, and status
// the response. One that is degraded is for this client alone and for now.
func writeBody(ctx *fasthttp.RequestCtx, status int, body []byte, degraded bool, after time.Duration) {
	ctx.Response.SwapBody(body)
	ctx.SetStatusCode(status)
	h := &ctx.Response.Header
	h.SetContentType(mediaType)
	h.SetCanonical(allowOrigin, anyOrigin)
	h.SetCanonical(contentOptions, noSniff)
	if status == http.StatusOK && !degraded {
		h.SetCanonical(cacheControl, aMinute)
	} else {
		h.SetCanonical(cacheControl, noStore)
	}
	if after > 0 {
		h.SetCanonical(exposeHeaders, retryAfter)
		var room [20]byte
		h.SetCanonical(retryAfter, strconv.AppendInt(room[:0], seconds(after), 10))
	}
}

// seconds returns d in whole seconds, rounded up: who comes back then is not
// refused again for having come too early.
func seconds(d time.Duration) int64 { return int64((d + time.Second - 1) / time.Second) }

// writeFailure makes f the response.
func (s *Server) writeFailure(ctx *fasthttp.RequestCtx, x *exchange, r request, f failure) {
	p := r.base.policy
	x.url = AppendURL(x.url[:0], p.BaseURL, r.below)
	body := appendError(takeBody(ctx), f.status, explain(f.status), f.detail, p, x.url)
	writeBody(ctx, f.status, body, false, f.after)
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
