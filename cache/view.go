package cache

import (
	"strings"
	"time"

	"rddsd/cache/registry"
)

// View is the published registry at one Position. It never changes once built:
// every method is safe for concurrent use. The look-ups that fill an object
// reuse its slices and allocate nothing once those have grown; the strings they
// set share the View's memory and stay valid, whatever is published next.
//
// A look-up that does not return Present leaves the object in no particular
// state.
type View struct {
	pos       Position
	asOf      registry.Time
	missUntil time.Time
	counts    [registry.Kinds]int
	bad       [registry.Kinds]int // objects in quarantine
	digest    uint64
	foldMin   int

	tlds             map[string]*registry.TLD
	zones            []*registry.TLD // by name
	registrars       map[string]*registry.Registrar
	registrarByIANA  map[int]*registry.Registrar
	registrarsByName map[string][]*registry.Registrar // folded name

	base       *base
	overlay    overlay
	quarantine tree // (kind, key) -> registry.Reject
}

// kindKeys are the kinds as keys of the quarantine.
var kindKeys = [registry.Kinds]string{"\x00", "\x01", "\x02", "\x03", "\x04", "\x05"}

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
	if row, ok := v.overlay.rows[kind].get(name, ""); ok {
		return row
	}
	return v.base.rows[kind].row(name)
}

// void reports whether the overlay overrides name, so that what the base says
// of it no longer counts.
func (v *View) void(kind registry.Kind, name string) bool {
	_, ok := v.overlay.rows[kind].get(name, "")
	return ok
}

// Rejection returns why the newest row of key could not be published, "" if it
// was.
func (v *View) Rejection(key Key) registry.Reject {
	reason, _ := v.quarantine.get(kindKeys[key.Kind], key.Name)
	return registry.Reject(reason)
}

// missing returns what it means that there is no row under a key.
func (v *View) missing(kind registry.Kind, name string) Presence {
	if v.Rejection(Key{kind, name}) != "" {
		return Unknown
	}
	return Absent
}

// Doubt returns what a miss through anything but the key of kind means: Absent,
// or Unknown while the newest row of some object of that kind is in quarantine,
// for that row may be the one that was asked for. It says the same of a list
// that lacks an object.
func (v *View) Doubt(kind registry.Kind) Presence {
	if v.bad[kind] > 0 {
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
	name, ok := v.find(registry.KindDomain, &v.base.domainByROID, domainByROID, roid)
	if !ok {
		return v.Doubt(registry.KindDomain)
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
	roid, ok := v.find(registry.KindHost, &v.base.hostByName, hostByName, name)
	if !ok {
		return v.Doubt(registry.KindHost)
	}
	return v.Nameserver(roid, n)
}

// find returns the key of the object of kind that has key in an index. While
// the newest row of an object is in quarantine, another one may have the same:
// the good one is found, else the first.
func (v *View) find(kind registry.Kind, base *slots, ix index, key string) (object string, ok bool) {
	good := false
	consider := func(candidate string) {
		candidateGood := v.bad[kind] == 0 || v.Rejection(Key{kind, candidate}) == ""
		if !ok || (candidateGood && !good) || (candidateGood == good && candidate < object) {
			object, ok, good = candidate, true, candidateGood
		}
	}
	rows, p := &v.base.rows[kind], base.probe(tagOf(key))
	for number, more := p.next(); more; number, more = p.next() {
		if secondText(rows.rows[number]) == key && key != "" {
			if candidate := rows.key(number); !v.void(kind, candidate) {
				consider(candidate)
			}
		}
	}
	for c := v.overlay.links[ix].from(key, ""); c.at() != nil && c.at().a == key; c.next() {
		consider(c.at().b)
	}
	return object, ok
}

// Contact fills c with the contact whose ROID is roid. While its newest row is
// in quarantine the last good version is shown with every value withheld: what
// was disclosed then may have been withheld since (feed.md §7).
func (v *View) Contact(roid string, c *registry.Contact) Presence {
	row := v.row(registry.KindContact, roid)
	if row == "" {
		return v.missing(registry.KindContact, roid)
	}
	if registry.DecodeContact(row, c) != nil {
		return Unknown
	}
	if v.Rejection(Key{registry.KindContact, roid}) != "" {
		c.Withhold()
	}
	return Present
}

// Registrar returns the registrar whose EPP identifier is clid, nil if there is
// none. It is the View's own and must not be changed.
func (v *View) Registrar(clid string) *registry.Registrar { return v.registrars[clid] }

// RegistrarByIANA returns the registrar with the IANA ID id, nil if there is
// none. Where two have it, it is the first by ClID.
func (v *View) RegistrarByIANA(id int) *registry.Registrar { return v.registrarByIANA[id] }

// RegistrarsByName returns the registrars whose folded name is folded (see
// registry.FoldName), by ClID. The slice is the View's own and must not be
// changed.
func (v *View) RegistrarsByName(folded string) []*registry.Registrar {
	return v.registrarsByName[folded]
}

// TLDs returns the zones of the registry in order of name. The slice is the
// View's own and must not be changed.
func (v *View) TLDs() []*registry.TLD { return v.zones }

// TLD returns the zone called name, nil if the registry has none of that name.
func (v *View) TLD(name string) *registry.TLD { return v.tlds[name] }

// TLDOf returns the zone that name is registered under: the longest one that
// ends it at a dot. It returns nil when there is none, and for a zone itself
// unless it stands under another one.
func (v *View) TLDOf(name string) *registry.TLD {
	for {
		_, parent, ok := strings.Cut(name, ".")
		if !ok {
			return nil
		}
		if t := v.tlds[parent]; t != nil {
			return t
		}
		name = parent
	}
}
