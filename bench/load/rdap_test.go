package load

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// The class of a body, and whether it is about the name that was asked for.
func TestRDAPClass(t *testing.T) {
	q := &query{kind: Hit, isDomain: true, name: []byte("example.coop")}
	for _, test := range []struct {
		name, body string
		want       Outcome
	}{
		{"found", `{"objectClassName":"domain","ldhName":"example.coop"}`, Found},
		{"found, spaced and in capitals", `{ "ldhName" : "EXAMPLE.COOP" }`, Found},
		{"found, behind its hosts", `{"nameservers":[{"ldhName":"ns1.example.coop"}],"ldhName":"example.coop"}`, Found},
		{"degraded", `{"ldhName":"example.coop","remarks":[{"type":"object redacted due to authorization"}]}`, Degraded},
		{"a remark of another type", `{"ldhName":"example.coop","remarks":[{"type":"object truncated due to authorization"}]}`, Found},
		{"another name", `{"ldhName":"example2.coop"}`, Wrong},
		{"a longer name", `{"ldhName":"example.coop.test"}`, Wrong},
		{"a shorter name", `{"ldhName":"example.coo"}`, Wrong},
		{"no name", `{"ldhName"`, Wrong},
		{"nothing of ours", `{"N":"Nz"}`, Wrong},
		{"no JSON", `<html>example.coop</html>`, Garbage},
		{"nothing", ``, Garbage},
	} {
		w := &rdapWire{}
		if got, why := w.classify(q, &response{status: 200, body: []byte(test.body)}); got != test.want {
			t.Errorf("%s: %s is taken for %s (%s), want %s", test.name, test.body, got, why, test.want)
		}
	}
	for status, want := range map[int]Outcome{
		302: Garbage, 304: Wrong, 400: Invalid, 404: NotFound, 405: Invalid, 414: Invalid, 422: Invalid, 429: Refused, 500: Failed, 501: Invalid, 502: Failed, 503: Unknown,
	} {
		w := &rdapWire{}
		if got, _ := w.classify(q, &response{status: status}); got != want {
			t.Errorf("status %d is taken for %s, want %s", status, got, want)
		}
	}
}

// What a 304 may be: the answer to a question whether something has changed.
func TestRDAPNotModified(t *testing.T) {
	asked := &tagged{etag: []byte(`W/"1"`)}
	for _, test := range []struct {
		name    string
		repeats *tagged
		etag    string
		want    Outcome
	}{
		{"nobody asked", nil, `W/"1"`, Wrong},
		{"the same entity tag", asked, `W/"1"`, NotModified},
		{"the same, compared weakly", asked, `"1"`, NotModified},
		{"no entity tag", asked, "", NotModified},
		{"another entity tag", asked, `W/"2"`, Wrong},
	} {
		in := "HTTP/1.1 304 Not Modified\r\n"
		if test.etag != "" {
			in += "ETag: " + test.etag + "\r\n"
		}
		w := newWire(&Options{Protocol: RDAP, Names: generated()}, newRandom(1, 0))
		q := &query{kind: Hit, isDomain: true, name: []byte("example.coop"), repeats: test.repeats}
		if v := w.read(q, []byte(in+"\r\n"), false); !v.done || v.outcome != test.want {
			t.Errorf("%s: taken for %s (%s), want %s", test.name, v.outcome, v.why, test.want)
		}
	}
}

