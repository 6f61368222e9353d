package rdapcheck

import "fmt"

// field is something of a contact that an answer may withhold, as the profile names it,
// and the codes of its rules; 0 where there is none.
type field struct {
	name, role string
	removed    bool // withheld by removal, else by an empty value
	pathless   bool // no path can select it
	inDomain   bool // looked at in answers about domains alone

	required, path, result, method, present int

	// of returns the value in a contact, nil if it is not there or empty.
	of func(e object) any
}

// fields are what the profile has registered names for.
var fields = []field{
	{
		name: "Registry Registrant ID", role: "registrant", removed: true, inDomain: true,
		required: -63102, path: -63103, result: -63104, method: -63105, present: -63106, of: handleOf,
	},
	{
		name: "Registrant Name", role: "registrant",
		required: -63201, path: -63202, result: -63203, method: -63204, present: -63205, of: property("fn"),
	},
	{
		name: "Registrant Organization", role: "registrant", removed: true,
		path: -63301, result: -63302, method: -63303, present: -63304, of: property("org"),
	},
	{
		name: "Registrant Street", role: "registrant",
		required: -63401, path: -63402, result: -63403, method: -63404, present: -63405, of: part(2),
	},
	{
		name: "Registrant City", role: "registrant",
		required: -63501, path: -63502, result: -63503, method: -63504, present: -63505, of: part(3),
	},
	{
		name: "Registrant Postal Code", role: "registrant",
		required: -63601, path: -63602, result: -63603, method: -63604, present: -63605, of: part(5),
	},
	{
		name: "Registrant Phone", role: "registrant", removed: true,
		required: -63700, path: -63701, result: -63702, method: -63703, present: -63704, of: telephone("voice"),
	},
	{name: "Registrant Phone Ext", role: "registrant", removed: true, pathless: true, path: -63800, result: -63801, method: -63802},
	{
		name: "Registrant Fax", role: "registrant", removed: true,
		path: -63900, result: -63901, method: -63902, of: telephone("fax"),
	},
	{name: "Registrant Fax Ext", role: "registrant", removed: true, pathless: true, path: -64000, result: -64001, method: -64002},
	{
		name: "Registrant Email", role: "registrant", removed: true,
		required: -65400, path: -65401, result: -65402, method: -65403, present: -65404, of: property("email"),
	},
	{
		name: "Registry Tech ID", role: "technical", removed: true, inDomain: true,
		required: -65703, path: -65704, result: -65705, method: -65706, present: -65702, of: handleOf,
	},
	{
		name: "Tech Name", role: "technical",
		required: -65001, path: -65002, result: -65003, method: -65004, present: -65005, of: property("fn"),
	},
	{
		name: "Tech Phone", role: "technical", removed: true,
		required: -65100, path: -65101, result: -65102, method: -65103, present: -65104, of: telephone("voice"),
	},
	{
		name: "Tech Email", role: "technical", removed: true,
		path: -65500, result: -65501, method: -65502, present: -65503, of: property("email"),
	},
}

// registeredNames are what a redaction must be called by its type, in the order of the
// codes -65800 to -65816.
var registeredNames = []string{
	"Registry Domain ID", "Registry Registrant ID", "Registrant Name", "Registrant Organization", "Registrant Street",
	"Registrant City", "Registrant Postal Code", "Registrant Phone", "Registrant Phone Ext", "Registrant Fax", "Registrant Fax Ext",
	"Registrant Email", "Registry Tech ID", "Tech Name", "Tech Phone", "Tech Phone Ext", "Tech Email",
}

func handleOf(e object) any { return e["handle"] }

// property returns the value of a property of the jCard, nil if it is empty.
func property(name string) func(e object) any {
	return func(e object) any {
		if v := value(e, name); v != "" {
			return v
		}
		return nil
	}
}

// noAddress stands for the part of an address that there is none of: it is neither
// withheld nor shown.
const noAddress = "no address"

// part returns the nth part of the address.
func part(n int) func(e object) any {
	return func(e object) any {
		parts := list(value(e, "adr"))
		if len(parts) <= n {
			return noAddress
		}
		if parts[n] == "" {
			return nil
		}
		return parts[n]
	}
}

