package load

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// answer is what an answer about a domain says, whatever the protocol.
type answer struct {
	handle, registrar, created, expires string
	nameservers                         []string
	signed                              bool
	organisation                        string
	withheld                            bool // nothing is shown of the registrant
}

// compare returns Found, Degraded or Wrong, and what is wrong.
func (a *answer) compare(e *Expectation) (Outcome, string) {
	for _, f := range [...]struct{ what, want, got string }{
		{"handle", e.Handle, a.handle},
		{"registrar", e.Registrar, a.registrar},
		{"creation date", moment(e.Created), a.created},
		{"expiry date", moment(e.Expires), a.expires},
	} {
		if f.want != "" && f.got != f.want {
			return differs(f.what, f.want, f.got)
		}
	}
	if want, got := sorted(e.Nameservers), sorted(a.nameservers); e.Nameservers != nil && !slices.Equal(want, got) {
		return differs("name servers", strings.Join(want, " "), strings.Join(got, " "))
	}
	if e.Signed != 0 && (e.Signed == Yes) != a.signed {
		return differs("signed", fmt.Sprint(e.Signed == Yes), fmt.Sprint(a.signed))
	}
	switch {
	case e.Organisation == "" || a.organisation == e.Organisation:
		return Found, ""
	case a.withheld:
		return Degraded, ""
	}
	return differs("registrant's organisation", e.Organisation, a.organisation)
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

func (w *whoisWire) check(_ *query, v *verdict, e *Expectation) (Outcome, string) {
	if outcome, why := checkClass(v.outcome, e); outcome != Found || !bytes.HasPrefix(v.body, domainName) {
		return outcome, why
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
	a := answer{
		handle: first("Registry Domain ID"), registrar: first("Registrar"),
		created: first("Creation Date"), expires: first("Registry Expiry Date"),
		nameservers: fields["Name Server"], signed: first("DNSSEC") == "signedDelegation",
		organisation: first("Registrant Organization"),
	}
	// One text stands for whatever is withheld.
	a.withheld = a.organisation == first("Registrant Name")
	return a.compare(e)
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

func (w *rdapWire) check(q *query, v *verdict, e *Expectation) (Outcome, string) {
	if q.head || v.outcome == NotModified {
		return checkHead(v.outcome, e)
	}
	body := v.body
	if v.gzip {
		plain, err := inflate(body)
		if err != nil {
			return Wrong, fmt.Sprintf("the compressed body cannot be read: %v", err)
		}
		body = plain
	}
	var o object
	if err := json.Unmarshal(body, &o); err != nil {
		return Wrong, fmt.Sprintf("the body is not JSON: %v", err)
	}
	class := v.outcome
	if class == NotFound && strings.Contains(strings.Join(o.Description, " "), "reserved by the registry") {
		class = Reserved
	}
	if outcome, why := checkClass(class, e); outcome == Wrong || class != Found && class != Degraded {
		return outcome, why
	}
	if !q.isDomain || o.ObjectClassName != "domain" {
		return class, ""
	}
	if !strings.EqualFold(o.LDHName, string(q.name)) {
		return differs("name", string(q.name), o.LDHName)
	}
	a := answer{handle: o.Handle, signed: o.SecureDNS.Signed, withheld: class == Degraded}
	for _, event := range o.Events {
		switch event.Action {
		case "registration":
			a.created = event.Date
		case "expiration":
			a.expires = event.Date
		}
	}
	for _, host := range o.Nameservers {
		a.nameservers = append(a.nameservers, host.LDHName)
	}
	for _, entity := range o.Entities {
		switch {
		case slices.Contains(entity.Roles, "registrar"):
			a.registrar = property(entity.VCard, "fn")
		case slices.Contains(entity.Roles, "registrant"):
			a.organisation = property(entity.VCard, "org")
		}
	}
	if outcome, why := a.compare(e); outcome == Wrong {
		return outcome, why
	}
	return class, ""
}

// checkHead compares a status without a body, which does not tell a reserved name
// from one that is not found.
func checkHead(got Outcome, e *Expectation) (Outcome, string) {
	if got == NotFound && e.Class == Reserved {
		return got, ""
	}
	return checkClass(got, e)
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
