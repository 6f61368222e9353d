package lookup

import (
	"maps"
	"sync/atomic"

	"rddsd/cache"
	"rddsd/cache/registry"
)

// Profile is the wording of WHOIS answers (whois.md §2.1).
type Profile uint8

const (
	Profile2024 Profile = iota // Registration Data Policy of 2024
	Profile2017                // Consistent Labeling and Display of 2017
)

// Policy is how answers under one TLD look. It does not change once made.
type Policy struct {
	TLD          string                // A-label
	Profile      Profile               // of WHOIS answers
	BaseURL      string                // of RDAP; absolute, ends with a slash
	Hosts        []string              // host names under which RDAP is asked, in lower case, beside that in BaseURL
	Port43       string                // host name of the WHOIS server as RDAP tells it; "" = not told
	Port43Off    bool                  // WHOIS does not answer for the TLD
	Contacts     bool                  // WHOIS answers for contacts (whois.md §2.7); the same in every policy
	TermsURL     string                // where the terms of use and the limits stand
	HelpURL      string                // where RDAP help points
	Disclaimer   string                // end of WHOIS answers; lines parted by "\n", no trailing one
	Complaint    string                // line of WHOIS that names the complaint form; "" = as the profile has it
	StatusHelp   string                // line of WHOIS on status codes; "" = as the profile has it
	Redaction    string                // what WHOIS prints for a withheld value
	Limits       string                // one sentence in help about the enforced limits; "" = none are enforced
	ContactModel registry.ContactModel // ModelUnset: as the registry says
	HideReserved bool                  // answer reserved names as not found
}

// Policies holds the policy of every TLD. It is safe for concurrent use.
type Policies struct {
	byTLD    map[string]*Policy
	fallback func(tld string) Policy
	made     atomic.Pointer[map[string]*Policy] // by fallback, so far
	first    atomic.Pointer[Policy]             // of the TLD that was asked for first; mostly there is one
	off      bool                               // some policy has Port43Off
}

// NewPolicies returns the policies in list; a TLD that is not in it gets what
// fallback makes, once, which answers at port 43.
func NewPolicies(list []Policy, fallback func(tld string) Policy) *Policies {
	p := &Policies{byTLD: make(map[string]*Policy, len(list)), fallback: fallback}
	for _, policy := range list {
		p.byTLD[policy.TLD] = &policy
		p.off = p.off || policy.Port43Off
	}
	p.made.Store(&map[string]*Policy{})
	return p
}

// For returns the policy of tld, an A-label.
func (p *Policies) For(tld string) *Policy {
	if first := p.first.Load(); first != nil && first.TLD == tld {
		return first
	}
	policy := p.find(tld)
	if policy.TLD == tld {
		p.first.CompareAndSwap(nil, policy)
	}
	return policy
}

func (p *Policies) find(tld string) *Policy {
	if policy := p.byTLD[tld]; policy != nil {
		return policy
	}
	for {
		made := p.made.Load()
		if policy := (*made)[tld]; policy != nil {
			return policy
		}
		policy := p.fallback(tld)
		next := maps.Clone(*made)
		next[tld] = &policy
		p.made.CompareAndSwap(made, &next)
	}
}

// Default returns the policy for answers that stand under no TLD: that of the
// registry's first one.
func (p *Policies) Default(view *cache.View) *Policy {
	if tlds := view.TLDs(); len(tlds) > 0 {
		return p.For(tlds[0].Name)
	}
	return p.For("")
}
