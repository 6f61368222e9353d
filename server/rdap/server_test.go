package rdap

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"rddsd/cache"
	"rddsd/cache/cachetest"
	"rddsd/cache/registry"
	"rddsd/ratelimit"
	"rddsd/server/listen"
	"rddsd/server/lookup"
)

func TestSlowRequestTimesOut(t *testing.T) {
	r := newRig(t, cachetest.RDAP(), func(s *Server) { s.ReadTimeout = 150 * time.Millisecond })
	for _, sent := range []string{"", "GET /domain/exam", "GET /help HTTP/1.1\r\nHost: x\r\nX: "} {
		c := r.dial(t)
		if _, err := io.WriteString(c, sent); err != nil {
			t.Fatal(err)
		}
		res := readResponse(t, bufio.NewReader(c), "GET")
		if res.StatusCode != http.StatusRequestTimeout {
			t.Errorf("after %q: status %d, want 408", sent, res.StatusCode)
		}
		res.check(t, "")
	}
	if n := len(r.counted()); n != 0 {
		t.Errorf("requests that did not arrive were counted: %v", r.counted())
	}
}

// TestRefusalSurvivesUnreadInput: the connection of a client that goes on sending
// behind the answer is not reset, which would take the answer back on systems
// other than Linux.
func TestRefusalSurvivesUnreadInput(t *testing.T) {
	r := newRig(t, cachetest.RDAP(), nil)
	for range 20 {
		c := r.dial(t)
		raw := "POST /help HTTP/1.1\r\nHost: x\r\nContent-Length: 300000\r\n\r\n" + strings.Repeat("a", 300_000)
		if _, err := io.WriteString(c, raw); err != nil {
			t.Fatal(err)
		}
		from := bufio.NewReader(c)
		if res := readResponse(t, from, "POST"); res.StatusCode != http.StatusMethodNotAllowed {
			t.Fatalf("status %d, want 405", res.StatusCode)
		}
		if _, err := from.ReadByte(); err != io.EOF {
			t.Fatalf("the connection was not closed cleanly: %v", err)
		}
	}
}

func TestNoDataIsNotNotFound(t *testing.T) {
	view := cachetest.RDAP()
	for _, test := range []struct {
		name  string
		view  *cache.View
		class lookup.Class
	}{
		{"nothing loaded", nil, lookup.Error},
		{"too old for a miss", view.Refreshed(view.AsOf(), time.Time{}), lookup.Unknown},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := newRig(t, test.view, nil)
			res := r.get(t, "/domain/nosuchname.coop")
			if res.StatusCode != http.StatusServiceUnavailable || res.Header.Get("Retry-After") != "30" {
				t.Errorf("status %d, Retry-After %q", res.StatusCode, res.Header.Get("Retry-After"))
			}
			res.check(t, "domain/nosuchname.coop")
			if n := r.counted()[test.class]; n != 1 {
				t.Errorf("counted %v", r.counted())
			}
		})
	}
}

func TestLimit(t *testing.T) {
	r := newRig(t, cachetest.RDAP(), func(s *Server) {
		s.Limiter = ratelimit.New(ratelimit.Config{Rate: 0.01, Burst: 3}, time.Now())
	})
	for _, target := range []string{"/domain/example.coop", "/domain/%zz", "/help"} {
		if res := r.get(t, target); res.StatusCode == http.StatusTooManyRequests {
			t.Fatalf("%s was refused within the burst", target)
		}
	}
	for _, target := range []string{"/domain/example.coop", "/domain/%25zz", "/nothing"} {
		res := r.get(t, target)
		if res.StatusCode != http.StatusTooManyRequests {
			t.Errorf("%s: status %d, want 429", target, res.StatusCode)
		}
		res.check(t, target[1:])
		after, err := strconv.Atoi(res.Header.Get("Retry-After"))
		if err != nil || after < 90 || after > 100 {
			t.Errorf("%s: Retry-After is %q, want about 100", target, res.Header.Get("Retry-After"))
		}
		if got, want := res.Header.Get("RateLimit"), fmt.Sprintf(`"second";r=0;t=%d`, after); got != want {
			t.Errorf("%s: RateLimit is %q, want %q", target, got, want)
		}
		if got := res.Header.Get("RateLimit-Policy"); got != `"second";q=3;w=300` {
			t.Errorf("%s: RateLimit-Policy is %q", target, got)
		}
		if got := res.Header.Get("Access-Control-Expose-Headers"); got != "ETag, RateLimit, RateLimit-Policy, Retry-After" {
			t.Errorf("scripts cannot read Retry-After: %q", got)
		}
	}
	if n := r.counted()[lookup.Limited]; n != 3 {
		t.Errorf("counted %v", r.counted())
	}
}

