package whois

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"rddsd/ratelimit"
	"rddsd/server/listen"
)

const (
	// deferAccept is for how long, in seconds at least, the kernel keeps a
	// connection to itself whose query has not come: a loop finds queries that are
	// there. Without it a query costs 20 to 30 % more (bench/RESULTS.md).
	deferAccept = 1

	// batch is after how many connections a loop lets others run: raw system
	// calls do not tell the scheduler that they may take long.
	batch = 128
)

// loop serves the connections of a listening socket in one goroutine, without
// garbage: the socket is parked in the runtime's poller; once it is ready, its
// connections are accepted, read, answered and closed by raw system calls until
// there are no more (design.md §6). Whoever has not sent one whole line by then,
// sends more than that, or does not take the whole answer, gets a goroutine.
type loop struct {
	server    *Server
	file      *os.File // the listening socket, by a descriptor of its own
	raw       syscall.RawConn
	inherited bool // whoever is in the queue waits for our successor
	serving   *sync.WaitGroup
	stopped   chan struct{}

	stopping atomic.Bool
	until    time.Time // of the time for arrivals, once it is stopping; zero before
	failure  error     // why accept ended
	accepted bool      // any, since accept began

	w       *worker // while it runs
	peer    unix.RawSockaddrAny
	peerLen uint32
}

// openLoops returns s.Loops loops over the socket of ln, which it takes over; none
// when ln is not a TCP socket, or no loops are wanted.
func (s *Server) openLoops(ln net.Listener, serving *sync.WaitGroup) ([]acceptor, error) {
	socket, inherited := listen.Socket(ln)
	if socket == nil || s.Loops == 0 {
		return nil, nil
	}
	var loops []acceptor
	for range s.Loops {
		l, err := s.openLoop(socket, serving)
		if err != nil {
			for _, l := range loops {
				l.close()
			}
			return nil, fmt.Errorf("open the WHOIS listener on %s: %w", ln.Addr(), err)
		}
		l.inherited = inherited
		loops = append(loops, l)
	}
	// Package net's descriptor would wake with each connection, too.
	if err := ln.Close(); err != nil {
		return loops, fmt.Errorf("open the WHOIS listener on %s: %w", ln.Addr(), err)
	}
	return loops, nil
}

func (s *Server) openLoop(socket *net.TCPListener, serving *sync.WaitGroup) (*loop, error) {
	file, err := socket.File()
	if err != nil {
		return nil, err
	}
	l := &loop{server: s, file: file, serving: serving, stopped: make(chan struct{})}
	if l.raw, err = file.SyscallConn(); err == nil {
		err = l.deferAccept(deferAccept)
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return l, nil
}

func (l *loop) deferAccept(seconds int) error {
	var optErr error
	err := l.raw.Control(func(fd uintptr) {
		optErr = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_DEFER_ACCEPT, seconds)
	})
	return errors.Join(err, optErr)
}

func (l *loop) run() error {
	accept := l.accept
	for wait := listen.MinWait; ; {
		l.failure, l.accepted = nil, false
		err := l.raw.Read(accept)
		switch {
		case l.stopping.Load():
			return l.finish(accept)
		case l.accepted:
			wait = listen.MinWait
		}
		if l.failure == nil {
			return fmt.Errorf("accept WHOIS connections on %s: %w", l.file.Name(), err)
		}
		l.server.failures.Do(func() {
			l.server.Log.Warn("accepting connections fails; it is tried again", "listener", l.file.Name(), "error", l.failure)
		})
		// What lacks comes back when connections end: who came meanwhile waits in
		// the kernel's queue.
		timer := time.NewTimer(wait/2 + rand.N(wait/2))
		select {
		case <-timer.C:
			wait = min(2*wait, listen.MaxWait)
		case <-l.stopped:
			timer.Stop()
		}
	}
}

// stop has run finish. It is called once.
func (l *loop) stop() {
	l.stopping.Store(true)
	_ = l.file.SetReadDeadline(time.Unix(1, 0)) // wakes it; on a closed file it has ended
	close(l.stopped)
}

// finish serves those who have begun to connect, for as long as they may take. The
// queue of an inherited socket is left as it is.
func (l *loop) finish(accept func(uintptr) bool) error {
	<-l.stopped // it sets a deadline too
	if l.inherited {
		return nil
	}
	// Where that fails, who comes at the last moment is lost, and nobody else. Who
	// waits for the kernel to let him in has begun to connect as well.
	_ = listen.RefuseArrivals(l.raw)
	_ = l.deferAccept(0)
	l.until = time.Now().Add(l.server.arrivals())
	err := l.file.SetReadDeadline(l.until)
	for err == nil {
		l.failure = nil
		err = l.raw.Read(accept)
		if l.failure != nil { // for lack of descriptors, say; others are about to end
			time.Sleep(listen.MinWait)
		}
	}
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		return fmt.Errorf("finish the queue of the WHOIS listener on %s: %w", l.file.Name(), err)
	}
	return nil
}

func (l *loop) close() error { return l.file.Close() }

