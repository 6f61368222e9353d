//go:build unix

package whois

import (
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"rddsd/cache"
	"rddsd/cache/cachetest"
	"rddsd/cache/registry"
)

// A client that does not read loses the connection, not the server a goroutine
// (W-05, A-04); one that reads slowly gets all of its answer.
func TestClientsThatDoNotRead(t *testing.T) {
	overEachPath(t, func(t *testing.T, loops int) {
		start := func(timeout time.Duration) (*Server, *net.TCPConn) {
			s := newServer(crowdedAddress(), nil)
			s.Loops = loops
			s.WriteTimeout = timeout
			ln := loopback(t)
			smallBuffers(t, ln)
			addr, _ := serveOn(t, s, ln)
			conn := smallDial(t, addr)
			send(t, conn, "192.0.2.10\r\n")
			return s, conn
		}
		strict, _ := start(100 * time.Millisecond) // whose client reads nothing
		patient, slow := start(patience)
		want := ask(patient, "192.0.2.10")
		var got []byte
		for buf := make([]byte, 512); ; {
			n, err := slow.Read(buf)
			got = append(got, buf[:n]...)
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatalf("after %d of %d bytes: %v", len(got), len(want), err)
			}
		}
		if string(got) != want {
			t.Errorf("it got %d bytes, want %d", len(got), len(want))
		}
		waitFor(t, "Unsent", func() uint64 { return strict.Counts().Unsent }, 1)
		for _, s := range []*Server{strict, patient} {
			waitFor(t, "open connections", func() uint64 { return uint64(s.Caps.Open()) }, 0)
		}
	})
}

// A client that resets the connection in the middle of its answer costs its count
// (W-11, A-04).
func TestResetInTheMiddleOfTheAnswer(t *testing.T) {
	overEachPath(t, func(t *testing.T, loops int) {
		s := newServer(crowdedAddress(), nil)
		s.Loops = loops
		ln := loopback(t)
		smallBuffers(t, ln)
		addr, _ := serveOn(t, s, ln)
		conn := smallDial(t, addr)
		send(t, conn, "192.0.2.10\r\n")
		if _, err := io.ReadFull(conn, make([]byte, 16)); err != nil {
			t.Fatal(err)
		}
		if err := conn.SetLinger(0); err != nil { // close sends RST
			t.Fatal(err)
		}
		conn.Close()
		waitFor(t, "Unsent", func() uint64 { return s.Counts().Unsent }, 1)
		waitFor(t, "open connections", func() uint64 { return uint64(s.Caps.Open()) }, 0)
	})
}

// smallBuffers gives the connections that ln accepts the smallest send buffer.
func smallBuffers(t *testing.T, ln net.Listener) {
	t.Helper()
	raw, err := ln.(*net.TCPListener).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var optErr error
	err = raw.Control(func(fd uintptr) { optErr = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_SNDBUF, 1) })
	if err = errors.Join(err, optErr); err != nil {
		t.Fatal(err)
	}
}

// smallDial connects with the smallest receive buffer.
func smallDial(t *testing.T, addr string) *net.TCPConn {
	t.Helper()
	conn, err := (&net.Dialer{Timeout: patience, Control: smallWindow}).Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(2 * patience)); err != nil {
		t.Fatal(err)
	}
	return conn.(*net.TCPConn)
}

// smallWindow gives a connection to be the smallest receive buffer.
func smallWindow(_, _ string, raw syscall.RawConn) error {
	var optErr error
	err := raw.Control(func(fd uintptr) { optErr = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 1) })
	return errors.Join(err, optErr)
}

// crowdedAddress is a registry whose answer about 192.0.2.10 has tens of kB.
func crowdedAddress() *cache.View {
	d := &dealer{Rand: rand.New(rand.NewPCG(9, 10))}
	r := d.registrar()
	r.Name = strings.Repeat("\U0001F33E", 240)
	objects := []any{r}
	for range 60 {
		objects = append(objects, &registry.Nameserver{ROID: d.roid('H'), Name: d.host(), Registrar: r.ClID, V4: []string{"192.0.2.10"}})
	}
	return cachetest.Build(objects...)
}
