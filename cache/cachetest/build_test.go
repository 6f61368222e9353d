package cachetest_test

import (
	"testing"
	"time"

	"rddsd/cache"
	"rddsd/cache/cachetest"
	"rddsd/cache/registry"
)

func TestBuildTakesObjectsInAnyOrder(t *testing.T) {
	pos := cachetest.Start
	pos.Serial = 7
	view := cachetest.Build(
		&registry.Domain{Name: "a.coop", ROID: "D1-COOP", Registrar: "one", Hosts: []string{"H1-COOP"}, Created: 1, Expires: 2},
		&registry.Nameserver{ROID: "H1-COOP", Name: "ns1.a.coop", V6: []string{"2001:DB8:0::1"}},
		cachetest.Rejected(registry.KindDomain, "b.coop", registry.RejectDate),
		pos, registry.Time(5),
		&registry.Registrar{ClID: "one", IANA: 900001, Name: "One Limited"},
		&registry.TLD{Name: "coop", GTLD: true},
	)
	var (
		d registry.Domain
		n registry.Nameserver
	)
	if got := view.Domain("a.coop", &d); got != cache.Present || d.ROID != "D1-COOP" {
		t.Errorf("Domain(a.coop) = %v, %+v", got, d)
	}
	if got := view.Domain("b.coop", &d); got != cache.Unknown {
		t.Errorf("Domain(b.coop) = %v, want Unknown: its row was rejected", got)
	}
	if got := view.Nameserver("H1-COOP", &n); got != cache.Present || n.V6[0] != "2001:db8::1" {
		t.Errorf("Nameserver(H1-COOP) = %v, %+v", got, n)
	}
	if view.Position() != pos || view.AsOf() != 5 || !view.MissKnown(time.Now()) {
		t.Errorf("the View stands at %+v, %d, misses known %v", view.Position(), view.AsOf(), view.MissKnown(time.Now()))
	}
}

func TestBuildRefusesWhatCannotBePublished(t *testing.T) {
	for _, bad := range []struct {
		name   string
		object any
	}{
		{"an object that fails its check", &registry.Domain{Name: "A.coop", Registrar: "one", Created: 1, Expires: 2}},
		{"a domain under no TLD", &registry.Domain{Name: "a.test", Registrar: "one", Created: 1, Expires: 2}},
		{"a value instead of a pointer", registry.TLD{Name: "coop"}},
	} {
		t.Run(bad.name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("Build did not panic")
				}
			}()
			cachetest.Build(&registry.TLD{Name: "coop"}, &registry.Registrar{ClID: "one"}, bad.object)
		})
	}
}
