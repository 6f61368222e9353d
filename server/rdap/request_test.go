package rdap

import (
	"bufio"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"rddsd/cache/cachetest"
	"rddsd/server/lookup"
)

func TestRequests(t *testing.T) {
	r := newRig(t, cachetest.RDAP(), nil)
	const host = "Host: rdap.nic.coop\r\n"
	name := strings.Repeat("a", 64)
	for _, test := range []struct {
		rule, raw string
		status    int
		asked     string // what links repeat, below the base URL
		class     lookup.Class
	}{
		{"a domain is found", "GET /domain/example.coop HTTP/1.1\r\n" + host + "\r\n", 200, "domain/example.coop", lookup.Found},
		{"Host does not matter", "GET /domain/example.coop HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", 200, "domain/example.coop", lookup.Found},
		{"HTTP/1.0 needs none", "GET /domain/example.coop HTTP/1.0\r\n\r\n", 200, "domain/example.coop", lookup.Found},
		{"a target may be a whole URL", "GET http://x.example/domain/example.coop?a=b HTTP/1.1\r\n" + host + "\r\n", 200, "domain/example.coop?a=b", lookup.Found},
		{"even one without a path", "GET http://x.example HTTP/1.1\r\n" + host + "\r\n", 404, "", lookup.Invalid},
		{"or with nothing but a query", "GET http://x.example?/domain/example.coop HTTP/1.1\r\n" + host + "\r\n", 404, "", lookup.Invalid},
		{"what is accepted does not matter", "GET /help HTTP/1.1\r\n" + host + "Accept: text/html\r\n\r\n", 200, "help", lookup.Help},
		{"letter case does not matter, but is repeated", "GET /domain/EXAMPLE.coop HTTP/1.1\r\n" + host + "\r\n", 200, "domain/EXAMPLE.coop", lookup.Found},
		{"what is encoded is the same", "GET /domain/%65xample%2Ecoop HTTP/1.1\r\n" + host + "\r\n", 200, "domain/%65xample%2Ecoop", lookup.Found},
		{"unknown parameters are ignored", "GET /domain/example.coop?x=%zz& HTTP/1.1\r\n" + host + "\r\n", 200, "domain/example.coop?x=%25zz&", lookup.Found},
		{"a small body is ignored", "GET /help HTTP/1.1\r\n" + host + "Content-Length: 5\r\n\r\nhello", 200, "help", lookup.Help},
		{"what is not held is not found", "GET /domain/nosuchname.coop HTTP/1.1\r\n" + host + "\r\n", 404, "domain/nosuchname.coop", lookup.NotFound},
		{"nor what another registry holds", "GET /domain/test.invalid HTTP/1.1\r\n" + host + "\r\n", 404, "domain/test.invalid", lookup.OtherTLD},
		{"a reserved name is not found, and said to be reserved", "GET /domain/reserved.coop HTTP/1.1\r\n" + host + "\r\n", 404, "domain/reserved.coop", lookup.Reserved},
		{"what is no path is not found", "GET /nothing HTTP/1.1\r\n" + host + "\r\n", 404, "nothing", lookup.Invalid},
		{"nor is the root", "GET / HTTP/1.1\r\n" + host + "\r\n", 404, "", lookup.Invalid},
		{"nor a path that climbs", "GET /x/../domain/example.coop HTTP/1.1\r\n" + host + "\r\n", 404, "x/../domain/example.coop", lookup.Invalid},
		{"a path without a value is bad", "GET /domain/ HTTP/1.1\r\n" + host + "\r\n", 400, "domain/", lookup.Invalid},
		{"so is one with an empty segment", "GET //domain/example.coop HTTP/1.1\r\n" + host + "\r\n", 400, "/domain/example.coop", lookup.Invalid},
		{"so is bad percent-encoding", "GET /domain/a%zz.coop HTTP/1.1\r\n" + host + "\r\n", 400, "domain/a%25zz.coop", lookup.Invalid},
		{"and invalid UTF-8", "GET /domain/%ff%fe.coop HTTP/1.1\r\n" + host + "\r\n", 400, "domain/%ff%fe.coop", lookup.Invalid},
		{"raw as well", "GET /domain/\xff\xfe.coop HTTP/1.1\r\n" + host + "\r\n", 400, "domain/%FF%FE.coop", lookup.Invalid},
		{"and overlong UTF-8", "GET /domain/%c0%ae.coop HTTP/1.1\r\n" + host + "\r\n", 400, "domain/%c0%ae.coop", lookup.Invalid},
		{"and a label of 64 letters", "GET /domain/" + name + ".coop HTTP/1.1\r\n" + host + "\r\n", 400, "domain/" + name + ".coop", lookup.Invalid},
		{"and an encoded slash", "GET /domain/a%2Fb.coop HTTP/1.1\r\n" + host + "\r\n", 400, "domain/a%2Fb.coop", lookup.Invalid},
		{"and NUL", "GET /domain/a%00.coop HTTP/1.1\r\n" + host + "\r\n", 400, "domain/a%00.coop", lookup.Invalid},
		{"and NUL as it is", "GET /domain/a\x00.coop HTTP/1.1\r\n" + host + "\r\n", 400, "", lookup.Invalid},
		{"and markup", "GET /domain/<script> HTTP/1.1\r\n" + host + "\r\n", 400, "domain/%3Cscript%3E", lookup.Invalid},
		{"and a search without its parameter", "GET /nameservers HTTP/1.1\r\n" + host + "\r\n", 400, "nameservers", lookup.Invalid},
		{"and what is not HTTP", "\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", 400, "", lookup.Invalid},
		{"and HTTP/1.1 without Host", "GET /help HTTP/1.1\r\n\r\n", 400, "", lookup.Invalid},
		{"and a header that is none", "GET /help HTTP/1.1\r\n" + host + "no colon\r\n\r\n", 400, "", lookup.Invalid},
		{"and two lengths", "GET /help HTTP/1.1\r\n" + host + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400, "", lookup.Invalid},
		{"other searches are not offered", "GET /domains?name=a*.coop HTTP/1.1\r\n" + host + "\r\n", 501, "domains?name=a*.coop", lookup.Invalid},
		{"nor are numbers", "GET /ip/192.0.2.1 HTTP/1.1\r\n" + host + "\r\n", 501, "ip/192.0.2.1", lookup.Invalid},
		{"other methods are not allowed", "POST /domain/example.coop HTTP/1.1\r\n" + host + "Content-Length: 2\r\n\r\n{}", 405, "domain/example.coop", lookup.Invalid},
		{"whatever they are", "BREW /domain/example.coop HTTP/1.1\r\n" + host + "\r\n", 405, "domain/example.coop", lookup.Invalid},
		{"and whatever they carry", "POST /help HTTP/1.1\r\n" + host + "Content-Length: 300000\r\n\r\n" + strings.Repeat("a", 300_000), 405, "", lookup.Invalid},
		{"a URL can be too long", "GET /domain/" + strings.Repeat("a", 5000) + " HTTP/1.1\r\n" + host + "\r\n", 414, "", lookup.Invalid},
		{"even longer than a header may be", "GET /domain/" + strings.Repeat("a", 100_000) + " HTTP/1.1\r\n" + host + "\r\n", 414, "", lookup.Invalid},
		{"a header can be too long", "GET /help HTTP/1.1\r\n" + host + "X: " + strings.Repeat("a", 100_000) + "\r\n\r\n", 431, "", lookup.Invalid},
		{"a body can be too long", "GET /help HTTP/1.1\r\n" + host + "Content-Length: 1000000\r\n\r\n" + strings.Repeat("a", 1_000_000), 413, "", lookup.Invalid},
	} {
		t.Run(test.rule, func(t *testing.T) {
			before := r.counted()
			res := r.exchange(t, test.raw)
			if res.StatusCode != test.status {
				t.Errorf("status %d, want %d: %s", res.StatusCode, test.status, res.body)
			}
			res.check(t, test.asked)
			if allowed := res.Header.Get("Allow"); (allowed == "GET, HEAD, OPTIONS") != (test.status == 405) {
				t.Errorf("Allow is %q", allowed)
			}
			for class, n := range r.counted() {
				want := before[class]
				if class == test.class {
					want++
				}
				if n != want {
					t.Errorf("class %v was counted %d times", class, n-before[class])
				}
			}
		})
	}
}

