package rde

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"rddsd/cache/registry"
)

// registrarOf reads an rdeRegistrar:registrar (RFC 9022 §5.3).
func registrarOf(n *node) (*registry.Registrar, error) {
	post := postalInfo(n)
	reg := &registry.Registrar{
		ClID:     n.value("id"),
		Name:     n.value("name"),
		Status:   n.value("status"),
		URL:      n.value("url"),
		Street:   post.addr.values("street"),
		City:     post.addr.value("city"),
		SP:       post.addr.value("sp"),
		PC:       post.addr.value("pc"),
		CC:       strings.ToUpper(post.addr.value("cc")),
		Voice:    n.value("voice"),
		VoiceExt: extension(n.kid("voice")),
		Fax:      n.value("fax"),
		FaxExt:   extension(n.kid("fax")),
		Email:    n.value("email"),
	}
	if reg.Status == "" {
		reg.Status = "ok"
	}
	if reg.Name == "" {
		return nil, errors.New("it has no name")
	}
	if gurid := n.value("gurid"); gurid != "" {
		id, err := strconv.ParseInt(gurid, 10, 32)
		if err != nil || id < 0 {
			return nil, fmt.Errorf("gurid %q is no IANA registrar ID", gurid)
		}
		reg.IANA = int(id)
	}
	if info := n.kid("whoisInfo"); info != nil {
		reg.WhoisServer = info.value("name")
		// RFC 9022 has no place for the RDAP base URL; deposits that tell it
		// do so here. A web page for WHOIS stands in the same place.
		if u, err := url.Parse(info.value("url")); err == nil && u.Scheme == "https" && strings.Contains(u.Host+u.Path, "rdap") {
			reg.RDAPURL = info.value("url")
		}
	}
	// A deposit has no abuse desk either; a role mailbox that says it is one is.
	if role, _, _ := strings.Cut(reg.Email, "@"); strings.EqualFold(role, "abuse") {
		reg.AbuseEmail, reg.AbusePhone = reg.Email, reg.Voice
	}
	var err error
	if reg.Created, reg.Updated, err = dates(n); err != nil {
		return nil, err
	}
	return reg, refuse(reg.Check())
}

// contactOf reads an rdeContact:contact (RFC 9022 §5.4) and redacts it: what its
// disclose element does not open is withheld, and so is its identifier, which
// EPP cannot open.
func contactOf(n *node) (id string, c *registry.Contact, err error) {
	post := postalInfo(n)
	id = n.value("id")
	c = &registry.Contact{
		ROID:      n.value("roid"),
		Registrar: n.value("clID"),
		Handle:    id,
		SP:        post.addr.value("sp"),
		CC:        strings.ToUpper(post.addr.value("cc")),
		Redacted:  registry.ElementID,
	}
	if id == "" {
		return "", nil, errors.New("it has no id")
	}
	open := disclosed(n, post.form)
	c.Handle = ""
	keep := func(element registry.Element, by registry.Element, value string) string {
		if value == "" || open&by != 0 {
			return value
		}
		c.Redacted |= element
		return ""
	}
	c.Name = keep(registry.ElementName, registry.ElementName, post.value("name"))
	c.Org = keep(registry.ElementOrg, registry.ElementOrg, post.value("org"))
	c.City = keep(registry.ElementCity, registry.ElementCity, post.addr.value("city"))
	c.PC = keep(registry.ElementPC, registry.ElementPC, post.addr.value("pc"))
	c.Voice = keep(registry.ElementVoice, registry.ElementVoice, n.value("voice"))
	c.VoiceExt = keep(registry.ElementVoiceExt, registry.ElementVoice, extension(n.kid("voice")))
	c.Fax = keep(registry.ElementFax, registry.ElementFax, n.value("fax"))
	c.FaxExt = keep(registry.ElementFaxExt, registry.ElementFax, extension(n.kid("fax")))
	c.Email = keep(registry.ElementEmail, registry.ElementEmail, n.value("email"))
	if street := post.addr.values("street"); len(street) > 0 {
		if open&registry.ElementStreet != 0 {
			c.Street = street
		} else {
			c.Redacted |= registry.ElementStreet
		}
	}
	if c.Created, c.Updated, err = dates(n); err != nil {
		return "", nil, err
	}
	return id, c, refuse(c.Check())
}

// disclosed returns the elements that the contact's disclose element opens (RFC
// 5733 §2.9). Only flag="1" opens anything: without it the registry's policy
// stands, and ours is to withhold.
func disclosed(n *node, form string) registry.Element {
	disclose := n.kid("disclose")
	if disclose == nil || (disclose.attribute("flag") != "1" && disclose.attribute("flag") != "true") {
		return 0
	}
	var open registry.Element
	for i := range disclose.kids {
		kid := &disclose.kids[i]
		if t := kid.attribute("type"); t != "" && t != form {
			continue // of the postal form that is not published
		}
		switch kid.name.Local {
		case "name":
			open |= registry.ElementName
		case "org":
			open |= registry.ElementOrg
		case "addr":
			open |= registry.ElementStreet | registry.ElementCity | registry.ElementPC
		case "voice":
			open |= registry.ElementVoice
		case "fax":
			open |= registry.ElementFax
		case "email":
			open |= registry.ElementEmail
		}
	}
	return open
}

