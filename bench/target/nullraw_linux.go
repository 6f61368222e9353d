package target

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// serveRaw is what a WHOIS server in Go costs at least: constant bytes by the
// accept path of design.md §6. Sockets are parked in the runtime's poller; once
// one is ready, its connections are accepted, read, answered and closed by raw
// system calls until there are no more. Whatever is not one whole line that is
// there at once goes to a goroutine.
func serveRaw(ctx context.Context, at netip.AddrPort, o rawOptions, ready func(net.Addr) error) error {
	runtime.GOMAXPROCS(o.procs)
	debug.SetGCPercent(-1) // a fast query makes no garbage, and a slow one hardly any
	answer := whoisAnswer
	if o.size > 0 {
		answer = bytes.Repeat([]byte("0123456789abcde\n"), o.size/16)
	}
	var loops []*rawLoop
	var files []*os.File
	defer func() {
		for _, f := range files {
			f.Close()
		}
	}()
	for len(loops) < o.loops {
		if len(files) == 0 || !o.oneSocket {
			f, bound, err := listenRaw(at, o)
			if err != nil {
				return err
			}
			files, at = append(files, f), bound
		}
		loops = append(loops, &rawLoop{file: files[len(files)-1], answer: answer, options: o})
	}
	if err := ready(net.TCPAddrFromAddrPort(at)); err != nil {
		return err
	}
	var (
		running sync.WaitGroup
		failed  = make(chan error, len(loops))
	)
	for _, l := range loops {
		running.Go(func() { failed <- l.run() })
	}
	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	for _, l := range loops {
		l.stopped.Store(true)
		l.file.Close()
	}
	running.Wait()
	return err
}

// listenRaw opens a listening socket that is not blocking, in the poller.
func listenRaw(at netip.AddrPort, o rawOptions) (*os.File, netip.AddrPort, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, at, fmt.Errorf("open a socket: %w", err)
	}
	options := []struct {
		on                 bool
		level, name, value int
	}{
		{true, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1},
		{!o.oneSocket, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1},
		{o.deferAccept, unix.IPPROTO_TCP, unix.TCP_DEFER_ACCEPT, 1}, // seconds, at least
		{o.noDelay, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1},
	}
	for _, s := range options {
		if s.on && err == nil {
			err = unix.SetsockoptInt(fd, s.level, s.name, s.value)
		}
	}
	if err == nil {
		err = unix.Bind(fd, &unix.SockaddrInet4{Port: int(at.Port()), Addr: at.Addr().As4()})
	}
	if err == nil {
		err = unix.Listen(fd, backlog)
	}
	var name unix.Sockaddr
	if err == nil {
		name, err = unix.Getsockname(fd)
	}
	if err != nil {
		return nil, at, errors.Join(fmt.Errorf("listen on %s: %w", at, err), unix.Close(fd))
	}
	bound := netip.AddrPortFrom(at.Addr(), uint16(name.(*unix.SockaddrInet4).Port))
	return os.NewFile(uintptr(fd), bound.String()), bound, nil
}

// backlog is how many connections may wait to be accepted; the kernel bounds it
// by net.core.somaxconn.
const backlog = 4096

// rawLoop serves the connections of one socket, in one goroutine.
type rawLoop struct {
	file    *os.File
	answer  []byte
	options rawOptions
	stopped atomic.Bool
	failure error
	slow    sync.WaitGroup
	line    [maxLine]byte
}

func (l *rawLoop) run() error {
	defer l.slow.Wait()
	raw, err := l.file.SyscallConn()
	if err != nil {
		return fmt.Errorf("wait for connections on %s: %w", l.file.Name(), err)
	}
	err = raw.Read(l.accept)
	switch {
	case l.stopped.Load():
		return nil
	case l.failure != nil:
		err = l.failure
	}
	return fmt.Errorf("accept connections on %s: %w", l.file.Name(), err)
}

// accept serves connections until none is waiting. It reports whether the loop is
// to end.
func (l *rawLoop) accept(fd uintptr) bool {
	looks := 0
	for served := 1; ; served++ {
		conn, _, errno := syscall.RawSyscall6(syscall.SYS_ACCEPT4, fd, 0, 0, syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC, 0, 0)
		switch errno {
		case 0:
			looks = 0
			l.serve(conn)
		case syscall.EAGAIN:
			if looks++; looks > l.options.looks {
				return l.stopped.Load()
			}
			runtime.Gosched()
		case syscall.EINTR, syscall.ECONNABORTED: // the next one
		default:
			l.failure = errno
			return true
		}
		// Raw system calls do not tell the scheduler that they may take long: who
		// else waits for this thread would wait for ever.
		if served%l.options.batch == 0 {
			runtime.Gosched()
		}
	}
}

// serve answers one connection.
func (l *rawLoop) serve(conn uintptr) {
	n, _, errno := syscall.RawSyscall(syscall.SYS_READ, conn, uintptr(unsafe.Pointer(&l.line[0])), maxLine)
	if errno != 0 || n == 0 || l.line[n-1] != '\n' {
		if errno != 0 {
			n = 0
		}
		l.serveSlow(conn, string(l.line[:n]), 0)
		return
	}
	flags := uintptr(syscall.MSG_NOSIGNAL)
	if l.options.more {
		flags |= syscall.MSG_MORE
	}
	n, _, errno = syscall.RawSyscall6(syscall.SYS_SENDTO, conn, uintptr(unsafe.Pointer(&l.answer[0])), uintptr(len(l.answer)), flags, 0, 0)
	if errno == 0 && int(n) < len(l.answer) {
		l.serveSlow(conn, "", int(n))
		return
	}
	_, _, _ = syscall.RawSyscall(syscall.SYS_CLOSE, conn, 0, 0)
}

// serveSlow has a goroutine go on with a connection: it has sent read, or it has
// been sent the first bytes of the answer.
func (l *rawLoop) serveSlow(conn uintptr, read string, sent int) {
	l.slow.Go(func() {
		f := os.NewFile(conn, "connection")
		defer f.Close()
		if sent > 0 {
			_, _ = f.Write(l.answer[sent:])
			return
		}
		answerLine(struct {
			io.Reader
			io.Writer
		}{io.MultiReader(bytes.NewReader([]byte(read)), f), f}, make([]byte, maxLine), l.answer)
	})
}
