package whois

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/netip"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"rddsd/cache/cachetest"
	"rddsd/ratelimit"
	"rddsd/server/listen"
	"rddsd/server/lookup"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a test waits for what must happen.
const patience = time.Minute

// overEachPath runs test once for each way in which connections are accepted: it
// must make no difference.
func overEachPath(t *testing.T, test func(t *testing.T, loops int)) {
	t.Helper()
	ways := map[string]int{"goroutines": 0}
	if runtime.GOOS == "linux" {
		ways["one loop"], ways["two loops"] = 1, 2
	}
	for way, loops := range ways {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			test(t, loops)
		})
	}
}

// loopback returns a listener such as the program opens.
func loopback(t testing.TB) net.Listener {
	t.Helper()
	ln, err := listen.Open(context.Background(), listen.Address{Addr: netip.MustParseAddrPort("127.0.0.1:0")})
	if err != nil {
		t.Fatal(err)
	}
	return ln
}

// serve runs s on a loopback address until the test ends, and then checks that
// nothing of it is left.
func serve(t *testing.T, s *Server) (addr string, stop func()) {
	t.Helper()
	return serveOn(t, s, loopback(t))
}

// serveOn is serve on a listener.
func serveOn(t *testing.T, s *Server, ln net.Listener) (addr string, stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, ln) }()
	stop = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("Serve: %v", err)
			}
		case <-time.After(patience):
			t.Fatal("Serve does not return")
		}
		if len(s.conns) != 0 {
			t.Errorf("%d connections are left", len(s.conns))
		}
	})
	t.Cleanup(stop)
	return ln.Addr().String(), stop
}

func dial(t *testing.T, addr string) *net.TCPConn {
	t.Helper()
	conn, err := net.DialTimeout("tcp", addr, patience)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return conn.(*net.TCPConn)
}

func send(t *testing.T, conn net.Conn, text string) {
	t.Helper()
	if _, err := conn.Write([]byte(text)); err != nil {
		t.Fatalf("send %q: %v", text, err)
	}
}

func receive(t *testing.T, conn net.Conn) string {
	t.Helper()
	answer, err := io.ReadAll(conn)
	if err != nil {
		t.Fatalf("after %d bytes: %v", len(answer), err)
	}
	return string(answer)
}

// waitFor waits until the counter that get reads has the value want.
func waitFor(t *testing.T, what string, get func() uint64, want uint64) {
	t.Helper()
	for deadline := time.Now().Add(patience); get() != want; {
		if time.Now().After(deadline) {
			t.Fatalf("%s is %d, want %d", what, get(), want)
		}
		time.Sleep(time.Millisecond)
	}
}

const hello = "\x16\x03\x01\x00\xf4\x01\x00\x00\xf0\x03\x03" // of TLS 1.2, cut

