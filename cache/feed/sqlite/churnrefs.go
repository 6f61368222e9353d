package sqlite

import (
	"context"
	"fmt"
	"strings"

	"rddsd/cache/registry/synthetic"
)

// createContact makes a registrant that withholds everything but, in one of
// three, its organisation.
func (c *churner) createContact(ctx context.Context, clid string) (roid string, err error) {
	roid = c.roid("contact")
	org, disclose := "", "[]"
	if c.fiction.Below(3) == 0 {
		org, disclose = c.fiction.Organisation(), `["org"]`
	}
	sp, cc := c.fiction.Region()
	return roid, c.exec(ctx, `insert into contact (roid, id, clid, name, org, street, city, sp, pc, cc, voice, email, disclose, created)
		values (?, '', ?, '', ?, ?, '', ?, '', ?, '', '', ?, ?)`, roid, clid, org, heldStreet, textOrNull(sp), cc, disclose, int64(c.now))
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
	if err := c.exec(ctx, "update domain set registrant = ? where roid = ?", to, s.roid); err != nil {
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
	var clid, disclose string
	found, err := c.row(ctx, "select clid, disclose from contact where roid = ?", []any{s.registrant}, &clid, &disclose)
	if err != nil {
		return err
	}
	if !found || clid == synthetic.Protected {
		return errNothing
	}
	c.touched.contacts = []string{s.registrant}
	switch c.fiction.Below(3) {
	case 0:
		return c.disclose(ctx, s.registrant, disclose, "org", c.fiction.Organisation())
	case 1:
		return c.disclose(ctx, s.registrant, disclose, "email", c.fiction.Mailbox())
	}
	sp, cc := c.fiction.Region()
	return c.exec(ctx, "update contact set sp = ?, cc = ?, updated = ? where roid = ?", textOrNull(sp), cc, int64(c.now), s.registrant)
}

// disclose withholds an element that a contact discloses, half of the time, or
// gives it the new value and discloses that. A value that is withheld leaves
// the database.
func (c *churner) disclose(ctx context.Context, roid, disclosed, element, value string) error {
	word := `"` + element + `"`
	if strings.Contains(disclosed, word) && c.fiction.Below(2) == 0 {
		return c.exec(ctx, "update contact set "+element+` = '', updated = ?2, disclose = (select json_group_array(value) from json_each(disclose) where value <> ?3)
			where roid = ?1`, roid, int64(c.now), element)
	}
	return c.exec(ctx, "update contact set "+element+` = ?4, updated = ?2, disclose = (select json_group_array(v) from
		(select value as v from json_each(disclose) union select ?3)) where roid = ?1`, roid, int64(c.now), element, value)
}

// createHosts gives a name two name servers of its own, with glue.
func (c *churner) createHosts(ctx context.Context, domain, name, clid string) error {
	for k := range 2 {
		roid := ""
		host := fmt.Sprintf("ns%d.%s", k+1, name)
		if _, err := c.row(ctx, "select roid from host where name = ?", []any{host}, &roid); err != nil {
			return err
		}
		if roid == "" {
			roid = c.roid("host")
			v4, v6 := c.fiction.Glue()
			if err := c.exec(ctx, "insert into host (roid, name, clid, v4, v6, created) values (?, ?, ?, ?, ?, ?)",
				roid, host, clid, string(appendList(nil, []string{v4})), string(appendList(nil, []string{v6})), int64(c.now)); err != nil {
				return err
			}
			c.touched.hosts = append(c.touched.hosts, roid)
		}
		if err := c.exec(ctx, "insert into domain_host values (?, ?)", domain, roid); err != nil {
			return err
		}
	}
	return nil
}

// copyHosts gives a domain the hosts of another, but for those with glue: they
// stand below a name and are for that.
func (c *churner) copyHosts(ctx context.Context, to, from string) error {
	return c.exec(ctx, `insert into domain_host select ?1, h.roid from domain_host x join host h on h.roid = x.host_roid
		where x.domain_roid = ?2 and h.v4 = '[]' and h.v6 = '[]'`, to, from)
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
	if err := c.exec(ctx, "delete from domain_host where domain_roid = ?", s.roid); err != nil {
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
	if _, err := c.row(ctx, "select exists (select 1 from ds where domain_roid = ?)", []any{s.roid}, &signed); err != nil {
		return err
	}
	if err := c.exec(ctx, "delete from ds where domain_roid = ?", s.roid); err != nil {
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
	return c.exec(ctx, "insert into ds values (?, ?, ?, ?, ?)", roid, int(ds.KeyTag), int(ds.Algorithm), int(ds.DigestType), ds.Digest)
}

// renameHost gives a host another name below the same one: every name that it
// serves is answered anew.
func (c *churner) renameHost(ctx context.Context) error {
	s, err := c.subject(ctx)
	if err != nil {
		return err
	}
	var roid string
	found, err := c.row(ctx, "select h.roid from domain_host x join host h on h.roid = x.host_roid where x.domain_roid = ? and h.clid <> ? order by h.roid limit 1",
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
		join host h on h.roid = x.host_roid where x.domain_roid = ? and h.clid <> '`+synthetic.Protected+`' order by 2 desc limit 1`)
	if err != nil {
		return err
	}
	return c.rename(ctx, roid)
}

func (c *churner) rename(ctx context.Context, roid string) error {
	var name string
	if _, err := c.row(ctx, "select name from host where roid = ?", []any{roid}, &name); err != nil {
		return err
	}
	_, below, _ := strings.Cut(name, ".")
	var err error
	if c.touched.domains, err = c.texts(ctx, "select d.name from domain_host x join domain d on d.roid = x.domain_roid where x.host_roid = ?", roid); err != nil {
		return err
	}
	c.touched.hosts = []string{roid}
	for range maxTries {
		name = fmt.Sprintf("ns%d.%s", 10+c.fiction.Below(1_000_000), below)
		var taken int
		if _, err := c.row(ctx, "select exists (select 1 from host where name = ?)", []any{name}, &taken); err != nil {
			return err
		}
		if taken == 0 {
			return c.exec(ctx, "update host set name = ?, updated = ? where roid = ?", name, int64(c.now), roid)
		}
	}
	return errNothing
}

// readdressHost gives a host that has glue other addresses.
func (c *churner) readdressHost(ctx context.Context) error {
	var highest int
	if _, err := c.row(ctx, "select coalesce(max(rowid), 0) from host", nil, &highest); err != nil {
		return err
	}
	var roid string
	found, err := c.row(ctx, "select roid from host where rowid >= ? and clid <> ? and v4 <> '[]' order by rowid limit 1",
		[]any{1 + c.fiction.Below(highest+1), synthetic.Protected}, &roid)
	if err != nil {
		return err
	}
	if !found {
		return errNothing
	}
	c.touched.hosts = []string{roid}
	v4, v6 := c.fiction.Glue()
	return c.exec(ctx, "update host set v4 = ?, v6 = ?, updated = ? where roid = ?",
		string(appendList(nil, []string{v4})), string(appendList(nil, []string{v6})), int64(c.now), roid)
}
