package rdapcheck

import (
	"fmt"
	"strings"
)

// brokenDomains break the rules about domains and name servers.
func brokenDomains() []broken {
	const ds, last = "secureDNS.dsData.0.", `"https://rdap.nic.coop/domain/x.coop"`
	list := []broken{
		breaking(-12200, "domain", `~{"rdapConformance"`, `[{"rdapConformance"`, `~"method":"removal","reason":{"description":"Server policy"}}]}`, `"method":"removal","reason":{"description":"Server policy"}}]}]`),
		breaking(-12201, "domain", "delegation", `"done"`),
		breaking(-12202, "domain", `~"port43"`, `"port43":"whois.nic.coop","port43"`),
		breaking(-12203, "domain", "objectClassName", `"name"`),
		breaking(-13003, "domain", "objectClassName", ``),
		breaking(-13003, "domain", "entities.0.entities.0.objectClassName", ``),
		breaking(-13003, "domain", "nameservers.1.objectClassName", ``),
		breaking(-13003, "nameservers", "nameserverSearchResults.0.objectClassName", ``),
		breaking(-12204, "domain", "handle", `1`),
		breaking(600, "domain", "entities.0.entities.0.handle", `" "`),
		breaking(-46100, "domain", "ldhName", ``),
		breaking(-46101, "idn", "unicodeName", ``),
		breaking(-46200, "domain", "handle", `"D1234567"`),
		breaking(-46201, "domain", "handle", `"D1234567-COOP"`),
		breaking(-46205, "domain", "handle", `"D1234567-ICANNRST"`),
		breaking(-46202, "domain", "handle", ``),
		breaking(-46203, "domain", "handle", ``, "redacted.12", `{"name":{"type":"Registry Domain ID"},"prePath":"$.id","method":"removal"}`),
		breaking(-46204, "domain", "handle", ``, "redacted.12", `{"name":{"type":"Registry Domain ID"},"prePath":"$.handle","method":"emptyValue"}`),
		breaking(-46206, "domain", "redacted.12", `{"name":{"type":"Registry Domain ID"},"prePath":"$.handle","method":"removal"}`),
		breaking(-46900, "domain", "status.2", `"active"`),
		breaking(-46900, "domain", "status", `["pending delete","server delete prohibited"]`),
		breaking(-46900, "domain", "status", `["pending delete","pending update"]`),
		breaking(-46900, "domain", "status", `["pending delete","redemption period","pending restore"]`),
		breaking(-47001, "domain", "status", `["redemption period"]`),
		breaking(-47002, "domain", "status", `["pending restore"]`),
		breaking(-47100, "domain", "status", ``),
		breaking(-47100, "domain", "status", `[]`),
		breaking(-43100, "domain", "events.4", ``),
		breaking(-43100, "registrar", "events.0.eventAction", `"last changed"`),
		breaking(-43100, "nameserver", "events.1", ``),
		breaking(-46300, "domain", "events.0", ``),
		breaking(-46400, "domain", "events.1", ``),
		breaking(-23200, "domain", "links.1", ``),
		breaking(-23201, "domain", "links.0.value", last, "links.1.value", last),
		breaking(-23202, "domain", "links.1.href", `"https://rdap.registrar.example/names/example.coop"`),

		breaking(-46800, "domain", "secureDNS", ``),
		breaking(-12000, "domain", "secureDNS", `true`),
		breaking(-12001, "domain", "secureDNS.nsec3", `true`),
		breaking(-12002, "domain", `~"zoneSigned":true`, `"zoneSigned":true,"zoneSigned":true`),
		breaking(-12003, "domain", "secureDNS.zoneSigned", `"yes"`),
		breaking(-12004, "domain", "secureDNS.delegationSigned", ``),
		breaking(-12005, "domain", "secureDNS.delegationSigned", `1`),
		breaking(-12006, "domain", "secureDNS.maxSigLife", `0`),
		breaking(-12007, "domain", "secureDNS.dsData", ``),
		breaking(-12008, "domain", "secureDNS.dsData.1", `"34711 13 2 9F"`),
		breaking(-12009, "domain", ds+"ttl", `3600`),
		breaking(-12011, "domain", ds+"digestType", ``),
		breaking(-12012, "domain", ds+"keyTag", `0`),
		breaking(-12013, "domain", ds+"algorithm", `1`),
		breaking(-12014, "domain", ds+"digest", `"none"`),
		breaking(-12015, "domain", ds+"digestType", `9`),
		breaking(2219, "domain", "secureDNS.keyData", `[]`),
		breaking(2220, "domain", "secureDNS.dsData", `[]`),

		breaking(-12400, "nameserver", `~{"rdapConformance"`, `[{"rdapConformance"`, `~"application/rdap+json"}]}]}`, `"application/rdap+json"}]}]}]`),
		breaking(-12400, "domain", "nameservers.2", `"ns3.example.coop"`),
		breaking(-12401, "domain", "nameservers.0.ttl", `1`),
		breaking(-12402, "domain", `~"ldhName":"ns1`, `"ldhName":"ns1.example.coop","ldhName":"ns1`),
		breaking(-12403, "nameserver", "objectClassName", `"host"`),
		breaking(-12404, "nameserver", "handle", `1`),
		breaking(-49100, "nameserver", "ldhName", ``),
		breaking(-49101, "nameserver", "URL", goodBase+"nameserver/ns1.caf%C3%A9.coop", "ldhName", `"ns1.xn--caf-dma.coop"`),
		breaking(-49102, "nameserver", "handle", `"H1001"`),
		breaking(-49103, "nameserver", "handle", `"H1001-COOP"`),
		breaking(-49104, "nameserver", "handle", `"H1001-ICANNRST"`),
		breaking(-49200, "nameserver", "entities.0.publicIds", ``),
		breaking(-49201, "nameserver", "entities.0.publicIds.0.identifier", `"x"`),
		breaking(-49202, "nameserver", "entities.0.handle", `"x"`),
		breaking(-49203, "nameserver", "entities.0.handle", `"9995"`),
		breaking(-49204, "nameserver", "entities.0.handle", `"900002"`, "entities.0.publicIds.0.identifier", `"900002"`),
		breaking(-49205, "nameserver", "entities.0.handle", `"not applicable"`),
		breaking(-49300, "nameserver", "status.2", `"server update prohibited"`),
		breaking(-49300, "nameservers", "nameserverSearchResults.0.status.2", `"pending create"`),
		breaking(-12600, "nameservers", `~{"rdapConformance"`, `[{"rdapConformance"`, `~"application/rdap+json"}]}]}]}`, `"application/rdap+json"}]}]}]}]`),
		breaking(-12601, "nameservers", "count", `1`),
		breaking(-12602, "nameservers", `~"nameserverSearchResults":`, `"lang":"en","lang":"en","nameserverSearchResults":`),
		breaking(-12610, "nameservers", "nameserverSearchResults", ``),
		breaking(-12610, "nameservers", "nameserverSearchResults", `[]`),
	}
	for i, notice := range []string{"1", "2"} { // the status codes and the complaint form
		for j, edit := range [][2]string{
			{".title", `"Something else"`},
			{".description", `["something else"]`},
			{".links", ``},
			{".links.0.href", `"https://www.icann.org/epp"`},
			{".links.0.rel", `"about"`},
			{".links.0.value", `"https://rdap.nic.coop/domain/x.coop"`},
		} {
			list = append(list, breaking(-46601-100*i-j, "domain", "notices."+notice+edit[0], edit[1]))
		}
	}
	return list
}

