package whois

import (
	"cmp"
	"errors"
	"io"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"time"

	"rddsd/ratelimit"
	"rddsd/server/listen"
)

// stream is a connection as serving it takes it: a *net.TCPConn, or the socket
// that a loop has accepted.
type stream interface {
	io.ReadWriteCloser
	CloseWrite() error
	SetReadDeadline(time.Time) error
	SetWriteDeadline(time.Time) error
	SyscallConn() (syscall.RawConn, error)
}

// attend serves conn, which was just accepted from a client at from, in a goroutine
// that serving counts. head is what was read of it already, and belongs to attend.
func (s *Server) attend(conn stream, from netip.Addr, head []byte, serving *sync.WaitGroup) {
	if s.Balancers.Trusts(from) {
		s.attendBalancer(conn, from, head, serving)
		return
	}
	client := s.Limiter.Client(from)
	slot, terms := s.admit(client)
	if terms == unwanted {
		s.counts.refused.Add(1)
		conn.Close()
		return
	}
	if !s.begin(conn, s.patience(terms)) {
		slot.Release()
		return
	}
	serving.Go(func() {
		defer s.end(conn)
		// Before the client can see the end: who asks again at once, one query
		// after the other, must find his place free.
		defer slot.Release()
		s.serveConn(conn, head, client, terms, &slot)
	})
}

// attendBalancer is attend for a connection that tells first for whom it is. The
// client gets his place once he is known, and his time begins then.
func (s *Server) attendBalancer(conn stream, from netip.Addr, head []byte, serving *sync.WaitGroup) {
	if !s.begin(conn, cmp.Or(s.RefuseTimeout, DefaultRefuseTimeout)) {
		return
	}
	serving.Go(func() {
		defer s.end(conn)
		addr, head, err := listen.ReadProxy(conn, head)
		if err != nil {
			s.countUnread(err)
			return
		}
		if !addr.IsValid() {
			addr = from
		}
		client := s.Limiter.Client(addr)
		slot, terms := s.admit(client)
		if terms == unwanted {
			s.counts.refused.Add(1)
			return
		}
		defer slot.Release()
		if err := s.await(conn, s.patience(terms)); err != nil {
			s.counts.broken.Add(1)
			return
		}
		s.serveConn(conn, head, client, terms, &slot)
	})
}

// begin takes conn into the books and gives its client patience to send something,
// before the goroutine that serves it exists, so that drain comes later for
// certain. It closes conn when it is broken already.
func (s *Server) begin(conn stream, patience time.Duration) (ok bool) {
	s.track(conn)
	if err := s.await(conn, patience); err != nil {
		s.counts.broken.Add(1)
		s.end(conn)
		return false
	}
	return true
}

// await gives the client of conn, which is tracked, patience to send something, and
// less while draining.
func (s *Server) await(conn stream, patience time.Duration) error {
	err := conn.SetReadDeadline(time.Now().Add(patience))
	if err == nil && s.draining.Load() {
		// hurry may have been here before us.
		err = conn.SetReadDeadline(time.Now().Add(cmp.Or(s.RefuseTimeout, DefaultRefuseTimeout)))
	}
	return err
}

// end closes conn and takes it off the books.
func (s *Server) end(conn stream) {
	s.untrack(conn)
	conn.Close()
}

// serveConn answers the one query a connection carries (RFC 3912 §2), of which
// head was read already; the caller closes it. Reading, since accept, and writing
// have one absolute deadline each, so that a client that dribbles its line or
// drains the answer slowly costs a goroutine for at most both. Until the line is
// whole it costs no worker.
func (s *Server) serveConn(conn stream, head []byte, client ratelimit.Client, terms terms, slot *listen.Slot) {
	// Read before anything may refuse: closing a socket that still holds unread
	// input sends RST, which can destroy the refusal on its way out (W-07).
	line, alone, err := readLine(conn, head)
	if err != nil {
		s.countUnread(err)
		return
	}
	w := s.hire()
	defer s.dismiss(w)
	if !s.respond(w, line, client, terms) {
		s.counts.interrupted.Add(1)
		return
	}
	s.deliver(conn, w.out, alone, slot)
}

// deliver sends answer, in one write (W-10), and ends the connection; the caller
// closes it. alone says that nothing but one line was read.
func (s *Server) deliver(conn stream, answer []byte, alone bool, slot *listen.Slot) {
	err := conn.SetWriteDeadline(time.Now().Add(cmp.Or(s.WriteTimeout, DefaultWriteTimeout)))
	if err == nil && len(answer) > 0 {
		_, err = conn.Write(answer)
	}
	if err != nil {
		s.counts.unsent.Add(1)
		return
	}
	if !alone || queued(conn) {
		s.counts.lingered.Add(1)
		slot.Answered() // before the client can see the end of the answer
		s.linger(conn)
	}
}

// hire returns a worker; dismiss takes it back.
func (s *Server) hire() *worker {
	if w, ok := s.workers.Get().(*worker); ok {
		return w
	}
	return new(worker)
}

func (s *Server) dismiss(w *worker) { s.workers.Put(w) }

// patience is how long the query line may take.
func (s *Server) patience(terms terms) time.Duration {
	switch {
	case terms != welcome || s.draining.Load():
		return cmp.Or(s.RefuseTimeout, DefaultRefuseTimeout)
	case s.Caps.Occupancy() > hurriedAbove:
		return cmp.Or(s.HurriedTimeout, DefaultHurriedTimeout)
	}
	return cmp.Or(s.ReadTimeout, DefaultReadTimeout)
}

func (s *Server) countUnread(err error) {
	switch {
	case err == errSilent || err == listen.ErrNoProxy:
		s.counts.silent.Add(1)
	case err == errInterrupted:
		s.counts.interrupted.Add(1)
	case errors.Is(err, os.ErrDeadlineExceeded):
		s.counts.expired.Add(1)
	default:
		s.counts.broken.Add(1)
	}
}

// linger ends an answered connection that has, or may get, input nobody wants:
// it says that nothing more follows, and throws the input away until the client
// has closed too, within bounds (W-06). Closed at once, the kernel would answer
// the input with RST, and the client would lose an answer that was sent in full.
func (s *Server) linger(conn stream) {
	if conn.CloseWrite() != nil {
		return
	}
	if conn.SetReadDeadline(time.Now().Add(cmp.Or(s.LingerTimeout, DefaultLingerTimeout))) != nil {
		return
	}
	buf := make([]byte, lingerRead)
	for discarded := 0; discarded < maxDiscard; {
		n, err := conn.Read(buf)
		if err != nil {
			return // io.EOF: the client has closed; else it is too slow, or gone
		}
		discarded += n
	}
}
