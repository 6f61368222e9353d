package rdap

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"rddsd/cache"
	"rddsd/ratelimit"
	"rddsd/server/listen"
	"rddsd/server/lookup"
	"rddsd/server/rdap/rdapcheck"
	"rddsd/server/tally"
)

// TestMain fails when a test leaves a goroutine behind. fasthttp's clock runs
// for the life of the process.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"))
}

// rig is a Server on loopback.
type rig struct {
	*Server
	plain, tls string // where it listens; tls is "" without a certificate
	toTLS      string // where it redirects
	log        *bytes.Buffer
	stop       func() // ends the server and waits for it
}

// patience is how long a test waits for what must happen.
const patience = time.Minute

// newRig starts a server over view. change may set its fields before.
func newRig(t testing.TB, view *cache.View, change func(*Server)) *rig {
	t.Helper()
	data := new(cache.Cache)
	if view != nil {
		data.Publish(view)
	}
	var log bytes.Buffer
	r := &rig{log: &log, Server: &Server{
		Cache:   data,
		Finder:  lookup.NewFinder(lookup.NewPolicies(nil, testPolicy)),
		Limiter: ratelimit.New(ratelimit.Config{Mode: ratelimit.Off}, time.Now()),
		Tally:   new(tally.Tally),
		Caps:    listen.NewCaps(listen.Limits{}),
		Log:     slog.New(slog.NewTextHandler(&log, nil)),

		LingerTimeout:  200 * time.Millisecond,
		ReadTimeout:    patience,
		DrainTimeout:   patience,
		ArrivalTimeout: 20 * time.Millisecond,
	}}
	if change != nil {
		change(r.Server)
	}
	var on Listeners
	open := func() net.Listener {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	on.Plain = append(on.Plain, open())
	r.plain = on.Plain[0].Addr().String()
	on.Redirect = append(on.Redirect, open())
	r.toTLS = on.Redirect[0].Addr().String()
	if len(r.Certificates) > 0 {
		on.TLS = append(on.TLS, open())
		r.tls = on.TLS[0].Addr().String()
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- r.Serve(ctx, on) }()
	r.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Serve: %v", err)
		}
		http.DefaultClient.CloseIdleConnections()
	})
	t.Cleanup(r.stop)
	return r
}

// dial connects to the plain listener.
func (r *rig) dial(t testing.TB) net.Conn {
	t.Helper()
	return r.dialTo(t, r.plain)
}

// dialTo connects to a listener.
func (r *rig) dialTo(t testing.TB, address string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return c
}

// over begins TLS over c.
func over(t *testing.T, c net.Conn) net.Conn {
	t.Helper()
	encrypted := tls.Client(c, &tls.Config{InsecureSkipVerify: true})
	if err := encrypted.Handshake(); err != nil {
		t.Fatal(err)
	}
	return encrypted
}

// received is an answer as it came.
type received struct {
	*http.Response
	body []byte
}

// readResponse reads the answer to a request with method.
func readResponse(t testing.TB, from *bufio.Reader, method string) received {
	t.Helper()
	res, err := http.ReadResponse(from, &http.Request{Method: method})
	if err != nil {
		t.Fatalf("read the answer: %v", err)
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatalf("read the body: %v", err)
	}
	return received{res, body}
}

// exchange sends raw and reads one answer.
func (r *rig) exchange(t testing.TB, raw string) received {
	t.Helper()
	c := r.dial(t)
	if _, err := io.WriteString(c, raw); err != nil {
		t.Fatal(err)
	}
	method, _, _ := strings.Cut(raw, " ")
	return readResponse(t, bufio.NewReader(c), method)
}

func (r *rig) get(t testing.TB, target string) received {
	t.Helper()
	return r.exchange(t, "GET "+target+" HTTP/1.1\r\nHost: rdap.nic.coop\r\n\r\n")
}

// checkHead checks what every answer with a body has (rdap.md §1.3).
func (res received) checkHead(t *testing.T) {
	t.Helper()
	for name, want := range map[string]string{
		"Content-Type":                mediaType,
		"Access-Control-Allow-Origin": "*",
		"X-Content-Type-Options":      "nosniff",
	} {
		if got := res.Header.Values(name); len(got) != 1 || got[0] != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	cached := "no-store"
	if res.StatusCode == http.StatusOK {
		cached = "max-age=60"
	}
	if tagged := res.Header.Get("ETag") != ""; tagged != (res.StatusCode == http.StatusOK) {
		t.Errorf("status %d has the tag %q", res.StatusCode, res.Header.Get("ETag"))
	}
	if got := res.Header.Get("Cache-Control"); got != cached {
		t.Errorf("Cache-Control is %q, want %q", got, cached)
	}
	if res.Header.Get("Server") != "" || res.Header.Get("Access-Control-Allow-Credentials") != "" {
		t.Errorf("head has what it should not: %v", res.Header)
	}
	if res.ContentLength < 0 || res.TransferEncoding != nil {
		t.Errorf("Content-Length is %d, Transfer-Encoding %v", res.ContentLength, res.TransferEncoding)
	}
}

// check checks head and body. asked is the URL that the body must repeat, below
// the base URL.
func (res received) check(t *testing.T, asked string) {
	t.Helper()
	res.checkHead(t)
	_, faults := checkResponse(rdapcheck.Response{URL: testBase + asked, Status: res.StatusCode, Header: res.Header, Body: res.body})
	for _, fault := range faults {
		t.Error(fault)
	}
}

// counted returns how often each class was counted.
func (r *rig) counted() map[lookup.Class]uint64 {
	counts := map[lookup.Class]uint64{}
	for c := range r.Tally.Totals() {
		if c.Service == tally.RDAP {
			counts[c.Class] += c.N
		}
	}
	return counts
}

// until waits for what another goroutine is about to do.
func until(t *testing.T, done func() bool) {
	t.Helper()
	tick, late := time.NewTicker(time.Millisecond), time.After(patience)
	defer tick.Stop()
	for !done() {
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("it did not happen within %v", patience)
		}
	}
}

// turning returns how many connections are in the middle of a request.
func (r *rig) turning() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	for c := range r.conns {
		n += int(c.turns.Load() % 2)
	}
	return n
}
