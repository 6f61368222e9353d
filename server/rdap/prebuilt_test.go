package rdap

import (
	"testing"

	"rddsd/cache/registry"
	"rddsd/server/lookup"
)

// TestSponsorsHaveRoom: what the bodies of a registry's registrars have in common is
// made once for each: those that ICANN accredits, those under reserved and generated IDs.
func TestSponsorsHaveRoom(t *testing.T) {
	var b prebuilt
	policy := &lookup.Policy{BaseURL: testBase}
	var registrars []*registry.Registrar
	for iana := 1; iana <= 5000; iana++ {
		registrars = append(registrars, &registry.Registrar{Name: "R", IANA: iana})
	}
	for iana := firstReservedIANA; iana <= lastReservedIANA; iana++ {
		registrars = append(registrars, &registry.Registrar{Name: "R", IANA: iana})
	}
	for iana := 900_001; iana <= 900_500; iana++ {
		registrars = append(registrars, &registry.Registrar{Name: "R", IANA: iana})
	}
	made := make([]*sponsor, len(registrars))
	for i, r := range registrars {
		made[i] = b.site(policy).sponsor(r)
	}
	again := 0
	for i, r := range registrars {
		if b.site(policy).sponsor(r) != made[i] {
			again++
		}
	}
	if again > 0 {
		t.Errorf("%d of %d registrars were made again", again, len(registrars))
	}
	changed := *registrars[0]
	changed.Name = "Other"
	if b.site(policy).sponsor(&changed) == made[0] {
		t.Error("a changed registrar is taken for what it was")
	}
}

// TestSitesAreBounded: policies of former configurations are forgotten.
func TestSitesAreBounded(t *testing.T) {
	var b prebuilt
	first := &lookup.Policy{BaseURL: testBase}
	site := b.site(first)
	for range maxSites {
		if b.site(&lookup.Policy{BaseURL: testBase}) == nil {
			t.Fatal("no site")
		}
	}
	if n := len(*b.sites.Load()); n > maxSites {
		t.Errorf("%d sites are remembered, want at most %d", n, maxSites)
	}
	if b.site(first) == site {
		t.Error("the first one is remembered for ever")
	}
}
