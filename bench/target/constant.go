package target

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"time"

	"github.com/valyala/fasthttp"
)

// constantHeader returns the header fields of a found domain, as rddsd sends them
// where it compresses; Date, Content-Length and Connection come from the server.
func constantHeader(secure bool) [][2]string {
	fields := [][2]string{
		{"Content-Type", "application/rdap+json"},
		{"Access-Control-Allow-Origin", "*"},
		{"X-Content-Type-Options", "nosniff"},
		{"Access-Control-Expose-Headers", "ETag, RateLimit, RateLimit-Policy, Retry-After"},
		{"ETag", `W/"65cef501eca3619d"`},
		{"Cache-Control", "max-age=60"},
		{"Vary", "Accept-Encoding"},
	}
	if secure {
		fields = append(fields, [2]string{"Strict-Transport-Security", "max-age=31536000"})
	}
	return fields
}

// constantBuffer is the size of the buffers of a connection, in bytes: the
// default of 4 KiB costs 45 % more over TLS (design.md §6).
const constantBuffer = 16 << 10

// serveConstant is what an RDAP server on fasthttp costs at least: constant bytes
// with the header of a real answer, whatever is asked. It speaks TLS if config is
// not nil.
func serveConstant(ctx context.Context, l net.Listener, config *tls.Config) error {
	var values [][2][]byte
	fields := constantHeader(config != nil)
	for _, field := range fields[1:] {
		values = append(values, [2][]byte{[]byte(field[0]), []byte(field[1])})
	}
	contentType := []byte(fields[0][1])
	server := fasthttp.Server{
		Handler: func(ctx *fasthttp.RequestCtx) {
			ctx.SetStatusCode(http.StatusOK)
			h := &ctx.Response.Header
			h.SetContentTypeBytes(contentType)
			for i := range values {
				h.SetCanonical(values[i][0], values[i][1])
			}
			ctx.Response.SetBodyRaw(rdapAnswer)
		},
		ReadTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second, IdleTimeout: time.Minute,
		ReadBufferSize: constantBuffer, WriteBufferSize: constantBuffer,
		MaxRequestBodySize: 1 << 10, Concurrency: 1 << 20,
		NoDefaultServerHeader: true, DisablePreParseMultipartForm: true, LazyRequestTime: true,
		Logger: silent{},
	}
	if config != nil {
		l = tls.NewListener(l, config)
	}
	defer context.AfterFunc(ctx, func() { l.Close() })()
	return unlessStopped(ctx, server.Serve(l))
}

// silent is a log that keeps nothing: clients that go away are no news here.
type silent struct{}

func (silent) Printf(string, ...any) {}
