package load

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// statement is what an answer says, whatever the protocol.
type statement struct {
	class Outcome
	// bodiless is an answer that is a status and nothing else, which does not tell a
	// reserved name from one that is not found.
	bodiless bool
	facts    *facts // nil unless it is about a domain
}

// facts are what is looked at of a domain.
type facts struct {
	handle, registrar, created, expires string
	nameservers                         []string
	signed                              bool
	organisation                        string
	withheld                            bool // nothing is shown of the registrant
}

// against holds the answer against what the registry says. It returns the class of
// the answer, Wrong if it says something else, and then what.
func (s *statement) against(e *Expectation) (Outcome, string) {
	class := s.class
	switch {
	case s.bodiless && class == NotFound && e.Class == Reserved:
		return class, ""
	case class == NotModified && s.facts != nil:
		class = Found // it says that what was found before still holds
	}
	outcome, why := checkClass(class, e)
	if outcome != Wrong && s.facts != nil {
		outcome, why = s.facts.compare(e)
	}
	if outcome == Wrong || s.class == Found {
		return outcome, why
	}
	return s.class, ""
}

// clone returns facts that share no memory with the answer they were read from.
func (f *facts) clone() *facts {
	c := *f
	for _, text := range [...]*string{&c.handle, &c.registrar, &c.created, &c.expires, &c.organisation} {
		*text = strings.Clone(*text)
	}
	c.nameservers = make([]string, len(f.nameservers))
	for i, host := range f.nameservers {
		c.nameservers[i] = strings.Clone(host)
	}
	return &c
}

// compare returns Found, Degraded or Wrong, and what is wrong.
func (f *facts) compare(e *Expectation) (Outcome, string) {
	for _, field := range [...]struct{ what, want, got string }{
		{"handle", e.Handle, f.handle},
		{"registrar", e.Registrar, f.registrar},
		{"creation date", moment(e.Created), f.created},
		{"expiry date", moment(e.Expires), f.expires},
	} {
		if field.want != "" && field.got != field.want {
			return differs(field.what, field.want, field.got)
		}
	}
	if want, got := sorted(e.Nameservers), sorted(f.nameservers); e.Nameservers != nil && !slices.Equal(want, got) {
		return differs("name servers", strings.Join(want, " "), strings.Join(got, " "))
	}
	if e.Signed != 0 && (e.Signed == Yes) != f.signed {
		return differs("signed", fmt.Sprint(e.Signed == Yes), fmt.Sprint(f.signed))
	}
	switch {
	case e.Organisation == "" || f.organisation == e.Organisation:
		return Found, ""
	case f.withheld:
		return Degraded, ""
	}
	return differs("registrant's organisation", e.Organisation, f.organisation)
}

func differs(what, want, got string) (Outcome, string) {
	return Wrong, fmt.Sprintf("%s: the registry says %q, the answer %q", what, want, got)
}

// checkClass compares the class alone. What the service could not or would not
// tell is neither right nor wrong.
func checkClass(got Outcome, e *Expectation) (Outcome, string) {
	switch {
	case got == e.Class, got == Refused, got == NotModified, got == Degraded && e.Class == Found, got.IsError():
		return got, ""
	}
	return Wrong, fmt.Sprintf("the registry says %s, the answer %s", e.Class, got)
}

func (w *whoisWire) interpret(_ *query, v *verdict) (statement, error) {
	s := statement{class: v.outcome}
	if v.outcome != Found || !bytes.HasPrefix(v.body, domainName) {
		return s, nil
	}
	fields := make(map[string][]string)
	for line := range strings.Lines(string(v.body)) {
		if key, value, ok := strings.Cut(line, ": "); ok {
			fields[key] = append(fields[key], strings.TrimRight(value, "\r\n"))
		}
	}
	first := func(key string) string {
		if len(fields[key]) == 0 {
			return ""
		}
		return fields[key][0]
	}
	s.facts = &facts{
		handle: first("Registry Domain ID"), registrar: first("Registrar"),
		created: first("Creation Date"), expires: first("Registry Expiry Date"),
		nameservers: fields["Name Server"], signed: first("DNSSEC") == "signedDelegation",
		organisation: first("Registrant Organization"),
	}
	// One text stands for whatever is withheld.
	s.facts.withheld = s.facts.organisation == first("Registrant Name")
	return s, nil
}

