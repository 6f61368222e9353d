package e2e

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"rddsd/cache"
	"rddsd/cache/registry"
	"rddsd/cache/registry/synthetic"
	"rddsd/server/lookup"
	"rddsd/server/rdap"
	"rddsd/server/whois"
)

// TestProtocolsAgree renders generated names in both protocols and compares
// every field and every redaction (whois.md A-10), and finds no value in an
// answer that is not the registry's (A-08 looks at it from the other side).
func TestProtocolsAgree(t *testing.T) {
	names := 20_000
	if *long {
		names = 100_000
	}
	view, domains := generatedView(t, names)
	finder := lookup.NewFinder(lookup.NewPolicies(nil, func(tld string) lookup.Policy {
		return lookup.Policy{TLD: tld, BaseURL: "https://rdap.nic.coop/", TermsURL: "https://whois.nic.coop/terms", HelpURL: "https://rdap.nic.coop/help", Redaction: redactedText, Disclaimer: whois.Disclaimer(tld, "https://whois.nic.coop/terms")}
	}))
	var (
		answer        lookup.Answer
		text, body    []byte
		compared, bad int
	)
	now := time.Unix(0, 0)
	for _, name := range domains {
		query := lookup.Query{Question: lookup.AskDomain, Name: name}
		finder.Find(view, &query, now, &answer)
		if answer.Class != lookup.Found && answer.Class != lookup.Reserved {
			t.Fatalf("%s is %s", name, answer.Class)
		}
		if answer.Class == lookup.Reserved {
			continue
		}
		for _, degraded := range []bool{false, true} {
			if degraded {
				answer.WithoutContacts()
			}
			text = whois.AppendAnswer(text[:0], &answer)
			var status int
			body, status = rdap.AppendBody(body[:0], &answer, []byte("https://rdap.nic.coop/domain/"+name))
			if status != 200 {
				t.Fatalf("%s: RDAP status %d", name, status)
			}
			compared++
			left, right := whoisFields(string(text)), rdapFields(t, body)
			if diff := difference(left, right); diff != "" {
				if bad++; bad <= 5 {
					t.Errorf("%s (degraded %v):\n%s\n%s\n%s", name, degraded, diff, text, body)
				}
			}
		}
	}
	t.Logf("compared %d answers in both protocols, %d differ", compared, bad)
	if compared < names {
		t.Errorf("only %d answers were compared", compared)
	}
}

const redactedText = "REDACTED FOR PRIVACY"

func generatedView(t *testing.T, names int) (*cache.View, []string) {
	t.Helper()
	g, err := synthetic.New(synthetic.Params{Names: names, Seed: 7})
	must(t, err)
	builder := cache.NewBuilder(names)
	var list []string
	put := func(kind registry.Kind, name string, row []byte) error {
		return builder.Put(cache.Change{Key: cache.Key{Kind: kind, Name: name}, Row: string(row)})
	}
	clock := registry.TimeOf(g.Now)
	must(t, g.Each(synthetic.Sink{
		TLD: func(o *registry.TLD) error { return put(registry.KindTLD, o.Name, registry.AppendTLD(nil, o)) },
		Registrar: func(o *registry.Registrar) error {
			return put(registry.KindRegistrar, o.ClID, registry.AppendRegistrar(nil, o))
		},
		Contact: func(o *synthetic.Contact) error {
			return put(registry.KindContact, o.ROID, registry.AppendContact(nil, &o.Contact))
		},
		Host: func(o *registry.Nameserver) error {
			return put(registry.KindHost, o.ROID, registry.AppendNameserver(nil, o))
		},
		Domain: func(o *synthetic.Domain) error {
			list = append(list, o.Name)
			published := o.Published(clock)
			return put(registry.KindDomain, o.Name, registry.AppendDomain(nil, &published))
		},
		Reserved: func(o *registry.Reserved) error {
			return put(registry.KindReserved, o.Name, registry.AppendReserved(nil, o))
		},
	}))
	if rejected := builder.Rejected(); len(rejected) > 0 {
		t.Fatalf("the generator's rows are rejected: %v", rejected)
	}
	view, err := builder.View(cache.Position{}, clock, time.Now().Add(time.Hour))
	must(t, err)
	return view, list
}

// fields is what an answer tells, under the labels of WHOIS. A redaction is the
// value redactedText.
type fields map[string][]string

func (f fields) add(label, value string) {
	if value != "" {
		f[label] = append(f[label], value)
	}
}

// compared are the labels that both protocols show in the same words.
var compared = []string{
	"Domain Name", "Internationalized Domain Name", "Registry Domain ID", "Updated Date", "Creation Date", "Registry Expiry Date",
	"Registrar", "Registrar IANA ID", "Registrar Abuse Contact Email", "Registrar Abuse Contact Phone", "Registrar URL", "Domain Status", "Name Server", "DNSSEC DS Data",
	"Registry Registrant ID", "Registrant Name", "Registrant Organization", "Registrant Street", "Registrant City", "Registrant State/Province",
	"Registrant Postal Code", "Registrant Country", "Registrant Phone", "Registrant Phone Ext", "Registrant Fax", "Registrant Fax Ext", "Registrant Email",
	"Registry Tech ID", "Tech Name", "Tech Phone", "Tech Phone Ext", "Tech Email", "Last update",
}

// difference tells where two answers differ, but for what the standard lets
// RDAP do alone: call the registrant's phone and e-mail redacted where they were
// never held (whois.md R-05).
func difference(whois, rdap fields) string {
	var lines []string
	for _, label := range compared {
		w, r := slices.Clone(whois[label]), slices.Clone(rdap[label])
		if label == "Registrant Phone" && len(w) == 0 && slices.Equal(r, []string{redactedText}) {
			continue
		}
		slices.Sort(w)
		slices.Sort(r)
		if !slices.Equal(w, r) {
			lines = append(lines, fmt.Sprintf("%s: WHOIS %q, RDAP %q", label, w, r))
		}
	}
	return strings.Join(lines, "\n")
}

