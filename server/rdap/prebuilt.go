package rdap

import (
	"strings"
	"sync/atomic"

	"github.com/cespare/xxhash/v2"

	"rddsd/cache/registry"
	"rddsd/server/lookup"
)

// prebuilt holds the parts of bodies that many have in common, so that each is made
// once and copied: by policy, and by policy and registrar. The zero value is empty. It is
// safe for concurrent use.
type prebuilt struct {
	sites lookup.MadeOfPolicies[site]
}

// site is what bodies under one policy have in common.
type site struct {
	policy   *lookup.Policy
	domain   [2]parts // of a domain, up to its members, without and with the extension redacted
	other    parts    // of another object
	base     string   // the base URL as it stands inside a JSON string
	sum      uint64   // hash of all that a domain's body has of them
	sponsors lookup.MadeOfRegistrars[sponsor]
	members  [patterns]atomic.Pointer[member]
}

// patterns is how many members "redacted" have room under a policy. A registry has few:
// one for each set of elements that its registrars' customers withhold.
const (
	patternBits = 8
	patterns    = 1 << patternBits
)

// member is the member "redacted" of the bodies that withhold alike.
type member struct {
	of   withheld
	text []byte
}

// parts are what stands before, between and behind the places where a body repeats the
// URL that was asked for.
type parts []string

// hole marks these places while parts are made. It stands nowhere else, because JSON
// escapes it.
const hole = "\x00"

// sponsor is what the bodies about a registrar's domains have in common.
type sponsor struct {
	entity []byte
	sum    uint64 // hash of entity
}

// site returns the one of p.
func (b *prebuilt) site(p *lookup.Policy) *site { return b.sites.Get(p, newSite) }

func newSite(p *lookup.Policy) *site {
	s := &site{policy: p, base: string(appendText(nil, p.BaseURL))}
	url := []byte(hole)
	for i, redacted := range [...]bool{false, true} {
		text := appendTerms(appendConformance(nil, redacted), p, url)
		s.domain[i] = split(append(appendDomainNotices(text, url), ']'))
	}
	s.other = split(appendTerms(appendConformance(nil, false), p, url))
	s.sum = xxhash.Sum64String(strings.Join(s.domain[0], hole))
	return s
}

func split(text []byte) parts { return strings.Split(string(text), hole) }

// append appends the parts with url between them.
func (p parts) append(dst, url []byte) []byte {
	dst = append(dst, p[0]...)
	for _, part := range p[1:] {
		dst = append(dst, url...)
		dst = append(dst, part...)
	}
	return dst
}

// sponsor returns what the bodies about domains of r have in common.
func (s *site) sponsor(r *registry.Registrar) *sponsor {
	return s.sponsors.Get(r, func(r *registry.Registrar) *sponsor {
		entity := appendSponsor(nil, s.policy.BaseURL, r)
		return &sponsor{entity, xxhash.Sum64(entity)}
	})
}

// redacted returns the member "redacted" of bodies that withhold w, empty if there is
// none. Those of one place take turns.
func (s *site) redacted(w withheld) []byte {
	slot := &s.members[w.number()*0x9e3779b97f4a7c15>>(64-patternBits)]
	if one := slot.Load(); one != nil && one.of == w {
		return one.text
	}
	one := &member{of: w, text: appendRedacted(nil, w)}
	slot.Store(one)
	return one.text
}
