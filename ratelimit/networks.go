package ratelimit

import (
	"bufio"
	"fmt"
	"io"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/gaissmai/bart"
	"golang.org/x/time/rate"
)

// Role is what a network on the operator's list is.
type Role uint8

const (
	Registrar Role = iota + 1 // asks much, and has the data anyway
	Monitor                   // watches many names, by agreement
	ProbeRole                 // measures the service: never limited, degraded, charged or counted by the guard
	Gateway                   // asks for others and tells their addresses
	Deny                      // is refused
	Unlimited                 // no limit at all
	rolesBound
)

var roleNames = [rolesBound]string{"", "registrar", "monitor", "probe", "gateway", "deny", "unlimited"}

// String returns the role as the list writes it.
func (r Role) String() string { return roleNames[r%rolesBound] }

// roleRates are how many queries a second a network of each role may make, all its
// addresses together, and ten times as many at once.
var roleRates = [rolesBound]rate.Limit{Registrar: 100, Monitor: 20, Gateway: 50}

// roleBurst is how many seconds' worth of its rate a network may make at once.
const roleBurst = 10

// network is one entry of the list.
type network struct {
	prefix netip.Prefix
	role   Role
	rate   *rate.Limiter // nil = without limit
}

// decide says what becomes of a query from n. Networks on the list are outside the
// budgets and the zone guard: who is listed is trusted with data, not with load.
func (n *network) decide(now time.Time, act bool) Decision {
	switch {
	case n.role == Deny:
		return Decision{Verdict: Refuse, Cause: Denied, Network: n.prefix}
	case n.rate == nil:
		return Decision{}
	case act && n.rate.AllowN(now, 1), !act && n.rate.TokensAt(now) >= 1:
		return Decision{}
	}
	missing := 1 - n.rate.TokensAt(now)
	return Decision{
		Verdict: Refuse, Cause: NetworkRate, Network: n.prefix,
		RetryIn: max(time.Duration(missing/float64(n.rate.Limit())*float64(time.Second)), time.Millisecond),
	}
}

// Networks is the operator's list of networks. It does not change once read. The
// zero value is the empty list.
type Networks struct {
	table bart.Table[*network]
	size  int
}

// Size returns how many entries the list has.
func (n *Networks) Size() int { return n.size }

// maxEntries bounds a list; registrars and ICANN's probes are some thousands.
const maxEntries = 1_000_000

// ReadNetworks reads a list: in each line a prefix or an address, and a role;
// what follows a # is ignored.
//
//	192.0.2.0/24      registrar   # Example Registrar Limited
//	2001:db8:53::/48  probe
//
// The longest prefix that holds a client is its entry. A mistake refuses the list;
// name stands before the line's number in the error.
func ReadNetworks(r io.Reader, name string) (*Networks, error) {
	list := new(Networks)
	err := readTable(r, name, "a prefix and a role", func(prefix netip.Prefix, word string) error {
		for role := Registrar; role < rolesBound; role++ {
			if word != roleNames[role] {
				continue
			}
			if old, ok := list.table.Get(prefix); ok {
				return fmt.Errorf("%v is a %v already", prefix, old.role)
			}
			n := &network{prefix: prefix, role: role}
			if limit := roleRates[role]; limit > 0 {
				n.rate = rate.NewLimiter(limit, int(limit)*roleBurst)
			}
			list.table.Insert(prefix, n)
			list.size++
			return nil
		}
		return fmt.Errorf("there is no role %q; there are %s", word, strings.Join(roleNames[1:], ", "))
	})
	if err != nil {
		return nil, err
	}
	return list, nil
}

// Systems is a table of autonomous systems by prefix. It does not change once read.
type Systems struct {
	table bart.Table[uint32]
	size  int
}

// Size returns how many prefixes the table has.
func (s *Systems) Size() int { return s.size }

