package command

import (
	"context"
	"errors"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// unitValues returns what key is set to in a systemd unit.
func unitValues(t *testing.T, path, key string) []string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var values []string
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), key+"="); ok {
			values = append(values, strings.Fields(value)...)
		}
	}
	return values
}

// The units that we ship name sockets that the program knows, and each other.
func TestUnits(t *testing.T) {
	const dir = "../../deploy/systemd"
	sockets, err := filepath.Glob(filepath.Join(dir, "*.socket"))
	if err != nil || len(sockets) == 0 {
		t.Fatalf("no socket units: %v", err)
	}
	known := slices.Collect(maps.Values(socketNames))
	var units []string
	for _, path := range sockets {
		units = append(units, filepath.Base(path))
		names := unitValues(t, path, "FileDescriptorName")
		if len(names) != 1 || !slices.Contains(known, names[0]) {
			t.Errorf("%s passes %q, and rddsd knows %q", path, names, known)
		}
		if service := unitValues(t, path, "Service"); len(service) != 1 || service[0] != "rddsd.service" {
			t.Errorf("%s starts %q", path, service)
		}
	}
	for _, key := range []string{"Sockets", "Also"} {
		wanted := unitValues(t, filepath.Join(dir, "rddsd.service"), key)
		slices.Sort(wanted)
		slices.Sort(units)
		if !slices.Equal(wanted, units) {
			t.Errorf("rddsd.service has %s=%q, and the units are %q", key, wanted, units)
		}
	}
	if kind := unitValues(t, filepath.Join(dir, "rddsd.service"), "Type"); len(kind) != 1 || kind[0] != "notify" {
		t.Errorf("rddsd.service is of type %q: nobody would hear that it is ready", kind)
	}
}

// A port that ends the connection is alive, however it does; one that says nothing,
// or is closed, is not.
func TestKnock(t *testing.T) {
	closing, reset, silent, closed := port(t), port(t), port(t), port(t)
	go serveEach(closing, func(conn net.Conn) { conn.Close() })
	go serveEach(reset, func(conn net.Conn) {
		_ = conn.(*net.TCPConn).SetLinger(0)
		conn.Close()
	})
	closed.Close()
	for name, l := range map[string]net.Listener{"closing": closing, "reset": reset} {
		// A reset comes before our shutdown, or after it.
		for range 200 {
			if err := knock(t.Context(), []net.Addr{l.Addr()}, 10*time.Second); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
	}
	for name, l := range map[string]net.Listener{"silent": silent, "closed": closed} {
		if err := knock(t.Context(), []net.Addr{closing.Addr(), l.Addr()}, 100*time.Millisecond); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// A supervisor that does not listen holds nobody up.
func TestDeafSupervisor(t *testing.T) {
	address := filepath.Join(t.TempDir(), "notify")
	deaf, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: address, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer deaf.Close()
	told := 0
	for err == nil {
		if told++; told > 1_000_000 {
			t.Fatal("its queue has no end")
		}
		err = notify(address, "READY=1", 10*time.Millisecond)
	}
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error(err)
	}
	heard := make([]byte, 16)
	if n, err := deaf.Read(heard); err != nil || string(heard[:n]) != "READY=1" {
		t.Errorf("heard %q, %v", heard[:n], err)
	}
}

func port(t *testing.T) net.Listener {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// serveEach calls serve with each connection of l until l is closed.
func serveEach(l net.Listener, serve func(net.Conn)) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		serve(conn)
	}
}
