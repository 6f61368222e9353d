package churn

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"rddsd/cache/feed/tables"
	"rddsd/cache/registry"
	"rddsd/cache/registry/synthetic"
)

// second and day are durations as the registry stores them.
const (
	second = registry.Time(time.Second / time.Microsecond)
	day    = 86400 * second
)

// changeKind is one sort of change.
type changeKind struct {
	name   string
	weight int // of 10,000
	make   func(*churner, context.Context) error
}

// changeKinds is the mix: a registry creates 0.09 % of its names a day, deletes
// 0.08 % and updates 0.4 % (assumed, as in the generator); and three times in
// 10,000 something happens to many names at once.
func changeKinds() []changeKind {
	return []changeKind{
		{"create domain", 1579, (*churner).createDomain},
		{"delete domain", 983, (*churner).deleteDomain},
		{"leave domain", 421, (*churner).leaveDomain},
		{"change status", 1753, (*churner).changeStatus},
		{"change registrant", 701, (*churner).changeRegistrant},
		{"change contact", 1403, (*churner).changeContact},
		{"change name servers", 1403, (*churner).changeHosts},
		{"rename host", 210, (*churner).renameHost},
		{"readdress host", 210, (*churner).readdressHost},
		{"change DS", 491, (*churner).changeDS},
		{"renew domain", 491, (*churner).renewDomain},
		{"transfer domain", 352, (*churner).transferDomain},
		{"transfer in bulk", 1, (*churner).transferInBulk},
		{"rename registrar", 1, (*churner).renameRegistrar},
		{"rename large host", 1, (*churner).renameLargeHost},
	}
}

func (c *churner) pick() changeKind {
	kinds := changeKinds()
	x := c.fiction.Below(10000)
	for _, kind := range kinds {
		if x -= kind.weight; x < 0 {
			return kind
		}
	}
	return kinds[0]
}

// subject is a domain that a change is made to.
type subject struct {
	roid, name, clid, registrant string
	statuses                     registry.Status // set by somebody, EPP and RGP
	expires                      registry.Time
}

// subject picks a domain of any registrar but the protected one.
func (c *churner) subject(ctx context.Context) (subject, error) {
	var (
		s             subject
		statuses, rgp string
	)
	d := c.db
	for _, from := range [...]string{c.from("domain"), ""} {
		found, err := tables.Row(ctx, c.db, "select roid, name, clid, coalesce(registrant, ''), "+d.JSON("statuses")+", "+d.JSON("rgp")+", "+d.Micros("expires")+
			" from domain where roid >= ?1 and clid <> ?2 order by roid limit 1", []any{from, synthetic.Protected},
			&s.roid, &s.name, &s.clid, &s.registrant, &statuses, &rgp, &s.expires)
		if err != nil {
			return s, err
		}
		if found {
			s.statuses, err = parseStatuses(statuses, rgp)
			return s, err
		}
	}
	return s, errNothing
}

// parseStatuses reads lists of statuses. What it does not know is dropped, as is
// what the edge derives.
func parseStatuses(lists ...string) (registry.Status, error) {
	var set registry.Status
	for _, text := range lists {
		var names []string
		if err := list(text, &names); err != nil {
			return 0, err
		}
		for _, name := range names {
			one, _ := registry.ParseStatus(name)
			set |= one
		}
	}
	return set.Stored(), nil
}

// store writes the statuses of s, and that it was updated.
func (c *churner) store(ctx context.Context, s *subject) error {
	c.touched.domains = append(c.touched.domains, s.name)
	rgp := s.statuses.RGP()
	return c.db.Exec(ctx, "update domain set statuses = ?1, rgp = ?2, updated = ?3 where roid = ?4",
		c.db.List((s.statuses &^ rgp).Names()), c.db.List(rgp.Names()), c.db.Time(c.now), s.roid)
}

const (
	deleteProhibited   = registry.ClientDeleteProhibited | registry.ServerDeleteProhibited
	transferProhibited = registry.ClientTransferProhibited | registry.ServerTransferProhibited
	pending            = registry.PendingCreate | registry.PendingDelete | registry.PendingRenew | registry.PendingTransfer | registry.PendingUpdate
)

