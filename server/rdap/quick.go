package rdap

import (
	"bytes"
	"net/http"
	"strconv"
	"time"

	"github.com/valyala/fasthttp"

	"rddsd/server/lookup"
)

// serveSimple answers the requests of w while they are simple and come one by one, with
// one read and one write for each, out of buffers that the next request finds in the
// processor's cache. It reports whether the connection goes on: then fasthttp answers
// what has been read ahead, and all that follows. The answers are the same bytes
// (FuzzSimple).
func (s *Server) serveSimple(w *wire) (goesOn bool) {
	c := w.conn
	if c.proxied || c.crowded() {
		return true
	}
	buf := make([]byte, maxSimple)
	for {
		if w.awaits != asBefore {
			w.await()
		}
		n, err := w.Conn.Read(buf)
		w.ahead = buf[:n]
		if err != nil {
			return n > 0 || w.asked.IsZero() // who has asked nothing yet may be told why this ends
		}
		x := s.exchanges.Get().(*exchange)
		switch s.answerSimple(w, x) {
		case notSimple:
			s.exchanges.Put(x)
			return true
		case faulty:
			return false // x is not used again: what the panic left in it is not to be trusted
		}
		w.ahead = nil
		_, err = w.Conn.Write(x.out)
		s.exchanges.Put(x)
		if err != nil {
			return false
		}
		c.turns.Add(1)
		w.awaits = aRequest
	}
}

// outcome is what came of a request that may be simple.
type outcome uint8

const (
	notSimple outcome = iota // nothing was done
	answered                 // the response is made
	faulty                   // a panic was answered as such
)

// answerSimple makes the response to the request that was read ahead, if that is simple
// and asks for an object.
func (s *Server) answerSimple(w *wire, x *exchange) (came outcome) {
	q, ok := readSimple(w.ahead, &x.fields)
	view := s.Cache.Current()
	if !ok || view == nil || s.draining.Load() {
		return notSimple
	}
	path, rawQuery, _ := bytes.Cut(q.target, questionMark)
	base, found := s.basesOf(view).match(q.host, path)
	if !found || len(path) > lookup.MaxPath || len(rawQuery) > lookup.MaxPath {
		return notSimple
	}
	c := w.conn
	defer func() {
		if fault := recover(); fault != nil {
			s.fault(fault, c.client)
			s.failSimple(w)
			came = faulty
		}
	}()
	var err error
	if x.query, err = lookup.ParsePath(path[len(base.path)-1:], rawQuery); err != nil {
		return notSimple
	}
	c.turns.Add(1)
	w.asked = time.Now()
	_ = c.SetWriteDeadline(w.asked.Add(s.WriteTimeout)) // takes any
	told := s.answer(view, x, request{client: c.client, base: base, below: q.target[len(base.path):]}, w.asked)
	x.answer.View = nil // an idle exchange must not keep an old View alive
	x.out = s.appendHead(x.out[:0], told, x, c.encrypted, w.asked)
	x.out = append(x.out, x.body...)
	return answered
}

// failSimple answers a request over which we stumbled.
func (s *Server) failSimple(w *wire) {
	var ctx fasthttp.RequestCtx
	ctx.SetConnectionClose()
	w.conn.secure(&ctx)
	s.writeFailure(&ctx, new(exchange), s.nowhere(w.conn), failure{status: http.StatusInternalServerError})
	_, _ = ctx.Response.WriteTo(w.Conn) // or nobody is there to be answered
}

// Lines of the head of every response, or of some.
const (
	protocol        = "HTTP/1.1 "
	contentType     = "Content-Type: " + mediaType + "\r\n"
	contentEncoding = "Content-Encoding: gzip\r\n"
	contentLength   = "Content-Length: "
	strictly        = "Strict-Transport-Security: max-age=31536000\r\n"
)

// appendHead appends the head of r, the response of x at now, as fasthttp would write it.
func (s *Server) appendHead(dst []byte, r reply, x *exchange, encrypted bool, now time.Time) []byte {
	dst = append(dst, protocol...)
	dst = strconv.AppendInt(dst, int64(r.status), 10)
	dst = append(dst, ' ')
	dst = append(dst, http.StatusText(r.status)...)
	dst = append(dst, "\r\n"...)
	dst = append(dst, s.dateAt(now).line...)
	dst = append(dst, contentType...)
	if r.gzip {
		dst = append(dst, contentEncoding...)
	}
	if r.status != http.StatusNotModified {
		dst = append(dst, contentLength...)
		dst = strconv.AppendInt(dst, int64(len(x.body)), 10)
		dst = append(dst, "\r\n"...)
	}
	if encrypted {
		dst = append(dst, strictly...)
	}
	dst = append(dst, x.head...)
	return append(dst, "\r\n"...)
}

// date is the field Date of the responses of one second.
type date struct {
	second int64 // of the Unix epoch
	line   []byte
}

// dateAt returns the date of a response at now.
func (s *Server) dateAt(now time.Time) *date {
	second := now.Unix()
	if d := s.date.Load(); d != nil && d.second == second {
		return d
	}
	d := &date{second, []byte("Date: " + now.UTC().Format(http.TimeFormat) + "\r\n")}
	s.date.Store(d)
	return d
}
