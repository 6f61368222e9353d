package registry

import (
	"slices"
	"strings"
	"testing"
)

func TestValidName(t *testing.T) {
	long := strings.Repeat("a", 63)
	tests := []struct {
		rule string
		name string
		want bool
	}{
		{"a TLD", "coop", true},
		{"a name", "example.coop", true},
		{"one letter", "a.coop", true},
		{"digits only", "123.coop", true},
		{"an A-label", "xn--caf-dma.coop", true},
		{"63 letters", long + ".coop", true},
		{"64 letters", long + "a.coop", false},
		{"253 bytes", strings.Join([]string{long, long, long, long[:61]}, "."), true},
		{"254 bytes", strings.Join([]string{long, long, long, long[:62]}, "."), false},
		{"empty", "", false},
		{"a trailing dot", "example.coop.", false},
		{"an empty label", "a..coop", false},
		{"a leading dot", ".coop", false},
		{"capitals", "Example.coop", false},
		{"a leading hyphen", "-a.coop", false},
		{"a trailing hyphen", "a-.coop", false},
		{"hyphens at 3 and 4", "ab--c.coop", false},
		{"hyphens further on", "abc--d.coop", true},
		{"an underscore", "_dmarc.coop", false},
		{"a space", "a b.coop", false},
		{"a U-label", "caf\u00e9.coop", false},
	}
	for _, tt := range tests {
		if got := ValidName(tt.name); got != tt.want {
			t.Errorf("%s: ValidName(%q) = %v, want %v", tt.rule, tt.name, got, tt.want)
		}
	}
	if !ValidHost("_ns.example.net") {
		t.Error("ValidHost refuses an underscore")
	}
}

func TestParseDS(t *testing.T) {
	if got, ok := ParseDS("12345 13 2 abCD"); !ok || got != (DS{12345, 13, 2, "ABCD"}) {
		t.Errorf("ParseDS gave %+v, %v", got, ok)
	}
	for _, bad := range []string{
		"", "1 2 3", "1 2 3 ab cd", "65536 13 2 ab", "1 256 2 ab", "1 2 256 ab", "-1 2 3 ab", "1 2 3 abc", "1 2 3 gg", "1 2 3 " + strings.Repeat("a", 514),
	} {
		if ds, ok := ParseDS(bad); ok {
			t.Errorf("ParseDS(%q) = %+v, want none", bad, ds)
		}
	}
}

