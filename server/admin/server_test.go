package admin

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"rddsd/cache"
	"rddsd/cache/cachetest"
	"rddsd/cache/feed"
	"rddsd/cache/registry"
	"rddsd/ratelimit"
	"rddsd/server/tally"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		// What fasthttp leaves: its one clock, for good, and for ten seconds after
		// Serve a sleeper of its pool.
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"),
	)
}

// page is a log that may be read while it is written.
type page struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (p *page) Write(line []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.Write(line)
}

func (p *page) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.String()
}

// running is a Server on real sockets.
type running struct {
	*Server
	url    string
	socket string
	logged *page
	stop   func() error // ends Serve and returns what it returned
}

// started starts a Server that has data, with what change changes about it.
func started(t *testing.T, change func(s *Server)) *running {
	t.Helper()
	logged := new(page)
	log := slog.New(slog.NewTextHandler(logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
	created := registry.TimeOf(time.Date(2002, time.January, 30, 14, 0, 0, 0, time.UTC))
	served := new(cache.Cache)
	served.Publish(cachetest.Build(
		&registry.TLD{Name: "coop", ContactModel: registry.ModelMinimum},
		&registry.Registrar{ClID: "example", Name: "Example Registrar Limited", Status: "ok"},
		&registry.Nameserver{ROID: "H1-COOP", Name: "ns1.example.coop", Registrar: "example", V4: []string{"192.0.2.1"}, Created: created},
		&registry.Domain{Name: "example.coop", ROID: "D1-COOP", Registrar: "example", Hosts: []string{"H1-COOP"}, Created: created, Expires: created + 1},
		&registry.Domain{Name: "other.coop", ROID: "D2-COOP", Registrar: "example", Created: created, Expires: created + 1},
	))
	s := &Server{
		Version: "1.2.3", Kind: "sqlite", Cache: served, Tally: new(tally.Tally), Limiter: ratelimit.New(ratelimit.Config{}, time.Now()), Log: log,
		Feed: func() feed.Status {
			return feed.Status{Ready: true, Connected: true, Position: cachetest.Start, AsOf: cachetest.AsOf, Age: 1500 * time.Millisecond}
		},
		Reload: func(context.Context) error { return nil },
		Decide: func(bool, string) error { return feed.ErrNothingHeld },
	}
	if change != nil {
		change(s)
	}
	r := &running{Server: s, socket: filepath.Join(t.TempDir(), "admin.sock"), logged: logged}
	socket, err := OpenSocket(r.socket, log)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r.url = "http://" + l.Addr().String()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, socket, l) }()
	r.stop = sync.OnceValue(func() error {
		cancel()
		return <-ended
	})
	t.Cleanup(func() {
		if err := r.stop(); err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	return r
}

// do sends one request to the TCP side.
func (r *running) do(t *testing.T, method, path string) (code int, body string) {
	t.Helper()
	transport := new(http.Transport)
	defer transport.CloseIdleConnections()
	request, err := http.NewRequestWithContext(t.Context(), method, r.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := transport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

func TestReadiness(t *testing.T) {
	for name, tt := range map[string]struct {
		feed  feed.Status
		drain bool
		code  int
		body  string
	}{
		"without data":               {feed.Status{}, false, 503, "no data\n"},
		"connected without data":     {feed.Status{Connected: true}, false, 503, "no data\n"},
		"with data":                  {feed.Status{Ready: true, Connected: true}, false, 200, "ready\n"},
		"with data, registry down":   {feed.Status{Ready: true}, false, 200, "ready\n"},
		"with old data":              {feed.Status{Ready: true, Degraded: true}, false, 200, "degraded\n"},
		"at the end":                 {feed.Status{Ready: true}, true, 503, "draining\n"},
		"at the end with no data":    {feed.Status{}, true, 503, "draining\n"},
		"with data, something held":  {feed.Status{Ready: true, Held: new(feed.Held)}, false, 200, "ready\n"},
		"with data, disk unwritable": {feed.Status{Ready: true, DiskError: "no space"}, false, 200, "ready\n"},
	} {
		t.Run(name, func(t *testing.T) {
			r := started(t, func(s *Server) { s.Feed = func() feed.Status { return tt.feed } })
			if tt.drain {
				r.Drain()
			}
			if code, body := r.do(t, "GET", "/readyz"); code != tt.code || body != tt.body {
				t.Errorf("GET /readyz: %d %q, want %d %q", code, body, tt.code, tt.body)
			}
			if code, body := r.do(t, "GET", "/healthz"); code != 200 || body != "ok\n" {
				t.Errorf("GET /healthz: %d %q, want it to be alive", code, body)
			}
		})
	}
}

func TestTCPChangesNothing(t *testing.T) {
	r := started(t, func(s *Server) {
		s.Reload = func(context.Context) error { t.Error("reloaded through TCP"); return nil }
		s.Decide = func(bool, string) error { t.Error("decided through TCP"); return nil }
	})
	for _, tt := range []struct {
		method, path string
		code         int
	}{
		{"POST", "/reload", 405},
		{"GET", "/reload", 404},
		{"POST", "/accept", 405},
		{"GET", "/accept", 404},
		{"DELETE", "/status", 405},
		{"POST", "/debug/pprof/profile", 405},
		{"GET", "/nothing", 404},
		{"GET", "/", 200},
		{"HEAD", "/metrics", 200},
		{"GET", "/debug/pprof/", 200},
		{"GET", "/debug/pprof/goroutine?debug=1", 200},
		{"GET", "/debug/pprof/heap", 200},
	} {
		if code, body := r.do(t, tt.method, tt.path); code != tt.code {
			t.Errorf("%s %s: %d, want %d\n%s", tt.method, tt.path, code, tt.code, body)
		}
	}
}

func TestStatusHasItsShape(t *testing.T) {
	r := started(t, func(s *Server) {
		s.Source = func() feed.SourceStatus {
			return feed.SourceStatus{Polls: 9, WakeUps: 8, Replica: true, HorizonLag: 7, Behind: 6, OpenSince: time.Date(2026, 11, 23, 1, 0, 0, 0, time.UTC)}
		}
		s.Feed = func() feed.Status {
			return feed.Status{
				Ready: true, Degraded: true, LastError: "open registry.sqlite: no such file or directory", LastFault: time.Date(2026, 11, 23, 3, 0, 0, 0, time.UTC),
				Position: cachetest.Start, AsOf: registry.TimeOf(time.Date(2026, 11, 23, 2, 15, 0, 0, time.UTC)), Age: 45*time.Minute + 500*time.Millisecond,
				Held:        &feed.Held{What: feed.HeldDelta, Since: time.Date(2026, 11, 23, 2, 15, 5, 0, time.UTC), Why: []string{"500 of 2000 names go"}},
				Resyncs:     map[feed.Reason]uint64{feed.ReasonStart: 1, feed.ReasonEpoch: 2},
				Quarantined: map[feed.RejectedRow]int{{Kind: registry.KindDomain, Reason: "no_tld"}: 3, {Kind: registry.KindContact, Reason: "bad_text"}: 1},
				DiskError:   "write snapshots: no space left on device",
				MemoryLimit: 1 << 30, MemoryError: "a snapshot does not fit",
			}
		}
	})
	want := &Status{
		Version: "1.2.3", Ready: true, Degraded: true,
		Registry: RegistryStatus{
			Kind: "sqlite", ID: cachetest.Start.Registry, Epoch: cachetest.Start.Epoch, Position: 1, AsOf: "2026-11-23T02:15:00Z", AgeSeconds: 2700.5, Resyncs: 3,
			LastError: "open registry.sqlite: no such file or directory", LastFault: "2026-11-23T03:00:00Z",
			ResyncsBy: map[feed.Reason]uint64{feed.ReasonStart: 1, feed.ReasonEpoch: 2},
			Reading:   &Reading{Polls: 9, WakeUps: 8, Replica: true, HorizonLag: 7, RowsBehind: 6, OpenSince: "2026-11-23T01:00:00Z"},
		},
		Objects:  ObjectCounts{Domains: 2, Hosts: 1, Contacts: 0, Registrars: 1},
		Held:     &Held{What: "delta", Since: "2026-11-23T02:15:05Z", Why: []string{"500 of 2000 names go"}},
		Rejected: []RejectedRows{{"contact", "bad_text", 1}, {"domain", "no_tld", 3}},
		Disk:     "write snapshots: no space left on device",
	}
	got, body, err := FetchStatus(t.Context(), r.url)
	if err != nil {
		t.Fatal(err)
	}
	if got.Memory < 1<<20 || got.Memory > 1<<40 {
		t.Errorf("memory is %d bytes", got.Memory)
	}
	want.Memory, want.Usage = got.Memory, got.Usage
	u := got.Usage
	if u == nil {
		t.Fatal("there is no usage")
	}
	sum := u.Indexes + u.Shared + u.Overlay
	for _, bytes := range u.Kinds {
		sum += bytes
	}
	if u.Total < 500 || sum != u.Total || u.PerName != float64(u.Total)/2 || u.Kinds["domain"] < 50 || u.Kinds["host"] < 50 || u.Limit != 1<<30 || u.Refused != "a snapshot does not fit" {
		t.Errorf("usage is %+v", u)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("status (-want +got):\n%s", diff)
	}
	for _, key := range []string{
		`"version": "1.2.3"`, `"ready": true`, `"degraded": true`, `"registry": {`, `"kind": "sqlite"`, `"epoch": "`, `"position": 1`, `"as_of": "2026-11-23T02:15:00Z"`,
		`"age_seconds": 2700.5`, `"resyncs": 3`, `"objects": {`, `"domains": 2`, `"hosts": 1`, `"contacts": 0`, `"registrars": 1`, `"memory": `, `"held": {`,
	} {
		if !bytes.Contains(body, []byte(key)) {
			t.Errorf("the body lacks %s:\n%s", key, body)
		}
	}
}

func TestStatusWithoutDataAndHold(t *testing.T) {
	r := started(t, func(s *Server) {
		s.Cache, s.Feed = new(cache.Cache), func() feed.Status { return feed.Status{LastError: "the registry is empty"} }
	})
	got, body, err := FetchStatus(t.Context(), r.url)
	if err != nil {
		t.Fatal(err)
	}
	if got.Ready || got.Registry.AsOf != "" || got.Objects != (ObjectCounts{}) || got.Registry.LastError != "the registry is empty" {
		t.Errorf("status is %+v", got)
	}
	if strings.Contains(string(body), `"held"`) {
		t.Errorf("nothing is held, and the body says:\n%s", body)
	}
}

func TestFetchStatusSaysWhatIsWrong(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone := "http://" + l.Addr().String()
	l.Close()
	if _, _, err := FetchStatus(t.Context(), gone); err == nil || !strings.Contains(err.Error(), gone) {
		t.Errorf("nobody there: %v, want an error with %s", err, gone)
	}
	r := started(t, nil)
	if _, _, err := FetchStatus(t.Context(), strings.TrimPrefix(r.url, "http://")); err != nil {
		t.Errorf("an address instead of a URL: %v", err)
	}
	if _, _, err := FetchStatus(t.Context(), r.url+"/metrics"); err == nil || !strings.Contains(err.Error(), "there is not rddsd") {
		t.Errorf("a page that is no status: %v", err)
	}
}

func TestServeEndsWhileAProfileRuns(t *testing.T) {
	r := started(t, nil)
	answered := make(chan error, 1)
	begun := make(chan struct{})
	go func() {
		conn, err := net.Dial("tcp", strings.TrimPrefix(r.url, "http://"))
		if err == nil {
			_, err = io.WriteString(conn, "GET /debug/pprof/profile?seconds=600 HTTP/1.1\r\nHost: localhost\r\n\r\n")
		}
		close(begun)
		if err == nil {
			_, _ = io.Copy(io.Discard, conn)
			conn.Close()
		}
		answered <- err
	}()
	<-begun
	begin := time.Now()
	if err := r.stop(); err != nil {
		t.Errorf("Serve: %v", err)
	}
	if took := time.Since(begin); took > 5*time.Minute { // the profile takes ten
		t.Errorf("Serve took %v to end", took)
	}
	if err := <-answered; err != nil {
		t.Error(err)
	}
}

func TestServeFailsWithItsListener(t *testing.T) {
	s := &Server{Log: slog.New(slog.DiscardHandler)}
	wrong := errors.New("the listener is broken")
	if err := s.Serve(t.Context(), nil, brokenListener{wrong}); !errors.Is(err, wrong) {
		t.Errorf("Serve = %v, want %v", err, wrong)
	}
}

// brokenListener fails every Accept.
type brokenListener struct{ err error }

func (l brokenListener) Accept() (net.Conn, error) { return nil, l.err }
func (l brokenListener) Close() error              { return nil }
func (l brokenListener) Addr() net.Addr            { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 9180} }
