package cache

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"rddsd/cache/registry"
)

// Apply returns the View after delta, and the rows of delta that came into
// quarantine or whose reason to be there changed. It shares with v all that did
// not change, and v stays as it is. A delta is applied whole: after an error
// nothing of it is published. The misses of the new View may be told until
// missUntil.
//
// It fails when delta cannot follow on v: it belongs to another registry or
// epoch, or to an earlier position. Apply is for one goroutine at a time.
func (v *View) Apply(delta Delta, missUntil time.Time) (*View, []Rejected, error) {
	next := v.fork()
	rejected, err := next.apply(delta)
	if err != nil {
		return nil, nil, err
	}
	next.missUntil = missUntil
	return next.view(), rejected, nil
}

// draft is a View that is being made: its writer alone knows it, and what it
// shares with published Views it copies before it changes it.
type draft struct {
	View
	own      *owner
	ownFew   bool      // the TLDs and registrars are the draft's own
	changed  bool      // TLDs or registrars: their other keys are to be made again
	work     workspace // the object at hand
	before   workspace // what it was
	rejected []Rejected

	lastZone     *registry.TLD // that zone found; nil after a change of zones
	lastSponsors [64]*registry.Registrar
}

func (v *View) fork() *draft { return &draft{View: *v, own: new(owner)} }

// view ends the draft.
func (d *draft) view() *View {
	v := d.View // without what the draft worked with
	return &v
}

// apply makes d the View after delta. After an error d is of no use.
func (d *draft) apply(delta Delta) ([]Rejected, error) {
	if err := d.pos.precedes(delta.To); err != nil {
		return nil, fmt.Errorf("apply a delta: %w", err)
	}
	d.pos, d.asOf, d.rejected = delta.To, delta.AsOf, nil
	// TLDs and registrars first: whether a domain may be published depends on
	// them.
	changes := delta.Changes
	byKind := func(a, b Change) int { return cmp.Compare(a.Kind, b.Kind) }
	if !slices.IsSortedFunc(changes, byKind) {
		changes = slices.SortedStableFunc(slices.Values(changes), byKind)
	}
	for _, c := range changes {
		if err := d.change(c); err != nil {
			return nil, fmt.Errorf("apply a delta: %s %q: %w", c.Kind, c.Name, err)
		}
	}
	if d.changed {
		d.index()
	}
	return d.rejected, nil
}

func (d *draft) change(c Change) error {
	if c.Kind >= registry.Kinds {
		return fmt.Errorf("kind %d is not one that this release knows", c.Kind)
	}
	reject := d.check(c, &d.work)
	d.quarantined(c.Key, reject)
	if reject != "" {
		return nil
	}
	old, voids, err := d.old(c)
	if err != nil {
		return err // what the new row takes the place of is not known: only a snapshot helps
	}
	if old == c.Row {
		return nil
	}
	digest := digestRow(c.Kind, old) // the overlay's row goes, and before is used again
	if err := d.overlay.set(d.own, c.Key, c.Row, voids, &d.work, &d.before); err != nil {
		return err
	}
	d.digest += digestRow(c.Kind, c.Row) - digest
	if old != "" {
		d.counts[c.Kind]--
	}
	if c.Row != "" {
		d.counts[c.Kind]++
	}
	if c.Kind > registry.KindRegistrar {
		return nil
	}
	d.changed = true
	if !d.ownFew {
		d.tlds, d.registrars, d.ownFew = maps.Clone(d.tlds), maps.Clone(d.registrars), true
	}
	return d.learn(c.Key, c.Row)
}

// old returns the row that c, which d.work holds decoded, takes the place of, and
// the indexes in which what the base says of the object is void after c.
func (d *draft) old(c Change) (row string, voids indexSet, err error) {
	e := d.overlay.rows[c.Kind].at(c.Name, "")
	place, inBase, ok := d.base.kinds[c.Kind].find(c.Name)
	if ok && inBase {
		_, ok = d.base.decode(c.Kind, place, &d.before)
	}
	voids = allIndexes
	switch {
	case ok && inBase && c.Row != "":
		voids = d.work.differing(c.Kind, &d.before)
	case !ok && e == nil:
		return "", 0, d.unreadable(c.Kind, c.Name)
	}
	switch {
	case e != nil:
		return e.value, voids, nil
	case inBase:
		return d.before.encode(c.Kind), voids, nil
	}
	return "", voids, nil
}

// quarantined notes that the newest row under key is in quarantine for reason,
// or for "" that it is not.
func (d *draft) quarantined(key Key, reason registry.Reject) {
	before := d.Rejection(key)
	if before == reason {
		return
	}
	if reason == "" {
		d.quarantine.delete(d.own, kindKeys[key.Kind], key.Name)
	} else {
		d.quarantine.set(d.own, kindKeys[key.Kind], key.Name, string(reason))
		d.rejected = append(d.rejected, Rejected{key, reason})
	}
	d.digest += digestReject(key, reason) - digestReject(key, before)
	if before != "" {
		d.bad[key.Kind]--
	}
	if reason != "" {
		d.bad[key.Kind]++
	}
}

// learn takes a TLD or registrar into the few objects that a View holds decoded,
// or out of them when row is "".
func (d *draft) learn(key Key, row string) error {
	switch key.Kind {
	case registry.KindTLD:
		d.lastZone = nil
		delete(d.tlds, key.Name)
		if row == "" {
			return nil
		}
		t := new(registry.TLD)
		d.tlds[key.Name] = t
		return registry.DecodeTLD(row, t)
	case registry.KindRegistrar:
		clear(d.lastSponsors[:])
		delete(d.registrars, key.Name)
		if row == "" {
			return nil
		}
		r := new(registry.Registrar)
		d.registrars[key.Name] = r
		return registry.DecodeRegistrar(row, r)
	}
	return nil
}

// index makes the order of the TLDs and the registrars' other keys. Where two
// registrars have one IANA ID, the first by ClID is found.
func (d *draft) index() {
	d.zones = make([]*registry.TLD, 0, len(d.tlds))
	for _, name := range slices.Sorted(maps.Keys(d.tlds)) {
		d.zones = append(d.zones, d.tlds[name])
	}
	d.registrarByIANA = make(map[int]*registry.Registrar, len(d.registrars))
	d.registrarsByName = make(map[string][]*registry.Registrar, len(d.registrars))
	d.sponsors = make([]*registry.Registrar, 0, len(d.registrars))
	for _, clid := range slices.Sorted(maps.Keys(d.registrars)) {
		r := d.registrars[clid]
		d.sponsors = append(d.sponsors, r)
		if r.IANA != 0 && d.registrarByIANA[r.IANA] == nil {
			d.registrarByIANA[r.IANA] = r
		}
		folded := registry.FoldName(r.Name)
		d.registrarsByName[folded] = append(d.registrarsByName[folded], r)
	}
	d.changed = false
}
