package rdap

import (
	"bytes"
	"net/netip"
	"unsafe"

	"github.com/valyala/fasthttp"

	"rddsd/server/listen"
)

// Field is the header field in which proxies tell for whom they ask.
type Field string

// Fields that are understood. One is configured, and the other is then as good as any
// that a client makes up.
const (
	XForwardedFor Field = "X-Forwarded-For"
	Forwarded     Field = "Forwarded" // RFC 7239
)

// Proxies are the HTTP proxies in front, whose word is taken for who asks. Of the hops
// that they tell, the last that is not a proxy of ours is the client: what stands
// before it the client may have made up.
type Proxies struct {
	Networks listen.Balancers // where they are; none by default
	Field    Field
}

// client returns for whom a proxy at addr sends a request: addr itself, if it is one of
// ours that tells nothing else.
func (p *Proxies) client(head *fasthttp.RequestHeader, addr netip.Addr) netip.Addr {
	fields := head.PeekAll(string(p.Field))
	for i := len(fields) - 1; i >= 0; i-- {
		for rest := fields[i]; len(rest) > 0; {
			var hop []byte
			rest, hop = cutLast(rest)
			if len(hop) == 0 {
				continue
			}
			next, ok := p.node(hop)
			if !ok {
				return addr // unknown, hidden or garbage: nobody behind it can be believed
			}
			addr = next
			if !p.Networks.Trusts(addr) {
				return addr
			}
		}
	}
	return addr
}

// cutLast cuts the last element off a list. It goes by the quotes behind a comma, which
// a proxy of ours wrote: those before it may be a client's, and not in pairs.
func cutLast(list []byte) (rest, last []byte) {
	quoted := false
	for i := len(list) - 1; i >= 0; i-- {
		switch {
		case list[i] == '"':
			quoted = !quoted
		case list[i] == ',' && !quoted:
			return list[:i], bytes.TrimSpace(list[i+1:])
		}
	}
	return nil, bytes.TrimSpace(list)
}

// node returns the address that an element of the field tells.
func (p *Proxies) node(element []byte) (netip.Addr, bool) {
	if p.Field == Forwarded {
		element = forOf(element)
	}
	return addressOf(element)
}

// forOf returns the value of the parameter "for" of one element (RFC 7239 §4), without
// its quotes; nil if there is none.
func forOf(element []byte) []byte {
	for len(element) > 0 {
		var pair []byte
		pair, element, _ = bytes.Cut(element, []byte{';'}) // addresses have no ; and no escapes
		name, value, _ := bytes.Cut(bytes.TrimSpace(pair), []byte{'='})
		if !isWord(name, "for") {
			continue
		}
		if n := len(value); n >= 2 && value[0] == '"' && value[n-1] == '"' {
			return value[1 : n-1]
		}
		return value
	}
	return nil
}

// addressOf reads an address with a port or without, of IPv6 in brackets or, without a
// port, as it is.
func addressOf(b []byte) (netip.Addr, bool) {
	host := b
	if len(b) > 0 && b[0] == '[' {
		end := bytes.IndexByte(b, ']')
		if end < 0 || len(b) > end+1 && b[end+1] != ':' {
			return netip.Addr{}, false
		}
		host = b[1:end]
	} else if i := bytes.IndexByte(b, ':'); i >= 0 && bytes.IndexByte(b[i+1:], ':') < 0 {
		host = b[:i]
	}
	// The string is looked at and not kept, but in an error that nobody reads.
	addr, err := netip.ParseAddr(unsafe.String(unsafe.SliceData(host), len(host)))
	return addr.Unmap().WithZone(""), err == nil
}
