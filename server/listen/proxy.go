package listen

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"

	"github.com/pires/go-proxyproto"
)

// Bounds on a PROXY header, in bytes: a line of version 1 has 107 at most, its end
// included; one of version 2 has 16, which tell how many follow, and go-proxyproto
// takes 4096 of these.
const (
	maxProxyLine   = 107
	minProxyBinary = 16
	maxProxyHeader = minProxyBinary + 4<<10
)

// Balancers are the networks whose connections begin with a PROXY header (HAProxy's
// proxy-protocol.txt, versions 1 and 2), which tells for whom they connect. The
// zero value is none. From others such a header is input like any other (whois.md
// W-16).
type Balancers []netip.Prefix

// Trusts reports whether addr is a balancer.
func (b Balancers) Trusts(addr netip.Addr) bool {
	addr = addr.Unmap().WithZone("")
	for _, network := range b {
		if network.Contains(addr) {
			return true
		}
	}
	return false
}

// ErrNoProxy says that a balancer closed its connection without a byte, as its
// probes do.
var ErrNoProxy = errors.New("the balancer closed without a PROXY header")

// ReadProxy reads the PROXY header that a balancer sends before anything else, from
// head, which was read already, and then from conn, whose deadline bounds the wait.
// It returns the client that the balancer connects for, and what was read behind
// the header. The client is the zero Addr where the header names none: then the
// connection is the balancer's own, as its probes are.
func ReadProxy(conn io.Reader, head []byte) (client netip.Addr, rest []byte, err error) {
	buf := append(make([]byte, 0, maxProxyHeader), head[:min(len(head), maxProxyHeader)]...)
	// Whole before it is parsed: go-proxyproto wants a line of version 1 in one read.
	for !wholeProxy(buf) && len(buf) < cap(buf) {
		n, err := conn.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if err == io.EOF && len(buf) == 0 {
			return netip.Addr{}, nil, ErrNoProxy
		}
		if err != nil && n == 0 {
			return netip.Addr{}, nil, fmt.Errorf("read the PROXY header of a balancer: %w", err)
		}
	}
	in := bytes.NewReader(buf)
	buffered := bufio.NewReaderSize(in, len(buf))
	header, err := proxyproto.Read(buffered)
	if err != nil {
		return netip.Addr{}, nil, fmt.Errorf("read the PROXY header of a balancer: %w", err)
	}
	if addr, ok := header.SourceAddr.(*net.TCPAddr); ok && header.Command.IsProxy() {
		client = addr.AddrPort().Addr().Unmap().WithZone("")
	}
	rest = buf[len(buf)-in.Len()-buffered.Buffered():]
	return client, append(rest, head[min(len(head), maxProxyHeader):]...), nil
}

// wholeProxy reports whether b holds a whole PROXY header, or none.
func wholeProxy(b []byte) bool {
	switch {
	case begins(b, proxyproto.SIGV1):
		return bytes.IndexByte(b, '\n') >= 0 || len(b) >= maxProxyLine
	case begins(b, proxyproto.SIGV2):
		return len(b) >= minProxyBinary && len(b) >= minProxyBinary+int(binary.BigEndian.Uint16(b[minProxyBinary-2:]))
	}
	return true
}

// begins reports whether b begins with signature, or may once more of it has come.
func begins(b, signature []byte) bool {
	n := min(len(b), len(signature))
	return bytes.Equal(b[:n], signature[:n])
}
