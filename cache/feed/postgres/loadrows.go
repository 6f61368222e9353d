package postgres

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"time"

	"rddsd/cache/feed/tables"
	"rddsd/cache/registry"
	"rddsd/cache/registry/synthetic"
)

// TLD stores t.
func (l *Loader) TLD(t *registry.TLD) error {
	r := &l.tables[tables.TLD]
	r.text(t.Name)
	r.textOrNull(t.UName)
	r.flag(t.GTLD)
	r.flag(t.ZoneSigned)
	r.text(t.ContactModel.String())
	r.time(t.Created)
	r.timeOrNull(t.Updated)
	return l.end(tables.TLD)
}

// Registrar stores g.
func (l *Loader) Registrar(g *registry.Registrar) error {
	r := &l.tables[tables.Registrar]
	r.text(g.ClID)
	if g.IANA != 0 {
		r.number(g.IANA)
	} else {
		r.null()
	}
	r.text(g.Name)
	r.text(g.Status)
	r.textsOrNull(g.URL, g.RDAPURL, g.WhoisServer, g.AbuseEmail, g.AbusePhone)
	r.list(g.Street)
	r.textsOrNull(g.City, g.SP, g.PC, g.CC, g.Voice, g.VoiceExt, g.Fax, g.FaxExt, g.Email,
		g.AdminFN, g.AdminVoice, g.AdminEmail, g.TechFN, g.TechVoice, g.TechEmail, g.ContactModel.String())
	r.time(g.Created)
	r.timeOrNull(g.Updated)
	return l.end(tables.Registrar)
}

// Contact stores c so that the view gives back the same c, see
// registry.Contact.Stored.
func (l *Loader) Contact(c *registry.Contact) error {
	disclosed, err := c.Stored()
	if err != nil {
		return fmt.Errorf("load %w", err)
	}
	r := &l.tables[tables.Contact]
	held := func(e registry.Element, value string) {
		if value == "" && c.Redacted&e == 0 {
			r.null()
			return
		}
		r.text(value)
	}
	r.text(c.ROID)
	r.text(c.Handle)
	r.text(c.Registrar)
	held(registry.ElementName, c.Name)
	held(registry.ElementOrg, c.Org)
	switch {
	case c.Redacted&registry.ElementStreet != 0:
		r.list(heldStreet[:])
	case len(c.Street) > 0:
		r.list(c.Street)
	default:
		r.null()
	}
	held(registry.ElementCity, c.City)
	r.textOrNull(c.SP)
	held(registry.ElementPC, c.PC)
	r.textOrNull(c.CC)
	held(registry.ElementVoice, c.Voice)
	held(registry.ElementVoiceExt, c.VoiceExt)
	held(registry.ElementFax, c.Fax)
	held(registry.ElementFaxExt, c.FaxExt)
	held(registry.ElementEmail, c.Email)
	r.list(disclosed.Names())
	r.time(c.Created)
	r.timeOrNull(c.Updated)
	return l.end(tables.Contact)
}

// heldStreet is the street that is held, but whose lines are not in the
// database (feed.md §2).
var heldStreet = [...]string{""}

// Host stores n.
func (l *Loader) Host(n *registry.Nameserver) error {
	r := &l.tables[tables.Host]
	r.text(n.ROID)
	r.text(n.Name)
	r.text(n.Registrar)
	r.list(n.V4)
	r.list(n.V6)
	r.statuses(n.Statuses.Stored())
	r.time(n.Created)
	r.timeOrNull(n.Updated)
	return l.end(tables.Host)
}

