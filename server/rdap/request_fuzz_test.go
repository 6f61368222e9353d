package rdap

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"rddsd/cache"
	"rddsd/cache/cachetest"
	"rddsd/ratelimit"
	"rddsd/server/listen"
	"rddsd/server/lookup"
	"rddsd/server/rdap/rdapcheck"
	"rddsd/server/tally"
)

// tape is a connection that has sent all it will ever send.
type tape struct {
	in, out bytes.Buffer
}

func (c *tape) Read(p []byte) (int, error)       { return c.in.Read(p) }
func (c *tape) Write(p []byte) (int, error)      { return c.out.Write(p) }
func (c *tape) Close() error                     { return nil }
func (c *tape) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (c *tape) RemoteAddr() net.Addr             { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1)} }
func (c *tape) SetDeadline(time.Time) error      { return nil }
func (c *tape) SetReadDeadline(time.Time) error  { return nil }
func (c *tape) SetWriteDeadline(time.Time) error { return nil }

// FuzzRequest: whatever is sent, what comes back is whole HTTP answers with RDAP
// bodies that any site's scripts may read, in which ICANN's tools would find nothing,
// and no fault of ours. There are two base URLs, with a host and a path of their own.
func FuzzRequest(f *testing.F) {
	for _, raw := range []string{
		"GET /domain/example.coop HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET /help HTTP/1.0\r\n\r\nGET /help HTTP/1.0\r\n\r\n",
		"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
		"POST /domain/x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
		"GET http://a@b/entity/%41?x#y HTTP/1.1\r\nHost: [::1]:80\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc",
		"GET /nameservers?ip=%3a%3a1&name=x HTTP/1.1\nHost:x\n\n",
		"CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET /v1/domain/minimum.coop.example HTTP/1.1\r\nHost: H:1\r\n\r\n", "GET http://h/v1/help HTTP/1.1\r\nHost: x\r\n\r\n",
		"\x16\x03\x01", "\r\n\r\n\r\n", "GET", "GET  HTTP/1.1\r\n\r\n",
	} {
		f.Add([]byte(raw))
	}
	data := new(cache.Cache)
	data.Publish(cachetest.RDAP())
	policies := lookup.NewPolicies(nil, func(tld string) lookup.Policy {
		p := testPolicy(tld)
		if tld == "coop.example" {
			p.BaseURL, p.Hosts = "https://rdap.nic.example/v1/", []string{"h"}
		}
		return p
	})
	s := &Server{
		Cache: data, Finder: lookup.NewFinder(policies), Tally: new(tally.Tally),
		Limiter: ratelimit.New(ratelimit.Config{Mode: ratelimit.Off}, time.Now()), Caps: listen.NewCaps(listen.Limits{}),
	}
	s.setDefaults()
	f.Fuzz(func(t *testing.T, raw []byte) {
		if bytes.Contains(raw, []byte("HEAD")) {
			return // answers without a body cannot be told apart here
		}
		c := new(tape)
		c.in.Write(raw)
		s.serveConn(s.enter(c), port{})
		if n := s.Counts().Panics; n != 0 {
			t.Fatalf("%d panics", n)
		}
		from := bufio.NewReader(&c.out)
		for {
			if _, err := from.Peek(1); errors.Is(err, io.EOF) {
				return
			}
			res, err := http.ReadResponse(from, nil)
			if err != nil {
				t.Fatalf("%q gives an answer that is none: %v", raw, err)
			}
			body, err := io.ReadAll(res.Body)
			if err != nil {
				t.Fatalf("%q gives half a body: %v", raw, err)
			}
			switch res.StatusCode {
			case http.StatusContinue:
				continue
			case http.StatusInternalServerError:
				t.Errorf("%q is a fault of ours", raw)
			}
			if res.Header.Get("Content-Type") != mediaType || res.Header.Get("Access-Control-Allow-Origin") != "*" {
				t.Errorf("%q: head %v", raw, res.Header)
			}
			if res.StatusCode == http.StatusNoContent {
				continue
			}
			var top map[string]any
			if err := json.Unmarshal(body, &top); err != nil || top["rdapConformance"] == nil {
				t.Errorf("%q: status %d, body %s: %v", raw, res.StatusCode, body, err)
			}
			_, asked, _ := strings.Cut(string(body), `"links":[{"value":"`)
			asked, _, _ = strings.Cut(asked, `"`)
			asked = strings.ReplaceAll(asked, `\u0026`, "&")
			_, faults := checkResponse(rdapcheck.Response{URL: asked, Status: res.StatusCode, Header: res.Header, Body: body})
			for _, fault := range faults {
				if !strings.HasPrefix(fault, "-20701") { // of what only looks like help
					t.Errorf("%q: %s: %s", raw, body, fault)
				}
			}
		}
	})
}
