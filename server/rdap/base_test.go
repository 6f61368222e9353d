package rdap

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"rddsd/cache/cachetest"
	"rddsd/cache/registry"
	"rddsd/server/lookup"
	"rddsd/server/rdap/rdapcheck"
)

// threeTLDs are the policies of three TLDs with hosts and paths of their own.
var threeTLDs = []lookup.Policy{
	{TLD: "coop", BaseURL: "https://rdap.nic.coop/", Hosts: []string{"rdap2.nic.coop"}, TermsURL: "https://www.nic.coop/terms", HelpURL: "https://www.nic.coop/help"},
	{TLD: "test", BaseURL: "https://rdap.nic.test/", TermsURL: "https://www.nic.test/terms", HelpURL: "https://www.nic.test/help"},
	{TLD: "example", BaseURL: "https://rdap.nic.test/example/", TermsURL: "https://www.nic.example/terms", HelpURL: "https://www.nic.example/help"},
}

// threeRig serves three TLDs, each with a registrar and a domain.
func threeRig(t *testing.T, change func(*Server)) *rig {
	t.Helper()
	created := registry.Time(1)
	objects := []any{&registry.Registrar{ClID: "r", IANA: 900001, Name: "Example Registrar", RDAPURL: "https://rdap.registrar.example/", URL: "https://www.registrar.example/", AbuseEmail: "abuse@registrar.example", AbusePhone: "+1.1"}}
	for _, p := range threeTLDs {
		objects = append(objects, &registry.TLD{Name: p.TLD, GTLD: true}, &registry.Domain{Name: "name." + p.TLD, ROID: "D" + strings.ToUpper(p.TLD) + "-CNIC", Registrar: "r", Created: created, Expires: created})
	}
	return newRig(t, cachetest.Build(objects...), func(s *Server) {
		s.Finder = lookup.NewFinder(lookup.NewPolicies(threeTLDs, testPolicy))
		if change != nil {
			change(s)
		}
	})
}

// TestHosts: the host that is asked decides whose help, texts and links an answer has;
// where it is none of ours the path does. A name is found whatever is asked, and told by
// the links of its own TLD.
func TestHosts(t *testing.T) {
	r := threeRig(t, nil)
	const coop, test, example = "https://rdap.nic.coop/", "https://rdap.nic.test/", "https://rdap.nic.test/example/"
	for _, row := range []struct {
		rule, host, target string
		status             int
		value, terms       string // the URL that is repeated, and whose terms they are
	}{
		{"the host's help", "rdap.nic.coop", "/help", 200, coop + "help", "coop"},
		{"whatever letters", "RDAP.NIC.Coop", "/help", 200, coop + "help", "coop"},
		{"and port", "rdap.nic.coop:8443", "/help", 200, coop + "help", "coop"},
		{"another name of the host", "rdap2.nic.coop", "/help", 200, coop + "help", "coop"},
		{"another TLD", "rdap.nic.test", "/help", 200, test + "help", "test"},
		{"below its path", "rdap.nic.test", "/example/help", 200, example + "help", "example"},
		{"a path of another host", "rdap.nic.coop", "/example/help", 200, example + "help", "example"},
		{"of a whole URL", "rdap.nic.coop", "http://rdap.nic.test/help", 200, test + "help", "test"},
		{"no host of ours", "192.0.2.1", "/help", 200, coop + "help", "coop"},
		{"its errors", "rdap.nic.test", "/domain/%zz", 400, test + "domain/%25zz", "test"},
		{"its misses", "rdap.nic.test", "/entity/5", 404, test + "entity/5", "test"},
		{"its names", "rdap.nic.test", "/domain/name.test", 200, test + "domain/name.test", "test"},
		{"names below a path", "rdap.nic.test", "/example/domain/name.example", 200, example + "domain/name.example", "example"},
		{"names of another TLD", "rdap.nic.test", "/domain/name.coop", 200, test + "domain/name.coop", "coop"},
		{"names at no host of ours", "192.0.2.1", "/domain/name.test", 200, test + "domain/name.test", "test"},
	} {
		res := r.exchange(t, "GET "+row.target+" HTTP/1.1\r\nHost: "+row.host+"\r\n\r\n")
		if res.StatusCode != row.status {
			t.Errorf("%s: status %d, want %d", row.rule, res.StatusCode, row.status)
		}
		want := `"links":[{"value":"` + row.value + `","rel":"terms-of-service","href":"https://www.nic.` + row.terms + `/terms"`
		if !strings.Contains(string(res.body), want) {
			t.Errorf("%s: no %s in %s", row.rule, want, res.body)
		}
		if self := `"rel":"self","href":"https://rdap.nic.coop/domain/name.coop"`; strings.HasSuffix(row.target, "/name.coop") && !strings.Contains(string(res.body), self) {
			t.Errorf("%s: no %s in %s", row.rule, self, res.body)
		}
	}
	res := r.exchange(t, "GET /nowhere HTTP/1.1\r\nHost: rdap.nic.test\r\n\r\n")
	if res.StatusCode != http.StatusNotFound || !strings.Contains(string(res.body), "https://www.nic.test/terms") {
		t.Errorf("no path: status %d, %s", res.StatusCode, res.body)
	}
}

