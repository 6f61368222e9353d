// Package synthetic makes fictional registries: the same one, on every machine,
// for the same parameters. The demo and the tests use it. It holds and makes no
// natural person's data: contacts are role accounts and organisations under
// .example, and whatever a contact does not disclose is only said to be held.
package synthetic

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"rddsd/cache/registry"
)

const (
	// MaxNames is the largest registry that can be asked for.
	MaxNames = 100_000_000

	// defaultNow is the moment at which a registry stands unless told otherwise:
	// 2026-09-01T12:00:00Z, in seconds since 1970.
	defaultNow = 1788264000

	// tldCreated is when the registry opened: 2001-12-15, when .coop was
	// delegated.
	tldCreated = 1008374400 * second
)

// Params say which registry to make.
type Params struct {
	Names      int       // how many names are registered, 1 to MaxNames; the fixed ones are there in any case
	Seed       uint64    // another seed, another registry
	TLD        string    // lower-case A-label, inner dots allowed; default "coop"
	Now        time.Time // when the registry stands, from 2010 on; whole seconds; default 2026-09-01T12:00:00Z
	ROIDSuffix string    // what repository identifiers end with, 1 to 8 letters or digits (RFC 5730 §2.8); default "COOP"
}

// Registry makes the objects of one fictional registry, as often as asked. It
// holds six bits for a name, and what the names share. Its methods may be called
// by several goroutines at once.
type Registry struct {
	Params
	seed     uint64
	now      registry.Time
	tldUName string // U-label form of the TLD when it is an IDN

	words    *words
	lengths  weights
	shapes   weights
	lives    weights
	given    []label // of the fixed names and the edge cases: the first indexes
	forms    forms
	created  int      // names that the day after creates, see WriteDeposits
	reserved []string // labels, beside the fixed ones

	registrars []registry.Registrar // 0 is the fixed one
	sponsors   weights              // of registrars, from 1 on
	desks      []desk               // contacts that do a task for many names
	deskUsed   bitset
	techDesks  [][2]int // by registrar: the first of its technical desks, and how many
	adminDesks []int    // by registrar
	providers  []provider
	others     weights // of providers, from 2 on
	hosts      []host  // of providers, and the two fixed ones
	hostUsed   bitset
}

// New numbers the names of a registry, so that each is unique. It takes about a
// second for a million of them.
func New(p Params) (*Registry, error) {
	if p.TLD == "" {
		p.TLD = "coop"
	}
	if p.ROIDSuffix == "" {
		p.ROIDSuffix = "COOP"
	}
	if p.Now.IsZero() {
		p.Now = time.Unix(defaultNow, 0)
	}
	p.Now = p.Now.UTC().Truncate(time.Second)
	if err := p.check(); err != nil {
		return nil, fmt.Errorf("make a registry: %w", err)
	}
	w, err := loadWords()
	if err != nil {
		return nil, fmt.Errorf("make a registry: %w", err)
	}
	g := &Registry{
		Params: p, seed: mix(p.Seed), now: registry.TimeOf(p.Now), words: w, lengths: labelLengths(), shapes: labelShapes(), lives: lives(),
	}
	if unicode, err := w.idna.ToUnicode(p.TLD); err != nil {
		return nil, fmt.Errorf("make a registry: TLD %s: %w", p.TLD, err)
	} else if unicode != p.TLD {
		g.tldUName = unicode
	}
	g.given = g.givenLabels()
	g.Names = max(g.Names, fixedNames)
	g.given = g.given[:min(len(g.given), g.Names)]
	if g.Names > fixedNames {
		g.created = 1 + g.Names*createdPerDay/10000
	}
	g.makeRegistrars()
	g.makeDesks()
	g.makeProviders()
	g.number()
	return g, nil
}