// A 304 says that an earlier answer still holds: that is what is checked.
func TestRunChecksNotModified(t *testing.T) {
	change := func(old, new string) func(http.Handler) http.Handler {
		return func(http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, status := rdapBody(r.URL.Path)
				body = []byte(strings.Replace(string(body), old, new, 1))
				w.Header().Set("ETag", `"ever the same"`)
				if r.Header.Get("If-None-Match") != "" {
					w.WriteHeader(http.StatusNotModified)
					return
				}
				if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
					w.Header().Set("Content-Encoding", "gzip")
					body = deflate(body)
				}
				w.WriteHeader(status)
				_, _ = w.Write(body)
			})
		}
	}
	for _, gzip := range []bool{false, true} {
		for old, want := range map[string]string{"": "", `"handle":"`: "handle"} {
			o := short(serveRDAP(t, rdapOptions{wrap: change(old, old+"9")}), RDAP)
			if old == "" {
				o.Target = serveRDAP(t, rdapOptions{wrap: change("", "")})
			}
			o.Mix = mix(t, "hits", RDAP)
			o.Mix.Conditional, o.HTTP.Gzip = 0.9, gzip
			r, err := Run(t.Context(), o)
			switch {
			case want == "" && (err != nil || r.Outcomes[NotModified] < r.Requests/2 || gzip && r.Compressed == 0):
				t.Errorf("compressed %t: Run: %+v, %v", gzip, r, err)
			case want != "" && (err == nil || !strings.Contains(err.Error(), want) || r.Outcomes[NotModified] > 0):
				t.Errorf("compressed %t: Run: %v, %v; every 304 repeats an answer that is wrong", gzip, r.Outcomes, err)
			}
		}
	}
}

// A compressed body is looked into when its turn comes, whoever asks: for what it
// says, and for whether it was asked for.
func TestRunReadsCompressed(t *testing.T) {
	list, err := FromList("a test", []string{"example.coop", "published.coop"})
	if err != nil {
		t.Fatal(err)
	}
	answer := func(body func(path string) []byte) func(http.Handler) http.Handler {
		return func(http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Encoding", "gzip")
				_, _ = w.Write(body(r.URL.Path))
			})
		}
	}
	right := func(path string) []byte {
		body, _ := rdapBody(path)
		return deflate(body)
	}
	degraded := func(path string) []byte {
		name := strings.TrimPrefix(path, "/domain/")
		e, _ := generated().Expect(Query{Name: name})
		e.Organisation = ""
		return deflate(bytes.Replace(foundBody(name, &e), []byte("{"), []byte(`{"remarks":[{"type":"object redacted due to authorization"}],`), 1))
	}
	for _, test := range []struct {
		name   string
		body   func(string) []byte
		expect bool // there is a registry to hold it against
		gzip   bool // compressed answers are asked for
		want   Outcome
		fails  string
	}{
		{"right", right, true, true, Found, ""},
		{"right, as far as one can tell", right, false, true, Found, ""},
		{"degraded", degraded, true, true, Degraded, ""},
		{"of another name", func(string) []byte { return right("/domain/nohosts.coop") }, false, true, Wrong, "about another name"},
		{"cut short", func(path string) []byte { b := right(path); return b[:len(b)/2] }, false, true, Wrong, "cannot be read"},
		{"no JSON", func(string) []byte { return deflate([]byte("<html>")) }, false, true, Wrong, "no JSON object"},
		{"not asked for", right, true, false, Garbage, "did not accept"},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := short(serveRDAP(t, rdapOptions{wrap: answer(test.body)}), RDAP)
			o.Names, o.For, o.HTTP.Gzip = list, 150*time.Millisecond, test.gzip
			if !test.expect {
				o.Expect = nil
			}
			r, err := Run(t.Context(), o)
			if test.fails != "" {
				if err == nil || !strings.Contains(err.Error(), test.fails) {
					t.Errorf("Run: %v, want an error that tells of %q", err, test.fails)
				}
				return
			}
			if err != nil || r.Outcomes[test.want] != r.Requests || r.Compressed != r.Requests {
				t.Errorf("Run: %v, %v, %d of %d compressed; want all to be %s", r.Outcomes, err, r.Compressed, r.Requests, test.want)
			}
		})
	}
}

// An error of HTTP need not have a body, and what it has need not be JSON.
func TestRDAPErrorsNeedNoBody(t *testing.T) {
	w := newWire(&Options{Protocol: RDAP, Names: generated()}, newRandom(1, 0))
	q := &query{kind: Miss, isDomain: true, name: []byte("free-1.coop")}
	for _, status := range []int{400, 404, 429, 503} {
		for _, body := range []string{"", "<html></html>"} {
			v := w.read(q, fmt.Appendf(nil, "HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n%s", status, len(body), body), false)
			said, err := w.interpret(q, &v)
			if err != nil || said.class != v.outcome {
				t.Errorf("status %d with the body %q is %s, %v", status, body, said.class, err)
			}
		}
	}
}
