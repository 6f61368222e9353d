package rdap

import "rddsd/server/lookup"

// conformance begins every body (RFC 9083 §4.1, check -10504): level 0 and the
// gTLD profile of February 2024. The array stays open for "redacted".
const conformance = `{"rdapConformance":["rdap_level_0","icann_rdap_response_profile_1",` +
	`"icann_rdap_technical_implementation_guide_1"`

// appendConformance appends the first member of a body. The extension redacted
// is named where its member is present, and in help (rdap.md §3.2).
func appendConformance(dst []byte, redacted bool) []byte {
	dst = append(dst, conformance...)
	if redacted {
		dst = append(dst, `,"redacted"`...)
	}
	return append(dst, ']')
}

// appendTerms appends the member notices with the notice that every body has;
// the array stays open for more.
func appendTerms(dst []byte, p *lookup.Policy, url []byte) []byte {
	dst = append(dst, `,"notices":[{"title":"Terms of Service","description":["Use of this RDAP service is governed by the `+
		`terms published by the `...)
	if p.TLD != "" {
		dst = append(dst, '.')
		dst = appendText(dst, p.TLD)
		dst = append(dst, ' ')
	}
	dst = append(dst, `registry operator."]`...)
	return appendNoticeLink(dst, "terms-of-service", url, p.TermsURL)
}

// appendNoticeLink appends the one link of a notice and ends the notice. The
// link's value is the URL that was asked for, byte for byte (check -61202).
func appendNoticeLink(dst []byte, rel string, url []byte, href string) []byte {
	if href == "" {
		return append(dst, '}')
	}
	dst = append(dst, `,"links":[{"value":"`...)
	dst = append(dst, url...)
	dst = append(dst, `","rel":"`...)
	dst = append(dst, rel...)
	dst = append(dst, `","href":"`...)
	dst = appendText(dst, href)
	return append(dst, `","type":"text/html"}]}`...)
}

// appendDomainNotices appends the two notices that the gTLD profile demands of
// domains, word for word (rdap.md §3.4).
func appendDomainNotices(dst, url []byte) []byte {
	dst = append(dst, `,{"title":"Status Codes","description":["For more information on domain status codes, please visit `+
		`https://icann.org/epp"]`...)
	dst = appendNoticeLink(dst, "glossary", url, "https://icann.org/epp")
	dst = append(dst, `,{"title":"RDDS Inaccuracy Complaint Form","description":["URL of the ICANN RDDS Inaccuracy Complaint `+
		`Form: https://icann.org/wicf"]`...)
	return appendNoticeLink(dst, "help", url, "https://icann.org/wicf")
}

// cut tells that a search had more results than lookup.MaxNameservers.
const cut = `,{"title":"Search Policy","type":"result set truncated due to excessive load",` +
	`"description":["Only the first 50 matches are returned."]}`

// appendHelpNotice appends the notice that tells what can be asked, and the
// limits if there are any.
func appendHelpNotice(dst []byte, p *lookup.Policy, url []byte) []byte {
	dst = append(dst, `,{"title":"Help","description":[`+
		`"Supported lookups: domain, nameserver, entity (registrar by IANA ID or by name), help.",`+
		`"Supported searches: nameservers by ip; others answer 501 when disabled."`...)
	if p.Limits != "" {
		dst = append(dst, ',')
		dst = appendString(dst, p.Limits)
	}
	dst = append(dst, ']')
	return appendNoticeLink(dst, "help", url, p.HelpURL)
}