// TestClients is A-04: the ways in which clients end, split and pad a query (W-02, W-03,
// W-12, W-17 to W-19), each with the answer it gets.
func TestClients(t *testing.T) {
	overEachPath(t, func(t *testing.T, loops int) {
		s := newServer(cachetest.WHOIS(), nil)
		s.Loops = loops
		addr, _ := serve(t, s)
		found, invalid := ask(s, "example.coop"), ask(s, "foo*.coop")
		for _, test := range []struct {
			rule  string
			sent  string // in writes parted by "|"
			close bool   // the client ends its side behind it
			want  string // a write behind the close is reset, behind the whole answer
		}{
			{"CR LF", "example.coop\r\n", false, found},
			{"LF", "example.coop\n", false, found},
			{"telnet's CR NUL", "example.coop\r\x00", false, found},
			{"half-close in place of a line end", "example.coop", true, found},
			{"half-close behind the line", "example.coop\r\n", true, found},
			{"telnet negotiation before the line", "\xFF\xFD\x03\xFF\xFB\x18example.coop\r\n", false, found},
			{"a line in pieces", "exam|ple.c|oop\r|\n", false, found},
			{"a second query behind the first", "example.coop\r\nunregistered.coop\r\n", false, found},
			{"a second query in a write of its own", "example.coop\r\n|unregistered.coop\r\n", false, found},
			{"an empty line", "\r\n", false, invalid},
			{"10 kB of a line", strings.Repeat("x", 10_000) + "\r\n", false, invalid},
			{"10 kB without an end", strings.Repeat("x", 10_000), false, invalid},
			{"513 bytes", strings.Repeat(" ", 501) + "example.coop\r\n", false, invalid},
			{"512 bytes", strings.Repeat(" ", 500) + "example.coop\r\n", false, found},
			{"not UTF-8", "caf\xE9.coop\r\n", false, invalid},
			{"HTTP", "GET / HTTP/1.1\r\nHost: example.coop\r\n\r\n", false, invalid},
			{"TLS", hello, false, invalid},
			{"remote desktop", "\x03\x00\x00\x13\x0e\xe0", false, invalid},
			{"file sharing", "\x00\x00\x00\x85\xffSMBr", false, invalid},
			{"PROXY header", "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\nexample.coop\r\n", false, invalid},
			{"binary", string(noise(4096)), true, invalid},
			{"nothing", "", true, ""},
			{"blanks and leave", " \t", true, ""},
			{"Ctrl-C in telnet", "exam\xFF\xF4\xFF\xFD\x06", false, ""},
		} {
			t.Run(test.rule, func(t *testing.T) {
				conn := dial(t, addr)
				for piece := range strings.SplitSeq(test.sent, "|") {
					if _, err := conn.Write([]byte(piece)); err != nil {
						t.Fatal(err)
					}
				}
				if test.close {
					if err := conn.CloseWrite(); err != nil {
						t.Fatal(err)
					}
				}
				answer, err := io.ReadAll(conn)
				if err != nil && (!errors.Is(err, syscall.ECONNRESET) || !strings.Contains(test.sent, "\n|")) {
					t.Fatalf("after %d bytes: %v", len(answer), err)
				}
				if got := string(answer); got != test.want {
					t.Errorf("%.60q is answered\n%q\nwant\n%q", test.sent, got, test.want)
				}
			})
		}
		c := s.Counts()
		for what, got := range map[string][2]uint64{
			"silent": {c.Silent, 2}, "interrupted": {c.Interrupted, 1}, "HTTP": {c.HTTP, 1}, "TLS": {c.TLS, 1},
			"RDP": {c.RDP, 1}, "SMB": {c.SMB, 1}, "panics": {c.Panics, 0}, "connections": {c.Connections, 24},
		} {
			if got[0] != got[1] {
				t.Errorf("the counter of %s is %d, want %d", what, got[0], got[1])
			}
		}
	})
}

// noise is n bytes without a line end or a telnet command, the same each time.
func noise(n int) []byte {
	r := rand.New(rand.NewPCG(7, 8))
	b := make([]byte, n)
	for i := range b {
		b[i] = 0x80 + byte(r.IntN(0x7E))
	}
	return b
}

// Each query is counted once, by its class, and none is logged.
func TestEachQueryIsCountedOnce(t *testing.T) {
	overEachPath(t, func(t *testing.T, loops int) {
		s := newServer(cachetest.WHOIS(), nil)
		s.Loops = loops
		var log bytes.Buffer
		s.Log = slog.New(slog.NewTextHandler(&log, nil))
		addr, stop := serve(t, s)
		want := map[string]uint64{}
		for query, counted := range map[string]string{
			"example.coop": "coop domain found", "unregistered.coop": "coop domain notfound", "shop.coop": "coop domain reserved",
			"foo*.coop": "none none invalid", "example.com": "none domain othertld", "?": "none none help",
			"ns1.example.coop": "coop nameserver found", "192.0.2.10": "none nameservers found", "registrar 9999": "none registrar found",
		} {
			conn := dial(t, addr)
			send(t, conn, query+"\r\n")
			receive(t, conn)
			want[counted]++
		}
		stop()
		got := map[string]uint64{}
		for c := range s.Tally.Totals() {
			got[c.TLD+" "+c.Object.String()+" "+c.Class.String()] += c.N
			if c.Service.String() != "whois" || c.Audience != ratelimit.Anonymous {
				t.Errorf("counted as %v", c)
			}
		}
		for key, n := range want {
			if got[key] != n {
				t.Errorf("%q was counted %d times, want %d", key, got[key], n)
			}
			delete(got, key)
		}
		if len(got) > 0 {
			t.Errorf("counted beside: %v", got)
		}
		if log.Len() > 0 {
			t.Errorf("queries were logged: %s", log.String())
		}
	})
}

