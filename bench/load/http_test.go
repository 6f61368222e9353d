package load

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"
)

func TestParseResponse(t *testing.T) {
	for _, test := range []struct {
		name, in        string
		bodiless, ended bool
		status          int
		body            string
		rest            int // bytes of in behind the response
		closes, gzip    bool
		etag            string
	}{
		{name: "by length", in: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", status: 200, body: "{}"},
		{name: "header names in any case", in: "HTTP/1.1 200 OK\r\ncontent-LENGTH:2\r\netag: \"a\"\r\nCONTENT-ENCODING: GZIP\r\n\r\n{}", status: 200, body: "{}", gzip: true, etag: `"a"`},
		{name: "what follows is not its", in: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}HTTP", status: 200, body: "{}", rest: 4},
		{name: "to HEAD", in: "HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n", bodiless: true, status: 200},
		{name: "304 has no body", in: "HTTP/1.1 304 Not Modified\r\nContent-Length: 2000\r\n\r\n", status: 304},
		{name: "chunks", in: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n", status: 200, body: "abc0123456789"},
		{name: "the server closes", in: "HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx", status: 404, body: "x", closes: true},
		{name: "HTTP/1.0 closes", in: "HTTP/1.0 404 Not Found\r\nContent-Length: 1\r\n\r\nx", status: 404, body: "x", closes: true},
		{name: "up to the end", in: "HTTP/1.1 200 OK\r\n\r\nall", ended: true, status: 200, body: "all", closes: true},
	} {
		t.Run(test.name, func(t *testing.T) {
			r, whole, err := parseResponse([]byte(test.in), test.bodiless, test.ended)
			if err != nil || !whole {
				t.Fatalf("parseResponse(%q) is whole: %t, error %v", test.in, whole, err)
			}
			if r.status != test.status || string(r.body) != test.body || r.length != len(test.in)-test.rest ||
				r.closes != test.closes || r.gzip != test.gzip || string(r.etag) != test.etag {
				t.Errorf("parseResponse(%q) = %d, %q, %d bytes, closes %t, gzip %t, etag %q",
					test.in, r.status, r.body, r.length, r.closes, r.gzip, r.etag)
			}
			for i := range len(test.in) - test.rest {
				if test.ended {
					break
				}
				if _, whole, err := parseResponse([]byte(test.in[:i]), test.bodiless, false); whole || err != nil {
					t.Errorf("parseResponse(%q), a beginning only, is whole: %t, error %v", test.in[:i], whole, err)
				}
			}
		})
	}
}

func TestParseResponseRefuses(t *testing.T) {
	for name, in := range map[string]string{
		"another protocol":       "SSH-2.0",
		"another version":        "HTTP/2 200\r\n\r\n",
		"no status":              "HTTP/1.1 abc OK\r\n\r\n",
		"a line without a colon": "HTTP/1.1 200 OK\r\nContent\r\n\r\n",
		"a length that is none":  "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
		"too long":               "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
		"a chunk size":           "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
		"no chunk size":          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\n",
		"a chunk that goes on":   "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc",
		"chunks of HTTP/1.0":     "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"an endless header":      "HTTP/1.1 200 OK\r\nA: " + strings.Repeat("a", maxHead),
		"an endless chunk size":  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + strings.Repeat("0", 30),
	} {
		if _, _, err := parseResponse([]byte(in), false, false); err == nil {
			t.Errorf("%s: parseResponse(%.60q) has no error", name, in)
		}
	}
}

// What net/http reads as a whole response, we read alike; and no beginning of a
// response is whole.
func FuzzParseResponse(f *testing.F) {
	f.Add([]byte("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"))
	f.Add([]byte("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"))
	f.Add([]byte("HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\n\r\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, whole, err := parseResponse(data, false, false)
		if err != nil || !whole {
			return
		}
		if r.length > len(data) || len(r.body) > r.length {
			t.Fatalf("parseResponse(%q): %d bytes with a body of %d, of %d", data, r.length, len(r.body), len(data))
		}
		if _, whole, _ := parseResponse(data[:r.length-1], false, false); whole {
			t.Errorf("parseResponse(%q) is whole without its last byte", data[:r.length])
		}
		theirs, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(data)), nil)
		if err != nil {
			return // stricter about what we need not look at
		}
		defer theirs.Body.Close()
		body, err := io.ReadAll(theirs.Body)
		if err != nil {
			return
		}
		if theirs.StatusCode != r.status {
			t.Errorf("parseResponse(%q): status %d, net/http reads %d", data, r.status, theirs.StatusCode)
		}
		// A response that has both, or one twice, is ambiguous (RFC 9112 §6.3).
		lengths := bytes.Count(bytes.ToLower(data), []byte("content-length")) + bytes.Count(bytes.ToLower(data), []byte("transfer-encoding"))
		if lengths == 1 && r.status >= 200 && !bytes.Equal(body, r.body) {
			t.Errorf("parseResponse(%q): body %q, net/http reads %q", data, r.body, body)
		}
	})
}
