package rdap

import (
	"bytes"
	"net"
	"time"

	"github.com/valyala/fasthttp"
)

// wire is a connection as fasthttp reads it: a conn, or TLS over it. It notes how
// the request begins that is being read, because fasthttp forgets that when it
// cannot read the rest. The goroutine that serves the connection uses it alone.
type wire struct {
	net.Conn
	conn   *conn
	server *Server
	start  [len(headMethod)]byte
	noted  int    // how much of start is set
	line   bool   // the request line has been read to its end
	ahead  []byte // was read of it before fasthttp got it

	awaits  awaited
	asked   time.Time // when the last request had been read
	sending *exchange // whose body fasthttp has been given to send; nil
}

// awaited is what the next Read waits for, and so which deadline it needs. fasthttp
// would set one before each request, one after its first byte and one before its answer,
// and read the clock for each; nearly every request comes whole in one Read.
type awaited uint8

const (
	asBefore awaited = iota // the deadline in force holds
	theRest                 // of a request that has begun
	aRequest                // the next one of a kept connection
)

// sent gives back the exchange whose body has been sent.
func (w *wire) sent() {
	if w.sending != nil {
		w.server.exchanges.Put(w.sending)
		w.sending = nil
	}
}

// headMethod is how a request begins whose answer has no body.
const headMethod = "HEAD "

func (w *wire) Read(p []byte) (int, error) {
	if w.awaits != asBefore && len(w.ahead) == 0 {
		w.await()
	}
	n, err := w.read(p)
	if !w.line {
		w.noted += copy(w.start[w.noted:], p[:n])
		w.line = bytes.IndexByte(p[:n], '\n') >= 0
	}
	return n, err
}

// read reads what was read ahead, then from the connection.
func (w *wire) read(p []byte) (int, error) {
	if len(w.ahead) > 0 {
		n := copy(p, w.ahead)
		w.ahead = w.ahead[n:]
		return n, nil
	}
	return w.Conn.Read(p)
}

// await sets the deadline of what the next Read waits for.
func (w *wire) await() {
	timeout := w.server.ReadTimeout
	if w.awaits == aRequest {
		timeout = w.server.IdleTimeout
	}
	w.awaits = asBefore
	// Half as dear as time.Now: there is a request, or none of this would be new.
	now := w.asked.Add(time.Since(w.asked))
	_ = w.conn.SetReadDeadline(now.Add(timeout)) // takes any
}

// isHead reports whether the request begins like one whose answer has no body.
func (w *wire) isHead() bool { return string(w.start[:w.noted]) == headMethod }

// countTurn follows when a connection works and when it waits. Of a request that
// was sent together with the one before it the beginning is not seen.
func countTurn(c net.Conn, state fasthttp.ConnState) {
	w := wireOf(c)
	switch state {
	case fasthttp.StateActive:
		if w.conn.turns.Add(1) > 1 { // the first has as long from the connection on
			w.awaits = theRest
		}
	case fasthttp.StateIdle:
		w.conn.turns.Add(1)
		w.noted, w.line, w.awaits = 0, false, aRequest
		w.sent()
	}
}

// wireOf returns what fasthttp was given to serve.
func wireOf(c net.Conn) *wire { return c.(*wire) }
