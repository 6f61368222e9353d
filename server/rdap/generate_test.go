package rdap

import (
	"fmt"
	"math/rand/v2"
	"net/url"
	"strings"
	"time"

	"rddsd/cache"
	"rddsd/cache/cachetest"
	"rddsd/cache/registry"
	"rddsd/server/lookup"
)

// generator makes registries with values of every awkward sort. The same seed
// makes the same registry.
type generator struct {
	*rand.Rand
	tokens int             // so far; each is in one value
	hidden map[string]bool // tokens of values that no answer may hold
	sized  int             // domains in a registry

	paths []string // where the objects are found
}

// The TLDs of the generator: one with contacts, one without, and one that is no gTLD,
// where each registrar has a contact model of its own.
const (
	minimalTLD = "test"
	localTLD   = "xn--p1ai"
)

// generatedPolicy is the policy of each: base URL, texts and links of its own.
func generatedPolicy(tld string) lookup.Policy {
	p := testPolicy(tld)
	switch tld {
	case minimalTLD:
		p.BaseURL, p.Port43, p.TermsURL = "https://rdap.nic.test/rdap/", "", "https://www.nic.test/terms"
	case localTLD:
		p.BaseURL, p.HelpURL = "https://nic.xn--p1ai/v1/", "https://nic.xn--p1ai/help?a=1&b=2"
	}
	return p
}

// The registrars of the generator.
const (
	generatedRegistrars = 12
	firstGeneratedIANA  = 900001
)

// generatedBase returns the RDAP base URL of registrar i.
func generatedBase(i int) string {
	switch i {
	case 2:
		return "https://r2.example/rdap/domain/"
	case 3:
		return "https://r3.example/rdap?a=1&b=2"
	}
	return fmt.Sprintf("https://rdap.r%d.example/", i)
}

func newGenerator(seed uint64, domains int) *generator {
	return &generator{Rand: rand.New(rand.NewPCG(seed, 1)), hidden: map[string]bool{}, sized: domains}
}

// token returns a text that stands nowhere else.
func (g *generator) token() string {
	g.tokens++
	return fmt.Sprintf("tok%dx", g.tokens)
}

// awkward are texts that a careless renderer stumbles over.
var awkward = []string{
	"", "a", " ", "O'Neill & S\u00f6hne", `"quoted\"`, "<script>alert(1)</script>", "\x00\x01\x1f\x7f", "\u2028\u2029",
	"\u05d0\u05d1\u05d2", "\U0001f9f6\U0001f3ff", "\u4e2d\u6587", "&amp;", "]}", "\r\nX: y", strings.Repeat("long ", 51),
}

// text returns a value with a token in it.
func (g *generator) text() string {
	return awkward[g.IntN(len(awkward))] + g.token() + awkward[g.IntN(len(awkward))]
}

// maybe returns what make makes, half the time.
func (g *generator) maybe(make func() string) string {
	if g.IntN(2) == 0 {
		return ""
	}
	return make()
}

// mail returns an e-mail address, seldom what is none.
func (g *generator) mail() string {
	if g.IntN(10) == 0 {
		return g.text()
	}
	return g.token() + "@mail.example"
}

// phone returns a number, seldom one that is not in EPP's form.
func (g *generator) phone() string {
	if g.IntN(10) == 0 {
		return g.text()
	}
	return fmt.Sprintf("+%d.%d", 1+g.IntN(999), 1000+g.IntN(1_000_000_000))
}

func (g *generator) time() registry.Time {
	return registry.TimeOf(time.Unix(int64(g.IntN(2_000_000_000)), int64(g.IntN(1_000_000_000))))
}

// street returns up to three lines, now and then an empty one.
func (g *generator) street() []string {
	var lines []string
	for range g.IntN(4) {
		lines = append(lines, g.maybe(g.text))
	}
	return lines
}