func (p *Params) check() error {
	switch {
	case p.Names < 1 || p.Names > MaxNames:
		return fmt.Errorf("%d names: must be 1 to %d", p.Names, MaxNames)
	case !registry.ValidName(p.TLD) || len(p.TLD) > registry.MaxName-registry.MaxLabel-1:
		return fmt.Errorf("TLD %q: must be lower-case labels of letters, digits and hyphens, at most %d characters", p.TLD, registry.MaxName-registry.MaxLabel-1)
	case p.Now.Year() < 2010 || p.Now.Year() > 9900:
		return fmt.Errorf("now %s: must be from 2010 to 9900", p.Now.Format(time.RFC3339))
	case len(p.ROIDSuffix) < 1 || len(p.ROIDSuffix) > 8 || strings.Trim(p.ROIDSuffix, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_") != "":
		return fmt.Errorf("ROID suffix %q: must be 1 to 8 letters or digits", p.ROIDSuffix)
	}
	return nil
}

// number finds for each name a form of its label that is not taken, and which
// desks and hosts some name uses.
func (g *Registry) number() {
	g.forms = newForms(g.Names + g.created)
	set := newNameSet(g.Names + g.created)
	for _, l := range g.given {
		set.add(l.ascii)
	}
	for _, l := range g.withoutDomain() {
		set.add([]byte(l))
	}
	g.reserved = g.makeReserved(set)
	var (
		buf    []byte
		refs   []int
		owners = registrants{g: g}
	)
	for i := len(g.given); i < g.Names+g.created; i++ {
		form := 0
		for ; form <= lastForm; form++ {
			if buf = g.drawLabel(buf, i, form, 0).ascii; !set.add(buf) {
				break
			}
		}
		g.forms.set(i, form)
	}
	for i := range g.Names {
		refs, _ = g.delegation(refs[:0], i)
		for _, ref := range refs {
			g.hostUsed.set(ref)
		}
		plan := owners.next(i)
		for _, number := range [...]int{plan.registrant, plan.tech, plan.admin} {
			if number <= len(g.desks) {
				g.deskUsed.set(number)
			}
		}
	}
}

// Sink takes the objects of a registry. An object is the Registry's, which
// fills it again for the next call; its strings may be kept. A nil function
// leaves out its kind; an error ends the pass.
type Sink struct {
	TLD       func(*registry.TLD) error
	Registrar func(*registry.Registrar) error
	Contact   func(*Contact) error
	Host      func(*registry.Nameserver) error
	Domain    func(*Domain) error
	Reserved  func(*registry.Reserved) error
}

// Each passes every object to to, in the order of a snapshot: what an object
// refers to comes before it.
func (g *Registry) Each(to Sink) error {
	if to.TLD != nil {
		if err := to.TLD(g.tld()); err != nil {
			return err
		}
	}
	if to.Registrar != nil {
		for i := range g.registrars {
			r := g.registrars[i]
			if err := to.Registrar(&r); err != nil {
				return err
			}
		}
	}
	if to.Contact != nil {
		if err := g.eachContact(to.Contact); err != nil {
			return err
		}
	}
	if to.Host != nil {
		if err := g.eachHost(to.Host); err != nil {
			return err
		}
	}
	if to.Domain != nil {
		if err := g.eachDomain(to.Domain); err != nil {
			return err
		}
	}
	if to.Reserved != nil {
		return g.eachReserved(to.Reserved)
	}
	return nil
}

func (g *Registry) tld() *registry.TLD {
	return &registry.TLD{
		Name: g.TLD, UName: g.tldUName, GTLD: !g.country(), ZoneSigned: true, ContactModel: registry.ModelFull, Created: tldCreated,
	}
}

// country reports whether the TLD is a country's, which has its own registrars
// and more signed names.
func (g *Registry) country() bool { return len(g.TLD)-strings.LastIndexByte(g.TLD, '.')-1 == 2 }

// Identity returns the registry's id and its epoch, 32 hexadecimal digits each,
// derived from the parameters.
func (g *Registry) Identity() (id, epoch string) {
	h := uint64(0)
	for _, c := range []byte(fmt.Sprint(g.Names, g.Seed, g.TLD, g.Now.Unix(), g.ROIDSuffix)) {
		h = mix(h ^ uint64(c))
	}
	word := func(n uint64) string {
		var b [8]byte
		for i := range b {
			b[i] = byte(mix(h+n) >> (8 * i))
		}
		return hex.EncodeToString(b[:])
	}
	return word(1) + word(2), word(3) + word(4)
}

func (g *Registry) roid(letter byte, number int) string {
	b := make([]byte, 1, 32)
	b[0] = letter
	b = strconv.AppendInt(b, int64(number), 10)
	b = append(b, '-')
	return string(append(b, g.ROIDSuffix...))
}
