package load

import "testing"

// The class of a body, and whether it is about the name that was asked for.
func TestRDAPClass(t *testing.T) {
	q := &query{kind: Hit, isDomain: true, name: []byte("example.coop")}
	for _, test := range []struct {
		name, body string
		want       Outcome
	}{
		{"found", `{"objectClassName":"domain","ldhName":"example.coop"}`, Found},
		{"found, spaced and in capitals", `{ "ldhName" : "EXAMPLE.COOP" }`, Found},
		{"found, behind its hosts", `{"nameservers":[{"ldhName":"ns1.example.coop"}],"ldhName":"example.coop"}`, Found},
		{"degraded", `{"ldhName":"example.coop","remarks":[{"type":"object redacted due to authorization"}]}`, Degraded},
		{"a remark of another type", `{"ldhName":"example.coop","remarks":[{"type":"object truncated due to authorization"}]}`, Found},
		{"another name", `{"ldhName":"example2.coop"}`, Wrong},
		{"a longer name", `{"ldhName":"example.coop.test"}`, Wrong},
		{"a shorter name", `{"ldhName":"example.coo"}`, Wrong},
		{"no name", `{"ldhName"`, Wrong},
		{"nothing of ours", `{"N":"Nz"}`, Wrong},
		{"no JSON", `<html>example.coop</html>`, Garbage},
		{"nothing", ``, Garbage},
	} {
		w := &rdapWire{}
		if got, why := w.classify(q, &response{status: 200, body: []byte(test.body)}); got != test.want {
			t.Errorf("%s: %s is taken for %s (%s), want %s", test.name, test.body, got, why, test.want)
		}
	}
	for status, want := range map[int]Outcome{
		302: Garbage, 304: NotModified, 400: Invalid, 404: NotFound, 405: Invalid, 414: Invalid, 422: Invalid, 429: Refused, 500: Failed, 501: Invalid, 502: Failed, 503: Unknown,
	} {
		w := &rdapWire{}
		if got, _ := w.classify(q, &response{status: status}); got != want {
			t.Errorf("status %d is taken for %s, want %s", status, got, want)
		}
	}
}
