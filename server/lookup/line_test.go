package lookup

import (
	"errors"
	"math"
	"net/netip"
	"strings"
	"testing"
	"unicode/utf8"

	"rddsd/cache/registry"
)

func TestParseLine(t *testing.T) {
	addr := netip.MustParseAddr
	name := func(s string) Query { return Query{Question: AskName, Name: s} }
	invalid := Query{}
	for _, c := range []struct {
		rule, line string
		want       Query
	}{
		// W-12: what arrives round the text.
		{"W-12 telnet negotiation is skipped", "\xff\xfb\x01\xff\xfd\x03example.coop", name("example.coop")},
		{"W-12 telnet subnegotiation is skipped", "\xff\xfa\x18\x00vt100\xff\xf0example.coop", name("example.coop")},
		{"W-12 subnegotiation without an end takes the rest", "example.coop\xff\xfa\x18 other.coop", name("example.coop")},
		{"W-12 two-byte telnet commands are skipped", "exam\xff\xf1ple.coop", name("example.coop")},
		{"W-12 an escaped FF is skipped", "exam\xff\xffple.coop", name("example.coop")},
		{"W-12 telnet command cut off at the end", "example.coop\xff\xfd", name("example.coop")},
		{"W-12 a lone IAC at the end", "example.coop\xff", name("example.coop")},
		{"W-12 NUL and control bytes go", "\x00ex\x01ample\x1b.coop\x7f\r", name("example.coop")},
		{"W-12 TAB is a blank", "domain\texample.coop", Query{Question: AskDomain, Name: "example.coop"}},
		{"W-12 blanks are trimmed and collapsed", "  registrar   Example \t Registrar  ", Query{Question: AskRegistrar, Text: "Example Registrar"}},
		// W-13, W-17
		{"W-13 Latin-1 is not guessed", "caf\xe9.coop", invalid},
		{"W-13 cut UTF-8", "caf\xc3", invalid},
		{"W-17 nothing", "", invalid},
		{"W-17 blanks alone", " \t ", invalid},
		{"W-17 nothing but a dot", ".", invalid},
		{"W-17 nothing but quotes", `""`, invalid},
		// W-16, W-18: other protocols.
		{"W-16 a PROXY header", "PROXY TCP4 192.0.2.1 192.0.2.2 1234 43", invalid},
		{"W-18 HTTP", "GET / HTTP/1.1", invalid},
		{"W-18 HTTP proxy", "GET http://example.coop/ HTTP/1.0", invalid},
		{"W-18 RTSP", "OPTIONS / RTSP/1.0", invalid},
		{"W-18 SIP", "OPTIONS sip:nm SIP/2.0", invalid},
		{"W-18 TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\xe9", invalid},
		// §3.1 steps 2 to 6.
		{"flags: -T dn", "-T dn example.coop", name("example.coop")},
		{"flags: DENIC's", "-C UTF-8 -T dn,ace example.coop", name("example.coop")},
		{"flags: -B", "-B example.coop", name("example.coop")},
		{"flags: --show-handles", " --show-handles example.coop", name("example.coop")},
		{"flags: Debian's -V", "-V Md5.5 example.coop", name("example.coop")},
		{"flags: a stranger's -V tag,IP", "-V edge,192.0.2.9 example.coop", name("example.coop")},
		{"flags alone", "-T", invalid},
		{"flags alone, two", "-B --show-handles", invalid},
		{"flags: a value that is a keyword", "-T domain", invalid},
		{"leading =", "=example.coop", name("example.coop")},
		{"leading = and a keyword", "= domain example.coop", Query{Question: AskDomain, Name: "example.coop"}},
		{"only one leading =", "==example.coop", invalid},
		{"leading full", "full example.coop", name("example.coop")},
		{"leading FULL and a keyword", "FULL domain example.coop", Query{Question: AskDomain, Name: "example.coop"}},
		{"full alone", "full", invalid},
		{"leading !n", "!nexample.coop", name("example.coop")},
		{"!!", "!!", invalid},
		{"quotes", `"example.coop"`, name("example.coop")},
		{"single quotes", "'example.coop'", name("example.coop")},
		{"curly quotes", "\u201cexample.coop\u201d", name("example.coop")},
		{"half a pair of quotes", `"example.coop`, invalid},
		{"http://", "http://example.coop", name("example.coop")},
		{"https:// with a path", "https://www.example.coop/a?b#c", name("www.example.coop")},
		{"HTTPS:// with a port", "HTTPS://Example.coop:8443/", name("example.coop")},
		{"http:// with an address", "http://[2001:db8::1]:80/", Query{Question: AskAddress, Addr: addr("2001:db8::1")}},
		{"http:// with nothing", "http://", invalid},
		{"http:// with half an address", "http://[2001:db8::1/", invalid},
		{"JPRS's /e", "example.coop/e", name("example.coop")},
		{"trailing dot", "example.coop.", name("example.coop")},
		{"trailing ideographic dot", "example.coop\u3002", name("example.coop")},
		{"Q-04 two trailing dots", "example.coop..", invalid},
		// §3.2 commands.
		{"?", "?", Query{Question: AskHelp}},
		{"HELP", "HELP", Query{Question: AskHelp}},
		{"only the first word is looked at", "help me", Query{Question: AskHelp}},
		{"domain", "domain example.coop", Query{Question: AskDomain, Name: "example.coop"}},
		{"DOM", "DOM EXAMPLE.COOP", Query{Question: AskDomain, Name: "example.coop"}},
		{"domain without a name", "domain", invalid},
		{"domain with two", "domain example.coop other.coop", invalid},
		{"domain and a TLD", "domain coop", Query{Question: AskDomain, Name: "coop"}},
		{"nameserver by name", "nameserver ns1.example.coop", Query{Question: AskNameserver, Name: "ns1.example.coop"}},
		{"host", "host NS1.example.coop.", Query{Question: AskNameserver, Name: "ns1.example.coop"}},
		{"ns", "ns ns1.example.net", Query{Question: AskNameserver, Name: "ns1.example.net"}},
		{"nameserver by address", "nameserver 192.0.2.10", Query{Question: AskAddress, Addr: addr("192.0.2.10")}},
		{"nameserver by IPv6 address in brackets", "ns [2001:DB8::10]", Query{Question: AskAddress, Addr: addr("2001:db8::10")}},
		{"nameserver, no name", "ns a..b", invalid},
		{"nameserver with two", "ns a.example b.example", invalid},
		{"nameserver without one", "ns", invalid},
		{"nameserver, a bad address", "ns 192.0.2.300", invalid},
		{"registrar by name", "registrar Example Registrar", Query{Question: AskRegistrar, Text: "Example Registrar"}},
		{"registrar, letter case kept", "REGISTRAR eXample", Query{Question: AskRegistrar, Text: "eXample"}},
		{"registrar by IANA ID", "registrar 106", Query{Question: AskIANA, IANA: 106}},
		{"registrar by a number no ID has", "registrar 99999999999999999999", Query{Question: AskIANA, IANA: math.MaxInt}},
		{"registrar without one", "registrar", invalid},
		{"registrar without a letter", "registrar -", invalid},
		{"contact", "contact C2000001-COOP", Query{Question: AskContact, Text: "C2000001-COOP"}},
		{"entity", "entity 9999", Query{Question: AskContact, Text: "9999"}},
		{"HANDLE", "HANDLE c2000001-coop", Query{Question: AskContact, Text: "c2000001-coop"}},
		{"contact without one", "contact", invalid},
		{"contact with two", "contact C1-COOP C2-COOP", invalid},
		{"contact with a wildcard", "contact C*-COOP", invalid},
		{"roid", "roid D1000001-COOP", Query{Question: AskROID, Text: "D1000001-COOP"}},
		{"roid of any form", "roid 1-x_y", Query{Question: AskROID, Text: "1-x_y"}},
		{"roid without one", "roid", invalid},
		{"roid with a wildcard", "roid D*-COOP", invalid},
		{"roid with two", "roid D1-COOP D2-COOP", invalid},
		{"bare ROID of a domain", "D123-COOP", Query{Question: AskROID, Text: "D123-COOP"}},
		{"bare ROID of a host", "h12af-coop", Query{Question: AskROID, Text: "h12af-coop"}},
		{"bare ROID of a contact", "C123-COOP", Query{Question: AskROID, Text: "C123-COOP"}},
		{"bare ROID, letter behind", "1000001D-COOP", Query{Question: AskROID, Text: "1000001D-COOP"}},
		{"a hyphen alone makes no ROID", "Digital-Names", Query{Question: AskRegistrar, Name: "digital-names", Text: "digital-names"}},
		{"bare name", "example.coop", name("example.coop")},
		{"bare host name", "ns1.example.coop", name("ns1.example.coop")},
		{"bare name under another TLD", "example.com", name("example.com")},
		{"bare digits", "106", Query{Question: AskIANA, IANA: 106}},
		{"bare word", "coop", Query{Question: AskRegistrar, Name: "coop", Text: "coop"}},
		{"bare word with a dot behind it", "COOP.", Query{Question: AskRegistrar, Name: "coop", Text: "coop"}},
		{"bare word that is no label", "e&f", invalid},
		{"bare word of two letters", "ab", invalid},
		{"bare words", "Example Registrar", Query{Question: AskRegistrar, Text: "Example Registrar"}},
		{"bare words of few letters", "a b", invalid},
		{"bare words with a final dot", "Example Registrar Inc.", Query{Question: AskRegistrar, Text: "Example Registrar Inc"}},
		{"sum NAME", "sum example.coop", Query{Question: AskName, Name: "example.coop", Text: "sum example.coop"}},
		{"xxx NAME", "xxx Example.coop", Query{Question: AskName, Name: "example.coop", Text: "xxx example.coop"}},
		{"three words are no name", "a b example.coop", Query{Question: AskRegistrar, Text: "a b example.coop"}},
		//
		{"Q-01 capitals", "EXAMPLE.Coop", name("example.coop")},
		{"Q-01 U-label", "caf\u00e9.coop", name("xn--caf-dma.coop")},
		{"Q-01 U-label in capitals", "CAF\u00c9.coop", name("xn--caf-dma.coop")},
		{"Q-01 U-label not in NFC", "cafe\u0301.coop", name("xn--caf-dma.coop")},
		{"Q-01 A-label in capitals", "XN--CAF-DMA.coop", name("xn--caf-dma.coop")},
		{"Q-01 sharp s stays", "stra\u00dfe.coop", name("xn--strae-oqa.coop")},
		{"Q-01 final sigma stays", "\u03c6\u03c9\u03c2.coop", name("xn--3xahj.coop")},
		{"Q-01 full-width letters and dot", "\uff45\uff58\uff41\uff4d\uff50\uff4c\uff45\uff0e\uff43\uff4f\uff4f\uff50", name("example.coop")},
		{"Q-01 ideographic dot", "example\u3002coop", name("example.coop")},
		{"Q-01 half-width dot", "example\uff61coop", name("example.coop")},
		{"Q-01 A-label and U-label mixed", "caf\u00e9.xn--caf-dma.coop", name("xn--caf-dma.xn--caf-dma.coop")},
		{"Q-01 joiner out of place", "a\u200db.coop", invalid},
		{"Q-01 leading mark", "\u0301a.coop", invalid},
		//
		{"Q-03 label of 63", strings.Repeat("a", 63) + ".coop", name(strings.Repeat("a", 63) + ".coop")},
		{"Q-03 label of 64", strings.Repeat("a", 64) + ".coop", invalid},
		{"Q-03 name of 253", strings.Repeat("a.", 123) + "aa.coop", name(strings.Repeat("a.", 123) + "aa.coop")},
		{"Q-03 name of 254", strings.Repeat("a.", 124) + "a.coop", invalid},
		{"Q-03 empty label", "a..coop", invalid},
		{"Q-03 leading dot", ".example.coop", invalid},
		{"Q-03 hyphen at the end", "a-.coop", invalid},
		{"Q-03 hyphen at the start", "domain -a.coop", invalid},
		{"Q-03 hyphens at 3 and 4", "ab--c.coop", invalid},
		{"Q-03 underscore in a host", "host _ns.example.coop", Query{Question: AskNameserver, Name: "_ns.example.coop"}},
		{"Q-03 underscore in a domain", "domain a_b.coop", invalid},
		{"Q-03 blank in a name", "exam ple.coop", Query{Question: AskName, Name: "ple.coop", Text: "exam ple.coop"}},
		{"Q-03 other characters", "a@b.coop", invalid},
		{"Q-03 a slash", "example.coop/", invalid},
		//
		{"Q-04 star", "foo*.coop", invalid},
		{"Q-04 percent", "foo%.coop", invalid},
		{"Q-04 question mark", "fo?.coop", invalid},
		{"Q-04 star in a word", "exam*", invalid},
		{"Q-04 star in a registrar", "registrar Exam*", invalid},
		{"Q-04 star in words", "Example Reg*", invalid},
		{"Q-04 partial", "partial example", Query{Question: AskRegistrar, Text: "partial example"}},
		//
		{"Q-09 bare IPv4", "192.0.2.10", Query{Question: AskAddress, Addr: addr("192.0.2.10")}},
		{"Q-09 bare IPv6", "2001:DB8:0::10", Query{Question: AskAddress, Addr: addr("2001:db8::10")}},
		{"Q-09 IPv6 in brackets", "[2001:db8::10]", Query{Question: AskAddress, Addr: addr("2001:db8::10")}},
		{"Q-09 IPv4 in IPv6", "::ffff:192.0.2.10", Query{Question: AskAddress, Addr: addr("192.0.2.10")}},
		{"Q-09 IPv4 in brackets", "[192.0.2.10]", invalid},
		{"Q-09 zone id", "fe80::1%eth0", invalid},
		{"Q-09 IPv4 prefix", "192.0.2.0/24", invalid},
		{"Q-09 IPv6 prefix", "2001:db8::/32", invalid},
		{"Q-09 IPv4 out of range", "192.0.2.256", invalid},
		{"Q-09 IPv4 with a part missing", "192.0.2", invalid},
		{"Q-09 IPv4 with leading zeros", "192.000.002.010", invalid},
		{"Q-09 IPv4 in full-width digits", "\uff11\uff19\uff12.0.2.1", invalid},
	} {
		got, err := ParseLine([]byte(c.line))
		if got != c.want || (err != nil) != (c.want == invalid) {
			t.Errorf("%s: ParseLine(%q) = %+v, %v, want %+v", c.rule, c.line, got, err, c.want)
		}
		if err != nil {
			continue
		}
		again, err := ParseLine([]byte(got.String()))
		if err != nil || again != got {
			t.Errorf("%s: %q parses to %+v, which is written %q, which parses to %+v, %v", c.rule, c.line, got, got, again, err)
		}
	}
}

