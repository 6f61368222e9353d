package whois

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"rddsd/cache/cachetest"
	"rddsd/cache/registry"
	"rddsd/ratelimit"
	"rddsd/server/lookup"
)

// The short answers that no query of a quiet server gets (§7.4, §7.5), letter by
// letter.
func TestRefusals(t *testing.T) {
	network := netip.MustParsePrefix("192.0.2.0/24")
	p := policy("coop")
	for _, test := range []struct {
		rule string
		got  []byte
		want string
	}{
		{"over a limit", appendRefusal(nil, &p, ratelimit.Decision{Network: network, RetryIn: 37*time.Second + 1}), `WHOIS LIMIT EXCEEDED - wait 38 seconds before the next query

Query rate limit exceeded for 192.0.2.0/24. You have exceeded your query limit.
Lookup quota exceeded. Too many requests.
Limits and the RDAP service are described at https://whois.nic.coop/terms
`},
		{"a wait is never rounded down", appendRefusal(nil, &lookup.Policy{}, ratelimit.Decision{Network: network, RetryIn: 1}), `WHOIS LIMIT EXCEEDED - wait 1 second before the next query

Query rate limit exceeded for 192.0.2.0/24. You have exceeded your query limit.
Lookup quota exceeded. Too many requests.
`},
		{"nor up when it is whole", appendRefusal(nil, &lookup.Policy{}, ratelimit.Decision{
			Network: netip.MustParsePrefix("2001:db8:1::/48"), RetryIn: 900 * time.Second,
		}), `WHOIS LIMIT EXCEEDED - wait 900 seconds before the next query

Query rate limit exceeded for 2001:db8:1::/48. You have exceeded your query limit.
Lookup quota exceeded. Too many requests.
`},
		{"denied", appendRefusal(nil, &p, ratelimit.Decision{Network: network}), `WHOIS LIMIT EXCEEDED - access denied for 192.0.2.0/24

Access is restricted due to excessive queries. Quota exceeded.
To appeal, see https://whois.nic.coop/terms
`},
		{"busy", AppendAnswer(nil, &lookup.Answer{Class: lookup.Busy}), "Server too busy, try again later.\n"},
		{"unknown", AppendAnswer(nil, &lookup.Answer{Class: lookup.Unknown}), "Service temporarily unavailable, try again later.\n"},
		{"a fault", AppendAnswer(nil, &lookup.Answer{Class: lookup.Error}), "Service temporarily unavailable, try again later.\n"},
		{"an object of no form of ours", AppendAnswer(nil, &lookup.Answer{Object: lookup.Objects}), "Service temporarily unavailable, try again later.\n"},
	} {
		t.Run(test.rule, func(t *testing.T) {
			if got := lines(t, test.rule, string(test.got)); got != test.want {
				t.Errorf("got\n%s\nwant\n%s", got, test.want)
			}
			if len(test.got) >= 600 {
				t.Errorf("it has %d bytes, a refusal has less than 600 (L-07)", len(test.got))
			}
		})
	}
}

