package rde

import (
	"context"
	"errors"
	"fmt"

	"rddsd/cache/feed/tables"
	"rddsd/cache/registry"
)

// Apply changes the registry in db by the DIFF or INCR deposit in file, in one
// transaction, so that those who follow the registry see it as one delta. The
// deposit must follow the one that the registry was made of: a DIFF the last one
// of any type, an INCR the last FULL one with nothing after it. What the
// registry holds afterwards must be what the deposit's header counts. After an
// error nothing has changed.
func Apply(ctx context.Context, file string, db tables.Database) (*Imported, error) {
	var done *Imported
	err := db.Change(ctx, func(inside context.Context) error {
		a := &applying{ctx: inside, db: db}
		done = &a.done
		// A long deposit may be given up: only the transaction's end may not.
		return a.apply(ctx, file)
	})
	if err != nil {
		return nil, fmt.Errorf("import %s: %w", file, err)
	}
	return done, nil
}

// applying is a DIFF or INCR deposit on its way.
type applying struct {
	ctx   context.Context // of the transaction
	db    tables.Database
	state State
	done  Imported
	gone  []deleted // that something might still refer to
}

// deleted is an object that the deposit deletes.
type deleted struct {
	kind registry.Kind
	key  string // ROID; clid of a registrar
	name string // as the deposit calls it
	line int
}

func (a *applying) apply(ctx context.Context, file string) error {
	if err := a.load(); err != nil {
		return err
	}
	if err := a.db.Defer(a.ctx); err != nil {
		return err
	}
	var err error
	// Domains wait for the second reading: what they refer to may stand behind
	// them.
	a.done.Header, err = visit(ctx, file, Visitor{
		Begin:     a.follows,
		Delete:    a.delete,
		Registrar: a.registrar,
		Contact:   a.contact,
		Host:      a.host,
		Reserved:  a.reserved,
	})
	if err != nil {
		return err
	}
	if err := a.covers(); err != nil {
		return err
	}
	if _, err := visit(ctx, file, Visitor{Domain: a.domain}); err != nil {
		return err
	}
	if err := a.checkGone(); err != nil {
		return err
	}
	if err := a.checkCounts(); err != nil {
		return err
	}
	return a.db.Exec(a.ctx, "update deposit set last_id = ?1, watermark = ?2", a.done.Header.ID, a.db.Time(a.done.Header.Watermark))
}

// load reads where the chain stands.
func (a *applying) load() error {
	found, err := tables.Row(a.ctx, a.db, "select full_id, last_id, "+a.db.Micros("watermark")+", id_key from deposit", nil,
		&a.state.FullID, &a.state.LastID, &a.state.Watermark, &a.state.IDKey)
	if err == nil && !found {
		return errors.New("the registry was not made of a deposit: import the FULL one first that this one follows")
	}
	return err
}

// follows checks the chain (feed.md §11).
func (a *applying) follows(h *Header) error {
	switch h.Type {
	case Diff:
		if h.PrevID != a.state.LastID {
			return fmt.Errorf("DIFF deposit %s follows deposit %s, the registry stands at %s: import what lies between, or the next FULL one", h.ID, h.PrevID, a.state.LastID)
		}
	case Incr:
		if h.PrevID != a.state.FullID {
			return fmt.Errorf("INCR deposit %s follows the FULL deposit %s, the last FULL one here is %s: import the former first", h.ID, h.PrevID, a.state.FullID)
		}
		if a.state.LastID != a.state.FullID {
			return fmt.Errorf("INCR deposit %s holds what changed since %s, and %s was imported after that: import %s again first", h.ID, a.state.FullID, a.state.LastID, a.state.FullID)
		}
	default:
		return fmt.Errorf("deposit %s is of type %s, which replaces a registry and does not change it", h.ID, h.Type)
	}
	return nil
}

// covers checks that the deposit is about this registry's TLDs, and newer.
func (a *applying) covers() error {
	h := &a.done.Header
	if h.Watermark < a.state.Watermark {
		return fmt.Errorf("deposit %s tells how the registry stood at %s, which is before what it holds: %s", h.ID, h.Watermark, a.state.Watermark)
	}
	for _, tld := range h.TLDs {
		var known int
		if _, err := tables.Row(a.ctx, a.db, "select count(*) from tld where name = ?1", []any{tld}, &known); err != nil {
			return err
		}
		if known == 0 {
			return fmt.Errorf("deposit %s is about the TLD %q, which this registry does not hold", h.ID, tld)
		}
	}
	return nil
}

