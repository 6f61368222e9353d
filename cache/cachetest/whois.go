package cachetest

import (
	"time"

	"rddsd/cache"
	"rddsd/cache/registry"
)

// WHOIS returns the registry behind the worked examples of port 43: .coop at
// 2026-09-01T12:00:34Z. Beside what they name it holds published.coop, whose
// contacts disclose everything, org.coop, whose registrant discloses the
// organisation alone, and nohosts.coop, which is not delegated.
func WHOIS() *cache.View {
	return Build(
		whoisTime(2026, 9, 1, 12, 0, 34),
		&registry.TLD{Name: "coop", GTLD: true, ContactModel: registry.ModelFull},
		&registry.Registrar{
			ClID: "example", IANA: 9999, Name: "Example Registrar Limited", Status: "ok",
			URL: "https://www.registrar.example", WhoisServer: "whois.registrar.example",
			RDAPURL:    "https://rdap.registrar.example/",
			AbuseEmail: "abuse@registrar.example", AbusePhone: "+44.2079460000",
			Street: []string{"1 Registrar Road"}, City: "London", SP: "London", PC: "EC1A 1AA", CC: "GB",
			Voice: "+44.2079460000", Fax: "+44.2079460001", Email: "hello@registrar.example",
		},
		&registry.Registrar{
			ClID: "second", IANA: 9998, Name: "Second Registrar S.A.", Status: "ok",
			URL: "https://www.second.example", WhoisServer: "whois.second.example",
			RDAPURL:    "https://rdap.second.example/",
			AbuseEmail: "abuse@second.example", AbusePhone: "+32.25550000",
			Street: []string{"2 Registrar Square"}, City: "Brussels", CC: "BE",
			Voice: "+32.25550000", Email: "hello@second.example",
		},
		whoisWithheld("C1000001-COOP", registry.ElementOrg|registry.ElementStreet|registry.ElementCity|registry.ElementPC),
		whoisWithheld("C1000002-COOP", 0),
		&registry.Contact{
			ROID: "C2000001-COOP", Registrar: "example", Handle: "office-1", Name: "Membership Office",
			Org: "Example Workers Co-operative Limited", Street: []string{"1 Example Yard", "Unit 7"},
			City: "Oxford", SP: "Oxfordshire", PC: "OX1 1AA", CC: "GB",
			Voice: "+44.1865960000", VoiceExt: "12", Email: "office@example.coop",
		},
		&registry.Contact{
			ROID: "C2000002-COOP", Registrar: "example", Handle: "noc-1", Name: "Network Desk", CC: "GB",
			Voice: "+44.1865960001", Email: "noc@example.coop",
		},
		whoisOrg(),
		&registry.Nameserver{
			ROID: "H3000001-COOP", Name: "ns1.example.coop", Registrar: "example",
			V4: []string{"192.0.2.10"}, V6: []string{"2001:db8::10"},
		},
		&registry.Nameserver{ROID: "H3000002-COOP", Name: "ns2.example.net", Registrar: "example"},
		&registry.Nameserver{ROID: "H3000003-COOP", Name: "ns1.other.coop", Registrar: "second", V4: []string{"192.0.2.10"}},
		whoisDomain("example.coop", "D1000001-COOP", "C1000001-COOP"),
		whoisDomain("published.coop", "D1000002-COOP", "C2000001-COOP"),
		whoisDomain("org.coop", "D1000003-COOP", "C1000003-COOP"),
		&registry.Domain{
			Name: "xn--caf-dma.coop", UName: "café.coop", IDNTable: "fr", ROID: "D1000004-COOP", Registrar: "example",
			Registrant: "C1000001-COOP", Tech: []string{"C1000002-COOP"}, Hosts: []string{"H3000001-COOP", "H3000002-COOP"},
			Created: whoisTime(2015, 5, 4, 9, 30, 0), Expires: whoisTime(2027, 5, 4, 23, 59, 59),
		},
		&registry.Domain{
			Name: "nohosts.coop", ROID: "D1000005-COOP", Registrar: "example", Registrant: "C1000001-COOP",
			Created: whoisTime(2020, 2, 29, 0, 0, 0), Expires: whoisTime(2027, 2, 28, 23, 59, 59),
		},
		&registry.Domain{
			Name: "other.coop", ROID: "D1000006-COOP", Registrar: "second", Registrant: "C1000001-COOP",
			Hosts:   []string{"H3000003-COOP"},
			Created: whoisTime(2019, 7, 1, 8, 0, 0), Expires: whoisTime(2027, 7, 1, 23, 59, 59),
		},
		&registry.Reserved{Name: "shop.coop"},
	)
}

// whoisDomain returns a signed domain with two hosts, as registered by registrant.
func whoisDomain(name, roid, registrant string) *registry.Domain {
	tech := "C1000002-COOP"
	if registrant == "C2000001-COOP" {
		tech = "C2000002-COOP"
	}
	return &registry.Domain{
		Name: name, ROID: roid, Registrar: "example", Registrant: registrant, Tech: []string{tech},
		Hosts: []string{"H3000001-COOP", "H3000002-COOP"},
		DS: []registry.DS{{
			KeyTag: 12345, Algorithm: 13, DigestType: 2,
			Digest: "49FD46E6C4B45C55D4AC69CBD3CD34AC1AFE51DE2F3E8D6B0C8C6E9C2E3A4B5C",
		}},
		Statuses: registry.ClientTransferProhibited | registry.ServerDeleteProhibited,
		Created:  whoisTime(2002, 1, 30, 14, 0, 0),
		Updated:  whoisTime(2026, 3, 1, 9, 15, 0),
		Expires:  whoisTime(2027, 1, 30, 23, 59, 59),
	}
}

// whoisWithheld returns a contact in Oxfordshire that discloses nothing. It holds an
// identifier, a name, a telephone and an e-mail address, and more.
func whoisWithheld(roid string, more registry.Element) *registry.Contact {
	return &registry.Contact{
		ROID: roid, Registrar: "example", SP: "Oxfordshire", CC: "GB",
		Redacted: registry.ElementID | registry.ElementName | registry.ElementVoice | registry.ElementEmail | more,
	}
}

func whoisOrg() *registry.Contact {
	c := whoisWithheld("C1000003-COOP", registry.ElementStreet|registry.ElementCity|registry.ElementPC)
	c.Org = "Example Workers Co-operative Limited"
	return c
}

func whoisTime(year int, month time.Month, day, hour, minute, second int) registry.Time {
	return registry.TimeOf(time.Date(year, month, day, hour, minute, second, 0, time.UTC))
}
