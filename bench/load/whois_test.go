package load

import "testing"

// The words by which an answer of port 43 is known.
func TestWHOISClass(t *testing.T) {
	w := &whoisWire{}
	domain := &query{kind: Hit, isDomain: true, name: []byte("example.coop")}
	host := &query{kind: Nameserver, name: []byte("ns1.example.coop")}
	for _, test := range []struct {
		name string
		q    *query
		in   string
		want Outcome
	}{
		{"found", domain, "Domain Name: example.coop\r\nRegistrar: A\r\n", Found},
		{"found, of another server", domain, "% a comment\n\nDomain Name:   EXAMPLE.COOP\n", Found},
		{"found, another name", domain, "Domain Name: example2.coop\r\n", Wrong},
		{"not found", domain, "Domain not found.\r\nNo match for \"example.coop\".\r\n", NotFound},
		{"not found, another name", domain, "Domain not found.\r\nNo match for \"other.coop\".\r\n", Wrong},
		{"not found, of another server", domain, "NO MATCH for example.coop\n", NotFound},
		{"reserved", domain, "Reserved by Registry\r\nThis name\r\n", Reserved},
		{"invalid", domain, "Malformed request.\r\nThe query holds\r\n", Invalid},
		{"another TLD", domain, "Malformed request.\r\nThis server answers only for names that end in .test\r\n", OtherTLD},
		{"help", domain, "% .coop registry WHOIS server\r\n%\r\n>>> Last update <<<\r\n", Helped},
		{"comments only", domain, "% .coop registry WHOIS server\r\n", Helped},
		{"limit", domain, "WHOIS LIMIT EXCEEDED - wait 38 seconds before the next query\r\n", Refused},
		{"busy", domain, "Server too busy, try again later.\r\n", Busy},
		{"unknown", domain, "Service temporarily unavailable, try again later.\r\n", Unknown},
		{"a host", host, "Server Name: ns1.example.coop\r\n", Found},
		{"a host instead of a domain", domain, "Server Name: example.coop\r\n", Wrong},
		{"no host", host, "Nameserver not found.\r\nNo match for \"ns9.example.coop\".\r\n", NotFound},
		{"nothing", domain, "", Cut},
		{"half a line", domain, "Domain Name: example.coop\r\nRegist", Cut},
		{"something else", domain, "220 mail.example ESMTP\r\n", Garbage},
		{"an empty line", domain, "\r\n", Garbage},
	} {
		if v := w.read(test.q, []byte(test.in), true); !v.done || v.outcome != test.want {
			t.Errorf("%s: %q is taken for %s (%s), want %s", test.name, test.in, v.outcome, v.why, test.want)
		}
		if v := w.read(test.q, []byte(test.in), false); v.done {
			t.Errorf("%s: %q is done although the server has not closed", test.name, test.in)
		}
	}
}
