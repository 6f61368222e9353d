package whois

import (
	"errors"
	"io"
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"rddsd/cache/cachetest"
)

// A server that stops under load answers everybody who got in: who connects finds
// either the whole answer or a closed port (W-20). A listener that is just closed
// resets who waits in its queue.
func TestDrainUnderLoadResetsNobody(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("other kernels reset the queue of a listener that is closed")
	}
	overEachPath(t, func(t *testing.T, loops int) {
		s := newServer(cachetest.WHOIS(), nil)
		s.Loops = loops
		s.ArrivalTimeout = 0 // the default
		addr, stop := serve(t, s)
		want := ask(s, "example.coop")
		var answered, refused atomic.Uint64
		var asking sync.WaitGroup
		for range 64 {
			asking.Go(func() {
				for {
					conn, err := net.DialTimeout("tcp", addr, patience)
					if errors.Is(err, syscall.ECONNREFUSED) {
						refused.Add(1)
						return
					}
					if err != nil {
						t.Errorf("connect: %v", err)
						return
					}
					_, sendErr := io.WriteString(conn, "example.coop\r\n")
					answer, err := io.ReadAll(conn)
					conn.Close()
					if sendErr != nil || err != nil || string(answer) != want {
						t.Errorf("connected, and then %v, %v after %d of %d bytes", sendErr, err, len(answer), len(want))
						return
					}
					answered.Add(1)
				}
			})
		}
		for deadline := time.Now().Add(patience); answered.Load() < 500; {
			if time.Now().After(deadline) {
				t.Fatalf("%d answers", answered.Load())
			}
			time.Sleep(time.Millisecond)
		}
		stop()
		asking.Wait()
		if refused.Load() != 64 {
			t.Errorf("%d clients found the port closed at last, want 64", refused.Load())
		}
	})
}

// Who has begun to connect, and takes his time, gets in.
func TestDrainWaitsForWhoHasBegunToConnect(t *testing.T) {
	overEachPath(t, func(t *testing.T, loops int) {
		s := newServer(cachetest.WHOIS(), nil)
		s.Loops = loops
		s.ArrivalTimeout, s.RefuseTimeout = 4*time.Second, patience
		addr, stop := serve(t, s)
		conn := dial(t, addr)
		stopped := make(chan struct{})
		go func() {
			stop()
			close(stopped)
		}()
		for !s.draining.Load() {
			time.Sleep(time.Millisecond)
		}
		send(t, conn, "example.coop\r\n")
		if got, want := receive(t, conn), ask(s, "example.coop"); got != want {
			t.Errorf("while draining the answer is %q", got)
		}
		<-stopped
	})
}