// accept serves connections until none is waiting. It reports whether the loop is
// to look up: it is to stop, its time is over, or there is a failure.
func (l *loop) accept(fd uintptr) (lookUp bool) {
	s := l.server
	l.w = s.hire()
	defer func() {
		s.dismiss(l.w)
		l.w = nil
	}()
	for served := 1; ; served++ {
		if l.stopping.Load() && (l.until.IsZero() || time.Now().After(l.until)) {
			return true
		}
		l.peerLen = unix.SizeofSockaddrAny
		conn, _, errno := syscall.RawSyscall6(syscall.SYS_ACCEPT4, fd, uintptr(unsafe.Pointer(&l.peer)),
			uintptr(unsafe.Pointer(&l.peerLen)), syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC, 0, 0)
		switch errno {
		case 0:
			l.accepted = true
			s.counts.connections.Add(1)
			l.serve(conn)
		case syscall.EAGAIN:
			return false
		case syscall.EINTR, syscall.ECONNABORTED: // the next one
		default:
			l.failure = errno
			return true
		}
		if served%batch == 0 {
			runtime.Gosched()
		}
	}
}

// serve answers the query of a connection if it is there whole, and leaves the
// connection to a goroutine if it is not done with that.
func (l *loop) serve(fd uintptr) {
	s, w, from := l.server, l.w, addrOfRaw(&l.peer)
	if len(s.Balancers) > 0 && s.Balancers.Trusts(from) {
		s.attend(newSocket(fd), from, nil, l.serving)
		return
	}
	n, _, errno := syscall.RawSyscall(syscall.SYS_READ, fd, uintptr(unsafe.Pointer(&w.in[0])), maxRead)
	switch {
	case errno == syscall.EAGAIN:
		s.attend(newSocket(fd), from, nil, l.serving)
		return
	case errno != 0:
		s.counts.broken.Add(1)
		closeRaw(fd)
		return
	case n == 0:
		s.counts.silent.Add(1)
		closeRaw(fd)
		return
	}
	end, next := lineEnd(w.in[:n], 0)
	if end < 0 {
		s.attend(newSocket(fd), from, slices.Clone(w.in[:n]), l.serving)
		return
	}

	// A query that is answered at once takes no place: no number of slow clients
	// can keep a fast one out.
	client, terms := s.Limiter.Client(from), welcome
	if client.Audience == ratelimit.Anonymous && s.Caps.Crowded(client.Addr) {
		terms = crowded
	}
	if bytes.Contains(w.in[:end], interrupt) || !s.respond(w, w.in[:end], client, terms) {
		s.counts.interrupted.Add(1)
		closeRaw(fd)
		return
	}
	// The answer leaves with the end of the connection, in one packet if it fits.
	sent, _, errno := syscall.RawSyscall6(syscall.SYS_SENDTO, fd, uintptr(unsafe.Pointer(&w.out[0])), uintptr(len(w.out)),
		syscall.MSG_NOSIGNAL|unix.MSG_MORE, 0, 0)
	switch {
	case errno == syscall.EAGAIN:
		sent = 0
	case errno != 0:
		s.counts.unsent.Add(1)
		closeRaw(fd)
		return
	}
	if alone := next == int(n); int(sent) < len(w.out) || !alone || unreadOn(fd) {
		s.attendEnd(newSocket(fd), client, slices.Clone(w.out[sent:]), alone, l.serving)
		return
	}
	closeRaw(fd)
}

// attendEnd has a goroutine that serving counts send rest, the end of an answer,
// and end the connection.
func (s *Server) attendEnd(conn stream, client ratelimit.Client, rest []byte, alone bool, serving *sync.WaitGroup) {
	slot, terms := s.admit(client)
	if terms == unwanted {
		s.counts.refused.Add(1)
		conn.Close()
		return
	}
	s.track(conn)
	serving.Go(func() {
		defer s.end(conn)
		defer slot.Release()
		s.deliver(conn, rest, alone, &slot)
	})
}

// socket is a connection that a loop has accepted and a goroutine serves.
type socket struct{ *os.File }

func newSocket(fd uintptr) socket { return socket{os.NewFile(fd, "connection")} }

// CloseWrite tells the client that nothing more follows.
func (s socket) CloseWrite() error {
	raw, err := s.SyscallConn()
	if err != nil {
		return err
	}
	var shutErr error
	err = raw.Control(func(fd uintptr) { shutErr = unix.Shutdown(int(fd), unix.SHUT_WR) })
	return errors.Join(err, shutErr)
}

func closeRaw(fd uintptr) { _, _, _ = syscall.RawSyscall(syscall.SYS_CLOSE, fd, 0, 0) }

// addrOfRaw returns the address in sa.
func addrOfRaw(sa *unix.RawSockaddrAny) netip.Addr {
	switch sa.Addr.Family {
	case unix.AF_INET:
		return netip.AddrFrom4((*unix.RawSockaddrInet4)(unsafe.Pointer(sa)).Addr)
	case unix.AF_INET6:
		return netip.AddrFrom16((*unix.RawSockaddrInet6)(unsafe.Pointer(sa)).Addr)
	}
	return netip.Addr{}
}
