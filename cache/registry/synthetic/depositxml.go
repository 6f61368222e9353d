package synthetic

import (
	"bufio"
	"encoding/xml"
	"fmt"
	"strings"

	"rddsd/cache/registry"
)

// depositWriter writes the objects of a deposit. The buffer keeps its first
// error for the caller's Flush.
type depositWriter struct {
	w *bufio.Writer
	g *Registry
}

func (w *depositWriter) line(format string, args ...any) {
	_, _ = fmt.Fprintf(w.w, format+"\n", args...)
}

// element writes one element with text on a line of its own; none when the text
// is empty.
func (w *depositWriter) element(name, text string) {
	if text != "" {
		w.line("      <%s>%s</%s>", name, escape(text), name)
	}
}

func (w *depositWriter) date(name string, t registry.Time) {
	if t != 0 {
		w.element(name, t.Std().Format("2006-01-02T15:04:05.0Z"))
	}
}

// number writes a telephone number and its extension.
func (w *depositWriter) number(name, number, ext string) {
	switch {
	case number == "":
	case ext == "":
		w.element(name, number)
	default:
		w.line(`      <%s x="%s">%s</%s>`, name, escape(ext), escape(number), name)
	}
}

func escape(text string) string {
	if !strings.ContainsAny(text, "&<>\"'") {
		return text
	}
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(text)) // a Builder does not fail
	return b.String()
}

var depositURIs = [...]string{"rdeHeader", "rdeDomain", "rdeHost", "rdeContact", "rdeRegistrar", "rdeIDN", "rdeNNDN"}

func (w *depositWriter) begin(d deposit) {
	w.line(`<?xml version="1.0" encoding="UTF-8"?>`)
	previous := ""
	if d.previous != "" {
		previous = ` prevId="` + d.previous + `"`
	}
	w.line(`<rde:deposit type="%s" id="%s"%s resend="0"`, d.kind, d.id, previous)
	w.line(`  xmlns:domain="urn:ietf:params:xml:ns:domain-1.0" xmlns:contact="urn:ietf:params:xml:ns:contact-1.0" xmlns:secDNS="urn:ietf:params:xml:ns:secDNS-1.1"`)
	w.line(`  xmlns:rde="urn:ietf:params:xml:ns:rde-1.0" xmlns:rdeHeader="urn:ietf:params:xml:ns:rdeHeader-1.0" xmlns:rdeDom="urn:ietf:params:xml:ns:rdeDomain-1.0"`)
	w.line(`  xmlns:rdeHost="urn:ietf:params:xml:ns:rdeHost-1.0" xmlns:rdeContact="urn:ietf:params:xml:ns:rdeContact-1.0" xmlns:rdeRegistrar="urn:ietf:params:xml:ns:rdeRegistrar-1.0"`)
	w.line(`  xmlns:rdeIDN="urn:ietf:params:xml:ns:rdeIDN-1.0" xmlns:rdeNNDN="urn:ietf:params:xml:ns:rdeNNDN-1.0">`)
	w.line("  <rde:watermark>%s</rde:watermark>", d.watermark.Format("2006-01-02T15:04:05Z"))
	w.line("  <rde:rdeMenu>")
	w.line("    <rde:version>1.0</rde:version>")
	for _, uri := range depositURIs {
		w.line("    <rde:objURI>urn:ietf:params:xml:ns:%s-1.0</rde:objURI>", uri)
	}
	w.line("  </rde:rdeMenu>")
}

func (w *depositWriter) header(d deposit, n depositCounts) {
	w.line("    <rdeHeader:header>")
	w.element("rdeHeader:tld", d.tld)
	for _, count := range [...]struct {
		uri string
		n   int
	}{
		{"rdeDomain", n.domains},
		{"rdeHost", n.hosts},
		{"rdeContact", n.contacts},
		{"rdeRegistrar", n.registrars},
		{"rdeIDN", n.tables},
		{"rdeNNDN", n.reserved},
	} {
		w.line(`      <rdeHeader:count uri="urn:ietf:params:xml:ns:%s-1.0">%d</rdeHeader:count>`, count.uri, count.n)
	}
	w.line("    </rdeHeader:header>")
}

