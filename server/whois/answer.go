package whois

import (
	"rddsd/cache/registry"
	"rddsd/server/lookup"
)

// The wording of ICANN (whois.md §2.1, R-01). A client, or ICANN's own test,
// compares it letter by letter.
const (
	complaint2024  = "URL of the ICANN RDDS Inaccuracy Complaint Form: https://icann.org/wicf"
	complaint2017  = "URL of the ICANN Whois Inaccuracy Complaint Form: https://www.icann.org/wicf/"
	statusHelp2024 = "For more information on domain status codes, please visit https://icann.org/epp"
	statusHelp2017 = "For more information on Whois status codes, please visit https://icann.org/epp"

	emailRedacted = "Please query the RDDS service of the Registrar of Record identified in this output " +
		"for information on how to contact the Registrant, Admin, or Tech contact of the queried domain name."
)

// maxAnswer is the most bytes that an answer may have (W-10), and maxRecords
// how long it may grow before its list is cut, so that the tail still fits: a
// disclaimer has at most MaxText bytes.
const (
	maxAnswer  = 64 << 10
	maxRecords = maxAnswer - MaxText - 4<<10
)

// AppendAnswer appends a as the text that port 43 sends (whois.md §2, §7). It
// is pure: the same answer gives the same bytes. It neither changes a nor keeps
// anything of it. A server, which keeps what answers have in common, renders faster.
//
// A refusal is no answer to the question: see appendRefusal.
func AppendAnswer(dst []byte, a *lookup.Answer) []byte {
	return (*prebuilt)(nil).appendAnswer(dst, a)
}

// appendAnswer is AppendAnswer. It allocates nothing once dst has grown.
func (b *prebuilt) appendAnswer(dst []byte, a *lookup.Answer) []byte {
	switch a.Class {
	case lookup.Found, lookup.Degraded:
		return b.appendFound(dst, a)
	case lookup.NotFound:
		return b.appendTail(appendNotFound(dst, a), a)
	case lookup.Reserved:
		return b.appendTail(append(dst, reservedText...), a)
	case lookup.Invalid:
		return b.appendTail(appendInvalid(dst, a), a)
	case lookup.OtherTLD:
		return b.appendTail(appendOtherTLD(dst, a), a)
	case lookup.Help:
		return b.appendTail(appendHelp(dst, a), a)
	case lookup.Busy:
		return append(dst, busyText...)
	default: // Unknown and Error: never anything that reads as "free"
		return append(dst, unavailableText...)
	}
}

func (b *prebuilt) appendFound(dst []byte, a *lookup.Answer) []byte {
	switch a.Object {
	case lookup.Domain:
		return b.appendDomainTail(b.appendDomain(dst, a), a)
	case lookup.Nameserver:
		return b.appendTail(appendNameserver(dst, a), a)
	case lookup.Nameservers:
		return b.appendTail(appendNameservers(dst, a), a)
	case lookup.Registrar:
		return b.appendTail(appendRegistrar(dst, a.Registrar), a)
	case lookup.Contact:
		return b.appendTail(appendContact(dst, &a.Registrant, a.Policy.Redaction), a)
	default: // nothing else can be found
		return append(dst, unavailableText...)
	}
}

// appendTail appends what ends every answer that is no refusal and no failure
// (§2.8): how fresh the data is, a blank line, the disclaimer.
func (b *prebuilt) appendTail(dst []byte, a *lookup.Answer) []byte {
	return append(appendLastUpdate(dst, a.AsOf), b.ending(a.Policy).other...)
}

// appendDomainTail is the tail of a registered name: it also says where the
// status codes are explained.
func (b *prebuilt) appendDomainTail(dst []byte, a *lookup.Answer) []byte {
	return append(appendLastUpdate(dst, a.AsOf), b.ending(a.Policy).domain...)
}

// complaint returns the line that names the complaint form.
func complaint(p *lookup.Policy) string {
	switch {
	case p.Complaint != "":
		return p.Complaint
	case p.Profile == lookup.Profile2017:
		return complaint2017
	}
	return complaint2024
}

// statusHelp returns the line that tells where status codes are explained.
func statusHelp(p *lookup.Policy) string {
	switch {
	case p.StatusHelp != "":
		return p.StatusHelp
	case p.Profile == lookup.Profile2017:
		return statusHelp2017
	}
	return statusHelp2024
}

// appendLastUpdate appends the line that BSD's and macOS's clients stop at:
// nothing that a person must read may stand below it (T-02).
func appendLastUpdate(dst []byte, asOf registry.Time) []byte {
	dst = append(dst, ">>> Last update of WHOIS database: "...)
	dst = asOf.Append(dst)
	return append(dst, " <<<"+newline...)
}

func appendDisclaimer(dst []byte, p *lookup.Policy) []byte {
	if p.Disclaimer == "" {
		return dst
	}
	dst = append(dst, newline...)
	return appendLines(dst, p.Disclaimer)
}
