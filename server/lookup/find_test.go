package lookup

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"rddsd/cache"
	"rddsd/cache/cachetest"
	"rddsd/cache/registry"
	"rddsd/ratelimit"
)

// Times by the registry's clock: cachetest.AsOf is 03:04:05.
var (
	now     = time.Date(2026, 1, 2, 3, 4, 10, 0, time.UTC)
	longAgo = registry.TimeOf(time.Date(2002, 1, 30, 14, 0, 0, 0, time.UTC))
	minute  = registry.TimeOf(time.Date(2026, 1, 2, 3, 4, 0, 0, time.UTC))
	justNow = registry.TimeOf(time.Date(2026, 1, 2, 3, 4, 3, 0, time.UTC))
	expires = registry.TimeOf(time.Date(2027, 1, 30, 23, 59, 59, 0, time.UTC))
)

// decomposed is a registrar whose name the registry holds in another form than NFC.
var decomposed = &registry.Registrar{ClID: "nee", Name: "Ne\u0301e Names"}

// fixture is a registry with one object for each rule of Find; more objects and
// options of cachetest.Build may be added.
func fixture(more ...any) *cache.View {
	domain := func(name string, change func(*registry.Domain)) *registry.Domain {
		d := &registry.Domain{
			Name: name, ROID: "D-" + name, Registrar: "example", Created: longAgo, Expires: expires,
			Registrant: "C1-COOP", Tech: []string{"C2-COOP"}, Hosts: []string{"H1-COOP", "H2-COOP"},
		}
		if change != nil {
			change(d)
		}
		return d
	}
	host := func(roid, name string, v4 ...string) *registry.Nameserver {
		return &registry.Nameserver{ROID: roid, Name: name, Registrar: "example", V4: v4, Created: longAgo}
	}
	objects := []any{
		&registry.TLD{Name: "coop", GTLD: true, ContactModel: registry.ModelFull},
		&registry.TLD{Name: "test", ContactModel: registry.ModelPerRegistrar},
		&registry.TLD{Name: "small.test", ContactModel: registry.ModelMinimum},
		&registry.Registrar{ClID: "example", IANA: 9995, Name: "Example Registrar Limited", Created: longAgo},
		&registry.Registrar{ClID: "second", IANA: 9996, Name: "Second Registrar S.A.", ContactModel: registry.ModelMinimum},
		&registry.Registrar{ClID: "third", IANA: 9997, Name: "Third", ContactModel: registry.ModelFull},
		&registry.Registrar{ClID: "third-inc", IANA: 9998, Name: "Third Inc."},
		&registry.Registrar{ClID: "twin-a", Name: "Twin, Ltd"},
		&registry.Registrar{ClID: "twin-b", Name: "Twin Ltd"},
		&registry.Registrar{ClID: "pair-a", Name: "Pair One"},
		&registry.Registrar{ClID: "pair-b", Name: "Pair Two"},
		&registry.Registrar{ClID: "cafe", Name: "Caf\u00e9 des Noms"},
		&registry.Registrar{ClID: "com", Name: "Names.com Inc"},
		&registry.Registrar{ClID: "nameless"},
		&registry.Contact{
			ROID: "C1-COOP", SP: "Oxfordshire", CC: "GB", Created: longAgo,
			Redacted: registry.ElementID | registry.ElementName | registry.ElementStreet,
		},
		&registry.Contact{ROID: "C2-COOP", Redacted: registry.ElementID | registry.ElementName},
		&registry.Contact{ROID: "C3-COOP", Name: "Membership Office", Street: []string{"1 Example Yard"}, CC: "GB"},
		&registry.Contact{
			ROID: "C4-COOP", Handle: "office", Org: "Example Co-op", Street: []string{"1 Example Yard"}, City: "Oxford", SP: "Oxfordshire", PC: "OX1",
			CC: "GB", VoiceExt: "12", Fax: "+44.2079460001", FaxExt: "3", Redacted: registry.ElementName | registry.ElementVoice | registry.ElementEmail,
		},
		host("H1-COOP", "ns1.example.coop", "192.0.2.10"),
		host("H2-COOP", "a.example.net", "192.0.2.11"),
		host("H3-COOP", "idle.example.coop", "192.0.2.10"),
		host("HLOW-coop", "_low.example.coop"),
		host("H5-COOP", "odd.xn--99999999.example"),
		domain("example.coop", nil),
		domain("published.coop", func(d *registry.Domain) { d.Registrant, d.Tech = "C3-COOP", nil }),
		domain("techonly.coop", func(d *registry.Domain) { d.Tech = []string{"C3-COOP", "C2-COOP"} }),
		domain("withheldtech.coop", func(d *registry.Domain) { d.Tech = []string{"C2-COOP", "C3-COOP"} }),
		domain("officetech.coop", func(d *registry.Domain) { d.Tech = []string{"C4-COOP"} }),
		domain("xn--caf-dma.coop", func(d *registry.Domain) { d.UName = "caf\u00e9.coop" }),
		domain("xn--n3h.coop", nil), // a snowman, registered before IDNA2008
		domain("partly.coop", func(d *registry.Domain) {
			d.Registrant, d.Tech, d.Hosts = "C9-COOP", []string{"C9-COOP", "C2-COOP"}, []string{"H9-COOP", "H1-COOP"}
		}),
		domain("fresh.coop", func(d *registry.Domain) { d.Updated = justNow }),
		domain("pending.coop", func(d *registry.Domain) { d.Statuses = registry.PendingCreate }),
		domain("leaving.coop", func(d *registry.Domain) { d.Statuses = registry.PendingDelete | registry.RedemptionPeriod }),
		domain("both.coop", nil),
		domain("second.coop", func(d *registry.Domain) { d.Registrar, d.Registrant, d.Tech = "second", "C3-COOP", nil }),
		domain("unset.test", func(d *registry.Domain) { d.Registrant = "C3-COOP" }),
		domain("third.test", func(d *registry.Domain) { d.Registrar, d.Registrant = "third", "C3-COOP" }),
		domain("example.small.test", nil),
		&registry.Reserved{Name: "reserved.coop", Reason: registry.ReasonReserved},
		&registry.Reserved{Name: "xn--cafe-yvc.coop", Reason: registry.ReasonVariant, Of: "xn--caf-dma.coop"},
		&registry.Reserved{Name: "both.coop", Reason: registry.ReasonBlocked},
		&registry.Reserved{Name: "xn--99999998.coop", Reason: registry.ReasonBlocked},
	}
	return cachetest.Build(append(objects, more...)...)
}