func TestHeadEqualsGet(t *testing.T) {
	r := newRig(t, cachetest.RDAP(), nil)
	for _, target := range []string{"/domain/example.coop", "/domain/nosuchname.coop", "/domain/%zz", "/help", "/nothing"} {
		get := r.get(t, target)
		head := r.exchange(t, "HEAD "+target+" HTTP/1.1\r\nHost: rdap.nic.coop\r\n\r\n")
		get.Header.Del("Date")
		head.Header.Del("Date")
		if head.StatusCode != get.StatusCode || head.ContentLength != int64(len(get.body)) || len(head.body) != 0 {
			t.Errorf("HEAD %s: status %d, length %d, body %d; GET: %d, %d", target, head.StatusCode, head.ContentLength, len(head.body), get.StatusCode, len(get.body))
		}
		for name, want := range get.Header {
			if got := head.Header[name]; strings.Join(got, "|") != strings.Join(want, "|") {
				t.Errorf("HEAD %s: %s is %q, GET has %q", target, name, got, want)
			}
		}
	}
}

// TestHeadOfWhatIsBroken: what is no request is answered without a body where it
// begins with HEAD.
func TestHeadOfWhatIsBroken(t *testing.T) {
	r := newRig(t, cachetest.RDAP(), nil)
	for _, test := range []struct {
		head   string
		status int
	}{
		{"no colon\r\n", 400},
		{"X: " + strings.Repeat("a", 100_000) + "\r\n", 431},
		{"Content-Length: 1\r\nContent-Length: 2\r\n", 400},
	} {
		c := r.dial(t)
		from := bufio.NewReader(c)
		for _, raw := range []string{"GET /help HTTP/1.1\r\nHost: x\r\n\r\n", "HEAD /help HTTP/1.1\r\nHost: x\r\n" + test.head + "\r\n"} {
			if _, err := io.WriteString(c, raw); err != nil {
				t.Fatal(err)
			}
			method, _, _ := strings.Cut(raw, " ")
			res := readResponse(t, from, method)
			res.checkHead(t)
			if method == "HEAD" && res.StatusCode != test.status {
				t.Errorf("HEAD with %.20q: status %d, want %d", test.head, res.StatusCode, test.status)
			}
		}
		if rest, err := io.ReadAll(from); err != nil || len(rest) != 0 {
			t.Errorf("HEAD with %.20q: a body came: %q, %v", test.head, rest, err)
		}
	}
}

