package lookup

import (
	"testing"

	"rddsd/cache/registry"
)

// TestRegistrarsHaveRoom: of a registry's registrars each thing is made once: of those
// that ICANN accredits, those under reserved and those under generated IDs.
func TestRegistrarsHaveRoom(t *testing.T) {
	var (
		m          MadeOfRegistrars[string]
		registrars []*registry.Registrar
		count      int
	)
	for _, ids := range [][2]int{{1, 5000}, {9994, 9999}, {900_001, 900_500}} {
		for iana := ids[0]; iana <= ids[1]; iana++ {
			registrars = append(registrars, &registry.Registrar{Name: "R", IANA: iana})
		}
	}
	get := func(r *registry.Registrar) *string {
		return m.Get(r, func(r *registry.Registrar) *string {
			count++
			return &r.Name
		})
	}
	for range 2 {
		for _, r := range registrars {
			if get(r) != &r.Name {
				t.Fatalf("registrar %d is taken for another", r.IANA)
			}
		}
	}
	if count != len(registrars) {
		t.Errorf("of %d registrars %d were made", len(registrars), count)
	}
	changed := *registrars[0]
	if get(&changed) != &changed.Name {
		t.Error("a changed registrar is taken for what it was")
	}
}

// TestPoliciesAreBounded: those of former configurations are forgotten.
func TestPoliciesAreBounded(t *testing.T) {
	var m MadeOfPolicies[string]
	get := func(p *Policy) *string {
		return m.Get(p, func(p *Policy) *string { return &p.TLD })
	}
	first := new(Policy)
	for range 2 {
		if get(first) != &first.TLD {
			t.Fatal("a policy is taken for another")
		}
	}
	for range maxPolicies {
		if p := new(Policy); get(p) != &p.TLD {
			t.Fatal("a policy is taken for another")
		}
	}
	if n := len(*m.list.Load()); n > maxPolicies {
		t.Errorf("%d policies are remembered, want at most %d", n, maxPolicies)
	}
	for _, one := range *m.list.Load() {
		if one.source == first {
			t.Error("the first one is remembered for ever")
		}
	}
}
