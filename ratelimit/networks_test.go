package ratelimit

import (
	"net/netip"
	"strings"
	"testing"
	"time"
)

func mustNetworks(t *testing.T, text string) *Networks {
	t.Helper()
	list, err := ReadNetworks(strings.NewReader(text), "networks")
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestReadNetworksTellsMistakes(t *testing.T) {
	tests := []struct{ text, want string }{
		{"", ""},
		{"# nothing\n\n192.0.2.1 probe # an address\n2001:db8::/32\tgateway\n", ""},
		{"192.0.2.0/24\n", `networks:1: "192.0.2.0/24" is not a prefix and a role`},
		{"\n192.0.2.0/24 friend\n", `networks:2: there is no role "friend"; there are registrar, monitor, probe, gateway, deny, unlimited`},
		{"192.0.2.1/24 deny\n", "networks:1: 192.0.2.1/24 has bits behind its length; write 192.0.2.0/24"},
		{"192.0.2/24 deny\n", `"192.0.2/24" is neither a prefix nor an address`},
		{"::ffff:192.0.2.0/120 deny\n", "is an IPv4 network in IPv6 form"},
		{"192.0.2.0/24 deny\n192.0.2.0/24 probe\n", "networks:2: 192.0.2.0/24 is a deny already"},
	}
	for _, test := range tests {
		_, err := ReadNetworks(strings.NewReader(test.text), "networks")
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("ReadNetworks(%q) = %v, want %q", test.text, err, test.want)
		}
	}
}

func TestLongestPrefixWins(t *testing.T) {
	l := New(Config{}, epoch)
	l.SetNetworks(mustNetworks(t, "192.0.2.0/24 deny\n192.0.2.16/28 probe\n192.0.2.17 registrar\n2001:db8::/32 gateway\n"))
	tests := []struct {
		addr     string
		audience Audience
		role     Role
	}{
		{"192.0.2.1", Anonymous, Deny},
		{"192.0.2.16", Probe, ProbeRole},
		{"192.0.2.17", Listed, Registrar},
		{"::ffff:192.0.2.17", Listed, Registrar},
		{"2001:db8:1::1", Listed, Gateway},
		{"198.51.100.1", Anonymous, 0},
	}
	for _, test := range tests {
		c := l.Client(netip.MustParseAddr(test.addr))
		role := Role(0)
		if c.network != nil {
			role = c.network.role
		}
		if c.Audience != test.audience || role != test.role {
			t.Errorf("Client(%s) is %v, %q; want %v, %q", test.addr, c.Audience, role, test.audience, test.role)
		}
	}
}

func TestDeniedNetwork(t *testing.T) {
	l := New(Config{}, epoch)
	l.SetNetworks(mustNetworks(t, "192.0.2.0/24 deny\n"))
	want := Decision{Verdict: Refuse, Cause: Denied, Network: netip.MustParsePrefix("192.0.2.0/24")}
	if d := l.Decide(l.Client(netip.MustParseAddr("192.0.2.9")), Ask{}, epoch); d != want {
		t.Errorf("Decide = %+v, want %+v", d, want)
	}
	l.SetConfig(Config{Mode: DryRun})
	if d := l.Decide(l.Client(netip.MustParseAddr("192.0.2.9")), Ask{}, epoch); d.Verdict != Full || l.Counts().WouldRefuse[Denied] != 1 {
		t.Errorf("dry-run: %+v, %+v, want Full and counted", d, l.Counts())
	}
}

func TestNetworkHasARateOfItsOwn(t *testing.T) {
	l := New(Config{}, epoch)
	l.SetNetworks(mustNetworks(t, "192.0.2.0/24 registrar\n"))
	full := 0
	var last Decision
	for i := range 2000 { // from all its addresses at once
		last = l.Decide(l.Client(netip.AddrFrom4([4]byte{192, 0, 2, byte(i)})), fresh(i), epoch)
		if last.Verdict == Full {
			full++
		}
	}
	if full != 1000 || last.Cause != NetworkRate || last.RetryIn <= 0 || last.RetryIn > 10*time.Millisecond {
		t.Errorf("%d queries were admitted, the last = %+v; want 1000, then a wait of 10 ms", full, last)
	}
	l.SetNetworks(mustNetworks(t, "192.0.2.0/24 registrar\n198.51.100.0/24 deny\n"))
	if d := l.Decide(l.Client(netip.MustParseAddr("192.0.2.1")), Ask{}, epoch); d.Verdict != Refuse {
		t.Error("a reload gave the network a fresh burst")
	}
}

func TestGateway(t *testing.T) {
	l := New(Config{}, epoch)
	l.SetNetworks(mustNetworks(t, "192.0.2.0/24 gateway\n198.51.100.0/24 probe\n203.0.113.0/24 deny\n"))
	gateway, stranger := l.Client(netip.MustParseAddr("192.0.2.1")), at("192.0.3.1")
	told := netip.MustParseAddr("2001:db8::1")
	if c, ok := l.Behind(gateway, told); !ok || c != ClientAt(told) {
		t.Errorf("behind a gateway: %+v, %v, want the client it tells", c, ok)
	}
	if c, ok := l.Behind(stranger, told); ok || c != stranger {
		t.Errorf("behind a stranger: %+v, %v, want the stranger", c, ok)
	}
	if c, _ := l.Behind(gateway, netip.MustParseAddr("198.51.100.1")); c.Audience != Anonymous {
		t.Errorf("a gateway told of a probe and it became %v", c.Audience)
	}
	if c, _ := l.Behind(gateway, netip.MustParseAddr("203.0.113.1")); l.Decide(c, Ask{}, epoch).Cause != Denied {
		t.Error("a denied network is served behind a gateway")
	}
}

func TestSystems(t *testing.T) {
	systems, err := ReadSystems(strings.NewReader("192.0.2.0/24 AS64500\n198.51.0.0/16 64500\n2001:db8::/32 64501\n"), "as")
	if err != nil {
		t.Fatal(err)
	}
	l := New(DefaultConfig(), epoch)
	l.SetSystems(systems)
	var one, other accounts
	l.accountsOf(netip.MustParseAddr("192.0.2.1"), l.settings.Load(), &one)
	l.accountsOf(netip.MustParseAddr("198.51.100.1"), l.settings.Load(), &other)
	if one.n != 4 || other.n != 4 || one.list[3] != other.list[3] || one.list[3].tier != tierAS {
		t.Errorf("two networks of one AS have the accounts %+v and %+v, want the last one shared", one, other)
	}
	if _, err := ReadSystems(strings.NewReader("192.0.2.0/24 cloud\n"), "as"); err == nil || !strings.Contains(err.Error(), `as:1: "cloud" is not the number of an AS`) {
		t.Errorf("a table with a word for a number: %v", err)
	}
}
