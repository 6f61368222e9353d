package rdap

import "rddsd/cache/registry"

// postal are the elements that adr holds besides state and country.
const postal = registry.ElementStreet | registry.ElementCity | registry.ElementPC

// appendRegistrant appends the entity of a registrant without the elements in w
// (rdap.md §5.2). State or province and country are always public.
func appendRegistrant(dst []byte, c *registry.Contact, w registry.Element) []byte {
	dst = appendContactHead(dst, c, w, `"roles":["registrant"]`)
	organisation := shown(w, registry.ElementOrg, c.Org)
	if organisation != "" {
		dst = append(dst, `,["kind",{},"text","org"]`...)
	}
	dst = appendValue(dst, "fn", shown(w, registry.ElementName, c.Name))
	dst = appendProperty(dst, "org", organisation)

	if hasAddress(c) {
		lines := c.Street
		if w&registry.ElementStreet != 0 {
			lines = nil
		}
		dst = appendAddress(dst, lines, shown(w, registry.ElementCity, c.City), c.SP, shown(w, registry.ElementPC, c.PC), c.CC)
	}
	dst = appendTel(dst, "voice", shown(w, registry.ElementVoice, c.Voice), shown(w, registry.ElementVoiceExt, c.VoiceExt))
	dst = appendTel(dst, "fax", shown(w, registry.ElementFax, c.Fax), shown(w, registry.ElementFaxExt, c.FaxExt))
	dst = appendProperty(dst, "email", shown(w, registry.ElementEmail, c.Email))
	return append(dst, cardEnd+`}`...)
}

// hasAddress reports whether the card of c has an adr: something of its address
// is shown, or withheld and needs a place to be empty at.
func hasAddress(c *registry.Contact) bool {
	return c.SP != "" || c.CC != "" || (c.Discloses()|c.Redacted)&postal != 0
}

// appendTech appends the entity of a technical contact without the elements in
// w. Its phone has no extension, in no protocol (lookup.TechElements).
func appendTech(dst []byte, c *registry.Contact, w registry.Element) []byte {
	dst = appendContactHead(dst, c, w, `"roles":["technical"]`)
	dst = appendValue(dst, "fn", shown(w, registry.ElementName, c.Name))
	dst = appendTel(dst, "voice", shown(w, registry.ElementVoice, c.Voice), "")
	dst = appendProperty(dst, "email", shown(w, registry.ElementEmail, c.Email))
	return append(dst, cardEnd+`}`...)
}

func appendContactHead(dst []byte, c *registry.Contact, w registry.Element, roles string) []byte {
	dst = append(dst, `{"objectClassName":"entity",`...)
	if w&registry.ElementID == 0 {
		dst = append(dst, `"handle":`...)
		dst = appendString(dst, c.ROID)
		dst = append(dst, ',')
	}
	dst = append(dst, roles...)
	return append(dst, cardBegin...)
}

// shown returns value unless w withholds its element.
func shown(w, element registry.Element, value string) string {
	if w&element != 0 {
		return ""
	}
	return value
}
