package lookup

import (
	"bytes"
	"errors"
	"math"
	"net/netip"
	"strings"
	"testing"
	"unicode/utf8"

	"rddsd/cache/registry"
)

func TestParsePath(t *testing.T) {
	addr := netip.MustParseAddr
	domain := func(s string) Query { return Query{Question: AskDomain, Name: s} }
	entity := func(s string) Query { return Query{Question: AskEntity, Text: s} }
	ip := func(s string) Query { return Query{Question: AskAddress, Addr: addr(s)} }
	for _, c := range []struct {
		rule, path, query string
		want              Query
		status            int // 200: no error
	}{
		{"domain", "domain/example.coop", "", domain("example.coop"), 200},
		{"leading slash", "/domain/example.coop", "", domain("example.coop"), 200},
		{"unknown parameters are ignored", "domain/example.coop", "a=b&%zz", domain("example.coop"), 200},
		{"trailing slash", "domain/example.coop/", "", domain("example.coop"), 200},
		{"letter case of names", "domain/EXAMPLE.Coop", "", domain("example.coop"), 200},
		{"letter case of types", "Domain/example.coop", "", Query{}, 404},
		{"types are not decoded", "%64omain/example.coop", "", Query{}, 404},
		{"percent-encoding is undone", "domain/%78n--caf-dma%2Ecoop", "", domain("xn--caf-dma.coop"), 200},
		{"U-label, encoded", "domain/caf%C3%A9.coop", "", domain("xn--caf-dma.coop"), 200},
		{"U-label, as it is", "domain/caf\u00e9.coop", "", domain("xn--caf-dma.coop"), 200},
		{"U-label in capitals, not in NFC", "domain/CAFE%CC%81.coop", "", domain("xn--caf-dma.coop"), 200},
		{"ideographic dot", "domain/example%E3%80%82coop", "", domain("example.coop"), 200},
		{"one trailing dot", "domain/example.coop.", "", domain("example.coop"), 200},
		{"two trailing dots", "domain/example.coop..", "", Query{}, 400},
		{"a dot alone", "domain/.", "", Query{}, 400},
		{"TLD", "domain/coop", "", domain("coop"), 200},
		{"another TLD", "domain/example.invalid", "", domain("example.invalid"), 200},
		{"reverse zone", "domain/2.0.192.in-addr.arpa", "", domain("2.0.192.in-addr.arpa"), 200},
		{"no value", "domain/", "", Query{}, 400},
		{"no slash either", "domain", "", Query{}, 400},
		{"nothing but slashes", "domain///", "", Query{}, 400},
		{"empty segment first", "//domain/example.coop", "", Query{}, 400},
		{"empty segment behind help", "help//", "", Query{}, 400},
		{"empty segment before", "domain//example.coop", "", Query{}, 400},
		{"empty segment behind", "domain/example.coop//", "", Query{}, 400},
		{"two segments", "domain/example.coop/other.coop", "", Query{}, 404},
		{"%2F in a name", "domain/a%2Fb.coop", "", Query{}, 400},
		{"decoded once", "domain/a%252E.coop", "", Query{}, 400},
		{"bad percent-encoding", "domain/a%2.coop", "", Query{}, 400},
		{"percent-encoding cut off", "domain/a%2", "", Query{}, 400},
		{"percent sign at the end", "domain/a%", "", Query{}, 400},
		{"percent sign and no hex", "domain/a%zz", "", Query{}, 400},
		{"invalid UTF-8", "domain/caf%E9.coop", "", Query{}, 400},
		{"invalid UTF-8, not encoded", "domain/caf\xe9.coop", "", Query{}, 400},
		{"label of 64", "domain/" + strings.Repeat("a", 64) + ".coop", "", Query{}, 400},
		{"name of 254", "domain/" + strings.Repeat("a.", 124) + "a.coop", "", Query{}, 400},
		{"empty label", "domain/a..coop", "", Query{}, 400},
		{"leading dot", "domain/.coop", "", Query{}, 400},
		{"underscore", "domain/_a.coop", "", Query{}, 400},
		{"underscore in a host", "nameserver/_a.coop", "", Query{}, 400},
		{"star", "domain/a*.coop", "", Query{}, 400},
		{"encoded star", "nameserver/a%2A.coop", "", Query{}, 400},
		{"blank", "domain/a%20b.coop", "", Query{}, 400},
		{"plus", "domain/a+b.coop", "", Query{}, 400},
		{"hyphens at 3 and 4", "domain/ab--c.coop", "", Query{}, 400},
		{"NUL", "domain/a%00.coop", "", Query{}, 400},
		{"nameserver", "nameserver/NS1.example.net", "", Query{Question: AskNameserver, Name: "ns1.example.net"}, 200},
		{"nameserver without a value", "nameserver/", "", Query{}, 400},
		{"entity by IANA ID", "entity/9995", "", Query{Question: AskIANA, IANA: 9995}, 200},
		{"entity by a number no ID has", "entity/99999999999999999999", "", Query{Question: AskIANA, IANA: math.MaxInt}, 200},
		{"entity by encoded digits", "entity/%39995", "", Query{Question: AskIANA, IANA: 9995}, 200},
		{"entity by name", "entity/Example%20Registrar", "", entity("Example Registrar"), 200},
		{"entity, plus is plus", "entity/Example+Registrar", "", entity("Example+Registrar"), 200},
		{"entity, a slash in the name", "entity/A%2FS", "", entity("A/S"), 200},
		{"entity in NFC", "entity/Cafe%CC%81", "", entity("Caf\u00e9"), 200},
		{"entity in NFC, not NFKC", "entity/%EF%BC%A1", "", entity("\uff21"), 200},
		{"entity of blanks", "entity/%20", "", Query{}, 400},
		{"entity without a value", "entity/", "", Query{}, 400},
		{"entity with a control character", "entity/a%0Ab", "", Query{}, 400},
		{"entity with invalid UTF-8", "entity/%FF", "", Query{}, 400},
		{"help", "help", "", Query{Question: AskHelp}, 200},
		{"help/", "help/", "", Query{Question: AskHelp}, 200},
		{"help and more", "help/me", "", Query{}, 404},
		{"nameservers by IPv4", "nameservers", "ip=192.0.2.10", ip("192.0.2.10"), 200},
		{"nameservers by IPv6", "nameservers", "ip=2001:DB8:0::1", ip("2001:db8::1"), 200},
		{"nameservers by encoded IPv6", "nameservers/", "ip=2001%3Adb8%3A%3A1", ip("2001:db8::1"), 200},
		{"nameservers by IPv4 in IPv6", "nameservers", "ip=::ffff:192.0.2.10", ip("192.0.2.10"), 200},
		{"nameservers, unknown parameters", "nameservers", "x=1&ip=192.0.2.10&%zz=2&", ip("192.0.2.10"), 200},
		{"nameservers, encoded parameter", "nameservers", "%69p=192.0.2.10", ip("192.0.2.10"), 200},
		{"nameservers without a parameter", "nameservers", "", Query{}, 400},
		{"nameservers with an unknown parameter alone", "nameservers", "IP=192.0.2.10", Query{}, 400},
		{"nameservers with one twice", "nameservers", "ip=192.0.2.10&ip=192.0.2.10", Query{}, 400},
		{"nameservers with two", "nameservers", "ip=192.0.2.10&name=ns*.coop", Query{}, 400},
		{"nameservers with an empty value", "nameservers", "ip=", Query{}, 400},
		{"nameservers without a value", "nameservers", "ip", Query{}, 400},
		{"nameservers by a bad address", "nameservers", "ip=192.0.2.256", Query{}, 400},
		{"nameservers by a prefix", "nameservers", "ip=192.0.2.0/24", Query{}, 400},
		{"nameservers by a zone", "nameservers", "ip=fe80::1%25eth0", Query{}, 400},
		{"nameservers by a pattern", "nameservers", "ip=192.0.2.*", Query{}, 400},
		{"nameservers, bad percent-encoding", "nameservers", "ip=%zz", Query{}, 400},
		{"nameservers by name", "nameservers", "name=ns*.example.coop", Query{}, 501},
		{"nameservers and more", "nameservers/x", "ip=192.0.2.10", Query{}, 404},
		{"domains", "domains", "name=exam*.coop", Query{}, 501},
		{"entities", "entities", "fn=Ex*", Query{}, 501},
		{"reverse search", "domains/reverse_search/entity", "handle=x", Query{}, 501},
		{"domains and more", "domains/x", "", Query{}, 404},
		{"ip", "ip/192.0.2.0/24", "", Query{}, 501},
		{"autnum", "autnum/64496", "", Query{}, 501},
		{"ips", "ips", "name=x", Query{}, 501},
		{"autnums", "autnums/rirSearch1/up/1", "", Query{}, 501},
		{"no RDAP path", "lookup", "", Query{}, 404},
		{"no path", "", "", Query{}, 404},
		{"too long", "domain/" + strings.Repeat("a", MaxPath), "", Query{}, 414},
		{"query too long", "nameservers", strings.Repeat("a", MaxPath+1), Query{}, 414},
	} {
		path, query := []byte(c.path), []byte(c.query)
		got, err := ParsePath(path, query)
		if got != c.want || status(err) != c.status {
			t.Errorf("%s: ParsePath(%q, %q) = %+v, %v, want %+v, %d", c.rule, c.path, c.query, got, err, c.want, c.status)
		}
		if string(path) != c.path || string(query) != c.query {
			t.Errorf("%s: ParsePath(%q, %q) wrote over them: %q, %q", c.rule, c.path, c.query, path, query)
		}
	}
}

