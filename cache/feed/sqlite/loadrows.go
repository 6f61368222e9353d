package sqlite

import (
	"database/sql/driver"
	"fmt"

	"rddsd/cache/feed/rde"
	"rddsd/cache/feed/tables"
	"rddsd/cache/registry"
	"rddsd/cache/registry/synthetic"
)

// TLD stores t.
func (l *Loader) TLD(t *registry.TLD) error {
	return l.add(tables.TLD, t.Name, textOrNull(t.UName), boolean(t.GTLD), boolean(t.ZoneSigned), t.ContactModel.String(),
		int64(t.Created), timeOrNull(t.Updated))
}

// Registrar stores r.
func (l *Loader) Registrar(r *registry.Registrar) error {
	var iana driver.Value
	if r.IANA != 0 {
		iana = int64(r.IANA)
	}
	return l.add(tables.Registrar, r.ClID, iana, r.Name, r.Status,
		textOrNull(r.URL), textOrNull(r.RDAPURL), textOrNull(r.WhoisServer), textOrNull(r.AbuseEmail), textOrNull(r.AbusePhone),
		l.list(r.Street), textOrNull(r.City), textOrNull(r.SP), textOrNull(r.PC), textOrNull(r.CC),
		textOrNull(r.Voice), textOrNull(r.VoiceExt), textOrNull(r.Fax), textOrNull(r.FaxExt), textOrNull(r.Email),
		textOrNull(r.AdminFN), textOrNull(r.AdminVoice), textOrNull(r.AdminEmail),
		textOrNull(r.TechFN), textOrNull(r.TechVoice), textOrNull(r.TechEmail),
		textOrNull(r.ContactModel.String()), int64(r.Created), timeOrNull(r.Updated))
}

// heldStreet is the street that is held, but whose lines are not in the
// database (contract §2).
const heldStreet = `[""]`

// Contact stores c so that the view gives back the same c, see
// registry.Contact.Stored.
func (l *Loader) Contact(c *registry.Contact) error {
	disclosed, err := c.Stored()
	if err != nil {
		return fmt.Errorf("load %w", err)
	}
	held := func(e registry.Element, value string) driver.Value {
		if value == "" && c.Redacted&e == 0 {
			return nil
		}
		return value
	}
	var street driver.Value
	switch {
	case c.Redacted&registry.ElementStreet != 0:
		street = heldStreet
	case len(c.Street) > 0:
		street = l.list(c.Street)
	}
	return l.add(tables.Contact, c.ROID, c.Handle, c.Registrar,
		held(registry.ElementName, c.Name), held(registry.ElementOrg, c.Org), street,
		held(registry.ElementCity, c.City), textOrNull(c.SP), held(registry.ElementPC, c.PC), textOrNull(c.CC),
		held(registry.ElementVoice, c.Voice), held(registry.ElementVoiceExt, c.VoiceExt),
		held(registry.ElementFax, c.Fax), held(registry.ElementFaxExt, c.FaxExt), held(registry.ElementEmail, c.Email),
		l.list(disclosed.Names()), int64(c.Created), timeOrNull(c.Updated))
}

// Host stores n.
func (l *Loader) Host(n *registry.Nameserver) error {
	return l.add(tables.Host, n.ROID, n.Name, n.Registrar, l.list(n.V4), l.list(n.V6), l.statuses(n.Statuses.Stored()),
		int64(n.Created), timeOrNull(n.Updated))
}

// Domain stores d with its references, by ROID, and its DS records. What it
// refers to may be stored before or after it.
func (l *Loader) Domain(d *synthetic.Domain) error {
	statuses := d.Statuses.Stored()
	rgp := statuses.RGP()
	err := l.add(tables.Domain, d.ROID, d.Name, textOrNull(d.UName), textOrNull(d.IDNTable), d.Registrar, textOrNull(d.Reseller),
		textOrNull(d.Registrant), int64(d.Created), timeOrNull(d.Updated), timeOrNull(d.Transferred), int64(d.Expires),
		l.statuses(statuses&^rgp), l.statuses(rgp),
		timeOrNull(d.AddUntil), timeOrNull(d.RenewUntil), timeOrNull(d.AutoRenewUntil), timeOrNull(d.TransferUntil))
	for i := 0; i < len(d.Admin) && err == nil; i++ {
		err = l.add(tables.DomainContact, d.ROID, "admin", d.Admin[i])
	}
	for i := 0; i < len(d.Tech) && err == nil; i++ {
		err = l.add(tables.DomainContact, d.ROID, "tech", d.Tech[i])
	}
	for i := 0; i < len(d.Hosts) && err == nil; i++ {
		err = l.add(tables.DomainHost, d.ROID, d.Hosts[i])
	}
	for i := 0; i < len(d.DS) && err == nil; i++ {
		ds := &d.DS[i]
		err = l.add(tables.DS, d.ROID, int64(ds.KeyTag), int64(ds.Algorithm), int64(ds.DigestType), ds.Digest)
	}
	return err
}

// Reserved stores r.
func (l *Loader) Reserved(r *registry.Reserved) error {
	return l.add(tables.Reserved, r.Name, r.Reason.String(), textOrNull(r.Of), textOrNull(r.IDNTable), textOrNull(r.PublicText))
}

// ContactID stores by which code deposits call a contact.
func (l *Loader) ContactID(mac []byte, roid string) error {
	return l.add(tables.DepositContact, mac, roid)
}

// Deposit stores which deposit the registry was made of.
func (l *Loader) Deposit(d *rde.State) error {
	return l.add(tables.Deposit, d.FullID, d.LastID, int64(d.Watermark), d.IDKey)
}

func (l *Loader) list(texts []string) string {
	if len(texts) == 0 {
		return "[]"
	}
	l.row = appendList(l.row[:0], texts)
	return string(l.row)
}

func (l *Loader) statuses(s registry.Status) string {
	if s == 0 {
		return "[]"
	}
	dst := append(l.row[:0], '[')
	for one, rest := s.Next(); one != 0; one, rest = rest.Next() {
		if len(dst) > 1 {
			dst = append(dst, ',')
		}
		dst = append(dst, '"')
		dst = append(dst, one.EPP()...)
		dst = append(dst, '"')
	}
	l.row = append(dst, ']')
	return string(l.row)
}

// appendList appends texts as a JSON array, the form in which the contract
// stores lists in SQLite.
func appendList(dst []byte, texts []string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '[')
	for i, s := range texts {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, '"')
		for i := 0; i < len(s); i++ {
			switch c := s[i]; {
			case c == '"' || c == '\\':
				dst = append(dst, '\\', c)
			case c < ' ':
				dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
			default:
				dst = append(dst, c)
			}
		}
		dst = append(dst, '"')
	}
	return append(dst, ']')
}

func textOrNull(s string) driver.Value {
	if s == "" {
		return nil
	}
	return s
}

func timeOrNull(t registry.Time) driver.Value {
	if t == 0 {
		return nil
	}
	return int64(t)
}

func boolean(b bool) driver.Value {
	if b {
		return int64(1)
	}
	return int64(0)
}
