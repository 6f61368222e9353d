package synthetic

import "rddsd/cache/registry"

// reservedLabels are never registered: the fixed one, and what a registry keeps
// for its own services.
var reservedLabels = [...]string{"reserved", "nic", "whois", "www", "rdap"}

// unregistered stays free in every registry.
const unregistered = "unregistered"

// withoutDomain returns the labels that no name may have.
func (g *Registry) withoutDomain() []string {
	return append(reservedLabels[:], unregistered, doubleS, g.words.encode(traditional))
}

// makeReserved draws one reserved label for each thousand names, beside the
// fixed ones.
func (g *Registry) makeReserved(set *nameSet) []string {
	var list []string
	for i := range 3 + g.Names/1000 {
		s := g.stream(forReserved, i)
		if l := g.appendPlain(nil, &s, s.pick(g.lengths)); !set.add(l) {
			list = append(list, string(l))
		}
	}
	return list
}

func (g *Registry) eachReserved(put func(*registry.Reserved) error) error {
	reserve := func(label string, r registry.Reserved) error {
		r.Name = label + "." + g.TLD
		return put(&r)
	}
	for _, l := range reservedLabels {
		if err := reserve(l, registry.Reserved{}); err != nil {
			return err
		}
	}
	variants := []struct{ label, of, table string }{
		{doubleS, sharpS, "de"},
		{g.words.encode(traditional), simplified, "zh"},
	}
	for _, v := range variants {
		if err := reserve(v.label, registry.Reserved{
			Reason: registry.ReasonVariant, Of: g.words.encode(v.of) + "." + g.TLD, IDNTable: v.table,
		}); err != nil {
			return err
		}
	}
	for i, l := range g.reserved {
		r := registry.Reserved{Reason: registry.ReasonReserved}
		switch i % 3 {
		case 0:
			r.Reason = registry.ReasonBlocked
		case 1:
			r.Reason, r.PublicText = registry.ReasonWithheld, "This name is kept for a later allocation."
		}
		if err := reserve(l, r); err != nil {
			return err
		}
	}
	return nil
}
