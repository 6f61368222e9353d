package cache

import (
	"cmp"
	"iter"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"rddsd/cache/registry"
)

// table holds the rows of one layer of a View and the indexes over them. A
// View has two: the base with nearly all rows, and the overlay with what
// changed since. In the overlay an empty row stands for an object that is
// gone. A table is written by one goroutine before it is published and never
// after.
//
// An index entry of the base is void once the overlay holds the object that it
// points at; so each look-up through an index asks the overlay first and then
// drops void entries of the base. That keeps applying a change independent of
// how many entries share its index key (a host with 100,000 domains).
//
// Maps and slices of a table may be shared with older tables; a writer copies
// what it changes (see clone).
type table struct {
	rows [registry.Kinds]map[string]string

	domainByROID  map[string]string
	domainsByHost map[string][]string // host ROID -> names
	domainsByUser map[string][]string // contact ROID -> names
	hostByName    map[string]string   // name -> ROID
	hostsByAddr   map[netip.Addr][]string
	names         []string                // of the domains, sorted
	refresh       []due                   // of the domains, sorted
	quarantine    map[Key]registry.Reject // newest row cannot be published; in the overlay "" = healed
	shared        bool                    // the lists of the indexes may be another table's too
}

type due struct {
	at   registry.Time
	name string
}

func compareDue(a, b due) int {
	return cmp.Or(cmp.Compare(a.at, b.at), strings.Compare(a.name, b.name))
}

func newTable(domains int) *table {
	t := &table{
		domainByROID:  make(map[string]string, domains),
		domainsByHost: make(map[string][]string),
		domainsByUser: make(map[string][]string),
		hostByName:    make(map[string]string),
		hostsByAddr:   make(map[netip.Addr][]string),
		quarantine:    make(map[Key]registry.Reject),
	}
	for kind := range t.rows {
		t.rows[kind] = make(map[string]string)
	}
	t.rows[registry.KindDomain] = make(map[string]string, domains)
	return t
}

// clone returns a copy of t that set may change: its maps are its own, the
// slices in them are t's until set replaces them.
func (t *table) clone() *table {
	c := &table{
		domainByROID:  maps.Clone(t.domainByROID),
		domainsByHost: maps.Clone(t.domainsByHost),
		domainsByUser: maps.Clone(t.domainsByUser),
		hostByName:    maps.Clone(t.hostByName),
		hostsByAddr:   maps.Clone(t.hostsByAddr),
		names:         slices.Clone(t.names),
		refresh:       slices.Clone(t.refresh),
		quarantine:    maps.Clone(t.quarantine),
		shared:        true,
	}
	for kind := range t.rows {
		c.rows[kind] = maps.Clone(t.rows[kind])
	}
	return c
}

// load adds an object that t does not hold. The indexes are in order only after
// sort.
func (t *table) load(key Key, row string, w *workspace) error {
	t.rows[key.Kind][key.Name] = row
	return t.link(key, row, w)
}

// sort puts the indexes in order after the last load.
func (t *table) sort() {
	slices.Sort(t.names)
	slices.SortFunc(t.refresh, compareDue)
}

// set replaces what t holds under key by row, "" for an object that is gone.
func (t *table) set(key Key, row string, w *workspace) error {
	if err := t.unlink(key, t.rows[key.Kind][key.Name], w); err != nil {
		return err
	}
	t.rows[key.Kind][key.Name] = row
	names, refresh := len(t.names), len(t.refresh)
	if err := t.link(key, row, w); err != nil {
		return err
	}
	if len(t.names) > names {
		t.names = insertSorted(t.names[:names], key.Name, strings.Compare)
	}
	if len(t.refresh) > refresh {
		t.refresh = insertSorted(t.refresh[:refresh], t.refresh[refresh], compareDue)
	}
	return nil
}

