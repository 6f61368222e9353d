package rdap

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"rddsd/cache"
	"rddsd/cache/cachetest"
	"rddsd/cache/registry"
	"rddsd/cache/response"
	"rddsd/server/lookup"
)

// tagOf returns the entity tag of what k answers to target.
func tagOf(t *testing.T, k *asker, target string) string {
	t.Helper()
	body, _ := k.ask(t, target)
	return string(appendTag(nil, body, k.marks))
}

// unstamped returns the body that k rendered last without its stamp.
func (k *asker) unstamped() string {
	if k.marks.stamp == response.NoStamp {
		return string(k.body)
	}
	return string(k.body[:k.marks.stamp]) + string(k.body[k.marks.stamp+response.StampSize:])
}

// later is the fixture's registry, read again five minutes later.
func later() *cache.View {
	view := cachetest.RDAP()
	return view.Refreshed(view.AsOf()+registry.Time(5*time.Minute/time.Microsecond), time.Now().Add(time.Hour))
}

// TestTagOutlivesTheMinute: the time of the last update is all that changes, and it
// does not make another tag.
func TestTagOutlivesTheMinute(t *testing.T) {
	for _, shape := range shapes {
		now, then := fixture(), newAsker(later())
		before, _ := now.ask(t, shape.target)
		after, status := then.ask(t, shape.target)
		if status != http.StatusOK {
			continue
		}
		if stamped := strings.Contains(shape.target, "/"); bytes.Equal(before, after) == stamped {
			t.Errorf("%s: five minutes later the body is the same: %v", shape.target, !stamped)
		}
		if one, other := tagOf(t, now, shape.target), tagOf(t, then, shape.target); one != other {
			t.Errorf("%s: the tag was %s and is %s", shape.target, one, other)
		}
	}
}

// TestTagTellsBodiesApart: what changes the body makes another tag.
func TestTagTellsBodiesApart(t *testing.T) {
	degraded := fixture()
	degraded.degraded = true
	seen := map[string]string{}
	for _, one := range []struct {
		what, target string
		k            *asker
	}{
		{"a domain", "domain/published.coop", fixture()},
		{"in capitals", "domain/PUBLISHED.coop", fixture()},
		{"with a query", "domain/published.coop?", fixture()},
		{"with another", "domain/published.coop?a", fixture()},
		{"without its contacts", "domain/published.coop", degraded},
		{"another domain", "domain/example.coop", fixture()},
		{"a host", "nameserver/ns1.example.coop", fixture()},
		{"an address", "nameservers?ip=198.41.0.4", fixture()},
		{"help", "help", fixture()},
	} {
		tag := tagOf(t, one.k, one.target)
		if other, taken := seen[tag]; taken {
			t.Errorf("%s and %s have the same tag %s", one.what, other, tag)
		}
		seen[tag] = one.what
		if len(tag) != 20 || !strings.HasPrefix(tag, `W/"`) || tag[19] != '"' {
			t.Errorf("%s: %s is no weak entity tag", one.what, tag)
		}
	}
}

// TestTagTellsPartsApart: what is not read again for the tag changes it all the same.
func TestTagTellsPartsApart(t *testing.T) {
	const target = "domain/example.coop"
	k := fixture()
	before := tagOf(t, k, target)
	for _, test := range []struct {
		what   string
		change func(a *lookup.Answer)
	}{
		{"nothing", func(*lookup.Answer) {}},
		{"the registrar's abuse desk", func(a *lookup.Answer) {
			r := *a.Registrar
			r.AbuseEmail = "other@registrar.example"
			a.Registrar = &r
		}},
		{"the address of the terms", func(a *lookup.Answer) {
			p := *a.Policy
			p.TermsURL = "https://www.nic.coop/other"
			a.Policy = &p
		}},
		{"a withheld fax of the registrant", func(a *lookup.Answer) { a.Registrant.Redacted |= registry.ElementFax }},
		{"the withheld ROID of the technical contact", func(a *lookup.Answer) { a.Tech.Redacted ^= registry.ElementID }},
	} {
		a := k.find(t, target)
		test.change(a)
		k.url = AppendURL(k.url[:0], testBase, []byte(target))
		body, _, m := k.prebuilt.appendBody(nil, a, k.url)
		if after := string(appendTag(nil, body, m)); (after == before) != (test.what == "nothing") {
			t.Errorf("%s changes, and the tag is %s after %s", test.what, after, before)
		}
	}
}

