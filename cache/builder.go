package cache

import (
	"context"
	"fmt"
	"strings"
	"time"

	"rddsd/cache/registry"
)

// Builder makes a View from a snapshot: every object once, in the order of
// registry.Kind, in any order within a kind. It is for one goroutine, and for
// one View. What it holds stands outside the Go heap, and takes little more than
// the View will.
type Builder struct {
	draft    *draft
	maker    *baseMaker
	kind     registry.Kind // whose objects come
	batch    [batchSize]pending
	waiting  int // how many of batch
	spool    spool
	record   []byte
	rejected []Rejected
	err      error // an earlier one: nothing can follow
}

// batchSize is how many domains wait for each other, so that what they refer to is
// found for all at once; see references.
const batchSize = 32

// pending is a domain that waits, decoded from a row of its own.
type pending struct {
	row  []byte
	work workspace
}

// NewBuilder returns an empty Builder. domains is how many to expect, 0 if that
// is not known: it saves growing.
func NewBuilder(domains int) *Builder {
	b := &Builder{draft: &draft{own: new(owner), View: emptyView()}}
	b.spool.expect(domains)
	maker, err := newBaseMaker(newMemoryWriter(context.Background()), b.draft.zoneOf)
	b.maker = maker
	if err != nil {
		b.err = fmt.Errorf("build a View: %w", err)
	}
	return b
}

// zoneOf returns the name of the zone that a name stands under, "" if there is
// none.
func (v *View) zoneOf(name string) string {
	if tld := v.TLDOf(name); tld != nil {
		return tld.Name
	}
	return ""
}

// Put adds one object. A row that may not be published is quarantined, see
// Rejected; an error means that the snapshot itself is unusable. That an object
// comes twice may be found as late as in View.
func (b *Builder) Put(c Change) error {
	if b.err == nil {
		b.err = b.put(c)
	}
	return b.err
}

func (b *Builder) put(c Change) error {
	d := b.draft
	if c.Kind >= registry.Kinds {
		return fmt.Errorf("build a View: %q is of kind %d, which this release does not know", c.Name, c.Kind)
	}
	if c.Row == "" && c.Reject == "" {
		return fmt.Errorf("build a View: the snapshot holds %s %q without a row", c.Kind, c.Name)
	}
	if err := b.advance(c.Key); err != nil {
		return err
	}
	row, w := b.room(c.Kind, c.Row)
	c.Row = row
	if reject := d.check(c, w); reject != "" {
		if d.Rejection(c.Key) != "" {
			return fmt.Errorf("build a View: the snapshot holds %s %q twice", c.Kind, c.Name)
		}
		key := Key{c.Kind, strings.Clone(c.Name)}
		d.quarantined(key, reject)
		b.rejected = append(b.rejected, Rejected{key, reject})
		return nil
	}
	return b.load(c.Key, c.Row, w)
}

// room returns where to decode the next object of kind, and its row as long as
// that stays decoded: the caller may write over his when Put returns.
func (b *Builder) room(kind registry.Kind, row string) (string, *workspace) {
	if kind != registry.KindDomain {
		return row, &b.draft.work
	}
	p := &b.batch[b.waiting]
	p.row = append(p.row[:0], row...)
	return textOf(p.row), &p.work
}

// load adds the object whose row is row, and which w holds decoded: both as room
// gave them.
func (b *Builder) load(key Key, row string, w *workspace) error {
	d := b.draft
	if err := b.advance(key); err != nil {
		return err
	}
	d.digest += digestRow(key.Kind, row)
	if key.Kind == registry.KindDomain {
		if b.waiting++; b.waiting < batchSize {
			return nil
		}
		return b.flush()
	}
	if err := b.add(key, row, w); err != nil {
		return err
	}
	if key.Kind > registry.KindRegistrar {
		return nil
	}
	return d.learn(Key{key.Kind, strings.Clone(key.Name)}, strings.Clone(row))
}

// add makes the record of an object.
func (b *Builder) add(key Key, row string, w *workspace) error {
	b.record = b.maker.appendObject(b.record[:0], key.Kind, row, w)
	if err := b.spool.add(key.Name, b.record, b.maker.marks(key.Kind, w)); err != nil {
		return fmt.Errorf("build a View: %w", err)
	}
	return nil
}

// flush adds the domains that wait.
func (b *Builder) flush() error {
	waiting := b.batch[:b.waiting]
	b.waiting = 0
	for i := range waiting {
		b.maker.refer(&waiting[i].work.domain)
	}
	b.maker.resolve()
	for i := range waiting {
		w := &waiting[i].work
		if err := b.add(Key{registry.KindDomain, w.domain.Name}, "", w); err != nil {
			return err
		}
	}
	return nil
}