// poisoned is the fixture with a row of each kind in quarantine.
func poisoned() *cache.View {
	return fixture(
		cachetest.Rejected(registry.KindDomain, "poison.coop", registry.RejectDate),
		cachetest.Rejected(registry.KindReserved, "poisoned.coop", registry.RejectText),
		cachetest.Rejected(registry.KindHost, "H666-COOP", registry.RejectAddress),
		cachetest.Rejected(registry.KindRegistrar, "poison", registry.RejectText),
	)
}

func newFinder(policies ...Policy) *Finder {
	return NewFinder(NewPolicies(policies, func(tld string) Policy { return Policy{TLD: tld} }))
}

// found is what a test compares of an answer.
type found struct {
	class  Class
	object Object
	name   string // as echoed
	tld    string
	what   string // Domain: its name; Registrar: its ClID; hosts: their names
}

func summary(a *Answer) found {
	f := found{class: a.Class, object: a.Object, name: a.Name}
	if a.TLD != nil {
		f.tld = a.TLD.Name
	}
	if a.Class == Reserved {
		f.what = a.Reserved.Name
	}
	if a.Class != Found {
		return f
	}
	switch a.Object {
	case Domain:
		f.what = a.Domain.Name
	case Registrar:
		f.what = a.Registrar.ClID
	case Nameserver, Nameservers:
		f.what = strings.Join(hostNames(a), " ")
	}
	return f
}

func hostNames(a *Answer) []string {
	var names []string
	for i := range a.Hosts {
		names = append(names, a.Hosts[i].Name)
	}
	return names
}

func domainFound(name string) found {
	return found{Found, Domain, name, "coop", name}
}

