package listen

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// failing is a listener whose Accept fails a number of times, and then hands
// out a connection.
type failing struct {
	net.Listener
	errs []error
	conn net.Conn
}

func (f *failing) Addr() net.Addr { return &net.TCPAddr{} }
func (f *failing) Close() error   { return nil }

func (f *failing) Accept() (net.Conn, error) {
	if len(f.errs) == 0 {
		return f.conn, nil
	}
	err := f.errs[0]
	f.errs = f.errs[1:]
	return nil, err
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func TestPersistOutlivesFailingAccepts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn, peer := net.Pipe()
		defer conn.Close()
		defer peer.Close()
		var errs []error
		for _, errno := range []syscall.Errno{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ECONNABORTED, syscall.EINTR} {
			for range 4 {
				errs = append(errs, &net.OpError{Op: "accept", Err: errno})
			}
		}
		begun := time.Now()
		got, err := Persist(&failing{errs: errs, conn: conn}, quiet()).Accept()
		if err != nil || got != conn {
			t.Fatalf("Accept = %v, %v", got, err)
		}
		if took := time.Since(begun); took < 2*time.Second || took > 20*time.Second {
			t.Errorf("20 failures took %v: want waits that grow from 5 ms to 1 s", took)
		}
	})
}

func TestPersistEndsWhenClosedWhileItWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		errs := make([]error, 1000)
		for i := range errs {
			errs[i] = syscall.EMFILE
		}
		l := Persist(&failing{errs: errs}, quiet())
		done := make(chan error)
		go func() {
			_, err := l.Accept()
			done <- err
		}()
		time.Sleep(5 * time.Second) // the bubble's clock
		l.Close()
		l.Close()
		if err := <-done; !errors.Is(err, net.ErrClosed) {
			t.Errorf("Accept = %v, want net.ErrClosed", err)
		}
	})
}

func TestPersistEndsWithItsSocket(t *testing.T) {
	l, err := Open(t.Context(), Address{Addr: netip.MustParseAddrPort("127.0.0.1:0")})
	if err != nil {
		t.Fatal(err)
	}
	p := Persist(l, quiet())
	ctx, stop := context.WithCancel(t.Context())
	context.AfterFunc(ctx, func() { p.Close() })
	stop()
	if _, err := p.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Accept = %v, want net.ErrClosed", err)
	}
}
