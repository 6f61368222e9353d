package whois

import (
	"rddsd/cache/registry"
	"rddsd/server/lookup"
)

// prebuilt holds the lines that many answers have in common, so that each is made once
// and copied. The zero value is empty; nil has all made each time. It is safe for
// concurrent use.
type prebuilt struct {
	endings  lookup.MadeOfPolicies[ending]
	sponsors lookup.MadeOfRegistrars[sponsor]
}

// ending is how answers under one policy end.
type ending struct {
	record []byte // last line of a domain's record
	domain []byte // what follows "last update" in an answer about a registered name
	other  []byte // and in every other answer
}

// ending returns the one of p.
func (b *prebuilt) ending(p *lookup.Policy) *ending {
	if b == nil {
		return newEnding(p)
	}
	return b.endings.Get(p, newEnding)
}

func newEnding(p *lookup.Policy) *ending {
	domain := append([]byte(newline), statusHelp(p)+newline...)
	return &ending{
		record: appendKnown(nil, "", complaint(p)),
		domain: appendDisclaimer(domain, p),
		other:  appendDisclaimer(nil, p),
	}
}

// sponsor is what the records of a registrar's domains say of it.
type sponsor struct {
	service  []byte // where it answers itself
	identity []byte // who it is
}

// sponsor returns the one of r, an empty one where there is no registrar.
func (b *prebuilt) sponsor(r *registry.Registrar) *sponsor {
	switch {
	case r == nil:
		return new(sponsor)
	case b == nil:
		return newSponsor(r)
	}
	return b.sponsors.Get(r, newSponsor)
}

func newSponsor(r *registry.Registrar) *sponsor {
	return &sponsor{
		service:  appendURL(appendWhoisServer(nil, r), r),
		identity: appendIDs(appendField(nil, "Registrar: ", r.Name), r),
	}
}
