package lookup

import (
	"sync"
	"testing"

	"rddsd/cache/cachetest"
	"rddsd/cache/registry"
)

func TestPolicies(t *testing.T) {
	p := NewPolicies([]Policy{{TLD: "coop", Port43: "whois.nic.coop"}}, func(tld string) Policy { return Policy{TLD: tld, Port43: "made"} })
	if got := p.For("coop"); got.Port43 != "whois.nic.coop" {
		t.Errorf("policy of coop: %+v", got)
	}
	if a, b := p.For("test"), p.For("test"); a != b || a.TLD != "test" || a.Port43 != "made" {
		t.Errorf("policy of test: %+v, then %+v; want one, made by fallback", a, b)
	}
	if got := p.Default(cachetest.Build(&registry.TLD{Name: "test"}, &registry.TLD{Name: "coop"})); got != p.For("coop") {
		t.Errorf("default of two TLDs: %+v, want that of the first by name", got)
	}
	if got := p.Default(cachetest.Build()); got != p.For("") {
		t.Errorf("default of no TLD: %+v", got)
	}
}

// All who ask at once for a policy that is not made yet get one and the same.
func TestPoliciesAtOnce(t *testing.T) {
	p := NewPolicies(nil, func(tld string) Policy { return Policy{TLD: tld} })
	var (
		wg  sync.WaitGroup
		got [16]*Policy
	)
	for i := range got {
		wg.Go(func() {
			p.For([]string{"a", "b", "c"}[i%3])
			got[i] = p.For("test")
		})
	}
	wg.Wait()
	for i := range got {
		if got[i] != got[0] {
			t.Fatalf("two policies of one TLD: %p, %p", got[i], got[0])
		}
	}
}
