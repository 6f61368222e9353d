package whois

import (
	"net"
	"net/netip"
	"runtime"
	"sync"
	"testing"
	"time"

	"rddsd/cache/cachetest"
	"rddsd/server/listen"
)

// Who floods the server with connections that bring no query, or a byte of one now
// and then, keeps nobody else from an answer; and gets none of the memory that an
// answer needs. Once their time is over, all places are free again.
func TestIdleConnectionsKeepNobodyOut(t *testing.T) {
	const idle = 1500 // twice as many descriptors
	overEachPath(t, func(t *testing.T, loops int) {
		s := newServer(cachetest.WHOIS(), nil)
		s.Loops = loops
		s.Caps = listen.NewCaps(listen.Limits{PerClient: 4 * idle, Total: 4 * idle})
		s.ReadTimeout, s.HurriedTimeout = 6*time.Second, 6*time.Second
		addr, _ := serve(t, s)
		flood := connectMany(t, addr, idle)
		for i, conn := range flood {
			if i%2 == 0 {
				_, _ = conn.Write([]byte("e")) // the others stay silent; some may be over already
			}
		}
		want := ask(s, "example.coop")
		for range 100 {
			conn := dial(t, addr)
			send(t, conn, "example.coop\r\n")
			if got := receive(t, conn); got != want {
				t.Fatalf("the answer is %q", got)
			}
			conn.Close()
		}
		waitFor(t, "Expired", func() uint64 { return s.Counts().Expired }, idle)
		waitFor(t, "open connections", func() uint64 { return uint64(s.Caps.Open()) }, 0)
	})
}

// connectMany opens n connections, which end with the test.
func connectMany(t *testing.T, addr string, n int) []net.Conn {
	t.Helper()
	conns := make([]net.Conn, n)
	var dialling sync.WaitGroup
	for part := range 8 {
		dialling.Go(func() {
			for i := part; i < n; i += 8 {
				conn, err := net.DialTimeout("tcp", addr, patience)
				if err != nil {
					t.Error(err)
					return
				}
				conns[i] = conn
			}
		})
	}
	dialling.Wait()
	t.Cleanup(func() {
		for _, conn := range conns {
			if conn != nil {
				conn.Close()
			}
		}
	})
	if t.Failed() {
		t.FailNow()
	}
	return conns
}

// Who is slow gets his answer while others keep the server as busy as they can.
func TestSlowClientsAreServedUnderAFlood(t *testing.T) {
	overEachPath(t, func(t *testing.T, loops int) {
		s := newServer(cachetest.WHOIS(), nil)
		s.Loops = loops
		addr, _ := serve(t, s)
		want := ask(s, "example.coop")
		over := make(chan struct{})
		var flooding sync.WaitGroup
		for range 4 * runtime.GOMAXPROCS(0) {
			flooding.Go(func() {
				for {
					select {
					case <-over:
						return
					default:
					}
					conn, err := net.DialTimeout("tcp", addr, patience)
					if err != nil {
						t.Error(err)
						return
					}
					send(t, conn, "published.coop\r\n")
					receive(t, conn)
					conn.Close()
				}
			})
		}
		for range 20 {
			conn := dial(t, addr)
			for _, piece := range []string{"e", "xample", ".coop", "\r", "\n"} {
				send(t, conn, piece)
				runtime.Gosched()
			}
			if got := receive(t, conn); got != want {
				t.Errorf("the answer is %q", got)
			}
		}
		close(over)
		flooding.Wait()
	})
}

// A listed balancer tells for whom it connects: that client is counted, refused and
// answered. From others, its header is an invalid query (W-16).
func TestBalancers(t *testing.T) {
	overEachPath(t, func(t *testing.T, loops int) {
		s := newServer(cachetest.WHOIS(), nil)
		s.Loops = loops
		s.Balancers = listen.Balancers{netip.MustParsePrefix("127.0.0.0/8")}
		s.Caps = listen.NewCaps(listen.Limits{PerClient: 1, Total: 100})
		s.RefuseTimeout = patience
		addr, _ := serve(t, s)
		found := ask(s, "example.coop")

		const of7, of8 = "PROXY TCP4 192.0.2.7 192.0.2.1 1 43\r\n", "PROXY TCP6 2001:db8::8 2001:db8::1 1 43\r\n"
		holder := dial(t, addr)
		send(t, holder, of7)
		waitFor(t, "open connections", func() uint64 { return uint64(s.Caps.Open()) }, 1)
		for _, test := range []struct {
			rule  string
			sent  []string
			close bool
			want  string
		}{
			{"another client", []string{of8 + "example.coop\r\n"}, false, found},
			{"header and query apart", []string{of8, "example.coop\r\n"}, false, found},
			{"a header in pieces", []string{of8[:9], of8[9:] + "exam", "ple.coop\n"}, false, found},
			{"more than a query", []string{of8 + "example.coop\r\nmore\r\n"}, false, found},
			{"half-close", []string{of8 + "example.coop"}, true, found},
			{"nobody", []string{"PROXY UNKNOWN\r\n", "example.coop\r\n"}, false, found},
			{"no header", []string{"example.coop\r\n"}, true, ""},
			{"a probe", nil, true, ""},
		} {
			conn := dial(t, addr)
			for _, piece := range test.sent {
				send(t, conn, piece)
			}
			if test.close {
				if err := conn.CloseWrite(); err != nil {
					t.Fatal(err)
				}
			}
			if got := receive(t, conn); got != test.want {
				t.Errorf("%s: %q is answered\n%q\nwant\n%q", test.rule, test.sent, got, test.want)
			}
		}
		crowd := dial(t, addr)
		send(t, crowd, of7+"example.coop\r\n")
		want := "WHOIS LIMIT EXCEEDED - wait 1 second before the next query\r\n\r\nQuery rate limit exceeded for 192.0.2.7/32."
		if got := receive(t, crowd); len(got) < len(want) || got[:len(want)] != want {
			t.Errorf("a second connection for the client gets %q", got)
		}
		send(t, holder, "example.coop\r\n")
		if got := receive(t, holder); got != found {
			t.Errorf("the first connection of the client gets %q", got)
		}
		if c := s.Counts(); c.Broken != 1 || c.Silent != 1 {
			t.Errorf("%d broken and %d silent connections are counted, want 1 and 1", c.Broken, c.Silent)
		}
	})
}
