package whois

import (
	"errors"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"rddsd/cache/cachetest"
	"rddsd/ratelimit"
	"rddsd/server/listen"
)

// A loop that runs out of file descriptors goes on once it has some: the client
// that came meanwhile has waited in the kernel's queue.
func TestLoopOutlivesALackOfDescriptors(t *testing.T) {
	s := newServer(cachetest.WHOIS(), nil)
	s.Loops = 1
	var log syncBuffer
	s.Log = slog.New(slog.NewTextHandler(&log, nil))
	addr, _ := serve(t, s)
	first := dial(t, addr)
	send(t, first, "example.coop\r\n")
	receive(t, first) // now it runs
	socket, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	conn := os.NewFile(uintptr(socket), "client")
	defer conn.Close()

	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &before); err != nil {
		t.Fatal(err)
	}
	null, err := os.Open(os.DevNull) // the lowest descriptor that is free
	if err != nil {
		t.Fatal(err)
	}
	lowest := uint64(null.Fd())
	null.Close()
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: lowest, Max: before.Max}); err != nil {
		t.Fatal(err)
	}
	restore := sync.OnceFunc(func() {
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &before); err != nil {
			t.Error(err)
		}
	})
	defer restore()
	to := netip.MustParseAddrPort(addr)
	if err := unix.Connect(socket, &unix.SockaddrInet4{Port: int(to.Port()), Addr: to.Addr().As4()}); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.WriteString("example.coop\r\n"); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(patience); !strings.Contains(log.String(), "too many open files"); {
		if time.Now().After(deadline) {
			t.Fatalf("accepting has not failed; the log says %q", log.String())
		}
		time.Sleep(time.Millisecond)
	}
	restore()
	answer, err := io.ReadAll(conn)
	if want := ask(s, "example.coop"); err != nil || string(answer) != want {
		t.Errorf("the answer is %q, %v", answer, err)
	}
}

// A query that is there whole costs no allocation, from the kernel's queue to the
// end of the connection.
func TestLoopMakesNoGarbage(t *testing.T) {
	s := newServer(cachetest.WHOIS(), nil)
	s.Loops = 1
	ln := loopback(t)
	port := ln.Addr().(*net.TCPAddr).Port
	acceptors, err := s.openLoops(ln, new(sync.WaitGroup))
	if err != nil {
		t.Fatal(err)
	}
	l := acceptors[0].(*loop)
	defer l.close()
	// The client makes no garbage either.
	to := &unix.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}}
	line, buf := []byte("example.coop\r\n"), make([]byte, 1<<14)
	want := len(ask(s, "example.coop"))
	accept := func(fd uintptr) { l.accept(fd) }
	query := func() {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		if err := unix.Connect(fd, to); err != nil {
			t.Fatal(err)
		}
		if _, err := unix.Write(fd, line); err != nil {
			t.Fatal(err)
		}
		for served := s.counts.connections.Load() + 1; s.counts.connections.Load() < served; {
			if err := l.raw.Control(accept); err != nil {
				t.Fatal(err)
			}
		}
		got := 0
		for {
			n, err := unix.Read(fd, buf)
			if err != nil {
				t.Fatal(err)
			}
			if n == 0 {
				break
			}
			got += n
		}
		if got != want {
			t.Fatalf("the answer has %d bytes, want %d", got, want)
		}
		unix.Close(fd)
	}
	if allocs := testing.AllocsPerRun(1000, query); allocs > maxAllocs {
		t.Errorf("a query makes %v allocations, want none", allocs)
	}
}

// A loop tells the clients of both families apart.
func TestLoopKnowsItsClients(t *testing.T) {
	for addr, network := range map[string]string{"127.0.0.1:0": "127.0.0.1/32", "[::1]:0": "::/64"} {
		ln, err := listen.Open(t.Context(), listen.Address{Addr: netip.MustParseAddrPort(addr), Default: true})
		if errors.Is(err, listen.ErrNoFamily) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		s := newServer(cachetest.WHOIS(), nil)
		s.Loops = 1
		s.Limiter = ratelimit.New(ratelimit.Config{Rate: 0.001, Burst: 1}, time.Now())
		at, _ := serveOn(t, s, ln)
		for i, want := range []string{"Domain Name: example.coop", "Query rate limit exceeded for " + network + "."} {
			conn := dial(t, at)
			send(t, conn, "example.coop\r\n")
			if got := receive(t, conn); !strings.Contains(got, want) {
				t.Errorf("query %d to %s gets %q, want %q", i+1, addr, got, want)
			}
		}
	}
}

// Whatever clients do, no socket of theirs is left once they have gone;
// TestMain sees to goroutines.
func TestNoSocketIsLeft(t *testing.T) {
	warm, stop := serve(t, newServer(cachetest.WHOIS(), nil)) // the poller has descriptors of its own
	conn := dial(t, warm)
	send(t, conn, "example.coop\r\n")
	receive(t, conn)
	conn.Close()
	stop()
	for loops := range 3 {
		before := openFiles(t)
		s := newServer(cachetest.WHOIS(), nil)
		s.Loops = loops
		addr, stop := serve(t, s)
		for range 10 {
			for _, sent := range []string{
				"", "exam", "example.coop\r\n", "example.coop\r\nunregistered.coop\r\n", strings.Repeat("x", 10_000), "\xFF\xF4\xFF\xFD\x06", "\xFF\xF4\r\n", hello,
			} {
				for _, end := range []func(*net.TCPConn){
					func(c *net.TCPConn) { _ = c.SetLinger(0) }, // close sends RST
					func(c *net.TCPConn) { _ = c.CloseWrite(); _, _ = io.Copy(io.Discard, c) },
					func(*net.TCPConn) {},
				} {
					conn := dial(t, addr)
					_, _ = conn.Write([]byte(sent)) // the server may have closed already
					end(conn)
					conn.Close()
				}
			}
		}
		if n := s.Counts().Connections; n < 100 { // who resets his connection may be gone before it is accepted
			t.Errorf("%d loops: only %d connections were served", loops, n)
		}
		stop()
		waitFor(t, "open files beyond those before", func() uint64 { return max(before, openFiles(t)) - before }, 0)
	}
}

// openFiles counts the descriptors of this process.
func openFiles(t *testing.T) uint64 {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return uint64(len(entries))
}
