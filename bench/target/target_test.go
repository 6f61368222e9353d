package target

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rddsd/cache/feed/sqlite"
	"rddsd/cache/registry/synthetic"
)

// TestMain lets the test's own program be the servers that the tests start.
func TestMain(m *testing.M) {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	switch {
	case len(os.Args) == 5 && os.Args[1] == "reference":
		if err := Reference(ctx, os.Args[2], os.Args[4], os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	case len(os.Args) == 2 && os.Args[1] == "burn":
		burn(ctx)
	case len(os.Args) == 2 && os.Args[1] == "stubborn":
		signal.Ignore(syscall.SIGTERM)
		fmt.Println("ready")
		select {}
	default:
		os.Exit(m.Run())
	}
}

func newStarter(t *testing.T) *Starter {
	t.Helper()
	s := &Starter{Program: os.Args[0]}
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func start(t *testing.T, s *Starter, name string) *Server {
	t.Helper()
	server, err := s.Start(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return server
}

func TestWHOISReferencesAnswer(t *testing.T) {
	s := newStarter(t)
	for _, name := range append(ReferenceNames(), cEpoll) {
		if referenceServices[name] != WHOIS {
			continue
		}
		t.Run(name, func(t *testing.T) {
			if name == cEpoll {
				needs(t, "gcc")
			}
			server := start(t, s, name)
			want := len(whoisAnswer)
			if o, ok := rawVariants[name]; ok && o.size > 0 {
				want = o.size
			}
			for _, query := range [][]string{{"example.coop\r\n"}, {"example", ".coop\r\n"}, {strings.Repeat("a", 300) + "\n"}} {
				if name == "accept-loop" && len(query) > 1 {
					continue // it does not care
				}
				for range 3 {
					if answer := ask(t, server.Address, query...); len(answer) != want {
						t.Fatalf("asked %q in %d parts, it sends %d bytes, want %d", query, len(query), len(answer), want)
					}
				}
			}
			// Who goes away without a query, or without reading, stops nobody else.
			for _, query := range []string{"", "half a li", "example.coop\r\n"} {
				conn := dial(t, server.Address)
				_, _ = io.WriteString(conn, query)
				conn.Close()
			}
			ask(t, server.Address, "example.coop\r\n")
			if err := s.Ended(); err != nil {
				t.Error(err)
			}
		})
	}
}

func dial(t *testing.T, address string) net.Conn {
	t.Helper()
	conn, err := net.DialTimeout("tcp", address, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	return conn
}

// ask sends a query, in parts that arrive apart, and returns the whole answer.
func ask(t *testing.T, address string, parts ...string) string {
	t.Helper()
	conn := dial(t, address)
	defer conn.Close()
	for i, part := range parts {
		if i > 0 {
			time.Sleep(20 * time.Millisecond) // most likely, the server then has to read twice
		}
		if _, err := io.WriteString(conn, part); err != nil {
			t.Fatal(err)
		}
	}
	answer, err := io.ReadAll(conn)
	if err != nil {
		t.Fatalf("read the answer to %q: %v", parts, err)
	}
	return string(answer)
}

// TestRDAPReferencesAnswer holds what the references send against what rddsd
// sends: the same header fields, but for those that hold a length or a moment.
func TestRDAPReferencesAnswer(t *testing.T) {
	g, err := synthetic.New(synthetic.Params{Names: 100, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	s := newStarter(t)
	s.Rddsd = RddsdOptions{Registry: newRegistry(t, g), Mode: "enforce"}
	real := map[Service]http.Header{}
	for name, service := range rddsdServices {
		server := start(t, s, name)
		if service == WHOIS {
			if answer := ask(t, server.Address, "example.coop\r\n"); !strings.HasPrefix(answer, "Domain Name: example.coop\r\n") {
				t.Errorf("%s answers\n%s", name, answer)
			}
			continue
		}
		real[service], _ = get(t, server)
	}
	for name, service := range referenceServices {
		t.Run(name, func(t *testing.T) {
			server := start(t, s, name)
			if server.Service != service {
				t.Errorf("its service is %s, want %s", server.Service, service)
			}
			header, body := get(t, server)
			if diff := cmp.Diff(real[service], header); diff != "" {
				t.Errorf("header (-rddsd +reference):\n%s", diff)
			}
			if body != string(rdapAnswer) {
				t.Errorf("the body is %q", body)
			}
		})
	}
	for name := range nginxVariants {
		t.Run(name, func(t *testing.T) {
			needs(t, "nginx")
			server := start(t, s, name)
			header, body := get(t, server)
			if body != string(rdapAnswer) {
				t.Errorf("the body is %q", body)
			}
			for field, values := range real[server.Service] {
				if diff := cmp.Diff(values, header[field]); diff != "" {
					t.Errorf("header field %s (-rddsd +nginx):\n%s", field, diff)
				}
			}
			// Its master does not answer: who does must be found.
			if pids, err := family(server.Process.PID); err != nil || len(pids) < 2 {
				t.Errorf("its processes are %v, %v", pids, err)
			}
			if usage, err := server.Process.Usage(); err != nil || usage.CPU == 0 || usage.RSS < 2<<20 {
				t.Errorf("usage is %+v, %v", usage, err)
			}
		})
	}
}

// get asks for a domain and returns the answer's header, without what differs
// from answer to answer, and its body.
func get(t *testing.T, server *Server) (http.Header, string) {
	t.Helper()
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS13}, DisableCompression: true}
	defer transport.CloseIdleConnections()
	client := http.Client{Transport: transport, Timeout: 10 * time.Second}
	var (
		header http.Header
		body   []byte
	)
	for range 2 { // the second time on the same connection
		response, err := client.Get(server.Service.String() + "://" + server.Address + server.Base + "domain/example.coop")
		if err != nil {
			t.Fatal(err)
		}
		body, err = io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil || response.StatusCode != http.StatusOK {
			t.Fatalf("%s answers %s, %v", server.Name, response.Status, err)
		}
		if response.ContentLength != int64(len(body)) {
			t.Errorf("%s: Content-Length is %d, the body has %d bytes", server.Name, response.ContentLength, len(body))
		}
		header = response.Header
	}
	header.Del("Date")
	header.Del("Content-Length")
	if tag := header.Get("ETag"); tag != "" {
		header.Set("ETag", fmt.Sprintf("%d bytes", len(tag)))
	}
	// rddsd sends it where it compresses, a reference always.
	header.Del("Vary")
	return header, string(body)
}

func newRegistry(t *testing.T, g *synthetic.Registry) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "registry.sqlite")
	if err := sqlite.Generate(t.Context(), path, false, g); err != nil {
		t.Fatal(err)
	}
	return path
}

// needs skips the test where program is missing, but fails in the gate, where
// nothing may be skipped.
func needs(t *testing.T, program string) {
	t.Helper()
	if _, err := exec.LookPath(program); err == nil {
		return
	}
	if _, err := exec.LookPath("/usr/sbin/" + program); err == nil {
		return
	}
	if os.Getenv("CI") != "" {
		t.Fatalf("%s is missing; .ci/run install installs it", program)
	}
	t.Skipf("%s is not installed", program)
}

// burn uses processor time in threads that end, tells how much it has used, and
// waits.
func burn(ctx context.Context) {
	for range 3 {
		done := make(chan struct{})
		go func() {
			runtime.LockOSThread() // without unlocking, so that the thread ends
			defer close(done)
			for begun := time.Now(); time.Since(begun) < 60*time.Millisecond; {
			}
		}()
		<-done
	}
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(time.Duration(used.Utime.Nano() + used.Stime.Nano()))
	<-ctx.Done()
}

func TestUsageCountsThreadsThatEnded(t *testing.T) {
	s := newStarter(t)
	p, err := s.start("burn", exec.Command(os.Args[0], "burn"))
	if err != nil {
		t.Fatal(err)
	}
	var line string
	if err := p.await(t.Context(), readyTimeout, func(context.Context) error {
		var whole bool
		if line, whole = p.out.line(); !whole {
			return io.ErrNoProgress
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	want, err := time.ParseDuration(line)
	if err != nil {
		t.Fatal(err)
	}
	usage, err := p.Usage()
	if err != nil {
		t.Fatal(err)
	}
	// It has printed and gone to sleep since, and times are to some ticks.
	if usage.CPU < want-10*time.Millisecond || usage.CPU > want+30*time.Millisecond {
		t.Errorf("it says that it has used %v, Usage says %v", want, usage.CPU)
	}
	living, err := threadTime(p.PID)
	if err != nil {
		t.Fatal(err)
	}
	if living > usage.CPU/2 {
		t.Errorf("its living threads have used %v of %v: no thread has ended, and this test shows nothing", living, usage.CPU)
	}
	ticks, err := statTime(p.PID)
	if err != nil || ticks < usage.CPU-2*clockTick || ticks > usage.CPU+2*clockTick {
		t.Errorf("/proc says %v, %v; Usage says %v", ticks, err, usage.CPU)
	}
	if usage.RSS < 1<<20 {
		t.Errorf("its resident memory is %d bytes", usage.RSS)
	}
}

func TestServersThatEndAreTold(t *testing.T) {
	s := newStarter(t)
	server := start(t, s, "null")
	if err := s.Ended(); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(server.Process.PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-server.Process.ended
	if err := s.Ended(); err == nil || !strings.Contains(err.Error(), "null") || !strings.Contains(err.Error(), "signal: killed") {
		t.Errorf("Ended() = %v, want that null was killed", err)
	}
	if _, err := server.Process.Usage(); err == nil {
		t.Error("the usage of a process that is gone was read")
	}
}

func TestStopKillsWhoDoesNotListen(t *testing.T) {
	p, err := startProcess("stubborn", exec.Command(os.Args[0], "stubborn"))
	if err != nil {
		t.Fatal(err)
	}
	if err := p.await(t.Context(), readyTimeout, func(context.Context) error {
		if _, whole := p.out.line(); !whole {
			return io.ErrNoProgress
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if err := p.stop(50 * time.Millisecond); err == nil || !strings.Contains(err.Error(), "was killed") {
		t.Errorf("stop() = %v, want that it was killed", err)
	}
	if err := p.stop(0); err != nil {
		t.Errorf("the second stop() = %v", err)
	}
}

func TestWaitingForAServerEnds(t *testing.T) {
	s := newStarter(t)
	p, err := s.start("burn", exec.Command(os.Args[0], "burn"))
	if err != nil {
		t.Fatal(err)
	}
	never := func(context.Context) error { return io.ErrNoProgress }
	if err := p.await(t.Context(), 20*time.Millisecond, never); !errors.Is(err, io.ErrNoProgress) || !strings.Contains(err.Error(), "was not ready within 20ms") {
		t.Errorf("await() = %v, want why it was not ready in time", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := p.await(ctx, time.Hour, never); !errors.Is(err, context.Canceled) {
		t.Errorf("await() = %v, want that it was interrupted", err)
	}
	registry := filepath.Join(t.TempDir(), "registry.sqlite")
	if err := os.WriteFile(registry, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(registry, 100*loadRate); err != nil {
		t.Fatal(err)
	}
	if got, want := readyWithin(registry), readyTimeout+100*time.Second; got != want {
		t.Errorf("rddsd has %v to load a registry of %d bytes, want %v", got, 100*loadRate, want)
	}
}

func TestServersThatCannotStart(t *testing.T) {
	for _, c := range []struct{ name, want string }{
		{"nul", "there is no server \"nul\""},
		{"rddsd-whois", "no registry to follow"},
		{"other=127.0.0.1", "want NAME=ADDRESS,PID"},
		{"other=127.0.0.1:43,abc", "\"abc\" is not the number of a process"},
		{"other=127.0.0.1:43,999999999", "999999999"},
		{"other=ftp://127.0.0.1:43,1", "begins with ftp://"},
		{"=127.0.0.1:43", "want NAME=ADDRESS,PID"},
	} {
		if _, err := newStarter(t).Start(t.Context(), c.name); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("Start(%q): %v, want an error that holds %q", c.name, err, c.want)
		}
	}
	s := &Starter{Program: filepath.Join(t.TempDir(), "missing")}
	if _, err := s.Start(t.Context(), "null"); err == nil || !strings.Contains(err.Error(), "start null") {
		t.Errorf("a reference whose program is missing: %v", err)
	}
}

func TestOtherServers(t *testing.T) {
	for _, c := range []struct {
		name string
		want Server
	}{
		{"a=127.0.0.1:43", Server{Name: "a", Address: "127.0.0.1:43", Base: "/"}},
		{"a=whois://[::1]:43", Server{Name: "a", Address: "[::1]:43", Base: "/"}},
		{"a=127.0.0.1:43,,constant", Server{}},
		{"a=http://127.0.0.1:80", Server{Name: "a", Service: HTTP, Address: "127.0.0.1:80", Base: "/"}},
		{"a=https://127.0.0.1:80/rdap", Server{Name: "a", Service: HTTPS, Address: "127.0.0.1:80", Base: "/rdap/"}},
		{"a=https://127.0.0.1:80/x/y/", Server{Name: "a", Service: HTTPS, Address: "127.0.0.1:80", Base: "/x/y/"}},
	} {
		got, err := newStarter(t).Start(t.Context(), c.name)
		if c.want.Name == "" {
			if err == nil {
				t.Errorf("Start(%q) is %+v", c.name, got)
			}
			continue
		}
		if err != nil || *got != c.want {
			t.Errorf("Start(%q) = %+v, %v, want %+v", c.name, got, err, c.want)
		}
	}
	got, err := newStarter(t).Start(t.Context(), fmt.Sprintf("me=127.0.0.1:43,%d,constant", os.Getpid()))
	if err != nil {
		t.Fatal(err)
	}
	if usage, err := got.Process.Usage(); err != nil || usage.CPU == 0 || !got.Constant {
		t.Errorf("this process uses %+v, %v; the server is %+v", usage, err, got)
	}
	if err := got.Process.Stop(); err != nil {
		t.Error(err) // and this process lives
	}
}
