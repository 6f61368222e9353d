package listen

import (
	"errors"
	"net"
	"net/netip"
	"strings"
	"testing"

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

// [::] does not take IPv4's connections, so that both wildcards can have one port.
func TestOpenTakesBothWildcardsOnOnePort(t *testing.T) {
	six, err := Open(t.Context(), Address{Addr: netip.MustParseAddrPort("[::]:0"), Default: true})
	if errors.Is(err, ErrNoFamily) {
		return // a host without IPv6 has one wildcard
	}
	if err != nil {
		t.Fatal(err)
	}
	defer six.Close()
	port := netip.MustParseAddrPort(six.Addr().String()).Port()
	four, err := Open(t.Context(), Address{Addr: netip.AddrPortFrom(netip.IPv4Unspecified(), port)})
	if err != nil {
		t.Fatal(err)
	}
	four.Close()
}

func TestOpenTakesAMappedAddressAsIPv4(t *testing.T) {
	l, err := Open(t.Context(), Address{Addr: netip.MustParseAddrPort("[::ffff:127.0.0.1]:0")})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if addr := netip.MustParseAddrPort(l.Addr().String()).Addr(); addr != netip.MustParseAddr("127.0.0.1") {
		t.Errorf("it listens on %s, want 127.0.0.1", addr)
	}
}
