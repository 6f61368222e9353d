package cache

import (
	"iter"
	"net/netip"
	"runtime"
	"slices"
	"strings"

	"rddsd/cache/registry"
)

// NameserversAt appends to dst the ROIDs of the host objects that have exactly
// addr, in order of ROID, and returns it with at most limit entries added; more
// says that there were more. It takes time by limit, not by how many there are.
// The ROIDs are valid as the strings of other look-ups are.
//
// What stands in a damaged part of the base file is left out, here and in all
// other lists: Doubt says Unknown then.
func (v *View) NameserversAt(addr netip.Addr, limit int, dst []string) (roids []string, more bool) {
	defer runtime.KeepAlive(v)
	key := addressKey(addr)
	hosts := hostsAt{view: v, key: key}
	hosts.places, _ = v.base.hostsAt(key) // where it is damaged, it is empty
	over := v.overlay.links[hostByAddress].from(string(key[:]), "")
	old, there := hosts.next()
	for added := 0; ; added++ {
		e := over.at()
		if e != nil && e.a != string(key[:]) {
			e = nil
		}
		if !there && e == nil {
			return dst, false
		}
		if added == limit {
			return dst, true
		}
		if there && (e == nil || old < e.b) {
			dst = append(dst, old)
			old, there = hosts.next()
			continue
		}
		dst = append(dst, e.b)
		over.next()
	}
}

// hostsAt are the hosts of the base that have an address, in order of ROID.
type hostsAt struct {
	view   *View
	key    [16]byte
	places numbers
}

// next returns the ROID of the next one that is not void.
func (h *hostsAt) next() (roid string, there bool) {
	for {
		place, more := h.places.next()
		if !more {
			return "", false
		}
		roid, has, ok := h.view.base.hasAddress(uint32(place), h.key)
		if ok && has && !h.view.void(registry.KindHost, roid, hostByAddress) {
			return roid, true
		}
	}
}

// DomainsOfHost appends to dst names whose delegation names the host object
// roid, in order of name, as NameserversAt. The names stay valid.
func (v *View) DomainsOfHost(roid string, limit int, dst []string) (names []string, more bool) {
	defer runtime.KeepAlive(v)
	return v.domainsOf(registry.KindHost, domainByHost, roid, limit, dst)
}

// DomainsOfContact appends to dst names that refer to the contact roid as
// registrant or technical contact, as DomainsOfHost.
func (v *View) DomainsOfContact(roid string, limit int, dst []string) (names []string, more bool) {
	defer runtime.KeepAlive(v)
	return v.domainsOf(registry.KindContact, domainByContact, roid, limit, dst)
}

// domainsOf merges what the base says of the object of kind under roid, less what
// is void, with what the overlay says.
func (v *View) domainsOf(kind registry.Kind, ix index, roid string, limit int, dst []string) ([]string, bool) {
	domains := v.referring(kind, ix, roid)
	over := v.overlay.links[ix].from(roid, "")
	old, there := domains.next()
	for added := 0; ; added++ {
		e := over.at()
		if e != nil && e.a != roid {
			e = nil
		}
		if !there && e == nil {
			return dst, false
		}
		if added == limit {
			return dst, true
		}
		if there && (e == nil || string(old) < e.b) {
			dst = append(dst, string(old))
			old, there = domains.next()
			continue
		}
		dst = append(dst, strings.Clone(e.b))
		over.next()
	}
}

// Linked reports whether a published domain names the host object roid.
func (v *View) Linked(roid string) bool {
	defer runtime.KeepAlive(v)
	first := v.overlay.links[domainByHost].from(roid, "")
	if first.at() != nil && first.at().a == roid {
		return true
	}
	domains := v.referring(registry.KindHost, domainByHost, roid)
	_, there := domains.next()
	return there
}

// referring are the domains of the base that refer to an object, in order.
type referring struct {
	view    *View
	kind    registry.Kind
	ix      index
	roid    string
	numbers numbers
	record  domainRecord
	place   uint32
	at      int // number of the domain at place; -1 = none
	buffer  [128]byte
}

func (v *View) referring(kind registry.Kind, ix index, roid string) referring {
	list, _ := v.base.domainsOf(kind, roid) // where it is damaged, it is empty
	return referring{view: v, kind: kind, ix: ix, roid: roid, numbers: list, at: -1}
}

// next returns the name of the next one that is not void. It is valid until the
// next call.
func (l *referring) next() (name []byte, there bool) {
	b := l.view.base
	for {
		number, more := l.numbers.next()
		if !more {
			return nil, false
		}
		if !l.seek(number) {
			continue
		}
		if _, ok := b.domain(l.place, &l.record); !ok || !b.refers(&l.record, l.kind, l.roid) {
			continue
		}
		if name = l.record.appendName(l.buffer[:0]); !l.view.void(registry.KindDomain, textOf(name), l.ix) {
			return name, true
		}
	}
}

// seek finds the place of the domain with that number: from the one before, if
// that is near.
func (l *referring) seek(number int) (ok bool) {
	t := &l.view.base.kinds[registry.KindDomain]
	if l.at < 0 || number < l.at || number/sampleEvery != l.at/sampleEvery {
		l.place, ok = t.number(number)
		l.at = number
		return ok
	}
	for ; l.at < number; l.at++ {
		end, ok := l.view.base.domain(l.place, &l.record)
		if !ok {
			l.at = -1
			return false
		}
		l.place = t.after(l.place, end)
	}
	return true
}

