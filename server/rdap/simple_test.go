package rdap

import (
	"bufio"
	"bytes"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"

	"rddsd/cache"
	"rddsd/cache/cachetest"
	"rddsd/cache/response"
	"rddsd/ratelimit"
	"rddsd/server/listen"
	"rddsd/server/lookup"
	"rddsd/server/tally"
)

// withHost are the first lines of a request that is simple.
const withHost = " HTTP/1.1\r\nHost: rdap.nic.coop\r\n"

func TestReadSimple(t *testing.T) {
	const get = "GET /domain/example.coop"
	for _, test := range []struct {
		rule, raw string
		want      bool
	}{
		{"what programs send", get + withHost + "Accept: application/rdap+json\r\nUser-Agent: x/1 (y)\r\nAccept-Language: en\r\n\r\n", true},
		{"fields in any case, with a port and without a blank", get + " HTTP/1.1\r\nhOST:127.0.0.1:8080\r\n\r\n", true},
		{"what the answer depends on", get + withHost + "Accept-Encoding: gzip, br\r\nIf-None-Match: \"a\"\r\nConnection: Keep-Alive\r\n\r\n", true},
		{"a query", "GET /nameservers?ip=198.41.0.4" + withHost + "\r\n", true},
		{"another method", "HEAD /help" + withHost + "\r\n", false},
		{"a whole URL", "GET http://x/help" + withHost + "\r\n", false},
		{"a host in the path", "GET //x/help" + withHost + "\r\n", false},
		{"an encoded path", "GET /%68elp" + withHost + "\r\n", false},
		{"a fragment", "GET /help#a" + withHost + "\r\n", false},
		{"a blank in the path", "GET /he lp" + withHost + "\r\n", false},
		{"another version", "GET /help HTTP/1.0\r\nHost: x\r\n\r\n", false},
		{"no host", "GET /help HTTP/1.1\r\n\r\n", false},
		{"no field", "GET /help HTTP/1.1\r\n", false},
		{"two hosts", get + withHost + "Host: x\r\n\r\n", false},
		{"an odd host", get + " HTTP/1.1\r\nHost: x, y\r\n\r\n", false},
		{"an odd port", get + " HTTP/1.1\r\nHost: x:y\r\n\r\n", false},
		{"an empty host", get + " HTTP/1.1\r\nHost:\r\n\r\n", false},
		{"a body", get + withHost + "Content-Length: 1\r\n\r\n", false},
		{"chunks", get + withHost + "Transfer-Encoding: chunked\r\n\r\n", false},
		{"the end of the connection", get + withHost + "Connection: close\r\n\r\n", false},
		{"another protocol", get + withHost + "Upgrade: h2c\r\n\r\n", false},
		{"an expectation", get + withHost + "Expect: 100-continue\r\n\r\n", false},
		{"a proxy's word", get + withHost + "X-Forwarded-For: 192.0.2.1\r\n\r\n", false},
		{"a blank before the colon", get + withHost + "Accept : x\r\n\r\n", false},
		{"a field that goes on", get + withHost + "Accept: x\r\n y\r\n\r\n", false},
		{"a line without a colon", get + withHost + "Accept\r\n\r\n", false},
		{"a line that ends with LF", get + withHost + "Accept: x\n\r\n", false},
		{"CR in a field", get + withHost + "Accept: x\ry\r\n\r\n", false},
		{"NUL in a field", get + withHost + "Accept: \x00\r\n\r\n", false},
		{"a tab", get + withHost + "Accept:\tx\r\n\r\n", false},
		{"not ASCII", get + withHost + "User-Agent: \xe9\r\n\r\n", false},
		{"half a request", get + withHost, false},
		{"more than one", get + withHost + "\r\n" + get + withHost + "\r\n", false},
		{"an empty line first", "\r\n" + get + withHost + "\r\n", false},
	} {
		if _, got := readSimple([]byte(test.raw), new(fields)); got != test.want {
			t.Errorf("%s: readSimple(%q) = %v, want %v", test.rule, test.raw, got, test.want)
		}
	}
}

// dated is the field of a response that differs between two servers.
var dated = regexp.MustCompile(`\r\nDate: [^\r]{29}\r\n`)