// TestNoResetBehindExtraBytes is A-07: a client that sends more than its query loses
// nothing of the answer.
func TestNoResetBehindExtraBytes(t *testing.T) {
	overEachPath(t, func(t *testing.T, loops int) {
		s := newServer(cachetest.WHOIS(), nil)
		s.Loops = loops
		addr, _ := serve(t, s)
		want := ask(s, "example.coop")
		for i := range 1000 {
			conn := dial(t, addr)
			extra := strings.Repeat("more\r\n", 1+i%300)
			if i%2 == 0 {
				send(t, conn, "example.coop\r\n"+extra)
			} else {
				send(t, conn, "example.coop\r\n")
				// The server may have closed already: then nobody reads this, and it
				// must still not cost the answer, which has been sent.
				if _, err := conn.Write([]byte(extra)); err != nil && !errors.Is(err, syscall.EPIPE) {
					t.Fatalf("client %d: %v", i, err)
				}
			}
			answer, err := io.ReadAll(conn)
			if i%2 == 1 && errors.Is(err, syscall.ECONNRESET) {
				err = nil // what came behind the close was answered so, behind the whole answer
			}
			if err != nil || string(answer) != want {
				t.Fatalf("client %d: %d of %d bytes, %v", i, len(answer), len(want), err)
			}
			conn.Close()
		}
	})
}

// One deadline for the whole line: a byte now and then does not move it (W-04, A-04).
func TestDribblingClientIsClosed(t *testing.T) {
	overEachPath(t, func(t *testing.T, loops int) {
		s := newServer(cachetest.WHOIS(), nil)
		s.Loops = loops
		s.ReadTimeout = 100 * time.Millisecond
		addr, _ := serve(t, s)
		conn := dial(t, addr)
		begun := time.Now()
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for range tick.C {
			if _, err := conn.Write([]byte("x")); err != nil {
				break
			}
			if time.Since(begun) > patience/2 {
				t.Fatal("the connection stays open")
			}
		}
		if text, _ := io.ReadAll(conn); len(text) > 0 {
			t.Errorf("it got %q", text)
		}
		waitFor(t, "Expired", func() uint64 { return s.Counts().Expired }, 1)
		if n := total(s); n != 0 {
			t.Errorf("%d queries were counted", n)
		}
	})
}

// A client that is gone costs nothing but its count (W-11, A-04).
func TestClientThatIsGone(t *testing.T) {
	overEachPath(t, func(t *testing.T, loops int) {
		s := newServer(cachetest.WHOIS(), nil)
		s.Loops = loops
		addr, _ := serve(t, s)
		for range 50 {
			conn := dial(t, addr)
			send(t, conn, "example.coop\r\nmore")
			if err := conn.SetLinger(0); err != nil { // close sends RST
				t.Fatal(err)
			}
			conn.Close()
		}
		for range 50 {
			dial(t, addr).Close()
		}
		conn := dial(t, addr)
		send(t, conn, "example.coop\r\n")
		if got, want := receive(t, conn), ask(s, "example.coop"); got != want {
			t.Errorf("after them the answer is %q", got)
		}
	})
}

func TestWithoutDataNothingIsDenied(t *testing.T) {
	overEachPath(t, func(t *testing.T, loops int) {
		s := newServer(nil, nil)
		s.Loops = loops
		addr, _ := serve(t, s)
		for _, query := range []string{"unregistered.coop", "?", "foo*.coop"} {
			conn := dial(t, addr)
			send(t, conn, query+"\r\n")
			if got, want := receive(t, conn), "Service temporarily unavailable, try again later.\r\n"; got != want {
				t.Errorf("%q is answered %q, want %q", query, got, want)
			}
		}
		for c := range s.Tally.Totals() {
			if c.Class != lookup.Error || c.N != 3 {
				t.Errorf("counted as %v", c)
			}
		}
	})
}

