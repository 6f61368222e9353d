package rdap

import (
	"crypto/tls"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/valyala/fasthttp"

	"rddsd/server/lookup"
)

// handshake begins TLS over c. It takes no longer than a request and an answer.
// Who asks without TLS is told so.
func (s *Server) handshake(c *conn, config *tls.Config) (*tls.Conn, error) {
	now := time.Now()
	if err := errors.Join(c.SetReadDeadline(now.Add(s.ReadTimeout)), c.SetWriteDeadline(now.Add(s.WriteTimeout))); err != nil {
		return nil, err
	}
	encrypted := tls.Server(c, config)
	err := encrypted.Handshake()
	if err == nil {
		return encrypted, nil
	}
	s.counts.broken.Add(1)
	c.lingers.Store(true)
	if record := (tls.RecordHeaderError{}); errors.As(err, &record) && record.Conn != nil && isHTTP(string(record.RecordHeader[:])) {
		s.refusePlain(c, string(record.RecordHeader[:]) == headMethod)
	}
	return nil, err
}

// isHTTP reports whether start, the five bytes where a TLS record begins, begins
// a request without TLS.
func isHTTP(start string) bool {
	return slices.Contains([]string{"GET /", headMethod, "POST ", "OPTIO", "PUT /", "DELET", "PATCH"}, start)
}

// refusePlain answers a request that was sent without TLS to a port that speaks
// it. What it asked for is not read.
func (s *Server) refusePlain(c *conn, head bool) {
	var ctx fasthttp.RequestCtx
	ctx.SetConnectionClose()
	ctx.Response.SkipBody = head
	s.refuse(&ctx, new(exchange), s.nowhere(c), failure{
		status: http.StatusBadRequest, class: lookup.Invalid, detail: "this port speaks TLS, ask with https",
	})
	_, _ = ctx.Response.WriteTo(c) // or nobody is there to be answered
}