func status(err error) int {
	if err == nil {
		return 200
	}
	var p *PathError
	if !errors.As(err, &p) {
		return 0
	}
	return p.Status
}

func TestParsePathAllocates(t *testing.T) {
	for _, c := range [][2]string{
		{"domain/example.coop", ""},
		{"domain/xn--caf-dma.coop", "a=b"},
		{"nameserver/ns1.example.coop", ""},
		{"entity/9995", ""},
		{"entity/Example-Registrar", ""},
		{"nameservers", "ip=192.0.2.10"},
		{"help", ""},
	} {
		path, query := []byte(c[0]), []byte(c[1])
		if n := testing.AllocsPerRun(100, func() { ParsePath(path, query) }); n != 0 {
			t.Errorf("ParsePath(%q, %q) allocates %v times, want 0", c[0], c[1], n)
		}
	}
}

func FuzzParsePath(f *testing.F) {
	for _, c := range [][2]string{
		{"domain/example.coop", ""},
		{"/domain/example.coop", "x"},
		{"/domain/Example.coop", ""},
		{"/domain/a_b.coop", ""},
		{"/domain/example.coop.", ""},
		{"/domain/a.coop/", strings.Repeat("x", MaxPath+1)},
		{"/domain/a.coop", strings.Repeat("x", MaxPath+1)},
		{"/domain/caf%C3%A9.coop/", "x"},
		{"entity/A%2fS", ""},
		{"nameservers", "ip=::1&x"},
		{"domain/%E3%80%82", ""},
		{"domains/reverse_search/", "&"},
	} {
		f.Add([]byte(c[0]), []byte(c[1]))
	}
	f.Fuzz(func(t *testing.T, path, query []byte) {
		was, wasQuery := bytes.Clone(path), bytes.Clone(query)
		q, err := ParsePath(path, query)
		if !bytes.Equal(path, was) || !bytes.Equal(query, wasQuery) {
			t.Errorf("ParsePath(%q, %q) wrote over them", was, wasQuery)
		}
		if slow, otherwise := parsePath(path, query); slow != q || status(otherwise) != status(err) {
			t.Errorf("ParsePath(%q, %q) = %+v, %v, and the long way %+v, %v", path, query, q, err, slow, otherwise)
		}
		switch status(err) {
		case 200:
		case 400, 404, 414, 501:
			if q != (Query{}) {
				t.Errorf("ParsePath(%q, %q) = %+v with the error %v", path, query, q, err)
			}
			return
		default:
			t.Fatalf("ParsePath(%q, %q) fails with %v", path, query, err)
		}
		if q.Name != "" && !registry.ValidName(q.Name) || !utf8.ValidString(q.Text) {
			t.Errorf("ParsePath(%q, %q) = %+v", path, query, q)
		}
		var again string
		switch q.Question {
		case AskDomain:
			again = "domain/" + q.Name
		case AskNameserver:
			again = "nameserver/" + q.Name
		default:
			return
		}
		if got, err := ParsePath([]byte(again), nil); err != nil || got != q {
			t.Errorf("ParsePath(%q) = %+v, but its canonical path %q gives %+v, %v", path, q, again, got, err)
		}
	})
}

// BenchmarkParse holds the short way of the usual query against the long one.
func BenchmarkParse(b *testing.B) {
	path, line := []byte("/domain/example.coop"), []byte("example.coop")
	for _, one := range []struct {
		name  string
		parse func() (Query, error)
	}{
		{"path", func() (Query, error) { return ParsePath(path, nil) }},
		{"path, long way", func() (Query, error) { return parsePath(path, nil) }},
		{"line", func() (Query, error) { return ParseLine(line) }},
		{"line, long way", func() (Query, error) { return parseLine(line) }},
	} {
		b.Run(one.name, func(b *testing.B) {
			for b.Loop() {
				if q, err := one.parse(); q.Name == "" || err != nil {
					b.Fatal(q, err)
				}
			}
		})
	}
}