// brokenEntities break the rules about entities.
func brokenEntities() []broken {
	const (
		registrant, tech, card = "entities.1.", "entities.2.", "entities.1.vcardArray.1."
		emptyPart              = `"$.entities[?(@.roles[0]=='registrant')].vcardArray[1][?(@[0]=='adr')][3][0]"`
	)
	return []broken{
		breaking(-12300, "registrar", `~{"rdapConformance"`, `[{"rdapConformance"`, `~"abuse@registrar.example"]]]}]}`, `"abuse@registrar.example"]]]}]}]`),
		breaking(-11900, "domain", "entities.3", `"somebody"`),
		breaking(2400, "domain", "entities.0.entities.0.entities", `[]`),
		breaking(-11800, "domain", "entities.0.entities.1", `{"objectClassName":"entity","roles":"noc"}`),
		breaking(-11801, "domain", "entities.0.roles.1", `1`),
		breaking(-11802, "domain", "entities.0.roles.1", `"boss"`),
		breaking(-11803, "domain", "entities.0.roles.1", `"registrar"`),
		breaking(-12301, "domain", "entities.0.jscontact_card", `{"uid":"1"}`),
		breaking(-12301, "domain", "entities.0.asEventActor", `[{"eventAction":"transfer","eventDate":"2020-01-01T00:00:00Z"}]`),
		breaking(-12302, "domain", `~"roles":["registrant"]`, `"roles":["registrant"],"roles":["registrant"]`),
		breaking(-12303, "domain", "entities.0.objectClassName", `"registrar"`),
		breaking(-12304, "registrar", "entities.0.handle", `1`),
		breaking(-12305, "registrar", "entities.0.vcardArray", `["vcard"]`),
		breaking(-12305, "published", card+"0.3", `"3.0"`),
		breaking(-12305, "published", card+"8", `["x-note",{},"text","x"]`),
		breaking(-12305, "published", card+"8", `["fn",{},"text","x"]`),
		breaking(-12305, "published", card+"8", `["note",{}]`),
		breaking(-12305, "published", card+"2.1", `{"language":"en"}`),
		breaking(-12305, "published", card+"1.3", `"company"`),
		breaking(-12305, "published", card+"3.3", `["a","b"]`),
		breaking(-12305, "published", card+"5.3", `"call me"`),
		breaking(-12305, "published", card+"4.3.2", `[1]`),
		breaking(-12320, "published", card+"7.3", `"office at example.coop"`),
		breaking(-12320, "published", card+"7.3", `"office@localhost"`),
		breaking(-20800, "published", card+"4.3", `"Carrer de Mostra 5, Barcelona"`),
		breaking(-20900, "published", card+"6.1", `{}`),
		breaking(-62100, "published", card+"4.3.6", `"Spain"`),
		breaking(-62100, "published", card+"4.3", `["","","Carrer de Mostra 5","Barcelona","Barcelona","08001"]`),
		breaking(-62101, "published", card+"4.1", `{}`),
		breaking(-62101, "published", card+"4.1.cc", `"UK"`),
		breaking(-62101, "published", card+"4.1.cc", `"es"`),
		breaking(1501, "published", "entities.0.entities.0.vcardArray.1.1", ``),
		breaking(-63200, "published", card+"2", ``, "rdapConformance.3", `"redacted"`, "redacted", `[{"name":{"type":"Registrant Name"},"postPath":`+emptyPart+`,"method":"emptyValue"}]`),
		breaking(-65000, "published", "entities.2.vcardArray.1.1", ``, "rdapConformance.3", `"redacted"`, "redacted", `[{"name":{"type":"Tech Name"},"postPath":`+emptyPart+`,"method":"emptyValue"}]`),

		breaking(-47300, "published", "entities.0", ``),
		breaking(-47301, "published", "entities.3", `{"objectClassName":"entity","roles":["registrar"],"handle":"9995"}`),
		breaking(-47302, "published", "entities.0.vcardArray.1.1", ``),
		breaking(-47400, "published", "entities.0.publicIds", ``, "entities.0.links.0.value", `"https://rdap.registrar.example/"`),
		breaking(-47400, "registrar", "publicIds.0.type", `"registrar"`),
		breaking(-47401, "published", "entities.0.publicIds.0.identifier", `"x"`),
		breaking(-47402, "published", "entities.0.handle", `"x"`),
		breaking(-47402, "registrar", "handle", ``),
		breaking(-47403, "published", "entities.0.handle", `"9995"`),
		breaking(-47404, "published", "entities.0.handle", `"900002"`, "entities.0.publicIds.0.identifier", `"900002"`),
		breaking(-47500, "published", "entities.0.entities", ``),
		breaking(-47500, "published", "entities.0.entities.0.vcardArray.1.2", ``),
		breaking(-47500, "published", "entities.0.entities.0.vcardArray.1.3", ``),
		breaking(-47700, "published", "entities.0.links.0", ``),
		breaking(-47700, "registrar", "links.1", ``),
		breaking(-47701, "published", "entities.0.links.0.value", `"https://rdap.registrar.example"`),
		breaking(-47702, "published", "entities.0.handle", `"9995"`, "entities.0.publicIds.0.identifier", `"9995"`, "entities.0.links.0.value", `"http://rdap.registrar.example/"`),
		breaking(-26102, "published", "listed", "https://rdap.registrar.example/ http://rdap.registrar.example/"),
		breaking(-47600, "published", tech+"roles.0", `"administrative"`, tech+"handle", ``),
		breaking(-47600, "published", tech+"roles.0", `"administrative"`, tech+"handle", `"C501"`),
		breaking(-47601, "published", tech+"roles.0", `"billing"`, tech+"handle", `"C501-COOP"`),
		breaking(-52106, "published", registrant+"handle", `"C500-ICANNRST"`),
	}
}

