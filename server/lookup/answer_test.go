package lookup

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"rddsd/cache/registry"
)

// a degraded answer is that of a contact that disclosed nothing.
func TestWithoutContacts(t *testing.T) {
	view, f, a := fixture(), newFinder(), new(Answer)
	find := func(line string) {
		q, _ := ParseLine([]byte(line))
		f.Find(view, &q, now, a)
		a.WithoutContacts()
	}

	find("published.coop")
	want := registry.ElementID | registry.ElementName | registry.ElementStreet
	if c := &a.Registrant; a.Class != Degraded || c.Name != "" || len(c.Street) != 0 || c.CC != "GB" || c.Redacted != want {
		t.Errorf("published.coop is %v with %+v", a.Class, c)
	}
	if a.Domain.Name != "published.coop" || a.Registrar == nil {
		t.Errorf("published.coop has lost more than its contact: %+v", a.Domain)
	}
	find("techonly.coop")
	if c := &a.Tech; !a.HasTech || a.Class != Degraded || c.Name != "" || c.Redacted&registry.ElementName == 0 {
		t.Errorf("techonly.coop is %v with %+v", a.Class, c)
	}
	for line, class := range map[string]Class{"example.coop": Found, "ns1.example.coop": Found, "unregistered.coop": NotFound, "": Invalid} {
		if find(line); a.Class != class {
			t.Errorf("%q, which shows no contact value, is %v, want %v", line, a.Class, class)
		}
	}
}

// An answer holds what is shown of technical contacts and no more: the first one
// that is known, its name, telephone and e-mail.
func TestTech(t *testing.T) {
	view, f, a := fixture(), newFinder(), new(Answer)
	for _, c := range []struct {
		rule, name string
		want       registry.Contact
	}{
		{"the first one", "techonly.coop", registry.Contact{ROID: "C3-COOP", Name: "Membership Office"}},
		{"withheld or not", "withheldtech.coop", registry.Contact{ROID: "C2-COOP", Redacted: registry.ElementID | registry.ElementName}},
		{"the first that is known", "partly.coop", registry.Contact{ROID: "C2-COOP", Redacted: registry.ElementID | registry.ElementName}},
		{
			"without organisation, address, extension and fax", "officetech.coop",
			registry.Contact{ROID: "C4-COOP", Redacted: registry.ElementName | registry.ElementVoice | registry.ElementEmail},
		},
	} {
		q, _ := ParseLine([]byte(c.name))
		f.Find(view, &q, now, a)
		if diff := cmp.Diff(c.want, a.Tech, cmpopts.EquateEmpty()); !a.HasTech || diff != "" {
			t.Errorf("%s: %s has a technical contact: %v (-want +got)\n%s", c.rule, c.name, a.HasTech, diff)
		}
	}
}

func TestStrings(t *testing.T) {
	for i, want := range map[int]string{0: "found", 1: "notfound", 6: "unknown", 10: "error", 11: "class?"} {
		if got := Class(i).String(); got != want {
			t.Errorf("Class(%d) = %q, want %q", i, got, want)
		}
	}
	for i, want := range map[int]string{0: "none", 3: "nameservers", 5: "contact", 6: "object?"} {
		if got := Object(i).String(); got != want {
			t.Errorf("Object(%d) = %q, want %q", i, got, want)
		}
	}
}