// Names appends to dst the names of domains that begin with prefix, in order,
// at most limit; more says that there were more. The names stay valid.
func (v *View) Names(prefix string, limit int, dst []string) (names []string, more bool) {
	defer runtime.KeepAlive(v)
	start := len(dst)
	for o := range v.from(registry.KindDomain, prefix) {
		if !strings.HasPrefix(o.key, prefix) {
			break
		}
		if len(dst)-start == limit {
			return dst, true
		}
		dst = append(dst, strings.Clone(o.key))
	}
	return dst, false
}

// object is an object of a View: at place in the base, or row in the overlay.
type object struct {
	key   string // valid until the next object
	place uint32
	row   string // "" when it stands in the base
}

// from yields the objects of kind from key on, in order of key. An object stands
// in the base, in the overlay, or in both, where the overlay counts. It ends
// where the base is damaged.
func (v *View) from(kind registry.Kind, key string) iter.Seq[object] {
	return func(yield func(object) bool) {
		var (
			t         = &v.base.kinds[kind]
			place, ok = t.from(key)
			over      = v.overlay.rows[kind].from(key, "")
			r         record
			buffer    []byte
			old       object
		)
		// read reads the record at place; there is false behind the last one.
		read := func() (there bool) {
			if ok = ok && (!t.more(place) || t.at(place, &r)); !ok || !t.more(place) {
				return false
			}
			buffer = t.appendKey(buffer[:0], &r)
			old = object{key: textOf(buffer), place: place}
			place, ok = t.next(place, &r)
			return true
		}
		there := read()
		for ok || there {
			e := over.at()
			if !there && e == nil {
				return
			}
			if there && (e == nil || old.key < e.a) {
				if !yield(old) {
					return
				}
				there = read()
				continue
			}
			if there && old.key == e.a {
				there = read()
			}
			if e.value != "" && !yield(object{key: e.a, row: e.value}) {
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
	defer runtime.KeepAlive(v)
	keys := v.Quarantined()
	for d := range v.dues() {
		if d.at > clock {
			break
		}
		keys = append(keys, Key{registry.KindDomain, strings.Clone(d.name)})
	}
	return keys
}

// NextDue returns the earliest moment, by the registry's clock, at which the
// clock alone changes a domain; 0 if there is none. Domains in quarantine do
// not count: Due names them always.
func (v *View) NextDue() registry.Time {
	defer runtime.KeepAlive(v)
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
// quarantine, in order of time. Their names are valid until the next.
func (v *View) dues() iter.Seq[due] {
	return func(yield func(due) bool) {
		base := dueInBase{base: v.base}
		over := v.overlay.links[domainByRefresh].from("", "")
		old, there := base.next()
		for there || over.at() != nil {
			var next due
			e := over.at()
			var at registry.Time
			if e != nil {
				at = timeOfKey(e.a)
			}
			if e == nil || there && (old.at < at || old.at == at && old.name < e.b) {
				if v.void(registry.KindDomain, old.name, domainByRefresh) {
					old, there = base.next()
					continue
				}
				next, there = old, false
			} else {
				next = due{at, e.b}
				over.next()
			}
			if v.Rejection(Key{registry.KindDomain, next.name}) == "" && !yield(next) {
				return
			}
			if !there {
				old, there = base.next()
			}
		}
	}
}

// dueInBase walks the refresh moments of a base.
type dueInBase struct {
	base   *base
	at     int
	record domainRecord
	buffer []byte
}

func (d *dueInBase) next() (next due, there bool) {
	t := &d.base.kinds[registry.KindDomain]
	for {
		number, there, ok := d.base.refreshed(d.at)
		if !there || !ok {
			return due{}, false
		}
		d.at++
		place, ok := t.number(number)
		if !ok {
			continue
		}
		if _, ok := d.base.domain(place, &d.record); ok {
			d.buffer = d.record.appendName(d.buffer[:0])
			return due{d.record.times[4], textOf(d.buffer)}, true
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
// snapshot, within a kind in order of key. Key and row are valid until the next
// object: what is kept of them is cloned.
func (v *View) All() iter.Seq2[Key, string] {
	return func(yield func(Key, string) bool) {
		defer runtime.KeepAlive(v)
		var w workspace
		for kind := range registry.Kind(registry.Kinds) {
			for o := range v.from(kind, "") {
				row, ok := o.row, true
				if row == "" {
					if _, ok = v.base.decode(kind, o.place, &w); ok {
						row = w.encode(kind)
					}
				}
				if ok && !yield(Key{kind, o.key}, row) {
					return
				}
			}
		}
	}
}

// Differs reports whether old and v, which Apply made from old, hold something
// else under key: another row, or another reason to be in quarantine.
func (v *View) Differs(old *View, key Key) bool {
	defer runtime.KeepAlive(v)
	defer runtime.KeepAlive(old)
	var w, oldW workspace
	row, err := v.row(key.Kind, key.Name, &w)
	oldRow, oldErr := old.row(key.Kind, key.Name, &oldW)
	return row != oldRow || err != nil || oldErr != nil || v.Rejection(key) != old.Rejection(key)
}