// telephone returns the number of a kind.
func telephone(kind string) func(e object) any {
	return func(e object) any {
		for _, p := range propertiesOf(e, "tel") {
			parameters, _ := p[1].(object)
			for _, one := range append(list(parameters["type"]), parameters["type"]) {
				if one == kind {
					return p[3]
				}
			}
		}
		return nil
	}
}

// entryOf returns the entry of redacted that has the name as its type, nil if none.
func entryOf(top object, name string) object {
	for _, entry := range objectsIn(top["redacted"]) {
		if named, _ := entry["name"].(object); named["type"] == name {
			return entry
		}
	}
	return nil
}

// redaction checks that what is left out is told to be, and nothing else (RFC 9537).
func (c *checker) redaction() {
	if v, has := c.top["redacted"]; has {
		for i, entry := range c.objects(-62002, "$.redacted", v) {
			if entry != nil {
				c.redactedEntry(fmt.Sprintf("$.redacted[%d]", i), entry)
			}
		}
	}
	if c.kind == domain {
		c.contactHandles()
	}
	for i := range fields {
		if f := &fields[i]; !f.inDomain || c.kind == domain {
			c.field(f)
		}
	}
}

func (c *checker) redactedEntry(at string, entry object) {
	name, _ := entry["name"].(object)
	_, hasType := name["type"]
	description, hasDescription := name["description"]
	if hasType == hasDescription {
		c.report(-62003, at)
	}
	for i, registered := range registeredNames {
		if description == registered {
			c.report(-65800-i, at)
		}
	}
	_, pre := entry["prePath"]
	_, post := entry["postPath"]
	wrong := pre && post
	for _, member := range []string{"prePath", "postPath", "replacementPath", "pathLang", "method"} {
		if v, has := entry[member]; has {
			_, isText := v.(string)
			wrong = wrong || !isText
		}
	}
	if wrong {
		c.report(-62004, at)
	}
	reason, has := entry["reason"]
	if !has {
		return
	}
	texts, isObject := reason.(object)
	for _, text := range texts {
		_, isText := text.(string)
		isObject = isObject && isText
	}
	if !isObject {
		c.report(-62005, at)
	}
}

// contactHandles checks the form of the handles of registrant and technical contact.
func (c *checker) contactHandles() {
	for _, e := range objectsIn(c.top["entities"]) {
		handle, ok := e["handle"].(string)
		switch {
		case !ok:
		case hasRole(e, "registrant"):
			c.repository("$.entities", handle, -63100, -63101)
		case hasRole(e, "technical"):
			c.repository("$.entities", handle, -65700, -65701)
		}
	}
}

// field checks one field of the contacts that have its role.
func (c *checker) field(f *field) {
	contacts, withheld := 0, 0
	for _, e := range objectsIn(c.top["entities"]) {
		if !hasRole(e, f.role) || f.of == nil {
			continue
		}
		contacts++
		if f.of(e) == nil {
			withheld++
		}
	}
	entry := entryOf(c.top, f.name)
	if entry == nil {
		if withheld > 0 && f.required != 0 {
			c.report(f.required, f.name)
		}
		return
	}
	if contacts > 0 && withheld == 0 && f.present != 0 {
		c.report(f.present, f.name)
	}
	where, method := "postPath", "emptyValue"
	if f.removed {
		where, method = "prePath", "removal"
	}
	if got, has := entry["method"]; got != method && (has || !f.removed) {
		c.report(f.method, f.name)
	}
	path, has := entry[where].(string)
	if !has {
		if !f.pathless {
			c.report(f.path, f.name)
		}
		return
	}
	selected, err := selectPath(c.top, path)
	switch {
	case err != nil:
		c.report(f.path, f.name)
	case f.removed && len(selected) > 0, !f.removed && !empties(selected):
		c.report(f.result, f.name)
	}
}

// empties reports whether selected are empty values, one or more. The tool asks for any
// value; one that is not empty was not withheld.
func empties(selected []any) bool {
	for _, v := range selected {
		if v != "" {
			return false
		}
	}
	return len(selected) > 0
}
