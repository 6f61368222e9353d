package whois

import (
	"bytes"
	"flag"
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"rddsd/cache/cachetest"
	"rddsd/cache/registry"
	"rddsd/ratelimit"
	"rddsd/server/lookup"
)

var long = flag.Bool("long", false, "check 100,000 generated records")

// records is how many generated records the grammar is checked over.
func records() int {
	if *long {
		return 100_000
	}
	return someRecords
}

// dealer deals objects that a registry could publish, by the forms that EPP
// gives their fields, with texts as awkward as EPP lets them be. It remembers
// nothing; the same seed deals the same.
type dealer struct {
	*rand.Rand
	n int
}

// token is a value that occurs nowhere else.
func (d *dealer) token() string {
	d.n++
	return fmt.Sprintf("tok%dq", d.n)
}

var (
	awkward = []string{
		"Smith &amp; Sons", "&#10;Registrar: Evil", "A & B; C", "&copy", "a &lt; b &gt; c &#x41;",
		"x\r\nDomain Status: ok", "x\rRegistrar: Evil", "x\ny", "\ttab\tbed\t", "  blanks   everywhere  ",
		"nul\x00 esc\x1b[2J bel\x07 del\x7f", "c1\u0085\u009b31m", "sep\u2028para\u2029graph",
		"\u202eevil\u202c", "\u2067iso\u2069", "\ufeffbom", "שלום עולם", "شركة تعاونية محدودة", "می\u200cخواهم", "क्\u200dष",
		"\U0001F35E\U0001F468\u200d\U0001F33E", "生活\u3000協同組合", "e\u0301te\u0301", "Not Found Films Co-op", "No match for us",
		"Registrar WHOIS Server: whois.evil.example", "refer: whois.evil.example", "whois://evil.example", "ReferralServer: rwhois://evil.example",
		">>> Last update of WHOIS database: 1970-01-01T00:00:00Z <<<", "% Error: 55000000002", "-- ", "domain evil.example",
		"WHOIS LIMIT EXCEEDED", "<script>alert(1)</script>", `"quoted"`, "'; drop table domain; --", "=xxx", "\\r\\n",
	}
	blankOnly = []string{" ", "\t\r\n", "\u2028", "\x00"}
	scripts   = []rune{'a', 'Z', '7', 'é', 'ß', 'ж', 'Ω', 'ح', 'ש', '中', 'ア', '한', 'क', '\U0001F35E', '&', ';', '#', ':', '.', ' ', ' '}
)

// text is a value of one line with a token in it, at most 255 characters.
func (d *dealer) text() string {
	switch d.IntN(12) {
	case 0:
		var long strings.Builder
		for range 245 {
			long.WriteRune(scripts[d.IntN(len(scripts))])
		}
		return d.token() + long.String()
	case 1:
		return d.token() + strings.Repeat("\U0001F33E", 240)
	case 2, 3, 4, 5:
		return awkward[d.IntN(len(awkward))] + " " + d.token()
	case 6:
		return d.token() + awkward[d.IntN(len(awkward))]
	default:
		return d.token()
	}
}

// maybe is often a text, sometimes nothing, seldom nothing but blanks.
func (d *dealer) maybe() string {
	switch d.IntN(10) {
	case 0, 1:
		return ""
	case 2:
		return blankOnly[d.IntN(len(blankOnly))]
	}
	return d.text()
}

func (d *dealer) pick(values ...string) string { return values[d.IntN(len(values))] }

func (d *dealer) some(max int, value func() string) []string {
	var values []string
	for range d.IntN(max + 1) {
		values = append(values, value())
	}
	return values
}

func (d *dealer) roid(kind byte) string { d.n++; return fmt.Sprintf("%c%d-COOP", kind, d.n) }

func (d *dealer) phone() string {
	return fmt.Sprintf("+%d.%d", 1+d.IntN(999), 1+d.Int64N(99_999_999_999_999))
}

func (d *dealer) email() string { return d.token() + "@" + d.token() + ".example" }

func (d *dealer) host() string {
	return d.pick("ns1.", "a.b.c.", "_x.") + strings.ToLower(d.token()) + d.pick(".coop", ".example", ".xn--j1aef")
}

