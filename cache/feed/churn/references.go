package churn

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"rddsd/cache/feed/tables"
	"rddsd/cache/registry/synthetic"
)

// heldStreet is a street that is held, but whose lines are not in the database
// (feed.md §2).
var heldStreet = []string{""}

// createContact makes a registrant that withholds everything but, in one of
// three, its organisation.
func (c *churner) createContact(ctx context.Context, clid string) (roid string, err error) {
	roid = c.roid("contact")
	var (
		org      string
		disclose []string
	)
	if c.fiction.Below(3) == 0 {
		org, disclose = c.fiction.Organisation(), []string{"org"}
	}
	sp, cc := c.fiction.Region()
	return roid, c.db.Exec(ctx, `insert into contact (roid, id, clid, name, org, street, city, sp, pc, cc, voice, email, disclose, created)
		values (?1, '', ?2, '', ?3, ?4, '', ?5, '', ?6, '', '', ?7, ?8)`, roid, clid, org, c.db.List(heldStreet), tables.TextOrNull(sp), cc,
		c.db.List(disclose), c.db.Time(c.now))
}

// changeRegistrant gives a name another registrant: a new one, or that of
// another name of the same registrar.
func (c *churner) changeRegistrant(ctx context.Context) error {
	s, err := c.subject(ctx)
	if err != nil {
		return err
	}
	var to string
	if c.fiction.Below(2) == 0 {
		like, err := c.subject(ctx)
		if err != nil {
			return err
		}
		if like.clid == s.clid {
			to = like.registrant
		}
	}
	if to == "" || to == s.registrant {
		if to, err = c.createContact(ctx, s.clid); err != nil {
			return err
		}
	}
	c.touched.contacts = append(c.touched.contacts, to)
	if s.registrant != "" {
		c.touched.contacts = append(c.touched.contacts, s.registrant)
	}
	if err := c.db.Exec(ctx, "update domain set registrant = ?1 where roid = ?2", to, s.roid); err != nil {
		return err
	}
	return c.store(ctx, &s)
}

// changeContact changes what a registrant discloses: its organisation, a role
// mailbox, or where it is.
func (c *churner) changeContact(ctx context.Context) error {
	s, err := c.subject(ctx)
	if err != nil {
		return err
	}
	var clid, text string
	found, err := tables.Row(ctx, c.db, "select clid, "+c.db.JSON("disclose")+" from contact where roid = ?1", []any{s.registrant}, &clid, &text)
	if err != nil {
		return err
	}
	if !found || clid == synthetic.Protected {
		return errNothing
	}
	var disclose []string
	if err := list(text, &disclose); err != nil {
		return err
	}
	c.touched.contacts = []string{s.registrant}
	switch c.fiction.Below(3) {
	case 0:
		return c.disclose(ctx, s.registrant, disclose, "org", c.fiction.Organisation())
	case 1:
		return c.disclose(ctx, s.registrant, disclose, "email", c.fiction.Mailbox())
	}
	sp, cc := c.fiction.Region()
	return c.db.Exec(ctx, "update contact set sp = ?1, cc = ?2, updated = ?3 where roid = ?4",
		tables.TextOrNull(sp), cc, c.db.Time(c.now), s.registrant)
}

// disclose withholds an element that a contact discloses, half of the time, or
// gives it the new value and discloses that. A value that is withheld leaves
// the database.
func (c *churner) disclose(ctx context.Context, roid string, disclosed []string, element, value string) error {
	at := slices.Index(disclosed, element)
	switch {
	case at >= 0 && c.fiction.Below(2) == 0:
		value, disclosed = "", slices.Delete(disclosed, at, at+1)
	case at < 0:
		disclosed = append(disclosed, element)
		slices.Sort(disclosed)
	}
	return c.db.Exec(ctx, "update contact set "+element+" = ?1, disclose = ?2, updated = ?3 where roid = ?4",
		value, c.db.List(disclosed), c.db.Time(c.now), roid)
}

// createHosts gives a name two name servers of its own, with glue.
func (c *churner) createHosts(ctx context.Context, domain, name, clid string) error {
	for k := range 2 {
		roid := ""
		host := fmt.Sprintf("ns%d.%s", k+1, name)
		if _, err := tables.Row(ctx, c.db, "select roid from host where name = ?1", []any{host}, &roid); err != nil {
			return err
		}
		if roid == "" {
			roid = c.roid("host")
			v4, v6 := c.fiction.Glue()
			if err := c.db.Exec(ctx, "insert into host (roid, name, clid, v4, v6, created) values (?1, ?2, ?3, ?4, ?5, ?6)",
				roid, host, clid, c.db.List([]string{v4}), c.db.List([]string{v6}), c.db.Time(c.now)); err != nil {
				return err
			}
			c.touched.hosts = append(c.touched.hosts, roid)
		}
		if err := c.db.Exec(ctx, "insert into domain_host (domain_roid, host_roid) values (?1, ?2)", domain, roid); err != nil {
			return err
		}
	}
	return nil
}