func TestFind(t *testing.T) {
	notDomain := func(name string) found { return found{NotFound, Domain, name, "coop", ""} }
	reserved := func(name string) found { return found{Reserved, Domain, name, "coop", name} }
	invalidIn := func(object Object, tld string) found { return found{class: Invalid, object: object, tld: tld} }
	registrar := func(clid string) found { return found{Found, Registrar, "", "", clid} }
	var (
		invalid     = found{class: Invalid}
		noRegistrar = found{class: NotFound, object: Registrar}
	)
	view, f, a := fixture(decomposed), newFinder(), new(Answer)
	for _, c := range []struct {
		rule, line string
		want       found
	}{
		{"name", "example.coop", domainFound("example.coop")},
		{"domain keyword", "domain example.coop", domainFound("example.coop")},
		{"sum NAME", "sum example.coop", domainFound("example.coop")},
		{"W-21 echo is the A-label", "CAF\u00c9.coop", domainFound("xn--caf-dma.coop")},
		{"longest zone", "example.small.test", found{Found, Domain, "example.small.test", "small.test", "example.small.test"}},
		{"Q-01 A-label", "xn--caf-dma.coop", domainFound("xn--caf-dma.coop")},
		{"Q-01 U-label", "caf\u00e9.coop", domainFound("xn--caf-dma.coop")},
		{"Q-01 a name that is registered is one, whatever IDNA2008 says", "xn--n3h.coop", domainFound("xn--n3h.coop")},
		{"Q-01 its U-label too", "\u2603.coop", domainFound("xn--n3h.coop")},
		{"Q-01 IDN not found", "xn--bcher-kva.coop", notDomain("xn--bcher-kva.coop")},
		{"Q-01 IDN not found by U-label", "b\u00fccher.coop", notDomain("xn--bcher-kva.coop")},
		{"Q-02 fake A-label", "xn--99999999.coop", invalidIn(Domain, "coop")},
		{"Q-02 fake A-label, domain keyword", "domain xn--99999999.coop", invalidIn(Domain, "coop")},
		{"Q-02 fake A-label of a host", "ns1.xn--99999999.coop", invalidIn(Nameserver, "coop")},
		{"Q-02 fake A-label under another TLD", "xn--99999999.com", invalidIn(Domain, "")},
		{"Q-02 a host that the registry holds is one", "ns odd.xn--99999999.example", found{Found, Nameserver, "odd.xn--99999999.example", "", "odd.xn--99999999.example"}},
		{"Q-02 a reserved name is one", "xn--99999998.coop", reserved("xn--99999998.coop")},
		{"Q-01 snowman not found", "\u2603\u2603.coop", invalidIn(Domain, "coop")},
		{"Q-01 emoji not found", "\U0001f600.coop", invalidIn(Domain, "coop")},
		{"Q-03 underscore in a domain", "_a.coop", invalidIn(Domain, "coop")},
		{"not found", "unregistered.coop", notDomain("unregistered.coop")},
		{"Q-06 reserved", "reserved.coop", reserved("reserved.coop")},
		{"Q-08 variant", "xn--cafe-yvc.coop", reserved("xn--cafe-yvc.coop")},
		{"registered and reserved: the domain wins", "both.coop", domainFound("both.coop")},
		{"Q-07 pendingDelete", "leaving.coop", domainFound("leaving.coop")},
		{"Q-07 pendingCreate", "pending.coop", reserved("pending.coop")},
		{"TLD", "coop", invalid},
		{"TLD with a dot", "COOP.", invalid},
		{"TLD of two labels", "small.test", invalid},
		{"TLD as a domain", "domain coop", found{OtherTLD, Domain, "coop", "", ""}},
		{"TLD of two labels as a domain", "domain small.test", found{OtherTLD, Domain, "small.test", "", ""}},
		{"other TLD", "example.com", found{OtherTLD, Domain, "example.com", "", ""}},
		{"other TLD, domain keyword", "domain example.com", found{OtherTLD, Domain, "example.com", "", ""}},
		{"other TLD that ends like ours", "example.xcoop", found{OtherTLD, Domain, "example.xcoop", "", ""}},
		{"domain deeper than names are registered", "domain www.example.coop", notDomain("www.example.coop")},
		{"a deeper name is a host", "ns1.example.coop", found{Found, Nameserver, "ns1.example.coop", "coop", "ns1.example.coop"}},
		{"host not found", "www.example.coop", found{NotFound, Nameserver, "www.example.coop", "coop", ""}},
		{"nameserver keyword", "nameserver a.example.net", found{Found, Nameserver, "a.example.net", "", "a.example.net"}},
		{"nameserver with an underscore", "ns _low.example.coop", found{Found, Nameserver, "_low.example.coop", "coop", "_low.example.coop"}},
		{"nameserver outside not found", "ns b.example.net", found{NotFound, Nameserver, "b.example.net", "", ""}},
		{"nameserver that is a domain", "ns example.coop", found{NotFound, Nameserver, "example.coop", "coop", ""}},
		{"by address, in order of name", "192.0.2.10", found{Found, Nameservers, "192.0.2.10", "", "idle.example.coop ns1.example.coop"}},
		{"by address, echo", "::FFFF:192.0.2.11", found{Found, Nameservers, "192.0.2.11", "", "a.example.net"}},
		{"by address, none", "2001:DB8::99", found{NotFound, Nameservers, "2001:db8::99", "", ""}},
		{"Q-05 exact key", "registrar EXAMPLE registrar, limited", registrar("example")},
		{"Q-05 without the last word", "registrar Example Registrar", registrar("example")},
		{"Q-05 bare words", "example registrar", registrar("example")},
		{"Q-05 exact key before a shorter one", "registrar third", registrar("third")},
		{"Q-05 exact key, longer", "registrar third inc", registrar("third-inc")},
		{"Q-05 several by exact key", "registrar Twin Ltd", invalidIn(Registrar, "")},
		{"Q-05 several without the last word", "registrar pair", invalidIn(Registrar, "")},
		{"Q-05 letters beyond ASCII", "registrar CAF\u00c9 DES NOMS", registrar("cafe")},
		{"Q-05 a name held in another normal form", "registrar N\u00e9e Names", registrar("nee")},
		{"Q-05 the same without its last word", "registrar n\u00e9e", registrar("nee")},
		{"Q-05 letters beyond ASCII, not in NFC", "registrar Cafe\u0301 des", registrar("cafe")},
		{"Q-05 not the last two words", "registrar cafe", noRegistrar},
		{"Q-05 two words, the second a name", "registrar names.com inc", registrar("com")},
		{"two words, the second a name under no TLD of ours", "Names names.com", noRegistrar},
		{"two words, the second a name that is no TLD of ours, both a registrar", "Second registrar.s.a", registrar("second")},
		{"registrar not found", "registrar Nobody", noRegistrar},
		{"registrar as bare word", "third", registrar("third")},
		{"registrar called like our TLD", "registrar coop", noRegistrar},
		{"IANA ID", "9995", registrar("example")},
		{"IANA ID not found", "registrar 1", noRegistrar},
		{"IANA ID 0 is none", "registrar 0", noRegistrar},
		{"ROID of a domain", "roid D-example.coop", domainFound("example.coop")},
		{"ROID of a host", "H1-COOP", found{Found, Nameserver, "ns1.example.coop", "coop", "ns1.example.coop"}},
		{"ROID in lower case", "h1-coop", found{Found, Nameserver, "ns1.example.coop", "coop", "ns1.example.coop"}},
		{"ROID held in lower case", "roid HLOW-coop", found{Found, Nameserver, "_low.example.coop", "coop", "_low.example.coop"}},
		{"ROID of a host outside", "H2-COOP", found{Found, Nameserver, "a.example.net", "", "a.example.net"}},
		{"ROID of nothing", "D99-COOP", found{class: NotFound, object: Domain}},
		{"ROID of no host", "99H-COOP", found{class: NotFound, object: Nameserver}},
		{"Q-15 ROID of a contact", "roid C1-COOP", invalidIn(Contact, "")},
		{"Q-15 ROID that a contact might have", "roid C99-COOP", invalidIn(Contact, "")},
		{"Q-07 ROID of a name in pendingCreate", "roid D-pending.coop", found{class: NotFound, object: Domain}},
		{"help", "?", found{class: Help}},
		{"W-17 empty", "", invalid},
		{"Q-04 wildcard", "foo*.coop", invalid},
		{"Q-15 contact", "contact C1-COOP", invalidIn(Contact, "")},
	} {
		q, _ := ParseLine([]byte(c.line))
		f.Find(view, &q, now, a)
		if got := summary(a); got != c.want {
			t.Errorf("%s: %q is answered %+v, want %+v", c.rule, c.line, got, c.want)
		}
		if a.Policy == nil || a.View != view {
			t.Errorf("%s: the answer to %q has policy %v and view %p", c.rule, c.line, a.Policy, a.View)
		}
	}
}

