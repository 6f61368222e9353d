package e2e

import (
	"errors"
	"net/url"
	"testing"

	"github.com/openrdap/rdap"
)

// TestOpenRDAP asks the binary with a client of somebody else's.
func TestOpenRDAP(t *testing.T) {
	d := startDaemon(t, t.TempDir())
	client, server := new(rdap.Client), &url.URL{Scheme: "http", Host: d.http, Path: "/"}
	response, err := client.Do(&rdap.Request{Type: rdap.DomainRequest, Query: "example.coop", Server: server})
	if err != nil {
		t.Fatal(err)
	}
	domain, ok := response.Object.(*rdap.Domain)
	if !ok || domain.LDHName != "example.coop" || len(domain.Nameservers) != 2 || len(domain.Entities) == 0 {
		t.Errorf("example.coop is %+v to it", response.Object)
	}
	_, err = client.Do(&rdap.Request{Type: rdap.DomainRequest, Query: "unregistered.coop", Server: server})
	if failure := (*rdap.ClientError)(nil); !errors.As(err, &failure) || failure.Type != rdap.ObjectDoesNotExist {
		t.Errorf("unregistered.coop is %v to it", err)
	}
}
