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
	listening := func(network, addr string) []net.Listener {
		l, err := net.Listen(network, addr)
		if err != nil {
			t.Skip("this host cannot listen on " + addr)
		}
		t.Cleanup(func() { l.Close() })
		return []net.Listener{l}
	}
	tests := []struct {
		rule    string
		objects []any
		network string
		addr    string
		want    []string
	}{
		{"the example of the TLD", []any{&registry.TLD{Name: "test"}, registrar, domain("aaa.test"), domain("example.test")}, "tcp4", "127.0.0.1:0", []string{"-h 127.0.0.1 -p ", " example.test\n", "/domain/example.test\n"}},
		{"another name, where there is none", []any{&registry.TLD{Name: "test"}, registrar, domain("aaa.test")}, "tcp4", "127.0.0.1:0", []string{" aaa.test\n", "/domain/aaa.test\n"}},
		{"a registry without names", []any{&registry.TLD{Name: "test"}}, "tcp4", "127.0.0.1:0", []string{" example.coop\n"}},
		{"all addresses", []any{&registry.TLD{Name: "test"}}, "tcp4", "0.0.0.0:0", []string{"-h 127.0.0.1 -p ", "http://127.0.0.1:"}},
		{"all IPv6 addresses", []any{&registry.TLD{Name: "test"}}, "tcp6", "[::]:0", []string{"-h ::1 -p ", "http://[::1]:"}},
	}
	for _, tt := range tests {
		t.Run(tt.rule, func(t *testing.T) {
			var out strings.Builder
			invite(&out, cachetest.Build(tt.objects...), listening(tt.network, tt.addr), listening(tt.network, tt.addr))
			for _, want := range tt.want {
				if !strings.Contains(out.String(), want) {
					t.Errorf("printed %s, want %q in it", out.String(), want)
				}
			}
		})
	}
}