// A panic fails one query, says nothing of it in the log, and is logged once in
// a while.
func TestPanicFailsOneQuery(t *testing.T) {
	overEachPath(t, func(t *testing.T, loops int) {
		s := newServer(cachetest.WHOIS(), nil)
		s.Loops = loops
		s.Finder = new(lookup.Finder) // without policies
		var log syncBuffer
		s.Log = slog.New(slog.NewTextHandler(&log, nil))
		addr, _ := serve(t, s)
		for range 3 {
			conn := dial(t, addr)
			send(t, conn, "secret.coop\r\n")
			if got, want := receive(t, conn), "Service temporarily unavailable, try again later.\r\n"; got != want {
				t.Fatalf("the answer is %q, want %q", got, want)
			}
		}
		if n := s.Counts().Panics; n != 3 {
			t.Errorf("%d panics are counted, want 3", n)
		}
		text := log.String()
		if strings.Count(text, "level=ERROR") != 1 || !strings.Contains(text, "nil pointer") || strings.Contains(text, "secret") || strings.Contains(text, "127.0.0.1") {
			t.Errorf("the log is:\n%s", text)
		}
	})
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// Told to stop, the server answers who is there, and cuts off who takes too
// long (W-20).
func TestDrain(t *testing.T) {
	overEachPath(t, func(t *testing.T, loops int) {
		s := newServer(cachetest.WHOIS(), nil)
		s.Loops = loops
		s.RefuseTimeout, s.DrainTimeout = patience, patience
		addr, stop := serve(t, s)
		conn := dial(t, addr)
		send(t, conn, "example")
		waitFor(t, "Connections", func() uint64 { return s.Counts().Connections }, 1)
		stopped := make(chan struct{})
		go func() {
			stop()
			close(stopped)
		}()
		for { // until nobody accepts
			late, err := net.DialTimeout("tcp", addr, patience)
			if err != nil {
				break
			}
			late.Close()
		}
		send(t, conn, ".coop\r\n")
		if got, want := receive(t, conn), ask(s, "example.coop"); got != want {
			t.Errorf("while draining the answer is %q", got)
		}
		<-stopped
	})
}

// Who is silent when the server stops is not waited for long, and nobody longer
// than DrainTimeout.
func TestDrainDoesNotWaitForTheSilent(t *testing.T) {
	overEachPath(t, func(t *testing.T, loops int) {
		for _, test := range []struct {
			rule           string
			refuse, drain  time.Duration
			expired, broke uint64
		}{
			{"hurried", 20 * time.Millisecond, patience, 1, 0},
			{"cut off", patience, 20 * time.Millisecond, 0, 1},
		} {
			t.Run(test.rule, func(t *testing.T) {
				s := newServer(cachetest.WHOIS(), nil)
				s.Loops = loops
				s.RefuseTimeout, s.DrainTimeout = test.refuse, test.drain
				addr, stop := serve(t, s)
				conn := dial(t, addr)
				send(t, conn, "exam")
				waitFor(t, "Connections", func() uint64 { return s.Counts().Connections }, 1)
				begun := time.Now()
				stop()
				if took := time.Since(begun); took > patience/2 {
					t.Errorf("it took %v", took)
				}
				if text, _ := io.ReadAll(conn); len(text) > 0 {
					t.Errorf("the client got %q", text)
				}
				if c := s.Counts(); c.Expired != test.expired || c.Broken != test.broke {
					t.Errorf("expired %d, broken %d; want %d, %d", c.Expired, c.Broken, test.expired, test.broke)
				}
			})
		}
	})
}

// A listener that fails for good ends Serve, with the others closed.
func TestServeReturnsWhenAListenerFails(t *testing.T) {
	overEachPath(t, func(t *testing.T, loops int) {
		s := newServer(cachetest.WHOIS(), nil)
		s.Loops = loops
		good, bad := loopback(t), loopback(t)
		bad.Close()
		if err := s.Serve(t.Context(), good, bad); !errors.Is(err, net.ErrClosed) || !strings.Contains(err.Error(), bad.Addr().String()) {
			t.Errorf("Serve = %v", err)
		}
		if _, err := good.Accept(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("the other listener: %v", err)
		}
	})
}

// BenchmarkConnection is a whole query over loopback, the client's side
// included: connect, ask, read to the end, close.
func BenchmarkConnection(b *testing.B) {
	s := newServer(cachetest.WHOIS(), nil)
	ln := loopback(b)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, ln) }()
	buf := make([]byte, 4096)
	b.ReportAllocs()
	for b.Loop() {
		conn, err := net.Dial("tcp", ln.Addr().String())
		if err != nil {
			b.Fatal(err)
		}
		if _, err := conn.Write([]byte("example.coop\r\n")); err != nil {
			b.Fatal(err)
		}
		for err == nil {
			_, err = conn.Read(buf)
		}
		conn.Close()
	}
	cancel()
	if err := <-done; err != nil {
		b.Error(err)
	}
}