// roid finds an object's ROID, "" if it is not held.
func (a *applying) roid(query string, key any) (roid string, err error) {
	_, err = tables.Row(a.ctx, a.db, query, []any{key}, &roid)
	return roid, err
}

const (
	selectContact = "select roid from deposit_contact where id_mac = ?1"
	selectHost    = "select roid from host where name = ?1"
)

// delete takes an object out. One that the registry does not hold is gone
// already: an INCR tells of what came and went since the FULL one.
func (a *applying) delete(kind registry.Kind, key string, line int) error {
	var held int
	var err error
	name := key
	switch kind {
	case registry.KindDomain:
		err = a.deleteIf("domain", "name", key, &held)
	case registry.KindReserved:
		err = a.deleteIf("reserved", "name", key, &held)
	case registry.KindRegistrar:
		err = a.deleteIf("registrar", "clid", key, &held)
	case registry.KindHost:
		var roid string
		if roid, err = a.roid(selectHost, key); err == nil {
			key = roid
			err = a.deleteIf("host", "roid", roid, &held)
		}
	case registry.KindContact:
		mac := idKey(a.state.IDKey).mac(key)
		var roid string
		if roid, err = a.roid(selectContact, mac); err == nil {
			key = roid
			err = errors.Join(a.db.Exec(a.ctx, "delete from deposit_contact where id_mac = ?1", mac), a.deleteIf("contact", "roid", roid, &held))
		}
	}
	if held > 0 {
		a.done.Deleted[kind]++
		a.gone = append(a.gone, deleted{kind, key, name, line})
	}
	return err
}

// deleteIf deletes the row of table whose column is key, and says whether there
// was one.
func (a *applying) deleteIf(table, column, key string, held *int) error {
	if _, err := tables.Row(a.ctx, a.db, "select count(*) from "+table+" where "+column+" = ?1", []any{key}, held); err != nil || *held == 0 {
		return err
	}
	return a.db.Exec(a.ctx, "delete from "+table+" where "+column+" = ?1", key)
}

// references select what refers to an object of a kind, and to no other that has
// come in its place.
var references = [registry.Kinds][]string{
	registry.KindRegistrar: {
		"select 'domain ' || name from domain where clid = ?1 and clid not in (select clid from registrar) limit 1",
		"select 'host ' || name from host where clid = ?1 and clid not in (select clid from registrar) limit 1",
		"select 'contact ' || roid from contact where clid = ?1 and clid not in (select clid from registrar) limit 1",
	},
	registry.KindContact: {
		"select 'domain ' || name from domain where registrant = ?1 and registrant not in (select roid from contact where roid = ?1) limit 1",
		"select 'domain ' || d.name from domain_contact x join domain d on d.roid = x.domain_roid where x.contact_roid = ?1" +
			" and x.contact_roid not in (select roid from contact where roid = ?1) limit 1",
	},
	registry.KindHost: {
		"select 'domain ' || d.name from domain_host x join domain d on d.roid = x.domain_roid where x.host_roid = ?1" +
			" and x.host_roid not in (select roid from host where roid = ?1) limit 1",
	},
}

// checkGone wants nothing to refer to what the deposit has deleted, unless it
// holds it again.
func (a *applying) checkGone() error {
	for _, d := range a.gone {
		for _, query := range references[d.kind] {
			var who string
			found, err := tables.Row(a.ctx, a.db, query, []any{d.key}, &who)
			if err != nil {
				return err
			}
			if found {
				return fmt.Errorf("line %d: it deletes %s %s, and %s still refers to that", d.line, d.kind, d.name, who)
			}
		}
	}
	return nil
}

// checkCounts compares what the registry holds with what the header counts. Some
// registries count only the hosts of their own TLD: those may be more.
func (a *applying) checkCounts() error {
	for _, kind := range countedKinds {
		want, told := a.done.Header.Counts[kind]
		if !told {
			continue
		}
		var got int
		if _, err := tables.Row(a.ctx, a.db, "select count(*) from "+kind.String(), nil, &got); err != nil {
			return err
		}
		if got < want || got > want && kind != registry.KindHost {
			return fmt.Errorf("the header counts %d objects of kind %s, with the deposit the registry holds %d: a deposit is missing, or this one is incomplete", want, kind, got)
		}
	}
	return nil
}
