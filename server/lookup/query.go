// Package lookup turns a WHOIS line or an RDAP path into one Query, and a Query
// into one Answer as its audience may see it. WHOIS, RDAP and web share both, so
// that they cannot disagree.
package lookup

import (
	"net/netip"
	"strconv"
	"strings"

	"rddsd/ratelimit"
)

// Question is what a query asks for.
type Question uint8

const (
	AskNothing    Question = iota // not a query: answered as invalid
	AskName                       // Name: a domain, or deeper a host object; under no TLD of ours the registrar called Text, if set
	AskDomain                     // the domain Name, nothing else
	AskNameserver                 // the host object Name
	AskAddress                    // the host objects that have exactly Addr
	AskRegistrar                  // the registrar called Text, unless Name is set and a TLD of ours
	AskIANA                       // the registrar with the IANA ID in IANA
	AskContact                    // the contact whose ROID is Text
	AskROID                       // the object whose ROID is Text
	AskEntity                     // RDAP entity: the registrar whose full name is Text
	AskHelp                       // how to ask
)

// Query is one question, the same for all protocols. Its strings may share
// memory with the line or path that it was parsed from.
type Query struct {
	Question Question
	Name     string     // normalised: A-labels, lower case, no trailing dot
	Text     string     // as asked, blanks folded
	Addr     netip.Addr // unmapped, without a zone
	IANA     int
	Audience ratelimit.Audience
}

// String returns q as a WHOIS line. ParseLine reads it as q again, if it was
// ParseLine that made q.
func (q Query) String() string {
	switch q.Question {
	case AskName:
		if q.Text != "" {
			return `"` + q.Text + `"`
		}
		return q.Name
	case AskDomain:
		return "domain " + q.Name
	case AskNameserver:
		return "nameserver " + q.Name
	case AskAddress:
		return "nameserver " + q.Addr.String()
	case AskRegistrar:
		if q.Name != "" {
			return `"` + q.Text + `"`
		}
		return "registrar " + guard(q.Text)
	case AskIANA:
		return "registrar " + strconv.Itoa(q.IANA)
	case AskROID:
		return "roid " + guard(q.Text)
	case AskEntity:
		return "entity " + guard(q.Text)
	case AskContact:
		return "contact " + guard(q.Text)
	case AskHelp:
		return "?"
	}
	return ""
}

// guard returns s so that what ParseLine takes off the end of a line is not
// taken off s.
func guard(s string) string {
	switch {
	case strings.HasSuffix(s, "/e"):
		return s + "/e"
	case endDot(s) > 0:
		return s + "."
	}
	return s
}