func TestFindEntity(t *testing.T) {
	view, f, a := fixture(decomposed), newFinder(), new(Answer)
	for _, c := range []struct {
		rule, path string
		class      Class
		clid       string
	}{
		{"IANA ID", "entity/9995", Found, "example"},
		{"full name", "entity/Example%20Registrar%20Limited", Found, "example"},
		{"letter case", "entity/EXAMPLE%20registrar%20limited", Found, "example"},
		{"blanks are folded", "entity/%20Example%20%20Registrar%C2%A0Limited", Found, "example"},
		{"a name held in another normal form", "entity/N%C3%A9e%20Names", Found, "nee"},
		{"NFC", "entity/Cafe%CC%81%20des%20Noms", Found, "cafe"},
		{"punctuation counts", "entity/Twin%20Ltd", Found, "twin-b"},
		{"not without the last word", "entity/Example%20Registrar", NotFound, ""},
		{"plus is no blank", "entity/Example+Registrar+Limited", NotFound, ""},
		{"dots count", "entity/Second%20Registrar%20SA", NotFound, ""},
		{"contacts are not offered", "entity/C1-COOP", NotFound, ""},
		{"no letter at all", "entity/--", NotFound, ""},
		{"a longer name", "entity/Third%20Inc.%20", Found, "third-inc"},
		{"a prefix", "entity/Thir", NotFound, ""},
	} {
		q, err := ParsePath([]byte(c.path), nil)
		if err != nil {
			t.Errorf("%s: %v", c.rule, err)
			continue
		}
		f.Find(view, &q, now, a)
		if got := summary(a); got.class != c.class || got.what != c.clid || got.object != Registrar {
			t.Errorf("%s: %q is answered %+v, want %v %q", c.rule, c.path, got, c.class, c.clid)
		}
	}
}

func TestFindSeveralRegistrars(t *testing.T) {
	view, f, a := fixture(&registry.Registrar{ClID: "third-2", Name: "third"}), newFinder(), new(Answer)
	for line, want := range map[string]bool{"registrar Twin Ltd": true, "registrar pair": true, "registrar third": true, "foo*.coop": false} {
		q, _ := ParseLine([]byte(line))
		if f.Find(view, &q, now, a); a.Class != Invalid || a.Ambiguous != want {
			t.Errorf("%q is answered %v, ambiguous %v, want %v", line, a.Class, a.Ambiguous, want)
		}
	}
	q, _ := ParsePath([]byte("entity/third"), nil)
	if f.Find(view, &q, now, a); a.Class != Invalid || !a.Ambiguous {
		t.Errorf("an RDAP entity with two hits is answered %v, ambiguous %v", a.Class, a.Ambiguous)
	}
}