// copyHosts gives a domain the hosts of another, but for those with glue: they
// stand below a name and are for that.
func (c *churner) copyHosts(ctx context.Context, to, from string) error {
	return c.db.Exec(ctx, `insert into domain_host (domain_roid, host_roid) select d.roid, h.roid from domain d, domain_host x join host h on h.roid = x.host_roid
		where d.roid = ?1 and x.domain_roid = ?2 and h.v4 = ?3 and h.v6 = ?3`, to, from, c.db.List(nil))
}

// changeHosts delegates a name to the name servers of another.
func (c *churner) changeHosts(ctx context.Context) error {
	s, err := c.subject(ctx)
	if err != nil {
		return err
	}
	like, err := c.subject(ctx)
	if err != nil {
		return err
	}
	if like.roid == s.roid {
		return errNothing
	}
	if err := c.db.Exec(ctx, "delete from domain_host where domain_roid = ?1", s.roid); err != nil {
		return err
	}
	if err := c.copyHosts(ctx, s.roid, like.roid); err != nil {
		return err
	}
	return c.store(ctx, &s)
}

// changeDS signs, re-signs or unsigns a delegation.
func (c *churner) changeDS(ctx context.Context) error {
	s, err := c.subject(ctx)
	if err != nil {
		return err
	}
	var signed int
	if _, err := tables.Row(ctx, c.db, "select count(*) from ds where domain_roid = ?1", []any{s.roid}, &signed); err != nil {
		return err
	}
	if err := c.db.Exec(ctx, "delete from ds where domain_roid = ?1", s.roid); err != nil {
		return err
	}
	if signed == 0 || c.fiction.Below(2) == 0 {
		if err := c.addDS(ctx, s.roid); err != nil {
			return err
		}
	}
	return c.store(ctx, &s)
}

func (c *churner) addDS(ctx context.Context, roid string) error {
	ds := c.fiction.DS()
	return c.db.Exec(ctx, "insert into ds (domain_roid, keytag, alg, digest_type, digest) values (?1, ?2, ?3, ?4, ?5)",
		roid, int(ds.KeyTag), int(ds.Algorithm), int(ds.DigestType), c.db.Digest(ds.Digest))
}

// renameHost gives a host another name below the same one: every name that it
// serves is answered anew.
func (c *churner) renameHost(ctx context.Context) error {
	s, err := c.subject(ctx)
	if err != nil {
		return err
	}
	var roid string
	found, err := tables.Row(ctx, c.db, "select h.roid from domain_host x join host h on h.roid = x.host_roid where x.domain_roid = ?1 and h.clid <> ?2 order by h.roid limit 1",
		[]any{s.roid, synthetic.Protected}, &roid)
	if err != nil {
		return err
	}
	if !found {
		return errNothing
	}
	return c.rename(ctx, roid)
}

// renameLargeHost renames a host that serves many names.
func (c *churner) renameLargeHost(ctx context.Context) error {
	roid, err := c.large(ctx, `select x.host_roid, (select count(*) from domain_host y where y.host_roid = x.host_roid) from domain_host x
		join host h on h.roid = x.host_roid where x.domain_roid = ?1 and h.clid <> '`+synthetic.Protected+`' order by 2 desc, 1 limit 1`)
	if err != nil {
		return err
	}
	return c.rename(ctx, roid)
}

func (c *churner) rename(ctx context.Context, roid string) error {
	var name string
	if _, err := tables.Row(ctx, c.db, "select name from host where roid = ?1", []any{roid}, &name); err != nil {
		return err
	}
	_, below, _ := strings.Cut(name, ".")
	var err error
	if c.touched.domains, err = tables.Texts(ctx, c.db, "select d.name from domain_host x join domain d on d.roid = x.domain_roid where x.host_roid = ?1 order by d.name", roid); err != nil {
		return err
	}
	c.touched.hosts = []string{roid}
	for range maxTries {
		name = fmt.Sprintf("ns%d.%s", 10+c.fiction.Below(1_000_000), below)
		var taken int
		if _, err := tables.Row(ctx, c.db, "select count(*) from host where name = ?1", []any{name}, &taken); err != nil {
			return err
		}
		if taken == 0 {
			return c.db.Exec(ctx, "update host set name = ?1, updated = ?2 where roid = ?3", name, c.db.Time(c.now), roid)
		}
	}
	return errNothing
}

// readdressHost gives a host that has glue other addresses.
func (c *churner) readdressHost(ctx context.Context) error {
	var roid string
	found, err := tables.Row(ctx, c.db, "select roid from host where roid >= ?1 and clid <> ?2 and v4 <> ?3 order by roid limit 1",
		[]any{c.from("host"), synthetic.Protected, c.db.List(nil)}, &roid)
	if err != nil {
		return err
	}
	if !found {
		return errNothing
	}
	c.touched.hosts = []string{roid}
	v4, v6 := c.fiction.Glue()
	return c.db.Exec(ctx, "update host set v4 = ?1, v6 = ?2, updated = ?3 where roid = ?4",
		c.db.List([]string{v4}), c.db.List([]string{v6}), c.db.Time(c.now), roid)
}
