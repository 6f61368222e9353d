package rde

import (
	"io"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rddsd/cache/registry"
)

func read(t *testing.T, name string, visit Visitor) Header {
	t.Helper()
	file, err := os.Open("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	header, err := Read(file, visit)
	if err != nil {
		t.Fatal(err)
	}
	return header
}

func TestRead(t *testing.T) {
	var (
		domains   = map[string]registry.Domain{}
		hosts     = map[string]registry.Nameserver{}
		contacts  = map[string]registry.Contact{}
		registrar registry.Registrar
		reserved  registry.Reserved
	)
	header := read(t, "example_full.xml", Visitor{
		Domain:  func(d *Domain) error { domains[d.Name] = d.Domain; return nil },
		Host:    func(n *registry.Nameserver) error { hosts[n.Name] = *n; return nil },
		Contact: func(id string, c *registry.Contact) error { contacts[id] = *c; return nil },
		Registrar: func(r *registry.Registrar) error {
			if r.ClID == "reg-a" {
				registrar = *r
			}
			return nil
		},
		Reserved: func(r *registry.Reserved) error { reserved = *r; return nil },
	})
	if header.Type != "FULL" || header.ID != "20261101001" || header.Watermark.String() != "2026-11-01T00:00:00Z" || !cmp.Equal(header.TLDs, []string{"test"}) || header.Counts[registry.KindDomain] != 4 {
		t.Errorf("header is %+v", header)
	}
	at := func(s string) registry.Time {
		parsed, err := parseTime(s)
		if err != nil {
			t.Fatal(err)
		}
		return parsed
	}
	equal := func(what string, got, want any) {
		t.Helper()
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}
	equal("signed domain", domains["example1.test"], registry.Domain{
		Name: "example1.test", ROID: "D0001-TEST", Registrar: "reg-a", Registrant: "cid-0001", Tech: []string{"cid-0002"},
		Hosts:    []string{"ns1.example1.test", "ns2.provider.example"},
		DS:       []registry.DS{{KeyTag: 12345, Algorithm: 13, DigestType: 2, Digest: "49FD46E6C4B45C55D4AC49FD46E6C4B45C55D4AC49FD46E6C4B45C55D4AC0123"}},
		Statuses: registry.ClientTransferProhibited, Created: at("2019-04-03T22:00:00Z"), Expires: at("2028-04-03T22:00:00Z"),
	})
	equal("leaving domain's statuses", domains["example3.test"].Statuses, registry.PendingDelete|registry.RedemptionPeriod)
	idn := domains["xn--mgbh0fb.test"]
	equal("IDN", []string{idn.UName, idn.IDNTable}, []string{"\u0645\u062b\u0627\u0644.test", "ar"})
	equal("host", hosts["ns1.example1.test"], registry.Nameserver{
		ROID: "H0001-TEST", Name: "ns1.example1.test", Registrar: "reg-a", V4: []string{"192.0.2.2"}, V6: []string{"2001:db8::2"},
		Statuses: registry.OK | registry.Linked, Created: at("2019-05-08T12:10:00Z"),
	})
	equal("contact that discloses its organisation", contacts["cid-0001"], registry.Contact{
		ROID: "C0001-TEST", Registrar: "reg-a", Org: "Example Organisation", SP: "EX", CC: "NL", Created: at("2019-04-03T22:00:00Z"),
		Redacted: registry.ElementID | registry.ElementName | registry.ElementStreet | registry.ElementCity | registry.ElementPC | registry.ElementVoice | registry.ElementEmail,
	})
	equal("registrar", registrar, registry.Registrar{
		ClID: "reg-a", IANA: 900001, Name: "Example Registrar A B.V.", Status: "ok", URL: "https://reg-a.example/", RDAPURL: "https://rdap.reg-a.example/",
		WhoisServer: "whois.reg-a.example", AbuseEmail: "abuse@reg-a.example", AbusePhone: "+31.5550100", Street: []string{"1 Example Street"},
		City: "Exampleton", PC: "10000", CC: "NL", Voice: "+31.5550100", Email: "abuse@reg-a.example", Created: at("2015-01-10T00:00:00Z"),
	})
	equal("reserved", reserved, registry.Reserved{Name: "xn--hgbr0fb.test", Of: "xn--mgbh0fb.test", IDNTable: "ar", Reason: registry.ReasonWithheld})
}

func TestDiscloseOpensOnlyThePublishedForm(t *testing.T) {
	const contact = `<c:contact xmlns:c="urn:ietf:params:xml:ns:rdeContact-1.0" xmlns:e="urn:ietf:params:xml:ns:contact-1.0"><c:id>cid-7</c:id><c:roid>C7-TEST</c:roid>
		<c:postalInfo type="loc"><e:name>Local Desk</e:name><e:addr><e:cc>NL</e:cc></e:addr></c:postalInfo>
		<c:postalInfo type="int"><e:name>International Desk</e:name><e:addr><e:city>Exampleton</e:city><e:cc>NL</e:cc></e:addr></c:postalInfo>
		<c:voice x="12">+31.5550100</c:voice>%s</c:contact>`
	tests := []struct{ rule, disclose, name, voice string }{
		{"nothing said", ``, "", ""},
		{"flag 0 opens nothing", `<c:disclose flag="0"><e:email/></c:disclose>`, "", ""},
		{"the other form opens nothing", `<c:disclose flag="1"><e:name type="loc"/></c:disclose>`, "", ""},
		{"this form", `<c:disclose flag="1"><e:name type="int"/></c:disclose>`, "International Desk", ""},
		{"voice takes its extension along", `<c:disclose flag="1"><e:voice/></c:disclose>`, "", "+31.5550100 12"},
	}
	for _, tt := range tests {
		deposit := `<r:deposit xmlns:r="urn:ietf:params:xml:ns:rde-1.0" type="FULL" id="1"><r:contents>` +
			`<h:header xmlns:h="urn:ietf:params:xml:ns:rdeHeader-1.0"><h:tld>test</h:tld></h:header>` + strings.Replace(contact, "%s", tt.disclose, 1) + `</r:contents></r:deposit>`
		var got registry.Contact
		if _, err := Read(strings.NewReader(deposit), Visitor{Contact: func(_ string, c *registry.Contact) error { got = *c; return nil }}); err != nil {
			t.Fatalf("%s: %v", tt.rule, err)
		}
		if voice := strings.TrimSpace(got.Voice + " " + got.VoiceExt); got.Name != tt.name || voice != tt.voice {
			t.Errorf("%s: name %q, voice %q; want %q, %q", tt.rule, got.Name, voice, tt.name, tt.voice)
		}
		if got.Redacted&registry.ElementCity == 0 || got.City != "" || got.Redacted&registry.ElementOrg != 0 {
			t.Errorf("%s: redacted is %v: the city is held and withheld, the organisation was never collected", tt.rule, got.Redacted.Names())
		}
	}
}

func TestReadBoundsAnObject(t *testing.T) {
	const before = `<r:deposit xmlns:r="urn:ietf:params:xml:ns:rde-1.0" xmlns:d="urn:ietf:params:xml:ns:rdeDomain-1.0" type="FULL" id="1"><r:contents><d:domain>`
	for name, body := range map[string]string{
		"deep":  strings.Repeat("<d:x>", 1000),
		"wide":  strings.Repeat("<d:x/>", 10000),
		"large": "<d:name>" + strings.Repeat("a", 1<<20),
	} {
		if _, err := Read(strings.NewReader(before+body), Visitor{Domain: func(*Domain) error { return nil }}); err == nil || !strings.Contains(err.Error(), "more than") && !strings.Contains(err.Error(), "deeper") {
			t.Errorf("%s: Read = %v, want it to give up at a bound", name, err)
		}
	}
}

// endless is one text that goes on for 16 MiB.
type endless struct{ read int64 }

func (e *endless) Read(p []byte) (int, error) {
	if e.read > 16<<20 {
		return 0, io.EOF
	}
	for i := range p {
		p[i] = 'a'
	}
	e.read += int64(len(p))
	return len(p), nil
}

// TestReadBoundsWhatItPassesOver: a file that is no deposit, or a wrong one,
// costs no memory wherever it goes on and on.
func TestReadBoundsWhatItPassesOver(t *testing.T) {
	const (
		deposit = `<r:deposit xmlns:r="urn:ietf:params:xml:ns:rde-1.0" type="FULL" id="1">`
		within  = deposit + `<r:contents>`
		whole   = within + `<h:header xmlns:h="urn:ietf:params:xml:ns:rdeHeader-1.0"><h:tld>test</h:tld></h:header></r:contents></r:deposit>`
	)
	for name, before := range map[string]string{
		"no deposit": "", "a comment": "<!--", "the identifier": `<r:deposit id="`, "the watermark": deposit + "<r:watermark>", "unknown": deposit + "<r:x>",
		"between objects": within, "an unknown object": within + "<x>", "a kind that nobody takes": within + `<d:domain xmlns:d="urn:ietf:params:xml:ns:rdeDomain-1.0">`,
		"a tag": within + "<", "behind the deposit": whole,
	} {
		rest := new(endless)
		if _, err := Read(io.MultiReader(strings.NewReader(before), rest), Visitor{}); err == nil || rest.read > 2*maxToken {
			t.Errorf("%s: %d bytes were read, Read = %v, want it to give up at %d", name, rest.read, err, maxToken)
		}
	}
	if _, err := Read(strings.NewReader(within+strings.Repeat("<x>", 100_000)), Visitor{}); err == nil || !strings.Contains(err.Error(), "nested") {
		t.Errorf("deep: Read = %v, want it to give up at a bound", err)
	}
}

// FuzzRead holds that whatever is handed on may be published.
func FuzzRead(f *testing.F) {
	for _, name := range []string{"example_full.xml", "nomulus_rde_deposit_full.xml"} {
		b, err := os.ReadFile("testdata/" + name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(b))
	}
	f.Fuzz(func(t *testing.T, deposit string) {
		check := func(what string, reject registry.Reject) error {
			if reject != "" {
				t.Errorf("%s was handed on although %s", what, reject)
			}
			return nil
		}
		_, _ = Read(strings.NewReader(deposit), Visitor{
			Registrar: func(r *registry.Registrar) error { return check("a registrar", r.Check()) },
			Contact:   func(_ string, c *registry.Contact) error { return check("a contact", c.Check()) },
			Host:      func(n *registry.Nameserver) error { return check("a host", n.Check()) },
			Domain:    func(d *Domain) error { return check("a domain", d.Check()) },
			Reserved:  func(r *registry.Reserved) error { return check("a reserved name", r.Check()) },
		})
	})
}
