package rdapcheck

import (
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// isReservedID reports whether a registrar ID leads to no RDAP service: those for tests,
// pre-delegation and the registry itself.
func isReservedID(id int) bool { return id >= 9994 && id <= 9999 }

func (c *checker) domain() {
	c.members(-12201, "$", c.top, "rdapConformance", "notices", "remarks", "lang", "objectClassName", "handle", "ldhName",
		"unicodeName", "variants", "nameservers", "secureDNS", "entities", "status", "publicIds", "events", "links", "port43", "redacted")
	c.class("$", c.top, "domain", -12203)
	c.asked(-46100, -46101)
	c.bootstrap()
	c.domainHandle()
	if status, has := c.top["status"]; !has || len(list(status)) == 0 {
		c.report(-47100, "$")
	}
	if illegal(c.top["status"]) {
		c.report(-46900, "$.status")
	}
	c.grace()
	actions := map[any]bool{}
	for _, event := range objectsIn(c.top["events"]) {
		actions[event["eventAction"]] = true
	}
	for action, code := range map[string]int{"registration": -46300, "expiration": -46400, "last update of RDAP database": -43100} {
		if !actions[action] {
			c.report(code, "$.events")
		}
	}
	if _, has := c.top["secureDNS"]; !has {
		c.report(-46800, "$")
	}
	c.profileNotices()
	c.related(c.sponsor())
	c.otherEntities()
}

// class checks the member objectClassName.
func (c *checker) class(path string, o object, want string, code int) {
	switch v, has := o["objectClassName"]; {
	case !has:
		c.report(-13003, path)
	case v != want:
		c.report(code, path)
	}
}

// asked checks that the name is told in the form in which it was asked for, and that
// what was asked for is a name.
func (c *checker) asked(ldh, unicode int) {
	name, hasLDH := c.top["ldhName"]
	_, hasUnicode := c.top["unicodeName"]
	isUnicode := strings.IndexFunc(c.name, func(r rune) bool { return r > '~' }) >= 0
	if !hasLDH {
		c.report(ldh, "$")
	}
	// What is LDH but for the width of its letters or dots was not asked for in U-labels.
	if s, _ := name.(string); isUnicode && !hasUnicode && strings.Contains("."+strings.ToLower(s), ".xn--") {
		c.report(unicode, "$")
	}
	if !isUnicode {
		c.labels("the URL", strings.Split(c.name, "."), len(c.name), nameCodes{-10300, -10301, -10302, -10303}, isLDH)
	}
}

// bootstrap checks that the URL lies below what IANA's file says of the TLD.
func (c *checker) bootstrap() {
	if c.registry.Bases == nil {
		return
	}
	bases := c.registry.Bases[lastLabel(c.name)]
	if len(bases) == 0 {
		c.report(-23100, "the URL")
		return
	}
	below := false
	for _, base := range bases {
		below = below || strings.HasPrefix(c.URL, base)
		if !strings.HasPrefix(base, "https://") {
			c.report(-23102, base)
		}
	}
	if !below {
		c.report(-23101, "the URL")
	}
}

// roid is the form of EPP's repository object identifiers (RFC 5730 §2.8).
var roid = regexp.MustCompile(`^\w{1,80}-\w{1,8}$`)

// suffix returns what stands behind the first hyphen of a handle.
func suffix(handle string) string {
	_, after, _ := strings.Cut(handle, "-")
	return after
}

// testSuffix is that of ICANN's own test objects.
const testSuffix = "ICANNRST"

// repository checks the form of a ROID and its suffix.
func (c *checker) repository(path, handle string, form, unknown int) {
	if !roid.MatchString(handle) {
		c.report(form, path)
	} else if !c.registry.Suffixes[suffix(handle)] {
		c.report(unknown, path)
	}
}

func (c *checker) domainHandle() {
	entry := entryOf(c.top, "Registry Domain ID")
	handle, has := c.top["handle"].(string)
	if has {
		c.repository("$.handle", handle, -46200, -46201)
		if suffix(handle) == testSuffix {
			c.report(-46205, "$.handle")
		}
		if entry != nil {
			c.report(-46206, "$.redacted")
		}
	}
	if _, present := c.top["handle"]; present {
		return
	}
	if entry == nil {
		c.report(-46202, "$")
		return
	}
	if path, has := entry["prePath"]; has && path != "$.handle" {
		c.report(-46203, "$.redacted")
	}
	if method, has := entry["method"]; has && method != "removal" {
		c.report(-46204, "$.redacted")
	}
}

// grace checks the statuses that need another (RFC 3915).
func (c *checker) grace() {
	values, _ := stringsIn(c.top["status"])
	if contains(values, "pending delete") {
		return
	}
	if contains(values, "redemption period") {
		c.report(-47001, "$.status")
	}
	if contains(values, "pending restore") {
		c.report(-47002, "$.status")
	}
}

// profileNotices checks the two notices that the profile demands, word for word.
func (c *checker) profileNotices() {
	for _, want := range []struct {
		codes                         [6]int // title, description, links, href, rel, value
		title, description, rel, href string
	}{
		{
			[6]int{-46601, -46602, -46603, -46604, -46605, -46606},
			"Status Codes",
			"For more information on domain status codes, please visit https://icann.org/epp", "glossary", "https://icann.org/epp",
		},
		{
			[6]int{-46701, -46702, -46703, -46704, -46705, -46706},
			"RDDS Inaccuracy Complaint Form",
			"URL of the ICANN RDDS Inaccuracy Complaint Form: https://icann.org/wicf", "help", "https://icann.org/wicf",
		},
	} {
		var notice object
		for _, n := range objectsIn(c.top["notices"]) {
			if same(n["title"], want.title) {
				notice = n // of several it is the last that counts
			}
		}
		if notice == nil {
			c.report(want.codes[0], "$.notices")
			continue
		}
		if lines := list(notice["description"]); len(lines) == 0 || !same(lines[0], want.description) {
			c.report(want.codes[1], "$.notices")
		}
		links := objectsIn(notice["links"])
		if len(links) == 0 {
			c.report(want.codes[2], "$.notices")
			continue
		}
		link := links[0]
		if !same(link["href"], want.href) {
			c.report(want.codes[3], "$.notices")
		}
		if link["rel"] != want.rel {
			c.report(want.codes[4], "$.notices")
		}
		if link["value"] != c.URL {
			c.report(want.codes[5], "$.notices")
		}
	}
}

// same compares as the tool does: letter case and blanks at the ends apart.
func same(v any, want string) bool {
	s, ok := v.(string)
	return ok && strings.EqualFold(strings.TrimSpace(s), want)
}

// related checks the link to the same domain at the registrar with the ID.
func (c *checker) related(id int) {
	answers, leads := false, false
	for i, link := range objectsIn(c.top["links"]) {
		answers = answers || link["value"] == c.URL
		if href, ok := link["href"].(string); link["rel"] == "related" && ok {
			leads = true
			if !strings.Contains(href, "domain/") {
				c.report(-23202, fmt.Sprintf("$.links[%d]", i))
			}
		}
	}
	if !leads && c.gtld && !isReservedID(id) {
		c.report(-23200, "$.links")
	}
	if !answers {
		c.report(-23201, "$.links")
	}
}

// sponsor checks the registrar of a domain, and returns its ID, 0 if it has none.
func (c *checker) sponsor() int {
	id, found := 0, 0
	for i, e := range objectsIn(c.top["entities"]) {
		if !hasRole(e, "registrar") {
			continue
		}
		at := fmt.Sprintf("$.entities[%d]", i)
		if found++; found > 1 {
			c.report(-47301, at)
			continue
		}
		if name, _ := value(e, "fn").(string); name == "" {
			c.report(-47302, at)
		}
		if !c.gtld && e["handle"] == "not applicable" {
			continue
		}
		id = c.registrarID(at, e, [5]int{-47400, -47401, -47402, -47403, -47404})
		c.about(at, e, id)
		if abuse := roleIn(e, "abuse"); abuse == nil || value(abuse, "tel") == nil || value(abuse, "email") == nil {
			c.report(-47500, at)
		}
	}
	if found == 0 {
		c.report(-47300, "$.entities")
	}
	return id
}

// registrarID checks the handle and the public ID of a registrar. The codes tell that
// there is no public ID, that it is no number, that the handle is none, that they are
// different, and that IANA does not list it.
func (c *checker) registrarID(at string, e object, codes [5]int) int {
	identifier, has := "", false
	for _, public := range objectsIn(e["publicIds"]) {
		if public["type"] == "IANA Registrar ID" {
			identifier, _ = public["identifier"].(string)
			has = true
		}
	}
	handle, _ := e["handle"].(string)
	if !has {
		c.report(codes[0], at)
		return 0
	}
	public, noID := strconv.ParseUint(identifier, 10, 31)
	own, noHandle := strconv.ParseUint(handle, 10, 31)
	switch {
	case noID != nil || public == 0:
		c.report(codes[1], at)
	case noHandle != nil:
		c.report(codes[2], at)
	case public != own:
		c.report(codes[3], at)
	case c.registry.Registrars[int(own)] == nil:
		c.report(codes[4], at)
	default:
		c.listed(at, int(own))
	}
	return int(public)
}

func (c *checker) listed(at string, id int) {
	for _, listed := range c.registry.Registrars[id] {
		if !strings.HasPrefix(listed, "https://") {
			c.report(-26102, at)
		}
	}
}

// about checks the link to the web site of a registrar with the ID.
func (c *checker) about(at string, e object, id int) {
	for _, link := range objectsIn(e["links"]) {
		if link["rel"] != "about" {
			continue
		}
		value, has := link["value"].(string)
		switch listed := c.registry.Registrars[id]; {
		case !has:
		case len(listed) > 0 && !contains(listed, value):
			c.report(-47701, at)
		case !strings.HasPrefix(value, "https://"):
			c.report(-47702, at)
		}
		return
	}
	c.report(-47700, at)
}

// otherEntities checks the handles of contacts that no redaction may take.
func (c *checker) otherEntities() {
	for i, e := range objectsIn(c.top["entities"]) {
		at := fmt.Sprintf("$.entities[%d]", i)
		handle, has := e["handle"].(string)
		if hasRole(e, "registrar") {
			continue
		}
		if suffix(handle) == testSuffix {
			c.report(-52106, at)
		}
		if hasRole(e, "registrant") || hasRole(e, "technical") || hasRole(e, "reseller") {
			continue
		}
		if !has {
			c.report(-47600, at)
		} else {
			c.repository(at, handle, -47600, -47601)
		}
	}
}

// Zone signing algorithms and digest types that IANA lists.
var (
	algorithms  = map[string]bool{"3": true, "5": true, "6": true, "7": true, "8": true, "10": true, "12": true, "13": true, "14": true, "15": true, "16": true}
	digestTypes = map[string]bool{"1": true, "2": true, "3": true, "4": true}
	hexDigits   = regexp.MustCompile(`^[0-9A-Fa-f]+$`)
)

func (c *checker) secureDNS(path string, v any) {
	o, ok := v.(object)
	if !ok {
		c.report(-12000, path)
		return
	}
	c.members(-12001, path, o, "zoneSigned", "delegationSigned", "maxSigLife", "dsData", "keyData")
	if signed, has := o["zoneSigned"]; has && !isBool(signed) {
		c.report(-12003, path)
	}
	switch signed, has := o["delegationSigned"]; {
	case !has:
		c.report(-12004, path)
	case !isBool(signed):
		c.report(-12005, path)
	case signed == true && o["dsData"] == nil && o["keyData"] == nil:
		c.report(-12007, path)
	}
	if life, has := o["maxSigLife"]; has && !within(life, 1, 1<<31-1) {
		c.report(-12006, path)
	}
	records, has := o["dsData"]
	if !has {
		return
	}
	for i, ds := range c.objects(-12008, path+".dsData", records) {
		at := fmt.Sprintf("%s.dsData[%d]", path, i)
		if ds == nil {
			continue
		}
		c.members(-12009, at, ds, "keyTag", "algorithm", "digest", "digestType", "events", "links")
		for _, member := range []struct {
			name string
			code int
			ok   func(v any) bool
		}{
			{"keyTag", -12012, func(v any) bool { return within(v, 1, 65535) }},
			{"algorithm", -12013, func(v any) bool { return isNumberIn(algorithms, v) }},
			{"digest", -12014, func(v any) bool { s, _ := v.(string); return hexDigits.MatchString(s) }},
			{"digestType", -12015, func(v any) bool { return isNumberIn(digestTypes, v) }},
		} {
			if v, has := ds[member.name]; !has {
				c.report(-12011, at)
			} else if !member.ok(v) {
				c.report(member.code, at)
			}
		}
	}
}

func isBool(v any) bool {
	_, ok := v.(bool)
	return ok
}

func within(v any, least, most int64) bool {
	number, _ := v.(json.Number)
	n, err := number.Int64()
	return err == nil && least <= n && n <= most
}

func isNumberIn(values map[string]bool, v any) bool {
	number, ok := v.(json.Number)
	return ok && values[number.String()]
}

// help checks what is asked for help.
func (c *checker) help() {
	u, err := url.Parse(c.URL)
	if err == nil && strings.HasSuffix(u.Path, "/help") && c.kind != help {
		c.report(-20701, "the status")
	}
	if err == nil && strings.HasSuffix(u.Path, "/domain/not-a-domain.invalid") && c.Status != 404 {
		c.report(-65300, "the status")
	}
	if err == nil && strings.HasSuffix(u.Path, "/domain/test.invalid") && c.Status == 200 {
		c.report(-13006, "the status")
	}
}
