package load

import (
	"strings"

	"rddsd/cache/registry"
	"rddsd/cache/registry/synthetic"
)

// maxKnown is how many names a registry's answer is kept for: 30 MB.
const maxKnown = 100_000

// knowledge is what a generated registry says, about an even sample of its names.
type knowledge struct {
	step     int // each step-th name is kept
	found    map[string]record
	reserved map[string]struct{}
	orgs     map[string]string // by ROID of the contact; "" = none is disclosed
}

// record is a found domain, or a registrar if it is empty.
type record struct {
	roid, registrar, registrant string
	created, expires            registry.Time
	hosts                       []string
	signed                      bool
}

func newKnowledge(names int) *knowledge {
	return &knowledge{
		step:  1 + (names-1)/maxKnown,
		found: make(map[string]record), reserved: make(map[string]struct{}), orgs: make(map[string]string),
	}
}

// learn keeps domain i, if it is of the sample.
func (k *knowledge) learn(i int, d *synthetic.Domain, sponsor string) {
	if d.Statuses&registry.PendingCreate != 0 {
		k.reserved[d.Name] = struct{}{} // not shown yet, and not free either
		return
	}
	if i%k.step != 0 {
		return
	}
	k.found[d.Name] = record{
		roid: d.ROID, registrar: sponsor, registrant: d.Registrant, created: d.Created, expires: d.Expires,
		hosts: append([]string{}, d.HostNames...), signed: len(d.DS) > 0,
	}
	k.orgs[d.Registrant] = ""
}

// learnContact keeps what c discloses, if a domain of the sample has it.
func (k *knowledge) learnContact(c *synthetic.Contact) error {
	if _, wanted := k.orgs[c.ROID]; wanted && c.Redacted&registry.ElementOrg == 0 {
		k.orgs[c.ROID] = c.Org
	}
	return nil
}

// expect returns the answer to q, if it is known.
func (k *knowledge) expect(q Query) (Expectation, bool) {
	switch q.Kind {
	case Miss:
		return Expectation{Class: NotFound}, true
	case Help, Junk, Nameserver:
		return Expectation{}, false
	}
	if _, ok := k.reserved[q.Name]; ok {
		return Expectation{Class: Reserved}, true
	}
	r, ok := k.found[q.Name]
	switch {
	case ok:
	case strings.HasPrefix(q.Name, freePrefix):
		return Expectation{Class: NotFound}, true
	default:
		return Expectation{}, false
	}
	e := Expectation{
		Class: Found, Handle: r.roid, Registrar: r.registrar, Nameservers: r.hosts,
		Organisation: k.orgs[r.registrant], Registrant: r.registrant,
	}
	if r.roid == "" {
		return e, true
	}
	e.Created, e.Expires, e.Signed = r.created.Std(), r.expires.Std(), No
	if r.signed {
		e.Signed = Yes
	}
	return e, true
}
