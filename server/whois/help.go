package whois

import "rddsd/server/lookup"

// appendHelp tells how to ask (§7.8). It shows placeholders alone: a real name
// behind the word "domain" reads as a registered one (§2.9).
func appendHelp(dst []byte, a *lookup.Answer) []byte {
	dst = append(dst, "% "...)
	n := zones(a)
	if n == 1 {
		dst = appendZones(dst, a)
		dst = append(dst, " registry"...)
	} else {
		dst = append(dst, "Registry"...)
	}
	dst = append(dst, ` WHOIS server`+newline+
		`%`+newline+
		`% Send one query per connection, one line, ended by CR LF.`+newline+
		`%`+newline...)
	if n == 1 {
		dst = append(dst, "%   NAME                  one registered name ending in "...)
		dst = appendZones(dst, a)
		dst = append(dst, newline...)
	} else {
		dst = append(dst, "%   NAME                  one registered name"+newline...)
	}
	dst = append(dst, `%   domain NAME           the same, said explicitly`+newline+
		`%   nameserver HOST       one name server, by its host name`+newline+
		`%   nameserver ADDRESS    name servers, by IPv4 or IPv6 address`+newline+
		`%   registrar TEXT        one accredited registrar, by name or IANA ID`+newline...)
	if a.Policy.Contacts {
		dst = append(dst, `%   contact ID            one contact, by its registry ID`+newline...)
	}
	dst = append(dst, `%   help, ?               this text`+newline+
		`%`+newline...)
	if n > 1 {
		dst = append(dst, "% Names end in "...)
		dst = appendZones(dst, a)
		dst = append(dst, newline...)
	}
	dst = append(dst, `% Names may be sent as A-labels or as UTF-8. Letter case is ignored.`+newline+
		`% There is no wildcard or partial search here.`+newline...)
	if a.Policy.Limits != "" {
		dst = appendKnown(dst, "% ", a.Policy.Limits)
	}
	return dst
}
