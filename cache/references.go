package cache

import "rddsd/cache/registry"

// reference is how a domain that is being written refers to a contact or a host:
// by the place of its record, where the base holds it.
type reference struct {
	kind  registry.Kind
	known bool // place and there are
	there bool
	place uint32
	key   string // ROID; the domain's
	hash  uint64 // of key
}

// references finds what domains refer to. Those of several domains are gathered
// (refer), found together (resolve), and taken in the same order (taken by
// appendDomain): a contact that no cache of the processor holds costs as much as
// all the rest of a domain, and it costs little more to wait for twenty of them.
type references struct {
	base  *base // as much as can be read already: what domains refer to
	list  []reference
	taken int // how many of list

	counts [2]*postingsMaker // of contacts and of hosts: they count what is taken

	from  *base // that is folded; nil for a snapshot
	moves [registry.Kinds]moves

	found []found // foundSize
}

// found is an object that was found. Most domains have hosts that many others
// have, and those found last stand near the processor.
type found struct {
	key    [22]byte
	length uint8 // of key; 0 = none
	kind   registry.Kind
	place  uint32
}

// foundSize is how many are remembered: half a megabyte, which fits the second
// cache of a processor.
const foundSize = 1 << 14

func (f *found) is(kind registry.Kind, key string) bool {
	return f.kind == kind && int(f.length) == len(key) && string(f.key[:f.length]) == key
}

// remembered returns where an object whose key has that hash is remembered.
func (r *references) remembered(hash uint64) *found { return &r.found[hash%foundSize] }

// refer takes in what d refers to. It keeps the ROIDs of d until they are taken.
func (r *references) refer(d *registry.Domain) {
	if r.taken == len(r.list) {
		r.list, r.taken = r.list[:0], 0
	}
	if d.Registrant != "" {
		r.add(registry.KindContact, d.Registrant)
	}
	for _, roid := range d.Tech {
		r.add(registry.KindContact, roid)
	}
	for _, roid := range d.Hosts {
		r.add(registry.KindHost, roid)
	}
}

func (r *references) add(kind registry.Kind, key string) {
	ref := reference{kind: kind, key: key, hash: hashText(r.base.seed, key)}
	if r.from != nil {
		if place, ok := r.from.kinds[kind].own(key); ok {
			ref.place, ref.known = r.moves[kind].of(place)
		}
	}
	if !ref.known && key != "" {
		if f := r.remembered(ref.hash); f.is(kind, key) {
			ref.place, ref.known = f.place, true
		}
	}
	ref.there = ref.known
	r.list = append(r.list, ref)
}

// resolve finds what was taken in. None of the memory that this reads is waited
// for before all of it has been asked for.
func (r *references) resolve() {
	for i := range r.list {
		if ref := &r.list[i]; !ref.known {
			r.base.kinds[ref.kind].byKey.fetch(ref.hash)
		}
	}
	for i := range r.list {
		if ref := &r.list[i]; !ref.known {
			p := r.base.kinds[ref.kind].byKey.probe(ref.hash)
			ref.place, _ = p.next() // most likely
		}
	}
	for i := range r.list {
		if ref := &r.list[i]; !ref.known {
			r.base.kinds[ref.kind].fetch(ref.place)
		}
	}
	for i := range r.list {
		if ref := &r.list[i]; !ref.known {
			r.find(ref)
		}
	}
}

func (r *references) find(ref *reference) {
	ref.place, ref.there, _ = r.base.kinds[ref.kind].search(ref.key, ref.hash) // nothing is damaged that was just made
	if ref.known = true; ref.there && len(ref.key) <= len(found{}.key) {
		f := r.remembered(ref.hash)
		*f = found{length: uint8(len(ref.key)), kind: ref.kind, place: ref.place}
		copy(f.key[:], ref.key)
	}
}

// take returns the references of d: the registrant if there is one, technical
// contacts, hosts. They are counted for the postings.
func (r *references) take(d *registry.Domain) (registrant *reference, tech, hosts []reference) {
	list := r.list[r.taken:]
	contacts := len(d.Tech)
	if d.Registrant != "" {
		registrant = &list[0]
		contacts++
	}
	tech, hosts = list[contacts-len(d.Tech):contacts], list[contacts:contacts+len(d.Hosts)]
	r.taken += contacts + len(hosts)
	r.counts[0].count(list[:contacts])
	r.counts[1].count(hosts)
	return registrant, tech, hosts
}
