package whois

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"syscall"
	"testing"
	"time"

	"rddsd/cache/cachetest"
)

// Whatever a client sends, in whatever pieces, is answered alike by loops and by
// goroutines, whole, with a clean end.
func FuzzWire(f *testing.F) {
	for _, sent := range []string{
		"example.coop\r\n", "example.coop", "\r\n", "", "x", "exam\xFF\xF4\xFF\xFD\x06", "a\r\x00b", "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
		"\x16\x03\x01\x02\x00", "\xFF\xFD\x03example.coop\r\n", "example.coop\r\nunregistered.coop\r\n", "192.0.2.10\n\n\n",
	} {
		f.Add([]byte(sent), uint(len(sent)/2))
		f.Add([]byte(sent), uint(len(sent)))
	}
	var addrs [2]string
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, len(addrs))
	for loops := range addrs {
		s := newServer(cachetest.WHOIS(), nil)
		s.Loops = loops
		ln := loopback(f)
		addrs[loops] = ln.Addr().String()
		go func() { done <- s.Serve(ctx, ln) }()
	}
	f.Cleanup(func() {
		cancel()
		for range addrs {
			if err := <-done; err != nil {
				f.Error(err)
			}
		}
	})
	f.Fuzz(func(t *testing.T, sent []byte, cut uint) {
		if len(sent) > maxDiscard/2 {
			return
		}
		var answers [len(addrs)]string
		for i, addr := range addrs {
			conn, err := net.DialTimeout("tcp", addr, patience)
			if err != nil {
				t.Fatal(err)
			}
			if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
				t.Fatal(err)
			}
			// Who writes behind the end of his answer is told so, and keeps the answer.
			cut := min(cut, uint(len(sent)))
			_, _ = conn.Write(sent[:cut])
			_, _ = conn.Write(sent[cut:])
			_ = conn.(*net.TCPConn).CloseWrite()
			answer, err := io.ReadAll(conn)
			if bytes.Contains(sent, interrupt) && len(answer) == 0 {
				err = nil // closed at once, whatever else comes
			}
			if errors.Is(err, syscall.ECONNRESET) && len(answer) > 0 && cut < uint(len(sent)) {
				err = nil // what came behind the close was answered so, behind the whole answer
			}
			if err != nil {
				t.Fatalf("%q, cut at %d, with %d loops: %v after %d bytes", sent, cut, i, err, len(answer))
			}
			conn.Close()
			answers[i] = string(answer)
		}
		if answers[0] != answers[1] {
			t.Fatalf("%q, cut at %d, is answered\n%q by goroutines,\n%q by a loop", sent, cut, answers[0], answers[1])
		}
	})
}
