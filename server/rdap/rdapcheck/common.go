package rdapcheck

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

var (
	scriptTag   = regexp.MustCompile(`(?i)<[^>]*script[^>]*>`)
	languageTag = regexp.MustCompile(`^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$`)
)

// conformance checks the member rdapConformance of the topmost object.
func (c *checker) conformance() {
	v, has := c.top["rdapConformance"]
	ids, ok := stringsIn(v)
	switch {
	case (!has || !ok) && c.kind == failure:
		c.report(-12107, "$")
		return
	case !has:
		c.report(-10504, "$")
		return
	case !ok:
		c.report(-10500, "$.rdapConformance")
		return
	}
	_, redacted := c.top["redacted"]
	for _, demanded := range []struct {
		code int
		id   string
		want bool
	}{
		{-61000, "icann_rdap_technical_implementation_guide_1", true},
		{-61001, "icann_rdap_technical_implementation_guide_0", false},
		{-62000, "icann_rdap_response_profile_1", true},
		{-62006, "icann_rdap_response_profile_0", false},
		{-62001, "redacted", redacted || contains(ids, "redacted")},
	} {
		if contains(ids, demanded.id) != demanded.want {
			c.report(demanded.code, "$.rdapConformance")
		}
	}
	for _, id := range ids {
		if !contains(extensions, id) {
			c.report(102, "$.rdapConformance")
		}
	}
}

// stringsIn returns the array v if it holds strings alone.
func stringsIn(v any) (all []string, ok bool) {
	elements, ok := v.([]any)
	for _, element := range elements {
		s, isString := element.(string)
		all, ok = append(all, s), ok && isString
	}
	return all, ok
}

func (c *checker) links(path string, v any) {
	for i, link := range c.objects(-10600, path, v) {
		if link == nil {
			continue
		}
		at := fmt.Sprintf("%s[%d]", path, i)
		c.members(-10601, at, link, "value", "rel", "href", "hreflang", "title", "media", "type")
		for member, code := range map[string]int{"value": -10612, "href": -10610, "rel": -10613} {
			if _, has := link[member]; !has {
				c.report(code, at)
			}
		}
		c.webURL(at+".value", link["value"])
		c.webURL(at+".href", link["href"])
		rel := link["rel"]
		if rel != nil && !isIn(linkRelations, rel) {
			c.report(-10604, at)
		}
		if media, has := link["media"]; has && !isIn(linkMedia, media) {
			c.report(-10603, at)
		}
		mediaType, typed := link["type"]
		if typed && !isIn(mediaTypes, mediaType) {
			c.report(-10605, at)
			continue
		}
		c.isString(-10606, at, link, "title")
		c.hreflang(at, link["hreflang"])
		for _, own := range []struct {
			rel              any
			without, another int
		}{{"related", 202, 203}, {"self", 204, 205}} {
			switch {
			case rel != own.rel:
			case !typed:
				c.report(own.without, at)
			case mediaType != "application/rdap+json":
				c.report(own.another, at)
			}
		}
	}
}

func (c *checker) hreflang(path string, v any) {
	tags := []any{v}
	if several, ok := v.([]any); ok {
		tags = several
	}
	for _, tag := range tags {
		switch s, ok := tag.(string); {
		case tag == nil && v == nil:
		case !ok:
			c.report(-10607, path)
		case !languageTag.MatchString(s):
			c.report(-10608, path)
		}
	}
}

// webURL checks v, which may be missing.
func (c *checker) webURL(path string, v any) {
	if v == nil {
		return
	}
	s, _ := v.(string)
	u, err := url.Parse(s)
	switch {
	case err != nil || s == "" || strings.ContainsAny(s, " <>\"\\^`{|}"):
		c.report(-10400, path)
	case u.Scheme != "http" && u.Scheme != "https":
		c.report(-10401, path)
	case !isPublicHost(u.Hostname()):
		c.report(-10402, path)
	}
}

func isPublicHost(host string) bool {
	if addr, err := netip.ParseAddr(host); err == nil {
		return !special(addr)
	}
	return strings.Contains(host, ".") && isHost(host)
}

// isHost reports whether s has the labels of a host name.
func isHost(s string) bool {
	for label := range strings.SplitSeq(s, ".") {
		if !isLDH(label) || len(label) > 63 {
			return false
		}
	}
	return len(s) <= 253
}

