package cache

import (
	"iter"
	"net/netip"
	"slices"
	"strings"
	"time"

	"rddsd/cache/registry"
)

// View is the published registry at one Position. It never changes once built:
// every method is safe for concurrent use. The look-ups that fill an object
// reuse its slices and allocate nothing once those have grown; the strings they
// set share the View's memory and stay valid, whatever is published next, for
// as long as the caller holds the View.
type View struct {
	pos       Position
	asOf      registry.Time
	missUntil time.Time
	counts    [registry.Kinds]int
	hidden    [registry.Kinds]int // objects in quarantine of which no good row is kept

	tlds       []*registry.TLD // by name
	registrars map[string]*registry.Registrar
	byIANA     map[int]*registry.Registrar
	byName     map[string][]*registry.Registrar // folded name

	base *table
	over *table
}

// Presence is what a View knows about a key.
type Presence uint8

const (
	Absent  Presence = iota // the registry holds no such object
	Present                 // the object was filled in
	Unknown                 // there is a row, but no good version of it: never "not found"
)

// Position returns where the registry stood.
func (v *View) Position() Position { return v.pos }

// AsOf returns up to when the View is known to be complete, by the registry's
// clock.
func (v *View) AsOf() registry.Time { return v.asOf }

// MissKnown reports whether what the View lacks may be called "not found" at
// now. It may not when the data is too old for that, or when the end of the
// delta log may have been lost ([feed] max_miss_age; feed.md §7 and §8).
func (v *View) MissKnown(now time.Time) bool { return now.Before(v.missUntil) }

// Count returns how many objects of kind the View holds.
func (v *View) Count(kind registry.Kind) int { return v.counts[kind] }

// Refreshed returns the same View as known complete up to asOf, whose misses
// may be told until missUntil.
func (v *View) Refreshed(asOf registry.Time, missUntil time.Time) *View {
	next := *v
	next.asOf, next.missUntil = asOf, missUntil
	return &next
}

// row returns the newest row for key, "" if there is none.
func (v *View) row(kind registry.Kind, name string) string {
	if row, ok := v.over.rows[kind][name]; ok {
		return row
	}
	return v.base.rows[kind][name]
}

// void reports whether the overlay overrides name, so that what the base's
// indexes say of it no longer counts.
func (v *View) void(kind registry.Kind, name string) bool {
	_, ok := v.over.rows[kind][name]
	return ok
}

func (v *View) quarantined(kind registry.Kind, name string) registry.Reject {
	key := Key{kind, name}
	if reason, ok := v.over.quarantine[key]; ok {
		return reason
	}
	return v.base.quarantine[key]
}

func (v *View) missing(kind registry.Kind, name string) Presence {
	if v.quarantined(kind, name) != "" {
		return Unknown
	}
	return Absent
}

// Doubt returns what a miss through anything but the key of kind means: Absent,
// or Unknown while an object of that kind is in quarantine of which no good row
// is kept, for it may be the one that was asked for.
func (v *View) Doubt(kind registry.Kind) Presence {
	if v.hidden[kind] > 0 {
		return Unknown
	}
	return Absent
}

// Domain fills d with the domain called name, an A-label name in lower case.
func (v *View) Domain(name string, d *registry.Domain) Presence {
	row := v.row(registry.KindDomain, name)
	if row == "" {
		return v.missing(registry.KindDomain, name)
	}
	if registry.DecodeDomain(row, d) != nil {
		return Unknown
	}
	return Present
}

// DomainByROID fills d with the domain whose ROID is roid.
func (v *View) DomainByROID(roid string, d *registry.Domain) Presence {
	name, ok := v.over.domainByROID[roid]
	if !ok {
		if name, ok = v.base.domainByROID[roid]; !ok || v.void(registry.KindDomain, name) {
			return v.Doubt(registry.KindDomain)
		}
	}
	return v.Domain(name, d)
}

// Reserved fills r with the reserved name called name.
func (v *View) Reserved(name string, r *registry.Reserved) Presence {
	row := v.row(registry.KindReserved, name)
	if row == "" {
		return v.missing(registry.KindReserved, name)
	}
	if registry.DecodeReserved(row, r) != nil {
		return Unknown
	}
	return Present
}

