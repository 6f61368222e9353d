package rdap

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"

	"rddsd/server/rdap/rdapcheck"
)

// world is what IANA's lists would say of the registries and registrars of the tests.
var world = func() *rdapcheck.Registry {
	g := &rdapcheck.Registry{
		Suffixes:   map[string]bool{"CNIC": true},
		Registrars: map[int][]string{1: {}, 2: {}, 9995: {}},
		Local:      map[string]bool{"example": true, localTLD: true},
	}
	for i := range generatedRegistrars {
		id := firstGeneratedIANA + i
		g.Registrars[id] = append(g.Registrars[id], generatedBase(i))
	}
	g.Registrars[900001] = append(g.Registrars[900001], "https://rdap.registrar.example/")
	return g
}()

// check returns what is wrong with a body, one line a fault. asked is the URL that was
// asked for.
func check(body []byte, status int, asked string) []string {
	_, faults := checkResponse(rdapcheck.Response{URL: asked, Status: status, Body: body})
	return faults
}

// checkResponse returns what the body holds, and what is wrong with the answer: what
// ICANN's tools would find, and what we ask of ourselves besides (rdap.md §3.1, §3.3).
func checkResponse(r rdapcheck.Response) (any, []string) {
	var k house
	top, findings := rdapcheck.Inspect(r, world)
	for _, finding := range findings {
		k.fault("%v", finding)
	}
	if i := bytes.IndexFunc(r.Body, func(r rune) bool { return r < ' ' || r > '~' || r == '<' || r == '>' || r == '&' }); i >= 0 {
		k.fault("byte %d is %q: not plain ASCII, or markup", i, r.Body[i])
	}
	if top == nil {
		return nil, append(k.faults, "the body is no object")
	}
	k.asked = r.URL
	k.walk("$", top, "")
	k.terms(top)
	_, redacted := top["redacted"]
	named := bytes.Contains(r.Body, []byte(`"icann_rdap_technical_implementation_guide_1","redacted"]`))
	if isHelp := r.Status == http.StatusOK && top["objectClassName"] == nil && top["nameserverSearchResults"] == nil; named != (redacted || isHelp) {
		k.fault("rdapConformance names redacted: %v; the member is there: %v", named, redacted)
	}
	return top, k.faults
}

// house finds what our own rules forbid.
type house struct {
	asked  string
	faults []string
}

func (k *house) fault(format string, args ...any) {
	k.faults = append(k.faults, fmt.Sprintf(format, args...))
}

// walk checks what holds wherever it stands. name is the member that v is, or is an
// element of.
func (k *house) walk(path string, v any, name string) {
	switch v := v.(type) {
	case nil:
		k.fault("%s is null", path)
	case string:
		if v == "" {
			k.fault("%s is an empty string", path)
		}
	case []any:
		if len(v) == 0 {
			k.fault("%s is an empty array", path)
		}
		if name == "vcardArray" {
			k.card(path, v)
			return
		}
		for i, element := range v {
			k.walk(fmt.Sprintf("%s[%d]", path, i), element, name)
		}
	case map[string]any:
		if len(v) == 0 {
			k.fault("%s is an empty object", path)
		}
		switch ldh, _ := v["ldhName"].(string); {
		case name == "links":
			k.link(path, v)
		case v["unicodeName"] != nil && !strings.Contains("."+ldh, ".xn--"):
			k.fault("%s: %s is no IDN but has a unicodeName", path, ldh)
		}
		for member, element := range v {
			k.walk(path+"."+member, element, member)
		}
	}
}

// link checks that a link says no more than we mean, and what it says of itself.
func (k *house) link(path string, link map[string]any) {
	if len(link) != 4 {
		k.fault("%s has %d members", path, len(link))
	}
	want := "text/html"
	if link["rel"] == "self" || link["rel"] == "related" {
		want = mediaType
	}
	if link["type"] != want {
		k.fault("%s: type is %v, want %s", path, link["type"], want)
	}
	top := strings.HasPrefix(path, "$.links") || strings.HasPrefix(path, "$.notices")
	if top && link["rel"] != "about" && link["value"] != k.asked {
		k.fault("%s: value is %v, asked for was %s", path, link["value"], k.asked)
	}
	if !top && link["rel"] == "self" && link["value"] != link["href"] {
		k.fault("%s: the value of a nested self link is %v, its href %v", path, link["value"], link["href"])
	}
}

// card checks what may be empty in a jCard: names and parts of an address, where a
// redaction says why.
func (k *house) card(path string, array []any) {
	for i, v := range array[1].([]any) {
		at := fmt.Sprintf("%s[1][%d]", path, i)
		p := v.([]any)
		switch p[0] {
		case "adr":
			if lines, several := p[3].([]any)[2].([]any); several && len(lines) < 2 {
				k.fault("%s: the street is an array of %d", at, len(lines))
			}
		case "fn":
		default:
			if p[3] == "" {
				k.fault("%s: %v is empty", at, p[0])
			}
		}
	}
}

// terms checks the notice that each of our bodies begins with, those of errors too.
func (k *house) terms(top map[string]any) {
	list, _ := top["notices"].([]any)
	if len(list) == 0 {
		k.fault("there is no notice")
		return
	}
	notice, _ := list[0].(map[string]any)
	links, _ := notice["links"].([]any)
	if notice["title"] != "Terms of Service" || len(links) != 1 || links[0].(map[string]any)["rel"] != "terms-of-service" {
		k.fault("the first notice is %v", notice)
	}
}
