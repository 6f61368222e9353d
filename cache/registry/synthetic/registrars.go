package synthetic

import (
	"fmt"
	"strings"

	"rddsd/cache/registry"
)

// firstIANA is the IANA registrar ID of the first invented registrar. IANA's own
// are far below, so that no real registrar stands on invented data.
const firstIANA = 900001

var (
	registrarTrades = [...]string{"Domains", "Names", "Registrar", "Internet", "Hosting", "Networks"}
	legalForms      = [...]string{"Limited", "GmbH", "B.V.", "S.A.", "Inc.", "Co-operative", "AB", "S.r.l.", "Oy", "LLC", "Pty Ltd", "K.K."}
	townEndings     = [...]string{"ton", "ville", " Bay", " Bridge", " Hill", "ford"}
	streetKinds     = [...]string{"Street", "Road", "Lane", "Yard", "Square", "Avenue"}
)

// makeRegistrars invents the registrars; the fixed one is the first.
func (g *Registry) makeRegistrars() {
	n := registrarCount(g.Names)
	g.registrars = append(make([]registry.Registrar, 0, n+1), fixedRegistrar())
	g.sponsors = weigh(zipf(n, registrarExponent)...)
	names := map[string]bool{}
	for i := range n {
		s := g.stream(forRegistrar, i)
		first, last := g.words.english(&s), g.words.english(&s)
		for names[first+last] {
			last = g.words.english(&s)
		}
		names[first+last] = true
		g.registrars = append(g.registrars, g.registrar(&s, i, first, last))
	}
}

func (g *Registry) registrar(s *stream, i int, first, last string) registry.Registrar {
	host := strings.ToLower(first+last) + ".example"
	a := g.place(s)
	r := registry.Registrar{
		ClID:       fmt.Sprintf("reg-%d", firstIANA+i),
		IANA:       firstIANA + i,
		Name:       first + " " + last + " " + registrarTrades[s.below(len(registrarTrades))] + " " + legalForms[s.below(len(legalForms))],
		Status:     "ok",
		URL:        "https://www." + host,
		RDAPURL:    "https://rdap." + host + "/",
		AbuseEmail: "abuse@" + host,
		AbusePhone: phone(s),
		Street:     a.street, City: a.city, SP: a.sp, PC: a.pc, CC: a.cc,
		Voice: phone(s), Email: "info@" + host,
		AdminFN: "Registry Liaison", AdminVoice: phone(s), AdminEmail: "registry@" + host,
		TechFN: "Network Operations", TechVoice: phone(s), TechEmail: "noc@" + host,
	}
	if s.chance(9500) {
		r.WhoisServer = "whois." + host
	}
	if s.chance(3000) {
		r.Fax = phone(s)
	}
	if s.chance(500) {
		r.VoiceExt = fmt.Sprint(10 + s.below(90))
	}
	if i%97 == 96 {
		r.Status = "readonly" // RFC 9022 §5.3: it keeps its names and takes no new ones
	}
	span := int((g.now - tldCreated) / second)
	r.Created = tldCreated + registry.Time(s.below(span/2))*second
	if s.chance(5000) {
		r.Updated = r.Created + registry.Time(s.below(span/2))*second
	}
	return r
}

// place is an invented address in a real country.
type place struct {
	street           []string
	city, sp, pc, cc string
}

func (g *Registry) place(s *stream) place {
	p := place{
		street: []string{fmt.Sprintf("%d %s %s", 1+s.below(99), g.words.english(s), streetKinds[s.below(len(streetKinds))])},
		city:   g.words.english(s) + townEndings[s.below(len(townEndings))],
		pc:     fmt.Sprintf("%05d", s.below(100000)),
	}
	if s.chance(2500) {
		p.street = append(p.street, fmt.Sprintf("Unit %d", 1+s.below(40)))
	}
	p.sp, p.cc = g.region(s)
	return p
}

// region draws what is always public of an address: a country, and often a
// state or province, which is invented.
func (g *Registry) region(s *stream) (sp, cc string) {
	cc = g.words.countries[s.pick(g.words.weights)]
	if s.chance(6000) {
		sp = g.words.english(s) + " Province"
	}
	return sp, cc
}

// phone draws one of the numbers that are kept free for fiction.
func phone(s *stream) string { return fmt.Sprintf("+1.55555501%02d", s.below(100)) }
