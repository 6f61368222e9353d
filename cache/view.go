package cache

import (
	"cmp"
	"fmt"
	"runtime"
	"strings"
	"time"

	"rddsd/cache/registry"
)

// View is the published registry at one Position. It never changes once built:
// every method is safe for concurrent use.
//
// The look-ups that fill an object reuse its slices and allocate nothing once
// those have grown. The strings that they set share memory of the View, which
// the garbage collector does not see: they are valid while somebody holds the
// View, whatever is published next, and not a moment longer; and until the next
// look-up into the same object. What is kept must be cloned, or the View be kept
// beside it, as lookup.Answer does. Objects that a View returns as pointers, and
// lists of names, are of the Go heap and stay valid.
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

	tlds             map[string]*registry.TLD
	zones            []*registry.TLD // by name
	registrars       map[string]*registry.Registrar
	sponsors         []*registry.Registrar // all of them, by clid
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
// now. It may not when the data is too old for that, when the end of the delta
// log may have been lost ([feed] max_miss_age; feed.md §7 and §8), or once damage
// was met in the base file.
func (v *View) MissKnown(now time.Time) bool {
	return now.Before(v.missUntil) && v.base.blocks.damaged() == nil
}

// Count returns how many objects of kind the View holds.
func (v *View) Count(kind registry.Kind) int { return v.counts[kind] }

// Refreshed returns the same View as known complete up to asOf, whose misses
// may be told until missUntil.
func (v *View) Refreshed(asOf registry.Time, missUntil time.Time) *View {
	next := *v
	next.asOf, next.missUntil = asOf, missUntil
	return &next
}

// emptyView returns a View of nothing, to be filled.
func emptyView() View {
	return View{tlds: map[string]*registry.TLD{}, registrars: map[string]*registry.Registrar{}}
}

// row returns the newest row for key, "" if there is none. It is valid until w is
// used again. An error says that the record is damaged.
func (v *View) row(kind registry.Kind, name string, w *workspace) (string, error) {
	if row, ok := v.overlay.rows[kind].get(name, ""); ok {
		return row, nil
	}
	place, found, ok := v.base.kinds[kind].find(name)
	if ok && !found {
		return "", nil
	}
	if ok {
		if _, ok = v.base.decode(kind, place, w); ok {
			return w.encode(kind), nil
		}
	}
	return "", v.unreadable(kind, name)
}

func (v *View) unreadable(kind registry.Kind, name string) error {
	return fmt.Errorf("%s %q: its record is damaged: %w", kind, name, cmp.Or(v.base.blocks.damaged(), errCut))
}