// isLDH reports whether label is letters, digits and hyphens, none at its ends.
// Underscores stand in the names of hosts (whois.md Q-10).
func isLDH(label string) bool {
	for i := 0; i < len(label); i++ {
		if c := label[i]; (c|0x20 < 'a' || c|0x20 > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return label != "" && label[0] != '-' && label[len(label)-1] != '-'
}

func (c *checker) notices(path string, v any) {
	for i, notice := range c.objects(-10700, path, v) {
		if notice == nil {
			continue
		}
		at := fmt.Sprintf("%s[%d]", path, i)
		c.members(-10701, at, notice, "title", "type", "description", "links")
		c.isString(-10703, at, notice, "title")
		if s, has := c.isString(-10705, at, notice, "type"); has && !contains(noticeTypes, s) {
			c.report(-10706, at)
		}
		description, has := notice["description"]
		lines, isList := description.([]any)
		switch _, strings := stringsIn(description); {
		case !has || isList && len(lines) == 0:
			c.report(-10707, at)
		case !isList:
			c.report(-10708, at)
		case !strings:
			c.report(-10709, at)
		}
	}
}

func (c *checker) events(path string, v any) {
	seen := map[any]bool{}
	for i, event := range c.objects(-10900, path, v) {
		if event == nil {
			continue
		}
		at := fmt.Sprintf("%s[%d]", path, i)
		c.members(-10901, at, event, "eventAction", "eventDate", "eventActor", "links")
		if _, has := event["eventAction"]; !has {
			c.report(-10903, at)
		} else if action, ok := c.isString(-10904, at, event, "eventAction"); ok {
			if !contains(eventActions, action) {
				c.report(-10905, at)
			}
			if seen[action] {
				c.report(-10912, at)
			}
			seen[action] = true
		}
		if _, has := event["eventDate"]; !has {
			c.report(-10906, at)
		} else if date, ok := c.isString(-10907, at, event, "eventDate"); ok {
			if _, err := time.Parse(time.RFC3339Nano, date); err != nil {
				c.report(-10908, at)
			}
		}
		c.isString(-10909, at, event, "eventActor")
		if event["links"] != nil && event["eventActor"] == nil {
			c.report(-10910, at)
		}
	}
}

func (c *checker) status(path string, v any) {
	values, isList := v.([]any)
	if !isList {
		c.report(-11000, path)
		return
	}
	seen := map[string]bool{}
	for _, value := range values {
		s, ok := value.(string)
		switch {
		case !ok:
			c.report(-11001, path)
			continue
		case !contains(statuses, s):
			c.report(-11002, path)
		case seen[s]:
			c.report(-11003, path)
		}
		seen[s] = true
	}
}

// illegal reports whether the statuses contradict each other (RFC 5731 §2.3, RFC 5732
// §2.3).
func illegal(v any) bool {
	values, _ := stringsIn(v)
	has := map[string]bool{}
	pending := 0
	for _, s := range values {
		has[s] = true
	}
	for _, operation := range []string{"create", "delete", "renew", "transfer", "update"} {
		if has["pending "+operation] {
			pending++
			if has["client "+operation+" prohibited"] || has["server "+operation+" prohibited"] {
				return true
			}
		}
	}
	for s := range has {
		other := s == "inactive" || strings.HasSuffix(s, " hold") || strings.HasSuffix(s, " prohibited") ||
			strings.HasPrefix(s, "pending ") && s != "pending restore"
		if has["active"] && other {
			return true
		}
	}
	return pending > 1 || has["redemption period"] && has["pending restore"]
}

func (c *checker) publicIDs(path string, v any) {
	for i, id := range c.objects(-11200, path, v) {
		if id == nil {
			continue
		}
		at := fmt.Sprintf("%s[%d]", path, i)
		c.members(-11201, at, id, "type", "identifier")
		_, hasType := id["type"]
		if _, hasID := id["identifier"]; !hasType || !hasID {
			c.report(-11203, at)
		}
		c.isString(-11204, at, id, "type")
		c.isString(-11205, at, id, "identifier")
	}
}

func (c *checker) variants(path string, v any) {
	for i, variant := range c.objects(-11500, path, v) {
		if variant == nil {
			continue
		}
		at := fmt.Sprintf("%s[%d]", path, i)
		c.members(-11501, at, variant, "relation", "idnTable", "variantNames")
		if len(variant) == 0 {
			c.report(300, at)
		}
		if relation, has := variant["relation"]; has {
			values, isList := relation.([]any)
			if !isList {
				c.report(-11503, at)
			}
			for _, value := range values {
				if s, ok := value.(string); !ok {
					c.report(-11504, at)
				} else if !contains(variantRelations, s) {
					c.report(-11505, at)
				}
			}
		}
		c.isString(-11506, at, variant, "idnTable")
		if names, has := variant["variantNames"]; has {
			for _, name := range c.objects(-11507, at, names) {
				c.members(-11508, at, name, "ldhName", "unicodeName")
			}
		}
	}
}

// ldhName checks the form of a name in A-labels. Whether an A-label decodes is the
// registry's business.
func (c *checker) ldhName(path string, v any) {
	s, _ := v.(string)
	c.labels(path, strings.Split(s, "."), len(s), nameCodes{-11700, -11701, -11702, -11703}, isLDH)
}

// unicodeName checks the form of a name in U-labels, and that it is that of o's ldhName.
func (c *checker) unicodeName(path string, v any, o object) {
	s, _ := v.(string)
	ascii, err := idna.Punycode.ToASCII(s)
	if err != nil {
		ascii = s
	}
	before := len(c.findings)
	c.labels(path, strings.Split(ascii, "."), len(ascii), nameCodes{-11600, -11601, -11602, 0}, func(string) bool { return true })
	if len(c.findings) > before {
		return
	}
	for label := range strings.SplitSeq(s, ".") {
		if !isULabel(label) {
			c.report(-11603, path)
			return
		}
	}
	if ldh, ok := o["ldhName"].(string); ok && !strings.EqualFold(ascii, ldh) {
		c.report(902, path)
	}
}

// isULabel reports whether label could be a U-label, or is LDH.
func isULabel(label string) bool {
	for _, r := range label {
		if r >= utf8.RuneSelf && (unicode.IsSpace(r) || unicode.IsControl(r) || r == utf8.RuneError) || r < utf8.RuneSelf && !isLDH("a"+string(r)+"a") {
			return false
		}
	}
	return label != ""
}

// nameCodes are the codes of a name: a label that is too long, a name that is, fewer
// than two labels, a label that is none.
type nameCodes struct{ label, name, two, invalid int }

func (c *checker) labels(path string, labels []string, length int, codes nameCodes, valid func(label string) bool) {
	long := false
	for _, label := range labels {
		long = long || len(label) > 63
		if !valid(label) {
			c.report(codes.invalid, path)
			return
		}
	}
	switch {
	case long:
		c.report(codes.label, path)
	case length > 253:
		c.report(codes.name, path)
	case len(labels) < 2:
		c.report(codes.two, path)
	}
}

func (c *checker) port43(path string, v any) {
	s, _ := v.(string)
	if _, err := netip.ParseAddr(s); err != nil && !isPublicHost(s) {
		c.report(-11100, path)
	}
}

// failed checks the body of an error.
func (c *checker) failed() {
	switch code, has := c.top["errorCode"]; number := code.(type) {
	case json.Number:
		if number.String() != fmt.Sprint(c.Status) {
			c.report(-12108, "$.errorCode")
		}
	default:
		if !has {
			c.report(-12101, "$")
		} else {
			c.report(-12103, "$.errorCode")
		}
	}
	c.isString(-12104, "$", c.top, "title")
	if description, has := c.top["description"]; has {
		if _, isList := description.([]any); !isList {
			c.report(-12105, "$.description")
		} else if _, ok := stringsIn(description); !ok {
			c.report(-12106, "$.description")
		}
	}
}

// terms checks the notice that every answer has.
func (c *checker) terms() {
	found := false
	for _, notice := range objectsIn(c.top["notices"]) {
		for _, link := range objectsIn(notice["links"]) {
			if link["rel"] != "terms-of-service" {
				continue
			}
			found = true
			if value, has := link["value"]; has && value != c.URL {
				c.report(-61202, "$.notices")
			}
		}
	}
	if !found {
		c.report(-61200, "$.notices")
	}
}

func isTag(v any) bool {
	s, ok := v.(string)
	return ok && languageTag.MatchString(s)
}

// isIn reports whether v is a string of values.
func isIn(values []string, v any) bool {
	s, ok := v.(string)
	return ok && contains(values, s)
}