// TestThreeTLDsOverTLS: three TLDs in one process, each asked at its own host under its
// own certificate, with both versions of TLS: what conformance tools would find in all
// that they ask is nothing.
func TestThreeTLDsOverTLS(t *testing.T) {
	r := threeRig(t, func(s *Server) {
		s.Certificates = Certificates{pairFor(t, "rdap.nic.coop", "rdap.nic.coop"), pairFor(t, "rdap2.nic.coop"), pairFor(t, "rdap.nic.test", "rdap.nic.test")}
	})
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		for _, p := range threeTLDs {
			host := hostOf(p.BaseURL)
			encrypted := tls.Client(r.dialTo(t, r.tls), &tls.Config{InsecureSkipVerify: true, ServerName: host, MinVersion: version, MaxVersion: version})
			from := bufio.NewReader(encrypted)
			ask := func(method, target string) rdapcheck.Response {
				if _, err := fmt.Fprintf(encrypted, "%s %s%s HTTP/1.1\r\nHost: %s\r\n\r\n", method, pathOf(p.BaseURL), target, host); err != nil {
					t.Fatal(err)
				}
				res := readResponse(t, from, method)
				if res.Header.Get("Strict-Transport-Security") == "" {
					t.Errorf("%s %s: browsers are not told to stay with TLS", method, target)
				}
				return rdapcheck.Response{URL: p.BaseURL + target, Status: res.StatusCode, Header: res.Header, Body: res.body}
			}
			world := &rdapcheck.Registry{
				Suffixes: map[string]bool{"CNIC": true}, Registrars: map[int][]string{900001: {"https://rdap.registrar.example/"}},
				Bases: map[string][]string{p.TLD: {p.BaseURL}},
			}
			var findings []rdapcheck.Finding
			for _, target := range []string{"help", "domain/name." + p.TLD, "entity/900001", "entity/Example%20Registrar", "domain/nosuch." + p.TLD, "domain/test.invalid", "domain/not-a-domain.invalid"} {
				got := ask(http.MethodGet, target)
				findings = slices.Concat(findings, rdapcheck.Check(got, world), rdapcheck.CheckTested(got), rdapcheck.CheckHead(got, ask(http.MethodHead, target)))
				if terms := "https://www.nic." + p.TLD + "/terms"; !strings.Contains(string(got.Body), terms) {
					t.Errorf("%s%s: no %s in %s", p.BaseURL, target, terms, got.Body)
				}
			}
			findings = append(findings, rdapcheck.CheckCase(ask(http.MethodGet, "domain/name."+p.TLD), ask(http.MethodGet, "domain/nAmE."+strings.ToUpper(p.TLD)))...)
			state := encrypted.ConnectionState()
			findings = append(findings, rdapcheck.CheckTLS(state)...)
			for _, finding := range findings {
				t.Errorf("%s: %v", p.BaseURL, finding)
			}
			if err := state.PeerCertificates[0].VerifyHostname(host); err != nil {
				t.Errorf("%s: %v", host, err)
			}
		}
	}
}
