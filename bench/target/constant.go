package target

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"time"

	"github.com/valyala/fasthttp"
)

// The header fields of a found domain, as rddsd sends them; Date, Content-Length
// and Connection come from fasthttp.
var constantHeader = [...][2]string{
	{"Content-Type", "application/rdap+json"},
	{"Access-Control-Allow-Origin", "*"},
	{"X-Content-Type-Options", "nosniff"},
	{"Cache-Control", "max-age=60"},
}

// constantBuffer is the size of the buffers of a connection, in bytes: the
// default of 4 KiB costs 45 % more over TLS (design.md §6).
const constantBuffer = 16 << 10

// serveConstant is what an RDAP server on fasthttp costs at least: constant bytes
// with the header of a real answer, whatever is asked. It speaks TLS if config is
// not nil.
func serveConstant(ctx context.Context, l net.Listener, config *tls.Config) error {
	values := make([][2][]byte, len(constantHeader)-1)
	for i, field := range constantHeader[1:] {
		values[i] = [2][]byte{[]byte(field[0]), []byte(field[1])}
	}
	contentType := []byte(constantHeader[0][1])
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
