package rdap

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"rddsd/cache/cachetest"
)

// TestTimeouts: a byte a second moves no deadline, neither in the first request of a
// connection nor in a later one, whose time begins with its first byte; and who neither
// asks nor reads on is left.
func TestTimeouts(t *testing.T) {
	const request = "GET /help HTTP/1.1\r\nHost: x\r\n\r\n"
	r := newRig(t, cachetest.RDAP(), func(s *Server) { s.ReadTimeout = DefaultReadTimeout })
	r.exchange(t, "HEAD /help HTTP/1.1\r\nHost: x\r\n\r\n") // it runs, and the clock of fasthttp, which must be in no bubble
	for _, one := range []struct {
		name   string
		before []string      // requests that are answered at once
		pause  time.Duration // before the bytes that come one a second
		begun  string
		deaf   bool // reads no answer
		want   time.Duration
		status int
	}{
		{name: "silent", want: r.ReadTimeout, status: http.StatusRequestTimeout},
		{name: "slow", begun: request, want: r.ReadTimeout, status: http.StatusRequestTimeout},
		{name: "idle", before: []string{request, request}, want: r.IdleTimeout},
		{name: "idle, then slow", before: []string{request}, pause: r.IdleTimeout / 2, begun: request, want: r.IdleTimeout/2 + r.ReadTimeout, status: http.StatusRequestTimeout},
		{name: "pipelined, then slow", before: []string{request + "GET"}, begun: " /", want: r.ReadTimeout, status: http.StatusRequestTimeout},
		{name: "deaf", before: []string{request}, begun: request[:3], pause: time.Second, want: r.WriteTimeout, deaf: true},
	} {
		t.Run(one.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ours, theirs := net.Pipe() // it has no buffer: what is not read blocks
				ended := make(chan struct{})
				go func() {
					r.serveConn(r.enter(ours), port{})
					close(ended)
				}()
				from := bufio.NewReader(theirs)
				for _, request := range one.before {
					if _, err := io.WriteString(theirs, request); err != nil {
						t.Fatal(err)
					}
					if !one.deaf {
						readResponse(t, from, "GET").check(t, "help")
					}
				}
				begin, told := time.Now(), make(chan struct{})
				go func() {
					defer close(told)
					time.Sleep(one.pause)
					for i := range len(one.begun) {
						if _, err := io.WriteString(theirs, one.begun[i:i+1]); err != nil {
							return // it was left
						}
						time.Sleep(time.Second)
					}
				}()
				if one.status != 0 {
					if res := readResponse(t, from, "GET"); res.StatusCode != one.status {
						t.Errorf("status %d, want %d", res.StatusCode, one.status)
					}
				}
				<-ended
				took := time.Since(begin)
				theirs.Close()
				<-told
				if took > one.want || took < one.want-r.slack {
					t.Errorf("left after %v, want %v", took, one.want)
				}
			})
		})
	}
}
