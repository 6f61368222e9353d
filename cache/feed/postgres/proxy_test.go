package postgres_test

import (
	"fmt"
	"net"
	"sync"
	"testing"

	"rddsd/cache/feed/postgres/pgtest"
)

// proxy stands between an edge and a server. While it is stalled it takes what
// both send and passes nothing on, and closes nothing: what a firewall that
// forgot a connection does, or a server that hangs.
type proxy struct {
	listener net.Listener
	server   *pgtest.Server

	mu      sync.Mutex
	stalled chan struct{} // closed when it is not
	conns   []net.Conn
	running sync.WaitGroup
}

func startProxy(t testing.TB, server *pgtest.Server) *proxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{listener: listener, server: server, stalled: make(chan struct{})}
	close(p.stalled)
	p.running.Go(p.accept)
	t.Cleanup(func() {
		p.pass()
		_ = listener.Close()
		p.mu.Lock()
		for _, conn := range p.conns {
			_ = conn.Close()
		}
		p.mu.Unlock()
		p.running.Wait()
	})
	return p
}

// dsn is how user reaches the database name through the proxy.
func (p *proxy) dsn(user, name string) string {
	addr := p.listener.Addr().(*net.TCPAddr)
	return fmt.Sprintf("host=%s port=%d user=%s dbname=%s sslmode=disable", addr.IP, addr.Port, user, name)
}

func (p *proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("unix", p.server.Socket())
		if err != nil {
			_ = client.Close()
			continue
		}
		p.mu.Lock()
		p.conns = append(p.conns, client, server)
		p.mu.Unlock()
		p.running.Go(func() { p.copy(server, client) })
		p.running.Go(func() { p.copy(client, server) })
	}
}

func (p *proxy) copy(to, from net.Conn) {
	defer to.Close()
	buffer := make([]byte, 8<<10)
	for {
		n, err := from.Read(buffer)
		p.mu.Lock()
		stalled := p.stalled
		p.mu.Unlock()
		<-stalled
		if n > 0 {
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// stall stops everything.
func (p *proxy) stall() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stalled = make(chan struct{})
}

// pass lets everything go on.
func (p *proxy) pass() {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.stalled:
	default:
		close(p.stalled)
	}
}
