package churn

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"rddsd/cache/feed/tables"
	"rddsd/cache/registry"
)

// Entry is one committed transaction in the log of Run, one line of JSON.
// Times are microseconds since 1970. The states are those that the transaction
// left behind: they hold at some moment between Before and After, and until the
// next entry that names the object.
type Entry struct {
	Change string        `json:"change"`
	Before registry.Time `json:"before"` // just before the commit began
	After  registry.Time `json:"after"`  // just after it was acknowledged
	Serial uint64        `json:"serial"` // the journal's last sequence number in this transaction

	// Every object whose published state changed: domains by their own data, by
	// the name of their registrar or of a host. A contact's values are told apart
	// from the domains that refer to it.
	Domains    []Domain    `json:"domains,omitempty"`
	Hosts      []Host      `json:"hosts,omitempty"`
	Contacts   []Contact   `json:"contacts,omitempty"`
	Registrars []Registrar `json:"registrars,omitempty"`
}

// Domain is a domain as it is answered, but for the values of contacts.
type Domain struct {
	Name          string        `json:"name"`
	Exists        bool          `json:"exists"` // false: nothing else is set
	ROID          string        `json:"roid,omitempty"`
	UName         string        `json:"u_name,omitempty"`
	Registrar     string        `json:"registrar,omitempty"` // clid
	RegistrarName string        `json:"registrar_name,omitempty"`
	Reseller      string        `json:"reseller,omitempty"`
	Registrant    string        `json:"registrant,omitempty"` // ROID
	Tech          []string      `json:"tech,omitempty"`       // ROIDs, sorted
	Hosts         []string      `json:"hosts,omitempty"`      // names, sorted
	DS            []string      `json:"ds,omitempty"`         // "KEYTAG ALG DIGESTTYPE HEX", sorted, digits in lower case
	Statuses      []string      `json:"statuses,omitempty"`   // set by somebody, EPP and RGP, sorted; none that is derived or ended by the clock
	Created       registry.Time `json:"created,omitempty"`
	Updated       registry.Time `json:"updated,omitempty"`
	Transferred   registry.Time `json:"transferred,omitempty"`
	Expires       registry.Time `json:"expires,omitempty"`

	// The clock ends these statuses: they show while it is before the moment.
	AddUntil       registry.Time `json:"add_until,omitempty"`
	RenewUntil     registry.Time `json:"renew_until,omitempty"`
	AutoRenewUntil registry.Time `json:"autorenew_until,omitempty"`
	TransferUntil  registry.Time `json:"transfer_until,omitempty"`
}

// Host is a host as it is answered.
type Host struct {
	ROID   string   `json:"roid"`
	Exists bool     `json:"exists"`
	Name   string   `json:"name,omitempty"`
	V4     []string `json:"v4,omitempty"`
	V6     []string `json:"v6,omitempty"`
}

// Contact is a contact as the contract publishes it.
type Contact struct {
	ROID     string   `json:"roid"`
	Exists   bool     `json:"exists"` // that is, some domain refers to it as registrant or technical contact
	Org      string   `json:"org,omitempty"`
	SP       string   `json:"sp,omitempty"`
	CC       string   `json:"cc,omitempty"`
	Email    string   `json:"email,omitempty"`
	Redacted []string `json:"redacted,omitempty"`
}

// Registrar is a registrar whose name changed.
type Registrar struct {
	ClID string `json:"clid"`
	Name string `json:"name"`
}

func (e *Entry) write(w io.Writer) error {
	if w == nil {
		return nil
	}
	line, err := json.Marshal(e)
	if err == nil {
		_, err = w.Write(append(line, '\n'))
	}
	if err != nil {
		return fmt.Errorf("write the log of changes: %w", err)
	}
	return nil
}

// states reads into e what the running transaction has made of the objects that
// it touched.
func (c *churner) states(ctx context.Context, e *Entry) error {
	if _, err := tables.Row(ctx, c.db, c.db.Serial(), nil, &e.Serial); err != nil {
		return err
	}
	var err error
	if e.Domains, err = c.domainStates(ctx, c.touched.domains); err != nil {
		return err
	}
	if e.Hosts, err = c.hostStates(ctx, c.touched.hosts); err != nil {
		return err
	}
	if e.Contacts, err = c.contactStates(ctx, c.touched.contacts); err != nil {
		return err
	}
	for _, clid := range c.touched.registrars {
		r := Registrar{ClID: clid}
		if _, err := tables.Row(ctx, c.db, "select name from registrar where clid = ?1", []any{clid}, &r.Name); err != nil {
			return err
		}
		e.Registrars = append(e.Registrars, r)
	}
	return nil
}

