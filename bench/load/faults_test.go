package load

import (
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// A target that is not there, or is something else, is told by its address, and
// nothing is measured.
func TestRunRefusesBadTargets(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	for _, test := range []struct {
		name, target string
		p            Protocol
		want         string
	}{
		{"nothing listens", closed.Addr().String(), WHOIS, "connection refused"},
		{"nothing listens for RDAP", closed.Addr().String(), RDAP, "connection refused"},
		{"garbage", serveText(t, func(string) string { return "SSH-2.0-OpenSSH_9.6\r\n" }), WHOIS, `"SSH-2.0-OpenSSH_9.6\r\n"`},
		{"garbage for RDAP", serveText(t, func(string) string { return "SSH-2.0-OpenSSH_9.6\r\n" }), RDAP, `"SSH-2.0-OpenSSH_9.6\r\n"`},
		{"closes without a word", serveLines(t, func(net.Conn, string) {}), WHOIS, "without an answer"},
		{"closes in the middle", serveText(t, func(line string) string { return "Domain Name: " + line + "\r\nRegistr" }), WHOIS, `"Registr"`},
		{"closes in the middle for RDAP", serveText(t, func(string) string {
			return "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{"
		}), RDAP, "closed after 42 bytes"},
		{"hangs", serveLines(t, func(c net.Conn, _ string) { hang(c) }), WHOIS, "within 300ms"},
		{"hangs for RDAP", serveLines(t, func(c net.Conn, _ string) { hang(c) }), RDAP, "within 300ms"},
		{"WHOIS is no RDAP", serveText(t, whoisText), RDAP, "is this a server for rdap?"},
		{"RDAP is no WHOIS", serveRDAP(t, rdapOptions{}), WHOIS, "is this a server for whois?"},
		{"somewhere else", "192.0.2.1:43", WHOIS, "not on loopback"},
		{"no port", "127.0.0.1", WHOIS, "host:port"},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := short(test.target, test.p)
			o.Timeout = 300 * time.Millisecond
			r, err := Run(t.Context(), o)
			if r != nil {
				t.Errorf("Run: a result %+v", r)
			}
			if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), test.target) {
				t.Errorf("Run: %v; the error must name %s and tell %q", err, test.target, test.want)
			}
		})
	}
}

// A target that fails now and then is measured, its failures are counted apart,
// and they fail the run unless they are allowed.
func TestRunCountsFaults(t *testing.T) {
	for _, test := range []struct {
		name string
		do   func(net.Conn)
		want Outcome
	}{
		{"reset", func(c net.Conn) { _ = c.(*net.TCPConn).SetLinger(0) }, Reset},
		{"cut", func(c net.Conn) { _, _ = c.Write([]byte("Domain Name: x")) }, Cut},
		{"garbage", func(c net.Conn) { _, _ = c.Write([]byte("Hello\r\n")) }, Garbage},
		{"time-out", hang, TimedOut},
	} {
		for _, goroutines := range []bool{false, true} {
			var asked atomic.Int64
			target := serveLines(t, func(conn net.Conn, line string) {
				// Not the name that is asked for before anything is measured.
				if asked.Add(1)%20 == 0 && line != generated().At(0) {
					test.do(conn)
					return
				}
				_, _ = conn.Write([]byte(whoisText(line)))
			})
			o := short(target, WHOIS)
			o.Goroutines, o.Timeout = goroutines, 10*time.Second
			if test.want == TimedOut {
				o.Timeout = 400 * time.Millisecond
			}
			r, err := Run(t.Context(), o)
			if err == nil || r == nil || !strings.Contains(err.Error(), target) || !strings.Contains(err.Error(), test.want.String()) {
				t.Errorf("%s, by goroutines %t: Run: %v; the error must name %s and tell of %s", test.name, goroutines, err, target, test.want)
				continue
			}
			// A busy machine may be too late for a connection too, by that short time-out.
			if n := r.Outcomes[test.want]; n < r.Requests/40 || n+r.Outcomes[Unconnected] != r.Errors() || n < r.Outcomes[Unconnected] {
				t.Errorf("%s, by goroutines %t: outcomes %v, want one in 20 to be %s", test.name, goroutines, r.Outcomes, test.want)
			}
			if test.want == TimedOut && r.Quantile(1) < 390*time.Millisecond {
				t.Errorf("%s, by goroutines %t: the longest latency is %s: a time-out is as long as its patience", test.name, goroutines, r.Quantile(1))
			}
			o.AllowErrors = true
			if _, err := Run(t.Context(), o); err != nil {
				t.Errorf("%s, by goroutines %t, allowed: %v", test.name, goroutines, err)
			}
		}
	}
}

