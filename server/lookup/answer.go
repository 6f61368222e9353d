package lookup

import (
	"slices"

	"rddsd/cache"
	"rddsd/cache/registry"
	"rddsd/ratelimit"
)

// MaxNameservers is how many host objects an answer about an address lists at
// most (whois.md Q-14, rdap.md §2).
const MaxNameservers = 50

// Answer is what the registry says to one Query, as its audience may see it. A
// worker keeps one and has Find fill it again for each query, so that nothing
// is allocated; its strings are valid until then, as long as View and Query are.
type Answer struct {
	View   *cache.View
	Policy *Policy
	Class  Class
	Object Object
	Name   string        // the name or address that may be echoed: normalised, never raw input
	AsOf   registry.Time // "last update" to show (whois.md T-01)

	TLD       *registry.TLD       // Domain, Nameserver: the zone of the name; nil where there is none
	Domain    registry.Domain     // Domain
	Registrar *registry.Registrar // Domain, Registrar: the sponsor; the registrar itself
	// Registrant and Tech are set where the contact model has contacts and they
	// are known. Of several technical contacts it is the first that is known,
	// with no more than TechElements. An answer about a Contact has it as its
	// Registrant, whatever its role.
	HasRegistrant bool
	Registrant    registry.Contact
	HasTech       bool
	Tech          registry.Contact
	Hosts         []Host            // Domain: its delegation, by name; Nameserver: one; Nameservers: the matches, by name
	More          bool              // Nameservers: there were more than MaxNameservers
	Reserved      registry.Reserved // class Reserved; without Of, which is never told
	Ambiguous     bool              // class Invalid: more than one registrar has the name that was asked for

	Ask ratelimit.Ask // what showing it would teach the client

	policies *Policies // that Find went by; nil in an answer that it did not make

	address []byte   // what Name shares for an address
	uNames  []byte   // what the U-labels share that the registry does not tell
	key     []byte   // what was asked, folded
	roids   []string // of the hosts at an address
}

// reset makes a an answer that says nothing yet. It keeps nothing of the last
// one but memory.
func (a *Answer) reset(view *cache.View, policy *Policy) {
	a.View, a.Policy = view, policy
	a.Class, a.Object, a.Name, a.AsOf = Error, NoObject, "", 0
	a.TLD, a.Registrar = nil, nil
	a.resetDomain()
	a.HasRegistrant, a.HasTech, a.More, a.Ambiguous = false, false, false, false
	a.Registrant = registry.Contact{Street: a.Registrant.Street[:0]}
	a.Tech = registry.Contact{Street: a.Tech.Street[:0]}
	a.Hosts, a.uNames = a.Hosts[:0], a.uNames[:0]
	a.Reserved = registry.Reserved{}
	a.Ask = ratelimit.Ask{}
}

func (a *Answer) resetDomain() {
	d := &a.Domain
	*d = registry.Domain{Tech: d.Tech[:0], Hosts: d.Hosts[:0], DS: d.DS[:0], Memory: d.Memory[:0]}
}

// TechElements are the elements of a technical contact that an answer shows, and
// tells to be withheld: the Registration Data Policy has left of it name,
// telephone and e-mail (whois.md §2.4).
const TechElements = registry.ElementID | registry.ElementName | registry.ElementVoice | registry.ElementEmail

// setTech makes the contact roid the technical one, if it is known. What no
// protocol shows of it is left out here, so that it is neither priced nor found
// out.
func (a *Answer) setTech(view *cache.View, roid string) bool {
	c := &a.Tech
	if view.Contact(roid, c) != cache.Present {
		*c = registry.Contact{Street: c.Street[:0]}
		return false
	}
	*c = registry.Contact{
		ROID: c.ROID, Registrar: c.Registrar, Name: c.Name, Voice: c.Voice, Email: c.Email, Street: c.Street[:0],
		Redacted: c.Redacted & TechElements, Created: c.Created, Updated: c.Updated,
	}
	a.HasTech = true
	return true
}

// addHost adds a host for the caller to fill; it reuses the slices of one that
// was there before.
func (a *Answer) addHost() *Host {
	n := len(a.Hosts)
	a.Hosts = slices.Grow(a.Hosts, 1)[:n+1]
	return &a.Hosts[n]
}

// changed returns when what a shows changed last, as the registry says.
func (a *Answer) changed() registry.Time {
	if a.Class != Found {
		return 0
	}
	switch a.Object {
	case Domain:
		return max(a.Domain.Created, a.Domain.Updated, a.Domain.Transferred)
	case Registrar:
		return max(a.Registrar.Created, a.Registrar.Updated)
	case Contact:
		return max(a.Registrant.Created, a.Registrant.Updated)
	}
	var last registry.Time
	for i := range a.Hosts {
		last = max(last, a.Hosts[i].Created, a.Hosts[i].Updated)
	}
	return last
}

// shows returns how much of an object a shows.
func (a *Answer) shows() ratelimit.Shows {
	if a.Class != Found {
		return ratelimit.Nothing
	}
	if a.HasRegistrant && a.Registrant.BearsContact() || a.HasTech && a.Tech.BearsContact() {
		return ratelimit.Contact
	}
	return ratelimit.Object
}

// Host is a host object in an answer.
type Host struct {
	registry.Nameserver
	UName     string              // its name with U-labels, "" if it is no IDN
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
	a.Tech.Withhold()
	a.Class = Degraded
}
