//go:build !race

// The race detector makes sync.Pool forget, so what is counted here would be its
// doing.

package rdap

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"runtime"
	"testing"
	"time"

	"rddsd/cache/cachetest"
	"rddsd/ratelimit"
)

// loader asks for one target over and over on one connection. Its answers have
// all the same length, so that it reads without looking and makes no garbage.
type loader struct {
	conn    net.Conn
	request []byte
	answer  []byte
}

func newLoader(tb testing.TB, r *rig, encrypted bool, target string) *loader {
	tb.Helper()
	addr := r.plain
	if encrypted {
		addr = r.tls
	}
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		tb.Fatal(err)
	}
	if encrypted {
		conn = tls.Client(conn, &tls.Config{InsecureSkipVerify: true})
	}
	tb.Cleanup(func() { conn.Close() })
	l := &loader{conn: conn, request: []byte("GET /" + target + " HTTP/1.1\r\nHost: rdap.nic.coop\r\n\r\n")}
	if _, err := conn.Write(l.request); err != nil {
		tb.Fatal(err)
	}
	for {
		var room [4096]byte
		n, err := conn.Read(room[:])
		if err != nil {
			tb.Fatal(err)
		}
		l.answer = append(l.answer, room[:n]...)
		if whole(l.answer) {
			return l
		}
	}
}

// whole reports whether text is an answer to its last byte.
func whole(text []byte) bool {
	res, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(text)), nil)
	if err != nil {
		return false
	}
	_, err = io.Copy(io.Discard, res.Body)
	return err == nil && res.ContentLength >= 0
}

func (l *loader) ask(tb testing.TB) {
	if _, err := l.conn.Write(l.request); err != nil {
		tb.Fatal(err)
	}
	if _, err := io.ReadFull(l.conn, l.answer); err != nil {
		tb.Fatal(err)
	}
}

// limiting makes the server decide about each request without refusing any.
func limiting(s *Server) {
	s.Limiter = ratelimit.New(ratelimit.Config{Mode: ratelimit.DryRun}, time.Now())
}

// TestServingDoesNotAllocate: from the socket to the socket, a request makes no
// garbage: at most 1 malloc in 100 requests, for what the pools replace after a
// collection.
func TestServingDoesNotAllocate(t *testing.T) {
	r := newRig(t, cachetest.RDAP(), limiting)
	const requests = 5000
	for _, shape := range shapes {
		l := newLoader(t, r, false, shape.target)
		for range 100 {
			l.ask(t)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range requests {
			l.ask(t)
		}
		runtime.ReadMemStats(&after)
		if per := float64(after.Mallocs-before.Mallocs) / requests; per > 0.01 {
			t.Errorf("%s (%s): %.3f mallocs a request, want at most 0.01", shape.name, shape.target, per)
		}
	}
}

func BenchmarkServe(b *testing.B) {
	for _, encrypted := range []bool{false, true} {
		name := "plain"
		if encrypted {
			name = "TLS"
		}
		b.Run(name, func(b *testing.B) {
			certificate, err := SelfSigned(b.TempDir(), time.Now())
			if err != nil {
				b.Fatal(err)
			}
			r := newRig(b, cachetest.RDAP(), func(s *Server) {
				limiting(s)
				s.Certificates = Certificates{certificate}
			})
			l := newLoader(b, r, encrypted, "domain/example.coop")
			b.ReportAllocs()
			for b.Loop() {
				l.ask(b)
			}
		})
	}
}
