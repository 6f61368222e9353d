package load

import (
	"fmt"
	"net/netip"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The loop's system calls never block, but for its one wait: they go past the Go
// scheduler (RawSyscall), which spares telling it of each.

// sockaddr is a socket address as the kernel takes it.
type sockaddr struct {
	room unix.RawSockaddrInet6
	size uintptr
}

func newSockaddr(addr netip.AddrPort) (s sockaddr) {
	port := [2]byte{byte(addr.Port() >> 8), byte(addr.Port())}
	if addr.Addr().Is6() {
		s.room.Family, s.size = unix.AF_INET6, unix.SizeofSockaddrInet6
		*(*[2]byte)(unsafe.Pointer(&s.room.Port)) = port
		s.room.Addr = addr.Addr().As16()
		return s
	}
	in := (*unix.RawSockaddrInet4)(unsafe.Pointer(&s.room))
	in.Family, s.size = unix.AF_INET, unix.SizeofSockaddrInet4
	*(*[2]byte)(unsafe.Pointer(&in.Port)) = port
	in.Addr = addr.Addr().As4()
	return s
}

// ask sends the next query on c. An error is this process's own.
func (l *loop) ask(c *conn, due time.Duration) error {
	l.stream.next(&c.q)
	l.wire.request(&c.q)
	c.due, c.began, c.sent, c.asking, c.in = due, l.run.clock(), 0, true, c.in[:0]
	if c.fd < 0 {
		if errno := l.dial(c); errno != 0 {
			return l.unconnected(c, errno)
		}
	}
	return l.send(c)
}

// dial begins a connection from one of the sources. On loopback the handshake is
// over when connect returns, although it says that it is in progress.
func (l *loop) dial(c *conn) unix.Errno {
	family := uintptr(l.to.room.Family)
	fd, _, errno := unix.RawSyscall(unix.SYS_SOCKET, family, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if errno != 0 {
		return errno
	}
	c.fd = int(fd)
	if from := l.sources.pick(c.q.kind); from.IsValid() && family == unix.AF_INET {
		if errno := bindLate(fd, from); errno != 0 {
			return errno
		}
	}
	event := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLRDHUP, Fd: l.index(c)}
	if _, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_CTL, uintptr(l.epoll), unix.EPOLL_CTL_ADD, fd, uintptr(unsafe.Pointer(&event)), 0, 0); errno != 0 {
		return errno
	}
	_, _, errno = unix.RawSyscall(unix.SYS_CONNECT, fd, uintptr(unsafe.Pointer(&l.to.room)), l.to.size)
	if errno != 0 && errno != unix.EINPROGRESS {
		return errno
	}
	l.rec.now.opened++
	return 0
}

// bindLate binds fd to a source address; the kernel chooses the port when it
// connects (see lateBind).
func bindLate(fd uintptr, from netip.Addr) unix.Errno {
	yes := int32(1)
	if _, _, errno := unix.RawSyscall6(unix.SYS_SETSOCKOPT, fd, unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT,
		uintptr(unsafe.Pointer(&yes)), unsafe.Sizeof(yes), 0); errno != 0 {
		return errno
	}
	addr := unix.RawSockaddrInet4{Family: unix.AF_INET, Addr: from.As4()}
	_, _, errno := unix.RawSyscall(unix.SYS_BIND, fd, uintptr(unsafe.Pointer(&addr)), unix.SizeofSockaddrInet4)
	return errno
}

// index returns the index of c.
func (l *loop) index(c *conn) int32 {
	return int32((uintptr(unsafe.Pointer(c)) - uintptr(unsafe.Pointer(&l.conns[0]))) / unsafe.Sizeof(conn{}))
}

// send sends what is left of c's request.
func (l *loop) send(c *conn) error {
	for c.sent < len(c.q.out) {
		n, _, errno := unix.RawSyscall6(unix.SYS_SENDTO, uintptr(c.fd), uintptr(unsafe.Pointer(&c.q.out[c.sent])), uintptr(len(c.q.out)-c.sent),
			unix.MSG_NOSIGNAL, 0, 0)
		switch errno {
		case 0:
			c.sent += int(n)
			l.rec.now.bytesOut += int64(n)
		case unix.EINTR:
		case unix.EAGAIN, unix.ENOTCONN:
			return l.watch(c, unix.EPOLLIN|unix.EPOLLRDHUP|unix.EPOLLOUT)
		default:
			return l.lost(c, errno)
		}
	}
	return nil
}

// watch changes what c waits for.
func (l *loop) watch(c *conn, events uint32) error {
	event := unix.EpollEvent{Events: events, Fd: l.index(c)}
	if err := unix.EpollCtl(l.epoll, unix.EPOLL_CTL_MOD, c.fd, &event); err != nil {
		return fmt.Errorf("wait for a socket: %w", err)
	}
	return nil
}

// wait waits for sockets, at most so long.
func (l *loop) wait(events []unix.EpollEvent, most time.Duration) (int, error) {
	if most <= 0 {
		n, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(l.epoll), uintptr(unsafe.Pointer(&events[0])), uintptr(len(events)), 0, 0, 0)
		return waited(int(n), errno)
	}
	t := unix.NsecToTimespec(most.Nanoseconds())
	n, _, errno := unix.Syscall6(unix.SYS_EPOLL_PWAIT2, uintptr(l.epoll), uintptr(unsafe.Pointer(&events[0])), uintptr(len(events)),
		uintptr(unsafe.Pointer(&t)), 0, 0)
	return waited(int(n), errno)
}

