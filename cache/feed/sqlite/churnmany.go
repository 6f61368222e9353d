package sqlite

import "context"

// transferInBulk moves a twentieth of all names from one registrar, who has
// many, to another.
func (c *churner) transferInBulk(ctx context.Context) error {
	from, err := c.large(ctx, "select clid, count(*) from domain where clid in (select clid from domain where roid = ?) group by 1")
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
	names, err := c.texts(ctx, "select name from domain where clid = ? limit max(1, (select count(*) from domain) / 20)", from)
	if err != nil {
		return err
	}
	c.touched.domains = names
	return c.exec(ctx, "update domain set clid = ?1, transferred = ?2, updated = ?2 where name in (select value from json_each(?3))",
		to.clid, int64(c.now), string(appendList(nil, names)))
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
		found, err := c.row(ctx, query, []any{s.roid}, &key, &names)
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
	if c.touched.domains, err = c.texts(ctx, "select name from domain where clid = ?", s.clid); err != nil {
		return err
	}
	c.touched.registrars = []string{s.clid}
	return c.exec(ctx, "update registrar set name = ?, updated = ? where clid = ?",
		c.fiction.RegistrarName(c.fiction.Below(1_000_000)), int64(c.now), s.clid)
}
