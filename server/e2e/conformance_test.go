package e2e

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"rddsd/cache"
	"rddsd/server/lookup"
	"rddsd/server/rdap"
	"rddsd/server/rdap/rdapcheck"
)

// TestGeneratedRegistryConforms: in the answers about a generated registry, of objects of
// all kinds and under each contact model, ICANN's tools would find nothing. The list of
// registrars is the registry's own, and the suffix of its ROIDs counts as registered.
func TestGeneratedRegistryConforms(t *testing.T) {
	names := 3000
	if *long {
		names = 100_000
	}
	const base = "https://rdap.nic.coop/"
	view, domains := generatedView(t, names)
	finder := lookup.NewFinder(lookup.NewPolicies(nil, func(tld string) lookup.Policy {
		return lookup.Policy{TLD: tld, BaseURL: base, Port43: "whois.nic.coop", TermsURL: "https://www.nic.coop/terms", HelpURL: "https://www.nic.coop/help"}
	}))
	world := &rdapcheck.Registry{
		Suffixes: map[string]bool{"COOP": true}, Registrars: map[int][]string{}, Bases: map[string][]string{"coop": {base}},
	}
	targets := []string{"help"}
	for _, r := range view.Registrars() {
		targets = append(targets, "entity/"+url.PathEscape(r.Name), fmt.Sprint("entity/", r.IANA))
		world.Registrars[r.IANA] = []string{}
		if r.RDAPURL != "" {
			world.Registrars[r.IANA] = []string{r.RDAPURL}
		}
	}
	for _, name := range domains {
		targets = append(targets, "domain/"+name)
	}
	var (
		asked   = map[string]bool{}
		answer  lookup.Answer
		body    []byte
		status  int
		counted = map[lookup.Object]int{}
		bad     int
	)
	for i := 0; i < len(targets); i++ { // hosts are added on the way
		target := targets[i]
		if asked[target] {
			continue
		}
		asked[target] = true
		find(t, finder, view, target, &answer)
		if answer.Class != lookup.Found && answer.Class != lookup.Help && answer.Class != lookup.Reserved {
			t.Fatalf("%s is %s", target, answer.Class)
		}
		for _, degraded := range []bool{false, true} {
			if degraded {
				answer.WithoutContacts()
				if answer.Class != lookup.Degraded {
					break
				}
			}
			body, status = rdap.AppendBody(body[:0], &answer, rdap.AppendURL(nil, base, []byte(target)))
			counted[answer.Object]++
			for _, finding := range rdapcheck.Check(rdapcheck.Response{URL: base + target, Status: status, Body: body}, world) {
				if bad++; bad <= 5 {
					t.Errorf("%s (degraded %v): %v\n%s", target, degraded, finding, body)
				}
			}
		}
		for i := range answer.Hosts {
			h := &answer.Hosts[i]
			targets = append(targets, "nameserver/"+strings.Clone(h.Name))
			for _, addr := range h.V4 {
				targets = append(targets, "nameservers?ip="+strings.Clone(addr))
			}
		}
	}
	t.Logf("%d answers: %d about domains, %d name servers, %d addresses, %d registrars", len(asked), counted[lookup.Domain], counted[lookup.Nameserver], counted[lookup.Nameservers], counted[lookup.Registrar])
	for _, kind := range []lookup.Object{lookup.Domain, lookup.Nameserver, lookup.Nameservers, lookup.Registrar} {
		if counted[kind] == 0 {
			t.Errorf("nothing was asked about objects of kind %v", kind)
		}
	}
}

// find fills answer with what view says to target, path and query of an RDAP request.
func find(t *testing.T, finder *lookup.Finder, view *cache.View, target string, answer *lookup.Answer) {
	t.Helper()
	path, rawQuery, _ := strings.Cut(target, "?")
	query, err := lookup.ParsePath([]byte("/"+path), []byte(rawQuery))
	if err != nil {
		t.Fatalf("%s %s: %v", http.MethodGet, target, err)
	}
	finder.Find(view, &query, time.Unix(0, 0), answer)
}
