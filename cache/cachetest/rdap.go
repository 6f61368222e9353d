package cachetest

import (
	"time"

	"rddsd/cache"
	"rddsd/cache/registry"
)

// RDAP returns the registry that the worked examples of RDAP tell about
// (standards/rdap.md §6), at 2026-07-20T10:00:31Z. Beside what the examples show
// it holds:
//   - published.coop, which discloses every element of its contacts;
//   - xn--caf-dma.coop, an IDN with an IDN host, no registrant and no events
//     but the two that each domain has;
//   - minimum.coop.example, of a registrar that has no contacts for its names and no
//     IANA ID, unsigned and without hosts;
//   - reserved.coop, which cannot be registered.
func RDAP() *cache.View {
	return Build(
		rdapTime(2026, time.July, 20, 10, 0, 31),
		&registry.TLD{Name: "coop", GTLD: true, ZoneSigned: true, ContactModel: registry.ModelFull},
		&registry.TLD{Name: "coop.example", ContactModel: registry.ModelFull},
		&registry.Registrar{
			ClID: "example", IANA: 900001, Name: "Example Registrar S.Coop.", Status: "ok",
			URL: "https://www.registrar.example/", RDAPURL: "https://rdap.registrar.example/",
			WhoisServer: "whois.registrar.example",
			AbuseEmail:  "abuse@registrar.example", AbusePhone: "+34.930000001",
			Street: []string{"Carrer de Mostra 1"}, City: "Barcelona", SP: "Barcelona", PC: "08001", CC: "ES",
			Voice: "+34.930000000", Fax: "+34.930000002", Email: "support@registrar.example",
			AdminFN: "Admin Desk", AdminVoice: "+34.930000003", AdminEmail: "admin@registrar.example",
			TechFN: "Technical Desk", TechVoice: "+34.930000004", TechEmail: "noc@registrar.example",
			Created: rdapTime(2014, time.May, 1, 0, 0, 0),
		},
		&registry.Registrar{
			ClID: "local", Name: "Local & Sons <registrars>", Status: "readonly", ContactModel: registry.ModelMinimum,
		},
		&registry.Nameserver{
			ROID: "H1001-CNIC", Name: "ns1.example.coop", Registrar: "example",
			V4: []string{"198.41.0.4"}, V6: []string{"2001:503:ba3e::2:30"},
			Created: rdapTime(2015, time.March, 2, 9, 20, 0),
		},
		&registry.Nameserver{
			ROID: "H1002-CNIC", Name: "ns2.example.coop", Registrar: "example",
			V4: []string{"199.9.14.201"}, Created: rdapTime(2015, time.March, 2, 9, 21, 0),
		},
		&registry.Nameserver{ROID: "H1003-CNIC", Name: "ns1.xn--caf-dma.coop", Registrar: "local"},
		&registry.Contact{
			ROID: "C100-CNIC", Registrar: "example", SP: "Barcelona", CC: "ES",
			Redacted: registry.ElementID | registry.ElementName | registry.ElementOrg | registry.ElementStreet |
				registry.ElementCity | registry.ElementPC | registry.ElementVoice | registry.ElementEmail,
		},
		&registry.Contact{
			ROID: "C101-CNIC", Registrar: "example", CC: "ES",
			Redacted: registry.ElementID | registry.ElementName | registry.ElementVoice | registry.ElementEmail,
		},
		&registry.Contact{
			ROID: "C500-CNIC", Registrar: "example", Handle: "office-500", Name: "Membership Office",
			Org: "Cooperativa d'Exemple SCCL", Street: []string{"Carrer de Mostra 5", "Pis 2"}, City: "Barcelona",
			SP: "Barcelona", PC: "08001", CC: "ES", Voice: "+34.931234567", VoiceExt: "12", Fax: "+34.931234568",
			Email: "office@example.coop",
		},
		&registry.Contact{
			ROID: "C501-CNIC", Registrar: "example", Handle: "noc-501", Name: "Network Desk", CC: "ES",
			Voice: "+34.931234569", Email: "noc@example.coop",
		},
		&registry.Domain{
			Name: "example.coop", ROID: "D1234567-CNIC", Registrar: "example", Registrant: "C100-CNIC",
			Tech: []string{"C101-CNIC"}, Hosts: []string{"H1001-CNIC", "H1002-CNIC"},
			DS: []registry.DS{{
				KeyTag: 34711, Algorithm: 13, DigestType: 2,
				Digest: "9F2C61B4A7D05E38C1F6094D2B87E35A60D9147CE8B2F53A1D7C0496E5B3A821",
			}},
			Statuses: registry.ClientTransferProhibited | registry.AutoRenewPeriod,
			Created:  rdapTime(2015, time.March, 2, 9, 15, 0), Updated: rdapTime(2026, time.March, 2, 9, 16, 10),
			Transferred: rdapTime(2020, time.June, 11, 14, 0, 0), Expires: rdapTime(2027, time.March, 2, 9, 15, 0),
		},
		&registry.Domain{
			Name: "published.coop", ROID: "D1234568-CNIC", Registrar: "example", Registrant: "C500-CNIC",
			Tech: []string{"C501-CNIC"}, Hosts: []string{"H1001-CNIC", "H1002-CNIC"},
			Statuses: registry.ClientTransferProhibited,
			Created:  rdapTime(2015, time.March, 2, 9, 15, 0), Expires: rdapTime(2027, time.March, 2, 9, 15, 0),
		},
		&registry.Domain{
			Name: "xn--caf-dma.coop", ROID: "D1234569-CNIC", UName: "caf\u00e9.coop", IDNTable: "fr",
			Registrar: "example", Hosts: []string{"H1003-CNIC"},
			Created: rdapTime(2015, time.March, 2, 9, 15, 0), Expires: rdapTime(2027, time.March, 2, 9, 15, 0),
		},
		&registry.Domain{
			Name: "minimum.coop.example", ROID: "D1234570-CNIC", Registrar: "local", Registrant: "C500-CNIC",
			Created: rdapTime(2015, time.March, 2, 9, 15, 0), Expires: rdapTime(2027, time.March, 2, 9, 15, 0),
		},
		&registry.Reserved{Name: "reserved.coop", Reason: registry.ReasonReserved},
	)
}

// rdapTime returns a moment in UTC.
func rdapTime(year int, month time.Month, day, hour, minute, second int) registry.Time {
	return registry.TimeOf(time.Date(year, month, day, hour, minute, second, 0, time.UTC))
}