// object is what is looked at of an RDAP answer (RFC 9083 §5).
type object struct {
	ObjectClassName string `json:"objectClassName"`
	Handle          string `json:"handle"`
	LDHName         string `json:"ldhName"`
	Events          []struct {
		Action string `json:"eventAction"`
		Date   string `json:"eventDate"`
	} `json:"events"`
	Nameservers []object `json:"nameservers"`
	SecureDNS   struct {
		Signed bool `json:"delegationSigned"`
	} `json:"secureDNS"`
	Entities []object `json:"entities"`
	Roles    []string `json:"roles"`
	VCard    []any    `json:"vcardArray"`
	// Description is that of an error (RFC 9083 §6).
	Description []string `json:"description"`
}

func (w *rdapWire) interpret(q *query, v *verdict) (statement, error) {
	s := statement{class: v.outcome}
	if q.head {
		s.bodiless = true
		return s, nil
	}
	told := v.outcome // about the name, by the body
	if v.outcome == NotModified {
		told = q.repeats.outcome
	}
	body := v.body
	if v.gzip {
		plain, err := inflate(body)
		if err != nil {
			return s, fmt.Errorf("the compressed body cannot be read: %w", err)
		}
		body = plain
		if told == Found { // which read took it for, as it could not look into it
			outcome, why := w.classifyBody(q, body)
			if outcome.IsError() {
				return s, errors.New(why)
			}
			if told = outcome; v.outcome == Found {
				s.class = outcome
			}
		}
	}
	var o object
	switch err := json.Unmarshal(body, &o); {
	case err == nil:
	case told != Found && told != Degraded && told != Helped:
		s.bodiless = true // an error need not have one (RFC 7480 §5.3)
		return s, nil
	default:
		return s, fmt.Errorf("the body is not JSON: %w", err)
	}
	if s.class == NotFound && strings.Contains(strings.Join(o.Description, " "), "reserved by the registry") {
		s.class = Reserved
	}
	name, isDomain := w.subject(q)
	if !isDomain || told != Found && told != Degraded || o.ObjectClassName != "domain" {
		return s, nil
	}
	if !strings.EqualFold(o.LDHName, string(name)) {
		_, why := differs("name", string(name), o.LDHName)
		return s, errors.New(why)
	}
	s.facts = &facts{handle: o.Handle, signed: o.SecureDNS.Signed, withheld: told == Degraded}
	for _, event := range o.Events {
		switch event.Action {
		case "registration":
			s.facts.created = event.Date
		case "expiration":
			s.facts.expires = event.Date
		}
	}
	for _, host := range o.Nameservers {
		s.facts.nameservers = append(s.facts.nameservers, host.LDHName)
	}
	for _, entity := range o.Entities {
		switch {
		case slices.Contains(entity.Roles, "registrar"):
			s.facts.registrar = property(entity.VCard, "fn")
		case slices.Contains(entity.Roles, "registrant"):
			s.facts.organisation = property(entity.VCard, "org")
		}
	}
	return s, nil
}

// property returns the text of a property of a jCard (RFC 7095 §3.3).
func property(card []any, name string) string {
	if len(card) < 2 {
		return ""
	}
	list, _ := card[1].([]any)
	for _, entry := range list {
		if p, _ := entry.([]any); len(p) > 3 && p[0] == name {
			text, _ := p[3].(string)
			return text
		}
	}
	return ""
}

func inflate(data []byte) ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(r, maxAnswer))
}

// moment returns t as answers have it, in whole seconds; "" for none.
func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Truncate(time.Second).Format(time.RFC3339)
}

func sorted(names []string) []string {
	lower := make([]string, len(names))
	for i, name := range names {
		lower[i] = strings.ToLower(name)
	}
	slices.Sort(lower)
	return lower
}