func (w *depositWriter) registrar(r *registry.Registrar) error {
	w.line("    <rdeRegistrar:registrar>")
	w.element("rdeRegistrar:id", r.ClID)
	w.element("rdeRegistrar:name", r.Name)
	w.element("rdeRegistrar:gurid", fmt.Sprint(r.IANA))
	w.element("rdeRegistrar:status", r.Status)
	w.line(`      <rdeRegistrar:postalInfo type="int"><rdeRegistrar:addr>`)
	w.address("rdeRegistrar:", r.Street, r.City, r.SP, r.PC, r.CC)
	w.line("      </rdeRegistrar:addr></rdeRegistrar:postalInfo>")
	w.number("rdeRegistrar:voice", r.Voice, r.VoiceExt)
	w.number("rdeRegistrar:fax", r.Fax, r.FaxExt)
	w.element("rdeRegistrar:email", r.Email)
	w.element("rdeRegistrar:url", r.URL)
	if r.WhoisServer != "" {
		w.line("      <rdeRegistrar:whoisInfo><rdeRegistrar:name>%s</rdeRegistrar:name><rdeRegistrar:url>%s</rdeRegistrar:url></rdeRegistrar:whoisInfo>",
			escape(r.WhoisServer), escape(r.URL))
	}
	w.date("rdeRegistrar:crDate", r.Created)
	w.date("rdeRegistrar:upDate", r.Updated)
	w.line("    </rdeRegistrar:registrar>")
	return nil
}

func (w *depositWriter) address(prefix string, street []string, city, sp, pc, cc string) {
	for _, line := range street {
		w.element(prefix+"street", line)
	}
	w.element(prefix+"city", city)
	w.element(prefix+"sp", sp)
	w.element(prefix+"pc", pc)
	w.element(prefix+"cc", cc)
}

// identifier returns the EPP identifier of the contact with this ROID, which a
// deposit names even where an answer may not.
func (w *depositWriter) identifier(roid string) string {
	return "cid-" + strings.TrimSuffix(roid[1:], "-"+w.g.ROIDSuffix)
}

// contact writes c with a placeholder for each value that it withholds.
func (w *depositWriter) contact(c *Contact) error {
	id := w.identifier(c.ROID)
	held := func(e registry.Element, value, placeholder string) string {
		if c.Redacted&e != 0 {
			return placeholder
		}
		return value
	}
	street := c.Street
	if c.Redacted&registry.ElementStreet != 0 {
		street = []string{"Withheld street of " + id}
	}
	w.line("    <rdeContact:contact>")
	w.element("rdeContact:id", id)
	w.element("rdeContact:roid", c.ROID)
	w.line(`      <rdeContact:status s="ok"/>`)
	w.line(`      <rdeContact:status s="linked"/>`)
	w.line(`      <rdeContact:postalInfo type="int">`)
	w.element("contact:name", held(registry.ElementName, c.Name, "Withheld name of "+id))
	w.element("contact:org", held(registry.ElementOrg, c.Org, "Withheld organisation of "+id))
	w.line("      <contact:addr>")
	w.address("contact:", street, held(registry.ElementCity, c.City, "Withheld city of "+id), c.SP,
		held(registry.ElementPC, c.PC, "WH "+id[len("cid-"):]), c.CC)
	w.line("      </contact:addr>")
	w.line("      </rdeContact:postalInfo>")
	w.number("rdeContact:voice", held(registry.ElementVoice, c.Voice, "+1.5555550199"), held(registry.ElementVoiceExt, c.VoiceExt, "98"))
	w.number("rdeContact:fax", held(registry.ElementFax, c.Fax, "+1.5555550198"), held(registry.ElementFaxExt, c.FaxExt, "99"))
	w.element("rdeContact:email", held(registry.ElementEmail, c.Email, id+"@withheld.example"))
	w.element("rdeContact:clID", c.Registrar)
	w.element("rdeContact:crRr", c.Registrar)
	w.date("rdeContact:crDate", c.Created)
	if c.Updated != 0 {
		w.element("rdeContact:upRr", c.Registrar)
		w.date("rdeContact:upDate", c.Updated)
	}
	w.disclose(&c.Contact)
	w.line("    </rdeContact:contact>")
	return nil
}

// disclose writes which elements may be published (RFC 5733 §2.9). It knows no
// identifier, and one word for street, city and postal code.
func (w *depositWriter) disclose(c *registry.Contact) {
	var list strings.Builder
	shown := c.Discloses()
	for _, e := range [...]struct {
		element registry.Element
		xml     string
	}{
		{registry.ElementName, `<contact:name type="int"/>`},
		{registry.ElementOrg, `<contact:org type="int"/>`},
		{registry.ElementStreet, `<contact:addr type="int"/>`},
		{registry.ElementVoice, `<contact:voice/>`},
		{registry.ElementFax, `<contact:fax/>`},
		{registry.ElementEmail, `<contact:email/>`},
	} {
		if shown&e.element != 0 {
			list.WriteString(e.xml)
		}
	}
	if list.Len() > 0 {
		w.line(`      <rdeContact:disclose flag="1">%s</rdeContact:disclose>`, list.String())
	}
}

