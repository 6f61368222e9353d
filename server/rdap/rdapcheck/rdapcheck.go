// Package rdapcheck finds in an RDAP answer what ICANN's conformance tools would find:
// the rules for a gTLD registry under the profile of February 2024, as the project's
// RDAP page lists them (rdap.md §7), told in our words. It shares no code with the server
// and reads nothing but the answer. Tests use it; the program does not link it.
package rdapcheck

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// Response is an answer and how it was asked for.
type Response struct {
	URL    string // asked for, as the client wrote it
	Status int
	Header http.Header // nil: only the body is looked at
	Body   []byte
}

// Registry is what the world knows of the registry and its registrars.
type Registry struct {
	Suffixes   map[string]bool     // of ROIDs, in IANA's list of EPP repository identifiers
	Registrars map[int][]string    // IANA's list of registrars: ID -> RDAP base URLs
	Bases      map[string][]string // IANA's bootstrap file: TLD -> base URLs; nil: it is not looked at
	Local      map[string]bool     // TLDs that are no gTLDs: their registrars need no IANA ID
}

// Finding is a rule that an answer breaks.
type Finding struct {
	Code  int    // of the rule; negative for the Java tool's, positive for the Rust tool's
	Where string // path of the place, as in "$.links[0]"
}

// String tells the rule with the finding.
func (f Finding) String() string {
	return fmt.Sprintf("%d at %s: not met: %s", f.Code, f.Where, Rules[f.Code])
}

// object is a JSON object.
type object = map[string]any

// kind is what was asked for.
type kind int

const (
	noKind kind = iota
	domain
	nameserver
	entity
	nameservers
	help
	failure
)

type checker struct {
	Response
	registry *Registry
	kind     kind
	name     string // that was asked for, decoded; of a domain or name server
	gtld     bool   // the name stands under a gTLD
	top      object
	findings []Finding
}

// Check returns what is wrong with r, nothing if all is well.
func Check(r Response, g *Registry) []Finding {
	_, findings := Inspect(r, g)
	return findings
}

// Inspect is Check. It also returns the object that the body holds, nil if none; numbers
// are json.Number.
func Inspect(r Response, g *Registry) (map[string]any, []Finding) {
	c := &checker{Response: r, registry: g, kind: kindOf(r)}
	if c.kind == domain || c.kind == nameserver {
		c.name = askedName(r.URL)
	}
	c.gtld = !g.Local[lastLabel(c.name)]
	c.head()
	c.help()
	if i := bytes.IndexByte(r.Body, '<'); i >= 0 && scriptTag.Match(r.Body[i:]) {
		c.report(-40100, "$")
	}
	d := json.NewDecoder(bytes.NewReader(r.Body))
	d.UseNumber()
	v, err := c.decode(d, nil)
	if err != nil || d.More() {
		c.report(-13001, "$")
		return c.top, c.findings
	}
	var ok bool
	if c.top, ok = v.(object); !ok {
		c.report(structureCodes[c.kind], "$")
		return c.top, c.findings
	}
	c.conformance()
	c.walk("$", c.top, "")
	switch c.kind {
	case failure:
		c.failed()
		return c.top, c.findings
	case domain:
		c.domain()
	case nameserver:
		c.nameserverLookup()
	case entity:
		c.entityLookup()
	case nameservers:
		c.nameserverSearch()
	case help:
		c.members(-12501, "$", c.top, "rdapConformance", "notices", "lang")
	}
	c.terms()
	c.redaction()
	return c.top, c.findings
}

func (c *checker) report(code int, where string) {
	c.findings = append(c.findings, Finding{code, where})
}

// kindOf tells what was asked for by the end of the path.
func kindOf(r Response) kind {
	if r.Status != http.StatusOK {
		return failure
	}
	path, _, _ := strings.Cut(r.URL, "?")
	segments := strings.Split(strings.TrimSuffix(path, "/"), "/")
	switch last := segments[len(segments)-1]; {
	case last == "help":
		return help
	case last == "nameservers":
		return nameservers
	case len(segments) < 2:
		return noKind
	}
	switch segments[len(segments)-2] {
	case "domain":
		return domain
	case "nameserver":
		return nameserver
	case "entity":
		return entity
	}
	return noKind
}

// askedName returns the last segment of the path, decoded.
func askedName(asked string) string {
	path, _, _ := strings.Cut(asked, "?")
	path = strings.TrimSuffix(path, "/")
	name, err := url.PathUnescape(path[strings.LastIndexByte(path, '/')+1:])
	if err != nil {
		return ""
	}
	return strings.TrimSuffix(name, ".")
}

func lastLabel(name string) string {
	return strings.ToLower(name[strings.LastIndexByte(name, '.')+1:])
}

// structureCodes tell that the body is no object.
var structureCodes = map[kind]int{
	noKind: -13001, domain: -12200, nameserver: -12400, entity: -12300, nameservers: -12600, help: -12500, failure: -12100,
}

// duplicateCodes tell that a member stands twice in the topmost object.
var duplicateCodes = map[kind]int{
	noKind: -12102, domain: -12202, nameserver: -12402, entity: -12302, nameservers: -12602, help: -12502, failure: -12102,
}

