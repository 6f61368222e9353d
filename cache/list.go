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
	return v.list(registry.KindHost, numbers{hosts: v.base.at(key)}, hostByAddress, string(key[:]), limit, dst)
}

// DomainsOfHost appends to dst names whose delegation names the host object
// roid, in order of name, as NameserversAt.
func (v *View) DomainsOfHost(roid string, limit int, dst []string) (names []string, more bool) {
	return v.list(registry.KindDomain, numbers{domains: v.domainsOfHost(roid)}, domainByHost, roid, limit, dst)
}

// DomainsOfContact appends to dst names that refer to the contact roid as
// registrant or technical contact, as NameserversAt.
func (v *View) DomainsOfContact(roid string, limit int, dst []string) (names []string, more bool) {
	domains := v.base.domainsByContact.of(&v.base.rows[registry.KindContact], roid)
	return v.list(registry.KindDomain, numbers{domains: domains}, domainByContact, roid, limit, dst)
}

// Linked reports whether a published domain names the host object roid.
func (v *View) Linked(roid string) bool {
	for _, domain := range v.domainsOfHost(roid) {
		if !v.void(registry.KindDomain, v.base.rows[registry.KindDomain].key(domain)) {
			return true
		}
	}
	first := v.overlay.links[domainByHost].from(roid, "")
	return first.at() != nil && first.at().a == roid
}

func (v *View) domainsOfHost(roid string) []uint32 {
	return v.base.domainsByHost.of(&v.base.rows[registry.KindHost], roid)
}

// numbers are rows of the base in order: of domains, or of hosts at an address.
type numbers struct {
	domains []uint32
	hosts   []address
}

// next takes the key of the first row in n that the overlay does not override.
func (v *View) next(kind registry.Kind, n *numbers) (key string, ok bool) {
	for {
		var number uint32
		switch {
		case len(n.domains) > 0:
			number, n.domains = n.domains[0], n.domains[1:]
		case len(n.hosts) > 0:
			number, n.hosts = n.hosts[0].host, n.hosts[1:]
		default:
			return "", false
		}
		if key := v.base.rows[kind].key(number); !v.void(kind, key) {
			return key, true
		}
	}
}

// list merges what the base says under key, less what is void, with what the
// overlay says.
func (v *View) list(kind registry.Kind, base numbers, ix index, key string, limit int, dst []string) ([]string, bool) {
	over := v.overlay.links[ix].from(key, "")
	old, more := v.next(kind, &base)
	for added := 0; ; added++ {
		e := over.at()
		if e != nil && e.a != key {
			e = nil
		}
		if !more && e == nil {
			return dst, false
		}
		if added == limit {
			return dst, true
		}
		if more && (e == nil || old < e.b) {
			dst = append(dst, old)
			old, more = v.next(kind, &base)
			continue
		}
		dst = append(dst, e.b)
		over.next()
	}
}

// Names appends to dst the names of domains that begin with prefix, in order,
// at most limit; more says that there were more. The strings share the View's
// memory.
func (v *View) Names(prefix string, limit int, dst []string) (names []string, more bool) {
	start := len(dst)
	for name := range v.from(registry.KindDomain, prefix) {
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

// from yields the objects of kind from key on, in order of key, each with its
// row. An object stands in the base, in the overlay, or in both, where the
// overlay counts.
func (v *View) from(kind registry.Kind, key string) iter.Seq2[string, string] {
	return func(yield func(key, row string) bool) {
		base := &v.base.rows[kind]
		number := base.from(key)
		over := v.overlay.rows[kind].from(key, "")
		for int(number) < len(base.rows) || over.at() != nil {
			e := over.at()
			if int(number) < len(base.rows) {
				old := base.key(number)
				if e == nil || old < e.a {
					if !yield(old, base.rows[number]) {
						return
					}
					number++
					continue
				}
				if old == e.a {
					number++
				}
			}
			if e.value != "" && !yield(e.a, e.value) {
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

// due is a domain whose row the clock alone changes at a moment.
type due struct {
	at   registry.Time
	name string
}

// dues yields the domains that the clock changes, and which are not in
// quarantine, in order of time.
func (v *View) dues() iter.Seq[due] {
	return func(yield func(due) bool) {
		base := v.base.refresh
		over := v.overlay.links[domainByRefresh].from("", "")
		for len(base) > 0 || over.at() != nil {
			var next due
			e := over.at()
			if len(base) > 0 {
				next = due{base[0].at, v.base.rows[registry.KindDomain].key(base[0].domain)}
			}
			var at registry.Time
			if e != nil {
				at = timeOfKey(e.a)
			}
			if e == nil || (len(base) > 0 && (next.at < at || next.at == at && next.name < e.b)) {
				base = base[1:]
				if v.void(registry.KindDomain, next.name) {
					continue
				}
			} else {
				next = due{at, e.b}
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
// snapshot, within a kind in order of key.
func (v *View) All() iter.Seq2[Key, string] {
	return func(yield func(Key, string) bool) {
		for kind := range registry.Kind(registry.Kinds) {
			for key, row := range v.from(kind, "") {
				if !yield(Key{kind, key}, row) {
					return
				}
			}
		}
	}
}

// Differs reports whether old and v, which Apply made from old, hold something
// else under key: another row, or another reason to be in quarantine.
func (v *View) Differs(old *View, key Key) bool {
	return v.row(key.Kind, key.Name) != old.row(key.Kind, key.Name) || v.Rejection(key) != old.Rejection(key)
}