// Rules of single lines that the transcripts do not show.
func TestRecordLines(t *testing.T) {
	p := policy("coop")
	example := &registry.Registrar{Name: "R", IANA: 1, URL: "https://r.example", WhoisServer: "whois.r.example"}
	full := func(change func(*lookup.Answer)) string {
		a := &lookup.Answer{
			Policy: &p, Object: lookup.Domain, Registrar: example,
			Domain: registry.Domain{Name: "x.coop", ROID: "D1-COOP", Created: 1, Expires: 1},
		}
		change(a)
		return string(AppendAnswer(nil, a))
	}
	contact := func(c registry.Contact) string {
		return full(func(a *lookup.Answer) { a.HasRegistrant, a.Registrant = true, c })
	}
	for _, test := range []struct{ rule, answer, holds, lacks string }{
		{"no contacts, no block", full(func(*lookup.Answer) {}), "Domain Status: inactive", "Registr" + "ant"},
		{"no contacts, no block in 2017", full(func(a *lookup.Answer) {
			old := p
			old.Profile = lookup.Profile2017
			a.Policy = &old
		}), "wicf/\r\n", "Admin"},
		{"a tech block is always there in 2017", full(func(a *lookup.Answer) {
			old := p
			old.Profile = lookup.Profile2017
			a.Policy, a.HasRegistrant = &old, true
		}), "Registry Tech ID: REDACTED FOR PRIVACY\r\nTech Name: REDACTED FOR PRIVACY\r\nTech Email: Please query", "Tech Phone"},
		{"the block of 2024 has no tech without one", contact(registry.Contact{CC: "GB"}), "Registrant Country: GB\r\n", "\nTech "},
		{"an e-mail address that was never held is ICANN's sentence", contact(registry.Contact{}), "Registrant Email: Please query the RDDS", "Registrant Name"},
		{"an e-mail address of blanks too", contact(registry.Contact{Email: " \t"}), "Registrant Email: Please query the RDDS", "Email: \r\n"},
		{"a country is told in capitals", contact(registry.Contact{CC: "gb"}), "Registrant Country: GB\r\n", ""},
		{"what is no country's code is left out", contact(registry.Contact{CC: "United Kingdom"}), "Registrant Email", "Country"},
		{"nor is half of one", contact(registry.Contact{CC: "G1"}), "Registrant Email", "Country"},
		{"what was never held is left out", contact(registry.Contact{Name: "N"}), "Registrant Name: N\r\n", "REDACTED"},
		{"what is withheld says so", contact(registry.Contact{Redacted: registry.ElementFax}), "Registrant Fax: REDACTED FOR PRIVACY\r\n", "Phone"},
		{"a withheld extension is left out", contact(registry.Contact{Redacted: registry.ElementVoiceExt | registry.ElementFaxExt, VoiceExt: "12", FaxExt: "34"}), "Registrant Email", " Ext"},
		{"a withheld value that arrived is not shown", contact(registry.Contact{Name: "Leak", Street: []string{"Leak"}, Email: "Leak", Redacted: registry.ElementName | registry.ElementStreet | registry.ElementEmail}), "Registrant Name: REDACTED FOR PRIVACY", "Leak"},
		{"an empty street is none of the three", contact(registry.Contact{Street: []string{"1", "", "3", "4"}}), "Street: 1\r\nRegistrant Street: 3\r\nRegistrant Street: 4\r\n", "Street: \r\n"},
		{"streets are three", contact(registry.Contact{Street: []string{"1", "2", "3", "4"}}), "Street: 1\r\nRegistrant Street: 2\r\nRegistrant Street: 3\r\n", "Street: 4"},
		{"a reseller stands behind the registrar", full(func(a *lookup.Answer) { a.Domain.Reseller = "Co-op Names" }), "Registrar IANA ID: 1\r\nReseller: Co-op Names\r\nDomain Status", ""},
		{"no update, no line", full(func(*lookup.Answer) {}), "Creation Date: 1970-01-01T00:00:00Z", "Updated"},
		{"a WHOIS server is a host", full(func(a *lookup.Answer) {
			a.Registrar = &registry.Registrar{Name: "R", WhoisServer: "http://whois.r.example"}
		}), "Registrar: R", "Registrar WHOIS"},
		{"a web site has a scheme", full(func(a *lookup.Answer) { a.Registrar = &registry.Registrar{Name: "R", URL: "www.r.example"} }), "Registrar: R", "Registrar URL"},
		{"no IANA ID, no line", full(func(a *lookup.Answer) { a.Registrar = &registry.Registrar{Name: "R"} }), "Registrar: R", "IANA"},
		{"a name without a U-label has no line for one", full(func(a *lookup.Answer) { a.Domain.UName = "" }), "Domain Name: x.coop", "Internationalized"},
		{"statuses of EPP come before those of RGP", full(func(a *lookup.Answer) {
			a.Domain.Statuses = registry.RedemptionPeriod | registry.ServerHold | registry.ClientHold
		}), "#clientHold\r\nDomain Status: inactive https://icann.org/epp#inactive\r\nDomain Status: pendingDelete https://icann.org/epp#pendingDelete\r\nDomain Status: serverHold https://icann.org/epp#serverHold\r\nDomain Status: redemptionPeriod", "epp#ok"},
		{"hosts of a monster are cut and it says so", full(func(a *lookup.Answer) { a.Hosts = make([]lookup.Host, 51) }), "wicf\r\nThe list was cut at 50 records.\r\n>>> Last", ""},
		{"DS records of a monster too", full(func(a *lookup.Answer) { a.Domain.DS = make([]registry.DS, 26) }), "wicf\r\nThe list was cut at 25 records.\r\n>>> Last", ""},
		{"a list of name servers that was cut says so", string(AppendAnswer(nil, &lookup.Answer{
			Policy: &p, Object: lookup.Nameservers, More: true, Hosts: make([]lookup.Host, 50),
		})), "\r\nThe list was cut at 50 records.\r\n>>> Last", ""},
		{"an extension needs a telephone", string(AppendAnswer(nil, &lookup.Answer{
			Policy: &p, Object: lookup.Registrar, Registrar: &registry.Registrar{Name: "R", VoiceExt: "1", Fax: "+1.2", FaxExt: "3"},
		})), "Registrar: R\r\nFax Number: +1.2\r\nFax Ext: 3\r\n>>>", "Phone"},
		{"several registrars of a name", string(AppendAnswer(nil, &lookup.Answer{
			Policy: &p, Class: lookup.Invalid, Ambiguous: true,
		})), "Malformed request.\r\nThere is more than one registrar", ""},
	} {
		t.Run(test.rule, func(t *testing.T) {
			if !strings.Contains(test.answer, test.holds) {
				t.Errorf("the answer lacks %q:\n%s", test.holds, test.answer)
			}
			if test.lacks != "" && strings.Contains(test.answer, test.lacks) {
				t.Errorf("the answer holds %q:\n%s", test.lacks, test.answer)
			}
		})
	}
}

