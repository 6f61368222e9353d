package lookup

import (
	"rddsd/cache"
	"rddsd/cache/registry"
	"rddsd/ratelimit"
)

// MaxNameservers is how many host objects an answer about an address lists at
// most (whois.md Q-14, rdap.md §2).
const MaxNameservers = 50

// Answer is what the registry says to one Query, as its audience may see it. A
// worker keeps one and has Find fill it again for each query, so that nothing
// is allocated; its strings are valid as long as View and Query are.
type Answer struct {
	View   *cache.View
	Policy *Policy
	Class  Class
	Object Object
	Name   string        // the name or address that may be echoed: normalised, never raw input
	AsOf   registry.Time // "last update" to show (whois.md T-01)

	TLD       *registry.TLD       // Domain: the zone of the name; nil where there is none
	Domain    registry.Domain     // Domain
	Registrar *registry.Registrar // Domain, Registrar: the sponsor; the registrar itself
	// Registrant and Tech are set where the contact model has contacts and they
	// are known.
	HasRegistrant bool
	Registrant    registry.Contact
	Tech          []registry.Contact
	Hosts         []Host           // Domain: its delegation, by name; Nameserver: one; Nameservers: the matches, by name
	More          bool             // Nameservers: there were more than MaxNameservers
	Contact       registry.Contact // Contact
	Reserved      registry.Reserved

	Ask ratelimit.Ask // what showing it would teach the client
}

// Host is a host object in an answer.
type Host struct {
	registry.Nameserver
	Registrar *registry.Registrar // its sponsor; nil if not known
	Linked    bool                // a published domain refers to it
}

// WithoutContacts turns a into the degraded answer: what contacts that
// disclosed nothing would give. State/province and country stay (design.md §7).
// An answer that shows no contact value anyway stays as it is.
func (a *Answer) WithoutContacts() {
	if a.Ask.Shows != ratelimit.Contact {
		return
	}
	a.Registrant.Withhold()
	for i := range a.Tech {
		a.Tech[i].Withhold()
	}
	a.Contact.Withhold()
	a.Class = Degraded
}