// duplicate returns the code for a member that stands twice: that of the innermost
// object around it that has one. names are the members that lead there.
func (c *checker) duplicate(names []string) int {
	for i := len(names) - 1; i >= 0; i-- {
		switch names[i] {
		case "links":
			return -10602
		case "notices", "remarks":
			return -10702
		case "secureDNS":
			return -12002
		case "entities":
			return -12302
		case "nameservers", "nameserverSearchResults":
			return -12402
		}
	}
	return duplicateCodes[c.kind]
}

// decode reads a value and finds members that stand twice. names are the members that
// lead to it.
func (c *checker) decode(d *json.Decoder, names []string) (any, error) {
	token, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch token {
	case json.Delim('{'):
		m := object{}
		for d.More() {
			key, err := d.Token()
			if err != nil {
				return nil, err
			}
			name := key.(string) // what stands before a colon is a string
			v, err := c.decode(d, append(names, name))
			if err != nil {
				return nil, err
			}
			if _, twice := m[name]; twice {
				c.report(c.duplicate(names), "$."+strings.Join(append(names, name), "."))
			}
			m[name] = v
		}
		_, err = d.Token()
		return m, err
	case json.Delim('['):
		list := []any{}
		for d.More() {
			v, err := c.decode(d, names)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		_, err = d.Token()
		return list, err
	}
	return token, nil
}

// emptyCodes tell that an array is empty, by its member.
var emptyCodes = map[string]int{
	"links": 209, "events": 404, "notices": 503, "remarks": 504, "keyData": 2219, "dsData": 2220, "entities": 2400,
	"v4": 1305, "v6": 1305,
}

// walk checks each member of o by its name: what it means does not depend on where it
// stands. name is the member that holds o.
func (c *checker) walk(path string, o object, name string) {
	if path != "$" {
		if _, nested := o["rdapConformance"]; nested {
			c.report(-10505, path)
		}
		if _, nested := o["notices"]; nested {
			c.report(nestedNotices[c.kind], path)
		}
	}
	for member, v := range o {
		at := path + "." + member
		list, isList := v.([]any)
		if code := emptyCodes[member]; isList && len(list) == 0 && code != 0 {
			c.report(code, at)
			continue
		}
		switch member {
		case "rdapConformance", "redacted":
			continue // they have rules of their own
		case "vcardArray":
			c.card(at, v, o)
			continue
		case "links":
			c.links(at, v)
		case "notices", "remarks":
			c.notices(at, v)
		case "events":
			c.events(at, v)
		case "status":
			c.status(at, v)
		case "publicIds":
			c.publicIDs(at, v)
		case "variants":
			c.variants(at, v)
		case "entities":
			c.entities(at, v)
		case "nameservers", "nameserverSearchResults":
			c.nameserverList(at, v)
		case "ipAddresses":
			c.addresses(at, v)
		case "secureDNS":
			c.secureDNS(at, v)
		case "roles":
			c.roles(at, v)
		case "handle":
			c.handle(at, v, o)
		case "ldhName":
			c.ldhName(at, v)
		case "unicodeName":
			c.unicodeName(at, v, o)
		case "port43":
			c.port43(at, v)
		case "lang":
			if !isTag(v) {
				c.report(-10800, at)
			}
		}
		c.descend(at, v, member)
	}
}

// descend walks the objects in v.
func (c *checker) descend(path string, v any, name string) {
	switch v := v.(type) {
	case object:
		c.walk(path, v, name)
	case []any:
		for i, element := range v {
			c.descend(fmt.Sprintf("%s[%d]", path, i), element, name)
		}
	}
}

// nestedNotices tell that notices stand elsewhere than at the top.
var nestedNotices = map[kind]int{
	noKind: -12218, domain: -12218, nameserver: -12415, entity: -12316, nameservers: -12608, help: -12218, failure: -12218,
}

// objects returns v as an array of objects, or reports code.
func (c *checker) objects(code int, path string, v any) []object {
	list, ok := v.([]any)
	if !ok {
		c.report(code, path)
		return nil
	}
	objects := make([]object, len(list))
	for i, element := range list {
		if objects[i], ok = element.(object); !ok {
			c.report(code, fmt.Sprintf("%s[%d]", path, i))
		}
	}
	return objects
}

// members reports code if o has a member that is not among allowed.
func (c *checker) members(code int, path string, o object, allowed ...string) {
	for name := range o {
		if !contains(allowed, name) {
			c.report(code, path+"."+name)
		}
	}
}

// isString reports code if o has the member and it is no string, and returns it.
func (c *checker) isString(code int, path string, o object, member string) (s string, has bool) {
	v, has := o[member]
	if !has {
		return "", false
	}
	s, ok := v.(string)
	if !ok {
		c.report(code, path+"."+member)
	}
	return s, ok
}

func contains(list []string, s string) bool {
	for _, one := range list {
		if one == s {
			return true
		}
	}
	return false
}

// list returns v as an array, nil if it is none.
func list(v any) []any {
	l, _ := v.([]any)
	return l
}

// objectsIn returns the objects in the array v.
func objectsIn(v any) []object {
	var all []object
	for _, element := range list(v) {
		if o, ok := element.(object); ok {
			all = append(all, o)
		}
	}
	return all
}
