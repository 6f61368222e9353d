package synthetic

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"rddsd/cache/registry"
)

// WriteDeposits writes two registry data escrow deposits (RFC 8909, RFC 9022)
// into dir, which it makes: a FULL one of the registry, and a DIFF one of the
// day after. A directory that holds anything is refused without force
// (ErrNotEmpty); with it, files of the same names are replaced.
//
// Escrow deposits carry what contacts withhold. As this registry holds no such
// values, each is a placeholder that begins "Withheld" or is a number made for
// fiction, so that an import can be seen to drop it.
func (g *Registry) WriteDeposits(ctx context.Context, dir string, force bool) error {
	if err := g.writeDeposits(ctx, dir, force); err != nil {
		return fmt.Errorf("write deposits to %s: %w", dir, err)
	}
	return nil
}

func (g *Registry) writeDeposits(ctx context.Context, dir string, force bool) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if len(entries) > 0 && !force {
		return fmt.Errorf("%w; --force writes into it", ErrNotEmpty)
	}
	full, diff := g.deposit("FULL", g.Now), g.deposit("DIFF", g.Now.AddDate(0, 0, 1))
	diff.previous = full.id
	counts, err := g.count()
	if err != nil {
		return err
	}
	if err := replaceFile(ctx, filepath.Join(dir, full.file("full")), 0o600, func(w *bufio.Writer) error {
		return g.writeFull(&depositWriter{w, g}, full, counts)
	}); err != nil {
		return err
	}
	return replaceFile(ctx, filepath.Join(dir, diff.file("diff")), 0o600, func(w *bufio.Writer) error {
		return g.writeDiff(&depositWriter{w, g}, diff, counts)
	})
}

// deposit is what a deposit says about itself.
type deposit struct {
	kind         string // FULL or DIFF
	tld          string
	id, previous string
	watermark    time.Time
}

func (g *Registry) deposit(kind string, watermark time.Time) deposit {
	return deposit{kind: kind, tld: g.TLD, id: watermark.Format("20060102") + "001", watermark: watermark}
}

// file returns the name that ICANN's specification gives to a deposit.
func (d deposit) file(kind string) string {
	return d.tld + "_" + d.watermark.Format("2006-01-02") + "_" + kind + "_S1_R0.xml"
}

// depositCounts are the totals of a registry that every deposit states.
type depositCounts struct{ domains, hosts, contacts, registrars, tables, reserved int }

func (g *Registry) count() (depositCounts, error) {
	n := depositCounts{domains: g.Names, registrars: len(g.registrars), tables: len(g.words.foreign)}
	err := g.Each(Sink{
		Contact:  func(*Contact) error { n.contacts++; return nil },
		Host:     func(*registry.Nameserver) error { n.hosts++; return nil },
		Reserved: func(*registry.Reserved) error { n.reserved++; return nil },
	})
	return n, err
}

func (g *Registry) writeFull(w *depositWriter, d deposit, counts depositCounts) error {
	w.begin(d)
	w.line("  <rde:contents>")
	w.header(d, counts)
	if err := g.Each(Sink{
		Registrar: w.registrar,
		Contact:   w.contact,
		Host:      w.host,
		Domain:    w.domain,
	}); err != nil {
		return err
	}
	for _, script := range g.words.foreign {
		w.table(script.table)
	}
	if err := g.Each(Sink{Reserved: w.reserved}); err != nil {
		return err
	}
	w.line("  </rde:contents>")
	w.line("</rde:deposit>")
	return nil
}

// fate is what the day after brings to a name.
type fate int

const (
	stays fate = iota
	deleted
	updated
)

// fateOf draws the fate of name i. The first two names that are neither fixed
// nor edge cases are deleted and updated, so that there is one of each.
func (g *Registry) fateOf(i int) fate {
	switch i - len(g.given) {
	case 0:
		return deleted
	case 1:
		return updated
	}
	if i < len(g.given) {
		return stays
	}
	s := g.stream(forChange, i)
	switch x := s.below(10000); {
	case x < deletedPerDay:
		return deleted
	case x < deletedPerDay+updatedPerDay:
		return updated
	}
	return stays
}

// writeDiff writes what the day after changed: names deleted, with hosts of
// their own, names and one host and one contact updated, names created.
func (g *Registry) writeDiff(w *depositWriter, d deposit, counts depositCounts) error {
	w.begin(d)
	w.line("  <rde:deletes>")
	var domain Domain
	gone := g.domains()
	var hosts []string
	for i := range g.Names {
		if g.fateOf(i) != deleted {
			continue
		}
		gone.at(&domain, i)
		w.line("    <rdeDom:delete><rdeDom:name>%s</rdeDom:name></rdeDom:delete>", domain.Name)
		counts.domains--
		if _, own := g.delegation(nil, i); own > 0 {
			hosts = append(hosts, domain.HostNames...)
		}
	}
	for _, name := range hosts {
		w.line("    <rdeHost:delete><rdeHost:name>%s</rdeHost:name></rdeHost:delete>", name)
		counts.hosts--
	}
	w.line("  </rde:deletes>")
	counts.domains += g.created
	w.line("  <rde:contents>")
	w.header(d, counts)
	if err := g.writeChanged(w, registry.TimeOf(d.watermark)); err != nil {
		return err
	}
	w.line("  </rde:contents>")
	w.line("</rde:deposit>")
	return nil
}

func (g *Registry) writeChanged(w *depositWriter, now registry.Time) error {
	var host registry.Nameserver
	g.sharedHost(&host, g.providers[0].first)
	host.Statuses ^= registry.ClientUpdateProhibited
	host.Updated = now - day/2
	if err := w.host(&host); err != nil {
		return err
	}
	var contact Contact
	owners := registrants{g: g}
	var last contactPlan
	for i := range g.Names {
		last = owners.next(i)
	}
	if last.registrar != 0 {
		g.contact(&contact, last.registrant)
		contact.CC, contact.Updated = "GB", now-day/2
		if err := w.contact(&contact); err != nil {
			return err
		}
	}
	var d Domain
	all := g.domains()
	for i := range g.Names {
		all.at(&d, i)
		if g.fateOf(i) != updated {
			continue
		}
		d.Statuses ^= registry.ClientHold
		d.Updated = now - day/2
		if err := w.domainAt(&d, now); err != nil {
			return err
		}
	}
	first := &g.providers[0]
	for i := range g.created {
		l := all.names.at(g.Names + i)
		d = Domain{Domain: registry.Domain{
			Name: string(l.ascii) + "." + g.TLD, ROID: g.roid('D', g.Names+i+1), IDNTable: l.table,
			Registrar: g.registrars[last.registrar].ClID, Registrant: g.roid('C', last.registrant),
			Statuses: registry.ClientTransferProhibited, Created: now - day/2, Expires: addYears(now-day/2, 1),
		}, AddUntil: now - day/2 + addPeriod}
		if l.unicode != "" || g.tldUName != "" {
			d.UName = unicodeName(l, g.TLD, g.tldUName)
		}
		for k := range first.size {
			h := &g.hosts[first.first+k]
			d.addHost(h.roid, h.name)
		}
		if err := w.domainAt(&d, now); err != nil {
			return err
		}
	}
	return nil
}
