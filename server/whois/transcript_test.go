package whois

import (
	"flag"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"rddsd/cache"
	"rddsd/cache/cachetest"
	"rddsd/cache/registry"
	"rddsd/ratelimit"
	"rddsd/server/listen"
	"rddsd/server/lookup"
	"rddsd/server/tally"
)

var update = flag.Bool("update", false, "rewrite the transcripts in testdata with what the server answers now")

const terms2024 = "https://whois.nic.coop/terms"

// policy is that of the worked examples (whois.md §7).
func policy(tld string) lookup.Policy {
	return lookup.Policy{
		TLD: tld, BaseURL: "https://rdap.nic.coop/", TermsURL: terms2024,
		Disclaimer: Disclaimer(tld, terms2024), Redaction: "REDACTED FOR PRIVACY",
	}
}

// newServer returns a Server that answers from view without limits; change may
// alter the policy.
func newServer(view *cache.View, change func(*lookup.Policy)) *Server {
	s := &Server{
		Cache: new(cache.Cache),
		Finder: lookup.NewFinder(lookup.NewPolicies(nil, func(tld string) lookup.Policy {
			p := policy(tld)
			if change != nil {
				change(&p)
			}
			return p
		})),
		Limiter: ratelimit.New(ratelimit.Config{Mode: ratelimit.Off}, time.Now()),
		Tally:   new(tally.Tally),
		Caps:    listen.NewCaps(listen.Limits{}),
		Log:     slog.New(slog.DiscardHandler),

		ArrivalTimeout: 20 * time.Millisecond,
	}
	s.Cache.Publish(view)
	return s
}

var stranger = ratelimit.ClientAt(netip.MustParseAddr("192.0.2.77"))

// ask returns what s answers to line, without the network.
func ask(s *Server, line string) string {
	w := new(worker)
	s.respond(w, []byte(line), stranger, welcome)
	return string(w.out)
}

