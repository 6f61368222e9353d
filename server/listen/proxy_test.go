package listen

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/pires/go-proxyproto"
)

func binaryHeader(t testing.TB, h *proxyproto.Header) string {
	t.Helper()
	b, err := h.Format()
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestReadProxy(t *testing.T) {
	v4 := proxyproto.HeaderProxyFromAddrs(2, &net.TCPAddr{IP: net.IPv4(192, 0, 2, 7), Port: 1}, &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 43})
	v6 := proxyproto.HeaderProxyFromAddrs(2, &net.TCPAddr{IP: net.ParseIP("2001:db8::7"), Port: 1}, &net.TCPAddr{IP: net.ParseIP("2001:db8::1"), Port: 43})
	tlv := proxyproto.HeaderProxyFromAddrs(2, &net.TCPAddr{IP: net.IPv4(192, 0, 2, 7), Port: 1}, &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 43})
	if err := tlv.SetTLVs([]proxyproto.TLV{{Type: proxyproto.PP2_TYPE_AUTHORITY, Value: []byte(strings.Repeat("x", 1000))}}); err != nil {
		t.Fatal(err)
	}
	local := &proxyproto.Header{Version: 2, Command: proxyproto.LOCAL, TransportProtocol: proxyproto.UNSPEC}
	for _, test := range []struct {
		rule   string
		sent   string
		client string // "" = the balancer itself
		rest   string
		fails  bool
	}{
		{"version 1, IPv4", "PROXY TCP4 192.0.2.7 192.0.2.1 1 43\r\nexample.coop\r\n", "192.0.2.7", "example.coop\r\n", false},
		{"version 1, IPv6", "PROXY TCP6 2001:db8::7 2001:db8::1 1 43\r\n", "2001:db8::7", "", false},
		{"version 1, mapped IPv4 is IPv4", "PROXY TCP6 ::ffff:192.0.2.7 ::ffff:192.0.2.1 1 43\r\n", "192.0.2.7", "", false},
		{"version 1, unknown", "PROXY UNKNOWN\r\nexample.coop\r\n", "", "example.coop\r\n", false},
		{"version 2, IPv4", binaryHeader(t, v4) + "example.coop\r\n", "192.0.2.7", "example.coop\r\n", false},
		{"version 2, IPv6", binaryHeader(t, v6) + "example.coop\r\n", "2001:db8::7", "example.coop\r\n", false},
		{"version 2, more than addresses", binaryHeader(t, tlv) + "x\n", "192.0.2.7", "x\n", false},
		{"version 2, a probe of the balancer", binaryHeader(t, local), "", "", false},
		{"none", "example.coop\r\n", "", "", true},
		{"none, though it begins alike", "PRO\r\n", "", "", true},
		{"version 1, cut", "PROXY TCP4 192.0.2.7", "", "", true},
		{"version 1, too long", "PROXY TCP4 " + strings.Repeat("1", 200) + "\r\n", "", "", true},
		{"version 1, no address", "PROXY TCP4 192.0.2.777 192.0.2.1 1 43\r\n", "", "", true},
		{"version 1, LF alone", "PROXY TCP4 192.0.2.7 192.0.2.1 1 43\nexample.coop\r\n", "", "", true},
		{"version 2, cut", binaryHeader(t, v4)[:20], "", "", true},
		{"version 2, endless", binaryHeader(t, v4)[:14] + "\xff\xff" + strings.Repeat("x", 1<<16), "", "", true},
		{"version 3", strings.Replace(binaryHeader(t, v4), "\n\x21", "\n\x31", 1), "", "", true},
	} {
		t.Run(test.rule, func(t *testing.T) {
			for way, conn := range map[string]io.Reader{
				"at once": strings.NewReader(test.sent), "a byte a read": iotest.OneByteReader(strings.NewReader(test.sent)),
			} {
				client, rest, err := ReadProxy(conn, nil)
				if (err != nil) != test.fails {
					t.Fatalf("%s: the error is %v", way, err)
				}
				if err != nil {
					continue
				}
				more, _ := io.ReadAll(conn)
				if want, _ := netip.ParseAddr(test.client); client != want || string(rest)+string(more) != test.rest {
					t.Errorf("%s: client %v, then %q; want %q, %q", way, client, string(rest)+string(more), test.client, test.rest)
				}
			}
			client, rest, err := ReadProxy(strings.NewReader(""), []byte(test.sent))
			if want, _ := netip.ParseAddr(test.client); (err != nil) != test.fails || client != want || string(rest) != test.rest {
				t.Errorf("read before: client %v, then %q, %v", client, rest, err)
			}
		})
	}
	if _, _, err := ReadProxy(strings.NewReader(""), nil); !errors.Is(err, ErrNoProxy) {
		t.Errorf("without a byte the error is %v", err)
	}
}

func TestBalancersTrust(t *testing.T) {
	b := Balancers{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::/64")}
	for addr, want := range map[string]bool{
		"192.0.2.7": true, "::ffff:192.0.2.7": true, "2001:db8::9": true, "2001:db8::9%eth0": true,
		"198.51.100.1": false, "2001:db8:1::9": false,
	} {
		if got := b.Trusts(netip.MustParseAddr(addr)); got != want {
			t.Errorf("Trusts(%s) = %v", addr, got)
		}
	}
	if Balancers(nil).Trusts(netip.MustParseAddr("192.0.2.7")) {
		t.Error("no balancers trust somebody")
	}
}

// Whatever a balancer sends gives a client or an error, and loses nothing behind
// the header.
func FuzzReadProxy(f *testing.F) {
	f.Add([]byte("PROXY TCP4 192.0.2.7 192.0.2.1 1 43\r\nexample.coop\r\n"))
	f.Add([]byte(binaryHeader(f, proxyproto.HeaderProxyFromAddrs(2, &net.TCPAddr{IP: net.IPv4(192, 0, 2, 7), Port: 1}, &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 43})) + "x\n"))
	f.Add([]byte("PROXY UNKNOWN\r\n"))
	f.Fuzz(func(t *testing.T, sent []byte) {
		conn := bytes.NewReader(sent)
		client, rest, err := ReadProxy(conn, nil)
		more, _ := io.ReadAll(conn)
		slow := iotest.OneByteReader(bytes.NewReader(sent))
		slowly, slowRest, slowErr := ReadProxy(slow, nil)
		slowMore, _ := io.ReadAll(slow)
		if (err == nil) != (slowErr == nil) || client != slowly {
			t.Fatalf("%q at once is %v, %v; a byte a read %v, %v", sent, client, err, slowly, slowErr)
		}
		if err != nil {
			return
		}
		if got, want := string(rest)+string(more), string(slowRest)+string(slowMore); got != want || !bytes.HasSuffix(sent, []byte(got)) {
			t.Fatalf("%q leaves %q at once, %q a byte a read", sent, got, want)
		}
		if client.Is4In6() || client.Zone() != "" {
			t.Fatalf("the client is %v", client)
		}
	})
}
