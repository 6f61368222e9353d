package whois

import (
	"strconv"
	"strings"

	"rddsd/cache/registry"
)

// appendRegistrar appends the record of a registrar (§2.6). Its desks are left
// out: WHOIS shows role mailboxes, and the registrar's own is one.
func appendRegistrar(dst []byte, r *registry.Registrar) []byte {
	dst = appendField(dst, "Registrar: ", r.Name)
	dst = appendStreets(dst, "Street: ", r.Street)
	dst = appendField(dst, "City: ", r.City)
	dst = appendField(dst, "State/Province: ", r.SP)
	dst = appendField(dst, "Postal Code: ", r.PC)
	dst = appendCountry(dst, "Country: ", r.CC)
	dst = appendNumber(dst, "Phone Number: ", r.Voice, "Phone Ext: ", r.VoiceExt)
	dst = appendNumber(dst, "Fax Number: ", r.Fax, "Fax Ext: ", r.FaxExt)
	dst = appendField(dst, "Email: ", r.Email)
	dst = appendWhoisServer(dst, r)
	dst = appendURL(dst, r)
	return appendIDs(dst, r)
}

// appendIDs appends how a registrar is told from others and reached when its
// customers misbehave.
func appendIDs(dst []byte, r *registry.Registrar) []byte {
	if r.IANA > 0 {
		dst = append(dst, "Registrar IANA ID: "...)
		dst = strconv.AppendInt(dst, int64(r.IANA), 10)
		dst = append(dst, newline...)
	}
	dst = appendField(dst, "Registrar Abuse Contact Email: ", r.AbuseEmail)
	return appendField(dst, "Registrar Abuse Contact Phone: ", r.AbusePhone)
}

// appendNumber appends a telephone number, and its extension only behind one.
func appendNumber(dst []byte, label, number, extLabel, ext string) []byte {
	start := len(dst)
	if dst = appendField(dst, label, number); len(dst) == start {
		return dst
	}
	return appendField(dst, extLabel, ext)
}

// appendWhoisServer appends the registrar's WHOIS server if it is a bare host
// name. BSD's client connects to what stands there, and takes the host "http"
// from an URL.
func appendWhoisServer(dst []byte, r *registry.Registrar) []byte {
	if !isHost(r.WhoisServer) {
		return dst
	}
	return appendKnown(dst, "Registrar WHOIS Server: ", r.WhoisServer)
}

func isHost(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '.':
		default:
			return false
		}
	}
	return s != "" && len(s) <= registry.MaxName
}

// appendURL appends the registrar's web site if it has the form that the
// grammar asks for.
func appendURL(dst []byte, r *registry.Registrar) []byte {
	if !strings.HasPrefix(r.URL, "https://") && !strings.HasPrefix(r.URL, "http://") {
		return dst
	}
	return appendField(dst, "Registrar URL: ", r.URL)
}