// ReadSystems reads a table of autonomous systems: in each line a prefix and the
// number of the AS that announces it, with or without AS in front. The longest
// prefix counts; a later line replaces an equal one, as tables of routes have both.
func ReadSystems(r io.Reader, name string) (*Systems, error) {
	s := new(Systems)
	err := readTable(r, name, "a prefix and the number of an AS", func(prefix netip.Prefix, word string) error {
		number, err := strconv.ParseUint(strings.TrimPrefix(strings.ToUpper(word), "AS"), 10, 32)
		if err != nil {
			return fmt.Errorf("%q is not the number of an AS; write one, such as 64500", word)
		}
		s.table.Insert(prefix, uint32(number))
		return nil
	})
	if err != nil {
		return nil, err
	}
	s.size = s.table.Size()
	return s, nil
}

// readTable calls add for each line of r that has anything.
func readTable(r io.Reader, name, want string, add func(prefix netip.Prefix, word string) error) error {
	lines := bufio.NewScanner(r)
	entries := 0
	for number := 1; lines.Scan(); number++ {
		text, _, _ := strings.Cut(lines.Text(), "#")
		fields := strings.Fields(text)
		if len(fields) == 0 {
			continue
		}
		if len(fields) != 2 {
			return fmt.Errorf("%s:%d: %q is not %s", name, number, strings.TrimSpace(text), want)
		}
		prefix, err := parsePrefix(fields[0])
		if err == nil {
			err = add(prefix, fields[1])
		}
		if err != nil {
			return fmt.Errorf("%s:%d: %w", name, number, err)
		}
		if entries++; entries > maxEntries {
			return fmt.Errorf("%s:%d: a list has %d entries at most", name, number, maxEntries)
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// parsePrefix reads a prefix, or an address as the prefix that holds it alone.
func parsePrefix(s string) (netip.Prefix, error) {
	if !strings.Contains(s, "/") {
		addr, err := netip.ParseAddr(s)
		if err != nil || addr.Zone() != "" {
			return netip.Prefix{}, fmt.Errorf("%q is neither a prefix nor an address; write one, such as 192.0.2.0/24 or 2001:db8::1", s)
		}
		addr = addr.Unmap()
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	prefix, err := netip.ParsePrefix(s)
	switch {
	case err != nil:
		return netip.Prefix{}, fmt.Errorf("%q is neither a prefix nor an address; write one, such as 192.0.2.0/24 or 2001:db8::1", s)
	case prefix.Addr().Is4In6():
		return netip.Prefix{}, fmt.Errorf("%v is an IPv4 network in IPv6 form; write the IPv4 form", prefix)
	case prefix.Masked() != prefix:
		return netip.Prefix{}, fmt.Errorf("%v has bits behind its length; write %v", prefix, prefix.Masked())
	}
	return prefix, nil
}

// SetNetworks puts list in force for clients that come from now on; nil = the
// empty list. An entry that stays as it was keeps what it has been charged.
func (l *Limiter) SetNetworks(list *Networks) {
	if list == nil {
		list = new(Networks)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	old := l.networks.Load()
	for prefix, n := range list.table.All() {
		if was, ok := old.table.Get(prefix); ok && was.role == n.role {
			n.rate = was.rate
		}
	}
	l.networks.Store(list)
}

// Client returns the client at addr: who it is by the operator's list, or else
// anybody.
func (l *Limiter) Client(addr netip.Addr) Client {
	c := ClientAt(addr)
	n, ok := l.networks.Load().table.Lookup(c.Addr)
	if !ok {
		return c
	}
	c.network, c.Audience = n, Listed
	switch n.role {
	case ProbeRole:
		c.Audience = Probe
	case Deny:
		c.Audience = Anonymous
	}
	return c
}

// Behind returns the client at addr that gateway asks for, and false if gateway is
// none and so has no say in who its client is (whois.md L-09). What a gateway tells
// cannot make anybody a probe or a gateway.
func (l *Limiter) Behind(gateway Client, addr netip.Addr) (Client, bool) {
	if gateway.network == nil || gateway.network.role != Gateway || !addr.IsValid() {
		return gateway, false
	}
	c := l.Client(addr)
	if c.network != nil && (c.network.role == ProbeRole || c.network.role == Gateway) {
		c = ClientAt(addr)
	}
	return c, true
}