// link adds the index entries of row.
func (t *table) link(key Key, row string, w *workspace) error {
	if row == "" {
		return nil
	}
	switch key.Kind {
	case registry.KindDomain:
		d := &w.domain
		if err := registry.DecodeDomain(row, d); err != nil {
			return err
		}
		t.names = append(t.names, d.Name)
		t.domainByROID[d.ROID] = d.Name
		for _, host := range d.Hosts {
			with(t, t.domainsByHost, host, d.Name)
		}
		for _, contact := range w.users() {
			with(t, t.domainsByUser, contact, d.Name)
		}
		if d.RefreshAt != 0 {
			t.refresh = append(t.refresh, due{d.RefreshAt, d.Name})
		}
	case registry.KindHost:
		n := &w.host
		if err := registry.DecodeNameserver(row, n); err != nil {
			return err
		}
		t.hostByName[n.Name] = n.ROID
		for addr := range addresses(n) {
			with(t, t.hostsByAddr, addr, n.ROID)
		}
	}
	return nil
}

// unlink takes away the index entries of row. An entry that meanwhile points at
// another object stays: a name can move from one ROID to another in one delta.
func (t *table) unlink(key Key, row string, w *workspace) error {
	if row == "" {
		return nil
	}
	switch key.Kind {
	case registry.KindDomain:
		d := &w.domain
		if err := registry.DecodeDomain(row, d); err != nil {
			return err
		}
		if i, ok := slices.BinarySearch(t.names, d.Name); ok {
			t.names = slices.Delete(t.names, i, i+1)
		}
		if t.domainByROID[d.ROID] == d.Name {
			delete(t.domainByROID, d.ROID)
		}
		for _, host := range d.Hosts {
			without(t.domainsByHost, host, d.Name)
		}
		for _, contact := range w.users() {
			without(t.domainsByUser, contact, d.Name)
		}
		if i, ok := slices.BinarySearchFunc(t.refresh, due{d.RefreshAt, d.Name}, compareDue); ok {
			t.refresh = slices.Delete(t.refresh, i, i+1)
		}
	case registry.KindHost:
		n := &w.host
		if err := registry.DecodeNameserver(row, n); err != nil {
			return err
		}
		if t.hostByName[n.Name] == n.ROID {
			delete(t.hostByName, n.Name)
		}
		for addr := range addresses(n) {
			without(t.hostsByAddr, addr, n.ROID)
		}
	}
	return nil
}

// workspace is what the one writer of a table decodes into.
type workspace struct {
	domain   registry.Domain
	host     registry.Nameserver
	contacts []string
}

// users returns the distinct contacts that w.domain refers to.
func (w *workspace) users() []string {
	w.contacts = w.contacts[:0]
	if w.domain.Registrant != "" {
		w.contacts = append(w.contacts, w.domain.Registrant)
	}
	for _, roid := range w.domain.Tech {
		if !slices.Contains(w.contacts, roid) {
			w.contacts = append(w.contacts, roid)
		}
	}
	return w.contacts
}

func addresses(n *registry.Nameserver) iter.Seq[netip.Addr] {
	return func(yield func(netip.Addr) bool) {
		for _, list := range [2][]string{n.V4, n.V6} {
			for _, text := range list {
				if addr, err := netip.ParseAddr(text); err == nil && !yield(addr) {
					return
				}
			}
		}
	}
}

func insertSorted[T any](sorted []T, x T, compare func(a, b T) int) []T {
	i, _ := slices.BinarySearchFunc(sorted, x, compare)
	return slices.Insert(sorted, i, x)
}

// with adds name to the list under key.
func with[K comparable](t *table, index map[K][]string, key K, name string) {
	list := index[key]
	if t.shared {
		list = slices.Clip(list) // so that append copies
	}
	index[key] = append(list, name)
}

// without replaces the list under key by one without name; older tables may
// share the list.
func without[K comparable](index map[K][]string, key K, name string) {
	list := slices.DeleteFunc(slices.Clone(index[key]), func(s string) bool { return s == name })
	if len(list) == 0 {
		delete(index, key)
		return
	}
	index[key] = list
}
