package churn

import (
	"context"

	"rddsd/cache/feed/tables"
)

// transferInBulk moves a twentieth of all names from one registrar, who has
// many, to another.
func (c *churner) transferInBulk(ctx context.Context) error {
	from, err := c.large(ctx, "select clid, count(*) from domain where clid in (select clid from domain where roid = ?1) group by 1")
	if err != nil {
		return err
	}
	to, err := c.subject(ctx)
	if err != nil {
		return err
	}
	if to.clid == from {
		return errNothing
	}
	var all int
	if _, err := tables.Row(ctx, c.db, "select count(*) from domain", nil, &all); err != nil {
		return err
	}
	const some = " from domain where clid = ?1 order by roid limit ?2"
	twentieth := max(1, all/20)
	if c.touched.domains, err = tables.Texts(ctx, c.db, "select name"+some, from, twentieth); err != nil {
		return err
	}
	return c.db.Exec(ctx, "update domain set clid = ?3, transferred = ?4, updated = ?4 where roid in (select roid"+some+")",
		from, twentieth, to.clid, c.db.Time(c.now))
}

// large returns what most names have of what some twenty names have: query
// gives it, and how many names have it, for the ROID of one.
func (c *churner) large(ctx context.Context, query string) (string, error) {
	largest, most := "", 0
	for range 20 {
		s, err := c.subject(ctx)
		if err != nil {
			return "", err
		}
		var key string
		var names int
		found, err := tables.Row(ctx, c.db, query, []any{s.roid}, &key, &names)
		if err != nil {
			return "", err
		}
		if found && names > most {
			largest, most = key, names
		}
	}
	if most == 0 {
		return "", errNothing
	}
	return largest, nil
}

// renameRegistrar gives a registrar another name: every name that it sponsors
// is answered anew.
func (c *churner) renameRegistrar(ctx context.Context) error {
	s, err := c.subject(ctx)
	if err != nil {
		return err
	}
	if c.touched.domains, err = tables.Texts(ctx, c.db, "select name from domain where clid = ?1 order by name", s.clid); err != nil {
		return err
	}
	c.touched.registrars = []string{s.clid}
	return c.db.Exec(ctx, "update registrar set name = ?1, updated = ?2 where clid = ?3",
		c.fiction.RegistrarName(c.fiction.Below(1_000_000)), c.db.Time(c.now), s.clid)
}