// what cannot be told is unknown, whatever the question.
func TestFindUnknown(t *testing.T) {
	misses := []string{
		"unregistered.coop", "domain www.example.coop", "www.example.coop", "ns b.example.net", "192.0.2.99", "registrar Nobody", "registrar 1",
		"D99-COOP", "roid D-pending.coop",
	}
	f, a := newFinder(), new(Answer)
	find := func(view *cache.View, line string) Class {
		q, _ := ParseLine([]byte(line))
		f.Find(view, &q, now, a)
		return a.Class
	}
	stale := fixture(now)
	for _, line := range misses {
		if got := find(stale, line); got != Unknown {
			t.Errorf("data too old: %q is answered %v, want %v", line, got, Unknown)
		}
		if got := find(fixture(now.Add(1)), line); got != NotFound {
			t.Errorf("data just not too old: %q is answered %v, want %v", line, got, NotFound)
		}
	}
	for line, want := range map[string]Class{
		"example.coop": Found, "ns1.example.coop": Found, "192.0.2.10": Found, "9995": Found, "reserved.coop": Reserved,
		"foo*.coop": Invalid, "example.com": OtherTLD, "xn--99999999.coop": Invalid, "coop": Invalid, "?": Help, "roid C1-COOP": Invalid,
	} {
		if got := find(stale, line); got != want {
			t.Errorf("data too old: %q is answered %v, want %v", line, got, want)
		}
	}
	for line, want := range map[string]Class{
		"poison.coop": Unknown, "poisoned.coop": Unknown, "ns b.example.net": Unknown, "192.0.2.99": Unknown,
		"registrar Nobody": Unknown, "registrar 1": Unknown, "D99-COOP": Unknown,
		"unregistered.coop": NotFound, "example.coop": Found, "reserved.coop": Reserved, "192.0.2.10": Found,
	} {
		if got := find(poisoned(), line); got != want {
			t.Errorf("rows in quarantine: %q is answered %v, want %v", line, got, want)
		}
	}
}

// A domain whose sponsor went is not shown without one, and not denied.
func TestFindWithoutSponsor(t *testing.T) {
	f, a := newFinder(), new(Answer)
	q, _ := ParseLine([]byte("example.coop"))
	for what, change := range map[string]cache.Change{
		"the registrar is gone":       cachetest.Gone(registry.KindRegistrar, "example"),
		"the registrar lost its IANA": cachetest.Change(&registry.Registrar{ClID: "example", Name: "Example"}),
	} {
		to := cachetest.Start
		to.Serial++
		view, _, err := fixture().Apply(cache.Delta{To: to, AsOf: cachetest.AsOf, Changes: []cache.Change{change}}, cachetest.Forever())
		if err != nil {
			t.Fatal(err)
		}
		f.Find(view, &q, now, a)
		if got, want := summary(a), (found{Unknown, Domain, "example.coop", "coop", ""}); got != want {
			t.Errorf("%s: %+v, want %+v", what, got, want)
		}
		if a.Domain.Name != "" || a.Registrar != nil || a.Ask.Shows != ratelimit.Nothing {
			t.Errorf("%s: the answer still holds %+v", what, a.Domain)
		}
	}
}

func TestFindHideReserved(t *testing.T) {
	f, a := newFinder(Policy{TLD: "coop", HideReserved: true}), new(Answer)
	for _, line := range []string{"reserved.coop", "pending.coop", "xn--cafe-yvc.coop"} {
		q, _ := ParseLine([]byte(line))
		if f.Find(fixture(), &q, now, a); a.Class != NotFound || a.Reserved.Name != "" {
			t.Errorf("%q is answered %v with %+v, want %v", line, a.Class, a.Reserved, NotFound)
		}
		if f.Find(fixture(now), &q, now, a); a.Class != Unknown {
			t.Errorf("%q is answered %v from old data, want %v", line, a.Class, Unknown)
		}
	}
}

func TestFindContacts(t *testing.T) {
	const (
		unset, full, minimum, each = registry.ModelUnset, registry.ModelFull, registry.ModelMinimum, registry.ModelPerRegistrar
	)
	view, a := fixture(), new(Answer)
	for _, c := range []struct {
		rule, name string
		override   registry.ContactModel
		want       bool
	}{
		{"the TLD's model", "example.coop", unset, true},
		{"the registrar's model before the TLD's", "second.coop", unset, false},
		{"per-registrar, the registrar has one", "third.test", unset, true},
		{"per-registrar, the registrar has none", "unset.test", unset, false},
		{"the TLD's model is minimum", "example.small.test", unset, false},
		{"override: minimum", "example.coop", minimum, false},
		{"override: full", "second.coop", full, true},
		{"override: per-registrar, the registrar has one", "third.test", each, true},
		{"override: per-registrar, the registrar has another", "second.coop", each, false},
		{"override: per-registrar, the registrar has none", "example.coop", each, false},
	} {
		f := newFinder(Policy{TLD: "coop", ContactModel: c.override}, Policy{TLD: "test", ContactModel: c.override})
		q, _ := ParseLine([]byte(c.name))
		f.Find(view, &q, now, a)
		if a.Class != Found || a.HasRegistrant != c.want {
			t.Errorf("%s: %s is %v, with registrant %v, want %v", c.rule, c.name, a.Class, a.HasRegistrant, c.want)
		}
		if !c.want && (a.Registrant.ROID != "" || a.HasTech || a.Tech.ROID != "" || a.Ask.Shows != ratelimit.Object) {
			t.Errorf("%s: %s still has contacts: %+v, %+v, shows %v", c.rule, c.name, a.Registrant, a.Tech, a.Ask.Shows)
		}
	}
}