// FuzzSimple: a request that is simple is answered as fasthttp reads and answers it, byte
// for byte but the date, with and without TLS, compression and a path in the base URL.
func FuzzSimple(f *testing.F) {
	for _, target := range []string{
		"/domain/example.coop", "/domain/EXAMPLE.coop", "/domain/nosuchname.coop", "/domain/reserved.coop", "/domain/example.com", "/domain/x",
		"/nameserver/ns1.example.coop", "/nameservers?ip=198.41.0.4", "/entity/900001", "/help", "/", "/?", "/a/../help", "/v1/domain/minimum.coop.example", "/domain/a;b",
	} {
		for _, lines := range []string{"", "Accept-Encoding: gzip\r\n", "If-None-Match: *\r\n", "Accept-Encoding: identity;q=0.5, gzip\r\nAccept: */*\r\n"} {
			f.Add([]byte("GET " + target + withHost + lines + "\r\n"))
		}
	}
	f.Add([]byte("GET /help HTTP/1.1\r\nHost: h:1\r\nConnection: keep-alive\r\n\r\n"))
	data := new(cache.Cache)
	data.Publish(cachetest.RDAP())
	policies := lookup.NewPolicies(nil, func(tld string) lookup.Policy {
		p := testPolicy(tld)
		if tld == "coop.example" {
			p.BaseURL, p.Hosts = "https://rdap.nic.example/v1/", []string{"h"}
		}
		return p
	})
	bodies, err := response.New(1 << 20)
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(bodies.Close)
	s := &Server{
		Cache: data, Finder: lookup.NewFinder(policies), Tally: new(tally.Tally), Compressed: bodies,
		Limiter: ratelimit.New(ratelimit.Config{Mode: ratelimit.Off}, time.Now()), Caps: listen.NewCaps(listen.Limits{}),
	}
	s.setDefaults()
	f.Fuzz(func(t *testing.T, raw []byte) {
		if _, simple := readSimple(raw, new(fields)); !simple {
			return
		}
		for _, encrypted := range []bool{false, true} {
			answer := func(serve func(*wire)) string {
				on := new(tape)
				on.in.Write(raw)
				c := s.enter(on)
				defer s.leave(c)
				c.encrypted = encrypted
				serve(&wire{Conn: c, conn: c, server: s})
				return dated.ReplaceAllString(on.out.String(), "\r\n")
			}
			ours := answer(func(w *wire) {
				if s.serveSimple(w) {
					_ = s.http.ServeConn(w)
				}
			})
			theirs := answer(func(w *wire) { _ = s.http.ServeConn(w) })
			if ours != theirs || s.Counts().Panics != 0 {
				t.Errorf("%q: we answer %q, fasthttp %q; %d panics", raw, ours, theirs, s.Counts().Panics)
			}
		}
	})
}

// TestSimpleAndOthers: requests of one connection are answered in their order, whoever
// reads them, and each is counted once.
func TestSimpleAndOthers(t *testing.T) {
	r := newRig(t, cachetest.RDAP(), nil)
	const simple = "GET /domain/example.coop" + withHost + "\r\n"
	for _, test := range []struct {
		rule string
		sent []string
		want []int
	}{
		{"one by one", []string{simple, simple, simple}, []int{200, 200, 200}},
		{"another between", []string{simple, "HEAD /help" + withHost + "\r\n", simple}, []int{200, 200, 200}},
		{"in pieces", []string{simple, simple[:9], simple[9:]}, []int{200, 200}},
		{"together", []string{simple, simple + simple + simple[:9], simple[9:]}, []int{200, 200, 200, 200}},
		{"a broken one", []string{simple, "GET /\r\n\r\n"}, []int{200, 400}},
		{"the last", []string{simple, strings.TrimSuffix(simple, "\r\n") + "Connection: close\r\n\r\n"}, []int{200, 200}},
	} {
		before := r.counted()
		c := r.dial(t)
		from := bufio.NewReader(c)
		asked := 0
		for _, raw := range test.sent {
			if _, err := io.WriteString(c, raw); err != nil {
				t.Fatal(err)
			}
			method, _, _ := strings.Cut(raw, " ")
			for range strings.Count(raw, "\r\n\r\n") {
				if res := readResponse(t, from, method); res.StatusCode != test.want[asked] {
					t.Errorf("%s: status %d to %q, want %d", test.rule, res.StatusCode, raw, test.want[asked])
				}
				asked++
			}
		}
		c.Close()
		var now, old uint64
		until(t, func() bool {
			now, old = 0, 0
			for class, n := range r.counted() {
				now, old = now+n, old+before[class]
			}
			return now-old >= uint64(len(test.want))
		})
		if asked != len(test.want) || now-old != uint64(len(test.want)) {
			t.Errorf("%s: %d answers, %d counted, want %d", test.rule, asked, now-old, len(test.want))
		}
	}
}

// TestDate: the date is that of the second.
func TestDate(t *testing.T) {
	s, at := new(Server), time.Date(2026, 11, 24, 5, 6, 7, 999, time.UTC)
	for _, want := range []string{"Tue, 24 Nov 2026 05:06:07 GMT", "Tue, 24 Nov 2026 05:06:08 GMT"} {
		for range 2 {
			if got := s.dateAt(at).line; !bytes.Equal(got, []byte("Date: "+want+"\r\n")) {
				t.Errorf("dateAt(%v) is %q, want %s", at, got, want)
			}
		}
		at = at.Add(time.Second)
	}
}
