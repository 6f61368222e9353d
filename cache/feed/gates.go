package feed

import (
	"fmt"

	"rddsd/cache"
	"rddsd/cache/registry"
)

// Measure is what a delta or a snapshot would do to what is served: what the
// gates and brakes weigh, and what an acceptance covers.
type Measure struct {
	Registry string // whose it is
	Snapshot bool   // a snapshot; a delta otherwise

	Objects    [registry.Kinds]int // of a snapshot: how many it publishes, by kind
	Rejected   int                 // of a snapshot: rows that cannot be published
	Zones      int                 // TLDs that go
	Deleted    int                 // names that go
	Disclosing int                 // contacts that show an element which they do not show now
}

// The limits past which something is held (feed.md §4, §7). Each is the larger
// of a share, one in so many, and a floor for small registries.
const (
	deleteShare, deleteFloor     = 50, 50    // 2 % of the names
	discloseShare, discloseFloor = 1000, 50  // 0.1 % of the contacts
	rejectShare, rejectFloor     = 1000, 100 // 0.1 % of a snapshot's rows
	keepPercent                  = 90        // of the objects of each kind
)

// measureDelta weighs delta against view.
func measureDelta(view *cache.View, delta cache.Delta) Measure {
	m := Measure{Registry: delta.To.Registry}
	var w weigher
	for _, c := range delta.Changes {
		gone := c.Row == "" && c.Reject == ""
		switch {
		case c.Kind == registry.KindDomain && gone && view.Domain(c.Name, &w.domain) == cache.Present:
			m.Deleted++
		case c.Kind == registry.KindTLD && gone && view.TLD(c.Name) != nil:
			m.Zones++
		case c.Kind == registry.KindContact && c.Row != "" && w.discloses(view, c.Name, c.Row):
			m.Disclosing++
		}
	}
	return m
}

// measureSnapshot weighs next, which would replace view, nil when there is
// none. The names that go are counted for a snapshot that stands in for a
// delta; after a gap the share that stays tells enough, and an edge that was
// away for long misses many.
func measureSnapshot(view, next *cache.View, rejected int, forDelta bool) Measure {
	m := Measure{Registry: next.Position().Registry, Snapshot: true, Rejected: rejected}
	for kind := range registry.Kind(registry.Kinds) {
		m.Objects[kind] = next.Count(kind)
	}
	if view == nil {
		return m
	}
	for _, tld := range view.TLDs() {
		if next.TLD(tld.Name) == nil {
			m.Zones++
		}
	}
	var w weigher
	for key, row := range next.All() {
		if key.Kind > registry.KindContact {
			break
		}
		if key.Kind == registry.KindContact && w.discloses(view, key.Name, row) {
			m.Disclosing++
		}
	}
	if !forDelta {
		return m
	}
	for key := range view.All() {
		if key.Kind == registry.KindDomain && next.Domain(key.Name, &w.domain) == cache.Absent {
			m.Deleted++
		}
	}
	return m
}

// weigher is what weighing decodes into.
type weigher struct {
	domain        registry.Domain
	before, after registry.Contact
}

// discloses reports whether row, the next one of contact roid, shows an element
// that view does not show. A contact that view does not have is new, and
// discloses nothing anew.
func (w *weigher) discloses(view *cache.View, roid, row string) bool {
	known := false
	// What cannot be read is not shown either.
	_ = cache.GuardReads(func() error {
		known = view.Contact(roid, &w.before) == cache.Present
		return nil
	})
	return known && registry.DecodeContact(row, &w.after) == nil && w.after.Discloses()&^w.before.Discloses() != 0
}

// withdraws reports whether c, a change of a contact, takes back an element that
// view shows. Of a row that cannot be published the last good version is kept.
func (w *weigher) withdraws(view *cache.View, c cache.Change) bool {
	if c.Reject != "" || view.Contact(c.Name, &w.before) != cache.Present || !w.before.BearsContact() {
		return false
	}
	w.after = registry.Contact{}
	return c.Row == "" || registry.DecodeContact(c.Row, &w.after) == nil && w.before.Discloses()&^w.after.Discloses() != 0
}

// refused returns what keeps m from replacing view without an operator's word,
// nil if nothing does. accepted, when not nil, is what an operator has let in:
// what m adds to it is weighed as if it came by itself, so that a registry that
// goes on changing does not have to be accepted twice, and one that goes on
// deleting does.
func (m *Measure) refused(view *cache.View, accepted *Measure) []string {
	var allowed Measure
	if accepted != nil {
		allowed = *accepted
	}
	var why []string
	refuse := func(format string, args ...any) { why = append(why, fmt.Sprintf(format, args...)) }

	if m.Snapshot {
		rows := m.Rejected
		for _, n := range m.Objects {
			rows += n
		}
		if limit := max(rejectFloor, rows/rejectShare); m.Rejected > limit+allowed.Rejected {
			refuse("%d of its %d rows cannot be published, the limit is %d", m.Rejected, rows, limit)
		}
	}
	if view == nil {
		return why
	}
	if known := view.Position().Registry; m.Registry != known && m.Registry != allowed.Registry {
		refuse("it is of registry %s, this edge follows %s", m.Registry, known)
	}
	if m.Snapshot {
		for kind, n := range m.Objects {
			had := view.Count(registry.Kind(kind))
			enough := had
			if allowed.Snapshot {
				enough = min(had, allowed.Objects[kind])
			}
			if n*100 < enough*keepPercent {
				refuse("it has %d objects of kind %s, %d are served and at least %d %% must stay", n, registry.Kind(kind), had, keepPercent)
			}
		}
	}
	if m.Zones > allowed.Zones {
		refuse("it drops %d of %d TLDs", m.Zones, view.Count(registry.KindTLD))
	}
	names := view.Count(registry.KindDomain)
	if limit := max(deleteFloor, names/deleteShare); m.Deleted > limit+allowed.Deleted {
		refuse("it deletes %d of %d names, the limit is %d", m.Deleted, names, limit)
	}
	contacts := view.Count(registry.KindContact)
	if limit := max(discloseFloor, contacts/discloseShare); m.Disclosing > limit+allowed.Disclosing {
		refuse("it discloses more of %d of %d contacts, the limit is %d", m.Disclosing, contacts, limit)
	}
	return why
}