// An answer never passes 64 KiB (W-10), whatever a registry holds.
func TestAnswersAreBounded(t *testing.T) {
	long := strings.Repeat("\u00e9", registry.MaxText/2)
	p := policy("coop")
	p.Disclaimer = strings.Repeat(strings.Repeat("x", 99)+"\n", MaxText/100-1) + "x"
	r := &registry.Registrar{Name: long, URL: "https://" + long, WhoisServer: strings.Repeat("w", registry.MaxName), AbuseEmail: long, AbusePhone: long, IANA: 1}
	host := lookup.Host{Nameserver: registry.Nameserver{Name: strings.Repeat("n", registry.MaxName)}, Registrar: r}
	contact := registry.Contact{
		ROID: long, Name: long, Org: long, Street: []string{long, long, long, long}, City: long, SP: long, PC: long, CC: long,
		Voice: long, VoiceExt: long, Fax: long, FaxExt: long, Email: long,
	}
	a := lookup.Answer{
		Policy: &p, Object: lookup.Domain, Registrar: r, HasRegistrant: true, Registrant: contact, HasTech: true, Tech: contact,
		Domain: registry.Domain{Name: host.Name, UName: long, ROID: long, Reseller: long, Statuses: 1<<24 - 1, Created: 1, Updated: 1, Expires: 1},
	}
	for range registry.MaxList {
		a.Hosts = append(a.Hosts, host)
		a.Domain.DS = append(a.Domain.DS, registry.DS{KeyTag: 65535, Algorithm: 255, DigestType: 255, Digest: strings.Repeat("F", 512)})
	}
	for _, object := range []lookup.Object{lookup.Domain, lookup.Nameservers} {
		a.Object = object
		answer := string(AppendAnswer(nil, &a))
		if len(answer) > maxAnswer {
			t.Errorf("an answer about a %s has %d bytes, at most %d are allowed", object, len(answer), maxAnswer)
		}
		if !strings.HasSuffix(answer, "\r\nx\r\n") || !strings.Contains(answer, "The list was cut at ") {
			t.Errorf("the tail is missing: ...%q", answer[len(answer)-200:])
		}
	}
	var zones []any
	for i := range 500 {
		zones = append(zones, &registry.TLD{Name: fmt.Sprintf("zone%d", i)})
	}
	s := newServer(cachetest.Build(zones...), nil)
	for _, query := range []string{"?", "example.com"} {
		if answer := ask(s, query); !strings.Contains(answer, " or others\r\n") {
			t.Errorf("%q: the list of zones is not cut: %s", query, answer)
		} else {
			checkLines(t, answer)
		}
	}
}

// checkLines reports a line that is too long.
func checkLines(t *testing.T, answer string) {
	t.Helper()
	for line := range strings.Lines(answer) {
		if len(line) >= 1000 {
			t.Errorf("a line has %d bytes: %s", len(line), line)
		}
	}
}

var typical = []struct{ name, query string }{
	{"redacted", "example.coop"},
	{"published", "published.coop"},
	{"miss", "unregistered.coop"},
	{"idn", "xn--caf-dma.coop"},
	{"host", "nameserver ns1.example.coop"},
	{"address", "192.0.2.10"},
	{"registrar", "registrar 9999"},
	{"help", "?"},
	{"junk", "foo*.coop"},
}

func TestAnswersMakeNoGarbage(t *testing.T) {
	s := newServer(cachetest.WHOIS(), nil)
	w := new(worker)
	line := make([]byte, 0, 64)
	for _, test := range typical {
		for _, terms := range []terms{welcome, crowded, swamped} {
			respond := func() {
				line = append(line[:0], test.query...) // parsing changes it
				s.respond(w, line, stranger, terms)
			}
			if allocs := testing.AllocsPerRun(1000, respond); allocs != 0 {
				t.Errorf("%q on terms %d: %v allocations, want 0", test.query, terms, allocs)
			}
		}
	}
}

func BenchmarkAppendAnswer(b *testing.B) {
	s := newServer(cachetest.WHOIS(), nil)
	for _, bench := range typical {
		b.Run(bench.name, func(b *testing.B) {
			query, err := lookup.ParseLine([]byte(bench.query))
			if err != nil && bench.name != "junk" {
				b.Fatal(err)
			}
			var a lookup.Answer
			s.Finder.Find(s.Cache.Current(), &query, time.Now(), &a)
			dst := s.prebuilt.appendAnswer(nil, &a)
			b.SetBytes(int64(len(dst)))
			b.ReportAllocs()
			for b.Loop() {
				dst = s.prebuilt.appendAnswer(dst[:0], &a)
			}
		})
	}
}

// BenchmarkRespond is all that a query costs between reading and writing.
func BenchmarkRespond(b *testing.B) {
	s := newServer(cachetest.WHOIS(), nil)
	for _, bench := range typical {
		b.Run(bench.name, func(b *testing.B) {
			w := new(worker)
			line := make([]byte, 0, 64)
			b.ReportAllocs()
			for b.Loop() {
				line = append(line[:0], bench.query...)
				s.respond(w, line, stranger, welcome)
			}
		})
	}
}
