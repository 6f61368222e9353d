// Package contract is the publication contract, version 1, as an edge reads it:
// which columns the views have, and what makes of a row of them a Change. It
// knows no database.
package contract

import (
	"rddsd/cache"
	"rddsd/cache/registry"
)

// Columns lists, for each kind, the columns of its view in the order in which a
// Decoder takes them, the key first.
var Columns = [registry.Kinds][]string{
	registry.KindTLD: {"key", "u_name", "gtld", "zone_signed", "contact_model", "created", "updated"},
	registry.KindRegistrar: {
		"key", "iana_id", "name", "status", "url", "rdap_url", "whois_server", "abuse_email", "abuse_phone", "street", "city", "sp", "pc", "cc",
		"voice", "voice_ext", "fax", "fax_ext", "email", "admin_fn", "admin_voice", "admin_email", "tech_fn", "tech_voice", "tech_email",
		"contact_model", "created", "updated",
	},
	registry.KindContact: {
		"key", "registrar", "handle", "name", "org", "street", "city", "sp", "pc", "cc", "voice", "voice_ext", "fax", "fax_ext", "email",
		"redacted", "created", "updated",
	},
	registry.KindHost: {"key", "name", "registrar", "v4", "v6", "statuses", "created", "updated"},
	registry.KindDomain: {
		"key", "roid", "u_name", "idn_table", "registrar", "reseller", "registrant", "tech", "hosts", "ds", "statuses", "rgp",
		"created", "updated", "transferred", "expires", "refresh_at",
	},
	registry.KindReserved: {"key", "reason", "of", "idn_table", "public_text"},
}

// Values gives the values of one row after its key, one call a column, in the
// order of Columns. ok is false for a value of another form. The strings need to
// stay good until the Change is made only.
type Values interface {
	Text() (s string, ok bool)                     // "" for null
	Number() (n int64, ok bool)                    // 0 for null
	Time() (t registry.Time, ok bool)              // 0 for null
	Flag() (b, ok bool)                            // never null
	List(reuse []string) (texts []string, ok bool) // appended to reuse; never null
}

// Decoder turns the rows of the views into changes. What it fills is reused for
// the next row. The zero Decoder is ready.
type Decoder struct {
	tld       registry.TLD
	registrar registry.Registrar
	contact   registry.Contact
	host      registry.Nameserver
	domain    registry.Domain
	reserved  registry.Reserved
	texts     []string
	encoded   []byte
}

// Change returns a row of the view of kind as a Change: with its row in the form
// of package registry, or with the reason why it cannot be published.
func (d *Decoder) Change(kind registry.Kind, key string, values Values) cache.Change {
	r := row{values: values, scratch: d.texts}
	dst := d.encoded[:0]
	switch kind {
	case registry.KindTLD:
		d.readTLD(&r, key)
		if r.check(&d.tld) {
			dst = registry.AppendTLD(dst, &d.tld)
		}
	case registry.KindRegistrar:
		d.readRegistrar(&r, key)
		if r.check(&d.registrar) {
			dst = registry.AppendRegistrar(dst, &d.registrar)
		}
	case registry.KindContact:
		d.readContact(&r, key)
		if r.check(&d.contact) {
			dst = registry.AppendContact(dst, &d.contact)
		}
	case registry.KindHost:
		d.readHost(&r, key)
		if r.check(&d.host) {
			dst = registry.AppendNameserver(dst, &d.host)
		}
	case registry.KindDomain:
		d.readDomain(&r, key)
		if r.check(&d.domain) {
			dst = registry.AppendDomain(dst, &d.domain)
		}
	case registry.KindReserved:
		d.readReserved(&r, key)
		if r.check(&d.reserved) {
			dst = registry.AppendReserved(dst, &d.reserved)
		}
	}
	d.texts, d.encoded = r.scratch, dst
	c := cache.Change{Key: cache.Key{Kind: kind, Name: key}, Reject: r.reject}
	if c.Reject == "" {
		c.Row = string(dst)
	}
	return c
}

func (d *Decoder) readTLD(r *row, key string) {
	d.tld = registry.TLD{Name: key, UName: r.text(), GTLD: r.flag(), ZoneSigned: r.flag()}
	var ok bool
	d.tld.ContactModel, ok = registry.ParseContactModel(r.text())
	r.demand(ok && d.tld.ContactModel != registry.ModelUnset, registry.RejectForm)
	d.tld.Created, d.tld.Updated = r.time(), r.time()
}

