package cache

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"rddsd/cache/registry"
)

// Builder makes a View from a snapshot: every object once, in the order of
// registry.Kind. It is for one goroutine.
type Builder struct {
	view      *View
	workspace workspace
	rejected  []Rejected
}

// NewBuilder returns an empty Builder. names is how many domains to expect, 0
// if that is not known.
func NewBuilder(names int) *Builder {
	return &Builder{view: &View{base: newTable(names), over: newTable(0), registrars: map[string]*registry.Registrar{}}}
}

// Put adds one object. A row that may not be published is quarantined, see
// Rejected; an error means that the snapshot itself is unusable.
func (b *Builder) Put(c Change) error {
	v := b.view
	if c.Row == "" && c.Reject == "" {
		return fmt.Errorf("build a View: the snapshot holds %s %q without a row", c.Kind, c.Name)
	}
	if _, twice := v.base.rows[c.Kind][c.Name]; twice {
		return fmt.Errorf("build a View: the snapshot holds %s %q twice", c.Kind, c.Name)
	}
	if c.Reject == "" {
		c.Reject = v.check(c.Kind, c.Row, &b.workspace.domain)
	}
	if c.Reject != "" {
		v.base.quarantine[c.Key] = c.Reject
		b.rejected = append(b.rejected, Rejected{c.Key, c.Reject})
		return nil
	}
	if err := v.base.load(c.Key, c.Row, &b.workspace); err != nil {
		return fmt.Errorf("build a View: %s %q: %w", c.Kind, c.Name, err)
	}
	v.counts[c.Kind]++
	return v.learn(c.Key, c.Row)
}

// Rejected returns the rows that were not published so far.
func (b *Builder) Rejected() []Rejected { return b.rejected }

// Count returns how many rows were published so far, of all kinds.
func (b *Builder) Count() int {
	n := 0
	for _, c := range b.view.counts {
		n += c
	}
	return n
}

// View ends the build. Its misses may be told until missUntil.
func (b *Builder) View(pos Position, asOf registry.Time, missUntil time.Time) *View {
	v := b.view
	b.view = nil
	v.pos, v.asOf, v.missUntil = pos, asOf, missUntil
	v.base.sort()
	v.index()
	v.countHidden()
	return v
}

// learn takes a TLD or registrar into the few objects that a View holds
// decoded. It appends, and writes to maps, that must be v's own.
func (v *View) learn(key Key, row string) error {
	switch key.Kind {
	case registry.KindTLD:
		v.tlds = slices.DeleteFunc(v.tlds, func(t *registry.TLD) bool { return t.Name == key.Name })
		if row == "" {
			return nil
		}
		t := new(registry.TLD)
		v.tlds = append(v.tlds, t)
		return registry.DecodeTLD(row, t)
	case registry.KindRegistrar:
		delete(v.registrars, key.Name)
		if row == "" {
			return nil
		}
		r := new(registry.Registrar)
		v.registrars[key.Name] = r
		return registry.DecodeRegistrar(row, r)
	}
	return nil
}

// countHidden counts the objects that are in quarantine and have no good row.
func (v *View) countHidden() {
	v.hidden = [registry.Kinds]int{}
	for _, key := range v.Quarantined() {
		if v.row(key.Kind, key.Name) == "" {
			v.hidden[key.Kind]++
		}
	}
}

// index orders the TLDs and makes the registrars' other keys.
func (v *View) index() {
	slices.SortFunc(v.tlds, func(a, b *registry.TLD) int { return strings.Compare(a.Name, b.Name) })
	v.byIANA = make(map[int]*registry.Registrar, len(v.registrars))
	v.byName = make(map[string][]*registry.Registrar, len(v.registrars))
	clids := make([]string, 0, len(v.registrars))
	for clid := range v.registrars {
		clids = append(clids, clid)
	}
	slices.Sort(clids)
	for _, clid := range clids {
		r := v.registrars[clid]
		if r.IANA != 0 && v.byIANA[r.IANA] == nil {
			v.byIANA[r.IANA] = r
		}
		folded := registry.FoldName(r.Name)
		v.byName[folded] = append(v.byName[folded], r)
	}
}

// check finds what keeps a row from being published that only its surroundings
// can tell.
func (v *View) check(kind registry.Kind, row string, d *registry.Domain) registry.Reject {
	if kind != registry.KindDomain {
		return ""
	}
	if registry.DecodeDomain(row, d) != nil {
		return registry.RejectUnreadable
	}
	tld := tldOf(v.tlds, d.Name)
	if tld == nil {
		return registry.RejectNoTLD
	}
	sponsor := v.registrars[d.Registrar]
	if sponsor == nil {
		return registry.RejectRegistrar
	}
	if tld.GTLD && sponsor.IANA == 0 {
		return registry.RejectNoIANA
	}
	return ""
}
