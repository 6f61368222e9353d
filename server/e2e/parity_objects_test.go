package e2e

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"rddsd/server/lookup"
	"rddsd/server/rdap"
	"rddsd/server/whois"
)

// TestProtocolsAgreeOnOtherObjects is A-10 for name servers, by name and by address,
// and for registrars; TestProtocolsAgree has the names.
func TestProtocolsAgreeOnOtherObjects(t *testing.T) {
	view, domains := generatedView(t, 2000)
	finder := lookup.NewFinder(lookup.NewPolicies(nil, func(tld string) lookup.Policy {
		return lookup.Policy{TLD: tld, BaseURL: "https://rdap.nic.coop/", Redaction: redactedText}
	}))
	var answer lookup.Answer
	find := func(query lookup.Query) (text, body string) {
		finder.Find(view, &query, time.Now(), &answer)
		b, status := rdap.AppendBody(nil, &answer, []byte("https://rdap.nic.coop/x"))
		if answer.Class != lookup.Found || status != 200 {
			t.Fatalf("%v is %v, RDAP status %d", query, answer.Class, status)
		}
		return string(whois.AppendAnswer(nil, &answer)), string(b)
	}
	hosts := map[string]bool{}
	for _, name := range domains {
		find(lookup.Query{Question: lookup.AskDomain, Name: name})
		for i := range answer.Hosts {
			hosts[answer.Hosts[i].Name] = true
		}
	}
	for name := range hosts {
		text, body := find(lookup.Query{Question: lookup.AskNameserver, Name: name})
		left, right := whoisFields(text), fields{}
		var h rdapHost
		must(t, json.Unmarshal([]byte(body), &h))
		h.add(t, right)
		for _, label := range []string{"Server Name", "IP Address", "Registrar", "Last update"} {
			agree(t, name, label, left, right)
		}
	}
	addresses := map[string]bool{}
	for name := range hosts {
		query := lookup.Query{Question: lookup.AskNameserver, Name: name}
		finder.Find(view, &query, time.Now(), &answer)
		for _, addr := range slices.Concat(answer.Hosts[0].V4, answer.Hosts[0].V6) {
			addresses[addr] = true
		}
	}
	for addr := range addresses {
		query, err := lookup.ParseLine([]byte("nameserver " + addr))
		must(t, err)
		text, body := find(query)
		left, right := whoisFields(text), fields{}
		var list struct {
			NameserverSearchResults []rdapHost
		}
		must(t, json.Unmarshal([]byte(body), &list))
		for _, h := range list.NameserverSearchResults {
			h.add(t, right)
		}
		for _, label := range []string{"Server Name", "Registrar"} {
			agree(t, addr, label, left, right)
		}
	}
	for _, r := range view.Registrars() {
		text, body := find(lookup.Query{Question: lookup.AskIANA, IANA: r.IANA})
		left, right := whoisFields(text), fields{}
		var e struct {
			rdapEntity
			Events []struct{ EventDate string }
		}
		must(t, json.Unmarshal([]byte(body), &e))
		right.card(t, "", e.rdapEntity)
		right.add("Registrar", first(right, "Name"))
		right.add("Registrar IANA ID", e.Handle)
		right.add("Phone Number", first(right, "Phone"))
		right.add("Fax Number", first(right, "Fax"))
		right.add("Last update", e.Events[len(e.Events)-1].EventDate)
		for _, l := range e.Links {
			if l.Rel == "about" {
				right.add("Registrar URL", l.Href)
			}
		}
		for _, nested := range e.Entities {
			if nested.Roles[0] == "abuse" {
				right.card(t, "Registrar Abuse Contact ", nested)
			}
		}
		for _, label := range []string{
			"Registrar", "Registrar IANA ID", "Registrar URL", "Street", "City", "State/Province", "Postal Code", "Country", "Phone Number", "Phone Ext",
			"Fax Number", "Fax Ext", "Email", "Registrar Abuse Contact Email", "Registrar Abuse Contact Phone", "Last update",
		} {
			agree(t, fmt.Sprint("registrar ", r.IANA), label, left, right)
		}
	}
	t.Logf("compared %d name servers, %d addresses, %d registrars", len(hosts), len(addresses), len(view.Registrars()))
	if len(hosts) < 100 || len(addresses) < 10 || len(view.Registrars()) < 10 {
		t.Error("too few were compared")
	}
}

// rdapHost is what an answer about a name server tells of it.
type rdapHost struct {
	LdhName     string
	IPAddresses struct{ V4, V6 []string }
	Entities    []rdapEntity
	Events      []struct{ EventAction, EventDate string }
}

// add adds h to f under the labels of WHOIS.
func (h *rdapHost) add(t *testing.T, f fields) {
	t.Helper()
	f.add("Server Name", h.LdhName)
	f["IP Address"] = slices.Concat(f["IP Address"], h.IPAddresses.V4, h.IPAddresses.V6)
	for _, e := range h.Entities {
		card := fields{}
		card.card(t, "", e)
		f.add("Registrar", first(card, "Name"))
	}
	for _, e := range h.Events {
		if e.EventAction == "last update of RDAP database" {
			f.add("Last update", e.EventDate)
		}
	}
}

// agree compares what WHOIS and RDAP tell under label.
func agree(t *testing.T, what, label string, whois, rdap fields) {
	t.Helper()
	w, r := slices.Sorted(slices.Values(whois[label])), slices.Sorted(slices.Values(rdap[label]))
	if !slices.Equal(w, r) {
		t.Errorf("%s: %s: WHOIS %q, RDAP %q", what, label, w, r)
	}
}
