package rdap

import (
	"net/http"
	"strings"
	"testing"

	"rddsd/cache/cachetest"
	"rddsd/cache/registry"
)

// TestStatusOfPaths: each case of rdap.md §1.4 and §2 has its status, and an error has a
// body that says so.
func TestStatusOfPaths(t *testing.T) {
	r := newRig(t, cachetest.RDAP(), nil)
	for _, test := range []struct {
		rule    string
		status  int
		targets string // parted by blanks
	}{
		{"a name is found in any form", 200, "domain/example.coop. domain/example.coop/ domain/example%E3%80%82coop domain/%EF%BD%85xample.coop domain/EXAMPLE.Coop"},
		{"so is an IDN", 200, "domain/caf%C3%A9.coop domain/cafe%CC%81.coop domain/CAF%C3%89.COOP domain/XN--caf-dma.coop nameserver/ns1.caf%C3%A9.coop"},
		{"so are a name server, a registrar, help", 200, "nameserver/ns1.example.coop/ entity/900001/ entity/EXAMPLE%20%20Registrar%20S.Coop. help help/"},
		{"and an address in any form", 200, "nameservers?ip=198.41.0.4 nameservers?x=1&ip=2001:503:ba3e:0::2:30 nameservers?ip=2001%3A503:BA3E::2:30"},
		{"what is not held is not found", 404, "domain/nosuch.coop nameserver/ns1.net entity/99999 entity/0 entity/99999999999999999999 entity/No%20Such nameservers?ip=203.0.113.9 domain/%e0%b8%81.coop"},
		{"nor are contacts", 404, "entity/C500-CNIC"},
		{"nor what is under no TLD of ours, nor a TLD", 404, "domain/test.invalid domain/not-a-domain.invalid domain/1.0.192.in-addr.arpa domain/1.ip6.arpa domain/coop domain/example domain/192.0.2.1"},
		{"nor what is deeper than names are registered", 404, "domain/a.b.example.coop domain/xn--caf-dma.xn--caf-dma.coop domain/ex%EF%BC%8Eample.coop"},
		{"nor what is reserved", 404, "domain/reserved.coop"},
		{"nor what is no path", 404, "help/x HELP Domain/example.coop rdap/domain/example.coop domain/example.coop/x favicon.ico nameservers/x domains/x"},
		{"nor a path in a name", 404, "entity/example%2fregistrar"},
		{"a path without its value is bad", 400, "domain domain/ nameserver/ entity/ entity nameservers nameservers?ip="},
		{"so is what is no name", 400, "domain/a_b.coop domain/*.coop domain/exam* domain/a%20b.coop domain/example.coop.. domain/.example.coop domain/-a.coop domain/a-.coop domain/a%2Fb.coop"},
		{"and what is no IDN", 400, "domain/xn--zz.coop domain/ab--c.coop domain/%E2%98%83.coop domain/%d7%90a.coop domain/%CC%80a.coop"},
		{"and what is no address, or not one", 400, "nameservers?ip=192.0.2.0/24 nameservers?ip=1.2.3.4&ip=1.2.3.5 nameservers?ip=198.41.0.4&name=a* nameservers?ip=%zz"},
		{"and an empty segment", 400, "domain/example.coop// domain//example.coop"},
		{"searches that are off are not offered", 501, "nameservers?name=ns* domains?name=a* domains?nsLdhName=a domains?nsIp=192.0.2.1 entities?fn=a* entities?handle=1 domains/reverse_search/entity?handle=1"},
		{"nor are numbers", 501, "ip/192.0.2.1 ip/::1 autnum/1 ips autnums ips/rirSearch1/up/192.0.2.1"},
	} {
		for target := range strings.FieldsSeq(test.targets) {
			res := r.get(t, "/"+target)
			if res.StatusCode != test.status {
				t.Errorf("%s: %s: status %d, want %d: %s", test.rule, target, res.StatusCode, test.status, res.body)
			}
			res.check(t, strings.Replace(target, "%zz", "%25zz", 1))
		}
	}
}

// TestReserved: whatever keeps a name from being registered, the answer tells that it is
// reserved, and neither why nor what it has to do with another name.
func TestReserved(t *testing.T) {
	objects := []any{
		&registry.TLD{Name: "coop", GTLD: true},
		&registry.Registrar{ClID: "r", IANA: 1, Name: "Registrar"},
		&registry.Domain{Name: "pending.coop", ROID: "D1-CNIC", Registrar: "r", Statuses: registry.PendingCreate, Created: 1, Expires: 2},
		&registry.Reserved{Name: "reserved.coop", Reason: registry.ReasonReserved},
		&registry.Reserved{Name: "blocked.coop", Reason: registry.ReasonBlocked},
		&registry.Reserved{Name: "withheld.coop", Reason: registry.ReasonWithheld},
		&registry.Reserved{Name: "xn--caf-dma.coop", Reason: registry.ReasonVariant, Of: "the-other.coop", IDNTable: "fr"},
	}
	k := newAsker(cachetest.Build(objects...))
	for _, name := range []string{"pending.coop", "reserved.coop", "blocked.coop", "withheld.coop", "xn--caf-dma.coop", "caf%C3%A9.coop"} {
		body, status := k.ask(t, "domain/"+name)
		if status != http.StatusNotFound || !strings.Contains(string(body), `"description":["The name is reserved by the registry and cannot be registered."]`) {
			t.Errorf("%s: status %d, %s", name, status, body)
		}
		for _, secret := range []string{"the-other", "variant", "pending create", "Registrar", "blocked b", "withheld b"} {
			if strings.Contains(string(body), secret) {
				t.Errorf("%s: the answer holds %q: %s", name, secret, body)
			}
		}
		for _, fault := range check(body, status, testBase+"domain/"+name) {
			t.Errorf("%s: %s", name, fault)
		}
	}
}
