package listen

import (
	"bytes"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// lockedBuffer is a log that another goroutine may read.
type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// A process that runs out of file descriptors answers again once it has some: the
// client that came meanwhile has waited in the kernel's queue.
func TestPersistOutlivesARealLackOfDescriptors(t *testing.T) {
	inner, err := Open(t.Context(), Address{Addr: netip.MustParseAddrPort("127.0.0.1:0")})
	if err != nil {
		t.Fatal(err)
	}
	var text lockedBuffer
	l := Persist(inner, slog.New(slog.NewTextHandler(&text, nil)))
	defer l.Close()
	client, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()

	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &before); err != nil {
		t.Fatal(err)
	}
	null, err := os.Open(os.DevNull) // the lowest descriptor that is free
	if err != nil {
		t.Fatal(err)
	}
	lowest := uint64(null.Fd())
	null.Close()
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: lowest, Max: before.Max}); err != nil {
		t.Fatal(err)
	}
	restore := sync.OnceFunc(func() {
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &before); err != nil {
			t.Error(err)
		}
	})
	defer restore()

	accepted := make(chan net.Conn, 1)
	go func() {
		defer close(accepted)
		conn, err := l.Accept()
		if err != nil {
			t.Errorf("Accept: %v", err)
			return
		}
		accepted <- conn
	}()
	for deadline := time.Now().Add(10 * time.Second); !strings.Contains(text.String(), "too many open files"); {
		if time.Now().After(deadline) {
			t.Fatalf("Accept has not failed; the log says %q", text.String())
		}
		select {
		case conn := <-accepted:
			t.Fatalf("Accept returned %v without a descriptor to spare", conn)
		case <-time.After(time.Millisecond):
		}
	}
	restore()
	select {
	case conn := <-accepted:
		if conn.RemoteAddr().String() != client.LocalAddr().String() {
			t.Errorf("accepted %v, want %v", conn.RemoteAddr(), client.LocalAddr())
		}
		conn.Close()
	case <-time.After(10 * time.Second):
		t.Fatal("Accept goes on failing with descriptors to spare")
	}
}