// view returns a registry of g.sized domains and what they refer to.
func (g *generator) view() *cache.View {
	objects := []any{
		&registry.TLD{Name: "coop", GTLD: true, ZoneSigned: true, ContactModel: registry.ModelFull},
		&registry.TLD{Name: minimalTLD, GTLD: true, ContactModel: registry.ModelMinimum},
		&registry.TLD{Name: localTLD, ContactModel: registry.ModelPerRegistrar},
	}
	const registrars, hosts = generatedRegistrars, 60
	for i := range registrars {
		objects = append(objects, g.registrar(i))
	}
	for i := range hosts {
		objects = append(objects, g.host(i, registrars))
	}
	contacts := g.sized/2 + 1
	for i := range contacts {
		objects = append(objects, g.contact(i))
	}
	for i := range g.sized {
		objects = append(objects, g.domain(i, registrars, hosts, contacts))
	}
	return cachetest.Build(objects...)
}

func (g *generator) registrar(i int) *registry.Registrar {
	r := &registry.Registrar{
		ClID: fmt.Sprintf("r%d", i), IANA: firstGeneratedIANA + i, Name: fmt.Sprintf("Registrar %d & <%s>", i, g.token()),
		Status: []string{"ok", "readonly", "terminated"}[g.IntN(3)],
		URL:    fmt.Sprintf("https://www.r%d.example/", i), RDAPURL: generatedBase(i),
		AbuseEmail: fmt.Sprintf("abuse@r%d.example", i), AbusePhone: "+44.2079460000", Street: g.street(),
		City: g.maybe(g.text), SP: g.maybe(g.text), PC: g.maybe(g.text), CC: g.maybe(func() string { return "gb" }),
		Voice: g.maybe(g.phone), Fax: g.maybe(g.phone), Email: g.maybe(g.mail),
		AdminFN: g.maybe(g.text), AdminVoice: g.maybe(g.phone), AdminEmail: g.maybe(g.mail),
		TechFN: g.maybe(g.text), TechVoice: g.maybe(g.phone), TechEmail: g.maybe(g.mail), Created: g.time(),
		ContactModel: registry.ContactModel(g.IntN(3)),
	}
	switch i {
	case 0: // sponsors nothing under a gTLD
		r.IANA, r.URL, r.RDAPURL, r.AbuseEmail, r.AbusePhone = 0, "www.no-scheme.example", "", "", ""
	case 1:
		r.IANA = 9995
	}
	g.paths = append(g.paths, "entity/"+url.PathEscape(r.Name))
	if r.IANA != 0 {
		g.paths = append(g.paths, fmt.Sprint("entity/", r.IANA))
	}
	return r
}

// hostStatuses are those of RFC 5732 §2.3.
const hostStatuses = registry.ClientDeleteProhibited | registry.ClientUpdateProhibited | registry.ServerDeleteProhibited |
	registry.ServerUpdateProhibited | registry.PendingCreate | registry.PendingDelete | registry.PendingTransfer |
	registry.PendingUpdate | registry.OK | registry.Linked

func (g *generator) host(i, registrars int) *registry.Nameserver {
	h := &registry.Nameserver{
		ROID: fmt.Sprintf("H%d-CNIC", i), Name: fmt.Sprintf("ns%d.%s", i, g.zone()),
		Registrar: fmt.Sprintf("r%d", g.IntN(registrars)),
		Statuses:  []registry.Status{0, registry.ServerUpdateProhibited, g.statuses() & hostStatuses}[g.IntN(3)],
	}
	if g.IntN(2) == 0 {
		h.Created = g.time()
		h.Updated = h.Created * registry.Time(g.IntN(2))
	}
	for j := range g.IntN(3) {
		h.V4 = append(h.V4, fmt.Sprintf("198.41.%d.%d", i, j))
	}
	for j := range g.IntN(3) {
		h.V6 = append(h.V6, fmt.Sprintf("2001:503:ba3e::%x:%x", i, j))
	}
	g.paths = append(g.paths, "nameserver/"+h.Name)
	for _, addr := range append(h.V4, h.V6...) {
		g.paths = append(g.paths, "nameservers?ip="+addr)
	}
	return h
}

func (g *generator) zone() string {
	return []string{"coop", localTLD, "xn--caf-dma.coop", "net", minimalTLD}[g.IntN(5)]
}

