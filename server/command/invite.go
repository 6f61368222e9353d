package command

import (
	"fmt"
	"io"
	"net"
	"net/netip"

	"rddsd/cache"
	"rddsd/cache/registry"
)

// invite prints what to try.
func invite(out io.Writer, view *cache.View, onWHOIS, onHTTP []net.Listener) {
	fmt.Fprintln(out, "\nTry, in another terminal:")
	name := nameToTry(view)
	if len(onWHOIS) > 0 {
		addr := reachable(onWHOIS[0].Addr())
		fmt.Fprintf(out, "  whois -h %s -p %d %s\n", addr.Addr(), addr.Port(), name)
	}
	if len(onHTTP) > 0 {
		fmt.Fprintf(out, "  curl http://%s/domain/%s\n", reachable(onHTTP[0].Addr()), name)
	}
	fmt.Fprintln(out, "  go run . status        # or: rddsd status")
	fmt.Fprintln(out)
}

// nameToTry returns a name of view: "example" under one of its TLDs, else the
// first of all; "example.coop" when it has none.
func nameToTry(view *cache.View) string {
	var d registry.Domain
	for _, tld := range view.TLDs() {
		if name := "example." + tld.Name; view.Domain(name, &d) == cache.Present {
			return name
		}
	}
	if names, _ := view.Names("", 1, nil); len(names) > 0 {
		return names[0]
	}
	return "example.coop"
}

// reachable returns an address by which a client on this host reaches a listener
// on addr, which may stand for all addresses.
func reachable(addr net.Addr) netip.AddrPort {
	a, err := netip.ParseAddrPort(addr.String())
	switch {
	case err != nil || !a.Addr().IsUnspecified():
		return a
	case a.Addr().Is4():
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), a.Port())
	}
	return netip.AddrPortFrom(netip.IPv6Loopback(), a.Port())
}