func TestPreflight(t *testing.T) {
	r := newRig(t, cachetest.RDAP(), nil)
	for _, target := range []string{"/domain/example.coop", "*"} {
		res := r.exchange(t, "OPTIONS "+target+" HTTP/1.1\r\nHost: x\r\nOrigin: https://x.example\r\nAccess-Control-Request-Method: GET\r\n\r\n")
		if res.StatusCode != http.StatusNoContent || len(res.body) != 0 {
			t.Errorf("OPTIONS %s: status %d, body %q", target, res.StatusCode, res.body)
		}
		for name, want := range map[string]string{
			"Allow":                        "GET, HEAD, OPTIONS",
			"Access-Control-Allow-Origin":  "*",
			"Access-Control-Allow-Methods": "GET, HEAD, OPTIONS",
			"Access-Control-Allow-Headers": "Accept, Accept-Language, If-None-Match, Content-Type",
			"Access-Control-Max-Age":       "86400",
		} {
			if got := res.Header.Get(name); got != want {
				t.Errorf("OPTIONS %s: %s is %q, want %q", target, name, got, want)
			}
		}
	}
	if n := len(r.counted()); n != 0 {
		t.Errorf("OPTIONS was counted as a query: %v", r.counted())
	}
}

func TestPipelining(t *testing.T) {
	r := newRig(t, cachetest.RDAP(), nil)
	c := r.dial(t)
	targets := []string{"domain/example.coop", "help", "domain/nosuchname.coop", "entity/900001", "domain/%zz", "nameserver/ns1.example.coop"}
	var raw strings.Builder
	for _, target := range targets {
		raw.WriteString("GET /" + target + " HTTP/1.1\r\nHost: x\r\n\r\n")
	}
	if _, err := io.WriteString(c, raw.String()); err != nil {
		t.Fatal(err)
	}
	from := bufio.NewReader(c)
	for _, target := range targets {
		readResponse(t, from, "GET").check(t, strings.Replace(target, "%zz", "%25zz", 1))
	}
}

// TestBodyIsNotTheNextRequest: what a request carries as its body is never taken
// for a request.
func TestBodyIsNotTheNextRequest(t *testing.T) {
	r := newRig(t, cachetest.RDAP(), nil)
	c := r.dial(t)
	smuggled := "GET /domain/example.coop HTTP/1.1\r\nHost: x\r\n\r\n"
	raw := "GET /help HTTP/1.1\r\nHost: x\r\nContent-Length: " + strconv.Itoa(len(smuggled)) + "\r\n\r\n" + smuggled +
		"GET /entity/900001 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
	if _, err := io.WriteString(c, raw); err != nil {
		t.Fatal(err)
	}
	from := bufio.NewReader(c)
	readResponse(t, from, "GET").check(t, "help")
	readResponse(t, from, "GET").check(t, "entity/900001")
	if rest, err := io.ReadAll(from); err != nil || len(rest) != 0 {
		t.Errorf("a third answer came: %q, %v", rest, err)
	}
}

// TestLengthBesideChunksEndsTheConnection: a proxy may have read another end of
// that request than we did (RFC 9112 §6.3).
func TestLengthBesideChunksEndsTheConnection(t *testing.T) {
	r := newRig(t, cachetest.RDAP(), nil)
	c := r.dial(t)
	raw := "GET /help HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" +
		"GET /domain/example.coop HTTP/1.1\r\nHost: x\r\n\r\n"
	if _, err := io.WriteString(c, raw); err != nil {
		t.Fatal(err)
	}
	from := bufio.NewReader(c)
	if res := readResponse(t, from, "GET"); !res.Close {
		t.Error("the answer does not say that the connection ends")
	}
	if rest, err := io.ReadAll(from); len(rest) != 0 {
		t.Errorf("a second answer came: %q, %v", rest, err)
	}
}