// send asks for target with further header lines.
func (r *rig) send(t *testing.T, method, target, lines string) received {
	t.Helper()
	return r.exchange(t, method+" "+target+" HTTP/1.1\r\nHost: rdap.nic.coop\r\n"+lines+"\r\n")
}

func TestNotModified(t *testing.T) {
	r := newRig(t, cachetest.RDAP(), compressing(t))
	const target = "/domain/example.coop"
	full := r.get(t, target)
	tag := full.Header.Get("ETag")
	for _, test := range []struct {
		rule, lines string
		known       bool
	}{
		{"the same tag", "If-None-Match: " + tag + "\r\n", true},
		{"as if it were strong", "If-None-Match: " + strings.TrimPrefix(tag, "W/") + "\r\n", true},
		{"in a list", `If-None-Match: "x", W/"y,z",` + tag + ", \"\"\r\n", true},
		{"in another line", "If-None-Match: \"x\"\r\nIf-None-Match: " + tag + "\r\n", true},
		{"any", "If-None-Match: * \r\n", true},
		{"whatever If-Modified-Since says", "If-Modified-Since: Thu, 01 Jan 1970 00:00:00 GMT\r\nIf-None-Match: " + tag + "\r\n", true},
		{"in gzip too", "Accept-Encoding: gzip\r\nIf-None-Match: " + tag + "\r\n", true},
		{"another tag", `If-None-Match: W/"0123456789abcdef"` + "\r\n", false},
		{"a part of it", "If-None-Match: " + tag[:10] + "\r\n", false},
		{"without quotes", "If-None-Match: " + strings.Trim(tag, `W/"`) + "\r\n", false},
		{"a star among others", `If-None-Match: "x", *` + "\r\n", false},
		{"nothing", "If-None-Match:\r\n", false},
		{"only a time", "If-Modified-Since: Thu, 01 Jan 2099 00:00:00 GMT\r\n", false},
	} {
		for _, method := range []string{"GET", "HEAD"} {
			res := r.send(t, method, target, test.lines)
			want := http.StatusOK
			if test.known {
				want = http.StatusNotModified
			}
			if res.StatusCode != want {
				t.Errorf("%s %s: status %d, want %d", method, test.rule, res.StatusCode, want)
			}
			if test.known && len(res.body) != 0 {
				t.Errorf("%s %s: a body came: %s", method, test.rule, res.body)
			}
			for _, name := range []string{"ETag", "Cache-Control", "Vary", "Access-Control-Allow-Origin"} {
				if got, want := res.Header.Values(name), full.Header.Values(name); strings.Join(got, "|") != strings.Join(want, "|") {
					t.Errorf("%s %s: %s is %q, want %q", method, test.rule, name, got, want)
				}
			}
			if res.Header.Get("Date") == "" || res.Header.Get("Content-Encoding") != "" {
				t.Errorf("%s %s: head %v", method, test.rule, res.Header)
			}
		}
	}
	for _, target := range []string{"/domain/nosuchname.coop", "/domain/reserved.coop", "/domain/%zz"} {
		if res := r.send(t, "GET", target, "If-None-Match: *\r\n"); res.StatusCode < 400 || res.Header.Get("ETag") != "" {
			t.Errorf("%s, which has no tag, is answered with %d and the tag %q", target, res.StatusCode, res.Header.Get("ETag"))
		}
	}
}

