package rdapcheck

import (
	"fmt"
	"regexp"
)

func (c *checker) entityLookup() {
	c.entity("$", c.top)
	c.lastUpdate()
	if hasRole(c.top, "registrar") && (len(c.registry.Local) == 0 || c.top["handle"] != "not applicable") {
		id := c.registrarID("$", c.top, [5]int{-47400, -47401, -47402, -47403, -47404})
		c.about("$", c.top, id)
	}
}

// entities checks entities that stand in another object.
func (c *checker) entities(path string, v any) {
	for i, e := range c.objects(-11900, path, v) {
		if e != nil {
			c.entity(fmt.Sprintf("%s[%d]", path, i), e)
		}
	}
}

func (c *checker) entity(path string, e object) {
	c.members(-12301, path, e, "rdapConformance", "notices", "lang", "objectClassName", "handle", "vcardArray", "roles", "entities",
		"publicIds", "events", "remarks", "links", "status", "port43")
	c.class(path, e, "entity", -12303)
}

func (c *checker) roles(path string, v any) {
	values, isList := v.([]any)
	if !isList {
		c.report(-11800, path)
		return
	}
	seen := map[string]bool{}
	for _, value := range values {
		s, ok := value.(string)
		switch {
		case !ok:
			c.report(-11801, path)
			continue
		case !contains(roles, s):
			c.report(-11802, path)
		case seen[s]:
			c.report(-11803, path)
		}
		seen[s] = true
	}
}

// hasRole reports whether e has the role.
func hasRole(e object, role string) bool {
	for _, one := range list(e["roles"]) {
		if one == role {
			return true
		}
	}
	return false
}

// roleIn returns the entity in e that has the role, nil if none.
func roleIn(e object, role string) object {
	for _, one := range objectsIn(e["entities"]) {
		if hasRole(one, role) {
			return one
		}
	}
	return nil
}

// propertiesOf returns the properties of the jCard of e that have the name.
func propertiesOf(e object, name string) (all [][]any) {
	card := list(e["vcardArray"])
	if len(card) < 2 {
		return nil
	}
	for _, v := range list(card[1]) {
		if p := list(v); len(p) >= 4 && p[0] == name {
			all = append(all, p)
		}
	}
	return all
}

// value returns the value of the first such property, nil if there is none.
func value(e object, name string) any {
	if all := propertiesOf(e, name); len(all) > 0 {
		return all[0][3]
	}
	return nil
}

// cardProperty is what a property of a jCard may have: types of its value, and
// parameters beside those that all may have.
type cardProperty struct{ types, parameters []string }

var commonParameters = []string{"pref", "altid", "group", "pid", "type"}

// cardProperties are the properties that the tool knows. Those that answers of a
// registry have no use for may have any type here.
var cardProperties = func() map[string]cardProperty {
	m := map[string]cardProperty{
		"version": {[]string{"text"}, nil}, "kind": {[]string{"text"}, nil},
		"fn": {[]string{"text"}, []string{"lang"}}, "email": {[]string{"text"}, nil},
		"org":         {[]string{"text"}, []string{"lang", "sort-as"}},
		"adr":         {[]string{"text"}, []string{"lang", "cc", "label", "geo", "tz"}},
		"tel":         {[]string{"text", "uri"}, []string{"mediatype"}},
		"url":         {[]string{"uri"}, []string{"mediatype"}},
		"contact-uri": {[]string{"uri"}, nil},
	}
	for _, name := range otherProperties {
		m[name] = cardProperty{parameters: []string{"lang", "mediatype", "sort-as", "calscale", "index", "level"}}
	}
	return m
}()

var (
	telURI   = regexp.MustCompile(`^tel:\+[0-9().-]*[0-9][0-9().-]*(;[a-z0-9-]+(=([a-z0-9\[\]/:&+$_!~*'().-]|%[0-9A-F]{2})+)?)*$`)
	addrSpec = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*@([A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?\\.)+[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?$")
)

// cardKinds are the values of the property kind.
var cardKinds = []string{"individual", "group", "org", "location", "application", "device"}

// card checks a jCard (RFC 7095), which e holds.
func (c *checker) card(path string, v any, e object) {
	array := list(v)
	if len(array) != 2 || array[0] != "vcard" || list(array[1]) == nil {
		c.report(-12305, path)
		return
	}
	names := map[string]int{}
	for i, v := range list(array[1]) {
		at := fmt.Sprintf("%s[1][%d]", path, i)
		p := list(v)
		if len(p) < 4 {
			c.report(-12305, at)
			continue
		}
		name, _ := p[0].(string)
		if names[name]++; i == 0 && (name != "version" || p[3] != "4.0") {
			c.report(-12305, at)
		}
		c.property(at, name, p)
	}
	if names["fn"] == 0 {
		switch {
		case hasRole(e, "registrar") && c.kind == domain: // -47302
		case hasRole(e, "registrant"):
			c.report(-63200, path)
		case hasRole(e, "technical"):
			c.report(-65000, path)
		default:
			c.report(1501, path)
		}
	}
	if names["fn"] > 1 {
		c.report(-12305, path)
	}
}

func (c *checker) property(at, name string, p []any) {
	known, ok := cardProperties[name]
	parameters, isObject := p[1].(object)
	kind, _ := p[2].(string)
	if !ok || !isObject || known.types != nil && !contains(known.types, kind) {
		c.report(-12305, at)
		return
	}
	for parameter := range parameters {
		if !contains(commonParameters, parameter) && !contains(known.parameters, parameter) {
			c.report(-12305, at)
		}
	}
	text, isText := p[3].(string)
	switch name {
	case "adr":
		c.address(at, parameters, p[3])
	case "tel":
		telephone := parameters["type"] == "voice" || parameters["type"] == "fax"
		for _, one := range list(parameters["type"]) {
			telephone = telephone || one == "voice" || one == "fax"
		}
		switch {
		case !telephone:
			c.report(-20900, at)
		case !isText || kind == "uri" && !telURI.MatchString(text):
			c.report(-12305, at)
		}
	case "email":
		if !addrSpec.MatchString(text) {
			c.report(-12320, at)
		}
	case "kind":
		if !contains(cardKinds, text) {
			c.report(-12305, at)
		}
	case "fn", "org":
		if !isText {
			c.report(-12305, at)
		}
	}
}

func (c *checker) address(at string, parameters object, v any) {
	parts, structured := v.([]any)
	switch {
	case !structured:
		c.report(-20800, at)
	case len(parts) != 7 || parts[6] != "":
		c.report(-62100, at)
	default:
		for _, part := range parts {
			if _, isText := part.(string); !isText {
				if lines, ok := stringsIn(part); !ok || len(lines) == 0 {
					c.report(-12305, at)
				}
			}
		}
	}
	if cc, _ := parameters["cc"].(string); !contains(countries, cc) {
		c.report(-62101, at)
	}
}
