package cache

import (
	"strings"

	"rddsd/cache/registry"
)

// check finds what keeps c from being published that only its surroundings can
// tell: d's TLDs and registrars, and the key it came under. What the row alone
// can tell has been checked before (registry.Domain.Check).
func (d *draft) check(c Change, w *workspace) registry.Reject {
	if c.Reject != "" || c.Row == "" {
		return c.Reject
	}
	if key, ok := rowKey(c.Row); !ok || w.decode(c.Kind, c.Row) != nil {
		return registry.RejectUnreadable
	} else if key != c.Name || key == "" {
		return registry.RejectKey
	}
	if c.Kind != registry.KindDomain {
		return ""
	}
	tld := d.zone(c.Name)
	if tld == nil {
		return registry.RejectNoTLD
	}
	sponsor := d.sponsor(w.domain.Registrar)
	if sponsor == nil {
		return registry.RejectRegistrar
	}
	if tld.GTLD && sponsor.IANA == 0 {
		return registry.RejectNoIANA
	}
	return ""
}

// zone is TLDOf, which remembers the zone that it found last.
func (d *draft) zone(name string) *registry.TLD {
	if t := d.lastZone; t != nil && isLabelUnder(name, t.Name) {
		return t
	}
	d.lastZone = d.TLDOf(name)
	return d.lastZone
}

// sponsor is Registrar, which remembers some that it found.
func (d *draft) sponsor(clid string) *registry.Registrar {
	if clid == "" {
		return d.registrars[clid]
	}
	last := &d.lastSponsors[(uint(len(clid))+31*uint(clid[len(clid)-1])+7*uint(clid[len(clid)/2]))%uint(len(d.lastSponsors))]
	if *last == nil || (*last).ClID != clid {
		*last = d.registrars[clid]
	}
	return *last
}

// isLabelUnder reports whether name is one label under zone: no zone that TLDOf
// may find ends it earlier.
func isLabelUnder(name, zone string) bool {
	dot := len(name) - len(zone) - 1
	return dot >= 0 && name[dot] == '.' && name[dot+1:] == zone && strings.IndexByte(name[:dot], '.') < 0
}
