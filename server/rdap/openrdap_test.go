package rdap

import (
	"errors"
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"
	openrdap "github.com/openrdap/rdap"

	"rddsd/cache/cachetest"
)

// TestOpenRDAP lets a client of somebody else's ask, and looks at what it
// understood.
func TestOpenRDAP(t *testing.T) {
	r := newRig(t, cachetest.RDAP(), nil)
	server := &url.URL{Scheme: "http", Host: r.plain, Path: "/"}
	client := new(openrdap.Client)
	ask := func(kind openrdap.RequestType, query string) *openrdap.Response {
		t.Helper()
		res, err := client.Do(&openrdap.Request{Type: kind, Query: query, Server: server})
		if err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		return res
	}

	domain, _ := ask(openrdap.DomainRequest, "published.coop").Object.(*openrdap.Domain)
	if domain == nil {
		t.Fatal("published.coop is no domain to it")
	}
	type seen struct {
		Handle, Name string
		Status       []string
		Events       map[string]string
		Hosts        []string
		Signed       bool
		Roles        []string
		Registrant   map[string]string
	}
	got := seen{
		Handle: domain.Handle, Name: domain.LDHName, Status: domain.Status, Events: map[string]string{},
		Signed: *domain.SecureDNS.DelegationSigned,
	}
	for _, e := range domain.Events {
		got.Events[e.Action] = e.Date
	}
	for _, h := range domain.Nameservers {
		got.Hosts = append(got.Hosts, h.LDHName)
	}
	for _, e := range domain.Entities {
		got.Roles = append(got.Roles, e.Roles...)
		if e.Roles[0] == "registrant" {
			c := e.VCard
			got.Registrant = map[string]string{
				"handle": e.Handle, "name": c.Name(), "tel": c.Tel(), "fax": c.Fax(), "mail": c.Email(),
			}
		}
	}
	want := seen{
		Handle: "D1234568-CNIC", Name: "published.coop", Status: []string{"client transfer prohibited"},
		Events: map[string]string{
			"registration": "2015-03-02T09:15:00Z", "expiration": "2027-03-02T09:15:00Z",
			"last update of RDAP database": "2026-07-20T10:00:00Z",
		},
		Hosts: []string{"ns1.example.coop", "ns2.example.coop"},
		Roles: []string{"registrar", "registrant", "technical"},
		Registrant: map[string]string{
			"handle": "C500-CNIC", "name": "Membership Office", "tel": "tel:+34.931234567;ext=12", "fax": "tel:+34.931234568",
			"mail": "office@example.coop",
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("it understood something else (-want +got):\n%s", diff)
	}

	registrar, _ := ask(openrdap.EntityRequest, "900001").Object.(*openrdap.Entity)
	if registrar == nil {
		t.Fatal("900001 is no entity to it")
	}
	c := registrar.VCard
	address := []string{c.Name(), c.StreetAddress(), c.Locality(), c.Region(), c.PostalCode(), c.Country()}
	if diff := cmp.Diff([]string{"Example Registrar S.Coop.", "Carrer de Mostra 1", "Barcelona", "Barcelona", "08001", ""}, address); diff != "" {
		t.Errorf("it understood another address (-want +got):\n%s", diff)
	}
	if h, _ := ask(openrdap.NameserverRequest, "ns1.example.coop").Object.(*openrdap.Nameserver); h == nil || h.IPAddresses.V4[0] != "198.41.0.4" {
		t.Errorf("the nameserver is %+v to it", h)
	}
	if h, _ := ask(openrdap.HelpRequest, "").Object.(*openrdap.Help); h == nil || len(h.Notices) != 2 {
		t.Errorf("help is %+v to it", h)
	}
	_, err := client.Do(&openrdap.Request{Type: openrdap.DomainRequest, Query: "nosuchname.coop", Server: server})
	if failure := (*openrdap.ClientError)(nil); !errors.As(err, &failure) || failure.Type != openrdap.ObjectDoesNotExist {
		t.Errorf("a name that does not exist: %v", err)
	}
}