// A target that goes away ends the run before its time.
func TestRunTargetGoesAway(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		after func(*net.TCPListener)
	}{
		{"hangs", func(*net.TCPListener) {}},
		{"gone", func(l *net.TCPListener) { l.Close() }},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			undisturbed(t, func(t testing.TB) {
				listener, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
				if err != nil {
					t.Fatal(err)
				}
				served := make(chan struct{})
				go func() {
					defer close(served)
					var line [1024]byte
					for range 200 {
						conn, err := listener.Accept()
						if err != nil {
							return
						}
						n, _ := conn.Read(line[:])
						_, _ = conn.Write([]byte(whoisText(strings.TrimSpace(string(line[:n])))))
						conn.Close()
					}
					test.after(listener)
				}()
				o := short(listener.Addr().String(), WHOIS)
				o.For, o.Timeout, o.AllowErrors = time.Minute, 200*time.Millisecond, true
				r, err := Run(t.Context(), o)
				if r == nil || r.Took > 10*time.Second || err == nil || !strings.Contains(err.Error(), "has not answered for") || !strings.Contains(err.Error(), o.Target) {
					t.Errorf("Run: %v, %v; the error must tell that %s has stopped answering", r, err, o.Target)
				}
				listener.Close()
				<-served
			})
		})
	}
}

// Queries that a slow target keeps from being sent are not left out.
func TestRunCountsWhatCouldNotBeSent(t *testing.T) {
	target := serveLines(t, func(conn net.Conn, line string) {
		time.Sleep(50 * time.Millisecond) // a slow server: at most 40 a second on 2 connections
		_, _ = conn.Write([]byte(whoisText(line)))
	})
	for _, goroutines := range []bool{false, true} {
		undisturbed(t, func(t testing.TB) {
			o := short(target, WHOIS)
			o.Connections, o.Rate, o.Goroutines = 2, 1000, goroutines
			r, err := Run(t.Context(), o)
			if err == nil || r == nil || !strings.Contains(err.Error(), "unsent") {
				t.Fatalf("by goroutines %t: Run: %v, %v; want an error that tells of the unsent", goroutines, r, err)
			}
			if r.Requests != 250 || r.Outcomes[Unsent] < 180 || r.Quantile(0.5) < 800*time.Millisecond {
				t.Errorf("by goroutines %t: %d requests, %d unsent, median %s; want all 250 that fell due, most of them unsent for a second",
					goroutines, r.Requests, r.Outcomes[Unsent], r.Quantile(0.5))
			}
		})
	}
}

// TestStall shows what an open loop is for: a server that stands still for 200 ms
// every 2 s keeps one in ten callers waiting. A closed loop waits with it and so
// sees a handful of slow answers among thousands (coordinated omission).
func TestStall(t *testing.T) {
	t.Parallel()
	began := time.Now()
	target := serveLines(t, func(conn net.Conn, line string) {
		if at := time.Since(began) % (2 * time.Second); at >= time.Second && at < 1200*time.Millisecond {
			time.Sleep(1200*time.Millisecond - at) // the stall itself
		}
		_, _ = conn.Write([]byte(whoisText(line)))
	})
	for _, test := range []struct {
		name       string
		rate       float64
		goroutines bool
		shows      bool
	}{
		{"closed loop", 0, false, false},
		{"closed loop by goroutines", 0, true, false},
		{"open loop", 250, false, true},
		{"open loop by goroutines", 250, true, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			undisturbed(t, func(t testing.TB) {
				o := short(target, WHOIS)
				o.Connections, o.Rate, o.Goroutines, o.For, o.CheckEvery = 4, test.rate, test.goroutines, 4*time.Second, 100
				r, err := Run(t.Context(), o)
				if err != nil {
					t.Fatal(err)
				}
				if p99 := r.Quantile(0.99); p99 > 120*time.Millisecond != test.shows {
					t.Errorf("p99 is %s; shows the stall: want %t", p99, test.shows)
				}
				if longest := r.Quantile(1); longest < 120*time.Millisecond {
					t.Errorf("the longest answer took %s, although the server stood still for 200ms", longest)
				}
			})
		})
	}
}