// hostOf reads an rdeHost:host (RFC 9022 §5.2).
func hostOf(n *node) (*registry.Nameserver, error) {
	host := &registry.Nameserver{
		ROID:      n.value("roid"),
		Name:      canonicalName(n.value("name")),
		Registrar: n.value("clID"),
	}
	for i := range n.kids {
		kid := &n.kids[i]
		if kid.name.Local != "addr" {
			continue
		}
		if kid.attribute("ip") == "v6" {
			host.V6 = append(host.V6, kid.text)
		} else {
			host.V4 = append(host.V4, kid.text)
		}
	}
	var err error
	if host.Statuses, err = statuses(n, "status"); err != nil {
		return nil, err
	}
	if host.Created, host.Updated, err = dates(n); err != nil {
		return nil, err
	}
	return host, refuse(host.Check())
}

// domainOf reads an rdeDomain:domain (RFC 9022 §5.1).
func domainOf(n *node) (*Domain, error) {
	d := &Domain{Line: n.line, Domain: registry.Domain{
		Name:       canonicalName(n.value("name")),
		ROID:       n.value("roid"),
		UName:      n.value("uName"),
		IDNTable:   n.value("idnTableId"),
		Registrar:  n.value("clID"),
		Registrant: n.value("registrant"),
	}}
	for i := range n.kids {
		if kid := &n.kids[i]; kid.name.Local == "contact" && kid.attribute("type") == "tech" {
			d.Tech = append(d.Tech, kid.text)
		}
	}
	if ns := n.kid("ns"); ns != nil {
		if ns.kid("hostAttr") != nil {
			return nil, errors.New("its name servers are attributes (hostAttr): only registries with host objects can be imported")
		}
		d.Hosts = ns.values("hostObj")
	}
	if sec := n.kid("secDNS"); sec != nil {
		for i := range sec.kids {
			kid := &sec.kids[i]
			if kid.name.Local != "dsData" {
				continue
			}
			text := strings.Join([]string{kid.value("keyTag"), kid.value("alg"), kid.value("digestType"), strings.ReplaceAll(kid.value("digest"), " ", "")}, " ")
			ds, ok := registry.ParseDS(text)
			if !ok {
				return nil, fmt.Errorf("line %d: %q is no DS record", kid.line, text)
			}
			d.DS = append(d.DS, ds)
		}
	}
	epp, err := statuses(n, "status")
	if err != nil {
		return nil, err
	}
	rgp, err := statuses(n, "rgpStatus")
	if err != nil {
		return nil, err
	}
	d.Statuses = epp | rgp
	if d.Created, d.Updated, err = dates(n); err != nil {
		return nil, err
	}
	if d.Transferred, err = optionalTime(n, "trDate"); err != nil {
		return nil, err
	}
	if d.Expires, err = optionalTime(n, "exDate"); err != nil {
		return nil, err
	}
	if d.Expires == 0 {
		return nil, errors.New("it has no exDate")
	}
	return d, refuse(d.Check())
}

// reservedOf reads an rdeNNDN:NNDN (RFC 9022 §5.6).
func reservedOf(n *node) (*registry.Reserved, error) {
	r := &registry.Reserved{
		Name:     canonicalName(n.value("aName")),
		Of:       canonicalName(n.value("originalName")),
		IDNTable: n.value("idnTableId"),
	}
	switch state := n.value("nameState"); state {
	case "blocked":
		r.Reason = registry.ReasonBlocked
	case "withheld":
		r.Reason = registry.ReasonWithheld
	case "mirrored":
		r.Reason = registry.ReasonVariant
	default:
		return nil, fmt.Errorf("nameState %q is none of blocked, withheld and mirrored", state)
	}
	return r, refuse(r.Check())
}

// postal is a postalInfo element.
type postal struct {
	*node
	addr *node
	form string // int or loc
}

// postalInfo returns the internationalised form of n's postal data, or else the
// local one. Its addr is never nil.
func postalInfo(n *node) postal {
	empty := new(node)
	best := postal{empty, empty, ""}
	for i := range n.kids {
		kid := &n.kids[i]
		if kid.name.Local != "postalInfo" {
			continue
		}
		if form := kid.attribute("type"); best.form == "" || form == "int" {
			best = postal{kid, kid.kid("addr"), form}
			if best.addr == nil {
				best.addr = empty
			}
		}
	}
	return best
}

func extension(phone *node) string {
	if phone == nil {
		return ""
	}
	return phone.attribute("x")
}

// statuses reads the elements called name, each with its status in s.
func statuses(n *node, name string) (registry.Status, error) {
	var set registry.Status
	for i := range n.kids {
		kid := &n.kids[i]
		if kid.name.Local != name {
			continue
		}
		status, ok := registry.ParseStatus(kid.attribute("s"))
		if !ok {
			return 0, fmt.Errorf("line %d: neither EPP nor RGP knows the status %q", kid.line, kid.attribute("s"))
		}
		set |= status
	}
	return set, nil
}

func dates(n *node) (created, updated registry.Time, err error) {
	if created, err = optionalTime(n, "crDate"); err != nil {
		return 0, 0, err
	}
	updated, err = optionalTime(n, "upDate")
	return created, updated, err
}

func optionalTime(n *node, name string) (registry.Time, error) {
	kid := n.kid(name)
	if kid == nil || kid.text == "" {
		return 0, nil
	}
	t, err := parseTime(kid.text)
	if err != nil {
		return 0, fmt.Errorf("line %d: %s: %w", kid.line, name, err)
	}
	return t, nil
}

func parseTime(text string) (registry.Time, error) {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return 0, fmt.Errorf("%q is no time of the form 2026-11-01T00:00:00Z", text)
	}
	return registry.TimeOf(t), nil
}

func canonicalName(name string) string {
	return strings.ToLower(strings.TrimSuffix(name, "."))
}

// refuse makes an error of what keeps an object from being published.
func refuse(reject registry.Reject) error {
	if reject == "" {
		return nil
	}
	return fmt.Errorf("it cannot be published: %s", reject)
}
