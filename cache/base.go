package cache

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

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
	rows [registry.Kinds]map[string]string

	domainByROID     unique
	hostByName       unique
	domainsByHost    map[string][]string // host ROID -> names, in order
	domainsByContact map[string][]string // contact ROID -> names, in order
	hostsByAddress   map[string][]string // addressKey -> ROIDs, in order
	names            []string            // of the domains, in order
	refresh          []due               // of the domains, in order

	bytes  int64 // of all rows
	listed int64 // entries of all lists
}

// unique is an index in which a key has one object as a rule. Two objects can
// have the same one while the newest row of either is in quarantine.
type unique struct {
	one  map[string]string
	more map[string][]string
}

func (u *unique) put(key, object string) {
	first, taken := u.one[key]
	switch {
	case !taken:
		u.one[key] = object
	case first != object:
		if u.more == nil {
			u.more = make(map[string][]string)
		}
		u.more[key] = append(u.more[key], object)
	}
}

// due is a domain whose row the clock alone changes at a moment.
type due struct {
	at   registry.Time
	name string
}

func (d due) compare(to due) int {
	return cmp.Or(cmp.Compare(d.at, to.at), strings.Compare(d.name, to.name))
}

// newBase returns an empty base with room for so many domains.
func newBase(domains int) *base {
	b := &base{
		hostByName:       unique{one: make(map[string]string)},
		domainsByHost:    make(map[string][]string),
		domainsByContact: make(map[string][]string),
		hostsByAddress:   make(map[string][]string),
	}
	for kind := range b.rows {
		b.rows[kind] = make(map[string]string)
	}
	b.reserve(registry.KindDomain, domains)
	return b
}

// reserve makes room for so many objects of kind, of which b holds none yet.
func (b *base) reserve(kind registry.Kind, objects int) {
	b.rows[kind] = make(map[string]string, objects)
	switch kind {
	case registry.KindDomain:
		b.domainByROID.one = make(map[string]string, objects)
		b.names = make([]string, 0, objects)
	case registry.KindHost:
		b.hostByName.one = make(map[string]string, objects)
		b.domainsByHost = make(map[string][]string, objects)
		b.hostsByAddress = make(map[string][]string, objects)
	case registry.KindContact:
		b.domainsByContact = make(map[string][]string, objects)
	}
}

// load adds the object of kind that w holds decoded, and whose row is row. The
// indexes are in order only after sort.
func (b *base) load(kind registry.Kind, row string, w *workspace) error {
	name, ok := rowKey(row)
	if !ok {
		return fmt.Errorf("load a %s row: its key is cut", kind)
	}
	if _, twice := b.rows[kind][name]; twice {
		return fmt.Errorf("load %s %q: it is there twice", kind, name)
	}
	// The key shares the row's memory, whatever the caller's key was.
	b.rows[kind][name] = row
	b.bytes += int64(len(row))
	if kind == registry.KindDomain {
		b.names = append(b.names, name)
	}
	w.links(kind, func(ix index, key, object string) {
		switch ix {
		case domainByROID:
			b.domainByROID.put(key, object)
		case domainByHost:
			b.list(b.domainsByHost, key, object)
		case domainByContact:
			b.list(b.domainsByContact, key, object)
		case domainByRefresh:
			b.refresh = append(b.refresh, due{timeOfKey(key), object})
		case hostByName:
			b.hostByName.put(key, object)
		case hostByAddress:
			b.list(b.hostsByAddress, key, object)
		}
	})
	return nil
}

// list appends object to the list under key unless the list ends with it.
func (b *base) list(lists map[string][]string, key, object string) {
	list := lists[key]
	if len(list) > 0 && list[len(list)-1] == object {
		return
	}
	lists[key] = append(list, object)
	b.listed++
}

// sort puts the indexes in order after the last load.
func (b *base) sort() {
	if !slices.IsSorted(b.names) {
		slices.Sort(b.names)
	}
	slices.SortFunc(b.refresh, due.compare)
	sortLists(b.domainsByHost)
	sortLists(b.domainsByContact)
	sortLists(b.hostsByAddress)
}

// sortLists puts every list in order, without duplicates.
func sortLists(lists map[string][]string) {
	for key, list := range lists {
		if !slices.IsSorted(list) {
			slices.Sort(list)
			lists[key] = slices.Compact(list)
		}
	}
}

// size returns how many rows b holds.
func (b *base) size() int {
	n := 0
	for _, rows := range b.rows {
		n += len(rows)
	}
	return n
}