// TestDeniedNetwork: no waiting helps whom the operator's list denies.
func TestDeniedNetwork(t *testing.T) {
	list, err := ratelimit.ReadNetworks(strings.NewReader("127.0.0.0/8 deny\n"), "networks")
	if err != nil {
		t.Fatal(err)
	}
	r := newRig(t, cachetest.RDAP(), func(s *Server) {
		s.Limiter = ratelimit.New(ratelimit.Config{}, time.Now())
		s.Limiter.SetNetworks(list)
	})
	for _, target := range []string{"/domain/example.coop", "/domain/%25zz", "/nothing"} {
		res := r.get(t, target)
		res.check(t, target[1:])
		if res.StatusCode != http.StatusForbidden || res.Header.Get("Retry-After") != "" {
			t.Errorf("%s: status %d, Retry-After %q", target, res.StatusCode, res.Header.Get("Retry-After"))
		}
	}
	if n := r.counted()[lookup.Limited]; n != 3 {
		t.Errorf("counted %v", r.counted())
	}
}

func TestRetryAfterIsRoundedUp(t *testing.T) {
	for wait, want := range map[time.Duration]int64{1: 1, time.Second: 1, time.Second + 1: 2, 199 * time.Millisecond: 1} {
		if got := seconds(wait); got != want {
			t.Errorf("seconds(%v) = %d, want %d", wait, got, want)
		}
	}
}

// Who is on the operator's list may have as many connections as there is room for.
func TestListedClientsAreNotCrowded(t *testing.T) {
	for role, want := range map[string]int{"probe": http.StatusOK, "registrar": http.StatusOK, "deny": http.StatusTooManyRequests} {
		t.Run(role, func(t *testing.T) {
			list, err := ratelimit.ReadNetworks(strings.NewReader("127.0.0.0/8 "+role+"\n"), "networks")
			if err != nil {
				t.Fatal(err)
			}
			r := newRig(t, cachetest.RDAP(), func(s *Server) {
				s.Caps = listen.NewCaps(listen.Limits{PerClient: 1, Total: 100})
				s.RefuseTimeout = patience
				s.Limiter.SetNetworks(list)
			})
			r.dial(t)
			until(t, func() bool { return r.Caps.Open() == 1 })
			second := r.dial(t)
			if _, err := io.WriteString(second, "GET /help HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
				t.Fatal(err)
			}
			if got := readResponse(t, bufio.NewReader(second), "GET").StatusCode; got != want {
				t.Errorf("a second connection: status %d, want %d", got, want)
			}
		})
	}
}

func TestConnectionCaps(t *testing.T) {
	r := newRig(t, cachetest.RDAP(), func(s *Server) {
		s.Caps = listen.NewCaps(listen.Limits{PerClient: 1, Total: 2})
		s.RefuseTimeout = patience
	})
	const request = "GET /help HTTP/1.1\r\nHost: x\r\n\r\n"
	first := r.dial(t)
	if _, err := io.WriteString(first, request); err != nil {
		t.Fatal(err)
	}
	readResponse(t, bufio.NewReader(first), "GET").check(t, "help")

	crowded := r.dial(t)
	if _, err := io.WriteString(crowded, request); err != nil {
		t.Fatal(err)
	}
	from := bufio.NewReader(crowded)
	res := readResponse(t, from, "GET")
	if res.StatusCode != http.StatusTooManyRequests || !res.Close || res.Header.Get("Retry-After") != "1" {
		t.Errorf("the second connection: status %d, close %v, Retry-After %q", res.StatusCode, res.Close, res.Header.Get("Retry-After"))
	}
	if _, err := from.ReadByte(); err != io.EOF {
		t.Errorf("the second connection stays: %v", err)
	}
	if n := r.counted()[lookup.Limited]; n != 1 {
		t.Errorf("counted %v", r.counted())
	}
}

