package rdap

import "rddsd/cache/registry"

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
	dst = appendMail(dst, shown(w, registry.ElementEmail, c.Email))
	return append(dst, cardEnd+`}`...)
}

// hasAddress reports whether the card of c has an adr. One without a country cannot be
// told in a form that clients may rely on; then none of its parts is told, nor that it is
// withheld (rdap.md §5.2).
func hasAddress(c *registry.Contact) bool {
	_, ok := country(c.CC)
	return ok
}

// appendTech appends the entity of a technical contact without the elements in
// w. Its phone has no extension, in no protocol (lookup.TechElements).
func appendTech(dst []byte, c *registry.Contact, w registry.Element) []byte {
	dst = appendContactHead(dst, c, w, `"roles":["technical"]`)
	dst = appendValue(dst, "fn", shown(w, registry.ElementName, c.Name))
	dst = appendTel(dst, "voice", shown(w, registry.ElementVoice, c.Voice), "")
	dst = appendMail(dst, shown(w, registry.ElementEmail, c.Email))
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
