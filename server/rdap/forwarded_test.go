package rdap

import (
	"bufio"
	"io"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"rddsd/cache/cachetest"
	"rddsd/ratelimit"
	"rddsd/server/listen"
	"rddsd/server/lookup"
)

// proxies are those of the tests: 198.51.100.0/24 and 2001:db8:1::/48.
func proxies(field Field) *Proxies {
	return &Proxies{listen.Balancers{netip.MustParsePrefix("198.51.100.0/24"), netip.MustParsePrefix("2001:db8:1::/48")}, field}
}

// forwarded returns whom a proxy at 198.51.100.1 asks for with these fields.
func forwarded(p *Proxies, fields ...string) string {
	var head fasthttp.RequestHeader
	for _, f := range fields {
		head.Add(string(p.Field), f)
	}
	return p.client(&head, netip.MustParseAddr("198.51.100.1")).String()
}

func TestForwardedClient(t *testing.T) {
	const proxy = "198.51.100.1"
	for _, test := range []struct {
		rule   string
		field  Field
		fields []string
		want   string
	}{
		{"nothing is said: the proxy itself", XForwardedFor, nil, proxy},
		{"one hop", XForwardedFor, []string{"192.0.2.1"}, "192.0.2.1"},
		{"the last that is no proxy of ours", XForwardedFor, []string{"203.0.113.9, 192.0.2.1, 198.51.100.7"}, "192.0.2.1"},
		{"over several lines", XForwardedFor, []string{"203.0.113.9", "192.0.2.1", "198.51.100.7,198.51.100.8"}, "192.0.2.1"},
		{"only proxies: the first of them", XForwardedFor, []string{"198.51.100.9, 198.51.100.8"}, "198.51.100.9"},
		{"with a port", XForwardedFor, []string{"192.0.2.1:4711"}, "192.0.2.1"},
		{"IPv6", XForwardedFor, []string{"2001:db8::1"}, "2001:db8::1"},
		{"in brackets", XForwardedFor, []string{"[2001:db8::1]"}, "2001:db8::1"},
		{"with a port", XForwardedFor, []string{"[2001:db8::1]:443"}, "2001:db8::1"},
		{"IPv4 in IPv6", XForwardedFor, []string{"::ffff:192.0.2.1"}, "192.0.2.1"},
		{"an IPv6 proxy", XForwardedFor, []string{"192.0.2.1, 2001:db8:1::5"}, "192.0.2.1"},
		{"a zone is nobody's", XForwardedFor, []string{"fe80::1%eth0"}, "fe80::1"},
		{"empty elements do not count", XForwardedFor, []string{" , 192.0.2.1 ,, "}, "192.0.2.1"},
		{"garbage hides all before it", XForwardedFor, []string{"192.0.2.1, ask, 198.51.100.7"}, "198.51.100.7"},
		{"a host name is none", XForwardedFor, []string{"localhost"}, proxy},
		{"brackets must end", XForwardedFor, []string{"[2001:db8::1"}, proxy},
		{"and be followed by a port", XForwardedFor, []string{"[2001:db8::1]x"}, proxy},

		{"one hop", Forwarded, []string{"for=192.0.2.1"}, "192.0.2.1"},
		{"among other parameters", Forwarded, []string{"by=203.0.113.1;For=192.0.2.1; proto=https"}, "192.0.2.1"},
		{"in quotes", Forwarded, []string{`for="192.0.2.1:4711"`}, "192.0.2.1"},
		{"IPv6 in quotes", Forwarded, []string{`for="[2001:db8::1]:443"`}, "2001:db8::1"},
		{"the last that is no proxy of ours", Forwarded, []string{"for=203.0.113.9, for=192.0.2.1", `for="[2001:db8:1::5]";host="a,b"`}, "192.0.2.1"},
		{"unknown is the one who says so", Forwarded, []string{"for=192.0.2.1, for=unknown"}, proxy},
		{"so is a hidden one", Forwarded, []string{"for=_secret"}, proxy},
		{"so is an element without it", Forwarded, []string{"proto=https"}, proxy},
		{"a client's open quote hides nothing", Forwarded, []string{`for=", for=192.0.2.1`}, "192.0.2.1"},
		{"the other field does not count", Forwarded, []string{"192.0.2.1"}, proxy},
	} {
		if got := forwarded(proxies(test.field), test.fields...); got != test.want {
			t.Errorf("%s: %s %q is %s, want %s", test.rule, test.field, test.fields, got, test.want)
		}
	}
}

// FuzzForwarded: whatever a client sends, it is known by the address that our proxy
// puts behind it.
func FuzzForwarded(f *testing.F) {
	for _, field := range []string{"192.0.2.9", `for="`, `for="a\"`, "for=[::1", ",,,", `","`, "for=198.51.100.2", "\x00"} {
		f.Add(field, true)
		f.Add(field, false)
	}
	f.Fuzz(func(t *testing.T, field string, sameLine bool) {
		for name, ours := range map[Field]string{XForwardedFor: "192.0.2.1", Forwarded: `for="192.0.2.1:99";by=198.51.100.1`} {
			lines := []string{field, ours}
			if sameLine {
				lines = []string{field + ", " + ours}
			}
			if got := forwarded(proxies(name), lines...); got != "192.0.2.1" {
				t.Errorf("%s %q is %s", name, lines, got)
			}
		}
	})
}