func waited(n int, errno unix.Errno) (int, error) {
	switch errno {
	case 0:
		return n, nil
	case unix.EINTR:
		return 0, nil
	}
	return 0, fmt.Errorf("wait for sockets: %w", errno)
}

// handle reads what has come for c.
func (l *loop) handle(c *conn, events uint32) error {
	if c.fd < 0 {
		return nil // closed since the event was noted
	}
	if events&unix.EPOLLOUT != 0 && events&(unix.EPOLLERR|unix.EPOLLHUP) == 0 && c.asking {
		if err := l.watch(c, unix.EPOLLIN|unix.EPOLLRDHUP); err != nil {
			return err
		}
		if err := l.send(c); err != nil || events&(unix.EPOLLIN|unix.EPOLLRDHUP) == 0 || c.fd < 0 {
			return err
		}
	}
	for {
		n, _, errno := unix.RawSyscall6(unix.SYS_RECVFROM, uintptr(c.fd), uintptr(unsafe.Pointer(&l.in[0])), uintptr(len(l.in)), 0, 0, 0)
		switch errno {
		case 0:
		case unix.EINTR:
			continue
		case unix.EAGAIN:
			return nil
		default:
			return l.lost(c, errno)
		}
		// A FIN that the event tells of is behind what fitted into the buffer: no
		// second read is needed to see it.
		ended := n == 0 || events&unix.EPOLLRDHUP != 0 && int(n) < len(l.in)
		if l.take(c, l.in[:n], ended) || int(n) < len(l.in) {
			return nil
		}
	}
}

// take judges what came for c, and reports whether c is done with.
func (l *loop) take(c *conn, data []byte, ended bool) bool {
	l.rec.now.bytesIn += int64(len(data))
	if !c.asking {
		// After the answer, or between two: the server closes, or talks out of turn.
		l.hangUp(c)
		if c.closing {
			c.closing = false
			l.rest(c, l.run.clock())
		}
		return true
	}
	if len(c.in) > 0 {
		c.in = append(c.in, data...)
		data = c.in
	}
	v := l.wire.read(&c.q, data, ended)
	if !v.done {
		if len(c.in) == 0 {
			c.in = append(c.in, data...)
		}
		return false
	}
	now := l.run.clock()
	l.rec.roll(now)
	l.rec.answer(&c.q, l.wire, &v, c.due, now)
	c.asking = false
	switch {
	case ended, v.outcome == Garbage, v.keeps && l.run.HTTP.PerQuery:
		l.hangUp(c)
	case !v.keeps:
		// The server closes first: who does keeps the port for a minute (TIME_WAIT).
		c.closing = true
		return true
	}
	l.rest(c, now)
	return true
}

// lost ends c and its query, if it has one, by a failed system call.
func (l *loop) lost(c *conn, errno unix.Errno) error {
	if !c.asking {
		l.take(c, nil, true)
		return nil
	}
	switch errno {
	case unix.ECONNRESET, unix.EPIPE:
		l.rest(c, l.end(c, Reset, errno.Error()))
		return nil
	case unix.ECONNREFUSED, unix.ETIMEDOUT, unix.EHOSTUNREACH, unix.ENETUNREACH:
		return l.unconnected(c, errno)
	}
	return fmt.Errorf("a socket to %s: %w", l.run.Target, errno)
}

// unconnected ends the query of c, for which there is no connection. What is not
// the target's fault ends the run.
func (l *loop) unconnected(c *conn, errno unix.Errno) error {
	switch errno {
	case unix.EMFILE, unix.ENFILE:
		return fmt.Errorf("%d connections: %w: raise the limit of open files (ulimit -n)", l.run.Connections, errno)
	case unix.EADDRNOTAVAIL:
		return fmt.Errorf("connect to %s: %w: every port of a source address is in use: give more source addresses", l.run.Target, errno)
	}
	l.end(c, Unconnected, errno.Error())
	l.tired = append(l.tired, l.index(c))
	return nil
}

// end closes c and counts its query. It returns the moment of that.
func (l *loop) end(c *conn, outcome Outcome, why string) time.Duration {
	now := l.run.clock()
	l.rec.roll(now)
	l.rec.end(&c.q, outcome, why, c.due, now)
	c.asking = false
	l.hangUp(c)
	return now
}

// timeOut ends queries that have taken too long, and connections that the server
// should have closed.
func (l *loop) timeOut(now time.Duration) {
	for i := range l.conns {
		c := &l.conns[i]
		if now-c.began < l.run.Timeout {
			continue
		}
		switch {
		case c.asking:
			l.rest(c, l.end(c, TimedOut, fmt.Sprintf("no whole answer within %s", l.run.Timeout)))
		case c.closing:
			l.take(c, nil, true)
		}
	}
}

func (l *loop) hangUp(c *conn) {
	if c.fd >= 0 {
		// Closing takes the socket out of epoll. It cannot fail in a way that matters.
		_, _, _ = unix.RawSyscall(unix.SYS_CLOSE, uintptr(c.fd), 0, 0)
		c.fd = -1
	}
}

func (l *loop) hangUpAll() {
	for i := range l.conns {
		l.hangUp(&l.conns[i])
	}
}
