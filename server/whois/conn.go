package whois

import (
	"cmp"
	"errors"
	"net"
	"os"
	"time"

	"rddsd/ratelimit"
)

// serveConn answers the one query a connection carries (RFC 3912 §2); the caller
// closes it. Reading, since accept, and writing have one absolute deadline each,
// so that a client that dribbles its line or drains the answer slowly costs a
// worker for at most both.
func (s *Server) serveConn(conn net.Conn, client ratelimit.Client, terms terms) {
	w := s.hire()
	defer s.dismiss(w)

	// Read before anything may refuse: closing a socket that still holds unread
	// input sends RST, which can destroy the refusal on its way out (W-07).
	line, alone, err := readLine(conn, w.in[:])
	if err != nil {
		s.countUnread(err)
		return
	}
	if kind := kindOfJunk(line); kind != noJunk {
		s.counts.junk[kind].Add(1)
	}
	if !s.respond(w, line, client, terms) {
		s.counts.interrupted.Add(1)
		return
	}
	if err := s.write(conn, w.out); err != nil {
		s.counts.unsent.Add(1)
		return
	}
	if !alone || queued(conn) {
		s.counts.lingered.Add(1)
		s.linger(conn, w.in[:])
	}
}

// hire returns a worker; dismiss takes it back.
func (s *Server) hire() *worker {
	if w, ok := s.workers.Get().(*worker); ok {
		return w
	}
	return new(worker)
}

func (s *Server) dismiss(w *worker) {
	w.answer.View = nil // a worker that waits keeps nothing of an old View alive but the rows it showed last
	s.workers.Put(w)
}

// patience is how long the query line may take.
func (s *Server) patience(terms terms) time.Duration {
	switch {
	case terms != welcome:
		return cmp.Or(s.RefuseTimeout, DefaultRefuseTimeout)
	case s.Caps.Occupancy() > hurriedAbove:
		return cmp.Or(s.HurriedTimeout, DefaultHurriedTimeout)
	}
	return cmp.Or(s.ReadTimeout, DefaultReadTimeout)
}

func (s *Server) countUnread(err error) {
	switch {
	case err == errSilent:
		s.counts.silent.Add(1)
	case err == errInterrupted:
		s.counts.interrupted.Add(1)
	case errors.Is(err, os.ErrDeadlineExceeded):
		s.counts.expired.Add(1)
	default:
		s.counts.broken.Add(1)
	}
}

// write sends the answer in one write (W-10).
func (s *Server) write(conn net.Conn, answer []byte) error {
	if err := conn.SetWriteDeadline(time.Now().Add(cmp.Or(s.WriteTimeout, DefaultWriteTimeout))); err != nil {
		return err
	}
	_, err := conn.Write(answer)
	return err
}

// linger ends an answered connection that has, or may get, input nobody wants:
// it says that nothing more follows, and throws the input away until the client
// has closed too, within bounds (W-06). Closed at once, the kernel would answer
// the input with RST, and the client would lose an answer that was sent in full.
func (s *Server) linger(conn net.Conn, buf []byte) {
	half, ok := conn.(interface{ CloseWrite() error })
	if !ok || half.CloseWrite() != nil {
		return
	}
	if conn.SetReadDeadline(time.Now().Add(cmp.Or(s.LingerTimeout, DefaultLingerTimeout))) != nil {
		return
	}
	for discarded := 0; discarded < maxDiscard; {
		n, err := conn.Read(buf)
		if err != nil {
			return // io.EOF: the client has closed; else it is too slow, or gone
		}
		discarded += n
	}
}