func TestParseLineInterrupted(t *testing.T) {
	_, err := ParseLine([]byte("exam\xff\xf4\xff\xfd\x06"))
	if !errors.Is(err, Interrupted) {
		t.Errorf("Ctrl-C in telnet gives %v, want %v", err, Interrupted)
	}
}

func TestParseLineAllocates(t *testing.T) {
	for _, line := range []string{
		"example.coop", "  DOMAIN Example.COOP. ", "-T dn example.coop", "ns1.example.coop", "nameserver 192.0.2.10", "2001:db8::10",
		"registrar Example Registrar", "106", "D123-COOP", "xn--caf-dma.coop", "coop", "sum example.coop", "?", "foo*.coop", "", "GET / HTTP/1.1",
	} {
		buf := make([]byte, len(line))
		if n := testing.AllocsPerRun(100, func() {
			copy(buf, line)
			ParseLine(buf)
		}); n != 0 {
			t.Errorf("ParseLine(%q) allocates %v times, want 0", line, n)
		}
	}
}

func FuzzParseLine(f *testing.F) {
	for _, line := range []string{
		"example.coop", "192.0.2.1", "d1-coop", "d1.2-coop", "xn--caf-dma.coop", "_a.b", "a.b.", "-a.b", "a.1", "full.coop", ".", "\"sum example.coop\"", "registrar a/e/e", "full \"full\"", "caf\u00e9.coop", "[::ffff:192.0.2.1]", "roid x..",
		"\xff\xfa\x18\xff\xf0a.b", "\u201c\u201ca.b\u201d\u201d", "http://http://a", "=!n'a b'",
	} {
		f.Add([]byte(line))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		asked := string(line)
		q, err := ParseLine(line)
		if slow, otherwise := parseLine([]byte(asked)); slow != q || otherwise != err {
			t.Errorf("ParseLine(%q) = %+v, %v, and the long way %+v, %v", asked, q, err, slow, otherwise)
		}
		if err != nil {
			if q != (Query{}) {
				t.Errorf("ParseLine(%q) = %+v with the error %v", asked, q, err)
			}
			return
		}
		if !utf8.ValidString(q.Text) || strings.ContainsFunc(q.Text, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			t.Errorf("ParseLine(%q) has the text %q", asked, q.Text)
		}
		if q.Name != "" && !registry.ValidHost(q.Name) {
			t.Errorf("ParseLine(%q) has the name %q", asked, q.Name)
		}
		if again, err := ParseLine([]byte(q.String())); err != nil || again != q {
			t.Errorf("ParseLine(%q) = %+v, written %q, which parses to %+v, %v", asked, q, q, again, err)
		}
	})
}
