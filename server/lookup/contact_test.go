package lookup

import (
	"fmt"
	"testing"
	"time"

	"rddsd/cache"
	"rddsd/cache/cachetest"
	"rddsd/cache/registry"
	"rddsd/ratelimit"
)

// contacts is the fixture with contacts that are shown, and that are not, in
// every way there is.
func contacts(more ...any) *cache.View {
	public := func(roid string) *registry.Contact {
		return &registry.Contact{ROID: roid, Handle: "h-" + roid, Name: "Name of " + roid, Org: "Org of " + roid, Street: []string{"1 Yard"}, CC: "GB", Updated: justNow}
	}
	domain := func(name, registrant string, tech ...string) *registry.Domain {
		return &registry.Domain{Name: name, ROID: "D-" + name, Registrar: "example", Created: longAgo, Expires: expires, Registrant: registrant, Tech: tech}
	}
	nameless := public("CNAMELESS-COOP")
	nameless.Name, nameless.Org, nameless.Street = "", "", nil
	secret := public("CSECRET-COOP")
	secret.Redacted, secret.Handle = registry.ElementID, ""
	objects := []any{
		public("CBOTH-COOP"), public("CTECH-COOP"), public("CSECOND-COOP"), public("CIDLE-COOP"), public("CPENDING-COOP"), public("CMINIMUM-COOP"),
		public("CWITHHELD-COOP"), public("COFF-COOP"), public("clow-coop"), public("CLOST-COOP"), nameless, secret,
		domain("a-tech.coop", "", "CBOTH-COOP", "CSECOND-COOP"), domain("b-registrant.coop", "CBOTH-COOP"), domain("tech.coop", "", "CTECH-COOP"),
		domain("minimum.small.test", "CMINIMUM-COOP"), domain("withheld.coop", "CWITHHELD-COOP"), domain("off.test", "COFF-COOP"),
		domain("low.coop", "clow-coop"), domain("nameless.coop", "CNAMELESS-COOP"), domain("secret.coop", "CSECRET-COOP"),
		&registry.Domain{
			Name: "created.coop", ROID: "D-created", Registrar: "example", Created: longAgo, Expires: expires, Registrant: "CPENDING-COOP", Statuses: registry.PendingCreate,
		},
	}
	return fixture(append(objects, more...)...)
}

// The rules of whois.md §2.7: a contact is told by the ROID under which an answer
// about a domain shows it, and as that answer shows it; all others are as if they
// were not there.
func TestFindContact(t *testing.T) {
	f := newFinder(
		Policy{TLD: "coop", Contacts: true}, Policy{TLD: "small.test", Contacts: true},
		Policy{TLD: "test", Contacts: true, ContactModel: registry.ModelFull, Port43Off: true})
	f.SetWithheld(Withheld{"withheld.coop": time.Time{}})
	view, doubtful, a := contacts(), contacts(cachetest.Rejected(registry.KindContact, "CBAD-COOP", registry.RejectText)), new(Answer)
	for _, c := range []struct {
		rule, line string
		class      Class
		name, org  string
		shows      ratelimit.Shows
	}{
		{"a registrant", "contact CBOTH-COOP", Found, "Name of CBOTH-COOP", "Org of CBOTH-COOP", ratelimit.Contact},
		{"entity", "entity CBOTH-COOP", Found, "Name of CBOTH-COOP", "Org of CBOTH-COOP", ratelimit.Contact},
		{"in lower case", "contact cboth-coop", Found, "Name of CBOTH-COOP", "Org of CBOTH-COOP", ratelimit.Contact},
		{"held in lower case", "contact clow-coop", Found, "Name of clow-coop", "Org of clow-coop", ratelimit.Contact},
		{"by ROID", "roid CBOTH-COOP", Found, "Name of CBOTH-COOP", "Org of CBOTH-COOP", ratelimit.Contact},
		{"of a technical contact what a domain shows", "contact CTECH-COOP", Found, "Name of CTECH-COOP", "", ratelimit.Contact},
		{"one that shows no value is no contact data", "contact CNAMELESS-COOP", Found, "", "", ratelimit.Object},
		{"one that nothing refers to", "contact CIDLE-COOP", NotFound, "", "", ratelimit.Nothing},
		{"one that does not exist", "contact C0-COOP", NotFound, "", "", ratelimit.Nothing},
		{"one whose identifier is withheld", "contact CSECRET-COOP", NotFound, "", "", ratelimit.Nothing},
		{"by its EPP identifier", "contact h-CBOTH-COOP", NotFound, "", "", ratelimit.Nothing},
		{"a second technical contact", "contact CSECOND-COOP", NotFound, "", "", ratelimit.Nothing},
		{"of a name in pendingCreate", "contact CPENDING-COOP", NotFound, "", "", ratelimit.Nothing},
		{"of a name in the minimum model", "contact CMINIMUM-COOP", NotFound, "", "", ratelimit.Nothing},
		{"of a name whose contacts the operator withholds", "contact CWITHHELD-COOP", NotFound, "", "", ratelimit.Nothing},
		{"of a TLD that WHOIS does not answer for", "contact COFF-COOP", NotFound, "", "", ratelimit.Nothing},
		{"of a ROID with a contact's form", "roid C0-COOP", NotFound, "", "", ratelimit.Nothing},
		{"a domain's ROID is no contact", "contact D-example.coop", NotFound, "", "", ratelimit.Nothing},
	} {
		q, err := ParseLine([]byte(c.line))
		if err != nil {
			t.Fatalf("%s: %v", c.rule, err)
		}
		f.Find(view, &q, now, a)
		if a.Class != c.class || a.Object != Contact || a.Registrant.Name != c.name || a.Registrant.Org != c.org || a.Ask.Shows != c.shows {
			t.Errorf("%s: %q is %v, %v, with %+v, shows %v", c.rule, c.line, a.Class, a.Object, a.Registrant, a.Ask.Shows)
		}
		if a.Class == Found && (a.TLD == nil || a.Ask.TLD != "coop" || a.AsOf != justNow || a.Policy != f.Policies().For("coop")) {
			t.Errorf("%s: %q stands under %v, as of %v, guarded by %q", c.rule, c.line, a.TLD, a.AsOf, a.Ask.TLD)
		}
		if a.Name != "" {
			t.Errorf("%s: %q is echoed %q", c.rule, c.line, a.Name)
		}
		want := c.class
		if want == NotFound {
			want = Unknown // the contact in quarantine may be the one that was asked for
		}
		if f.Find(doubtful, &q, now, a); a.Class != want {
			t.Errorf("%s: %q is %v while a contact is in quarantine, want %v", c.rule, c.line, a.Class, want)
		}
	}
	for _, line := range []string{"contact CBOTH-COOP", "roid CBOTH-COOP", "contact C0-COOP"} {
		q, _ := ParseLine([]byte(line))
		if newFinder().Find(view, &q, now, a); a.Class != Invalid || a.Object != Contact {
			t.Errorf("Q-15: %q where contacts are not offered is %v, %v", line, a.Class, a.Object)
		}
	}
}