// advance ends the kinds before that of key.
func (b *Builder) advance(key Key) error {
	if key.Kind < b.kind {
		return fmt.Errorf("build a View: the snapshot holds %s %q after a %s: what others refer to comes first", key.Kind, key.Name, b.kind)
	}
	for b.kind < key.Kind {
		if err := b.endKind(); err != nil {
			return err
		}
	}
	return nil
}

// appendObject appends the object of kind that w holds, and whose row is row, as
// a record.
func (m *recordMaker) appendObject(dst []byte, kind registry.Kind, row string, w *workspace) []byte {
	switch kind {
	case registry.KindDomain:
		return m.appendDomain(dst, &w.domain)
	case registry.KindContact:
		return m.appendContact(dst, &w.contact)
	case registry.KindHost:
		return m.appendHost(dst, &w.host)
	}
	return appendText(dst, row)
}

// endKind brings the objects of the kind that came last into the base.
func (b *Builder) endKind() error {
	if err := b.flush(); err != nil {
		return err
	}
	kind := b.kind
	b.kind++
	b.draft.counts[kind] = b.spool.count
	err := b.maker.begin(kind, b.spool.count, b.spool.bytes+minRecord*b.spool.count)
	if err == nil {
		var last []byte // the key before; the spool has forgotten it
		err = b.spool.each(func(o *spooled) error {
			if o.key == string(last) && last != nil || b.draft.bad[kind] > 0 && b.draft.Rejection(Key{kind, o.key}) != "" {
				return fmt.Errorf("the snapshot holds %s %q twice", kind, o.key)
			}
			last = append(last[:0], o.key...)
			return b.maker.add(o)
		})
	}
	if err == nil {
		err = b.maker.end()
	}
	if err != nil {
		return fmt.Errorf("build a View: %w", err)
	}
	return nil
}

// Rejected returns the rows that were quarantined so far.
func (b *Builder) Rejected() []Rejected { return b.rejected }

// Count returns how many rows were published so far, of all kinds.
func (b *Builder) Count() int {
	n := b.spool.count + b.waiting
	for kind := range b.kind {
		n += b.draft.counts[kind]
	}
	return n
}

// Keep takes over from old, an earlier View of the same registry, the last good
// row of each object whose newest row was rejected so far, as Apply would have
// kept it. It is called after the last Put.
func (b *Builder) Keep(old *View) error {
	if b.err == nil {
		b.err = b.end()
	}
	if b.err != nil {
		return b.err
	}
	d := b.draft
	for _, r := range b.rejected {
		row, err := old.row(r.Kind, r.Name, &d.work)
		if err != nil || row == "" {
			continue // of a damaged row nothing good is known
		}
		row = strings.Clone(row)
		// It goes into the overlay: the base is made, and it holds what else there is.
		err = d.work.decode(r.Kind, row)
		if err == nil {
			err = d.overlay.set(d.own, r.Key, row, allIndexes, &d.work, &d.before)
		}
		if err != nil {
			return fmt.Errorf("build a View: keep %s %q: %w", r.Kind, r.Name, err)
		}
		d.counts[r.Kind]++
		d.digest += digestRow(r.Kind, row)
		if r.Kind <= registry.KindRegistrar {
			if err := d.learn(r.Key, row); err != nil {
				return fmt.Errorf("build a View: keep %s %q: %w", r.Kind, r.Name, err)
			}
		}
	}
	return nil
}

// end makes the base, if it is not made.
func (b *Builder) end() error {
	if b.draft.base != nil {
		return nil
	}
	for b.kind < registry.Kinds {
		if err := b.endKind(); err != nil {
			return err
		}
	}
	if err := b.maker.finish(); err != nil {
		return fmt.Errorf("build a View: %w", err)
	}
	base, err := b.maker.memoryBase()
	if err != nil {
		return fmt.Errorf("build a View: %w", err)
	}
	b.draft.base, b.maker = base, nil
	return nil
}

// View ends the build. Its misses may be told until missUntil.
func (b *Builder) View(pos Position, asOf registry.Time, missUntil time.Time) (*View, error) {
	if b.err == nil {
		b.err = b.end()
	}
	if b.err != nil {
		b.Discard()
		return nil, b.err
	}
	d := b.draft
	b.draft = nil
	d.pos, d.asOf, d.missUntil = pos, asOf, missUntil
	d.index()
	return d.view(), nil
}

// Discard gives back what the Builder holds when no View is to come of it.
func (b *Builder) Discard() {
	b.spool.free()
	if b.maker != nil {
		b.maker.free()
		b.maker.out.memory.free()
	}
	b.maker, b.draft = nil, nil
}
