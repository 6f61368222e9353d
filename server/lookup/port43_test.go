package lookup

import (
	"testing"

	"rddsd/cache/registry"
	"rddsd/ratelimit"
)

// Where port 43 is off for a TLD, WHOIS says of every name under it that it
// answers for others, registered or not; RDAP, which does not ask, goes on.
func TestKeepToPort43(t *testing.T) {
	off := newFinder(
		Policy{TLD: "coop", Port43Off: true}, Policy{TLD: "test", ContactModel: registry.ModelFull}, Policy{TLD: "small.test", Port43Off: true})
	view := fixture(
		&registry.Nameserver{ROID: "H8-COOP", Name: "ns8.third.test", Registrar: "third", V4: []string{"192.0.2.10"}, Created: longAgo},
	)
	a := new(Answer)
	for _, c := range []struct {
		rule, line string
		want       found
		shows      ratelimit.Shows
		policy     string
	}{
		{"a registered name", "published.coop", found{OtherTLD, Domain, "", "coop", ""}, ratelimit.Nothing, "test"},
		{"one that is not", "unregistered.coop", found{OtherTLD, Domain, "", "coop", ""}, ratelimit.Nothing, "test"},
		{"a reserved one", "reserved.coop", found{OtherTLD, Domain, "", "coop", ""}, ratelimit.Nothing, "test"},
		{"a name under a zone below another TLD", "example.small.test", found{OtherTLD, Domain, "", "small.test", ""}, ratelimit.Nothing, "test"},
		{"a host", "ns1.example.coop", found{OtherTLD, Nameserver, "", "coop", ""}, ratelimit.Nothing, "test"},
		{"a ROID", "roid D-published.coop", found{OtherTLD, Domain, "", "coop", ""}, ratelimit.Nothing, "test"},
		{"what is no name", "xn--99999999.coop", found{Invalid, Domain, "", "coop", ""}, ratelimit.Nothing, "test"},
		{"a name under a TLD that is on", "third.test", found{Found, Domain, "third.test", "test", "third.test"}, ratelimit.Contact, "test"},
		{"another registry's", "example.com", found{OtherTLD, Domain, "example.com", "", ""}, ratelimit.Nothing, "test"},
		{"an address: hosts elsewhere stay", "192.0.2.10", found{Found, Nameservers, "192.0.2.10", "", "ns8.third.test"}, ratelimit.Object, "test"},
		{"an address: hosts under no TLD stay", "192.0.2.11", found{Found, Nameservers, "192.0.2.11", "", "a.example.net"}, ratelimit.Object, "test"},
		{"a registrar", "9995", found{Found, Registrar, "", "", "example"}, ratelimit.Object, "test"},
		{"help", "?", found{class: Help}, ratelimit.Nothing, "test"},
		{"junk", "foo*.coop", found{class: Invalid}, ratelimit.Nothing, "test"},
	} {
		q, _ := ParseLine([]byte(c.line))
		off.Find(view, &q, now, a)
		a.KeepToPort43()
		if got := summary(a); got != c.want || a.Ask.Shows != c.shows || a.Policy.TLD != c.policy {
			t.Errorf("%s: %q is answered %+v, shows %v, in the words of .%s; want %+v, %v", c.rule, c.line, got, a.Ask.Shows, a.Policy.TLD, c.want, c.shows)
		}
		if a.Class == OtherTLD && (a.Domain.Name != "" || a.HasRegistrant || a.HasTech || len(a.Hosts) > 0 || a.Registrar != nil || a.Reserved.Name != "" || a.AsOf != minute) {
			t.Errorf("%s: the answer to %q still holds %+v, %+v", c.rule, c.line, a.Domain, a.Reserved)
		}
		if n := testing.AllocsPerRun(100, func() { off.Find(view, &q, now, a); a.KeepToPort43() }); n != 0 && !isIDN(q.Name) {
			t.Errorf("%s: %q makes %v allocations", c.rule, c.line, n)
		}
	}

	q, _ := ParseLine([]byte("192.0.2.10"))
	off.Find(fixture(), &q, now, a) // whose hosts at the address are all under .coop
	if a.KeepToPort43(); a.Class != OtherTLD || a.Ask.Count != 1 {
		t.Errorf("an address of hosts under .coop alone is %v, counts %d", a.Class, a.Ask.Count)
	}
	for tld, want := range map[string]bool{"coop": false, "test": true, "small.test": false} {
		if got := a.AtPort43(tld); got != want {
			t.Errorf("AtPort43(%q) = %v", tld, got)
		}
	}

	on := newFinder()
	for _, line := range []string{"published.coop", "192.0.2.10", "?"} {
		q, _ := ParseLine([]byte(line))
		on.Find(view, &q, now, a)
		want := content(a)
		if a.KeepToPort43(); content(a) != want || !a.AtPort43("coop") {
			t.Errorf("%q changes although port 43 is on everywhere: %s, was %s", line, content(a), want)
		}
	}
}

// With port 43 off for all TLDs, the first one's words are as good as any.
func TestPort43OffEverywhere(t *testing.T) {
	f := NewFinder(NewPolicies([]Policy{{TLD: "coop", Port43Off: true}, {TLD: "test", Port43Off: true}, {TLD: "small.test", Port43Off: true}}, nil))
	a := new(Answer)
	for line, want := range map[string]Class{"example.coop": OtherTLD, "?": Help, "9995": Found} {
		q, _ := ParseLine([]byte(line))
		f.Find(fixture(), &q, now, a)
		if a.KeepToPort43(); a.Class != want || a.Policy == nil {
			t.Errorf("%q is %v under %+v, want %v", line, a.Class, a.Policy, want)
		}
	}
}
