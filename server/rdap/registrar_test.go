package rdap

import (
	"net/http"
	"strings"
	"testing"

	"rddsd/cache/cachetest"
	"rddsd/cache/registry"
)

func TestRelatedLink(t *testing.T) {
	const link = `,{"value":"URL","rel":"related","href":"HREF","type":"application/rdap+json"}`
	for _, test := range []struct {
		rule, listed string
		iana         int
		want         string
	}{
		{"base URL, domain, name", "https://rdap.example/", 900001, "https://rdap.example/domain/a.coop"},
		{"a slash is added", "https://rdap.example/rdap", 900001, "https://rdap.example/rdap/domain/a.coop"},
		{"nothing stands between where the URL ends in domain", "https://rdap.example/domain/", 900001, "https://rdap.example/domain/a.coop"},
		{"with its slash or without", "https://rdap.example/domain", 900001, "https://rdap.example/domain/a.coop"},
		{"reserved IDs have none", "https://rdap.example/", 9995, ""},
		{"nor has a registrar without a service", "", 900001, ""},
		{"nor one that lists no web URL", "rdap.example", 900001, ""},
	} {
		want := ""
		if test.want != "" {
			want = strings.NewReplacer("URL", "u", "HREF", test.want).Replace(link)
		}
		got := string(appendRelated(nil, []byte("u"), &registry.Registrar{IANA: test.iana, RDAPURL: test.listed}, "a.coop"))
		if got != want {
			t.Errorf("%s: %q, IANA %d: %s, want %s", test.rule, test.listed, test.iana, got, want)
		}
	}
}

func TestAboutLink(t *testing.T) {
	for _, test := range []struct{ rule, listed, want string }{
		{"the value is the listed URL, character for character", "https://RDAP.example/x", "https://RDAP.example/x"},
		{"or the web site where none is listed", "", "https://www.example/"},
	} {
		got := string(appendAbout(nil, &registry.Registrar{URL: "https://www.example/", RDAPURL: test.listed}))
		want := `{"value":"` + test.want + `","rel":"about","href":"https://www.example/","type":"text/html"}`
		if got != want {
			t.Errorf("%s: %s, want %s", test.rule, got, want)
		}
	}
}

// TestNamesakes: of several registrars with one name none is shown, and it is
// said how to ask for one.
func TestNamesakes(t *testing.T) {
	k := newAsker(cachetest.Build(
		&registry.TLD{Name: "coop"}, &registry.Registrar{ClID: "a", IANA: 1, Name: "Twin"}, &registry.Registrar{ClID: "b", IANA: 2, Name: "TWIN"},
	))
	body, status := k.ask(t, "entity/twin")
	if status != http.StatusBadRequest || !strings.Contains(string(body), "ask by IANA ID") {
		t.Errorf("status %d: %s", status, body)
	}
	for _, fault := range check(body, status, testBase+"entity/twin") {
		t.Error(fault)
	}
	if _, status := k.ask(t, "entity/2"); status != http.StatusOK {
		t.Errorf("by IANA ID: status %d", status)
	}
}
