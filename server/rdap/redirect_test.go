package rdap

import (
	"net/http"
	"strings"
	"testing"

	"rddsd/cache/cachetest"
	"rddsd/cache/registry"
	"rddsd/server/lookup"
	"rddsd/server/rdap/rdapcheck"
)

func TestRedirect(t *testing.T) {
	r := newRig(t, cachetest.RDAP(), nil)
	r.plain = r.toTLS
	for _, test := range []struct {
		rule, target, want string
	}{
		{"the same path", "/domain/example.coop", "domain/example.coop"},
		{"as it was sent", "/domain/caf%C3%A9.COOP/", "domain/caf%C3%A9.COOP/"},
		{"whatever it is", "/nothing//here", "nothing//here"},
		{"the root", "/", ""},
		{"of a whole URL", "http://evil.example/help", "help"},
		{"never another host", "//evil.example/help", "/evil.example/help"},
		{"what is not legal is encoded", "/a\"b<c>\x80", "a%22b%3Cc%3E%80"},
		{"with the parameter of a search", "/nameservers?ip=192.0.2.1", "nameservers?ip=192.0.2.1"},
		{"without others", "/nameservers?x=1&ip=192.0.2.1&utm=2&name=a*", "nameservers?ip=192.0.2.1&name=a*"},
		{"without any", "/domain/example.coop?next=http://evil.example/", "domain/example.coop"},
	} {
		for _, method := range []string{"GET", "HEAD"} {
			res := r.send(t, method, test.target, "")
			if got := res.Header.Get("Location"); res.StatusCode != http.StatusMovedPermanently || got != testBase+test.want {
				t.Errorf("%s: %s %s: status %d, Location %q, want %q", test.rule, method, test.target, res.StatusCode, got, testBase+test.want)
			}
			if strings.Contains(test.target, "?") {
				for _, finding := range rdapcheck.CheckRedirect("http://rdap.nic.coop"+test.target, res.Header.Get("Location")) {
					t.Errorf("%s: %v", test.rule, finding)
				}
			}
			if got := res.Header.Get("Access-Control-Allow-Origin"); got != "*" {
				t.Errorf("%s: Access-Control-Allow-Origin is %q", test.rule, got)
			}
		}
	}
	res := r.get(t, "/domain/example.coop")
	if strings.Contains(string(res.body), "ldhName") || res.Header.Get("Cache-Control") != "max-age=3600" {
		t.Errorf("the redirect tells %s under %v", res.body, res.Header)
	}
	for _, fault := range check(res.body, res.StatusCode, testBase+"domain/example.coop") {
		t.Error(fault)
	}
	for method, status := range map[string]int{"POST": http.StatusMethodNotAllowed, "OPTIONS": http.StatusNoContent} {
		if res := r.send(t, method, "/domain/example.coop", ""); res.StatusCode != status || res.Header.Get("Location") != "" {
			t.Errorf("%s: status %d, Location %q", method, res.StatusCode, res.Header.Get("Location"))
		}
	}
	if res := r.get(t, "/"+strings.Repeat("a", 5000)); res.StatusCode != http.StatusRequestURITooLong {
		t.Errorf("a long target: status %d", res.StatusCode)
	}
	if n := len(r.counted()); n != 0 {
		t.Errorf("redirects were counted as queries: %v", r.counted())
	}
}

// TestRedirectByHost: where TLDs have base URLs of different hosts, the one that was
// asked is kept.
func TestRedirectByHost(t *testing.T) {
	r := newRig(t, cachetest.Build(&registry.TLD{Name: "coop"}, &registry.TLD{Name: "test"}), func(s *Server) {
		s.Finder = lookup.NewFinder(lookup.NewPolicies([]lookup.Policy{
			{TLD: "coop", BaseURL: "https://rdap.nic.coop/"}, {TLD: "test", BaseURL: "https://rdap.nic.test:8443/rdap/"},
		}, testPolicy))
	})
	r.plain = r.toTLS
	for host, want := range map[string]string{
		"rdap.nic.coop":    "https://rdap.nic.coop/rdap/help",
		"rdap.nic.test":    "https://rdap.nic.test:8443/rdap/help",
		"RDAP.nic.test:80": "https://rdap.nic.test:8443/rdap/help",
		"192.0.2.1":        "https://rdap.nic.coop/rdap/help",
		"evil.example":     "https://rdap.nic.coop/rdap/help",
	} {
		res := r.exchange(t, "GET /rdap/help HTTP/1.1\r\nHost: "+host+"\r\n\r\n")
		if got := res.Header.Get("Location"); got != want {
			t.Errorf("Host %s: Location is %q, want %q", host, got, want)
		}
	}
}
