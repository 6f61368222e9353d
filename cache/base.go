package cache

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"sort"

	"rddsd/cache/registry"
)

// base holds the rows of nearly all objects of a View and the indexes over
// them. It is written by one goroutine before its View is published and never
// after; many Views share it.
//
// What changed since stands in the View's overlay. An entry of the base counts
// no longer (it is void) once the overlay holds the object that it points at,
// so each look-up drops void entries of the base and adds those of the overlay.
type base struct {
	rows [registry.Kinds]rowTable

	domainByROID     slots
	hostByName       slots
	domainsByHost    postings
	domainsByContact postings
	addresses        []address // of the hosts, in order
	refresh          []moment  // of the domains, in order

	bytes int64 // of all rows
}

// address is an address of a host.
type address struct {
	key  [16]byte // addressKey
	host uint32
}

func (a *address) compare(to *address) int {
	return cmp.Or(bytes.Compare(a.key[:], to.key[:]), cmp.Compare(a.host, to.host))
}

// moment is when the clock alone changes the row of a domain.
type moment struct {
	at     registry.Time
	domain uint32
}

// newBase returns an empty base with room for so many domains.
func newBase(domains int) *base {
	b := new(base)
	b.reserve(registry.KindDomain, domains)
	return b
}

// reserve makes room for so many objects of kind, of which b holds none yet.
func (b *base) reserve(kind registry.Kind, objects int) {
	b.rows[kind].rows = make([]string, 0, objects)
	b.rows[kind].byKey.reserve(objects)
	switch kind {
	case registry.KindDomain:
		b.domainByROID.reserve(objects)
	case registry.KindHost:
		b.hostByName.reserve(objects)
	}
}

// load adds the object of kind that w holds decoded, and whose row is row. The
// indexes are in order only after sort.
func (b *base) load(kind registry.Kind, row string, w *workspace) error {
	key, ok := rowKey(row)
	if !ok {
		return fmt.Errorf("load a %s row: its key is cut", kind)
	}
	if _, twice := b.rows[kind].find(key); twice {
		return fmt.Errorf("load %s %q: it is there twice", kind, key)
	}
	number, err := b.rows[kind].add(row, key)
	if err != nil {
		return fmt.Errorf("load %s %q: %w", kind, key, err)
	}
	b.bytes += int64(len(row))
	w.links(kind, func(ix index, key, _ string) {
		switch ix {
		case domainByROID:
			b.domainByROID.add(tagOf(key), number)
		case domainByHost:
			b.domainsByHost.add(&b.rows[registry.KindHost], key, number)
		case domainByContact:
			b.domainsByContact.add(&b.rows[registry.KindContact], key, number)
		case domainByRefresh:
			b.refresh = append(b.refresh, moment{timeOfKey(key), number})
		case hostByName:
			b.hostByName.add(tagOf(key), number)
		case hostByAddress:
			b.addresses = append(b.addresses, address{[16]byte([]byte(key)), number})
		}
	})
	return nil
}

// sort puts rows and indexes in order after the last load.
func (b *base) sort() {
	var moved [registry.Kinds][]uint32
	for kind := range b.rows {
		moved[kind] = b.rows[kind].sort()
	}
	domains, hosts := moved[registry.KindDomain], moved[registry.KindHost]
	if domains != nil {
		b.domainByROID.renumber(domains)
	}
	if hosts != nil {
		b.hostByName.renumber(hosts)
	}
	b.domainsByHost.build(&b.rows[registry.KindHost], hosts, domains)
	b.domainsByContact.build(&b.rows[registry.KindContact], moved[registry.KindContact], domains)
	for i := range b.addresses {
		b.addresses[i].host = movedTo(hosts, b.addresses[i].host)
	}
	slices.SortFunc(b.addresses, func(x, y address) int { return x.compare(&y) })
	b.addresses = slices.Compact(b.addresses)
	for i := range b.refresh {
		b.refresh[i].domain = movedTo(domains, b.refresh[i].domain)
	}
	slices.SortFunc(b.refresh, func(x, y moment) int {
		return cmp.Or(cmp.Compare(x.at, y.at), cmp.Compare(x.domain, y.domain))
	})
}

// at returns the entries of addresses that have key.
func (b *base) at(key [16]byte) []address {
	first := sort.Search(len(b.addresses), func(i int) bool { return bytes.Compare(b.addresses[i].key[:], key[:]) >= 0 })
	end := first
	for end < len(b.addresses) && b.addresses[end].key == key {
		end++
	}
	return b.addresses[first:end]
}

// size returns how many rows b holds.
func (b *base) size() int {
	n := 0
	for kind := range b.rows {
		n += len(b.rows[kind].rows)
	}
	return n
}
