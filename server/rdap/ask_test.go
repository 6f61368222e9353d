package rdap

import (
	"strings"
	"testing"
	"time"

	"rddsd/cache"
	"rddsd/cache/cachetest"
	"rddsd/ratelimit"
	"rddsd/server/lookup"
)

// testBase is the base URL of the worked examples.
const testBase = "https://rdap.nic.coop/"

// testPolicy is the policy of the worked examples (rdap.md §6) for any TLD.
func testPolicy(tld string) lookup.Policy {
	return lookup.Policy{
		TLD: tld, BaseURL: testBase, Port43: "whois.nic.coop",
		TermsURL: "https://www.nic.coop/rdap-terms", HelpURL: "https://www.nic.coop/rdap-help",
	}
}

// asker asks one View without a server. It is for one goroutine.
type asker struct {
	finder   *lookup.Finder
	view     *cache.View
	degraded bool // as over a budget
	prebuilt prebuilt
	marks    marks // of body
	answer   lookup.Answer
	url      []byte
	body     []byte
}

func newAsker(view *cache.View) *asker {
	return &asker{finder: lookup.NewFinder(lookup.NewPolicies(nil, testPolicy)), view: view}
}

// find returns the answer to target, path and query below the base URL.
func (k *asker) find(tb testing.TB, target string) *lookup.Answer {
	tb.Helper()
	path, rawQuery, _ := strings.Cut(target, "?")
	query, err := lookup.ParsePath([]byte("/"+path), []byte(rawQuery))
	if err != nil {
		tb.Fatalf("ParsePath(%q): %v", target, err)
	}
	k.finder.Find(k.view, &query, time.Now(), &k.answer)
	if k.degraded {
		k.answer.WithoutContacts()
	}
	return &k.answer
}

// ask returns the body and status of target. The body is good until the next
// call.
func (k *asker) ask(tb testing.TB, target string) ([]byte, int) {
	tb.Helper()
	a := k.find(tb, target)
	k.url = AppendURL(k.url[:0], a.Policy.BaseURL, []byte(target))
	body, status, m := k.prebuilt.appendBody(k.body[:0], a, k.url)
	k.body, k.marks = body, m
	return body, status
}

// asked returns the URL of target, which was asked for last.
func (k *asker) asked(target string) string { return k.answer.Policy.BaseURL + target }

// fixture is the registry of the worked examples.
func fixture() *asker { return newAsker(cachetest.RDAP()) }

// stale is an asker whose View is too old to tell a miss.
func stale() *asker {
	view := cachetest.RDAP()
	return newAsker(view.Refreshed(view.AsOf(), time.Time{}))
}

func TestDegradedIsPricedAsContact(t *testing.T) {
	for target, want := range map[string]ratelimit.Shows{
		"domain/example.coop":   ratelimit.Object,
		"domain/published.coop": ratelimit.Contact,
	} {
		if got := fixture().find(t, target).Ask.Shows; got != want {
			t.Errorf("%s shows %d, want %d", target, got, want)
		}
	}
}
