package rdap

import (
	"bufio"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"rddsd/cache/cachetest"
)

// TestErrorAfterALongPause: the deadline for one answer does not cut off the
// next, which fasthttp does not set for errors.
func TestErrorAfterALongPause(t *testing.T) {
	r := newRig(t, cachetest.RDAP(), func(s *Server) { s.WriteTimeout = 5 * time.Second })
	r.get(t, "/help") // it runs, and the clock of fasthttp, which must be in no bubble
	synctest.Test(t, func(t *testing.T) {
		ours, c := net.Pipe()
		ended := make(chan struct{})
		go func() {
			r.serveConn(r.enter(ours), port{})
			close(ended)
		}()
		from := bufio.NewReader(c)
		if _, err := io.WriteString(c, "GET /help HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		readResponse(t, from, "GET").check(t, "help")
		time.Sleep(3 * r.WriteTimeout)
		if _, err := io.WriteString(c, "nonsense\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		if res := readResponse(t, from, "GET"); res.StatusCode != http.StatusBadRequest {
			t.Errorf("status %d, want 400", res.StatusCode)
		}
		c.Close()
		<-ended
	})
}

// deaf is a peer that sends and reads nothing: its Read fails at once.
type deaf struct{ net.Conn }

func (deaf) Read([]byte) (int, error) { return 0, io.ErrNoProgress }

// TestDeafHandshakeEnds: who does not read what we say in the handshake does not
// hold the connection for good.
func TestDeafHandshakeEnds(t *testing.T) {
	certificate, err := SelfSigned(t.TempDir(), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	r := newRig(t, cachetest.RDAP(), func(s *Server) { s.Certificates = Certificates{certificate} })
	r.get(t, "/help") // it runs, and the clock of fasthttp, which must be in no bubble
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe() // it has no buffer: what is not read blocks
		ended := make(chan struct{})
		go func() {
			r.serveConn(r.enter(ours), port{config: Certificates{certificate}.config()})
			close(ended)
		}()
		hello := tls.Client(deaf{theirs}, &tls.Config{ServerName: "localhost"})
		if err := hello.Handshake(); !errors.Is(err, io.ErrNoProgress) {
			t.Fatalf("the hello was not sent: %v", err)
		}
		select {
		case <-ended:
		case <-time.After(2 * (r.ReadTimeout + r.WriteTimeout)):
			t.Error("the connection is still open")
			theirs.Close()
			<-ended
		}
	})
}

// TestIdleExchangesHoldNoView: what waits for the next request does not keep the
// View of the last one alive.
func TestIdleExchangesHoldNoView(t *testing.T) {
	r := newRig(t, cachetest.RDAP(), nil)
	r.get(t, "/domain/example.coop")
	r.stop()
	if x := r.exchanges.Get().(*exchange); x.answer.View != nil {
		t.Error("it does")
	}
}