// TestNotModifiedKeepsTheConnection: the next answer on it can be told from the end
// of one that has no body.
func TestNotModifiedKeepsTheConnection(t *testing.T) {
	r := newRig(t, cachetest.RDAP(), compressing(t))
	c := r.dial(t)
	request := "GET /domain/example.coop HTTP/1.1\r\nHost: x\r\n"
	if _, err := io.WriteString(c, request+"If-None-Match: *\r\n\r\n"+request+"\r\n"); err != nil {
		t.Fatal(err)
	}
	from := bufio.NewReader(c)
	if res := readResponse(t, from, "GET"); res.StatusCode != http.StatusNotModified {
		t.Errorf("status %d, want 304", res.StatusCode)
	}
	readResponse(t, from, "GET").check(t, "domain/example.coop")
}

// compressing has a server keep compressed bodies.
func compressing(t testing.TB) func(*Server) {
	return func(s *Server) {
		c, err := response.New(1 << 20)
		if err != nil {
			t.Fatal(err)
		}
		s.Compressed = c
		t.Cleanup(c.Close) // after the server's own
	}
}

func TestGzip(t *testing.T) {
	r := newRig(t, cachetest.RDAP(), compressing(t))
	const accepting = "Accept-Encoding: br, gzip;q=0.8\r\n"
	for _, shape := range shapes {
		target := "/" + shape.target
		plain := r.get(t, target)
		for range 3 { // the first is compressed, one of the others may come from the cache
			packed := r.send(t, "GET", target, accepting)
			if plain.StatusCode != http.StatusOK {
				if packed.Header.Get("Content-Encoding") != "" || !bytes.Equal(packed.body, plain.body) {
					t.Errorf("%s: an error was compressed: %v", target, packed.Header)
				}
				continue
			}
			if got := packed.Header.Get("Content-Encoding"); got != "gzip" {
				t.Fatalf("%s: Content-Encoding is %q, want gzip", target, got)
			}
			if packed.Header.Get("ETag") != plain.Header.Get("ETag") || packed.Header.Get("Vary") != "Accept-Encoding" || plain.Header.Get("Vary") != "Accept-Encoding" {
				t.Errorf("%s: the heads are %v and %v", target, packed.Header, plain.Header)
			}
			if packed.ContentLength >= plain.ContentLength {
				t.Errorf("%s: %d bytes became %d", target, plain.ContentLength, packed.ContentLength)
			}
			from, err := gzip.NewReader(bytes.NewReader(packed.body))
			if err != nil {
				t.Fatal(err)
			}
			if body, err := io.ReadAll(from); err != nil || !bytes.Equal(body, plain.body) {
				t.Errorf("%s: in gzip it is %s, %v; want %s", target, body, err, plain.body)
			}
			head := r.send(t, "HEAD", target, accepting)
			if head.StatusCode != packed.StatusCode || head.ContentLength != packed.ContentLength || head.Header.Get("Content-Encoding") != "gzip" || len(head.body) != 0 {
				t.Errorf("HEAD %s: %d, %d bytes, %v; GET has %d", target, head.StatusCode, head.ContentLength, head.Header, packed.ContentLength)
			}
		}
	}
	until(t, func() bool {
		r.send(t, "GET", "/domain/example.coop", accepting)
		return r.Compressed.Counts().Hits > 0
	})
}

// TestGzipIsSwitchedOff: without a cache nothing is compressed, and nothing varies.
func TestGzipIsSwitchedOff(t *testing.T) {
	r := newRig(t, cachetest.RDAP(), nil)
	res := r.send(t, "GET", "/domain/example.coop", "Accept-Encoding: gzip\r\n")
	res.check(t, "domain/example.coop")
	if res.Header.Get("Vary") != "" || res.Header.Get("Content-Encoding") != "" {
		t.Errorf("head %v", res.Header)
	}
}
