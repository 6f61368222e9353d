package cache

import (
	"iter"
	"net/netip"
	"slices"
	"strings"

	"rddsd/cache/registry"
)

// NameserversAt appends to dst the ROIDs of the host objects that have exactly
// addr, in order of ROID, and returns it with at most limit entries added; more
// says that there were more. It takes time by limit, not by how many there are.
func (v *View) NameserversAt(addr netip.Addr, limit int, dst []string) (roids []string, more bool) {
	key := addressKey(addr)
	return v.list(registry.KindHost, v.base.hostsByAddress[string(key[:])], hostByAddress, string(key[:]), limit, dst)
}

// DomainsOfHost appends to dst names whose delegation names the host object
// roid, in order of name, as NameserversAt.
func (v *View) DomainsOfHost(roid string, limit int, dst []string) (names []string, more bool) {
	return v.list(registry.KindDomain, v.base.domainsByHost[roid], domainByHost, roid, limit, dst)
}

// DomainsOfContact appends to dst names that refer to the contact roid as
// registrant or technical contact, as NameserversAt.
func (v *View) DomainsOfContact(roid string, limit int, dst []string) (names []string, more bool) {
	return v.list(registry.KindDomain, v.base.domainsByContact[roid], domainByContact, roid, limit, dst)
}

// Linked reports whether a published domain names the host object roid.
func (v *View) Linked(roid string) bool {
	for _, name := range v.base.domainsByHost[roid] {
		if !v.void(registry.KindDomain, name) {
			return true
		}
	}
	first := v.overlay.links[domainByHost].from(roid, "")
	return first.at() != nil && first.at().a == roid
}

// list merges what the base says under key, less what is void, with what the
// overlay says.
func (v *View) list(kind registry.Kind, base []string, ix index, key string, limit int, dst []string) ([]string, bool) {
	over := v.overlay.links[ix].from(key, "")
	for added := 0; ; added++ {
		for len(base) > 0 && v.void(kind, base[0]) {
			base = base[1:]
		}
		e := over.at()
		if e != nil && e.a != key {
			e = nil
		}
		var next string
		switch {
		case len(base) > 0 && (e == nil || base[0] < e.b):
			next, base = base[0], base[1:]
		case e != nil:
			next = e.b
			over.next()
		default:
			return dst, false
		}
		if added == limit {
			return dst, true
		}
		dst = append(dst, next)
	}
}

// Names appends to dst the names of domains that begin with prefix, in order,
// at most limit; more says that there were more. The strings share the View's
// memory.
func (v *View) Names(prefix string, limit int, dst []string) (names []string, more bool) {
	start := len(dst)
	for name := range v.namesFrom(prefix) {
		if !strings.HasPrefix(name, prefix) {
			break
		}
		if len(dst)-start == limit {
			return dst, true
		}
		dst = append(dst, name)
	}
	return dst, false
}

// namesFrom yields the names of domains from prefix on, in order. A name stands
// in the base, in the overlay, or in both, where the overlay counts.
func (v *View) namesFrom(prefix string) iter.Seq[string] {
	return func(yield func(string) bool) {
		at, _ := slices.BinarySearch(v.base.names, prefix)
		base := v.base.names[at:]
		over := v.overlay.rows[registry.KindDomain].from(prefix, "")
		for len(base) > 0 || over.at() != nil {
			e := over.at()
			if e == nil || (len(base) > 0 && base[0] < e.a) {
				if !yield(base[0]) {
					return
				}
				base = base[1:]
				continue
			}
			if len(base) > 0 && base[0] == e.a {
				base = base[1:]
			}
			if e.value != "" && !yield(e.a) {
				return
			}
			over.next()
		}
	}
}

// Due returns the keys to read again beside the changed ones when the
// registry's clock shows clock: domains whose row the clock has changed since,
// and rows in quarantine, which heal when what they depend on does. A key
// stands in it once.
func (v *View) Due(clock registry.Time) []Key {
	keys := v.Quarantined()
	for d := range v.dues() {
		if d.at > clock {
			break
		}
		keys = append(keys, Key{registry.KindDomain, d.name})
	}
	return keys
}

// NextDue returns the earliest moment, by the registry's clock, at which the
// clock alone changes a domain; 0 if there is none. Domains in quarantine do
// not count: Due names them always.
func (v *View) NextDue() registry.Time {
	for d := range v.dues() {
		return d.at
	}
	return 0
}

// dues yields the domains that the clock changes, and which are not in
// quarantine, in order of time.
func (v *View) dues() iter.Seq[due] {
	return func(yield func(due) bool) {
		base := v.base.refresh
		over := v.overlay.links[domainByRefresh].from("", "")
		for len(base) > 0 || over.at() != nil {
			var next due
			if e := over.at(); e == nil || (len(base) > 0 && base[0].compare(due{timeOfKey(e.a), e.b}) < 0) {
				next, base = base[0], base[1:]
				if v.void(registry.KindDomain, next.name) {
					continue
				}
			} else {
				next = due{timeOfKey(e.a), e.b}
				over.next()
			}
			if v.Rejection(Key{registry.KindDomain, next.name}) == "" && !yield(next) {
				return
			}
		}
	}
}

// Quarantined returns the keys whose newest row could not be published, in
// order of kind and key.
func (v *View) Quarantined() []Key {
	keys := slices.Grow([]Key(nil), v.quarantine.size)
	for c := v.quarantine.from("", ""); c.at() != nil; c.next() {
		keys = append(keys, Key{registry.Kind(c.at().a[0]), c.at().b})
	}
	return keys
}

// All yields every published object with its row, by kind in the order of a
// snapshot; domains in order of name, other kinds in no order.
func (v *View) All() iter.Seq2[Key, string] {
	return func(yield func(Key, string) bool) {
		for kind := range registry.Kind(registry.Kinds) {
			if !v.all(kind, yield) {
				return
			}
		}
	}
}

func (v *View) all(kind registry.Kind, yield func(Key, string) bool) bool {
	if kind == registry.KindDomain {
		for name := range v.namesFrom("") {
			if !yield(Key{kind, name}, v.row(kind, name)) {
				return false
			}
		}
		return true
	}
	for name, row := range v.base.rows[kind] {
		if !v.void(kind, name) && !yield(Key{kind, name}, row) {
			return false
		}
	}
	for c := v.overlay.rows[kind].from("", ""); c.at() != nil; c.next() {
		if e := c.at(); e.value != "" && !yield(Key{kind, e.a}, e.value) {
			return false
		}
	}
	return true
}

// Differs reports whether old and v, which Apply made from old, hold something
// else under key: another row, or another reason to be in quarantine.
func (v *View) Differs(old *View, key Key) bool {
	return v.row(key.Kind, key.Name) != old.row(key.Kind, key.Name) || v.Rejection(key) != old.Rejection(key)
}