func (w *depositWriter) host(n *registry.Nameserver) error {
	w.line("    <rdeHost:host>")
	w.element("rdeHost:name", n.Name)
	w.element("rdeHost:roid", n.ROID)
	for _, status := range n.Shown(true).Names() {
		w.line(`      <rdeHost:status s="%s"/>`, status)
	}
	for _, addr := range n.V4 {
		w.line(`      <rdeHost:addr ip="v4">%s</rdeHost:addr>`, addr)
	}
	for _, addr := range n.V6 {
		w.line(`      <rdeHost:addr ip="v6">%s</rdeHost:addr>`, addr)
	}
	w.element("rdeHost:clID", n.Registrar)
	w.element("rdeHost:crRr", n.Registrar)
	w.date("rdeHost:crDate", n.Created)
	if n.Updated != 0 {
		w.element("rdeHost:upRr", n.Registrar)
		w.date("rdeHost:upDate", n.Updated)
	}
	w.line("    </rdeHost:host>")
	return nil
}

func (w *depositWriter) domain(d *Domain) error { return w.domainAt(d, w.g.now) }

// domainAt writes d as it stands at moment now.
func (w *depositWriter) domainAt(d *Domain, now registry.Time) error {
	w.line("    <rdeDom:domain>")
	w.element("rdeDom:name", d.Name)
	w.element("rdeDom:roid", d.ROID)
	w.element("rdeDom:uName", d.UName)
	w.element("rdeDom:idnTableId", d.IDNTable)
	published := d.Published(now)
	shown := published.Shown()
	for _, status := range (shown &^ shown.RGP()).Names() {
		w.line(`      <rdeDom:status s="%s"/>`, status)
	}
	for _, status := range shown.RGP().Names() {
		w.line(`      <rdeDom:rgpStatus s="%s"/>`, status)
	}
	w.element("rdeDom:registrant", w.identifier(d.Registrant))
	for _, roid := range d.Admin {
		w.line(`      <rdeDom:contact type="admin">%s</rdeDom:contact>`, w.identifier(roid))
	}
	for _, roid := range d.Tech {
		w.line(`      <rdeDom:contact type="tech">%s</rdeDom:contact>`, w.identifier(roid))
	}
	if len(d.HostNames) > 0 {
		w.line("      <rdeDom:ns><domain:hostObj>%s</domain:hostObj></rdeDom:ns>",
			strings.Join(d.HostNames, "</domain:hostObj><domain:hostObj>"))
	}
	w.element("rdeDom:clID", d.Registrar)
	w.element("rdeDom:crRr", d.Registrar)
	w.date("rdeDom:crDate", d.Created)
	w.date("rdeDom:exDate", d.Expires)
	if d.Updated != 0 {
		w.element("rdeDom:upRr", d.Registrar)
		w.date("rdeDom:upDate", d.Updated)
	}
	if len(d.DS) > 0 {
		w.line("      <rdeDom:secDNS>")
		for _, ds := range d.DS {
			w.line("        <secDNS:dsData><secDNS:keyTag>%d</secDNS:keyTag><secDNS:alg>%d</secDNS:alg><secDNS:digestType>%d</secDNS:digestType><secDNS:digest>%s</secDNS:digest></secDNS:dsData>",
				ds.KeyTag, ds.Algorithm, ds.DigestType, ds.Digest)
		}
		w.line("      </rdeDom:secDNS>")
	}
	w.date("rdeDom:trDate", d.Transferred)
	w.line("    </rdeDom:domain>")
	return nil
}

func (w *depositWriter) table(id string) {
	w.line(`    <rdeIDN:idnTableRef id="%s"><rdeIDN:url>https://registry.example/idn/%s.txt</rdeIDN:url><rdeIDN:urlPolicy>https://registry.example/idn/policy</rdeIDN:urlPolicy></rdeIDN:idnTableRef>`, id, id)
}

// reserved writes a name that is not registered (RFC 9022 §5.6). It knows no
// state of its own for names that the registry reserves.
func (w *depositWriter) reserved(r *registry.Reserved) error {
	state := map[registry.Reason]string{
		registry.ReasonReserved: "withheld", registry.ReasonWithheld: "withheld", registry.ReasonBlocked: "blocked", registry.ReasonVariant: "mirrored",
	}[r.Reason]
	w.line("    <rdeNNDN:NNDN>")
	w.element("rdeNNDN:aName", r.Name)
	w.element("rdeNNDN:idnTableId", r.IDNTable)
	w.element("rdeNNDN:originalName", r.Of)
	w.element("rdeNNDN:nameState", state)
	w.date("rdeNNDN:crDate", tldCreated)
	w.line("    </rdeNNDN:NNDN>")
	return nil
}
