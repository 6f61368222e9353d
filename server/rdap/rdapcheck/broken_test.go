package rdapcheck

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// goodBase is the base URL of the golden answers.
const goodBase = "https://rdap.nic.coop/"

// good are answers without a fault, and what was asked for.
var good = map[string]struct {
	target string
	status int
}{
	"domain":      {"domain/example.coop", http.StatusOK},
	"published":   {"domain/published.coop", http.StatusOK},
	"idn":         {"domain/caf%C3%A9.coop?a=%3Cscript%3E&b", http.StatusOK},
	"nameserver":  {"nameserver/ns1.example.coop", http.StatusOK},
	"nameservers": {"nameservers?ip=198.41.0.4", http.StatusOK},
	"registrar":   {"entity/900001", http.StatusOK},
	"help":        {"help", http.StatusOK},
	"notfound":    {"domain/nosuchname.coop", http.StatusNotFound},
}

// known is what the world knows of the registry that the good answers are about.
func known() *Registry {
	return &Registry{
		Suffixes:   map[string]bool{"CNIC": true, testSuffix: true},
		Registrars: map[int][]string{900001: {"https://rdap.registrar.example/"}, 9995: {}},
		Bases:      map[string][]string{"coop": {goodBase}},
	}
}

func goodResponse(t *testing.T, name string) Response {
	t.Helper()
	body, err := os.ReadFile(filepath.Join("..", "testdata", "golden", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	return Response{
		URL: goodBase + good[name].target, Status: good[name].status, Body: body,
		Header: http.Header{"Content-Type": {"application/rdap+json"}, "Access-Control-Allow-Origin": {"*"}},
	}
}

// broken is a good answer and what was done to it: places and their new values in turns.
// A place is a path of members and indexes, whose value is JSON, "" to take it away;
// "URL", "STATUS", a field of the header with a colon behind it, "listed" or "bases" for
// what the world knows, or "~" and a text of the body, whose value is another.
type broken struct {
	code  int
	good  string
	edits []string
}

func breaking(code int, good string, edits ...string) broken { return broken{code, good, edits} }

// apply returns the answer with its edits made.
func (b broken) apply(t *testing.T) (Response, *Registry) {
	t.Helper()
	r, g := goodResponse(t, b.good), known()
	for i := 0; i < len(b.edits); i += 2 {
		place, to := b.edits[i], b.edits[i+1]
		switch {
		case place == "URL":
			r.Body = []byte(strings.ReplaceAll(string(r.Body), encoded(r.URL), encoded(to)))
			r.URL = to
		case place == "STATUS":
			status, err := strconv.Atoi(to)
			if err != nil {
				t.Fatal(err)
			}
			r.Status = status
		case place == "listed":
			g.Registrars[900001] = strings.Fields(to)
		case place == "bases":
			g.Bases["coop"] = strings.Fields(to)
			if to == "" {
				g.Bases = nil
			}
		case strings.HasPrefix(place, "~"):
			if !strings.Contains(string(r.Body), place[1:]) {
				t.Fatalf("%d: the answer %s has no %s", b.code, b.good, place[1:])
			}
			r.Body = []byte(strings.Replace(string(r.Body), place[1:], to, 1))
		case strings.HasSuffix(place, ":"):
			r.Header.Set(strings.TrimSuffix(place, ":"), to)
			if to == "" {
				r.Header.Del(strings.TrimSuffix(place, ":"))
			}
		default:
			var top any
			if err := json.Unmarshal(r.Body, &top); err != nil {
				t.Fatal(err)
			}
			top = edit(t, top, strings.Split(place, "."), to)
			var err error
			if r.Body, err = json.Marshal(top); err != nil {
				t.Fatal(err)
			}
		}
	}
	return r, g
}

// encoded returns url as it stands in a body.
func encoded(url string) string { return strings.ReplaceAll(url, "&", `\u0026`) }

// edit returns v with the value at path changed. An index behind the end appends.
func edit(t *testing.T, v any, path []string, to string) any {
	t.Helper()
	if len(path) == 0 {
		var changed any
		if err := json.Unmarshal([]byte(to), &changed); err != nil {
			t.Fatalf("%s: %v", to, err)
		}
		return changed
	}
	switch v := v.(type) {
	case map[string]any:
		if len(path) == 1 && to == "" {
			if _, has := v[path[0]]; !has {
				t.Fatalf("there is no %s", path[0])
			}
			delete(v, path[0])
			return v
		}
		v[path[0]] = edit(t, v[path[0]], path[1:], to)
		return v
	case []any:
		i, err := strconv.Atoi(path[0])
		if err != nil || i > len(v) {
			t.Fatalf("there is no element %s", path[0])
		}
		if len(path) == 1 && to == "" {
			return slices.Delete(v, i, i+1)
		}
		if i == len(v) {
			v = append(v, nil)
		}
		v[i] = edit(t, v[i], path[1:], to)
		return v
	}
	t.Fatalf("nothing is at %v", path)
	return nil
}

func TestGoodAnswersHaveNoFindings(t *testing.T) {
	for name := range good {
		for _, finding := range Check(goodResponse(t, name), known()) {
			t.Errorf("%s: %v", name, finding)
		}
	}
}

// TestEachRuleFires: for each code there is an answer that breaks its rule and no other.
func TestEachRuleFires(t *testing.T) {
	fired := map[int]bool{}
	for _, b := range slices.Concat(brokenExchanges(), brokenCommon(), brokenDomains(), brokenEntities(), brokenRedactions()) {
		r, g := b.apply(t)
		codes := map[int]bool{}
		for _, finding := range Check(r, g) {
			codes[finding.Code] = true
		}
		if !codes[b.code] || len(codes) != 1 {
			t.Errorf("%s with %q: found %v, want %d alone", b.good, b.edits, codes, b.code)
		}
		fired[b.code] = true
	}
	for _, code := range exchangeCodes {
		fired[code] = true // TestExchanges has them
	}
	for code, demand := range Rules {
		if !fired[code] {
			t.Errorf("nothing breaks rule %d: %s", code, demand)
		}
	}
	for code := range fired {
		if Rules[code] == "" {
			t.Errorf("there is no rule %d", code)
		}
	}
	t.Logf("%d rules", len(Rules))
}

// TestEachCodeIsAccountedFor holds the rules against the list of codes that apply to a
// registry (rdap.md §7): each is checked, or left out for a reason.
func TestEachCodeIsAccountedFor(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("testdata", "codes.txt"))
	if err != nil {
		t.Fatal(err)
	}
	listed := map[int]bool{}
	for _, field := range strings.Fields(string(text)) {
		code, err := strconv.Atoi(field)
		if err != nil {
			t.Fatal(err)
		}
		listed[code] = true
	}
	account := map[int]int{}
	for code := range Rules {
		account[code]++
	}
	for _, codes := range LeftOut {
		for _, code := range codes {
			account[code]++
		}
	}
	for code := range listed {
		if account[code] != 1 {
			t.Errorf("code %d is accounted for %d times", code, account[code])
		}
	}
	for code := range account {
		if !listed[code] {
			t.Errorf("code %d is on no list", code)
		}
	}
}

// TestSelectPath shows what the paths of redactions select.
func TestSelectPath(t *testing.T) {
	r := goodResponse(t, "published")
	var top any
	if err := json.Unmarshal(r.Body, &top); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ path, want string }{
		{"$.handle", "[D1234568-CNIC]"},
		{"$.nosuch", "[]"},
		{"$.entities[?(@.roles[0]=='registrant')].handle", "[C500-CNIC]"},
		{"$.entities[?(@.roles[0]=='technical')].vcardArray[1][?(@[0]=='tel' && @[1].type=='voice')][3]", "[tel:+34.931234569]"},
		{"$.entities[?(@.roles[0]=='technical')].vcardArray[1][?(@[0]=='tel' && @[1].type=='fax')][3]", "[]"},
		{"$.entities[?(@.roles[0]=='registrant')].vcardArray[1][?(@[0]=='adr')][3][3]", "[Barcelona]"},
		{"handle", errPath.Error()},
		{"$handle", errPath.Error()},
		{"$.", errPath.Error()},
		{"$.entities[x]", errPath.Error()},
		{"$.entities[1", errPath.Error()},
		{"$.nosuch[?(@.roles[0])]", errPath.Error()},
		{"$.entities[?(roles=='x')]", errPath.Error()},
	} {
		selected, err := selectPath(top, test.path)
		got := fmt.Sprint(selected)
		if err != nil {
			got = err.Error()
		}
		if got != test.want {
			t.Errorf("selectPath(%s) = %s, want %s", test.path, got, test.want)
		}
	}
}