func TestForwardedDoesNotAllocate(t *testing.T) {
	var head fasthttp.RequestHeader
	head.Add("X-Forwarded-For", "192.0.2.1, 198.51.100.7")
	p, at := proxies(XForwardedFor), netip.MustParseAddr("198.51.100.1")
	if n := testing.AllocsPerRun(1000, func() { p.client(&head, at) }); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}

// limited has a server allow each client two look-ups.
func limited(s *Server) {
	s.Limiter = ratelimit.New(ratelimit.Config{Rate: 0.001, Burst: 2}, time.Now())
}

// TestProxiesAskForOthers: the limits are those of the client that the proxy tells, and
// a proxy may have as many connections as it likes.
func TestProxiesAskForOthers(t *testing.T) {
	r := newRig(t, cachetest.RDAP(), func(s *Server) {
		limited(s)
		s.Caps = listen.NewCaps(listen.Limits{PerClient: 1})
		s.Proxies = Proxies{listen.Balancers{netip.MustParsePrefix("127.0.0.0/8")}, XForwardedFor}
	})
	for range 3 {
		r.dial(t) // and kept
	}
	for _, test := range []struct {
		from   string
		status int
	}{
		{"192.0.2.1", 200},
		{"192.0.2.1", 200},
		{"192.0.2.1", 429},
		{"203.0.113.7, 192.0.2.1", 429}, // made up by the client
		{"192.0.2.2", 200},
	} {
		if res := r.send(t, "GET", "/domain/example.coop", "X-Forwarded-For: "+test.from+"\r\n"); res.StatusCode != test.status {
			t.Errorf("for %s: status %d, want %d", test.from, res.StatusCode, test.status)
		}
	}
}

// TestOthersAskForThemselves: who is no proxy of ours is believed nothing.
func TestOthersAskForThemselves(t *testing.T) {
	r := newRig(t, cachetest.RDAP(), func(s *Server) {
		limited(s)
		s.Proxies = *proxies(XForwardedFor)
	})
	for i, from := range []string{"192.0.2.1", "192.0.2.2", "192.0.2.3"} {
		want := 200
		if i == 2 {
			want = 429
		}
		if res := r.send(t, "GET", "/domain/example.coop", "X-Forwarded-For: "+from+"\r\n"); res.StatusCode != want {
			t.Errorf("request %d: status %d, want %d", i, res.StatusCode, want)
		}
	}
}

// TestBalancers: a connection that begins with a PROXY header is its client's, in plain
// and under TLS, and one of a balancer without the header is nobody's.
func TestBalancers(t *testing.T) {
	r := newRig(t, cachetest.RDAP(), func(s *Server) {
		limited(s)
		s.Certificates = Certificates{pairFor(t, "one.example")}
		s.Balancers = listen.Balancers{netip.MustParsePrefix("127.0.0.0/8")}
		s.ProxyTimeout = 200 * time.Millisecond
	})
	ask := func(from string, encrypted bool) int {
		to := r.plain
		if encrypted {
			to = r.tls
		}
		c := r.dialTo(t, to)
		if _, err := io.WriteString(c, "PROXY TCP4 "+from+" 127.0.0.1 4711 443\r\n"); err != nil {
			t.Fatal(err)
		}
		if encrypted {
			c = over(t, c)
		}
		if _, err := io.WriteString(c, "GET /domain/example.coop HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		return readResponse(t, bufio.NewReader(c), "GET").StatusCode
	}
	for i, test := range []struct {
		from      string
		encrypted bool
		status    int
	}{
		{"192.0.2.1", false, 200}, {"192.0.2.1", true, 200}, {"192.0.2.1", false, 429}, {"192.0.2.1", true, 429}, {"192.0.2.2", true, 200},
	} {
		if got := ask(test.from, test.encrypted); got != test.status {
			t.Errorf("request %d for %s: status %d, want %d", i, test.from, got, test.status)
		}
	}
	for _, raw := range []string{"GET /help HTTP/1.1\r\nHost: x\r\n\r\n", "PROXY nonsense\r\n", "PRO"} {
		c := r.dial(t)
		if _, err := io.WriteString(c, raw); err != nil {
			t.Fatal(err)
		}
		if answer, _ := io.ReadAll(c); len(answer) != 0 { // a reset is an end as well
			t.Errorf("%q without a header is answered: %s", raw, answer)
		}
	}
	c := r.dial(t) // a probe
	c.Close()
	r.stop()
	if n := r.Counts().Broken; n != 3 {
		t.Errorf("%d connections counted as broken, want 3", n)
	}
	if n := r.counted()[lookup.Found]; n != 3 {
		t.Errorf("counted %v", r.counted())
	}
}

// TestPROXYOfStrangers: who is no balancer sends junk with it.
func TestPROXYOfStrangers(t *testing.T) {
	r := newRig(t, cachetest.RDAP(), nil)
	res := r.exchange(t, "PROXY TCP4 192.0.2.1 127.0.0.1 4711 443\r\nGET /help HTTP/1.1\r\nHost: x\r\n\r\n")
	if res.StatusCode != 400 || strings.Contains(string(res.body), "192.0.2.1") {
		t.Errorf("status %d: %s", res.StatusCode, res.body)
	}
}
