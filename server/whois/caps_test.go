package whois

import (
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"rddsd/cache/cachetest"
	"rddsd/ratelimit"
	"rddsd/server/listen"
	"rddsd/server/lookup"
)

// A client with too many connections is told so, once its query is read, and
// the answer to it is not charged; beyond the hard cap there is nothing to read
// (W-07, W-14).
func TestCaps(t *testing.T) {
	overEachPath(t, func(t *testing.T, loops int) {
		s := newServer(cachetest.WHOIS(), nil)
		s.Loops = loops
		s.Caps = listen.NewCaps(listen.Limits{PerClient: 2, Total: 4})
		s.HurriedTimeout, s.RefuseTimeout = patience, patience
		s.Limiter = ratelimit.New(ratelimit.Config{Rate: 0.001, Burst: 1}, time.Now())
		addr, _ := serve(t, s)
		connections := func(n uint64) {
			t.Helper()
			waitFor(t, "Connections", func() uint64 { return s.Counts().Connections }, n)
		}

		first, second := dial(t, addr), dial(t, addr)
		connections(2)
		third := dial(t, addr)
		send(t, third, "published.coop\r\nmore")
		want := "WHOIS LIMIT EXCEEDED - wait 1 second before the next query\r\n\r\nQuery rate limit exceeded for 127.0.0.1/32."
		if got := receive(t, third); !strings.HasPrefix(got, want) {
			t.Errorf("the third connection gets %q, want %q...", got, want)
		}
		third.Close()
		waitFor(t, "open connections", func() uint64 { return uint64(s.Caps.Open()) }, 2)

		third, fourth := dial(t, addr), dial(t, addr)
		connections(5)
		fifth := dial(t, addr)
		if got := receive(t, fifth); got != "" {
			t.Errorf("the fifth connection gets %q, want nothing", got)
		}
		if n := s.Counts().Refused; n != 1 {
			t.Errorf("%d connections were refused, want 1", n)
		}
		third.Close()
		fourth.Close()
		waitFor(t, "open connections", func() uint64 { return uint64(s.Caps.Open()) }, 2)

		send(t, first, "example.coop\r\n") // the burst is still there
		if got := receive(t, first); got != ask(newServer(cachetest.WHOIS(), nil), "example.coop") {
			t.Errorf("the first connection gets %q", got)
		}
		send(t, second, "example.coop\r\n")
		if got := receive(t, second); !strings.HasPrefix(got, "WHOIS LIMIT EXCEEDED - wait ") {
			t.Errorf("the second connection gets %q, want a refusal", got)
		}
		var limited uint64
		for c := range s.Tally.Totals() {
			if c.Class == lookup.Limited && c.Object == lookup.Domain && c.TLD == "coop" {
				limited += c.N
			}
		}
		if limited != 2 {
			t.Errorf("%d queries were counted as limited, want 2", limited)
		}
	})
}

// Who is on the operator's list may have as many connections as there is room for
// (W-14, L-15).
func TestListedClientsAreNotCrowded(t *testing.T) {
	overEachPath(t, func(t *testing.T, loops int) {
		s := newServer(cachetest.WHOIS(), nil)
		s.Loops = loops
		s.Caps = listen.NewCaps(listen.Limits{PerClient: 1, Total: 100})
		list, err := ratelimit.ReadNetworks(strings.NewReader("127.0.0.0/8 probe\n"), "networks")
		if err != nil {
			t.Fatal(err)
		}
		s.Limiter.SetNetworks(list)
		addr, _ := serve(t, s)
		waiting := []net.Conn{dial(t, addr), dial(t, addr), dial(t, addr)}
		waitFor(t, "open connections", func() uint64 { return uint64(s.Caps.Open()) }, 3)
		want := ask(s, "example.coop")
		for _, conn := range append(waiting, dial(t, addr)) {
			send(t, conn, "example.coop\r\n")
			if got := receive(t, conn); got != want {
				t.Errorf("it gets %q", got)
			}
		}
		waitFor(t, "open connections", func() uint64 { return uint64(s.Caps.Open()) }, 0)
	})
}

// As many clients at one address as it may have connections, each asking one
// query after the other, are never too many.
func TestWhoComesBackFindsItsPlaceFree(t *testing.T) {
	overEachPath(t, func(t *testing.T, loops int) {
		const clients, queries = 3, 1000
		s := newServer(cachetest.WHOIS(), nil)
		s.Loops = loops
		s.Caps = listen.NewCaps(listen.Limits{PerClient: clients, Total: 10 * clients})
		addr, _ := serve(t, s)
		want := ask(s, "example.coop")
		var asking sync.WaitGroup
		for range clients {
			asking.Go(func() {
				for i := range queries {
					conn, err := net.DialTimeout("tcp", addr, patience)
					if err != nil {
						t.Error(err)
						return
					}
					_, err = io.WriteString(conn, "example.coop\r\n")
					answer, readErr := io.ReadAll(conn)
					conn.Close()
					if err != nil || readErr != nil || string(answer) != want {
						t.Errorf("query %d: %v, %v, %.60q", i, err, readErr, answer)
						return
					}
				}
			})
		}
		asking.Wait()
	})
}

// With hardly a slot left the server says that it is busy to who would need one.
func TestBusy(t *testing.T) {
	overEachPath(t, func(t *testing.T, loops int) {
		s := newServer(cachetest.WHOIS(), nil)
		s.Loops = loops
		s.Caps = listen.NewCaps(listen.Limits{Total: 1})
		s.HurriedTimeout, s.RefuseTimeout = patience, patience
		addr, _ := serve(t, s)
		conn := dial(t, addr)
		send(t, conn, "example")
		waitFor(t, "open connections", func() uint64 { return uint64(s.Caps.Open()) }, 1)
		send(t, conn, ".coop\r\n")
		if got, want := receive(t, conn), "Server too busy, try again later.\r\n"; got != want {
			t.Errorf("the answer is %q, want %q", got, want)
		}
		for c := range s.Tally.Totals() {
			if c.Class != lookup.Busy || c.N != 1 {
				t.Errorf("counted as %v", c)
			}
		}
	})
}

// The more slots are taken, the less time a slow client gets (W-04).
func TestPatience(t *testing.T) {
	s := newServer(cachetest.WHOIS(), nil)
	s.Caps = listen.NewCaps(listen.Limits{Total: 10})
	s.HurriedTimeout = 3 * time.Second
	for taken, want := range []time.Duration{5: DefaultReadTimeout, 6: 3 * time.Second, 9: 3 * time.Second} {
		if taken > 0 {
			s.Caps.Acquire(stranger.Addr)
		}
		if got := s.patience(welcome); want != 0 && got != want {
			t.Errorf("with %d of 10 slots taken a client has %v, want %v", taken, got, want)
		}
	}
	if got := s.patience(crowded); got != DefaultRefuseTimeout {
		t.Errorf("before a refusal a client has %v, want %v", got, DefaultRefuseTimeout)
	}
}