// createDomain registers a name like another one: with that one's registrar, and
// often its registrant and name servers.
func (c *churner) createDomain(ctx context.Context) error {
	like, err := c.subject(ctx)
	if err != nil {
		return err
	}
	name, uName, table, err := c.freeName(ctx)
	if err != nil {
		return err
	}
	registrant := like.registrant
	if registrant == "" || c.fiction.Below(10) < 6 {
		if registrant, err = c.createContact(ctx, like.clid); err != nil {
			return err
		}
	}
	c.touched.domains = append(c.touched.domains, name)
	c.touched.contacts = append(c.touched.contacts, registrant)
	roid := c.roid("domain")
	statuses := registry.ClientTransferProhibited
	if c.fiction.Below(10) == 0 {
		statuses = 0
	}
	if err := c.db.Exec(ctx, `insert into domain (roid, name, u_name, idn_table, clid, crid, registrant, created, expires, statuses, add_until)
		values (?1, ?2, ?3, ?4, ?5, ?5, ?6, ?7, ?8, ?9, ?10)`, roid, name, tables.TextOrNull(uName), tables.TextOrNull(table), like.clid, registrant,
		c.db.Time(c.now), c.db.Time(yearAfter(c.now)), c.db.List(statuses.Names()), c.db.Time(c.now+c.period())); err != nil {
		return err
	}
	if c.fiction.Below(10) < 3 {
		if err := c.db.Exec(ctx, "insert into domain_contact (domain_roid, role, contact_roid) values (?1, 'tech', ?2)", roid, registrant); err != nil {
			return err
		}
	}
	switch x := c.fiction.Below(100); {
	case x < 2:
		return nil // not delegated
	case x < 7:
		return c.createHosts(ctx, roid, name, like.clid)
	}
	if err := c.copyHosts(ctx, roid, like.roid); err != nil {
		return err
	}
	if c.fiction.Below(20) == 0 {
		return c.addDS(ctx, roid)
	}
	return nil
}

// period is how long a grace period that begins now lasts: five days, and now
// and then only seconds, so that followers are seen to mind its end.
func (c *churner) period() registry.Time {
	if c.fiction.Below(20) == 0 {
		return registry.Time(1+c.fiction.Below(10)) * second
	}
	return 5 * day
}

func yearAfter(t registry.Time) registry.Time { return registry.TimeOf(t.Std().AddDate(1, 0, 0)) }

// remembered is how many deleted names may be registered again.
const remembered = 64

// freeName finds a name that is neither registered nor reserved; one in ten was
// deleted before.
func (c *churner) freeName(ctx context.Context) (name, uName, table string, err error) {
	for try := range maxTries {
		if len(c.gone) > 0 && c.fiction.Below(10) == 0 {
			i := c.fiction.Below(len(c.gone))
			old := c.gone[i]
			c.gone = slices.Delete(c.gone, i, i+1)
			name, uName, table = old.name, old.uName, old.table
		} else {
			name, uName, table = c.newName(try > 10)
		}
		var taken int
		if _, err := tables.Row(ctx, c.db, "select count(*) from (select name from domain where name = ?1 union all select name from reserved where name = ?1) t",
			[]any{name}, &taken); err != nil {
			return "", "", "", err
		}
		if taken == 0 {
			return name, uName, table, nil
		}
	}
	return "", "", "", errNothing
}

// newName draws a name, with a number when the ones before it were taken.
func (c *churner) newName(number bool) (name, uName, table string) {
	ascii, uLabel, table := c.fiction.Label()
	if number && uLabel == "" {
		ascii = fmt.Sprintf("%.50s%d", ascii, c.fiction.Below(1_000_000))
	}
	zone := c.tlds[c.fiction.Below(len(c.tlds))]
	switch {
	case uLabel != "":
		uName = uLabel + "." + zone.uName
	case zone.uName != zone.name:
		uName = ascii + "." + zone.uName
	}
	return ascii + "." + zone.name, uName, table
}