// A domain whose host or contact is not known is served with what is known.
func TestFindPartly(t *testing.T) {
	f, a := newFinder(), new(Answer)
	q, _ := ParseLine([]byte("partly.coop"))
	f.Find(fixture(), &q, now, a)
	if a.Class != Found || a.HasRegistrant || !a.HasTech || a.Tech.ROID != "C2-COOP" || !slices.Equal(hostNames(a), []string{"ns1.example.coop"}) {
		t.Errorf("answered %v, registrant %v, tech %+v, hosts %v", a.Class, a.HasRegistrant, a.Tech, hostNames(a))
	}
}

func TestFindHosts(t *testing.T) {
	f, a := newFinder(), new(Answer)
	q, _ := ParseLine([]byte("example.coop"))
	f.Find(fixture(), &q, now, a)
	if got := hostNames(a); !slices.Equal(got, []string{"a.example.net", "ns1.example.coop"}) {
		t.Errorf("hosts of example.coop: %v, want them by name", got)
	}
	for line, linked := range map[string][]bool{
		"example.coop": {true, true}, "192.0.2.10": {false, true}, "ns1.example.coop": {true}, "idle.example.coop": {false}, "H1-COOP": {true},
	} {
		q, _ = ParseLine([]byte(line))
		f.Find(fixture(), &q, now, a)
		for i, linked := range linked {
			if h := &a.Hosts[i]; h.Linked != linked || h.Registrar == nil || h.Registrar.ClID != "example" {
				t.Errorf("%q: %s is linked %v, registrar %v, want %v, example", line, h.Name, h.Linked, h.Registrar, linked)
			}
		}
	}
}

// What the registry does not tell of an IDN is found out, once for all protocols.
func TestFindULabels(t *testing.T) {
	domain := func(name, uName string) *registry.Domain {
		return &registry.Domain{Name: name, UName: uName, ROID: "D-" + name, Registrar: "example", Created: longAgo, Expires: expires, Hosts: []string{"H9-COOP"}}
	}
	view := fixture(
		domain("xn--strae-oqa.coop", ""), domain("xn--bcher-kva.coop", "xn--bcher-kva.coop"), domain("plain.coop", "plain.coop"),
		&registry.Nameserver{ROID: "H9-COOP", Name: "ns.xn--caf-dma.example", Registrar: "example"},
	)
	f, a := newFinder(), new(Answer)
	for name, want := range map[string]string{
		"xn--caf-dma.coop": "caf\u00e9.coop", "xn--strae-oqa.coop": "stra\u00dfe.coop", "xn--bcher-kva.coop": "b\u00fccher.coop", "plain.coop": "",
	} {
		q, _ := ParseLine([]byte(name))
		f.Find(view, &q, now, a)
		if a.Class != Found || a.Domain.UName != want {
			t.Errorf("%s: %v with the U-label %+q, want %+q", name, a.Class, a.Domain.UName, want)
		}
		if name == "xn--caf-dma.coop" {
			continue // the hosts of the fixture
		}
		if got := a.Hosts[0].UName; got != "ns.caf\u00e9.example" {
			t.Errorf("%s: its host has the U-label %+q", name, got)
		}
		if n := testing.AllocsPerRun(1000, func() { f.Find(view, &q, now, a) }); n != 0 {
			t.Errorf("%s: Find allocates %v times, want 0", name, n)
		}
	}
}

// an answer does not even hold what must not be told.
func TestFindHoldsNoSecret(t *testing.T) {
	f, a := newFinder(), new(Answer)
	for _, line := range []string{"xn--cafe-yvc.coop", "pending.coop", "roid D-pending.coop"} {
		q, _ := ParseLine([]byte(line))
		f.Find(fixture(), &q, now, a)
		if a.Reserved.Of != "" || a.Domain.Name != "" || a.Domain.Registrant != "" || len(a.Hosts) != 0 {
			t.Errorf("the answer to %q holds %+v, %+v", line, a.Reserved, a.Domain)
		}
	}
}

func TestFindMaxNameservers(t *testing.T) {
	var hosts []any
	for i := range MaxNameservers + 1 {
		hosts = append(hosts, &registry.Nameserver{ROID: fmt.Sprintf("H%d-TEST", 100+i), Name: fmt.Sprintf("ns%d.example.test", 999-i), V4: []string{"192.0.2.50"}})
	}
	q := Query{Question: AskAddress, Addr: netip.MustParseAddr("192.0.2.50")}
	f, a := newFinder(), new(Answer)
	for n, more := range map[int]bool{MaxNameservers: false, MaxNameservers + 1: true} {
		f.Find(fixture(hosts[:n]...), &q, now, a)
		if len(a.Hosts) != MaxNameservers || a.More != more || !slices.IsSorted(hostNames(a)) || a.Ask.Count != MaxNameservers {
			t.Errorf("%d hosts at an address: %d shown, more %v, counted %d, %v", n, len(a.Hosts), a.More, a.Ask.Count, hostNames(a))
		}
		if f.Find(fixture(), &Query{Question: AskHelp}, now, a); a.More {
			t.Error("help is cut")
		}
	}
}

