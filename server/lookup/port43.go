package lookup

import "rddsd/ratelimit"

// AtPort43 reports whether WHOIS answers for names under tld, an A-label.
func (a *Answer) AtPort43(tld string) bool {
	return a.policies == nil || !a.policies.off || !a.policies.For(tld).Port43Off
}

// KeepToPort43 makes a what WHOIS may say where the operator has switched port
// 43 off for a TLD: a name under it, registered or not, is one that this service
// does not answer for. RDAP goes on answering. It is called once, before the
// limiter hears of a.
func (a *Answer) KeepToPort43() {
	if a.policies == nil || !a.policies.off {
		return
	}
	switch {
	case a.Object == Nameservers && a.Class == Found:
		a.keepHosts()
	case a.TLD != nil && a.Policy.Port43Off && a.Class != Invalid:
		a.elsewhere()
	}
	if !a.Policy.Port43Off {
		return
	}
	for _, tld := range a.View.TLDs() { // the texts are those of a TLD that is answered for
		if p := a.policies.For(tld.Name); !p.Port43Off {
			a.Policy = p
			return
		}
	}
}

// keepHosts leaves out the hosts under a TLD that port 43 does not answer for.
func (a *Answer) keepHosts() {
	kept := a.Hosts[:0]
	for i := range a.Hosts {
		if tld := a.View.TLDOf(a.Hosts[i].Name); tld == nil || a.AtPort43(tld.Name) {
			kept = append(kept, a.Hosts[i])
		}
	}
	if len(kept) == 0 {
		a.elsewhere()
		return
	}
	a.Hosts = kept
	a.AsOf = max(a.View.AsOf().Minute(), a.changed())
	a.Ask.Count = len(kept)
}

// elsewhere makes a an answer that shows nothing of what was found.
func (a *Answer) elsewhere() {
	a.Class, a.Name, a.AsOf = OtherTLD, "", a.View.AsOf().Minute()
	a.resetDomain()
	a.Registrar, a.HasRegistrant, a.HasTech, a.More = nil, false, false, false
	a.Hosts = a.Hosts[:0]
	a.Reserved.Name, a.Reserved.PublicText = "", ""
	a.Ask.Shows, a.Ask.Count = ratelimit.Nothing, 1
}