// Domain stores d with its references, by ROID, and its DS records. What it
// refers to may be stored before or after it.
func (l *Loader) Domain(d *synthetic.Domain) error {
	r := &l.tables[tables.Domain]
	statuses := d.Statuses.Stored()
	rgp := statuses.RGP()
	r.text(d.ROID)
	r.text(d.Name)
	r.textsOrNull(d.UName, d.IDNTable)
	r.text(d.Registrar)
	r.textsOrNull(d.Reseller, d.Registrant)
	r.time(d.Created)
	r.timeOrNull(d.Updated)
	r.timeOrNull(d.Transferred)
	r.time(d.Expires)
	r.statuses(statuses &^ rgp)
	r.statuses(rgp)
	r.timeOrNull(d.AddUntil)
	r.timeOrNull(d.RenewUntil)
	r.timeOrNull(d.AutoRenewUntil)
	r.timeOrNull(d.TransferUntil)
	err := l.end(tables.Domain)
	for i := 0; i < len(d.Admin) && err == nil; i++ {
		err = l.contactOf(d.ROID, "admin", d.Admin[i])
	}
	for i := 0; i < len(d.Tech) && err == nil; i++ {
		err = l.contactOf(d.ROID, "tech", d.Tech[i])
	}
	for i := 0; i < len(d.Hosts) && err == nil; i++ {
		r := &l.tables[tables.DomainHost]
		r.text(d.ROID)
		r.text(d.Hosts[i])
		err = l.end(tables.DomainHost)
	}
	for i := 0; i < len(d.DS) && err == nil; i++ {
		ds := &d.DS[i]
		r := &l.tables[tables.DS]
		r.text(d.ROID)
		r.number(int(ds.KeyTag))
		r.number(int(ds.Algorithm))
		r.number(int(ds.DigestType))
		r.rows = append(r.rows, `\\x`...)
		r.rows = append(append(r.rows, ds.Digest...), '\t')
		err = l.end(tables.DS)
	}
	return err
}

func (l *Loader) contactOf(domain, role, contact string) error {
	r := &l.tables[tables.DomainContact]
	r.text(domain)
	r.text(role)
	r.text(contact)
	return l.end(tables.DomainContact)
}

// Reserved stores s.
func (l *Loader) Reserved(s *registry.Reserved) error {
	r := &l.tables[tables.Reserved]
	r.text(s.Name)
	r.text(s.Reason.String())
	r.textsOrNull(s.Of, s.IDNTable, s.PublicText)
	return l.end(tables.Reserved)
}

// The append functions write one value in the text format of COPY, and a tab.

func (b *buffer) null() { b.rows = append(b.rows, '\\', 'N', '\t') }

func (b *buffer) text(s string) {
	for i := 0; i < len(s); i++ {
		b.escape(s[i])
	}
	b.rows = append(b.rows, '\t')
}

// escape appends one byte of a text as COPY wants it.
func (b *buffer) escape(c byte) {
	switch c {
	case '\\':
		b.rows = append(b.rows, '\\', '\\')
	case '\t':
		b.rows = append(b.rows, '\\', 't')
	case '\n':
		b.rows = append(b.rows, '\\', 'n')
	case '\r':
		b.rows = append(b.rows, '\\', 'r')
	default:
		b.rows = append(b.rows, c)
	}
}

func (b *buffer) textOrNull(s string) {
	if s == "" {
		b.null()
		return
	}
	b.text(s)
}

func (b *buffer) textsOrNull(texts ...string) {
	for _, s := range texts {
		b.textOrNull(s)
	}
}

func (b *buffer) flag(f bool) {
	if f {
		b.rows = append(b.rows, 't', '\t')
		return
	}
	b.rows = append(b.rows, 'f', '\t')
}

func (b *buffer) number(n int) {
	b.rows = append(strconv.AppendInt(b.rows, int64(n), 10), '\t')
}

func (b *buffer) time(t registry.Time) {
	b.rows = append(t.Std().AppendFormat(b.rows, time.RFC3339Nano), '\t')
}

func (b *buffer) timeOrNull(t registry.Time) {
	if t == 0 {
		b.null()
		return
	}
	b.time(t)
}

// bytes appends a bytea in its hexadecimal form.
func (b *buffer) bytes(p []byte) {
	b.rows = append(b.rows, `\\x`...)
	b.rows = append(hex.AppendEncode(b.rows, p), '\t')
}

// list appends an array: its elements in double quotes, whatever they hold.
func (b *buffer) list(texts []string) {
	b.rows = append(b.rows, '{')
	for i, s := range texts {
		if i > 0 {
			b.rows = append(b.rows, ',')
		}
		b.rows = append(b.rows, '"')
		for i := 0; i < len(s); i++ {
			if s[i] == '"' || s[i] == '\\' {
				b.rows = append(b.rows, '\\', '\\')
			}
			b.escape(s[i])
		}
		b.rows = append(b.rows, '"')
	}
	b.rows = append(b.rows, '}', '\t')
}

func (b *buffer) statuses(set registry.Status) {
	b.rows = append(b.rows, '{')
	comma := false
	for one, rest := set.Next(); one != 0; one, rest = rest.Next() {
		if comma {
			b.rows = append(b.rows, ',')
		}
		comma = true
		b.rows = append(b.rows, one.EPP()...)
	}
	b.rows = append(b.rows, '}', '\t')
}
