package whois

import (
	"fmt"
	"net/netip"
	"regexp"
	"strings"
	"testing"
	"time"

	"rddsd/cache/cachetest"
	"rddsd/ratelimit"
	"rddsd/server/lookup"
)

// What parsers look for, in lower case, as whois.md §4 lists it: told a second
// time, so that a word that slips out of the server's own list is missed here.
var (
	saysFree = strings.Split("no match|not found|no found|no entries found|no data found|no object found|nothing found|"+
		"no matching record|object does not exist|domain name not known|domain you requested is not known|"+
		"available for re-registration|invalid query|not available|not registered|not been registered|not match|is free|"+
		"query returned 0 objects|but this server does not have|status: free|status: available", "|")
	saysLimited = strings.Split("limit exceeded|exceeded your query limit|quota exceeded|exceeded the maximum allowable|"+
		"restricted due to excessive queries|due to query limit controls|you have exceeded your allotted number of|"+
		"maximum daily connection limit reached|maximum query rate reached|number of allowed queries exceeded|server too busy|"+
		"query rate of|lookup quota exceeded|too many requests|your connection limit exceeded|you have exceeded this limit", "|")
	saysReserved = strings.Split("reserved by registry|reserved domain name|reserved by the registry|can not be registered online|"+
		"this name is not available for registration", "|")

	domainThenName = regexp.MustCompile(`(?i)domain(\s+name)?\s+\S+\.\S\S`)
	anyEmail       = regexp.MustCompile(`\S@\S`)
	labelAndValue  = regexp.MustCompile(`(?m)^[^:\r\n]*:(\s|$)`)
)

// TestNoClassReadsAsAnother is A-05: each fixed text, in both profiles, holds what
// parsers know its class by, and nothing that they know another by (§4.4). What is
// configured is held against the same words by FuzzCheckText.
func TestNoClassReadsAsAnother(t *testing.T) {
	for _, profile := range []lookup.Profile{lookup.Profile2024, lookup.Profile2017} {
		classesReadAsThemselves(t, profile)
	}
}

func classesReadAsThemselves(t *testing.T, profile lookup.Profile) {
	t.Helper()
	s := newServer(cachetest.WHOIS(), func(p *lookup.Policy) {
		p.Profile, p.Contacts = profile, true
		p.Limits = "The limits are 60 look-ups back to back, then 5 a second."
	})
	elsewhere := newServer(cachetest.WHOIS(), nil)
	off := policy("coop")
	off.Port43Off = true
	elsewhere.Finder.SetPolicies(lookup.NewPolicies([]lookup.Policy{off}, policy))
	p := policy("coop")
	d := ratelimit.Decision{Network: netip.MustParsePrefix("192.0.2.0/24"), RetryIn: time.Minute}
	refused := string(appendRefusal(nil, &p, d))
	d.RetryIn = 0
	denied := string(appendRefusal(nil, &p, d))
	for _, test := range []struct {
		class, text           string
		free, limited, closed bool // may it read as free, limited, reserved?
		record                bool // it has fields
	}{
		{"found", ask(s, "example.coop"), false, false, false, true},
		{"found", ask(s, "published.coop"), false, false, false, true},
		{"found", ask(s, "nameserver ns1.example.coop"), false, false, false, true},
		{"found", ask(s, "192.0.2.10"), false, false, false, true},
		{"found", ask(s, "registrar 9999"), false, false, false, true},
		{"found", ask(s, "contact C2000001-COOP"), false, false, false, true},
		{"notfound", ask(s, "contact C1-COOP"), true, false, false, false},
		{"notfound", ask(s, "unregistered.coop"), true, false, false, false},
		{"notfound", ask(s, "ns9.unregistered.coop"), true, false, false, false},
		{"notfound", ask(s, "192.0.2.99"), true, false, false, false},
		{"notfound", ask(s, "registrar nobody"), true, false, false, false},
		{"notfound", ask(s, "roid D1-COOP"), true, false, false, false},
		{"reserved", ask(s, "shop.coop"), false, false, true, false},
		{"invalid", ask(s, "foo*.coop"), false, false, false, false},
		{"invalid", string(appendInvalid(nil, &lookup.Answer{Ambiguous: true})), false, false, false, false},
		{"othertld", ask(s, "example.com"), false, false, false, false},
		{"othertld", ask(elsewhere, "example.coop"), false, false, false, false},
		{"help", ask(elsewhere, "?"), false, false, false, false},
		{"help", ask(s, "?"), false, false, false, false},
		{"limited", refused, false, true, false, false},
		{"limited", denied, false, true, false, false},
		{"busy", busyText, false, true, false, false},
		{"unknown", unavailableText, false, false, false, false},
		{"disclaimer", Disclaimer("coop", terms2024), false, false, false, false},
	} {
		lower := strings.ToLower(test.text)
		for _, signs := range []struct {
			of    string
			words []string
			may   bool
		}{{"free", saysFree, test.free}, {"limited", saysLimited, test.limited}, {"reserved", saysReserved, test.closed}} {
			holds := ""
			for _, word := range signs.words {
				if strings.Contains(lower, word) {
					holds = word
				}
			}
			if (holds != "") != signs.may {
				t.Errorf("%s reads as %s: %v, because of %q; want %v\n%s", test.class, signs.of, holds != "", holds, signs.may, test.text)
			}
		}
		if test.record {
			continue
		}
		body := lower
		if i := strings.Index(lower, ">>> last update"); i >= 0 {
			end := i + strings.Index(lower[i:], "\n") + 1
			body = lower[:i] + lower[end:]
		}
		body = strings.Replace(body, "the queried object does not exist:", "", 1) // the line that CentralNic's parsers want
		for _, form := range []*regexp.Regexp{domainThenName, anyEmail, labelAndValue} {
			if m := form.FindString(body); m != "" {
				t.Errorf("%s holds %q, which reads as a record\n%s", test.class, m, test.text)
			}
		}
	}
}