// A domain that cannot be told may be the one that shows the contact.
func TestFindContactOfAnUnknownDomain(t *testing.T) {
	f, a := newFinder(Policy{TLD: "coop", Contacts: true}), new(Answer)
	to := cachetest.Start
	to.Serial++
	view, _, err := contacts().Apply(cache.Delta{
		To: to, AsOf: cachetest.AsOf, Changes: []cache.Change{cachetest.Gone(registry.KindRegistrar, "example")},
	}, cachetest.Forever())
	if err != nil {
		t.Fatal(err)
	}
	q, _ := ParseLine([]byte("contact CBOTH-COOP"))
	if f.Find(view, &q, now, a); a.Class != Unknown || a.HasRegistrant {
		t.Errorf("it is %v with %+v", a.Class, a.Registrant)
	}
}

// a degraded contact is one that disclosed nothing.
func TestContactWithoutContacts(t *testing.T) {
	f, a := newFinder(Policy{TLD: "coop", Contacts: true}), new(Answer)
	q, _ := ParseLine([]byte("contact CBOTH-COOP"))
	f.Find(contacts(), &q, now, a)
	a.WithoutContacts()
	if c := &a.Registrant; a.Class != Degraded || c.Discloses() != 0 || c.CC != "GB" || c.Redacted&registry.ElementName == 0 {
		t.Errorf("it is %v with %+v", a.Class, c)
	}
}

// However many names refer to a contact, asking for it costs a bounded look.
func TestFindContactOfManyDomains(t *testing.T) {
	var many []any
	for i := range maxReferring {
		many = append(many, &registry.Domain{
			Name: fmt.Sprintf("a%03d.coop", i), ROID: fmt.Sprintf("DA%d-COOP", i), Registrar: "example", Created: longAgo, Expires: expires,
			Tech: []string{"CBOTH-COOP", "CSECOND-COOP", "CIDLE-COOP"},
		})
	}
	f, a := newFinder(Policy{TLD: "coop", Contacts: true}), new(Answer)
	view := contacts(many...)
	for roid, want := range map[string]string{
		"CBOTH-COOP": "found, without its address", // the name whose registrant it is stands behind
		"CIDLE-COOP": "notfound", "CSECOND-COOP": "notfound", "clow-coop": "found",
	} {
		q, _ := ParseLine([]byte("contact " + roid))
		f.Find(view, &q, now, a)
		got := a.Class.String()
		if a.Class == Found && len(a.Registrant.Street) == 0 {
			got += ", without its address"
		}
		if got != want {
			t.Errorf("%s is %s, want %s", roid, got, want)
		}
	}
}
