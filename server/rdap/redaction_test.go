package rdap

import (
	"testing"

	"rddsd/cache/registry"
)

func TestWithholds(t *testing.T) {
	full := registry.Contact{
		ROID: "C1-CNIC", Name: "n", Org: "o", Street: []string{"s"}, City: "c", PC: "p", CC: "IE",
		Voice: "+1.1", VoiceExt: "1", Fax: "+1.2", FaxExt: "2", Email: "e@mail.example",
	}
	const always = registry.ElementName | registry.ElementVoice | registry.ElementEmail
	for _, test := range []struct {
		rule   string
		change func(*registry.Contact)
		want   registry.Element
	}{
		{"what is disclosed is not withheld", func(*registry.Contact) {}, 0},
		{
			"what the registry withholds is, whatever else the row says",
			func(c *registry.Contact) { c.Redacted = registry.ElementCity | registry.ElementID },
			registry.ElementCity | registry.ElementID,
		},
		{
			"name, phone and e-mail are when they are absent, even if never collected",
			func(c *registry.Contact) { *c = registry.Contact{ROID: c.ROID} },
			always,
		},
		{
			"so are the parts of an address that tells a country",
			func(c *registry.Contact) {
				*c = registry.Contact{ROID: c.ROID, CC: "IE", Street: []string{""}, City: "Cork"}
			},
			always | registry.ElementStreet | registry.ElementPC,
		},
		{
			"nothing is told of an address without a country", func(c *registry.Contact) { c.CC, c.City, c.Redacted = "XK", "", registry.ElementStreet }, 0,
		},
		{"what is no e-mail address is withheld", func(c *registry.Contact) { c.Email = "e" }, registry.ElementEmail},
		{
			"an extension goes with its number",
			func(c *registry.Contact) { c.Redacted = registry.ElementVoice; c.Fax = "" },
			registry.ElementVoice | registry.ElementVoiceExt | registry.ElementFaxExt,
		},
		{"a withheld fax takes its extension along", func(c *registry.Contact) { c.Redacted = registry.ElementFax }, registry.ElementFax | registry.ElementFaxExt},
		{"bits that are no element are ignored", func(c *registry.Contact) { c.Redacted = 1 << 15 }, 0},
	} {
		c := full
		test.change(&c)
		if got := withholds(&c); got != test.want {
			t.Errorf("%s: withholds = %v, want %v", test.rule, got.Names(), test.want.Names())
		}
	}
}