// FuzzCheckText is A-05 for configured texts: what may be configured reads as no
// class, makes no field and breaks no line.
func FuzzCheckText(f *testing.F) {
	for _, words := range [][]string{saysFree, saysLimited, saysReserved} {
		for _, word := range words {
			f.Add(word)
			f.Add("Some " + strings.ToUpper(strings.Replace(word, " ", "\n", 1)) + ".")
		}
	}
	for _, text := range []string{"a\tb", "a: b", "a:", "x@y.example", "domain  x.coop", "&amp;", " a", "a \nb", "\u2028", "plain", Disclaimer("coop", terms2024)} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if CheckText(text) != nil || text == "" {
			return
		}
		wire := string(appendLines(nil, text))
		if _, err := checkWire(wire); err != nil {
			t.Errorf("CheckText passes %q, but %v", text, err)
		}
		// Some parsers look over line ends, and take any blanks for one.
		lower := strings.Join(strings.Fields(strings.ToLower(text)), " ")
		for _, words := range [][]string{saysFree, saysLimited, saysReserved} {
			for _, word := range words {
				if strings.Contains(lower, word) {
					t.Errorf("CheckText passes %q, which holds %q", text, word)
				}
			}
		}
		for _, form := range []*regexp.Regexp{domainThenName, anyEmail, labelAndValue} {
			if m := form.FindString(wire); m != "" {
				t.Errorf("CheckText passes %q, in which %q reads as a record", text, m)
			}
		}
	})
}

// The texts begin with what parsers know their class by.
func TestFirstLines(t *testing.T) {
	s := newServer(cachetest.WHOIS(), nil)
	for query, want := range map[string]string{
		"example.coop": "Domain Name: example.coop\r\n", "unregistered.coop": "Domain not found.\r\n", "shop.coop": "Reserved by Registry\r\n",
		"example.com": "Malformed request.\r\n", "?": "% .coop registry WHOIS server\r\n",
	} {
		if got := ask(s, query); !strings.HasPrefix(got, want) {
			t.Errorf("%q is answered %q..., want %q", query, got[:min(len(got), 60)], want)
		}
	}
}

var echoed = regexp.MustCompile(`"([^"\r\n]*)"`)

// FuzzAnswer is A-09: whatever the line, one class, one well-formed answer, and
// no byte of the query in it that is not of a name or an address.
func FuzzAnswer(f *testing.F) {
	for _, test := range typical {
		f.Add([]byte(test.query))
	}
	for _, line := range []string{
		"", " ", "x", "\xFF\xFD\x03example.coop", "\xFF\xF4\xFF\xFD\x06", "GET / HTTP/1.1", "\x16\x03\x01\x02\x00", "-T dn example.coop", "=example.coop",
		"full example.coop", "nameserver 2001:db8::1", "CAFÉ.coop", "ｅｘａｍｐｌｅ.coop", "xn--a.coop", "a_b.coop", "roid D1-COOP", "registrar ", "\"example.coop\"",
		"https://example.coop/", "a..coop", "192.0.2.1/24", "No match for \"x\".\r\nRegistrar: y", "registrar \x1b[2J", "-.coop", "&amp;.coop", strings.Repeat("a", 600),
		"contact C2000001-COOP", "handle c2000002-coop", "C1-COOP", "contact C*", "contact \x1b[2J",
	} {
		f.Add([]byte(line))
	}
	s := newServer(cachetest.WHOIS(), func(p *lookup.Policy) { p.Contacts = true })
	w := new(worker)
	f.Fuzz(func(t *testing.T, line []byte) {
		if len(line) > maxRead {
			return
		}
		before := total(s)
		asked := fmt.Sprintf("%q", line)
		ok := s.respond(w, line, stranger, welcome)
		if n := total(s) - before; ok && n != 1 || !ok && n != 0 {
			t.Fatalf("%s was counted %d times, answered %v", asked, n, ok)
		}
		if !ok {
			return
		}
		answer := string(w.out)
		if _, err := checkWire(answer); err != nil {
			t.Fatalf("%s: %v\n%s", asked, err, answer)
		}
		if s.Counts().Panics > 0 || answer == unavailableText {
			t.Fatalf("%s is answered as a fault", asked)
		}
		for _, m := range echoed.FindAllStringSubmatch(answer, -1) {
			if strings.Trim(m[1], "abcdefghijklmnopqrstuvwxyz0123456789-_.:") != "" {
				t.Errorf("%s: the answer echoes %q", asked, m[1])
			}
		}
		for _, r := range answer {
			if r > '~' && !strings.Contains(answer, "Internationalized Domain Name: café.coop\r\n") {
				t.Errorf("%s: the answer holds %q, which no text of ours does", asked, r)
			}
		}
	})
}

// total is how many queries s has counted, of every class.
func total(s *Server) (n uint64) {
	for c := range s.Tally.Totals() {
		n += c.N
	}
	return n
}