func (d *dealer) moment() registry.Time { return registry.Time(1 + d.Int64N(int64(registry.MaxTime))) }

func (d *dealer) registrar() *registry.Registrar {
	return &registry.Registrar{
		ClID: d.token(), IANA: 1 + d.IntN(9999999), Name: d.text(), Status: "ok",
		URL: d.pick("https://", "http://") + d.token() + ".example/", WhoisServer: d.pick("", "whois."+d.token()+".example", "http://x.example/"),
		AbuseEmail: d.email(), AbusePhone: d.phone(),
		Street: append(d.some(2, d.maybe), d.text()), City: d.text(), SP: d.maybe(), PC: d.pick("", "OX1 1AA", "1&2; 34"), CC: d.pick("GB", "se", "MX"),
		Voice: d.phone(), VoiceExt: d.pick("", "12"), Fax: d.pick("", d.phone()), FaxExt: d.pick("", "34"), Email: d.email(),
		AdminFN: d.token(), AdminEmail: d.email(), TechFN: d.token(), TechEmail: d.email(),
	}
}

// contact deals a contact with a withheld mark on any of its elements. Values
// stand behind some of the marks, as a faulty view might send them.
func (d *dealer) contact() registry.Contact {
	c := registry.Contact{
		ROID: d.roid('C'), Registrar: d.token(), Handle: d.token(), Name: d.maybe(), Org: d.maybe(), Street: d.some(4, d.maybe), City: d.maybe(),
		SP: d.maybe(), PC: d.pick("", "&amp;", d.token()), CC: d.pick("GB", "se", "MX"),
		Voice: d.pick("", d.phone()), VoiceExt: d.pick("", "12"), Fax: d.pick("", d.phone()), FaxExt: d.pick("", "34"),
		Email: d.pick("", " ", d.email()),
	}
	if d.IntN(4) > 0 {
		c.Redacted = registry.Element(d.IntN(1 << 11))
	}
	return c
}

func (d *dealer) domainAnswer(p *lookup.Policy) *lookup.Answer {
	name := strings.ToLower(d.token()) + ".coop"
	a := &lookup.Answer{
		Policy: p, Object: lookup.Domain, AsOf: d.moment(), Registrar: d.registrar(),
		Domain: registry.Domain{
			Name: name, ROID: d.roid('D'), Reseller: d.maybe(), Statuses: registry.Status(d.IntN(1 << 24)),
			Created: d.moment(), Updated: d.moment() * registry.Time(d.IntN(2)), Expires: d.moment(),
		},
	}
	a.Name = name
	if d.IntN(5) == 0 {
		a.Domain.Name, a.Domain.UName = "xn--"+name, d.text()
	}
	for range d.IntN(5) {
		a.Domain.Hosts = append(a.Domain.Hosts, d.roid('H'))
		a.Hosts = append(a.Hosts, lookup.Host{Nameserver: registry.Nameserver{Name: d.host()}})
	}
	for range d.IntN(3) {
		a.Domain.DS = append(a.Domain.DS, registry.DS{
			KeyTag: uint16(d.Uint32()), Algorithm: uint8(d.Uint32()), DigestType: uint8(d.Uint32()), Digest: strings.Repeat("0F", 20+d.IntN(40)),
		})
	}
	if d.IntN(6) > 0 {
		a.HasRegistrant, a.Registrant = true, d.contact()
		if a.HasTech = d.IntN(3) > 0; a.HasTech {
			a.Tech = d.contact()
		}
	}
	return a
}

// shown is how a value of a record reads in an answer, told another way than
// the server does it: words parted by one blank, entities broken.
func shown(value string) string {
	value = strings.Join(strings.FieldsFunc(value, func(r rune) bool {
		return r == ' ' || unicode.IsControl(r) || r == '\u2028' || r == '\u2029' ||
			'\u202a' <= r && r <= '\u202e' || '\u2066' <= r && r <= '\u2069' || r == '\ufeff'
	}), " ")
	return entityForm.ReplaceAllStringFunc(value, func(entity string) string { return "& " + entity[1:] })
}

// same reports whether the answer shows value under label, if it has anything
// to show. What does not fit its line is cut.
func same(got []string, value string) bool {
	want := shown(value)
	if want == "" {
		return len(got) == 0
	}
	return len(got) == 1 && (got[0] == want || utf8.RuneCountInString(got[0]) > 200 && strings.HasPrefix(want, got[0]))
}

