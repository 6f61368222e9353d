package whois

import (
	"rddsd/cache/registry"
	"rddsd/server/lookup"
)

// maxStreets is how many street lines a contact has (RFC 5733 §4).
const maxStreets = 3

// appendContacts appends the contact blocks of a domain (§2.4). Where the
// registry holds no contacts (contact model minimum) there is no block at all.
func appendContacts(dst []byte, a *lookup.Answer) []byte {
	redaction := a.Policy.Redaction
	if a.HasRegistrant {
		dst = appendRegistrant(dst, &a.Registrant, redaction)
	}
	old := a.Policy.Profile == lookup.Profile2017 && (a.HasRegistrant || a.HasTech)
	if old {
		// No registry holds an administrative contact any more, but the labels of
		// 2017 are not optional.
		dst = appendKnown(dst, "Registry Admin ID: ", redaction)
		dst = appendKnown(dst, "Admin Name: ", redaction)
		dst = appendKnown(dst, "Admin Email: ", emailRedacted)
	}
	switch {
	case a.HasTech:
		dst = appendTech(dst, &a.Tech, redaction)
	case old:
		dst = appendKnown(dst, "Registry Tech ID: ", redaction)
		dst = appendKnown(dst, "Tech Name: ", redaction)
		dst = appendKnown(dst, "Tech Email: ", emailRedacted)
	}
	return dst
}

func appendRegistrant(dst []byte, c *registry.Contact, redaction string) []byte {
	dst = appendElement(dst, c, registry.ElementID, "Registry Registrant ID: ", c.ROID, redaction)
	dst = appendElement(dst, c, registry.ElementName, "Registrant Name: ", c.Name, redaction)
	dst = appendElement(dst, c, registry.ElementOrg, "Registrant Organization: ", c.Org, redaction)
	dst = appendStreet(dst, c, "Registrant Street: ", redaction)
	dst = appendElement(dst, c, registry.ElementCity, "Registrant City: ", c.City, redaction)
	dst = appendField(dst, "Registrant State/Province: ", c.SP)
	dst = appendElement(dst, c, registry.ElementPC, "Registrant Postal Code: ", c.PC, redaction)
	dst = appendCountry(dst, "Registrant Country: ", c.CC)
	dst = appendElement(dst, c, registry.ElementVoice, "Registrant Phone: ", c.Voice, redaction)
	dst = appendExtension(dst, c, registry.ElementVoiceExt, "Registrant Phone Ext: ", c.VoiceExt)
	dst = appendElement(dst, c, registry.ElementFax, "Registrant Fax: ", c.Fax, redaction)
	dst = appendExtension(dst, c, registry.ElementFaxExt, "Registrant Fax Ext: ", c.FaxExt)
	return appendEmail(dst, c, "Registrant Email: ")
}

// appendTech appends what the Registration Data Policy leaves of a technical
// contact: name, telephone, e-mail.
func appendTech(dst []byte, c *registry.Contact, redaction string) []byte {
	dst = appendElement(dst, c, registry.ElementID, "Registry Tech ID: ", c.ROID, redaction)
	dst = appendElement(dst, c, registry.ElementName, "Tech Name: ", c.Name, redaction)
	dst = appendElement(dst, c, registry.ElementVoice, "Tech Phone: ", c.Voice, redaction)
	return appendEmail(dst, c, "Tech Email: ")
}

// appendContact appends the record of a contact (§2.7). Of an e-mail address that
// is withheld it says just that, for no registrar stands in the record who could
// pass anything on.
func appendContact(dst []byte, c *registry.Contact, redaction string) []byte {
	dst = appendElement(dst, c, registry.ElementID, "Registry Contact ID: ", c.ROID, redaction)
	dst = appendElement(dst, c, registry.ElementName, "Contact Name: ", c.Name, redaction)
	dst = appendElement(dst, c, registry.ElementOrg, "Contact Organization: ", c.Org, redaction)
	dst = appendStreet(dst, c, "Contact Street: ", redaction)
	dst = appendElement(dst, c, registry.ElementCity, "Contact City: ", c.City, redaction)
	dst = appendField(dst, "Contact State/Province: ", c.SP)
	dst = appendElement(dst, c, registry.ElementPC, "Contact Postal Code: ", c.PC, redaction)
	dst = appendCountry(dst, "Contact Country: ", c.CC)
	dst = appendElement(dst, c, registry.ElementVoice, "Contact Phone: ", c.Voice, redaction)
	return appendElement(dst, c, registry.ElementEmail, "Contact Email: ", c.Email, redaction)
}

// appendElement appends a value, that it is withheld, or nothing for one that
// was never collected. A value that arrived although it is withheld is a
// fault of the registry's views, and is not shown.
func appendElement(dst []byte, c *registry.Contact, e registry.Element, label, value, redaction string) []byte {
	if c.Redacted&e != 0 {
		return appendKnown(dst, label, redaction)
	}
	return appendField(dst, label, value)
}

func appendStreet(dst []byte, c *registry.Contact, label, redaction string) []byte {
	if c.Redacted&registry.ElementStreet != 0 {
		return appendKnown(dst, label, redaction)
	}
	return appendStreets(dst, label, c.Street)
}

// appendStreets appends the first maxStreets lines that hold anything.
func appendStreets(dst []byte, label string, streets []string) []byte {
	left := maxStreets
	for _, line := range streets {
		before := len(dst)
		if dst = appendField(dst, label, line); len(dst) > before {
			left--
		}
		if left == 0 {
			break
		}
	}
	return dst
}

// appendCountry appends a country's code, in capitals (ISO 3166-1), and nothing for
// what is no code, as RDAP does.
func appendCountry(dst []byte, label, cc string) []byte {
	if len(cc) != 2 || !isLetter(cc[0]) || !isLetter(cc[1]) {
		return dst
	}
	dst = append(dst, label...)
	dst = append(dst, cc[0]&^0x20, cc[1]&^0x20)
	return append(dst, newline...)
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

// appendExtension appends the extension of a telephone. A withheld one is left
// out: that there is one tells nobody anything.
func appendExtension(dst []byte, c *registry.Contact, e registry.Element, label, value string) []byte {
	if c.Redacted&e != 0 {
		return dst
	}
	return appendField(dst, label, value)
}

// appendEmail appends the e-mail address, or in its place ICANN's sentence on
// how to reach the contact: a block is never without one of them.
func appendEmail(dst []byte, c *registry.Contact, label string) []byte {
	start := len(dst)
	if c.Redacted&registry.ElementEmail == 0 {
		dst = appendField(dst, label, c.Email)
	}
	if len(dst) == start {
		dst = appendKnown(dst, label, emailRedacted)
	}
	return dst
}
