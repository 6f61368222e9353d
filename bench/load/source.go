package load

import "net/netip"

// Sources are the addresses that queries come from, all of 127.0.0.0/8:
//
//	127.16.0.0 to 127.207.255.255    ordinary clients, each in a /24 of its own
//	127.208.0.0/16                   harvesters: 256 networks of /24, 253 addresses each
//	127.240.0.0/24                   drop-catchers: 16 addresses
//
// One hundredth of the ordinary clients sends 60 % of their queries (assumed). A
// kept connection carries the queries of whoever opened it.
//
// With so many addresses no pair of addresses and ports comes round again before
// its TIME_WAIT is over, and that state is the server's anyway, which closes first.
// Closing with RST instead (SO_LINGER 0) would spare this process 3 us of 46 a
// query, and the server the state: real clients do not.
const (
	ordinaryFirst   = 16 << 8  // the first /24, counted from 127.0.0.0
	ordinarySpan    = 192 << 8 // how many there are
	harvestFirst    = 208 << 8
	harvestNetworks = 256
	dropFirst       = 240 << 8
	dropSources     = 16
	perNetwork      = 253 // addresses of a /24 in use: 1 to 253
)

// spread takes client i to its /24: odd, so that all of ordinarySpan, which is
// three times a power of two, come up once (spread is no multiple of 3 either).
const spread = 30011

// sources draws addresses. It is for one goroutine.
type sources struct {
	random *random
	count  int // of ordinary clients; 1 = the system chooses
	hot    int // of them
}

func newSources(r *random, count int) *sources {
	return &sources{random: r, count: count, hot: max(1, int(float64(count)*hotClients))}
}

// pick returns the address that a query of kind k comes from, invalid if the
// system is to choose.
func (s *sources) pick(k Kind) netip.Addr {
	if s.count == 1 {
		return netip.Addr{}
	}
	switch k {
	case Harvest:
		return loopback(harvestFirst+s.random.below(harvestNetworks), s.random.below(perNetwork))
	case DropCatch:
		return loopback(dropFirst, s.random.below(dropSources))
	}
	i := 0
	if s.random.chance(hotQueries) {
		i = s.random.below(s.hot)
	} else {
		i = s.random.below(s.count)
	}
	n := i * spread % ordinarySpan
	return loopback(ordinaryFirst+n, n%perNetwork)
}

// loopback returns address host (0 to 252) of a /24 counted from 127.0.0.0.
func loopback(network, host int) netip.Addr {
	return netip.AddrFrom4([4]byte{127, byte(network >> 8), byte(network), byte(1 + host)})
}
