package rdap

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

// check returns what is wrong with a body by the rules of rdap.md §3 to §5 and
// §7, one line a fault, the check code behind it where there is one. asked is
// the URL that was asked for.
func check(body []byte, status int, asked string) []string {
	_, faults := checkBody(body, status, asked)
	return faults
}

// checkBody is check; it also returns what the body holds.
func checkBody(body []byte, status int, asked string) (any, []string) {
	k := &checker{asked: asked}
	if i := bytes.IndexFunc(body, func(r rune) bool { return r < ' ' || r > '~' || r == '<' || r == '>' || r == '&' }); i >= 0 {
		k.fault("byte %d is %q: not plain ASCII, or markup (-40100)", i, body[i])
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	v, err := k.decode(d, "$")
	if err != nil {
		return nil, append(k.faults, "not JSON: "+err.Error()+" (-13001)")
	}
	top, ok := v.(map[string]any)
	if !ok {
		return nil, append(k.faults, "not an object")
	}
	k.walk("$", v, "")
	k.top(top, status)
	return v, k.faults
}

type checker struct {
	asked  string
	faults []string
}

func (k *checker) fault(format string, args ...any) {
	k.faults = append(k.faults, fmt.Sprintf(format, args...))
}

// decode reads a value and finds members that stand twice.
func (k *checker) decode(d *json.Decoder, path string) (any, error) {
	token, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch token {
	case json.Delim('{'):
		m := map[string]any{}
		for d.More() {
			name, err := d.Token()
			if err != nil {
				return nil, err
			}
			v, err := k.decode(d, path+"."+name.(string))
			if err != nil {
				return nil, err
			}
			if _, twice := m[name.(string)]; twice {
				k.fault("%s has %s twice (-12202)", path, name)
			}
			m[name.(string)] = v
		}
		_, err = d.Token()
		return m, err
	case json.Delim('['):
		list := []any{}
		for d.More() {
			v, err := k.decode(d, fmt.Sprintf("%s[%d]", path, len(list)))
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

// walk checks what holds wherever it stands. name is the member that v is, or
// is an element of.
func (k *checker) walk(path string, v any, name string) {
	switch v := v.(type) {
	case nil:
		k.fault("%s is null", path)
	case string:
		if v == "" {
			k.fault("%s is an empty string", path) // walk does not enter jCards, where some may be
		}
	case []any:
		if len(v) == 0 {
			k.fault("%s is an empty array (209, 404, 503, 504, 2219, 2400)", path)
		}
		switch name {
		case "vcardArray":
			k.card(path, v)
			return
		case "status", "roles", "rdapConformance":
			k.uniqueStrings(path, v)
		case "events":
			k.events(path, v)
		}
		for i, element := range v {
			k.walk(fmt.Sprintf("%s[%d]", path, i), element, name)
		}
	case map[string]any:
		if len(v) == 0 {
			k.fault("%s is an empty object", path)
		}
		switch name {
		case "", "entities", "nameservers", "nameserverSearchResults":
			if path != "$" && v["objectClassName"] == nil {
				k.fault("%s has no objectClassName (-13003)", path)
			}
			if path != "$" && (v["notices"] != nil || v["rdapConformance"] != nil) {
				k.fault("%s has what stands at the top only (-10505, -12218)", path)
			}
		case "links":
			k.link(path, v)
		case "notices", "remarks":
			if list, ok := v["description"].([]any); !ok || len(list) == 0 {
				k.fault("%s has no description (-10707)", path)
			}
		case "ipAddresses":
			if v["v4"] == nil && v["v6"] == nil {
				k.fault("%s has neither v4 nor v6 (-11403)", path)
			}
		}
		for member, element := range v {
			k.walk(path+"."+member, element, member)
		}
	}
}

func (k *checker) uniqueStrings(path string, list []any) {
	seen := map[string]bool{}
	for _, v := range list {
		s, ok := v.(string)
		if !ok || s == "" || seen[s] {
			k.fault("%s holds %v, which is no string, blank or there twice (-11003, -11803)", path, v)
		}
		seen[s] = true
	}
	if !strings.HasSuffix(path, ".status") {
		return
	}
	for s := range seen {
		if !statuses[s] {
			k.fault("%s holds %q, which is not registered (-11002)", path, s)
		}
		conflict := s == "inactive" || strings.HasSuffix(s, "prohibited") || strings.HasSuffix(s, "hold") ||
			strings.HasPrefix(s, "pending") && s != "pending restore"
		if seen["active"] && conflict {
			k.fault("%s holds active and %q (-46900, -49300)", path, s)
		}
	}
	if (seen["redemption period"] || seen["pending restore"]) && !seen["pending delete"] {
		k.fault("%s lacks pending delete (-47001, -47002)", path)
	}
	if seen["redemption period"] && seen["pending restore"] {
		k.fault("%s holds redemption period and pending restore (-46900)", path)
	}
	pending := 0
	for _, operation := range []string{"create", "delete", "renew", "transfer", "update"} {
		if !seen["pending "+operation] {
			continue
		}
		if pending++; pending > 1 || seen["client "+operation+" prohibited"] || seen["server "+operation+" prohibited"] {
			k.fault("%s holds pending %s and what excludes it (-46900, -49300)", path, operation)
		}
	}
}

// statuses are the values of RFC 9083 §10.2.2 and RFC 8056 §2 that a registry
// uses.
var statuses = func() map[string]bool {
	m := map[string]bool{"locked": true}
	for _, s := range strings.Split("active inactive associated", " ") {
		m[s] = true
	}
	for _, s := range strings.Split("add auto_renew renew transfer redemption", " ") {
		m[strings.ReplaceAll(s, "_", " ")+" period"] = true
	}
	for _, s := range strings.Split("create delete renew transfer update restore", " ") {
		m["pending "+s] = true
	}
	for _, who := range []string{"client ", "server "} {
		m[who+"hold"] = true
		for _, s := range strings.Split("delete renew transfer update", " ") {
			m[who+s+" prohibited"] = true
		}
	}
	return m
}()

var eventActions = []string{"registration", "last changed", "expiration", "transfer", "last update of RDAP database"}

func (k *checker) events(path string, list []any) {
	seen := map[any]bool{}
	for _, v := range list {
		event, _ := v.(map[string]any)
		action, _ := event["eventAction"].(string)
		date, _ := event["eventDate"].(string)
		if seen[action] || !slices.Contains(eventActions, action) {
			k.fault("%s: action %q is twice there or unknown (-10905, -10912)", path, action)
		}
		seen[action] = true
		if _, err := time.Parse("2006-01-02T15:04:05Z", date); err != nil {
			k.fault("%s: %v (-10908)", path, err)
		}
	}
}

var relations = []string{"self", "related", "about", "terms-of-service", "glossary", "help"}

func (k *checker) link(path string, link map[string]any) {
	for _, member := range []string{"value", "href"} {
		s, _ := link[member].(string)
		u, err := url.Parse(s)
		if err != nil || u.Scheme != "https" && u.Scheme != "http" || !strings.Contains(u.Hostname(), ".") {
			k.fault("%s: %s %q is not a web URL (-10609, -10611)", path, member, s)
		}
	}
	rel, _ := link["rel"].(string)
	if !slices.Contains(relations, rel) {
		k.fault("%s: rel %q (-10604)", path, rel)
	}
	want := "text/html"
	if rel == "self" || rel == "related" {
		want = "application/rdap+json"
	}
	if link["type"] != want {
		k.fault("%s: type is %v, want %s (202 to 205)", path, link["type"], want)
	}
	if rel == "related" && !strings.Contains(link["href"].(string), "/domain/") {
		k.fault("%s: href %v is no domain query (-23202)", path, link["href"])
	}
	top := strings.HasPrefix(path, "$.links") || strings.HasPrefix(path, "$.notices")
	if top && rel != "about" && link["value"] != k.asked {
		k.fault("%s: value is %v, asked for was %s (-61202, -23201)", path, link["value"], k.asked)
	}
	if !top && rel == "self" && link["value"] != link["href"] {
		k.fault("%s: a nested self link's value is %v, its href %v", path, link["value"], link["href"])
	}
	if len(link) != 4 {
		k.fault("%s has %d members (-10601)", path, len(link))
	}
}

// properties are the jCard properties that are used, with the parameters each
// may have (check -12305).
var properties = map[string][]string{
	"version": nil, "kind": nil, "fn": nil, "org": nil, "adr": {"cc"}, "tel": {"type"}, "email": nil,
}

var countryCode = regexp.MustCompile(`^[A-Z]{2}$`)

func (k *checker) card(path string, array []any) {
	if len(array) != 2 || array[0] != "vcard" {
		k.fault("%s is no jCard (-12305)", path)
		return
	}
	list, _ := array[1].([]any)
	count := map[string]int{}
	for i, v := range list {
		at := fmt.Sprintf("%s[1][%d]", path, i)
		p, _ := v.([]any)
		if len(p) != 4 {
			k.fault("%s has %d parts (-12305)", at, len(p))
			continue
		}
		name, _ := p[0].(string)
		params, _ := p[1].(map[string]any)
		allowed, known := properties[name]
		if !known || params == nil {
			k.fault("%s: property %v (-12305)", at, p[0])
		}
		count[name]++
		for param := range params {
			if !slices.Contains(allowed, param) {
				k.fault("%s: %s has parameter %s (-12305)", at, name, param)
			}
		}
		k.property(at, name, params, p)
	}
	first, _ := list[0].([]any)
	if first[0] != "version" || first[3] != "4.0" {
		k.fault("%s does not begin with its version (-12305)", path)
	}
	if count["fn"] != 1 || count["version"] != 1 || count["adr"] > 1 || count["email"] > 1 || count["org"] > 1 {
		k.fault("%s: properties are missing or there twice: %v (1501)", path, count)
	}
}

func (k *checker) property(at, name string, params map[string]any, p []any) {
	value, isText := p[3].(string)
	switch name {
	case "adr":
		parts, _ := p[3].([]any)
		if len(parts) != 7 || parts[6] != "" {
			k.fault("%s: adr is %v (-20800, -62100)", at, parts)
			return
		}
		if cc, has := params["cc"].(string); has && !countryCode.MatchString(cc) {
			k.fault("%s: cc is %q (-62101)", at, cc)
		}
		if lines, several := parts[2].([]any); several && len(lines) < 2 {
			k.fault("%s: street is an array of %d", at, len(lines))
		}
	case "tel":
		if kind := params["type"]; kind != "voice" && kind != "fax" {
			k.fault("%s: tel of type %v (-20900)", at, kind)
		}
		if p[2] == "uri" != strings.HasPrefix(value, "tel:") {
			k.fault("%s: tel %q as %v (-12305)", at, value, p[2])
		}
	default:
		if !isText || p[2] != "text" {
			k.fault("%s: %s is %v, %v (-12305)", at, name, p[2], p[3])
		}
		if value == "" && name != "fn" {
			k.fault("%s: %s is empty", at, name)
		}
	}
}

// top checks the topmost object.
func (k *checker) top(top map[string]any, status int) {
	conformance, _ := top["rdapConformance"].([]any)
	for _, id := range []string{
		"rdap_level_0", "icann_rdap_response_profile_1", "icann_rdap_technical_implementation_guide_1",
	} {
		if !slices.Contains(conformance, any(id)) {
			k.fault("rdapConformance lacks %s (-61000, -62000)", id)
		}
	}
	_, hasRedacted := top["redacted"]
	class := top["objectClassName"]
	help := class == nil && status == http.StatusOK && top["nameserverSearchResults"] == nil
	if slices.Contains(conformance, any("redacted")) != (hasRedacted || help) {
		k.fault("rdapConformance is %v, but the member redacted is there: %v (-62001)", conformance, hasRedacted)
	}
	notices := map[any]map[string]any{}
	list, _ := top["notices"].([]any)
	for _, n := range list {
		notice, _ := n.(map[string]any)
		notices[notice["title"]] = notice
	}
	k.notice(notices, "Terms of Service", "", "terms-of-service", "https://www.nic.coop/rdap-terms")
	if status != http.StatusOK {
		if code, _ := top["errorCode"].(json.Number); code.String() != fmt.Sprint(status) {
			k.fault("errorCode is %v, status %d (-12108)", top["errorCode"], status)
		}
		return
	}
	if class != nil {
		events, _ := top["events"].([]any)
		if !slices.ContainsFunc(events, func(e any) bool {
			return e.(map[string]any)["eventAction"] == "last update of RDAP database"
		}) {
			k.fault("there is no last update event (-43100)")
		}
	}
	if class == "domain" {
		k.domain(top, notices)
	}
	if class == "entity" {
		k.desks(top)
	}
	k.redaction(top)
}

func (k *checker) notice(notices map[any]map[string]any, title, description, rel, href string) {
	n := notices[title]
	links, _ := n["links"].([]any)
	if len(links) != 1 {
		k.fault("notice %q is missing, or has not one link (-61200, -46601, -46701)", title)
		return
	}
	link, _ := links[0].(map[string]any)
	if link["rel"] != rel || link["href"] != href {
		k.fault("notice %q links as %v to %v", title, link["rel"], link["href"])
	}
	if text, _ := n["description"].([]any); description != "" && (len(text) != 1 || text[0] != description) {
		k.fault("notice %q says %v", title, text)
	}
}

func (k *checker) domain(top map[string]any, notices map[any]map[string]any) {
	k.notice(notices, "Status Codes", "For more information on domain status codes, please visit https://icann.org/epp",
		"glossary", "https://icann.org/epp")
	k.notice(notices, "RDDS Inaccuracy Complaint Form",
		"URL of the ICANN RDDS Inaccuracy Complaint Form: https://icann.org/wicf", "help", "https://icann.org/wicf")
	name, _ := top["ldhName"].(string)
	if top["unicodeName"] != nil && !strings.Contains("."+name, ".xn--") {
		k.fault("%s is no IDN but has unicodeName %v", name, top["unicodeName"])
	}
	if status, _ := top["status"].([]any); len(status) == 0 {
		k.fault("a domain without a status (-47100)")
	}
	signed, _ := top["secureDNS"].(map[string]any)
	delegated, has := signed["delegationSigned"].(bool)
	if !has || delegated != (signed["dsData"] != nil) {
		k.fault("secureDNS is %v (-46800 to -46802)", signed)
	}
	actions := map[any]bool{}
	for _, e := range top["events"].([]any) {
		actions[e.(map[string]any)["eventAction"]] = true
	}
	if !actions["registration"] || !actions["expiration"] {
		k.fault("registration or expiration is missing (-46300, -46400)")
	}
	roles := map[any]int{}
	entities, _ := top["entities"].([]any)
	for _, v := range entities {
		e, _ := v.(map[string]any)
		role := e["roles"].([]any)[0]
		roles[role]++
		if role == "registrar" {
			k.registrar(e)
		}
	}
	if roles["registrar"] != 1 || roles["registrant"] > 1 || roles["technical"] > 1 {
		k.fault("roles are %v (-47300, -47301)", roles)
	}
}

// registrar checks -47400 to -47404 and -49205.
func (k *checker) registrar(e map[string]any) {
	ids, _ := e["publicIds"].([]any)
	if e["handle"] == "not applicable" {
		if ids != nil {
			k.fault("a registrar without an IANA ID has publicIds (-49205)")
		}
		return
	}
	id, _ := ids[0].(map[string]any)
	if len(ids) != 1 || id["identifier"] != e["handle"] || id["type"] != "IANA Registrar ID" {
		k.fault("the registrar's handle is %v, its publicIds are %v (-47403)", e["handle"], ids)
	}
}

// desks checks the entities in a registrar: each can be reached, the technical
// one by phone, for else it would have to be told as redacted (-65100).
func (k *checker) desks(registrar map[string]any) {
	entities, _ := registrar["entities"].([]any)
	for _, v := range entities {
		e, _ := v.(map[string]any)
		role := e["roles"].([]any)[0]
		reached := map[any]bool{}
		for _, p := range e["vcardArray"].([]any)[1].([]any) {
			reached[p.([]any)[0]] = true
		}
		if !reached["tel"] && (role == "technical" || !reached["email"]) {
			k.fault("the %v desk has %v (-47500, -65100)", role, reached)
		}
	}
}