// TestGrammar is A-02: no record of any registry makes an answer that breaks
// the format, and what is disclosed is shown.
func TestGrammar(t *testing.T) {
	old := policy("coop")
	old.Profile = lookup.Profile2017
	young := policy("coop")
	d := &dealer{Rand: rand.New(rand.NewPCG(1, 2))}
	var out []byte
	for i := range records() {
		p, profile := &young, 2024
		if i%2 == 1 {
			p, profile = &old, 2017
		}
		a := d.domainAnswer(p)
		out = AppendAnswer(out[:0], a)
		values, err := checkDomainAnswer(string(out), profile)
		if err != nil {
			t.Fatalf("record %d, profile %d: %v\n%s", i, profile, err, out)
		}
		if !same(values["Reseller"], a.Domain.Reseller) || !same(values["Registrar"], a.Registrar.Name) ||
			!same(values["Internationalized Domain Name"], a.Domain.UName) {
			t.Fatalf("record %d: its texts are not the registry's\n%s", i, out)
		}
		if c := &a.Registrant; a.HasRegistrant {
			for _, e := range []struct {
				label, value string
				element      registry.Element
			}{
				{"Registrant Name", c.Name, registry.ElementName},
				{"Registrant Organization", c.Org, registry.ElementOrg},
				{"Registrant City", c.City, registry.ElementCity},
				{"Registrant State/Province", c.SP, 0},
				{"Registrant Fax", c.Fax, registry.ElementFax},
			} {
				if want := e.value; c.Redacted&e.element == 0 && !same(values[e.label], want) ||
					c.Redacted&e.element != 0 && !same(values[e.label], "REDACTED FOR PRIVACY") {
					t.Fatalf("record %d: %s is %q; the registry holds %q, withheld %v\n%s", i, e.label, values[e.label], want, c.Redacted&e.element != 0, out)
				}
			}
		}
	}
}

// TestGrammarOfOtherRecords is A-02 for what is no domain.
func TestGrammarOfOtherRecords(t *testing.T) {
	p := policy("coop")
	d := &dealer{Rand: rand.New(rand.NewPCG(3, 4))}
	var out []byte
	for i := range records() / 10 {
		a := &lookup.Answer{Policy: &p, Object: lookup.Registrar, AsOf: d.moment(), Registrar: d.registrar()}
		out = AppendAnswer(out[:0], a)
		if n, err := checkRecordsAnswer(string(out), registrarRecord); err != nil || n != 1 {
			t.Fatalf("registrar %d: %d records, %v\n%s", i, n, err, out)
		}

		hosts := &lookup.Answer{Policy: &p, Object: lookup.Nameservers, Name: "192.0.2.1", AsOf: d.moment()}
		a = hosts
		for range 1 + d.IntN(5) {
			a.Hosts = append(a.Hosts, lookup.Host{Nameserver: registry.Nameserver{Name: d.host()}, Registrar: d.registrar()})
		}
		out = AppendAnswer(out[:0], a)
		if n, err := checkRecordsAnswer(string(out), nameserverRecord); err != nil || n != len(a.Hosts) {
			t.Fatalf("name servers %d: %d records of %d, %v\n%s", i, n, len(a.Hosts), err, out)
		}

		a = &lookup.Answer{Policy: &p, Object: lookup.Contact, AsOf: d.moment(), HasRegistrant: true, Registrant: d.contact()}
		out = AppendAnswer(out[:0], a)
		if n, err := checkRecordsAnswer(string(out), contactRecord); err != nil || n != 1 {
			t.Fatalf("contact %d: %d records, %v\n%s", i, n, err, out)
		}

		a = hosts
		a.Object, a.Hosts = lookup.Nameserver, a.Hosts[:1]
		a.Hosts[0].V4, a.Hosts[0].V6 = d.some(3, func() string { return "192.0.2.1" }), d.some(3, func() string { return "2001:db8::1" })
		out = AppendAnswer(out[:0], a)
		if n, err := checkRecordsAnswer(string(out), nameserverRecord); err != nil || n != 1 {
			t.Fatalf("name server %d: %d records, %v\n%s", i, n, err, out)
		}
	}
}