// Nameserver fills n with the host object whose ROID is roid.
func (v *View) Nameserver(roid string, n *registry.Nameserver) Presence {
	row := v.row(registry.KindHost, roid)
	if row == "" {
		return v.missing(registry.KindHost, roid)
	}
	if registry.DecodeNameserver(row, n) != nil {
		return Unknown
	}
	return Present
}

// NameserverByName fills n with the host object called name.
func (v *View) NameserverByName(name string, n *registry.Nameserver) Presence {
	roid, ok := v.over.hostByName[name]
	if !ok {
		if roid, ok = v.base.hostByName[name]; !ok || v.void(registry.KindHost, roid) {
			return v.Doubt(registry.KindHost)
		}
	}
	return v.Nameserver(roid, n)
}

// NameserversAt appends to dst the ROIDs of the host objects that have exactly
// addr, in order of ROID, and returns it with at most limit entries added; more
// says that there were more.
func (v *View) NameserversAt(addr netip.Addr, limit int, dst []string) (roids []string, more bool) {
	return v.indexed(registry.KindHost, v.base.hostsByAddr[addr], v.over.hostsByAddr[addr], limit, dst)
}

// DomainsOfHost appends to dst names whose delegation names the host object
// roid, in order of name, as NameserversAt.
func (v *View) DomainsOfHost(roid string, limit int, dst []string) (names []string, more bool) {
	return v.indexed(registry.KindDomain, v.base.domainsByHost[roid], v.over.domainsByHost[roid], limit, dst)
}

// DomainsOfContact appends to dst names that refer to the contact roid as
// registrant or technical contact, as NameserversAt.
func (v *View) DomainsOfContact(roid string, limit int, dst []string) (names []string, more bool) {
	return v.indexed(registry.KindDomain, v.base.domainsByUser[roid], v.over.domainsByUser[roid], limit, dst)
}

// Linked reports whether a published domain names the host object roid.
func (v *View) Linked(roid string) bool {
	if len(v.over.domainsByHost[roid]) > 0 {
		return true
	}
	for _, name := range v.base.domainsByHost[roid] {
		if !v.void(registry.KindDomain, name) {
			return true
		}
	}
	return false
}

func (v *View) indexed(kind registry.Kind, base, over []string, limit int, dst []string) ([]string, bool) {
	start := len(dst)
	for _, name := range base {
		if !v.void(kind, name) {
			dst = append(dst, name)
		}
	}
	dst = append(dst, over...)
	slices.Sort(dst[start:])
	if len(dst)-start > limit {
		return dst[:start+limit], true
	}
	return dst, false
}

// Contact fills c with the contact whose ROID is roid. While its newest row is
// quarantined the last good version is shown with every value withheld: what
// was disclosed then may have been withheld since (feed.md §7).
func (v *View) Contact(roid string, c *registry.Contact) Presence {
	row := v.row(registry.KindContact, roid)
	if row == "" {
		return v.missing(registry.KindContact, roid)
	}
	if registry.DecodeContact(row, c) != nil {
		return Unknown
	}
	if v.quarantined(registry.KindContact, roid) != "" {
		c.Withhold()
	}
	return Present
}

// Registrar returns the registrar whose EPP identifier is clid, nil if there is
// none. It is the View's own and must not be changed.
func (v *View) Registrar(clid string) *registry.Registrar { return v.registrars[clid] }

// RegistrarByIANA returns the registrar with the IANA ID id, nil if there is
// none.
func (v *View) RegistrarByIANA(id int) *registry.Registrar { return v.byIANA[id] }

// RegistrarsByName returns the registrars whose folded name is folded (see
// registry.FoldName). It is the View's own and must not be changed.
func (v *View) RegistrarsByName(folded string) []*registry.Registrar { return v.byName[folded] }

// TLDs returns the zones of the registry in order of name. It is the View's own
// and must not be changed.
func (v *View) TLDs() []*registry.TLD { return v.tlds }