// selectDomainStates reads the states of the domains whose names its argument
// lists.
func (c *churner) selectDomainStates() string {
	d := c.db
	return "select k.value, d.roid, d.u_name, d.clid, r.name, d.reseller, d.registrant, " +
		d.Array("select contact_roid as v from domain_contact where domain_roid = d.roid and role = 'tech'") + ", " +
		d.Array("select h.name as v from domain_host x join host h on h.roid = x.host_roid where x.domain_roid = d.roid") + ", " +
		d.Array("select keytag || ' ' || alg || ' ' || digest_type || ' ' || "+d.Hex("digest")+" as v from ds where domain_roid = d.roid") + ", " +
		d.JSON("d.statuses") + ", " + d.JSON("d.rgp") + ", " +
		d.Micros("d.created") + ", " + d.Micros("d.updated") + ", " + d.Micros("d.transferred") + ", " + d.Micros("d.expires") + ", " +
		d.Micros("d.add_until") + ", " + d.Micros("d.renew_until") + ", " + d.Micros("d.autorenew_until") + ", " + d.Micros("d.transfer_until") +
		" from " + d.Each("?1") + " left join domain d on d.name = k.value left join registrar r on r.clid = d.clid"
}

func (c *churner) domainStates(ctx context.Context, names []string) ([]Domain, error) {
	if len(names) == 0 {
		return nil, nil
	}
	states := make([]Domain, 0, len(names))
	err := c.db.Query(ctx, c.selectDomainStates(), []any{c.db.List(names)}, func(scan func(...any) error) error {
		var (
			d     Domain
			texts [6]sql.NullString
			lists [5]sql.NullString
			times [8]sql.NullInt64
		)
		if err := scan(&d.Name, &texts[0], &texts[1], &texts[2], &texts[3], &texts[4], &texts[5], &lists[0], &lists[1], &lists[2], &lists[3], &lists[4],
			&times[0], &times[1], &times[2], &times[3], &times[4], &times[5], &times[6], &times[7]); err != nil {
			return err
		}
		if d.Exists = texts[0].Valid; !d.Exists {
			states = append(states, d)
			return nil
		}
		for i, to := range [...]*string{&d.ROID, &d.UName, &d.Registrar, &d.RegistrarName, &d.Reseller, &d.Registrant} {
			*to = texts[i].String
		}
		var rgp []string
		for i, to := range [...]*[]string{&d.Tech, &d.Hosts, &d.DS, &d.Statuses, &rgp} {
			if err := list(lists[i].String, to); err != nil {
				return err
			}
		}
		d.Statuses = append(d.Statuses, rgp...)
		slices.Sort(d.Statuses)
		for i, to := range [...]*registry.Time{
			&d.Created, &d.Updated, &d.Transferred, &d.Expires, &d.AddUntil, &d.RenewUntil, &d.AutoRenewUntil, &d.TransferUntil,
		} {
			*to = registry.Time(times[i].Int64)
		}
		states = append(states, d)
		return nil
	})
	return states, err
}

func (c *churner) hostStates(ctx context.Context, roids []string) ([]Host, error) {
	var states []Host
	for _, roid := range roids {
		h := Host{ROID: roid}
		var v4, v6 string
		found, err := tables.Row(ctx, c.db, "select name, "+c.db.JSON("v4")+", "+c.db.JSON("v6")+" from "+c.db.View(registry.KindHost)+" where key = ?1", []any{roid}, &h.Name, &v4, &v6)
		if err != nil {
			return nil, err
		}
		if h.Exists = found; found {
			if err := errors.Join(list(v4, &h.V4), list(v6, &h.V6)); err != nil {
				return nil, err
			}
		}
		states = append(states, h)
	}
	return states, nil
}

func (c *churner) contactStates(ctx context.Context, roids []string) ([]Contact, error) {
	var states []Contact
	for _, roid := range roids {
		o := Contact{ROID: roid}
		var redacted string
		found, err := tables.Row(ctx, c.db, "select coalesce(org, ''), coalesce(sp, ''), coalesce(cc, ''), coalesce(email, ''), "+c.db.JSON("redacted")+
			" from "+c.db.View(registry.KindContact)+" where key = ?1", []any{roid}, &o.Org, &o.SP, &o.CC, &o.Email, &redacted)
		if err != nil {
			return nil, err
		}
		if o.Exists = found; found {
			if err := list(redacted, &o.Redacted); err != nil {
				return nil, err
			}
		}
		states = append(states, o)
	}
	return states, nil
}

// ReadDomains returns the states of all domains of a registry in the form of
// the log: where a comparison with it begins.
func ReadDomains(ctx context.Context, db tables.Database) ([]Domain, error) {
	c := &churner{db: db}
	names, err := tables.Texts(ctx, db, "select name from domain order by name")
	if err != nil {
		return nil, fmt.Errorf("list all domains: %w", err)
	}
	states, err := c.domainStates(ctx, names)
	if err != nil {
		return nil, fmt.Errorf("read the states of all domains: %w", err)
	}
	return states, nil
}