func TestCheck(t *testing.T) {
	type checker interface{ Check() Reject }
	domain := func(change func(*Domain)) *Domain {
		d := &Domain{Name: "a.coop", Created: 1, Expires: 2}
		change(d)
		return d
	}
	tooLong := strings.Repeat("a", MaxText+1)
	tests := []struct {
		name   string
		object checker
		want   Reject
	}{
		{"a domain", domain(func(*Domain) {}), ""},
		{"bad name", domain(func(d *Domain) { d.Name = "A.coop" }), RejectName},
		{"no creation", domain(func(d *Domain) { d.Created = 0 }), RejectDate},
		{"no expiry", domain(func(d *Domain) { d.Expires = 0 }), RejectDate},
		{"year 10000", domain(func(d *Domain) { d.Expires = MaxTime + 1 }), RejectDate},
		{"before 1970", domain(func(d *Domain) { d.Transferred = -1 }), RejectDate},
		{"odd digest", domain(func(d *Domain) { d.DS = []DS{{Digest: "ABC"}} }), RejectDS},
		{"not UTF-8", domain(func(d *Domain) { d.Reseller = "\xff" }), RejectText},
		{"long text", domain(func(d *Domain) { d.Reseller = tooLong }), RejectText},
		{"too many hosts", domain(func(d *Domain) { d.Hosts = make([]string, MaxList+1) }), RejectText},
		{"a TLD", &TLD{Name: "coop"}, ""},
		{"TLD with a dot at its end", &TLD{Name: "coop."}, RejectName},
		{"a registrar", &Registrar{ClID: "reg"}, ""},
		{"registrar without a key", &Registrar{}, RejectKey},
		{"registrar with a long street", &Registrar{ClID: "reg", Street: []string{tooLong}}, RejectText},
		{"a contact", &Contact{ROID: "C1"}, ""},
		{"contact without a key", &Contact{}, RejectKey},
		{"contact with bad text", &Contact{ROID: "C1", Email: "\xff"}, RejectText},
		{"a host", &Nameserver{ROID: "H1", Name: "_ns.example.net"}, ""},
		{"host without a key", &Nameserver{Name: "ns.example.net"}, RejectKey},
		{"IPv6 among IPv4", &Nameserver{ROID: "H1", Name: "ns.example.net", V4: []string{"2001:db8::1"}}, RejectAddress},
		{"IPv4 among IPv6", &Nameserver{ROID: "H1", Name: "ns.example.net", V6: []string{"192.0.2.1"}}, RejectAddress},
		{"an address with a zone", &Nameserver{ROID: "H1", Name: "ns.example.net", V6: []string{"fe80::1%eth0"}}, RejectAddress},
		{"a reserved name", &Reserved{Name: "reserved.coop"}, ""},
		{"reserved with bad text", &Reserved{Name: "reserved.coop", PublicText: "\xff"}, RejectText},
	}
	for _, tt := range tests {
		if got := tt.object.Check(); got != tt.want {
			t.Errorf("%s: Check() = %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestCheckWritesAddressesInOneForm(t *testing.T) {
	n := Nameserver{ROID: "H1", Name: "ns.example.net", V4: []string{" 192.0.2.1"}, V6: []string{"2001:DB8:0:0::1"}}
	if reject := n.Check(); reject != "" {
		t.Fatal(reject)
	}
	if got := slices.Concat(n.V4, n.V6); !slices.Equal(got, []string{"192.0.2.1", "2001:db8::1"}) {
		t.Errorf("addresses after Check: %q, want RFC 5952 text", got)
	}
}

func TestWithhold(t *testing.T) {
	c := Contact{
		ROID: "C1", Handle: "c1", Name: "Membership Office", Org: "Example", Street: []string{"1 Yard"}, City: "Oxford", SP: "Oxfordshire",
		PC: "OX1", CC: "GB", Voice: "+44.1", VoiceExt: "1", Fax: "+44.2", FaxExt: "2", Email: "a@b.example",
	}
	if !c.BearsContact() {
		t.Error("a contact with every value does not bear contact data")
	}
	c.Withhold()
	all := Element(1)<<len(elementNames) - 1
	want := Contact{ROID: "C1", SP: "Oxfordshire", CC: "GB", Redacted: all}
	if !sameObject(c, want) {
		t.Errorf("Withhold() left %+v, want %+v", c, want)
	}
	if c.BearsContact() || c.Discloses() != 0 {
		t.Errorf("a withheld contact discloses %q", c.Discloses().Names())
	}
	empty := Contact{ROID: "C2"}
	empty.Withhold()
	if empty.Redacted != ElementID {
		t.Errorf("withholding a contact without values redacts %q: what was never held cannot be withheld", empty.Redacted.Names())
	}
}

func TestWordsOfTheContract(t *testing.T) {
	for kind := range Kind(Kinds) {
		if got, ok := ParseKind(kind.String()); !ok || got != kind {
			t.Errorf("ParseKind(%q) = %v, %v", kind, got, ok)
		}
	}
	for model := ModelUnset; model <= ModelPerRegistrar; model++ {
		if got, ok := ParseContactModel(model.String()); !ok || got != model {
			t.Errorf("ParseContactModel(%q) = %v, %v", model, got, ok)
		}
	}
	for reason := ReasonReserved; reason <= ReasonWithheld; reason++ {
		if got, ok := ParseReason(reason.String()); !ok || got != reason {
			t.Errorf("ParseReason(%q) = %v, %v", reason, got, ok)
		}
	}
	for i, name := range elementNames {
		if got, ok := ParseElement(name); !ok || got != 1<<i {
			t.Errorf("ParseElement(%q) = %b, %v", name, got, ok)
		}
	}
	for _, bad := range []string{"", "Domain", "postgres"} {
		_, kind := ParseKind(bad)
		_, reason := ParseReason(bad)
		_, element := ParseElement(bad)
		if kind || reason || element {
			t.Errorf("%q is a word of the contract: kind %v, reason %v, element %v", bad, kind, reason, element)
		}
	}
}
