package whois

import (
	"fmt"
	"net"
	"net/netip"
	"sync"

	"rddsd/server/listen"
)

// acceptor brings in the connections of one listener: a plain one, or on Linux
// loops.
type acceptor interface {
	// run serves connections until stop; then those that are on their way in, and
	// returns nil. It returns early when the listener fails for good.
	run() error
	stop()
	close() error // after run, or instead of it
}

// plain accepts by package net, and has a goroutine serve each connection. It
// works on every system.
type plain struct {
	server   *Server
	listener net.Listener
	serving  *sync.WaitGroup
}

func (p *plain) run() error {
	for {
		conn, err := p.listener.Accept()
		switch {
		case err == nil:
		case p.server.draining.Load():
			return nil
		default:
			return fmt.Errorf("accept WHOIS connections on %s: %w", p.listener.Addr(), err)
		}
		p.server.counts.connections.Add(1)
		p.server.attend(conn.(*net.TCPConn), addrOf(conn), nil, p.serving)
	}
}

func (p *plain) stop() {
	// What fails here fails to close the listener too, and is told there.
	_ = listen.Drain(p.listener, p.server.arrivals())
}

func (p *plain) close() error { return p.listener.Close() }

// addrOf returns the address at the other end of conn.
func addrOf(conn net.Conn) netip.Addr {
	if addr, ok := conn.RemoteAddr().(*net.TCPAddr); ok {
		return addr.AddrPort().Addr()
	}
	return netip.Addr{}
}
