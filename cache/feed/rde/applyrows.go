package rde

import (
	"fmt"
	"strings"

	"rddsd/cache/feed/tables"
	"rddsd/cache/registry"
)

// upsert writes one row: the columns, the first of which is the key, and their
// values.
func (a *applying) upsert(table, columns string, values ...any) error {
	names := strings.Fields(columns)
	places, sets := make([]string, len(names)), make([]string, 0, len(names))
	for i, name := range names {
		places[i] = fmt.Sprintf("?%d", i+1)
		if i > 0 {
			sets = append(sets, name+" = excluded."+name)
		}
	}
	return a.db.Exec(a.ctx, "insert into "+table+" ("+strings.Join(names, ", ")+") values ("+strings.Join(places, ", ")+
		") on conflict ("+names[0]+") do update set "+strings.Join(sets, ", "), values...)
}

func (a *applying) registrar(r *registry.Registrar) error {
	a.done.Count[registry.KindRegistrar]++
	var iana any
	if r.IANA != 0 {
		iana = r.IANA
	}
	null := tables.TextOrNull
	return a.upsert("registrar", "clid iana_id name status url rdap_url whois_server abuse_email abuse_phone street city sp pc cc "+
		"voice voice_ext fax fax_ext email created updated",
		r.ClID, iana, r.Name, r.Status, null(r.URL), null(r.RDAPURL), null(r.WhoisServer), null(r.AbuseEmail), null(r.AbusePhone),
		a.db.List(r.Street), null(r.City), null(r.SP), null(r.PC), null(r.CC), null(r.Voice), null(r.VoiceExt), null(r.Fax), null(r.FaxExt), null(r.Email),
		a.db.Time(r.Created), tables.TimeOrNull(a.db, r.Updated))
}

func (a *applying) contact(id string, c *registry.Contact) error {
	a.done.Count[registry.KindContact]++
	if err := a.knowsRegistrar(c.Registrar); err != nil {
		return err
	}
	disclosed, err := c.Stored()
	if err != nil {
		return err
	}
	mac := idKey(a.state.IDKey).mac(id)
	known, err := a.roid(selectContact, mac)
	if err != nil {
		return err
	}
	if known != "" && known != c.ROID {
		return fmt.Errorf("its ROID was %s and is %s now, and the deposit does not delete the former", known, c.ROID)
	}
	// A value that is withheld was not handed on: '' says that one is held.
	held := func(e registry.Element, value string) any {
		if value == "" && c.Redacted&e == 0 {
			return nil
		}
		return value
	}
	var street any
	switch {
	case c.Redacted&registry.ElementStreet != 0:
		street = a.db.List([]string{""})
	case len(c.Street) > 0:
		street = a.db.List(c.Street)
	}
	if err := a.upsert("contact", "roid id clid name org street city sp pc cc voice voice_ext fax fax_ext email disclose created updated",
		c.ROID, c.Handle, c.Registrar, held(registry.ElementName, c.Name), held(registry.ElementOrg, c.Org), street,
		held(registry.ElementCity, c.City), tables.TextOrNull(c.SP), held(registry.ElementPC, c.PC), tables.TextOrNull(c.CC),
		held(registry.ElementVoice, c.Voice), held(registry.ElementVoiceExt, c.VoiceExt), held(registry.ElementFax, c.Fax),
		held(registry.ElementFaxExt, c.FaxExt), held(registry.ElementEmail, c.Email),
		a.db.List(disclosed.Names()), a.db.Time(c.Created), tables.TimeOrNull(a.db, c.Updated)); err != nil {
		return err
	}
	return a.upsert("deposit_contact", "id_mac roid", mac, c.ROID)
}

func (a *applying) host(n *registry.Nameserver) error {
	a.done.Count[registry.KindHost]++
	if err := a.knowsRegistrar(n.Registrar); err != nil {
		return err
	}
	return a.upsert("host", "roid name clid v4 v6 statuses created updated", n.ROID, n.Name, n.Registrar, a.db.List(n.V4), a.db.List(n.V6),
		a.db.List(n.Statuses.Stored().Names()), a.db.Time(n.Created), tables.TimeOrNull(a.db, n.Updated))
}

func (a *applying) reserved(r *registry.Reserved) error {
	a.done.Count[registry.KindReserved]++
	return a.upsert("reserved", "name reason of idn_table", r.Name, r.Reason.String(), tables.TextOrNull(r.Of), tables.TextOrNull(r.IDNTable))
}

func (a *applying) knowsRegistrar(clid string) error {
	var known int
	if _, err := tables.Row(a.ctx, a.db, "select count(*) from registrar where clid = ?1", []any{clid}, &known); err != nil {
		return err
	}
	if known == 0 {
		return fmt.Errorf("its registrar %q: %w, nor in the registry", clid, errNotHeld)
	}
	return nil
}

func (a *applying) domain(d *Domain) error {
	a.done.Count[registry.KindDomain]++
	if err := a.knowsRegistrar(d.Registrar); err != nil {
		return err
	}
	row := d.Domain
	find := func(query string, key any) (string, error) {
		roid, err := a.roid(query, key)
		if err == nil && roid == "" {
			err = fmt.Errorf("%w, nor in the registry", errNotHeld)
		}
		return roid, err
	}
	if err := a.done.resolve(d, &row, resolver{
		contact: func(id string) (string, error) { return find(selectContact, idKey(a.state.IDKey).mac(id)) },
		host:    func(name string) (string, error) { return find(selectHost, name) },
	}); err != nil {
		return err
	}
	statuses := row.Statuses.Stored()
	rgp := statuses.RGP()
	// A deposit tells no end of a period: none is left from before.
	if err := a.upsert("domain", "roid name u_name idn_table clid reseller registrant created updated transferred expires statuses rgp "+
		"add_until renew_until autorenew_until transfer_until",
		row.ROID, row.Name, tables.TextOrNull(row.UName), tables.TextOrNull(row.IDNTable), row.Registrar, tables.TextOrNull(row.Reseller),
		tables.TextOrNull(row.Registrant), a.db.Time(row.Created), tables.TimeOrNull(a.db, row.Updated), tables.TimeOrNull(a.db, row.Transferred), a.db.Time(row.Expires),
		a.db.List((statuses &^ rgp).Names()), a.db.List(rgp.Names()), nil, nil, nil, nil); err != nil {
		return err
	}
	for _, table := range [...]string{"domain_contact", "domain_host", "ds"} {
		if err := a.db.Exec(a.ctx, "delete from "+table+" where domain_roid = ?1", row.ROID); err != nil {
			return err
		}
	}
	for _, contact := range row.Tech {
		if err := a.db.Exec(a.ctx, "insert into domain_contact (domain_roid, role, contact_roid) values (?1, 'tech', ?2)", row.ROID, contact); err != nil {
			return err
		}
	}
	for _, host := range row.Hosts {
		if err := a.db.Exec(a.ctx, "insert into domain_host (domain_roid, host_roid) values (?1, ?2)", row.ROID, host); err != nil {
			return err
		}
	}
	for i := range row.DS {
		ds := &row.DS[i]
		if err := a.db.Exec(a.ctx, "insert into ds (domain_roid, keytag, alg, digest_type, digest) values (?1, ?2, ?3, ?4, ?5)",
			row.ROID, int(ds.KeyTag), int(ds.Algorithm), int(ds.DigestType), a.db.Digest(ds.Digest)); err != nil {
			return err
		}
	}
	return nil
}