// TestNothingWithheldIsShown is A-08: no value behind a withheld mark is in an
// answer, and none of a contact but state and country in a degraded one; of a name
// and of a contact, in both profiles.
func TestNothingWithheldIsShown(t *testing.T) {
	old := policy("coop")
	old.Profile = lookup.Profile2017
	young := policy("coop")
	d := &dealer{Rand: rand.New(rand.NewPCG(5, 6))}
	var out []byte
	for i := range records() / 4 {
		p, profile := &young, 2024
		if i%2 == 1 {
			p, profile = &old, 2017
		}
		a := d.domainAnswer(p)
		alone := &lookup.Answer{Policy: p, Object: lookup.Contact, HasRegistrant: true, Registrant: d.contact()}
		for _, a := range []*lookup.Answer{a, alone} {
			a.Ask.Shows = ratelimit.Contact
			contacts := []registry.Contact{a.Registrant, a.Tech}
			out = AppendAnswer(out[:0], a)
			for _, c := range contacts {
				for element, tokens := range secrets(&c) {
					if c.Redacted&element != 0 {
						holdsNone(t, out, tokens, "what is withheld: %v of record %d", element.Names(), i)
					}
				}
			}
			a.WithoutContacts()
			if a.Class != lookup.Degraded {
				t.Fatalf("record %d: its class is %s", i, a.Class)
			}
			out = AppendAnswer(out[:0], a)
			var err error
			if a.Object == lookup.Domain {
				_, err = checkDomainAnswer(string(out), profile)
			} else {
				_, err = checkRecordsAnswer(string(out), contactRecord)
			}
			if err != nil {
				t.Fatalf("record %d, degraded: %v\n%s", i, err, out)
			}
			for _, c := range contacts {
				for element, tokens := range secrets(&c) {
					holdsNone(t, out, tokens, "%v of record %d although it is degraded", element.Names(), i)
				}
			}
		}
	}
}

// holdsNone fails the test if answer holds one of tokens; what they are is a format.
func holdsNone(t *testing.T, answer []byte, tokens []string, what string, args ...any) {
	t.Helper()
	for _, token := range tokens {
		if bytes.Contains(answer, []byte(token)) {
			t.Fatalf("the answer shows %q, %s\n%s", token, fmt.Sprintf(what, args...), answer)
		}
	}
}

var tokenForm = regexp.MustCompile(`tok[0-9]+q`)

// secrets returns the tokens and numbers of a contact by element; those of the
// identifier include the EPP one, which is never shown.
func secrets(c *registry.Contact) map[registry.Element][]string {
	found := map[registry.Element][]string{
		registry.ElementID:    {c.ROID, c.Handle},
		registry.ElementVoice: {c.Voice},
		registry.ElementFax:   {c.Fax},
	}
	for element, texts := range map[registry.Element][]string{
		registry.ElementName: {c.Name}, registry.ElementOrg: {c.Org}, registry.ElementStreet: c.Street,
		registry.ElementCity: {c.City}, registry.ElementPC: {c.PC}, registry.ElementEmail: {c.Email},
	} {
		found[element] = tokenForm.FindAllString(strings.Join(texts, " "), -1)
	}
	for element, values := range found {
		kept := values[:0]
		for _, v := range values {
			if len(v) >= 4 {
				kept = append(kept, v)
			}
		}
		found[element] = kept
	}
	return found
}

// A degraded answer has the bytes that contacts which disclose nothing would
// give.
func TestDegradedIsAsIfNothingWereDisclosed(t *testing.T) {
	s := newServer(cachetest.WHOIS(), nil)
	query, err := lookup.ParseLine([]byte("published.coop"))
	if err != nil {
		t.Fatal(err)
	}
	var a lookup.Answer
	s.Finder.Find(s.Cache.Current(), &query, time.Now(), &a)
	a.WithoutContacts()
	got := string(AppendAnswer(nil, &a))
	want := strings.NewReplacer("Domain Name: example.coop", "Domain Name: published.coop", "D1000001-COOP", "D1000002-COOP").
		Replace(ask(s, "example.coop"))
	if got != want {
		t.Errorf("%s", firstDifference(got, want))
	}
}
