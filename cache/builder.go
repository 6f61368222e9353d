package cache

import (
	"fmt"
	"time"

	"rddsd/cache/registry"
)

// Builder makes a View from a snapshot: every object once, in the order of
// registry.Kind, or domains are refused for the lack of their TLD or registrar.
// It is for one goroutine, and for one View.
type Builder struct {
	draft    *draft
	rejected []Rejected
}

// NewBuilder returns an empty Builder. domains is how many to expect, 0 if that
// is not known.
func NewBuilder(domains int) *Builder {
	return &Builder{draft: &draft{
		own: new(owner),
		View: View{
			base: newBase(domains), foldMin: foldMin,
			tlds: map[string]*registry.TLD{}, registrars: map[string]*registry.Registrar{},
		},
	}}
}

// Put adds one object. A row that may not be published is quarantined, see
// Rejected; an error means that the snapshot itself is unusable.
func (b *Builder) Put(c Change) error {
	d := b.draft
	if c.Kind >= registry.Kinds {
		return fmt.Errorf("build a View: %q is of kind %d, which this release does not know", c.Name, c.Kind)
	}
	if c.Row == "" && c.Reject == "" {
		return fmt.Errorf("build a View: the snapshot holds %s %q without a row", c.Kind, c.Name)
	}
	if d.Rejection(c.Key) != "" || d.row(c.Kind, c.Name) != "" {
		return fmt.Errorf("build a View: the snapshot holds %s %q twice", c.Kind, c.Name)
	}
	if reject := d.check(c, &d.work); reject != "" {
		d.quarantined(c.Key, reject)
		b.rejected = append(b.rejected, Rejected{c.Key, reject})
		return nil
	}
	if err := d.load(c.Key, c.Row); err != nil {
		return fmt.Errorf("build a View: %w", err)
	}
	return nil
}

// load adds an object, which d.work holds decoded, to the base.
func (d *draft) load(key Key, row string) error {
	if err := d.base.load(key.Kind, row, &d.work); err != nil {
		return err
	}
	d.counts[key.Kind]++
	d.digest += digestRow(key.Kind, row)
	return d.learn(key, row)
}

// Keep takes over from old, an earlier View of the same registry, the last good
// row of each object whose newest row was rejected so far, as Apply would have
// kept it. It is called after the last Put.
func (b *Builder) Keep(old *View) error {
	for _, r := range b.rejected {
		row := old.row(r.Kind, r.Name)
		if row == "" {
			continue
		}
		if err := b.draft.work.decode(r.Kind, row); err != nil {
			return fmt.Errorf("build a View: keep %s %q: %w", r.Kind, r.Name, err)
		}
		if err := b.draft.load(r.Key, row); err != nil {
			return fmt.Errorf("build a View: keep the last good row: %w", err)
		}
	}
	return nil
}

// Rejected returns the rows that were quarantined so far.
func (b *Builder) Rejected() []Rejected { return b.rejected }

// Count returns how many rows were published so far, of all kinds.
func (b *Builder) Count() int {
	n := 0
	for _, c := range b.draft.counts {
		n += c
	}
	return n
}

// View ends the build. Its misses may be told until missUntil.
func (b *Builder) View(pos Position, asOf registry.Time, missUntil time.Time) *View {
	d := b.draft
	b.draft = nil
	d.pos, d.asOf, d.missUntil = pos, asOf, missUntil
	d.base.sort()
	d.index()
	return d.view()
}