// Who has too many connections and asks nothing over the last of them is not waited
// for as long as others.
func TestSilentConnectionTooManyIsClosedSoon(t *testing.T) {
	r := newRig(t, cachetest.RDAP(), func(s *Server) {
		s.Caps = listen.NewCaps(listen.Limits{PerClient: 1, Total: 2})
		s.ReadTimeout, s.RefuseTimeout = 10*patience, 50*time.Millisecond
	})
	r.dial(t)
	until(t, func() bool { return r.Caps.Open() == 1 })
	if res := readResponse(t, bufio.NewReader(r.dial(t)), "GET"); res.StatusCode != http.StatusRequestTimeout {
		t.Errorf("status %d, want 408", res.StatusCode)
	}
}

func TestFullServerClosesAtOnce(t *testing.T) {
	r := newRig(t, cachetest.RDAP(), func(s *Server) { s.Caps = listen.NewCaps(listen.Limits{Total: 1}) })
	first := r.dial(t)
	if _, err := io.WriteString(first, "GET /help HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	readResponse(t, bufio.NewReader(first), "GET").check(t, "help")
	if n, err := r.dial(t).Read(make([]byte, 1)); n != 0 || err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a connection too many: read %d bytes, %v", n, err)
	}
	first.Close()
	until(t, func() bool { return r.Caps.Open() == 0 })
	r.get(t, "/help").check(t, "help")
	if got := r.Counts(); got.Refused != 1 || got.Connections != 3 {
		t.Errorf("counts are %+v", got)
	}
}

// odd is a registry with a name that cannot be shown.
func odd() *cache.View {
	return cachetest.Build(
		&registry.TLD{Name: "coop"}, &registry.Registrar{ClID: "r", Name: "R", IANA: 1},
		&registry.Domain{Name: "odd.coop", ROID: "D1-CNIC", Registrar: "r", Created: 1, Expires: 1, Statuses: 1 << 31}, // no status has this bit
	)
}

// TestPanicIsAnError: a fault of ours is one error, and the server goes on.
func TestPanicIsAnError(t *testing.T) {
	r := newRig(t, odd(), nil)
	for range 3 {
		res := r.get(t, "/domain/odd.coop")
		if res.StatusCode != http.StatusInternalServerError {
			t.Errorf("status %d, want 500", res.StatusCode)
		}
		res.check(t, "")
	}
	if got := r.Counts().Panics; got != 3 {
		t.Errorf("%d panics counted, want 3", got)
	}
	if n := r.counted()[lookup.Error]; n != 3 {
		t.Errorf("counted %v", r.counted())
	}
	r.stop()
	log := r.log.String()
	if strings.Count(log, "a fault of ours") != 1 || !strings.Contains(log, "respond.go") {
		t.Errorf("the log should tell one fault and where it was: %s", log)
	}
	if strings.Contains(log, "127.0.0.1") || strings.Contains(log, "odd.coop") {
		t.Errorf("the log tells who asked for what: %s", log)
	}
}

// TestPanicIsCountedOnce: a fault on the way to a body is counted as one, not as
// what was found as well.
func TestPanicIsCountedOnce(t *testing.T) {
	r := newRig(t, odd(), nil)
	if res := r.get(t, "/domain/odd.coop"); res.StatusCode != http.StatusInternalServerError {
		t.Errorf("status %d, want 500", res.StatusCode)
	}
	if got := r.counted(); len(got) != 1 || got[lookup.Error] != 1 {
		t.Errorf("counted %v", got)
	}
}

func TestBasePath(t *testing.T) {
	r := newRig(t, cachetest.RDAP(), func(s *Server) {
		s.Finder = lookup.NewFinder(lookup.NewPolicies(nil, func(tld string) lookup.Policy {
			p := testPolicy(tld)
			p.BaseURL = testBase + "rdap/"
			return p
		}))
	})
	res := r.get(t, "/rdap/domain/example.coop")
	if res.StatusCode != http.StatusOK {
		t.Errorf("status %d", res.StatusCode)
	}
	res.check(t, "rdap/domain/example.coop")
	for _, target := range []string{"/domain/example.coop", "/rdap", "/"} {
		res := r.get(t, target)
		if res.StatusCode != http.StatusNotFound {
			t.Errorf("%s: status %d, want 404", target, res.StatusCode)
		}
		res.check(t, "rdap/")
	}
}

