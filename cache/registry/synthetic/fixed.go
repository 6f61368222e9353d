package synthetic

import (
	"strings"

	"rddsd/cache/registry"
)

// The fixed names, which every registry has: their index, and so the number in
// their ROID less one.
const (
	example   = iota // redacted, but for organisation, state and country; signed
	published        // every element disclosed
	cafe             // internationalised
	noHosts
	held    // clientHold
	leaving // pendingDelete and redemptionPeriod

	fixedNames
)

// Protected is the registrar that sponsors the fixed names, their hosts and
// their contacts, and nothing else. Whoever changes a generated registry leaves
// what it sponsors alone.
const Protected = "example"

// Moments of the fixed objects.
const (
	fixedCreated     = 1012399200 * second // 2002-01-30T14:00:00Z
	exampleUpdated   = 1772356500 * second // 2026-03-01T09:15:00Z
	publishedCreated = 1274342400 * second // 2010-05-20T08:00:00Z
	publishedUpdated = 1762964400 * second // 2025-11-12T16:20:00Z
	publishedMoved   = 1549279800 * second // 2019-02-04T11:30:00Z
	leavingCreated   = 1437386400 * second // 2015-07-20T10:00:00Z
)

// fixedRegistrar has the IANA ID that is kept for tests before delegation.
func fixedRegistrar() registry.Registrar {
	return registry.Registrar{
		ClID: Protected, IANA: 9995, Name: "Example Registrar Limited", Status: "ok",
		URL: "https://www.registrar.example", RDAPURL: "https://rdap.registrar.example/", WhoisServer: "whois.registrar.example",
		AbuseEmail: "abuse@registrar.example", AbusePhone: "+44.2079460000",
		Street: []string{"1 Example Yard", "Unit 7"}, City: "Oxford", SP: "Oxfordshire", PC: "OX1 1AA", CC: "GB",
		Voice: "+44.2079460001", VoiceExt: "12", Fax: "+44.2079460002", FaxExt: "34", Email: "info@registrar.example",
		AdminFN: "Registry Liaison", AdminVoice: "+44.2079460003", AdminEmail: "registry@registrar.example",
		TechFN: "Network Operations", TechVoice: "+44.2079460004", TechEmail: "noc@registrar.example",
		Created: tldCreated, Updated: publishedUpdated,
	}
}

// fixedContact fills in the contacts of the fixed names. All elements are held
// and withheld when it is called.
func (g *Registry) fixedContact(c *Contact, number int) {
	c.Created, c.Updated, c.SP, c.CC = fixedCreated, 0, "Oxfordshire", "GB"
	switch number {
	case exampleRegistrant:
		c.Org = "Example Workers Co-operative Limited"
	case exampleTech:
		c.Redacted = registry.ElementID | registry.ElementName | registry.ElementVoice | registry.ElementEmail
	case publishedRegistrant:
		c.Name, c.Org = "Membership Office", "Published Workers Co-operative Limited"
		c.Street, c.City, c.PC = []string{"1 Example Yard", "Unit 7"}, "Oxford", "OX1 1AA"
		c.Voice, c.VoiceExt, c.Fax, c.FaxExt = "+44.1865960000", "12", "+44.1865960001", "34"
		c.Email = "office@published.example"
	case publishedTech:
		c.Name, c.Org = "Network Desk", "Published Workers Co-operative Limited"
		c.Street, c.City, c.PC = []string{"2 Example Yard"}, "Oxford", "OX1 1AB"
		c.Voice, c.VoiceExt, c.Fax, c.FaxExt = "+44.1865960002", "56", "+44.1865960003", "78"
		c.Email = "noc@published.example"
	}
	if number == publishedRegistrant || number == publishedTech {
		c.Redacted, c.Handle, c.Updated = 0, contactID(number), publishedUpdated
	}
}

// fixedDomain fills in what a fixed name has beside its contacts and hosts.
func (g *Registry) fixedDomain(d *Domain, i int) {
	d.Created = fixedCreated
	switch i {
	case example:
		d.Updated = exampleUpdated
		d.Statuses = registry.ClientTransferProhibited | registry.ServerDeleteProhibited
		d.DS = append(d.DS, registry.DS{
			KeyTag: 12345, Algorithm: 13, DigestType: 2, Digest: "49FD46E6C4B45C55D4AC69CBD3CD34AC1AFE51DE2F3E8D6B0C8C6E9C2E3A4B5C",
		})
	case published:
		d.Created, d.Transferred, d.Updated = publishedCreated, publishedMoved, publishedUpdated
		d.Reseller = "Example Reseller Limited"
	case cafe:
		d.Statuses = registry.ClientTransferProhibited
	case held:
		d.Statuses = registry.ClientHold | registry.ClientTransferProhibited
		d.Updated = publishedUpdated
	case leaving:
		d.Created = leavingCreated
		d.Statuses = registry.PendingDelete | registry.RedemptionPeriod
		d.Updated = g.now - 7*day
	}
	d.Expires = nextAnniversary(d.Created, g.now, 1)
	if i == leaving {
		d.Expires = addYears(d.Expires, -1) // the year that the registry had added is taken back
	}
	// In a registry that stands before these moments they have not come.
	for _, t := range [...]*registry.Time{&d.Updated, &d.Transferred} {
		if *t > g.now {
			*t = 0
		}
	}
}

// givenLabels returns the fixed names and the edge cases: one character, 63,
// digits, hyphens, every script of ours, joiners, sharp s, a variant.
func (g *Registry) givenLabels() []label {
	var list []label
	plain := func(labels ...string) {
		for _, l := range labels {
			list = append(list, label{ascii: []byte(l)})
		}
	}
	foreign := func(table, text string) {
		list = append(list, label{[]byte(g.words.encode(text)), text, table})
	}
	plain("example", "published")
	foreign("fr", "caf\u00e9")
	plain("nohosts", "hold", "leaving")

	plain("x", "qz", strings.Repeat("abcdefghi", 7), "0123456789", "1st-choice", "double--hyphen")
	foreign("de", sharpS)
	foreign("hi", "\u0915\u094d\u200d\u0937")                         // zero width joiner
	foreign("fa", "\u0646\u0627\u0645\u0647\u200c\u0627\u06cc")       // zero width non-joiner, right to left
	foreign("zh", simplified)                                         // its traditional form is reserved
	foreign("ar", "\u0645\u062b\u0627\u0644")                         // right to left
	foreign("he", "\u05d3\u05d5\u05d2\u05de\u05d4")                   // right to left
	foreign("th", "\u0e15\u0e31\u0e27\u0e2d\u0e22\u0e48\u0e32\u0e07") // marks above and below
	used := map[string]bool{}
	for _, script := range g.words.foreign {
		for _, word := range script.words {
			if !used[word] {
				used[word] = true
				foreign(script.table, word)
				break
			}
		}
	}
	return list
}

// A name with sharp s, and one in simplified Chinese; their variants.
const (
	sharpS      = "stra\u00dfe"
	doubleS     = "strasse"
	simplified  = "\u6c49\u8bed"
	traditional = "\u6f22\u8a9e"
)