// TestTranscripts is A-01: it holds every answer of whois.md §7, in both profiles, and
// more, to the byte. TestRefusals has those that no quiet server gives. Each file has queries behind "> " and under them their common answer, line ends as
// LF, parted from the next query by a blank line.
func TestTranscripts(t *testing.T) {
	full := cachetest.WHOIS()
	for _, test := range []struct {
		file  string
		serve func() *Server
	}{
		{"profile2024.txt", func() *Server { return newServer(full, nil) }},
		{"profile2017.txt", func() *Server {
			return newServer(full, func(p *lookup.Policy) { p.Profile = lookup.Profile2017 })
		}},
		{"limits_in_help.txt", func() *Server {
			return newServer(full, func(p *lookup.Policy) { p.Limits = "The limits are 60 look-ups back to back, then 5 a second." })
		}},
		{"limited.txt", func() *Server {
			s := newServer(full, nil)
			s.Limiter = ratelimit.New(ratelimit.Config{Rate: 1.0 / 38, Burst: 1}, time.Now())
			return s
		}},
		{"own_words.txt", func() *Server {
			return newServer(full, func(p *lookup.Policy) {
				p.Disclaimer, p.Redaction, p.HideReserved = "", "Data withheld", true
				p.Complaint, p.StatusHelp = "URL of the complaint form: https://www.nic.coop/form", "Status codes are explained at https://www.nic.coop/codes"
			})
		}},
		{"stale.txt", func() *Server { return newServer(staleView(), nil) }},
		{"several_tlds.txt", func() *Server { return newServer(severalTLDs(), nil) }},
		{"contacts.txt", func() *Server { return newServer(full, func(p *lookup.Policy) { p.Contacts = true }) }},
		{"states.txt", func() *Server { return newServer(states(t), nil) }},
		{"port43_off.txt", func() *Server {
			s := newServer(severalTLDs(), nil)
			off, on := policy("coop"), policy("co.example")
			off.Port43Off = true
			s.Finder.SetPolicies(lookup.NewPolicies([]lookup.Policy{off, on}, policy))
			return s
		}},
		{"port43_off_everywhere.txt", func() *Server {
			s := newServer(full, nil)
			off := policy("coop")
			off.Port43Off = true
			s.Finder.SetPolicies(lookup.NewPolicies([]lookup.Policy{off}, policy))
			return s
		}},
	} {
		t.Run(test.file, func(t *testing.T) {
			path := filepath.Join("testdata", test.file)
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			var got strings.Builder
			s, last := test.serve(), ""
			for _, query := range queries(string(want)) {
				answer := lines(t, query, ask(s, query))
				if answer != last && last != "" {
					got.WriteString(last + "\n")
				}
				got.WriteString("> " + query + "\n")
				last = answer
			}
			got.WriteString(last)
			if *update {
				if err := os.WriteFile(path, []byte(got.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if got.String() != string(want) {
				t.Errorf("%s differs:\n%s", path, firstDifference(got.String(), string(want)))
			}
		})
	}
}

// queries returns the lines behind "> " in a transcript.
func queries(transcript string) []string {
	var queries []string
	for line := range strings.Lines(transcript) {
		if query, ok := strings.CutPrefix(line, "> "); ok {
			queries = append(queries, strings.TrimSuffix(query, "\n"))
		}
	}
	return queries
}

// lines returns answer with its CR LF as LF, after checking that every line
// ends with CR LF and nothing else holds either (W-08).
func lines(t *testing.T, query, answer string) string {
	t.Helper()
	text := strings.ReplaceAll(answer, "\r\n", "\n")
	if strings.Count(answer, "\n") != strings.Count(answer, "\r\n") || strings.Contains(text, "\r") || !strings.HasSuffix(answer, "\r\n") {
		t.Errorf("%q: the lines of the answer do not all end with CR LF: %q", query, answer)
	}
	return text
}

func firstDifference(got, want string) string {
	g, w := strings.SplitAfter(got, "\n"), strings.SplitAfter(want, "\n")
	for i := range min(len(g), len(w)) {
		if g[i] != w[i] {
			return "line " + strconv.Itoa(i+1) + "\n got  " + g[i] + " want " + w[i]
		}
	}
	return "one goes on after line " + strconv.Itoa(min(len(g), len(w)))
}

// staleView is the fixture with data too old to tell a miss.
func staleView() *cache.View {
	view := cachetest.WHOIS()
	return view.Refreshed(view.AsOf(), time.Unix(0, 0))
}

// states is the fixture with names that are neither registered for all to see nor
// free, and with a registrar that holds no contacts.
func states(t *testing.T) *cache.View {
	t.Helper()
	view := cachetest.WHOIS()
	to := view.Position()
	to.Serial++
	day := view.AsOf()
	domain := func(name, roid, registrar string, statuses registry.Status) *registry.Domain {
		return &registry.Domain{
			Name: name, ROID: roid, Registrar: registrar, Registrant: "C2000001-COOP", Tech: []string{"C2000002-COOP"},
			Statuses: statuses, Created: day, Expires: day,
		}
	}
	view, rejected, err := view.Apply(cache.Delta{To: to, AsOf: day, Changes: []cache.Change{
		cachetest.Change(&registry.Registrar{ClID: "thin", IANA: 9997, Name: "Thin Names", ContactModel: registry.ModelMinimum}),
		cachetest.Change(&registry.Reserved{Name: "blocked.coop", Reason: registry.ReasonBlocked}),
		cachetest.Change(&registry.Reserved{Name: "later.coop", Reason: registry.ReasonWithheld, PublicText: "Kept for a later allocation."}),
		cachetest.Change(&registry.Reserved{Name: "xn--caf-8ka.coop", Reason: registry.ReasonVariant, Of: "xn--caf-dma.coop"}),
		cachetest.Change(domain("pending.coop", "D9000001-COOP", "example", registry.PendingCreate)),
		cachetest.Change(domain("leaving.coop", "D9000002-COOP", "example", registry.PendingDelete|registry.RedemptionPeriod)),
		cachetest.Change(domain("thin.coop", "D9000003-COOP", "thin", 0)),
		cachetest.Rejected(registry.KindDomain, "poison.coop", registry.RejectDate),
	}}, cachetest.Forever())
	if err != nil || len(rejected) != 1 {
		t.Fatalf("%v, %v", rejected, err)
	}
	return view
}

// severalTLDs is a registry with three zones.
func severalTLDs() *cache.View {
	return cachetest.Build(&registry.TLD{Name: "coop"}, &registry.TLD{Name: "co.example"}, &registry.TLD{Name: "xn--j1aef"})
}