// T-01: the minute, but never before the object's own last change.
func TestFindAsOf(t *testing.T) {
	view := fixture(
		&registry.Nameserver{ROID: "H7-COOP", Name: "ns7.example.coop", V4: []string{"192.0.2.70"}, Updated: justNow},
		&registry.Registrar{ClID: "seventh", IANA: 7, Updated: justNow},
	)
	f, a := newFinder(), new(Answer)
	for line, want := range map[string]registry.Time{
		"example.coop": minute, "fresh.coop": justNow, "unregistered.coop": minute, "ns7.example.coop": justNow, "192.0.2.70": justNow,
		"192.0.2.10": minute, "7": justNow, "9995": minute, "?": minute, "": minute,
	} {
		q, _ := ParseLine([]byte(line))
		if f.Find(view, &q, now, a); a.AsOf != want {
			t.Errorf("%q is as of %v, want %v", line, a.AsOf, want)
		}
	}
}

func TestFindAsk(t *testing.T) {
	view, f := fixture(), newFinder()
	ask := func(line string) ratelimit.Ask {
		q, _ := ParseLine([]byte(line))
		a := new(Answer)
		f.Find(view, &q, now, a)
		return a.Ask
	}
	for line, want := range map[string]ratelimit.Shows{
		"example.coop": ratelimit.Object, "published.coop": ratelimit.Contact, "techonly.coop": ratelimit.Contact,
		"withheldtech.coop": ratelimit.Object, "officetech.coop": ratelimit.Object,
		"second.coop": ratelimit.Object, "ns1.example.coop": ratelimit.Object, "192.0.2.10": ratelimit.Object, "9995": ratelimit.Object,
		"unregistered.coop": ratelimit.Nothing, "reserved.coop": ratelimit.Nothing, "pending.coop": ratelimit.Nothing,
		"example.com": ratelimit.Nothing, "": ratelimit.Nothing, "?": ratelimit.Nothing,
	} {
		if got := ask(line); got.Shows != want {
			t.Errorf("%q shows %v, want %v", line, got.Shows, want)
		}
	}
	for line, want := range map[string]int{"example.coop": 1, "192.0.2.10": 2, "192.0.2.99": 1, "unregistered.coop": 1, "?": 1} {
		if got := ask(line); got.Count != want {
			t.Errorf("%q counts %d, want %d", line, got.Count, want)
		}
	}
	same := [][2]string{
		{"example.coop", "domain EXAMPLE.coop"},
		{"example.coop", "roid D-example.coop"},
		{"ns1.example.coop", "H1-COOP"},
		{"9995", "registrar Example Registrar"},
		{"unregistered.coop", "domain unregistered.coop"},
	}
	for _, pair := range same {
		if ask(pair[0]).Object != ask(pair[1]).Object {
			t.Errorf("%q and %q are one object, but charged as two", pair[0], pair[1])
		}
	}
	differ := [][2]string{
		{"example.coop", "published.coop"},
		{"unregistered.coop", "domain unregistered2.coop"},
		{"example.coop", "ns example.coop"},
		{"192.0.2.10", "192.0.2.11"},
		{"registrar Nobody", "registrar Somebody"},
	}
	for _, pair := range differ {
		if ask(pair[0]).Object == ask(pair[1]).Object {
			t.Errorf("%q and %q are two objects, but charged as one", pair[0], pair[1])
		}
	}
	if other := newFinder(); other.seed == f.seed {
		t.Error("two processes would share their keys")
	}
}

// An Answer that is used again holds nothing of what it held.
func TestFindReusesAnswer(t *testing.T) {
	view, f, used := fixture(), newFinder(), new(Answer)
	lines := []string{"published.coop", "techonly.coop", "example.coop", "second.coop", "192.0.2.10", "reserved.coop", "pending.coop", "registrar Twin Ltd", "", "9995", "unregistered.coop"}
	for _, before := range lines {
		for _, line := range lines {
			for _, l := range []string{before, line} {
				q, _ := ParseLine([]byte(l))
				f.Find(view, &q, now, used)
			}
			q, _ := ParseLine([]byte(line))
			fresh := new(Answer)
			f.Find(view, &q, now, fresh)
			if got, want := content(used), content(fresh); got != want {
				t.Errorf("%q after %q: %s\nalone: %s", line, before, got, want)
			}
		}
	}
}

