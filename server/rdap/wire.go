package rdap

import (
	"bytes"
	"net"
	"sync"

	"github.com/valyala/fasthttp"
)

// wire is a connection as fasthttp reads it: a conn, or TLS over it. It notes how
// the request begins that is being read, because fasthttp forgets that when it
// cannot read the rest. The goroutine that serves the connection uses it alone.
type wire struct {
	net.Conn
	conn  *conn
	start [len(headMethod)]byte
	noted int  // how much of start is set
	line  bool // the request line has been read to its end

	sending   *exchange  // whose body fasthttp has been given to send; nil
	exchanges *sync.Pool // where it goes then
}

// sent gives back the exchange whose body has been sent.
func (w *wire) sent() {
	if w.sending != nil {
		w.exchanges.Put(w.sending)
		w.sending = nil
	}
}

// headMethod is how a request begins whose answer has no body.
const headMethod = "HEAD "

func (w *wire) Read(p []byte) (int, error) {
	n, err := w.Conn.Read(p)
	if !w.line {
		w.noted += copy(w.start[w.noted:], p[:n])
		w.line = bytes.IndexByte(p[:n], '\n') >= 0
	}
	return n, err
}

// isHead reports whether the request begins like one whose answer has no body.
func (w *wire) isHead() bool { return string(w.start[:w.noted]) == headMethod }

// countTurn follows when a connection works and when it waits. Of a request that
// was sent together with the one before it the beginning is not seen.
func countTurn(c net.Conn, state fasthttp.ConnState) {
	w := wireOf(c)
	switch state {
	case fasthttp.StateActive:
		w.conn.turns.Add(1)
	case fasthttp.StateIdle:
		w.conn.turns.Add(1)
		w.noted, w.line = 0, false
		w.sent()
	}
}

// wireOf returns what fasthttp was given to serve.
func wireOf(c net.Conn) *wire { return c.(*wire) }