func (d *Decoder) readRegistrar(r *row, key string) {
	g := &d.registrar
	g.ClID, g.IANA = key, int(r.number())
	r.demand(g.IANA >= 0, registry.RejectForm)
	g.Name, g.Status = r.text(), r.text()
	r.demand(g.Status == "ok" || g.Status == "readonly" || g.Status == "terminated", registry.RejectStatus)
	for _, s := range []*string{&g.URL, &g.RDAPURL, &g.WhoisServer, &g.AbuseEmail, &g.AbusePhone} {
		*s = r.text()
	}
	g.Street = r.list(g.Street)
	for _, s := range []*string{
		&g.City, &g.SP, &g.PC, &g.CC, &g.Voice, &g.VoiceExt, &g.Fax, &g.FaxExt, &g.Email,
		&g.AdminFN, &g.AdminVoice, &g.AdminEmail, &g.TechFN, &g.TechVoice, &g.TechEmail,
	} {
		*s = r.text()
	}
	var ok bool
	g.ContactModel, ok = registry.ParseContactModel(r.text())
	r.demand(ok && g.ContactModel != registry.ModelPerRegistrar, registry.RejectForm)
	g.Created, g.Updated = r.time(), r.time()
}

func (d *Decoder) readContact(r *row, key string) {
	c := &d.contact
	c.ROID, c.Registrar, c.Handle, c.Name, c.Org = key, r.text(), r.text(), r.text(), r.text()
	c.Street = r.list(c.Street)
	c.City, c.SP, c.PC, c.CC = r.text(), r.text(), r.text(), r.text()
	c.Voice, c.VoiceExt, c.Fax, c.FaxExt, c.Email = r.text(), r.text(), r.text(), r.text(), r.text()
	c.Redacted = 0
	for _, word := range r.words() {
		element, ok := registry.ParseElement(word)
		r.demand(ok, registry.RejectElement)
		c.Redacted |= element
	}
	// A view that gives a value and lists it as withheld is wrong about one of
	// the two: nothing of it may be shown.
	r.demand(c.Redacted&c.Discloses() == 0 && (c.Handle == "" || c.Redacted&registry.ElementID == 0), registry.RejectElement)
	c.Created, c.Updated = r.time(), r.time()
}

func (d *Decoder) readHost(r *row, key string) {
	n := &d.host
	n.ROID, n.Name, n.Registrar = key, r.text(), r.text()
	n.V4, n.V6 = r.list(n.V4), r.list(n.V6)
	n.Statuses = r.statuses()
	n.Created, n.Updated = r.time(), r.time()
}

func (d *Decoder) readDomain(r *row, key string) {
	m := &d.domain
	m.Name, m.ROID, m.UName, m.IDNTable = key, r.text(), r.text(), r.text()
	m.Registrar, m.Reseller, m.Registrant = r.text(), r.text(), r.text()
	m.Tech, m.Hosts = r.list(m.Tech), r.list(m.Hosts)
	m.DS = m.DS[:0]
	for _, text := range r.words() {
		ds, ok := registry.ParseDS(text)
		r.demand(ok, registry.RejectDS)
		m.DS = append(m.DS, ds)
	}
	m.Statuses = r.statuses()  // EPP's
	m.Statuses |= r.statuses() // and those of grace periods
	m.Created, m.Updated, m.Transferred, m.Expires, m.RefreshAt = r.time(), r.time(), r.time(), r.time(), r.time()
}

func (d *Decoder) readReserved(r *row, key string) {
	var ok bool
	d.reserved.Name = key
	d.reserved.Reason, ok = registry.ParseReason(r.text())
	r.demand(ok, registry.RejectForm)
	d.reserved.Of, d.reserved.IDNTable, d.reserved.PublicText = r.text(), r.text(), r.text()
}

// row reads the values of one row and keeps the first reason why it cannot be
// published.
type row struct {
	values  Values
	scratch []string
	reject  registry.Reject
}

// demand rejects the row for reason unless ok.
func (r *row) demand(ok bool, reason registry.Reject) {
	if !ok && r.reject == "" {
		r.reject = reason
	}
}

// check rejects the row for what object finds wrong with itself, and reports
// whether it can be published.
func (r *row) check(object interface{ Check() registry.Reject }) bool {
	if r.reject == "" {
		r.reject = object.Check()
	}
	return r.reject == ""
}

func (r *row) text() string {
	s, ok := r.values.Text()
	r.demand(ok, registry.RejectForm)
	return s
}

func (r *row) number() int64 {
	n, ok := r.values.Number()
	r.demand(ok, registry.RejectForm)
	return n
}

func (r *row) time() registry.Time {
	t, ok := r.values.Time()
	r.demand(ok, registry.RejectForm)
	return t
}

func (r *row) flag() bool {
	b, ok := r.values.Flag()
	r.demand(ok, registry.RejectForm)
	return b
}

// list reads a list of texts into reuse.
func (r *row) list(reuse []string) []string {
	reuse, ok := r.values.List(reuse[:0])
	r.demand(ok, registry.RejectForm)
	return reuse
}

// words reads a list of texts that are good until the next one.
func (r *row) words() []string {
	r.scratch = r.list(r.scratch)
	return r.scratch
}

// statuses reads a list of statuses and drops the derived ones.
func (r *row) statuses() registry.Status {
	var set registry.Status
	for _, word := range r.words() {
		status, ok := registry.ParseStatus(word)
		r.demand(ok, registry.RejectStatus)
		set |= status
	}
	return set.Stored()
}
