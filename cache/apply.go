package cache

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"rddsd/cache/registry"
)

// Apply returns the View after delta, and the rows of delta that were
// quarantined. It shares with v all that did not change, and v stays as it is.
// A delta is applied whole: after an error nothing of it is published. The
// misses of the new View may be told until missUntil.
//
// Apply is for one goroutine at a time.
func (v *View) Apply(delta Delta, missUntil time.Time) (*View, []Rejected, error) {
	next := *v
	next.pos, next.asOf, next.missUntil = delta.To, delta.AsOf, missUntil
	if len(delta.Changes) == 0 {
		return &next, nil, nil
	}
	// TLDs and registrars first: whether a domain may be published depends on
	// them.
	changes := slices.SortedStableFunc(slices.Values(delta.Changes), func(a, b Change) int { return cmp.Compare(a.Kind, b.Kind) })
	if changes[0].Kind <= registry.KindRegistrar {
		next.tlds, next.registrars = slices.Clone(v.tlds), maps.Clone(v.registrars)
	}
	next.over = v.over.clone()

	var (
		w        workspace
		rejected []Rejected
	)
	for _, c := range changes {
		if c.Reject == "" && c.Row != "" {
			c.Reject = next.check(c.Kind, c.Row, &w.domain)
		}
		if c.Reject != "" {
			next.over.quarantine[c.Key] = c.Reject
			rejected = append(rejected, Rejected{c.Key, c.Reject})
			continue
		}
		if next.quarantined(c.Kind, c.Name) != "" {
			next.over.quarantine[c.Key] = ""
		}
		if next.row(c.Kind, c.Name) != "" {
			next.counts[c.Kind]--
		}
		if c.Row != "" {
			next.counts[c.Kind]++
		}
		if err := next.over.set(c.Key, c.Row, &w); err != nil {
			return nil, nil, fmt.Errorf("apply a delta: %s %q: %w", c.Kind, c.Name, err)
		}
		if err := next.learn(c.Key, c.Row); err != nil {
			return nil, nil, fmt.Errorf("apply a delta: %s %q: %w", c.Kind, c.Name, err)
		}
	}
	if changes[0].Kind <= registry.KindRegistrar {
		next.index()
	}
	next.countHidden()
	if next.over.size() > foldAt(next.base.size()) {
		if err := next.fold(&w); err != nil {
			return nil, nil, fmt.Errorf("apply a delta: %w", err)
		}
	}
	return &next, rejected, nil
}

// foldAt is the number of overlay rows past which the overlay is folded into a
// new base: a part of the base, so that folding costs each change a constant,
// and enough that a small registry is not folded all the time.
func foldAt(base int) int { return max(4096, base/8) }

func (t *table) size() int {
	n := 0
	for _, rows := range t.rows {
		n += len(rows)
	}
	return n
}

// fold makes a new base out of base and overlay.
func (v *View) fold(w *workspace) error {
	base := newTable(v.counts[registry.KindDomain])
	for key, row := range v.All() {
		if err := base.load(key, row, w); err != nil {
			return fmt.Errorf("fold %s %q: %w", key.Kind, key.Name, err)
		}
	}
	for _, key := range v.Quarantined() {
		base.quarantine[key] = v.Rejection(key)
	}
	base.sort()
	v.base, v.over = base, newTable(0)
	return nil
}
