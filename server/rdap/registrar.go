package rdap

import (
	"strconv"

	"rddsd/cache/registry"
	"rddsd/server/lookup"
)

// Registrar IDs that IANA reserves for tests, pre-delegation and the registry
// itself: they have no RDAP service that a link could lead to (rdap.md §3.3).
const (
	firstReservedIANA = 9994
	lastReservedIANA  = 9999
)

// notApplicable is the handle of a registrar without an IANA ID, which then has
// no publicIds (check -49205).
const notApplicable = "not applicable"

// appendRegistrarLookup appends the members of the answer about a registrar
// itself (rdap.md §6.2), and returns where its stamp is.
func appendRegistrarLookup(dst []byte, a *lookup.Answer, url []byte) (_ []byte, stamp int) {
	r := a.Registrar
	dst = append(dst, `,"objectClassName":"entity",`...)
	dst = appendRegistrarID(dst, r)
	dst = append(dst, cardBegin...)
	dst = appendValue(dst, "fn", r.Name)
	dst = appendProperty(dst, "org", r.Name)
	dst = appendAddress(dst, r.Street, r.City, r.SP, r.PC, r.CC)
	dst = appendTel(dst, "voice", r.Voice, r.VoiceExt)
	dst = appendTel(dst, "fax", r.Fax, r.FaxExt)
	dst = appendMail(dst, r.Email)
	dst = append(dst, cardEnd...)
	dst = append(dst, registrarStatus(r.Status)...)

	dst = append(dst, `,"links":[`...)
	dst = appendRegistrarSelf(dst, url, a.Policy.BaseURL, r)
	if isWeb(r.URL) {
		dst = append(dst, ',')
		dst = appendAbout(dst, r)
	}
	dst = append(dst, `],"events":[`...)
	dst, stamp = appendLastUpdate(dst, a.AsOf)
	dst = append(dst, ']')

	before := len(dst)
	dst = append(dst, `,"entities":[`...)
	empty := len(dst)
	dst = appendDesk(dst, "administrative", r.AdminFN, r.Name, r.AdminVoice, r.AdminEmail)
	if r.TechVoice != "" { // one without a phone would have to be told as redacted (check -65100)
		dst = appendDesk(dst, "technical", r.TechFN, r.Name, r.TechVoice, r.TechEmail)
	}
	dst = appendAbuse(dst, r)
	if len(dst) == empty {
		return dst[:before], stamp
	}
	dst[len(dst)-1] = ']' // each desk leaves a comma behind
	return dst, stamp
}

// appendSponsor appends the entity of the registrar of a domain (rdap.md §3.7).
func appendSponsor(dst []byte, base string, r *registry.Registrar) []byte {
	dst = append(dst, `{"objectClassName":"entity",`...)
	dst = appendRegistrarID(dst, r)
	dst = append(dst, cardBegin...)
	dst = appendValue(dst, "fn", r.Name)
	dst = append(dst, cardEnd+`,"links":[`...)
	if isWeb(r.URL) {
		dst = appendAbout(dst, r)
		dst = append(dst, ',')
	}
	dst = appendRegistrarSelf(dst, nil, base, r)
	dst = append(dst, ']')
	if r.AbusePhone != "" || r.AbuseEmail != "" {
		dst = append(dst, `,"entities":[`...)
		dst = appendAbuse(dst, r)
		dst[len(dst)-1] = ']'
	}
	return append(dst, '}')
}

// appendHostSponsor appends the entity of the registrar of a name server, which
// is told in short (rdap.md §6.3).
func appendHostSponsor(dst []byte, base string, r *registry.Registrar) []byte {
	dst = append(dst, `{"objectClassName":"entity",`...)
	dst = appendRegistrarID(dst, r)
	dst = append(dst, cardBegin...)
	dst = appendValue(dst, "fn", r.Name)
	dst = append(dst, cardEnd+`,"links":[`...)
	dst = appendRegistrarSelf(dst, nil, base, r)
	return append(dst, `]}`...)
}

func appendRegistrarID(dst []byte, r *registry.Registrar) []byte {
	if r.IANA == 0 {
		return append(dst, `"handle":"`+notApplicable+`","roles":["registrar"]`...)
	}
	dst = append(dst, `"handle":"`...)
	dst = strconv.AppendInt(dst, int64(r.IANA), 10)
	dst = append(dst, `","roles":["registrar"],"publicIds":[{"type":"IANA Registrar ID","identifier":"`...)
	dst = strconv.AppendInt(dst, int64(r.IANA), 10)
	return append(dst, `"}]`...)
}

// appendRegistrarSelf appends the self link of a registrar, which is looked up
// by its IANA ID, or by its name if it has none.
func appendRegistrarSelf(dst, value []byte, base string, r *registry.Registrar) []byte {
	var room [20]byte
	if r.IANA != 0 {
		return appendSelf(dst, value, base, "entity/", string(strconv.AppendInt(room[:0], int64(r.IANA), 10)))
	}
	return appendSelf(dst, value, base, "entity/", r.Name)
}

// appendAbout appends the link to the registrar's web site. Its value is the
// registrar's RDAP base URL, character for character as IANA lists it (check
// -47701).
func appendAbout(dst []byte, r *registry.Registrar) []byte {
	value := r.RDAPURL
	if !isWeb(value) {
		value = r.URL
	}
	dst = append(dst, `{"value":"`...)
	dst = appendText(dst, value)
	dst = append(dst, `","rel":"about","href":"`...)
	dst = appendText(dst, r.URL)
	return append(dst, `","type":"text/html"}`...)
}

// appendAbuse appends the abuse desk and a comma, or nothing.
func appendAbuse(dst []byte, r *registry.Registrar) []byte {
	return appendDesk(dst, "abuse", "Abuse Desk", "", r.AbusePhone, r.AbuseEmail)
}

// appendDesk appends the entity of a role at a registrar and a comma, or nothing
// if the role cannot be reached. One without a name of its own goes by the
// registrar's.
func appendDesk(dst []byte, role, name, registrar, phone, mail string) []byte {
	if phone == "" && !isMail(mail) {
		return dst
	}
	if name == "" {
		name = registrar
	}
	dst = append(dst, `{"objectClassName":"entity","roles":["`...)
	dst = append(dst, role...)
	dst = append(dst, `"]`+cardBegin...)
	dst = appendValue(dst, "fn", name)
	dst = appendTel(dst, "voice", phone, "")
	dst = appendMail(dst, mail)
	return append(dst, cardEnd+`},`...)
}

// registrarStatus returns the member that tells a registrar's status of RFC 9022
// §5.3 in the words of RFC 9083 §10.2.2, "" for one that has none.
func registrarStatus(status string) string {
	switch status {
	case "ok":
		return `,"status":["active"]`
	case "readonly":
		return `,"status":["locked"]`
	case "terminated":
		return `,"status":["inactive"]`
	}
	return ""
}