// deleteDomain ends a registration: the name is gone, with the hosts below it
// and the contacts that nothing else refers to.
func (c *churner) deleteDomain(ctx context.Context) error {
	s, err := c.subject(ctx)
	if err != nil {
		return err
	}
	contacts, err := tables.Texts(ctx, c.db, `select contact_roid from domain_contact where domain_roid = ?1
		union select registrant from domain where roid = ?1 and registrant is not null order by 1`, s.roid)
	if err != nil {
		return err
	}
	var hosts []string
	if err := c.db.Query(ctx, "select h.roid, h.name from domain_host x join host h on h.roid = x.host_roid where x.domain_roid = ?1 order by h.roid",
		[]any{s.roid}, func(scan func(...any) error) error {
			var roid, name string
			err := scan(&roid, &name)
			if strings.HasSuffix(name, "."+s.name) {
				hosts = append(hosts, roid)
			}
			return err
		}); err != nil {
		return err
	}
	old := formerName{name: s.name}
	if _, err := tables.Row(ctx, c.db, "select coalesce(u_name, ''), coalesce(idn_table, '') from domain where roid = ?1", []any{s.roid}, &old.uName, &old.table); err != nil {
		return err
	}
	if err := c.db.Exec(ctx, "delete from domain where roid = ?1", s.roid); err != nil {
		return err
	}
	for _, roid := range hosts {
		if err := c.db.Exec(ctx, "delete from host where roid = ?1 and not exists (select 1 from domain_host where host_roid = ?1)", roid); err != nil {
			return err
		}
	}
	for _, roid := range contacts {
		if err := c.db.Exec(ctx, `delete from contact where roid = ?1 and clid <> ?2 and not exists (select 1 from domain where registrant = ?1)
			and not exists (select 1 from domain_contact where contact_roid = ?1)`, roid, synthetic.Protected); err != nil {
			return err
		}
	}
	c.touched = touched{domains: []string{s.name}, hosts: hosts, contacts: contacts}
	if c.gone = append(c.gone, old); len(c.gone) > remembered {
		c.gone = c.gone[1:]
	}
	return nil
}

// leaveDomain begins a deletion: the name enters its redemption period.
func (c *churner) leaveDomain(ctx context.Context) error {
	s, err := c.subject(ctx)
	if err != nil {
		return err
	}
	if s.statuses&pending != 0 {
		return errNothing
	}
	s.statuses = s.statuses&^deleteProhibited | registry.PendingDelete | registry.RedemptionPeriod
	if err := c.db.Exec(ctx, "update domain set add_until = null, renew_until = null, autorenew_until = null, transfer_until = null where roid = ?1", s.roid); err != nil {
		return err
	}
	return c.store(ctx, &s)
}

// changeStatus sets or takes off one of the client's prohibitions or a hold, or
// brings a name back that was leaving.
func (c *churner) changeStatus(ctx context.Context) error {
	s, err := c.subject(ctx)
	if err != nil {
		return err
	}
	switch {
	case s.statuses&registry.PendingDelete != 0:
		s.statuses &^= registry.PendingDelete | registry.RedemptionPeriod | registry.PendingRestore
	case s.statuses&pending != 0:
		s.statuses &^= pending
	default:
		locks := [...]registry.Status{
			registry.ClientTransferProhibited, registry.ClientDeleteProhibited, registry.ClientUpdateProhibited, registry.ClientRenewProhibited,
			registry.ClientHold, registry.ServerTransferProhibited,
		}
		s.statuses ^= locks[c.fiction.Below(len(locks))]
	}
	return c.store(ctx, &s)
}

// renewDomain adds a year.
func (c *churner) renewDomain(ctx context.Context) error {
	s, err := c.subject(ctx)
	if err != nil {
		return err
	}
	if s.statuses&pending != 0 || s.expires > c.now+9*366*day { // ten years at most
		return errNothing
	}
	if err := c.db.Exec(ctx, "update domain set expires = ?1, renew_until = ?2 where roid = ?3",
		c.db.Time(yearAfter(s.expires)), c.db.Time(c.now+c.period()), s.roid); err != nil {
		return err
	}
	return c.store(ctx, &s)
}

// transferDomain moves a name to the registrar of another one.
func (c *churner) transferDomain(ctx context.Context) error {
	s, err := c.subject(ctx)
	if err != nil {
		return err
	}
	to, err := c.subject(ctx)
	if err != nil {
		return err
	}
	if to.clid == s.clid || s.statuses&(pending|registry.ServerTransferProhibited) != 0 {
		return errNothing
	}
	s.statuses &^= transferProhibited
	if err := c.db.Exec(ctx, "update domain set clid = ?1, transferred = ?2, transfer_until = ?3 where roid = ?4",
		to.clid, c.db.Time(c.now), c.db.Time(c.now+c.period()), s.roid); err != nil {
		return err
	}
	return c.store(ctx, &s)
}
