//go:build unix

package whois

import (
	"context"
	"errors"
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

// A client that does not read loses the connection, not the server a worker
// (W-05).
func TestClientThatDoesNotReadIsClosed(t *testing.T) {
	s := newServer(crowdedAddress(), nil)
	s.WriteTimeout = 50 * time.Millisecond
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, smallBuffers{ln}) }()

	conn, err := (&net.Dialer{Control: smallWindow}).Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	send(t, conn, "192.0.2.10\r\n")
	waitFor(t, "Unsent", func() uint64 { return s.Counts().Unsent }, 1)
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// smallWindow gives a connection to be the smallest receive buffer.
func smallWindow(_, _ string, raw syscall.RawConn) error {
	var optErr error
	err := raw.Control(func(fd uintptr) { optErr = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 1) })
	return errors.Join(err, optErr)
}

// smallBuffers gives the connections it accepts the smallest send buffer.
type smallBuffers struct{ net.Listener }

func (l smallBuffers) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err == nil {
		err = conn.(*net.TCPConn).SetWriteBuffer(1)
	}
	return conn, err
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