// brokenRedactions break the rules about what is withheld.
func brokenRedactions() []broken {
	const (
		entry     = `{"name":{"type":%q},%q:%q,"pathLang":"jsonpath","method":%q}`
		emptyPart = "$.entities[?(@.roles[0]=='registrant')].vcardArray[1][?(@[0]=='adr')][3][0]" // of all answers
	)
	list := []broken{
		breaking(-62002, "domain", "redacted.12", `"more"`),
		breaking(-62003, "domain", "redacted.12", `{"name":{"type":"Terms","description":"x"},"method":"removal"}`),
		breaking(-62003, "domain", "redacted.12", `{"name":{},"method":"removal"}`),
		breaking(-62004, "domain", "redacted.12", `{"name":{"type":"Terms"},"method":1}`),
		breaking(-62004, "domain", "redacted.12", `{"name":{"type":"Terms"},"prePath":"$.a","postPath":"$.b"}`),
		breaking(-62005, "domain", "redacted.0.reason", `"policy"`),
		breaking(-62005, "domain", "redacted.0.reason.code", `1`),
		breaking(-63100, "published", "entities.1.handle", `"C500"`),
		breaking(-63101, "published", "entities.1.handle", `"C500-COOP"`),
		breaking(-65700, "published", "entities.2.handle", `"C501"`),
		breaking(-65701, "published", "entities.2.handle", `"C501-COOP"`),
	}
	place := 0 // among the redactions of the answer where most is redacted
	for i := range fields {
		f := &fields[i]
		where, method, other := "postPath", "emptyValue", "removal"
		wrong, neutral := "$.nosuch", emptyPart
		if i%2 == 0 {
			wrong = "$.ldhName"
		}
		if f.removed {
			where, method, other, wrong, neutral = "prePath", "removal", "emptyValue", "$.ldhName", "$.nosuch"
		}
		at := fmt.Sprintf("redacted.%d", place)
		if strings.Contains(f.name, "Ext") || strings.Contains(f.name, "Fax") {
			at = "redacted.12" // one more
		} else {
			place++
		}
		for _, row := range []struct {
			code         int
			path, method string
		}{{f.path, "nonsense", method}, {f.result, wrong, method}, {f.method, neutral, other}} {
			list = append(list, breaking(row.code, "domain", at, fmt.Sprintf(entry, f.name, where, row.path, row.method)))
		}
		if f.required != 0 {
			list = append(list, breaking(f.required, "domain", at, ``))
		}
		if f.present != 0 {
			list = append(list, breaking(f.present, "published", "rdapConformance.3", `"redacted"`, "redacted", "["+fmt.Sprintf(entry, f.name, where, neutral, method)+"]"))
		}
	}
	for i, name := range registeredNames {
		list = append(list, breaking(-65800-i, "published", "rdapConformance.3", `"redacted"`, "redacted", fmt.Sprintf(`[{"name":{"description":%q},"method":"removal"}]`, name)))
	}
	return list
}
