package lookup

import (
	"rddsd/cache"
	"rddsd/cache/registry"
)

// maxReferring is how many of the domains that refer to a contact are looked at
// for one that shows it. A domain hides the contact that it refers to only in
// rare cases: as its second technical contact, or while it is itself not shown.
const maxReferring = 100

// contact answers for the contact with the ROID asked for, as asked or in
// capitals (whois.md §2.7). Where contacts are not offered the query is none.
func (s *finding) contact() string {
	a := s.a
	a.Object = Contact
	if !a.Policy.Contacts {
		return s.invalid()
	}
	presence := s.view.Doubt(registry.KindContact)
	a.key = append(a.key[:0], s.q.Text...)
	for range 2 {
		roid := text(a.key)
		switch s.publicContact(roid) {
		case cache.Present:
			return roid
		case cache.Unknown:
			presence = cache.Unknown
		}
		upper(a.key)
	}
	return s.miss(s.q.Text, presence)
}

// publicContact answers with the contact roid if an answer about a domain shows
// it under that identifier, so that identifiers cannot be guessed: as a
// registrant if one does, else with what is shown of a technical contact. It is
// Unknown when a domain that refers to it cannot be told, for that one may show
// it.
func (s *finding) publicContact(roid string) cache.Presence {
	a, probe, presence := s.a, new(Answer), cache.Absent
	names, _ := s.view.DomainsOfContact(roid, maxReferring, nil)
	for _, name := range names {
		domain := *s
		domain.a = probe
		probe.reset(s.view, a.Policy)
		domain.domain(name)
		s.finder.withhold(probe, s.now)
		switch {
		case probe.Class == Unknown && presence == cache.Absent:
			presence = cache.Unknown
		case probe.Class != Found || probe.Policy.Port43Off:
		case probe.HasRegistrant && isPublic(&probe.Registrant, roid):
			a.showContact(probe, probe.Registrant)
			return cache.Present
		case presence != cache.Present && probe.HasTech && isPublic(&probe.Tech, roid):
			a.showContact(probe, probe.Tech)
			presence = cache.Present
		}
	}
	return presence
}

// isPublic reports whether c is the contact roid and its identifier is shown.
func isPublic(c *registry.Contact, roid string) bool {
	return c.ROID == roid && c.Redacted&registry.ElementID == 0
}

// showContact makes a the answer about c, which the domain of probe shows. It
// stands under that domain's TLD, whose guard counts what is learnt.
func (a *Answer) showContact(probe *Answer, c registry.Contact) {
	a.Class, a.Object = Found, Contact
	a.TLD, a.Policy = probe.TLD, probe.Policy
	a.HasRegistrant, a.Registrant = true, c
}
