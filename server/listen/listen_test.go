package listen

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/netip"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestOpenSaysWhatIsWrongAndWhichKeySetsIt(t *testing.T) {
	taken, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	tests := []struct {
		name, addr string
		want       []string
	}{
		{"port taken", taken.Addr().String(), []string{taken.Addr().String(), "another program", "[whois] listen"}},
		{"address of another host", "192.0.2.1:0", []string{"192.0.2.1:0", "does not have the address", "[whois] listen"}},
	}
	for _, tt := range tests {
		_, err := Open(t.Context(), Address{Addr: netip.MustParseAddrPort(tt.addr), Key: "[whois] listen"})
		if err == nil {
			t.Fatalf("%s: Open(%s) opened", tt.name, tt.addr)
		}
		for _, want := range tt.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: error %q lacks %q", tt.name, err, want)
			}
		}
	}
}

func TestOpenSkipsADefaultTheHostLacks(t *testing.T) {
	lacking := Address{Addr: netip.MustParseAddrPort("[2001:db8::1]:0"), Key: "[whois] listen"}
	if _, err := Open(t.Context(), lacking); err == nil || errors.Is(err, ErrNoFamily) {
		t.Errorf("a configured address: %v, want an error that ends the start", err)
	}
	lacking.Default = true
	if _, err := Open(t.Context(), lacking); !errors.Is(err, ErrNoFamily) {
		t.Errorf("a default address: %v, want ErrNoFamily", err)
	}
}

func TestOpenTakesBothWildcardsOnOnePort(t *testing.T) {
	four, err := Open(t.Context(), Address{Addr: netip.MustParseAddrPort("127.0.0.1:0")})
	if err != nil {
		t.Fatal(err)
	}
	defer four.Close()
	port := netip.MustParseAddrPort(four.Addr().String()).Port()
	six, err := Open(t.Context(), Address{Addr: netip.AddrPortFrom(netip.IPv6Loopback(), port), Default: true})
	if errors.Is(err, ErrNoFamily) {
		t.Skip("this host has no IPv6")
	}
	if err != nil {
		t.Fatal(err)
	}
	six.Close()
}

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

func TestCaps(t *testing.T) {
	addr := netip.MustParseAddr
	caps := NewCaps(Limits{PerClient: 2, Total: 5})
	var slots []Slot
	take := func(a string, want Verdict) {
		t.Helper()
		slot, got := caps.Acquire(addr(a))
		if got != want {
			t.Errorf("Acquire(%s) = %d, want %d", a, got, want)
		}
		slots = append(slots, slot)
	}
	take("192.0.2.1", Granted)
	take("::ffff:192.0.2.1", Granted) // the same client
	take("192.0.2.1", Crowded)
	take("2001:db8::1", Granted)
	if got := caps.Occupancy(); got != 0.8 {
		t.Errorf("Occupancy = %v, want 0.8", got)
	}
	take("2001:db8::2", Granted) // the same /64, its second
	take("192.0.2.9", Full)
	slots[0].Release()
	take("2001:db8:0:0:ffff::", Crowded) // the same /64, its third
	for _, s := range slots[1:] {
		s.Release()
	}
	if caps.Open() != 0 || len(caps.client) != 0 {
		t.Errorf("%d places are taken by %d clients after all were given back", caps.Open(), len(caps.client))
	}
	caps.SetLimits(Limits{})
	for range 100 {
		take("192.0.2.1", Granted)
	}
	if got := caps.Occupancy(); got != 0 {
		t.Errorf("Occupancy without a limit = %v, want 0", got)
	}
}

func TestCapsUnderConcurrency(t *testing.T) {
	const total = 50
	caps := NewCaps(Limits{PerClient: 3, Total: total})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 2000 {
				slot, _ := caps.Acquire(netip.AddrFrom4([4]byte{192, 0, 2, byte(rand.N(40))}))
				if open := caps.Open(); open > total {
					t.Errorf("%d connections are open, at most %d may be", open, total)
				}
				slot.Release()
			}
		})
	}
	wg.Wait()
	if caps.Open() != 0 {
		t.Errorf("%d places are left taken", caps.Open())
	}
}

func BenchmarkCaps(b *testing.B) {
	caps := NewCaps(Limits{PerClient: 3, Total: 10000})
	addr := netip.MustParseAddr("2001:db8::1")
	b.ReportAllocs()
	for b.Loop() {
		slot, _ := caps.Acquire(addr)
		slot.Release()
	}
}
