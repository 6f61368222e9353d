package rdap

import (
	"math/bits"

	"rddsd/cache/registry"
	"rddsd/server/lookup"
)

// allElements are the elements that there are; a row can hold other bits.
const allElements = registry.ElementEmail<<1 - 1

// withheld is the one decision that both the omission of an element and its
// redacted entry follow from: what is not shown of the contacts of a domain.
type withheld struct {
	id               bool // the domain's own handle: a registry need not give it
	registrant, tech registry.Element
}

// any reports whether an answer that withholds w has a redacted member.
func (w withheld) any() bool { return w.id || w.registrant|w.tech != 0 }

// number returns w as a number, another one for each w.
func (w withheld) number() uint64 {
	n := uint64(w.registrant)<<16 | uint64(w.tech)
	if w.id {
		n |= 1 << 32
	}
	return n
}

// withhold returns what the answer about a domain withholds.
func withhold(a *lookup.Answer) (w withheld) {
	w.id = a.Domain.ROID == ""
	if a.HasRegistrant {
		w.registrant = withholds(&a.Registrant)
	}
	if a.HasTech {
		w.tech = withholds(&a.Tech) & lookup.TechElements
	}
	return w
}

// postal are the elements that adr holds besides state and country.
const postal = registry.ElementStreet | registry.ElementCity | registry.ElementPC

// withholds returns what an answer withholds of c: what the registry withholds,
// and what cannot be absent without an entry (rdap.md §5.2). A contact without a
// phone or e-mail counts as one that redacts them. A vCard has an fn (RFC 6350
// §6.2.1), and an adr that tells the country has a street, a city and a postal
// code: only a redaction may empty these (checks -63201, -63401, -63501, -63601).
// An extension has no place without its number, and what is no e-mail address none in a
// jCard (check -12320).
func withholds(c *registry.Contact) registry.Element {
	w := c.Redacted & allElements
	if c.Name == "" {
		w |= registry.ElementName
	}
	if hasAddress(c) {
		if !hasStreet(c.Street) {
			w |= registry.ElementStreet
		}
		if c.City == "" {
			w |= registry.ElementCity
		}
		if c.PC == "" {
			w |= registry.ElementPC
		}
	} else {
		w &^= postal // nothing is told of an address that is not there
	}
	if c.Voice == "" {
		w |= registry.ElementVoice
	}
	if !isMail(c.Email) {
		w |= registry.ElementEmail
	}
	if w&registry.ElementVoice != 0 && c.VoiceExt != "" {
		w |= registry.ElementVoiceExt
	}
	if (w&registry.ElementFax != 0 || c.Fax == "") && c.FaxExt != "" {
		w |= registry.ElementFaxExt
	}
	return w
}

// Parts of the redacted entries (RFC 9537 §4.2). The paths select what the
// entry is about by the role that stands first.
const (
	registrantPath = `"$.entities[?(@.roles[0]=='registrant')]`
	techPath       = `"$.entities[?(@.roles[0]=='technical')]`

	removed     = `,"pathLang":"jsonpath","method":"removal"` + reason
	emptied     = `,"pathLang":"jsonpath","method":"emptyValue"` + reason
	removedOnly = `,"method":"removal"` + reason // no path can select an extension inside a URI
	reason      = `,"reason":{"description":"Server policy"}}`

	handle = `.handle"`
	fn     = `.vcardArray[1][?(@[0]=='fn')][3]"`
	org    = `.vcardArray[1][?(@[0]=='org')]"`
	street = `.vcardArray[1][?(@[0]=='adr')][3][2]"`
	city   = `.vcardArray[1][?(@[0]=='adr')][3][3]"`
	pc     = `.vcardArray[1][?(@[0]=='adr')][3][5]"`
	voice  = `.vcardArray[1][?(@[0]=='tel' \u0026\u0026 @[1].type=='voice')]"`
	fax    = `.vcardArray[1][?(@[0]=='tel' \u0026\u0026 @[1].type=='fax')]"`
	email  = `.vcardArray[1][?(@[0]=='email')]"`
)

// entries holds what stands in the member redacted for each element, by its bit
// in registry.Element (rdap.md §5.2).
var entries = [...]struct{ registrant, tech string }{
	{
		`{"name":{"type":"Registry Registrant ID"},"prePath":` + registrantPath + handle + removed,
		`{"name":{"type":"Registry Tech ID"},"prePath":` + techPath + handle + removed,
	},
	{
		`{"name":{"type":"Registrant Name"},"postPath":` + registrantPath + fn + emptied,
		`{"name":{"type":"Tech Name"},"postPath":` + techPath + fn + emptied,
	},
	{registrant: `{"name":{"type":"Registrant Organization"},"prePath":` + registrantPath + org + removed},
	{registrant: `{"name":{"type":"Registrant Street"},"postPath":` + registrantPath + street + emptied},
	{registrant: `{"name":{"type":"Registrant City"},"postPath":` + registrantPath + city + emptied},
	{registrant: `{"name":{"type":"Registrant Postal Code"},"postPath":` + registrantPath + pc + emptied},
	{
		`{"name":{"type":"Registrant Phone"},"prePath":` + registrantPath + voice + removed,
		`{"name":{"type":"Tech Phone"},"prePath":` + techPath + voice + removed,
	},
	{registrant: `{"name":{"type":"Registrant Phone Ext"}` + removedOnly},
	{registrant: `{"name":{"type":"Registrant Fax"},"prePath":` + registrantPath + fax + removed},
	{registrant: `{"name":{"type":"Registrant Fax Ext"}` + removedOnly},
	{
		`{"name":{"type":"Registrant Email"},"prePath":` + registrantPath + email + removed,
		`{"name":{"type":"Tech Email"},"prePath":` + techPath + email + removed,
	},
}

// appendRedacted appends the member redacted (RFC 9537 §4.2), if there is
// anything to put into it.
func appendRedacted(dst []byte, w withheld) []byte {
	if !w.any() {
		return dst
	}
	dst = append(dst, `,"redacted":[`...)
	if w.id {
		dst = append(dst, `{"name":{"type":"Registry Domain ID"},"prePath":"$.handle"`+removed+`,`...)
	}
	for rest := w.registrant; rest != 0; rest &= rest - 1 {
		dst = append(dst, entries[bits.TrailingZeros16(uint16(rest))].registrant...)
		dst = append(dst, ',')
	}
	for rest := w.tech; rest != 0; rest &= rest - 1 {
		dst = append(dst, entries[bits.TrailingZeros16(uint16(rest))].tech...)
		dst = append(dst, ',')
	}
	dst[len(dst)-1] = ']'
	return dst
}
