//go:build !race

package rdap

import (
	"io"
	"net"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"rddsd/cache/cachetest"
)

// loop is a connection that asks the same again and again, and throws the answers
// away: what is left of a request is what happens between the system calls.
type loop struct {
	tape
	request []byte
	left    int
}

func (c *loop) Read(p []byte) (int, error) {
	if c.left == 0 {
		return 0, io.EOF
	}
	c.left--
	return copy(p, c.request), nil
}

func (c *loop) Write(p []byte) (int, error) { return len(p), nil }

// BenchmarkRequest holds what a request costs, without the system calls, against
// fasthttp with a constant of the same length and fields.
func BenchmarkRequest(b *testing.B) {
	const head = " HTTP/1.1\r\nHost: rdap.nic.coop\r\nAccept: application/rdap+json\r\nUser-Agent: bench\r\n"
	r := newRig(b, cachetest.RDAP(), func(s *Server) {
		limiting(s)
		compressing(b)(s)
	})
	r.get(b, "/help") // it runs
	for _, one := range []struct{ name, target, lines string }{
		{"domain", "/domain/example.coop", ""},
		{"gzip", "/domain/example.coop", "Accept-Encoding: gzip\r\n"},
		{"304", "/domain/example.coop", "If-None-Match: *\r\n"},
		{"miss", "/domain/nosuchname.coop", ""},
	} {
		b.Run(one.name, func(b *testing.B) {
			b.ReportAllocs()
			r.serveConn(r.enter(&loop{request: []byte("GET " + one.target + head + one.lines + "\r\n"), left: b.N}), port{})
		})
	}
	b.Run("constant", func(b *testing.B) {
		answer := r.get(b, "/domain/example.coop")
		fields := [][2][]byte{}
		for name, values := range answer.Header {
			if name != "Date" && name != "Content-Length" && name != "Content-Type" {
				fields = append(fields, [2][]byte{[]byte(name), []byte(values[0])})
			}
		}
		s := fasthttp.Server{
			Handler: func(ctx *fasthttp.RequestCtx) {
				h := &ctx.Response.Header
				h.SetContentType(mediaType)
				for i := range fields {
					h.SetCanonical(fields[i][0], fields[i][1])
				}
				ctx.Response.SetBodyRaw(answer.body)
			},
			ReadTimeout: time.Minute, WriteTimeout: time.Minute, IdleTimeout: time.Minute,
			ReadBufferSize: bufferSize, WriteBufferSize: bufferSize, MaxRequestBodySize: maxBody,
			NoDefaultServerHeader: true, DisablePreParseMultipartForm: true, LazyRequestTime: true,
		}
		b.ReportAllocs()
		if err := s.ServeConn(&loop{request: []byte("GET /domain/example.coop" + head + "\r\n"), left: b.N}); err != nil {
			b.Fatal(err)
		}
	})
}

var _ net.Conn = (*loop)(nil)
