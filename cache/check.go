package cache

import "rddsd/cache/registry"

// check finds what keeps c from being published that only its surroundings can
// tell: v's TLDs and registrars, and the key it came under. What the row alone
// can tell has been checked before (registry.Domain.Check).
func (v *View) check(c Change, w *workspace) registry.Reject {
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
	tld := v.TLDOf(c.Name)
	if tld == nil {
		return registry.RejectNoTLD
	}
	sponsor := v.registrars[w.domain.Registrar]
	if sponsor == nil {
		return registry.RejectRegistrar
	}
	if tld.GTLD && sponsor.IANA == 0 {
		return registry.RejectNoIANA
	}
	return ""
}
