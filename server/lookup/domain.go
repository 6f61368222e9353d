package lookup

import (
	"cmp"
	"strings"

	"rddsd/cache"
	"rddsd/cache/registry"
)

// domain answers for name as a domain, reserved or not.
func (s *finding) domain(name string) string {
	a := s.a
	tld := s.view.TLDOf(name)
	if tld == nil || s.view.TLD(name) != nil {
		return s.otherTLD(name)
	}
	a.Object, a.Name, a.TLD, a.Policy = Domain, name, tld, s.policies.For(tld.Name)
	switch s.view.Domain(name, &a.Domain) {
	case cache.Present:
		return s.registered()
	case cache.Unknown:
		a.Class = Unknown
		return name
	}
	switch s.view.Reserved(name, &a.Reserved) {
	case cache.Present:
		a.Reserved.Of = "" // never told (whois.md Q-08)
		return s.reserved()
	case cache.Unknown:
		a.Class = Unknown
		return name
	}
	if strings.Contains(name, "_") || !genuine(name) {
		return s.invalid()
	}
	return s.miss(name, cache.Absent)
}

// registered completes the answer about a.Domain, which the View holds.
func (s *finding) registered() string {
	a, view := s.a, s.view
	d := &a.Domain
	if d.Statuses&registry.PendingCreate != 0 {
		// Its record would tell that the co-operative check is under way
		// (whois.md Q-07): the name is not free, and no more is said.
		a.resetDomain()
		a.Reserved = registry.Reserved{Name: a.Name}
		return s.reserved()
	}
	a.Registrar = view.Registrar(d.Registrar)
	if a.Registrar == nil || a.TLD.GTLD && a.Registrar.IANA == 0 {
		// Cannot be published without its sponsor (feed.md §7).
		a.Registrar, a.Class = nil, Unknown
		a.resetDomain()
		return a.Name
	}
	a.Class = Found
	if s.contacts() {
		if d.Registrant != "" {
			a.HasRegistrant = view.Contact(d.Registrant, &a.Registrant) == cache.Present
		}
		for _, roid := range d.Tech {
			if a.setTech(view, roid) {
				break
			}
		}
	}
	for _, roid := range d.Hosts {
		if h := s.host(roid); h != nil {
			h.Linked = true // by this domain
		}
	}
	a.sortHosts()
	return d.Name
}

// contacts reports whether the registry holds contacts for a.Domain: the
// registrar's model, else the TLD's, unless the operator has set one (feed.md
// §2). A registrar without a model counts as minimum where each has its own.
func (s *finding) contacts() bool {
	a := s.a
	model := a.Policy.ContactModel
	if model == registry.ModelUnset {
		model = cmp.Or(a.Registrar.ContactModel, a.TLD.ContactModel)
	}
	if model == registry.ModelPerRegistrar {
		model = cmp.Or(a.Registrar.ContactModel, registry.ModelMinimum)
	}
	return model != registry.ModelMinimum
}

// reserved answers a name that is not registered and not free.
func (s *finding) reserved() string {
	if s.a.Policy.HideReserved {
		s.a.Reserved = registry.Reserved{}
		return s.miss(s.a.Name, cache.Absent)
	}
	s.a.Class = Reserved
	return s.a.Name
}
