package rdap

import (
	"flag"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"rddsd/server/lookup"
	"rddsd/server/rdap/rdapcheck"
)

var long = flag.Bool("long", false, "look at 100,000 generated objects, not 10,000")

// TestGeneratedObjects renders objects of all kinds with awkward values, under three
// TLDs with a profile of their own: in each body ICANN's tools would find nothing, it
// meets ICANN's schemas, and no value that was withheld is in any (whois.md A-08);
// degraded, no contact value at all. Each tag is that of one body.
func TestGeneratedObjects(t *testing.T) {
	const domains, all = 1000, 1200 // of a seed
	objects := generatedObjects
	if *long {
		objects = 100_000
	}
	s := readSchemas(t)
	var looked atomic.Int64
	t.Cleanup(func() {
		if n := looked.Load(); n < int64(objects) && !t.Failed() {
			t.Errorf("%d objects were looked at, want %d", n, objects)
		}
	})
	for seed := range uint64(objects/all + 1) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			g := newGenerator(seed, domains)
			k := newAsker(g.view())
			k.finder = lookup.NewFinder(lookup.NewPolicies(nil, generatedPolicy))
			tags := map[string]string{} // the body that each stands for
			for _, target := range g.paths {
				k.degraded = false
				body, status := k.ask(t, target)
				if status != http.StatusOK {
					t.Fatalf("%s: status %d", target, status)
				}
				v, faults := checkResponse(rdapcheck.Response{URL: k.asked(target), Status: status, Body: body})
				if err := s.check(v); err != nil {
					faults = append(faults, err.Error())
				}
				for _, token := range tokens(body) {
					if g.hidden[token] {
						faults = append(faults, "holds "+token+", which is withheld")
					}
				}
				if len(faults) > 0 {
					t.Fatalf("%s:\n%s\n%s", target, strings.Join(faults, "\n"), body)
				}
				looked.Add(1)
				noteTag(t, k, target, tags)
				checkDegraded(t, k, target)
				noteTag(t, k, target, tags)
			}
		})
	}
}

// noteTag notes what the tag of the last body stands for: one tag, one body.
func noteTag(t *testing.T, k *asker, target string, tags map[string]string) {
	t.Helper()
	tag := string(appendTag(nil, k.body, k.marks))
	if body := k.unstamped(); tags[tag] == "" {
		tags[tag] = body
	} else if body != tags[tag] {
		t.Errorf("%s: the tag %s is that of another body:\n%s\n%s", target, tag, body, tags[tag])
	}
}

// checkDegraded asks the same over a budget: the body is that of contacts that
// disclosed nothing.
func checkDegraded(t *testing.T, k *asker, target string) {
	t.Helper()
	a := k.find(t, target)
	var shown []string
	if a.HasRegistrant {
		c := &a.Registrant
		shown = append(shown, c.Name, c.Org, c.City, c.PC, c.VoiceExt, c.FaxExt, c.Email)
		shown = append(shown, c.Street...)
	}
	if a.HasTech {
		shown = append(shown, a.Tech.Name, a.Tech.Email)
	}
	k.degraded = true
	body, status := k.ask(t, target)
	if k.answer.Class != lookup.Degraded {
		return // it is the body that was looked at
	}
	for _, fault := range check(body, status, k.asked(target)) {
		t.Errorf("%s, degraded: %s", target, fault)
	}
	for _, value := range shown {
		for _, token := range tokens([]byte(value)) {
			if strings.Contains(string(body), token) {
				t.Errorf("%s, degraded, holds %s", target, token)
			}
		}
	}
	if t.Failed() {
		t.FailNow()
	}
}

// tokens returns the tokens of the generator in text.
func tokens(text []byte) []string {
	var list []string
	rest := string(text)
	for {
		_, after, found := strings.Cut(rest, "tok")
		if !found {
			return list
		}
		end := strings.IndexByte(after, 'x')
		list = append(list, "tok"+after[:end+1])
		rest = after
	}
}
