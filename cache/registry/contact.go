package registry

import (
	"fmt"
	"strings"
)

// Element is a set of contact elements, one bit each.
type Element uint16

// The elements of a contact that a registry may hold and withhold, in the words
// of the contract. State/province and country are always public and no Element.
const (
	ElementID Element = 1 << iota
	ElementName
	ElementOrg
	ElementStreet
	ElementCity
	ElementPC
	ElementVoice
	ElementVoiceExt
	ElementFax
	ElementFaxExt
	ElementEmail
)

var elementNames = [...]string{"id", "name", "org", "street", "city", "pc", "voice", "voice_ext", "fax", "fax_ext", "email"}

// ParseElement returns the element with the contract's name s.
func ParseElement(s string) (Element, bool) {
	for i, name := range elementNames {
		if s == name {
			return 1 << i, true
		}
	}
	return 0, false
}

// Names returns the contract's words for the elements in e.
func (e Element) Names() []string {
	var names []string
	for i, name := range elementNames {
		if e&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return names
}

// Contact is the public part of a contact. Its key is ROID, which is printed
// only while ElementID is not in Redacted. An element that is neither held as a
// value nor listed in Redacted was never collected.
type Contact struct {
	ROID      string
	Registrar string // ClID of the sponsor
	Handle    string // EPP identifier
	Name      string
	Org       string
	Street    []string
	City      string
	SP        string // state or province: always public
	PC        string
	CC        string // ISO 3166-1 alpha-2: always public
	Voice     string
	VoiceExt  string
	Fax       string
	FaxExt    string
	Email     string
	Redacted  Element // held and withheld
	Created   Time
	Updated   Time
}

// Discloses returns the elements whose values c holds. ElementID counts when
// the ROID may be printed.
func (c *Contact) Discloses() Element {
	e := ElementID
	if c.Redacted&ElementID != 0 {
		e = 0
	}
	for _, v := range [...]struct {
		element Element
		value   string
	}{
		{ElementName, c.Name},
		{ElementOrg, c.Org},
		{ElementCity, c.City},
		{ElementPC, c.PC},
		{ElementVoice, c.Voice},
		{ElementVoiceExt, c.VoiceExt},
		{ElementFax, c.Fax},
		{ElementFaxExt, c.FaxExt},
		{ElementEmail, c.Email},
	} {
		if v.value != "" {
			e |= v.element
		}
	}
	if len(c.Street) > 0 {
		e |= ElementStreet
	}
	return e
}

// disclosable are the elements that a registry's table may name as disclosed. An
// extension goes with its number.
const disclosable = ElementID | ElementName | ElementOrg | ElementStreet | ElementCity | ElementPC | ElementVoice | ElementFax | ElementEmail

// Stored returns the elements that a registry's table has to disclose for the
// contract's view to give c back: those that c holds a value of. The table holds
// an element of c.Redacted as "held, the value is not in this database", any
// other that is empty as never collected. So a table filled in this way cannot
// hold a value that may not be published.
//
// A contact that says both of an element, or neither of its id, is an error: EPP
// knows no contact without an id.
func (c *Contact) Stored() (disclosed Element, err error) {
	disclosed = c.Discloses()
	switch both := disclosed & c.Redacted; {
	case both != 0:
		return 0, fmt.Errorf("contact %s: it holds a value of %s and says that it is withheld", c.ROID, strings.Join(both.Names(), ", "))
	case c.Redacted&ElementID == 0 && c.Handle == "":
		return 0, fmt.Errorf("contact %s: it has no handle, and its id is not redacted", c.ROID)
	case c.Redacted&ElementID != 0 && c.Handle != "":
		return 0, fmt.Errorf("contact %s: it holds a handle and says that its id is withheld", c.ROID)
	}
	// A value alone decides about the extensions, whose number may be withheld.
	if disclosed&ElementVoiceExt != 0 {
		disclosed |= ElementVoice
	}
	if disclosed&ElementFaxExt != 0 {
		disclosed |= ElementFax
	}
	return disclosed & disclosable, nil
}

// BearsContact reports whether c shows anything that makes an answer
// contact-bearing: name, organisation, street, city, postal code, phone, fax or
// e-mail. The identifier alone does not.
func (c *Contact) BearsContact() bool {
	return c.Discloses()&^ElementID != 0
}

// Withhold turns c into the same contact with nothing disclosed: every value
// becomes "held and withheld". State/province and country stay. It is how a
// degraded answer, an operator's withholding and a quarantined row are shown.
func (c *Contact) Withhold() {
	c.Redacted |= c.Discloses() | ElementID
	c.Handle, c.Name, c.Org, c.City, c.PC = "", "", "", "", ""
	c.Voice, c.VoiceExt, c.Fax, c.FaxExt, c.Email = "", "", "", "", ""
	c.Street = c.Street[:0]
}