func content(a *Answer) string {
	return fmt.Sprintf("%v %v %q %v %p %p %+q %p %v %+q %+v %+v %v %+v %v %v",
		a.Class, a.Object, a.Name, a.AsOf, a.TLD, a.Policy, []any{a.Domain.Name, a.Domain.ROID, a.Domain.Hosts, a.Domain.Tech}, a.Registrar,
		a.HasRegistrant, []any{a.Registrant.ROID, a.Registrant.Name, a.Registrant.Street}, []any{a.HasTech, a.Tech}, a.Hosts, a.More, a.Reserved, a.Ambiguous, a.Ask)
}

func TestSetPolicies(t *testing.T) {
	f, a := newFinder(), new(Answer)
	f.SetPolicies(NewPolicies([]Policy{{TLD: "coop", HideReserved: true}}, func(string) Policy { return Policy{} }))
	q, _ := ParseLine([]byte("reserved.coop"))
	if f.Find(fixture(), &q, now, a); a.Class != NotFound || a.Policy != f.Policies().For("coop") {
		t.Errorf("answered %v under %+v", a.Class, a.Policy)
	}
}

func TestFindAllocates(t *testing.T) {
	view, f, a := fixture(), newFinder(), new(Answer)
	for what, line := range map[string]string{
		"redacted": "example.coop", "published": "published.coop", "tech": "techonly.coop", "miss": "unregistered.coop", "IDN": "xn--caf-dma.coop",
		"host": "ns1.example.coop", "address": "192.0.2.10", "no address": "192.0.2.99", "registrar": "registrar Example Registrar Limited",
		"registrar without its last word": "registrar example registrar", "no registrar": "registrar Nobody", "registrar beyond ASCII": "registrar caf\u00e9 des noms", "IANA ID": "9995",
		"ROID": "h1-coop", "reserved": "reserved.coop", "pendingCreate": "pending.coop", "other TLD": "example.com", "invalid": "", "help": "?",
	} {
		q, _ := ParseLine([]byte(line))
		f.Find(view, &q, now, a)
		if n := testing.AllocsPerRun(1000, func() { f.Find(view, &q, now, a) }); n != 0 {
			t.Errorf("%s: Find(%q) allocates %v times, want 0", what, line, n)
		}
	}
}

func FuzzFind(f *testing.F) {
	for _, line := range []string{"example.coop", "registrar pair", "xn--.coop", "D-pending.coop", "192.0.2.10", "sum \u2603.coop", "domain coop"} {
		f.Add([]byte(line))
	}
	view, stale, finder, a := fixture(), fixture(now), newFinder(), new(Answer)
	f.Fuzz(func(t *testing.T, line []byte) {
		asked := string(line)
		q, _ := ParseLine(line)
		finder.Find(view, &q, now, a)
		switch a.Class {
		case Found, NotFound, Reserved, Invalid, OtherTLD, Help:
		default:
			t.Errorf("%q is answered %v", asked, a.Class)
		}
		if strings.Trim(a.Name, "abcdefghijklmnopqrstuvwxyz0123456789-._:") != "" || len(a.Name) > registry.MaxName {
			t.Errorf("%q is echoed %q", asked, a.Name)
		}
		fresh := a.Class
		finder.Find(stale, &q, now, a)
		if want := map[Class]Class{NotFound: Unknown}; a.Class != fresh && a.Class != want[fresh] || a.Class == NotFound {
			t.Errorf("%q is answered %v, and %v from data that is too old", asked, fresh, a.Class)
		}
		path := append([]byte("domain/"), asked...)
		if q, err := ParsePath(path, nil); err == nil {
			finder.Find(view, &q, now, a)
			if a.Class == Found && a.Domain.Name != q.Name || strings.Trim(a.Name, "abcdefghijklmnopqrstuvwxyz0123456789-.") != "" {
				t.Errorf("%q is answered %v, %q, as %q", path, a.Class, a.Domain.Name, a.Name)
			}
		}
	})
}

func BenchmarkParseLine(b *testing.B) {
	for _, c := range [][2]string{{"ascii", "example.coop"}, {"keyword", "nameserver ns1.example.coop"}, {"alabel", "xn--caf-dma.coop"}, {"ulabel", "caf\u00e9.coop"}} {
		b.Run(c[0], func(b *testing.B) {
			b.ReportAllocs()
			buf := make([]byte, len(c[1]))
			for b.Loop() {
				copy(buf, c[1])
				ParseLine(buf)
			}
		})
	}
}

func BenchmarkFind(b *testing.B) {
	view, f, a := fixture(), newFinder(), new(Answer)
	for _, c := range [][2]string{
		{"hit", "example.coop"},
		{"published", "published.coop"},
		{"miss", "unregistered.coop"},
		{"IDN", "xn--caf-dma.coop"},
		{"IDN-miss", "xn--bcher-kva.coop"},
		{"host", "ns1.example.coop"},
		{"address", "192.0.2.10"},
		{"registrar", "9995"},
	} {
		b.Run(c[0], func(b *testing.B) {
			b.ReportAllocs()
			q, _ := ParseLine([]byte(c[1]))
			for b.Loop() {
				f.Find(view, &q, now, a)
			}
		})
	}
}
