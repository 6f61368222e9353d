package whois

import (
	"strconv"
	"time"

	"rddsd/ratelimit"
	"rddsd/server/lookup"
)

// Short answers (§7.4). Their words are those that clients and parsers take for
// this class and no other (§4); whois.md §4.4 has what must not stand where.
const (
	reservedText = "Reserved by Registry" + newline +
		"This name is reserved by the registry and can not be registered online." + newline

	malformed = "Malformed request." + newline
	askHelp   = "Send a question mark alone for help." + newline

	busyText        = "Server too busy, try again later." + newline
	unavailableText = "Service temporarily unavailable, try again later." + newline
)

// appendNotFound says that the registry does not hold what was asked for. The
// four lines for a domain are what four families of parsers look for (§4.1); one
// that is not understood is read as "registered", or the other way round. Asked
// by ROID there is no name to echo.
func appendNotFound(dst []byte, a *lookup.Answer) []byte {
	switch a.Object {
	case lookup.Nameserver:
		dst = append(dst, "Nameserver not found."+newline...)
		dst = appendNoMatch(dst, a.Name)
		return append(dst, "The queried object does not exist: NAMESERVER NOT FOUND"+newline...)
	case lookup.Nameservers:
		dst = append(dst, "No nameservers found."+newline...)
		dst = appendNoMatch(dst, a.Name)
		return append(dst, "The queried object does not exist: NAMESERVER NOT FOUND"+newline...)
	case lookup.Registrar:
		return append(dst, "Registrar not found."+newline+
			"The queried object does not exist: REGISTRAR NOT FOUND"+newline...)
	case lookup.Contact:
		return append(dst, "Contact not found."+newline+
			"The queried object does not exist: CONTACT NOT FOUND"+newline...)
	default:
		dst = append(dst, "Domain not found."+newline...)
		dst = appendNoMatch(dst, a.Name)
		if a.Name != "" {
			dst = append(dst, `No domain records were found to match "`...)
			dst = append(dst, a.Name...)
			dst = append(dst, `"`+newline...)
		}
		return append(dst, "The queried object does not exist: DOMAIN NOT FOUND"+newline...)
	}
}

// appendNoMatch echoes name, which is a name or an address in its normal form:
// never what the client sent (W-21).
func appendNoMatch(dst []byte, name string) []byte {
	if name == "" {
		return dst
	}
	dst = append(dst, `No match for "`...)
	dst = append(dst, name...)
	return append(dst, `".`+newline...)
}

func appendInvalid(dst []byte, a *lookup.Answer) []byte {
	dst = append(dst, malformed...)
	if a.Ambiguous {
		dst = append(dst, "There is more than one registrar with a name like this."+newline...)
	} else {
		dst = append(dst, "The query holds a character or a form that this server cannot use."+newline...)
	}
	return append(dst, askHelp...)
}

// appendOtherTLD says that a name stands under no TLD that port 43 answers for. It
// is no referral, which clients would follow.
func appendOtherTLD(dst []byte, a *lookup.Answer) []byte {
	dst = append(dst, malformed...)
	if zones(a) > 0 {
		dst = append(dst, "This server answers only for names that end in "...)
		dst = appendZones(dst, a)
		dst = append(dst, newline...)
	}
	if a.TLD != nil { // one of ours, which the operator has switched off
		dst = append(dst, "Names that end in ."...)
		dst = append(dst, a.TLD.Name...)
		dst = append(dst, " are answered by RDAP alone."+newline...)
	}
	return append(dst, askHelp...)
}

// zones returns how many TLDs port 43 answers for.
func zones(a *lookup.Answer) int {
	n := 0
	for _, zone := range a.View.TLDs() {
		if a.AtPort43(zone.Name) {
			n++
		}
	}
	return n
}

// appendZones appends the zones that port 43 answers for: ".coop", ".coop or
// .example", ".a, .b or .c". A list too long for a line ends with "or others".
func appendZones(dst []byte, a *lookup.Answer) []byte {
	const room = 800 // bytes, of the maxLine that a line has
	start, left := len(dst), zones(a)
	for _, zone := range a.View.TLDs() {
		if !a.AtPort43(zone.Name) {
			continue
		}
		if len(dst)-start > room {
			return append(dst, " or others"...)
		}
		switch left--; {
		case len(dst) == start:
		case left == 0:
			dst = append(dst, " or "...)
		default:
			dst = append(dst, ", "...)
		}
		dst = append(dst, '.')
		dst = append(dst, zone.Name...)
	}
	return dst
}

// appendRefusal appends what a client over its limits gets in place of an
// answer (§7.5). Its first bytes are what parsers look for: a refusal that is
// not understood is read as "free". A refusal without a wait is for good, as no
// waiting helps: the operator's own list denies the network (§7.4).
func appendRefusal(dst []byte, p *lookup.Policy, d ratelimit.Decision) []byte {
	dst = append(dst, "WHOIS LIMIT EXCEEDED - "...)
	if d.RetryIn <= 0 {
		dst = append(dst, "access denied for "...)
		dst = d.Network.AppendTo(dst)
		dst = append(dst, newline+newline+
			"Access is restricted due to excessive queries. Quota exceeded."+newline...)
		if p.TermsURL != "" {
			dst = appendKnown(dst, "To appeal, see ", p.TermsURL)
		}
		return dst
	}
	// Rounded up: who comes back when we say so must be served.
	seconds := int64((d.RetryIn + time.Second - 1) / time.Second)
	dst = append(dst, "wait "...)
	dst = strconv.AppendInt(dst, seconds, 10)
	if seconds == 1 {
		dst = append(dst, " second"...)
	} else {
		dst = append(dst, " seconds"...)
	}
	dst = append(dst, " before the next query"+newline+newline+"Query rate limit exceeded for "...)
	dst = d.Network.AppendTo(dst)
	dst = append(dst, ". You have exceeded your query limit."+newline+
		"Lookup quota exceeded. Too many requests."+newline...)
	if p.TermsURL != "" {
		dst = appendKnown(dst, "Limits and the RDAP service are described at ", p.TermsURL)
	}
	return dst
}
