package command

import (
	"net"
	"strings"
	"testing"

	"rddsd/cache/cachetest"
	"rddsd/cache/registry"
)

// TestInviteNamesWhatIsThere: what is printed to try is answered as found, by the
// addresses that are printed.
func TestInviteNamesWhatIsThere(t *testing.T) {
	registrar := &registry.Registrar{ClID: "x", Name: "X"}
	domain := func(name string) *registry.Domain {
		return &registry.Domain{Name: name, ROID: "D-" + name, Registrar: "x", Created: cachetest.AsOf, Expires: cachetest.AsOf + 1}
	}
	listening := func(addr string) []net.Listener {
		l, err := net.Listen("tcp4", addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		return []net.Listener{l}
	}
	tests := []struct {
		rule    string
		objects []any
		addr    string
		want    []string
	}{
		{"the example of the TLD", []any{&registry.TLD{Name: "test"}, registrar, domain("aaa.test"), domain("example.test")}, "127.0.0.1:0", []string{"-h 127.0.0.1 -p ", " example.test\n", "/domain/example.test\n"}},
		{"another name, where there is none", []any{&registry.TLD{Name: "test"}, registrar, domain("aaa.test")}, "127.0.0.1:0", []string{" aaa.test\n", "/domain/aaa.test\n"}},
		{"a registry without names", []any{&registry.TLD{Name: "test"}}, "127.0.0.1:0", []string{" example.coop\n"}},
		{"all addresses", []any{&registry.TLD{Name: "test"}}, "0.0.0.0:0", []string{"-h 127.0.0.1 -p ", "http://127.0.0.1:"}},
	}
	for _, tt := range tests {
		t.Run(tt.rule, func(t *testing.T) {
			var out strings.Builder
			invite(&out, cachetest.Build(tt.objects...), listening(tt.addr), listening(tt.addr))
			for _, want := range tt.want {
				if !strings.Contains(out.String(), want) {
					t.Errorf("printed %s, want %q in it", out.String(), want)
				}
			}
		})
	}
}

func TestReachableOverIPv6(t *testing.T) {
	if got := reachable(&net.TCPAddr{IP: net.IPv6unspecified, Port: 43}); got.String() != "[::1]:43" {
		t.Errorf("all IPv6 addresses are reached at %v, want [::1]:43", got)
	}
}
