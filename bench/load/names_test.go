package load

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// What the fixed names of every generated registry are known as.
func TestNamesExpect(t *testing.T) {
	n := generated()
	for _, test := range []struct {
		name  string
		class Outcome
		check func(*Expectation) bool
	}{
		{"example.coop", Found, func(e *Expectation) bool {
			return e.Registrar == "Example Registrar Limited" && e.Signed == Yes && e.Organisation != "" &&
				slices.Equal(e.Nameservers, []string{"ns1.example.coop", "ns2.example.net"}) && strings.HasSuffix(e.Handle, "-COOP") &&
				!e.Created.IsZero() && e.Expires.After(e.Created)
		}},
		{"nohosts.coop", Found, func(e *Expectation) bool { return e.Nameservers != nil && len(e.Nameservers) == 0 && e.Signed == No }},
		{"reserved.coop", Reserved, nil},
		{"free-anything.coop", NotFound, nil},
		{"9995", Found, nil},
	} {
		e, known := n.Expect(Query{Kind: Hit, Name: test.name})
		if !known || e.Class != test.class || test.check != nil && !test.check(&e) {
			t.Errorf("Expect(%s) = %+v, %t, want class %s", test.name, e, known, test.class)
		}
	}
	for _, q := range []Query{{Kind: Help}, {Kind: Junk}, {Kind: Hit, Name: "unheard-of.coop"}} {
		if e, known := n.Expect(q); known {
			t.Errorf("Expect(%v) = %+v, but that is not known", q, e)
		}
	}
}

func TestFromFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "names.txt")
	if err := os.WriteFile(path, []byte("# two names\nExample.COOP.\n\n  caf\u00e9.coop  \n"), 0o600); err != nil {
		t.Fatal(err)
	}
	n, err := FromFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if n.Len() != 2 || n.At(0) != "example.coop" || n.At(1) != "xn--caf-dma.coop" || len(n.idns) != 1 || n.idns[0].unicode != "caf\u00e9.coop" {
		t.Errorf("FromFile: %d names, %s and %s, IDNs %v", n.Len(), n.At(0), n.At(1), n.idns)
	}
	if _, known := n.Expect(Query{Name: "example.coop"}); known {
		t.Error("of names from a file nothing is known")
	}
	for _, bad := range []string{"", "# nothing\n", "two names.coop\n", "example.coop\n-.-\n"} {
		if err := os.WriteFile(path, []byte(bad), 0o600); err != nil {
			t.Fatal(err)
		}
		if n, err := FromFile(path); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("FromFile of %q: %v, %v; want an error that names %s", bad, n, err, path)
		}
	}
	if _, err := FromFile(path + ".none"); err == nil {
		t.Error("FromFile of a file that is not there has no error")
	}
}

// What cannot be run is refused, and the message says which option it is.
func TestOptionsRefused(t *testing.T) {
	list, err := FromList("a test", []string{"example.coop"})
	if err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]func(*Options){
		"connections":       func(o *Options) { o.Connections = MaxConnections + 1 },
		"rate":              func(o *Options) { o.Rate = -1 },
		"time to measure":   func(o *Options) { o.For = 2 * time.Hour },
		"time-out":          func(o *Options) { o.Timeout = time.Hour },
		"threads":           func(o *Options) { o.Threads, o.Connections = 3, 2 },
		"source addresses":  func(o *Options) { o.Sources = -5 },
		"names":             func(o *Options) { o.Names = nil },
		"no TLS":            func(o *Options) { o.HTTP.TLS = true },
		"base path":         func(o *Options) { o.HTTP.Base = "rdap" },
		"mix x asks for":    func(o *Options) { o.Mix = Mix{Name: "x"} },
		"Zipf":              func(o *Options) { o.Mix.Zipf = -1 },
		"no HEAD":           func(o *Options) { o.Mix.Head = 0.5 },
		"internationalised": func(o *Options) { o.Mix, o.Names = mix(t, "idn", WHOIS), list },
	} {
		o := short("127.0.0.1:9", WHOIS)
		o.Mix = mix(t, "hits", WHOIS)
		change(&o)
		if r, err := Run(t.Context(), o); err == nil || r != nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Run: %v, %v; the error must tell of %q", r, err, want)
		}
	}
	if _, err := NewMix("all", WHOIS); err == nil || !strings.Contains(err.Error(), "ordinary") {
		t.Errorf("NewMix: %v; the error must tell which mixes there are", err)
	}
}

// With names from a list there are no hosts and registrars: names stand in.
func TestListHasNoOtherObjects(t *testing.T) {
	list, err := FromList("a test", []string{"example.coop", "published.coop"})
	if err != nil {
		t.Fatal(err)
	}
	m := mix(t, "mixed", WHOIS)
	if told := strings.Join(m.Assumptions(list), "\n"); !strings.Contains(told, "names stand in") || !strings.Contains(told, "2 names of a test") {
		t.Errorf("the assumptions %q do not tell where the names are from", told)
	}
	o := short(serveText(t, whoisText), WHOIS)
	o.Names, o.Mix, o.Expect = list, m, nil
	r, err := Run(t.Context(), o)
	if err != nil || r.Kinds[Nameserver]+r.Kinds[Registrar] == 0 && r.Requests > 1000 {
		t.Errorf("Run: %v, %v", r, err)
	}
}
