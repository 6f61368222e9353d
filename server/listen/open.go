// Package listen opens listeners that outlive failing Accepts and caps the
// connections of each client.
package listen

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
)

// Address is where to listen, and the configuration key that says so.
type Address struct {
	Addr    netip.AddrPort
	Key     string // such as "[whois] listen"
	Default bool   // nobody configured it
}

// ErrNoFamily says that the host does not have the address family of a default
// address, which is no fault: the caller goes on without it.
var ErrNoFamily = errors.New("this host does not have the address family")

// Open listens on a over TCP: on IPv4 or on IPv6 alone, as the address is, so that
// [::] and 0.0.0.0 can have the same port. The kernel's queue of connections waiting for
// Accept is as long as net.core.somaxconn allows (4096 on Linux since 5.4). The
// error names the address, the reason, and the key to change.
func Open(ctx context.Context, a Address) (net.Listener, error) {
	addr := netip.AddrPortFrom(a.Addr.Addr().Unmap(), a.Addr.Port())
	network := "tcp4"
	if addr.Addr().Is6() {
		network = "tcp6"
	}
	// No keep-alive probes: whatever is served here has deadlines, and setting the probes
	// up takes four system calls a connection.
	config := net.ListenConfig{KeepAlive: -1}
	// Package net would have Multipath TCP (RFC 8684), which costs every connection a
	// tenth more, and serves clients that keep theirs while they move.
	config.SetMultipathTCP(false)
	l, err := config.Listen(ctx, network, addr.String())
	switch {
	case err == nil:
		return l, nil
	case a.Default && (errors.Is(err, syscall.EAFNOSUPPORT) || errors.Is(err, syscall.EADDRNOTAVAIL)):
		return nil, fmt.Errorf("listen on %s: %w", a.Addr, ErrNoFamily)
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("listen on %s: another program has the port: stop it, or set %s to another address", a.Addr, a.Key)
	case errors.Is(err, syscall.EACCES):
		return nil, fmt.Errorf("listen on %s: ports below 1024 need the capability CAP_NET_BIND_SERVICE: grant it, or set %s to another address", a.Addr, a.Key)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return nil, fmt.Errorf("listen on %s: this host does not have the address: set %s to one that it has", a.Addr, a.Key)
	}
	return nil, fmt.Errorf("listen on %s, which %s sets: %w", a.Addr, a.Key, err)
}
