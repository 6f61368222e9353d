package lookup

import (
	"slices"
	"sync/atomic"

	"rddsd/cache/registry"
)

// MadeOfPolicies keeps what a protocol makes once of each policy, by the policy's
// address: a policy does not change, a changed one is another. The zero value is empty.
// It is safe for concurrent use.
type MadeOfPolicies[T any] struct {
	list atomic.Pointer[[]madeOf[Policy, T]]
}

type madeOf[S, T any] struct {
	source *S
	made   *T
}

// maxPolicies is how many are remembered before those of former configurations are
// forgotten, with all others: a reload makes one for each TLD.
const maxPolicies = 1000

// Get returns what is made of p; make makes it.
func (m *MadeOfPolicies[T]) Get(p *Policy, make func(*Policy) *T) *T {
	if known := m.list.Load(); known != nil {
		for i := range *known {
			if one := &(*known)[i]; one.source == p {
				return one.made
			}
		}
	}
	return m.add(p, make(p))
}

// add remembers what was made of p. Of two that come at once one may be forgotten, and
// comes again.
func (m *MadeOfPolicies[T]) add(p *Policy, made *T) *T {
	var list []madeOf[Policy, T]
	if known := m.list.Load(); known != nil && len(*known) < maxPolicies {
		list = slices.Clip(*known)
	}
	list = append(list, madeOf[Policy, T]{p, made})
	m.list.Store(&list)
	return made
}

// MadeOfRegistrars keeps what a protocol makes once of each registrar, as MadeOfPolicies
// does of policies. It takes 56 KiB.
type MadeOfRegistrars[T any] struct {
	slots [accredited + others]atomic.Pointer[madeOf[registry.Registrar, T]]
}

// How many registrars have room: each under an IANA ID that ICANN has given or may give
// in the next years, and some with higher ones, those that IANA reserves and made-up
// ones. Those of one place take turns.
const (
	accredited = 6144
	others     = 1024
)

// Get returns what is made of r; make makes it.
func (m *MadeOfRegistrars[T]) Get(r *registry.Registrar, make func(*registry.Registrar) *T) *T {
	place := uint(r.IANA)
	if place >= accredited {
		place = accredited + place%others
	}
	slot := &m.slots[place]
	if one := slot.Load(); one != nil && one.source == r {
		return one.made
	}
	one := &madeOf[registry.Registrar, T]{r, make(r)}
	slot.Store(one)
	return one.made
}
