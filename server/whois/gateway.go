package whois

import (
	"bytes"
	"net/netip"

	"rddsd/ratelimit"
)

// proxyFlag begins the query of a gateway that asks for somebody: "-V tag,ADDRESS query"
// (whois.md L-09). From others the flag means nothing; ParseLine drops it.
var proxyFlag = []byte("-V ")

// behind returns the client that line asks for: the one whose address a gateway of
// the operator's list tells, else client itself.
func (s *Server) behind(client ratelimit.Client, line []byte) ratelimit.Client {
	rest, ok := bytes.CutPrefix(line, proxyFlag)
	if !ok {
		return client
	}
	word, _, _ := bytes.Cut(bytes.TrimLeft(rest, " "), []byte{' '})
	_, told, _ := bytes.Cut(word, []byte{','})
	if len(told) == 0 || len(told) > len("ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255") {
		return client
	}
	addr, err := netip.ParseAddr(string(told))
	if err != nil {
		return client
	}
	client, _ = s.Limiter.Behind(client, addr)
	return client
}
