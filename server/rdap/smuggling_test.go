package rdap

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"rddsd/cache/cachetest"
)

// TestSmuggling: a request whose end, host or meaning two readers can take differently
// (RFC 9112 §11.2) is refused with an RDAP body, and what stands behind it on the
// connection is not answered. One that is odd and clear is answered, and so is the next.
func TestSmuggling(t *testing.T) {
	r := newRig(t, cachetest.RDAP(), nil)
	const (
		get     = "GET /help HTTP/1.1\r\nHost: x\r\n"
		chunked = "Transfer-Encoding: chunked\r\n"
		last    = "0\r\n\r\n"
	)
	for _, test := range []struct {
		rule, raw string
		status    int
		next      bool // the request behind it is answered
	}{
		{"two hosts", "GET /help HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", 400, false},
		{"two in one", "GET /help HTTP/1.1\r\nHost: x, y\r\n\r\n", 400, false},
		{"a blank in it", "GET /help HTTP/1.1\r\nHost: x y\r\n\r\n", 400, false},
		{"another host in the target, which wins", "GET http://y/help HTTP/1.1\r\nHost: x\r\n\r\n", 200, true},
		{"two equal lengths", get + "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", 400, false},
		{"two in one", get + "Content-Length: 5, 5\r\n\r\nhello", 400, false},
		{"a signed length", get + "Content-Length: +5\r\n\r\nhello", 400, false},
		{"a negative one", get + "Content-Length: -1\r\n\r\n", 400, false},
		{"a hexadecimal one", get + "Content-Length: 0x5\r\n\r\nhello", 400, false},
		{"a blank before the colon", get + "Content-Length : 5\r\n\r\nhello", 400, false},
		{"chunks", get + chunked + "\r\n" + last, 200, true},
		{"and a length", get + chunked + "Content-Length: 3\r\n\r\n" + last, 200, false},
		{"another coding", get + "Transfer-Encoding: xchunked\r\n\r\n" + last, 400, false},
		{"and then another", get + "Transfer-Encoding: chunked, identity\r\n\r\n" + last, 400, false},
		{"in a line of its own", get + chunked + "Transfer-Encoding: identity\r\n\r\n" + last, 400, false},
		{"a control character before it", get + "Transfer-Encoding:\vchunked\r\n\r\n" + last, 400, false},
		{"a blank before the first field", get + " Transfer-Encoding: chunked\r\n\r\n" + last, 400, false},
		{"an extension of a chunk that has no end", get + chunked + "\r\n5;ext\nhello\r\n" + last, 400, false},
		{"a chunk's length with a prefix", get + chunked + "\r\n0x5\r\nhello\r\n" + last, 400, false},
		{"lines that end with LF", "GET /help HTTP/1.1\nHost: x\n\n", 200, true},
		{"lines that end with CR", "GET /help HTTP/1.1\rHost: x\r\r", 400, false},
		{"NUL in a field", get + "X: a\x00b\r\n\r\n", 400, false},
		{"CR in a field", get + "X: a\rContent-Length: 40\r\n\r\n", 400, false},
		{"a field that goes on", get + "X: a\r\n b\r\n\r\n", 200, true},
		{"one without a name", get + ": a\r\n\r\n", 400, false},
		{"no version", "GET /help\r\n\r\n", 400, false},
		{"another version", "GET /help HTTP/2.0\r\nHost: x\r\n\r\n", 200, false},
		{"a blank behind it", "GET /help HTTP/1.1 \r\nHost: x\r\n\r\n", 400, false},
		{"two blanks", "GET  /help HTTP/1.1\r\nHost: x\r\n\r\n", 400, false},
		{"a tab", "GET /help\tHTTP/1.1\r\nHost: x\r\n\r\n", 400, false},
		{"a blank in the target", "GET /domain/a b.coop HTTP/1.1\r\nHost: x\r\n\r\n", 400, false},
		{"an empty line first", "\r\n" + get + "\r\n", 200, true},
		{"a fragment", "GET /help#frag HTTP/1.1\r\nHost: x\r\n\r\n", 404, true},
		{"a relative target", "GET help HTTP/1.1\r\nHost: x\r\n\r\n", 400, false},
		{"no target", "GET * HTTP/1.1\r\nHost: x\r\n\r\n", 400, false},
		{"a tunnel", "CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n", 405, true},
		{"another protocol", get + "Upgrade: h2c\r\nConnection: Upgrade\r\n\r\n", 200, true},
		{"HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, false},
		{"an expectation that we do not know", get + "Expect: magic\r\n\r\n", 200, true},
	} {
		c := r.dial(t)
		if _, err := io.WriteString(c, test.raw+"GET /domain/example.coop HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		if err := c.(*net.TCPConn).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		from := bufio.NewReader(c)
		res := readResponse(t, from, "GET")
		if res.StatusCode != test.status || res.Close == test.next {
			t.Errorf("%s: %q: status %d, close %v, want %d, %v", test.rule, test.raw, res.StatusCode, res.Close, test.status, !test.next)
		}
		res.checkHead(t)
		if test.next {
			readResponse(t, from, http.MethodGet).check(t, "domain/example.coop")
		}
		if rest, err := io.ReadAll(from); len(rest) != 0 || err != nil && !errors.Is(err, net.ErrClosed) && !strings.Contains(err.Error(), "reset") {
			t.Errorf("%s: %q: one more answer: %s, %v", test.rule, test.raw, rest, err)
		}
	}
}