// TLDOf returns the zone that name is registered under: the longest one that
// ends it at a dot. It returns nil when there is none, and for a zone itself.
func (v *View) TLDOf(name string) *registry.TLD { return tldOf(v.tlds, name) }

func tldOf(tlds []*registry.TLD, name string) *registry.TLD {
	var longest *registry.TLD
	for _, t := range tlds {
		if len(name) > len(t.Name)+1 && name[len(name)-len(t.Name)-1] == '.' && strings.HasSuffix(name, t.Name) &&
			(longest == nil || len(t.Name) > len(longest.Name)) {
			longest = t
		}
	}
	return longest
}

// Names appends to dst the names of domains that begin with prefix, in order,
// at most limit; more says that there were more.
func (v *View) Names(prefix string, limit int, dst []string) (names []string, more bool) {
	base, over := from(v.base.names, prefix), from(v.over.names, prefix)
	for n := 0; ; n++ {
		for len(base) > 0 && v.void(registry.KindDomain, base[0]) {
			base = base[1:]
		}
		var next string
		switch {
		case len(base) > 0 && strings.HasPrefix(base[0], prefix) && (len(over) == 0 || base[0] < over[0]):
			next, base = base[0], base[1:]
		case len(over) > 0 && strings.HasPrefix(over[0], prefix):
			next, over = over[0], over[1:]
		default:
			return dst, false
		}
		if n == limit {
			return dst, true
		}
		dst = append(dst, next)
	}
}

func from(sorted []string, prefix string) []string {
	i, _ := slices.BinarySearch(sorted, prefix)
	return sorted[i:]
}

// Due returns the keys to read again beside the changed ones when the
// registry's clock shows clock: domains whose row the clock has changed since,
// and rows in quarantine, which heal when what they depend on does.
func (v *View) Due(clock registry.Time) []Key {
	var keys []Key
	for _, d := range v.base.refresh {
		if d.at > clock {
			break
		}
		if !v.void(registry.KindDomain, d.name) {
			keys = append(keys, Key{registry.KindDomain, d.name})
		}
	}
	for _, d := range v.over.refresh {
		if d.at > clock {
			break
		}
		keys = append(keys, Key{registry.KindDomain, d.name})
	}
	return append(keys, v.Quarantined()...)
}

// NextDue returns the earliest moment, by the registry's clock, at which the
// clock alone changes a domain; 0 if there is none.
func (v *View) NextDue() registry.Time {
	var next registry.Time
	for _, d := range v.base.refresh {
		if !v.void(registry.KindDomain, d.name) {
			next = d.at
			break
		}
	}
	if over := v.over.refresh; len(over) > 0 && (next == 0 || over[0].at < next) {
		next = over[0].at
	}
	return next
}

// Quarantined returns the keys whose newest row could not be published, in
// order.
func (v *View) Quarantined() []Key {
	var keys []Key
	for key := range v.base.quarantine {
		if v.quarantined(key.Kind, key.Name) != "" {
			keys = append(keys, key)
		}
	}
	for key, reason := range v.over.quarantine {
		if _, both := v.base.quarantine[key]; reason != "" && !both {
			keys = append(keys, key)
		}
	}
	slices.SortFunc(keys, func(a, b Key) int {
		if a.Kind != b.Kind {
			return int(a.Kind) - int(b.Kind)
		}
		return strings.Compare(a.Name, b.Name)
	})
	return keys
}

// All yields every published object with its row, by kind in the order of a
// snapshot, and in no order within a kind.
func (v *View) All() iter.Seq2[Key, string] {
	return func(yield func(Key, string) bool) {
		for kind := range registry.Kind(registry.Kinds) {
			for name, row := range v.base.rows[kind] {
				if !v.void(kind, name) && !yield(Key{kind, name}, row) {
					return
				}
			}
			for name, row := range v.over.rows[kind] {
				if row != "" && !yield(Key{kind, name}, row) {
					return
				}
			}
		}
	}
}

// Rejection returns why the newest row of key could not be published, "" if it
// was.
func (v *View) Rejection(key Key) registry.Reject { return v.quarantined(key.Kind, key.Name) }