// contact makes a contact in which each element is published, withheld or was
// never collected. Every third has values that it withholds as well: no view
// may send them, and no answer may show them.
func (g *generator) contact(i int) *registry.Contact {
	c := &registry.Contact{
		ROID: fmt.Sprintf("C%d-CNIC", i), Handle: g.maybe(g.text), Name: g.maybe(g.text), Org: g.maybe(g.text),
		Street: g.street(), City: g.maybe(g.text), SP: g.maybe(g.text), PC: g.maybe(g.text),
		CC:    []string{"ES", "gb", "", "E1"}[g.IntN(4)],
		Voice: g.maybe(g.phone), VoiceExt: g.maybe(g.token), Fax: g.maybe(g.phone), FaxExt: g.maybe(g.token),
		Email: g.maybe(g.mail), Redacted: registry.Element(g.IntN(1 << 11)), Created: g.time(),
	}
	broken := g.IntN(3) == 0
	for bit := registry.Element(1); bit <= registry.ElementEmail; bit <<= 1 {
		if c.Redacted&bit == 0 {
			continue
		}
		if value := element(c, bit); broken {
			g.hide(*value)
		} else {
			*value = ""
		}
	}
	if c.Redacted&registry.ElementStreet != 0 {
		for _, line := range c.Street {
			g.hide(line)
		}
		if !broken {
			c.Street = nil
		}
	}
	return c
}

// hide notes the token in value as one that must not be seen.
func (g *generator) hide(value string) {
	if i := strings.Index(value, "tok"); i >= 0 {
		g.hidden[value[i:i+strings.IndexByte(value[i:], 'x')+1]] = true
	}
}

// element returns where c keeps the value of an element that is one text.
func element(c *registry.Contact, bit registry.Element) *string {
	switch bit {
	case registry.ElementID:
		return &c.Handle
	case registry.ElementName:
		return &c.Name
	case registry.ElementOrg:
		return &c.Org
	case registry.ElementCity:
		return &c.City
	case registry.ElementPC:
		return &c.PC
	case registry.ElementVoice:
		return &c.Voice
	case registry.ElementVoiceExt:
		return &c.VoiceExt
	case registry.ElementFax:
		return &c.Fax
	case registry.ElementFaxExt:
		return &c.FaxExt
	case registry.ElementEmail:
		return &c.Email
	}
	return new(string)
}

// statuses returns any set, whether EPP allows it or not.
func (g *generator) statuses() registry.Status { return registry.Status(g.IntN(1 << 24)) }

func (g *generator) domain(i, registrars, hosts, contacts int) *registry.Domain {
	d := &registry.Domain{
		Name: fmt.Sprintf("name%d.coop", i), ROID: g.maybe(func() string { return fmt.Sprintf("D%d-CNIC", i) }),
		Registrar: fmt.Sprintf("r%d", 1+g.IntN(registrars-1)), Reseller: g.maybe(g.text),
		Statuses: []registry.Status{0, registry.AddPeriod | registry.OK, g.statuses()}[g.IntN(3)] &^ registry.PendingCreate,
		Created:  g.time(), Expires: g.time(),
	}
	if g.IntN(2) == 0 {
		d.Updated, d.Transferred = g.time(), g.time()
	}
	switch g.IntN(6) {
	case 0:
		d.Name, d.Registrar = fmt.Sprintf("name%d.%s", i, localTLD), fmt.Sprintf("r%d", g.IntN(registrars))
	case 1: // one that no U-label stands for
		d.Name = fmt.Sprintf("xn--name%d.coop", i)
	case 2:
		d.Name = fmt.Sprintf("name%d.%s", i, minimalTLD)
	}
	if g.IntN(3) > 0 {
		d.Registrant = fmt.Sprintf("C%d-CNIC", g.IntN(contacts))
	}
	for range g.IntN(3) {
		d.Tech = append(d.Tech, fmt.Sprintf("C%d-CNIC", g.IntN(contacts)))
	}
	for range g.IntN(4) {
		d.Hosts = append(d.Hosts, fmt.Sprintf("H%d-CNIC", g.IntN(hosts)))
	}
	for range g.IntN(2) {
		d.DS = append(d.DS, registry.DS{KeyTag: uint16(1 + g.IntN(65535)), Algorithm: 13, DigestType: 2, Digest: "00FF"})
	}
	g.paths = append(g.paths, "domain/"+d.Name)
	return d
}