// TestSeveralBases: each answer repeats the URL that was asked for, and names
// objects by the base URL of their TLD.
func TestSeveralBases(t *testing.T) {
	base := map[string]string{"coop": "https://rdap.nic.coop/", "coop.example": "https://rdap.nic.example/v1/"}
	r := newRig(t, cachetest.RDAP(), func(s *Server) {
		s.Finder = lookup.NewFinder(lookup.NewPolicies(nil, func(tld string) lookup.Policy {
			p := testPolicy(tld)
			p.BaseURL = base[tld]
			return p
		}))
	})
	for _, test := range []struct {
		target, asked, self string
		status              int
	}{
		{"/domain/example.coop", base["coop"], base["coop"] + "domain/example.coop", 200},
		{"/v1/domain/minimum.coop.example", base["coop.example"], base["coop.example"] + "domain/minimum.coop.example", 200},
		{"/v1/domain/example.coop", base["coop.example"], base["coop"] + "domain/example.coop", 200},
		{"/domain/minimum.coop.example", base["coop"], base["coop.example"] + "domain/minimum.coop.example", 200},
		{"/v1/entity/900001", base["coop.example"], base["coop.example"] + "entity/900001", 200},
		{"/entity/900001", base["coop"], base["coop"] + "entity/900001", 200},
		{"/v1/help", base["coop.example"], "", 200},
		{"/v1/domain/", base["coop.example"], "", 400},
		{"/v2/help/me", base["coop"], "", 404},
	} {
		res := r.get(t, test.target)
		if res.StatusCode != test.status {
			t.Errorf("%s: status %d, want %d", test.target, res.StatusCode, test.status)
		}
		below := strings.TrimPrefix(strings.TrimPrefix(test.target, "/"), "v1/")
		for _, fault := range check(res.body, res.StatusCode, test.asked+below) {
			t.Errorf("%s: %s", test.target, fault)
		}
		if self := `"rel":"self","href":"` + test.self + `"`; test.self != "" && !strings.Contains(string(res.body), self) {
			t.Errorf("%s: no link %s in %s", test.target, self, res.body)
		}
	}
}

func TestDrain(t *testing.T) {
	r := newRig(t, cachetest.RDAP(), nil)
	const request = "GET /help HTTP/1.1\r\nHost: x\r\n\r\n"
	idle, half := r.dial(t), r.dial(t)
	if _, err := io.WriteString(idle, request); err != nil {
		t.Fatal(err)
	}
	from := bufio.NewReader(idle)
	readResponse(t, from, "GET").check(t, "help")
	// half a request: the answer must still come
	if _, err := io.WriteString(half, request[:20]); err != nil {
		t.Fatal(err)
	}
	until(t, func() bool { return r.turning() == 1 })
	stopped := make(chan struct{})
	go func() { r.stop(); close(stopped) }()
	if _, err := from.ReadByte(); err != io.EOF {
		t.Errorf("an idle connection was not closed cleanly: %v", err)
	}
	if _, err := net.Dial("tcp", r.plain); err == nil {
		t.Error("the listener is still open")
	}
	select {
	case <-stopped:
		t.Fatal("the server stopped with a request half read")
	default:
	}
	if _, err := io.WriteString(half, request[20:]); err != nil {
		t.Fatal(err)
	}
	res := readResponse(t, bufio.NewReader(half), "GET")
	res.check(t, "help")
	if !res.Close {
		t.Error("the last answer does not say that the connection ends")
	}
	<-stopped
}

func TestDrainEnds(t *testing.T) {
	r := newRig(t, cachetest.RDAP(), func(s *Server) { s.ReadTimeout, s.DrainTimeout = patience, 100*time.Millisecond })
	c := r.dial(t)
	if _, err := io.WriteString(c, "GET /he"); err != nil {
		t.Fatal(err)
	}
	until(t, func() bool { return r.turning() == 1 })
	began := time.Now()
	r.stop()
	if took := time.Since(began); took > patience/2 {
		t.Errorf("draining took %v", took)
	}
}