func whoisFields(text string) fields {
	f := fields{}
	for line := range strings.SplitSeq(text, "\r\n") {
		label, value, _ := strings.Cut(line, ": ")
		switch {
		case label == "Domain Status":
			code, _, _ := strings.Cut(value, " ")
			status, _ := registry.ParseStatus(code)
			value = status.RDAP()
		case strings.HasSuffix(label, " Email") && strings.HasPrefix(value, "Please query the RDDS service"):
			value = redactedText
		case label == "DNSSEC DS Data":
			value = strings.ToUpper(value)
		case strings.HasPrefix(label, ">>> Last update"):
			label, value = "Last update", strings.TrimSuffix(value, " <<<")
		}
		f.add(label, value)
	}
	return f
}

type rdapEntity struct {
	Handle     string
	Roles      []string
	PublicIDs  []struct{ Identifier string }
	VcardArray []json.RawMessage
	Entities   []rdapEntity
	Links      []struct{ Rel, Href string }
}

func rdapFields(t *testing.T, body []byte) fields {
	t.Helper()
	var b struct {
		Handle, LdhName, UnicodeName string
		Status                       []string
		Events                       []struct{ EventAction, EventDate string }
		Nameservers                  []struct{ LdhName string }
		SecureDNS                    struct {
			DsData []struct {
				KeyTag, Algorithm, DigestType int
				Digest                        string
			}
		}
		Entities []rdapEntity
		Redacted []struct{ Name struct{ Type string } }
	}
	must(t, json.Unmarshal(body, &b))
	f := fields{"Domain Status": b.Status}
	f.add("Domain Name", b.LdhName)
	f.add("Internationalized Domain Name", b.UnicodeName)
	f.add("Registry Domain ID", b.Handle)
	for _, e := range b.Events {
		f.add(map[string]string{
			"registration": "Creation Date", "expiration": "Registry Expiry Date", "last changed": "Updated Date",
			"last update of RDAP database": "Last update",
		}[e.EventAction], e.EventDate)
	}
	for _, n := range b.Nameservers {
		f.add("Name Server", n.LdhName)
	}
	for _, d := range b.SecureDNS.DsData {
		f.add("DNSSEC DS Data", strings.ToUpper(fmt.Sprintf("%d %d %d %s", d.KeyTag, d.Algorithm, d.DigestType, d.Digest)))
	}
	for _, r := range b.Redacted {
		switch r.Name.Type {
		case "Registrant Phone Ext", "Registrant Fax Ext":
			// WHOIS omits a withheld extension: there is no information in it.
		default:
			f.add(r.Name.Type, redactedText)
		}
	}
	for _, e := range b.Entities {
		switch e.Roles[0] {
		case "registrar":
			f.card(t, "", e)
			f.add("Registrar", first(f, "Name"))
			f.add("Registrar IANA ID", e.Handle)
			for _, l := range e.Links {
				if l.Rel == "about" {
					f.add("Registrar URL", l.Href)
				}
			}
			for _, nested := range e.Entities {
				if nested.Roles[0] == "abuse" {
					f.card(t, "Registrar Abuse Contact ", nested)
				}
			}
		case "registrant":
			f.add("Registry Registrant ID", e.Handle)
			f.card(t, "Registrant ", e)
		case "technical":
			f.add("Registry Tech ID", e.Handle)
			f.card(t, "Tech ", e)
		}
	}
	return f
}

func first(f fields, label string) string {
	if len(f[label]) == 0 {
		return ""
	}
	return f[label][0]
}

// card adds what a jCard holds, under prefix.
func (f fields) card(t *testing.T, prefix string, e rdapEntity) {
	t.Helper()
	var properties [][]json.RawMessage
	must(t, json.Unmarshal(e.VcardArray[1], &properties))
	for _, p := range properties {
		var name string
		must(t, json.Unmarshal(p[0], &name))
		switch name {
		case "fn":
			f.add(prefix+"Name", textOf(t, p[3]))
		case "org":
			f.add(prefix+"Organization", textOf(t, p[3]))
		case "email":
			f.add(prefix+"Email", textOf(t, p[3]))
		case "tel":
			var params struct{ Type string }
			must(t, json.Unmarshal(p[1], &params))
			number, ext, _ := strings.Cut(strings.TrimPrefix(textOf(t, p[3]), "tel:"), ";ext=")
			label := prefix + map[string]string{"voice": "Phone", "fax": "Fax"}[params.Type]
			f.add(label, number)
			f.add(label+" Ext", ext)
		case "adr":
			var params struct{ CC string }
			must(t, json.Unmarshal(p[1], &params))
			f.add(prefix+"Country", params.CC)
			var parts []json.RawMessage
			must(t, json.Unmarshal(p[3], &parts))
			var lines []string
			if json.Unmarshal(parts[2], &lines) != nil {
				lines = []string{textOf(t, parts[2])}
			}
			for _, line := range lines {
				f.add(prefix+"Street", line)
			}
			f.add(prefix+"City", textOf(t, parts[3]))
			f.add(prefix+"State/Province", textOf(t, parts[4]))
			f.add(prefix+"Postal Code", textOf(t, parts[5]))
		}
	}
}

func textOf(t *testing.T, raw json.RawMessage) string {
	t.Helper()
	var s string
	must(t, json.Unmarshal(raw, &s))
	return s
}