// void reports whether the overlay overrides what the base says of name in ix.
func (v *View) void(kind registry.Kind, name string, ix index) bool {
	e := v.overlay.rows[kind].at(name, "")
	return e != nil && e.voids.has(ix)
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
// that lacks an object. Once damage was met in the base file it is Unknown.
func (v *View) Doubt(kind registry.Kind) Presence {
	if v.bad[kind] > 0 || v.base.blocks.damaged() != nil {
		return Unknown
	}
	return Absent
}

// Domain fills d with the domain called name, an A-label name in lower case.
func (v *View) Domain(name string, d *registry.Domain) Presence {
	defer runtime.KeepAlive(v)
	if row, ok := v.overlay.rows[registry.KindDomain].get(name, ""); ok {
		return v.decoded(registry.KindDomain, name, row, func(row string) error { return registry.DecodeDomain(row, d) })
	}
	place, found, ok := v.base.kinds[registry.KindDomain].find(name)
	if !ok || !found {
		return v.without(registry.KindDomain, name, ok)
	}
	return v.domainAt(place, d)
}

// domainAt fills d with the domain at place in the base.
func (v *View) domainAt(place uint32, d *registry.Domain) Presence {
	var r domainRecord
	if _, ok := v.base.domain(place, &r); !ok || !v.base.fillDomain(&r, d) {
		return Unknown
	}
	return Present
}

// decoded returns what it means that the overlay holds row under name: it is
// decoded, or the object is gone.
func (v *View) decoded(kind registry.Kind, name, row string, decode func(row string) error) Presence {
	if row == "" {
		return v.missing(kind, name)
	}
	if decode(row) != nil {
		return Unknown
	}
	return Present
}

// without returns what it means that the base does not hold name, or, when ok is
// false, that this cannot be told.
func (v *View) without(kind registry.Kind, name string, ok bool) Presence {
	if !ok {
		return Unknown
	}
	return v.missing(kind, name)
}

// DomainByROID fills d with the domain whose ROID is roid.
func (v *View) DomainByROID(roid string, d *registry.Domain) Presence {
	defer runtime.KeepAlive(v)
	var r domainRecord
	read := func(place uint32) (name string, same, ok bool) {
		if _, ok := v.base.domain(place, &r); !ok || !r.hasROID(roid, &v.base.texts) {
			return "", false, ok
		}
		d.Memory = r.appendName(d.Memory[:0])
		return textOf(d.Memory), true, true
	}
	hit := v.find(registry.KindDomain, domainByROID, roid, read)
	switch {
	case hit.damaged:
		return Unknown
	case hit.inBase && v.overlay.rows[registry.KindDomain].root != nil:
		// The overlay may hold it too, with the same ROID.
		if name, _, ok := read(hit.place); ok {
			return v.Domain(name, d)
		}
		return Unknown
	case hit.inBase:
		return v.domainAt(hit.place, d)
	case hit.key != "":
		return v.Domain(hit.key, d)
	}
	return v.Doubt(registry.KindDomain)
}

// Reserved fills r with the reserved name called name.
func (v *View) Reserved(name string, r *registry.Reserved) Presence {
	defer runtime.KeepAlive(v)
	decode := func(row string) error { return registry.DecodeReserved(row, r) }
	if row, ok := v.overlay.rows[registry.KindReserved].get(name, ""); ok {
		return v.decoded(registry.KindReserved, name, row, decode)
	}
	t := &v.base.kinds[registry.KindReserved]
	place, found, ok := t.find(name)
	if !ok || !found {
		return v.without(registry.KindReserved, name, ok)
	}
	if row, _, ok := t.rowAt(place); !ok || decode(row) != nil {
		return Unknown
	}
	return Present
}

// Nameserver fills n with the host object whose ROID is roid.
func (v *View) Nameserver(roid string, n *registry.Nameserver) Presence {
	defer runtime.KeepAlive(v)
	if row, ok := v.overlay.rows[registry.KindHost].get(roid, ""); ok {
		return v.decoded(registry.KindHost, roid, row, func(row string) error { return registry.DecodeNameserver(row, n) })
	}
	place, found, ok := v.base.kinds[registry.KindHost].find(roid)
	if !ok || !found {
		return v.without(registry.KindHost, roid, ok)
	}
	return v.hostAt(place, n)
}

// hostAt fills n with the host at place in the base.
func (v *View) hostAt(place uint32, n *registry.Nameserver) Presence {
	t := &v.base.kinds[registry.KindHost]
	c := t.scanner(place)
	if v.base.host(&c, n); !t.read(place, &c) {
		return Unknown
	}
	return Present
}

// NameserverByName fills n with the host object called name.
func (v *View) NameserverByName(name string, n *registry.Nameserver) Presence {
	defer runtime.KeepAlive(v)
	hit := v.find(registry.KindHost, hostByName, name, func(place uint32) (roid string, same, ok bool) {
		ok = v.hostAt(place, n) == Present
		return n.ROID, n.Name == name, ok
	})
	switch {
	case hit.damaged:
		return Unknown
	case hit.inBase:
		roid, ok := v.base.kinds[registry.KindHost].roid(hit.place)
		if !ok {
			return Unknown
		}
		return v.Nameserver(roid, n) // the overlay may hold it too, with the same name
	case hit.key != "":
		return v.Nameserver(hit.key, n)
	}
	return v.Doubt(registry.KindHost)
}

// hit is the object that find found: in the base, or by its key in the overlay.
type hit struct {
	inBase  bool
	damaged bool // what is damaged may be it
	place   uint32
	key     string
}

// find returns the object of kind that has key in an index. While the newest row
// of an object is in quarantine, another one may have the same: the good one is
// found, else the first. read returns the key of the object at place in the base,
// valid until it is called again, and whether that has key.
func (v *View) find(kind registry.Kind, ix index, key string, read func(place uint32) (object string, same, ok bool)) hit {
	good := func(object string) bool { return v.bad[kind] == 0 || v.Rejection(Key{kind, object}) == "" }
	var old, over hit
	oldGood, overGood := false, false
	p := v.base.candidates(ix, key)
	for place, more := p.next(); more; place, more = p.next() {
		object, same, ok := read(place)
		if !ok {
			return hit{damaged: true}
		}
		if !same || key == "" || v.void(kind, object, ix) {
			continue
		}
		// The order of places is that of keys.
		if g := good(object); !old.inBase || g && !oldGood || g == oldGood && place < old.place {
			old, oldGood = hit{inBase: true, place: place}, g
		}
	}
	if p.bad {
		return hit{damaged: true}
	}
	for c := v.overlay.links[ix].from(key, ""); c.at() != nil && c.at().a == key; c.next() {
		if g := good(c.at().b); over.key == "" || g && !overGood {
			over, overGood = hit{key: c.at().b}, g
		}
	}
	switch {
	case over.key == "":
		return old
	case !old.inBase || overGood && !oldGood:
		return over
	case oldGood && !overGood:
		return old
	}
	if object, _, ok := read(old.place); !ok || object < over.key {
		return old
	}
	return over
}

// Contact fills c with the contact whose ROID is roid. While its newest row is
// in quarantine the last good version is shown with every value withheld: what
// was disclosed then may have been withheld since (feed.md §7).
func (v *View) Contact(roid string, c *registry.Contact) Presence {
	defer runtime.KeepAlive(v)
	presence := v.contact(roid, c)
	if presence == Present && v.bad[registry.KindContact] > 0 && v.Rejection(Key{registry.KindContact, roid}) != "" {
		c.Withhold()
	}
	return presence
}

func (v *View) contact(roid string, c *registry.Contact) Presence {
	if row, ok := v.overlay.rows[registry.KindContact].get(roid, ""); ok {
		return v.decoded(registry.KindContact, roid, row, func(row string) error { return registry.DecodeContact(row, c) })
	}
	t := &v.base.kinds[registry.KindContact]
	place, found, ok := t.find(roid)
	if !ok || !found {
		return v.without(registry.KindContact, roid, ok)
	}
	at := t.scanner(place)
	if v.base.contact(&at, c); !t.read(place, &at) {
		return Unknown
	}
	return Present
}

// Registrar returns the registrar whose EPP identifier is clid, nil if there is
// none. It is the View's own and must not be changed.
func (v *View) Registrar(clid string) *registry.Registrar { return v.registrars[clid] }

// Registrars returns all registrars, by ClID. The slice is the View's own and must
// not be changed.
func (v *View) Registrars() []*registry.Registrar { return v.sponsors }

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
