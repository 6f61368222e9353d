package config

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// problems returns what Load finds wrong, one line each, without the directory
// of the file.
func problems(t *testing.T, path string, env []string, checks ...Check) []string {
	t.Helper()
	c, err := Load(path, env, checks...)
	if err == nil {
		return nil
	}
	var wrong *Error
	if !errors.As(err, &wrong) || c != nil {
		t.Fatalf("Load = %v, %v; want no configuration and an *Error", c, err)
	}
	var lines []string
	for _, p := range wrong.Problems {
		lines = append(lines, strings.ReplaceAll(p.String(), filepath.Dir(path)+"/", ""))
	}
	if !strings.HasSuffix(err.Error(), wrong.Problems[len(wrong.Problems)-1].String()) {
		t.Errorf("Error() = %q leaves problems out", err)
	}
	return lines
}

func TestProblems(t *testing.T) {
	tests := []struct {
		name, text string
		want       []string
	}{
		{
			"networks", "[whois]\nproxy_from = [\"192.0.2.1/24\",\n \"2001:db8::/32\"]\nloops = 300\n",
			[]string{
				`rddsd.toml:2:15: [whois] proxy_from: is the text "192.0.2.1/24"; write an IP address, or a network such as "192.0.2.0/24"`,
				`rddsd.toml:4:9: [whois] loops: is 300; write a number from 0 to 256`,
			},
		},
		{
			"misspelt key", "[whois]\nlisten = []\n  listne = [\"127.0.0.1:43\"]\n",
			[]string{`rddsd.toml:3:3: [whois]: unknown key "listne"; did you mean "listen"?`},
		},
		{
			"key of another table", "[whois]\npoll_interval = \"5s\"\n",
			[]string{`rddsd.toml:2:1: [whois]: unknown key "poll_interval"; it belongs to [feed]`},
		},
		{
			"unknown key", "[log]\ncolour = true\n",
			[]string{`rddsd.toml:2:1: [log]: unknown key "colour"; there are format, level`},
		},
		{
			"keys of a later release", "[registry]\nsqlite = \"x\"\nnats = \"y\"\n[web]\nlisten = []\n[rdap]\nredirect = []\n[[tld]]\nname = \"example\"\nsearches = true\n",
			[]string{
				`rddsd.toml:3:1: [registry]: unknown key "nats"; it comes with a later release`,
				`rddsd.toml:4:2: unknown table "web"; it comes with a later release`,
				`rddsd.toml:10:1: [[tld]]: unknown key "searches"; it comes with a later release`,
			},
		},
		{
			"hosts that are none, or stand for two TLDs",
			"[[tld]]\nname = \"example\"\nbase_url = \"https://rdap.nic.example/\"\nhosts = [\"RDAP.nic.example\", \"rdap.nic.example:443\", \"rdap\"]\n" +
				"[[tld]]\nname = \"test\"\nbase_url = \"https://rdap.nic.test/\"\nhosts = [\"rdap.nic.example\", \"rdap2.nic.test\"]\n" +
				"[[tld]]\nname = \"invalid\"\nbase_url = \"https://rdap.nic.invalid/\"\nhosts = [\"rdap2.nic.test\"]\n",
			[]string{
				`rddsd.toml:4:1: [[tld]] hosts: "RDAP.nic.example" is not the name of a host; write lower-case letters, and an IDN as its A-label, without a port, such as "rdap.nic.example"`,
				`rddsd.toml:8:1: [[tld]] hosts: "rdap.nic.example" with the path / stands for "example" already; give each TLD a host or a path of its own`,
				`rddsd.toml:12:1: [[tld]] hosts: "rdap2.nic.test" with the path / stands for "test" already; give each TLD a host or a path of its own`,
			},
		},
		{
			"misspelt table, once for all its keys", "[whosi]\nlisten = []\nprofile = \"2024\"\n",
			[]string{`rddsd.toml:1:2: unknown table "whosi"; did you mean [whois]?`},
		},
		{
			"unknown table", "[frobnicate]\n",
			[]string{`rddsd.toml:1:2: unknown table "frobnicate"; there are [admin], [[certificate]], [data], [feed], [log], [ratelimit], [rdap], [registry], [[tld]], [whois]`},
		},
		{
			"key above all tables", "poll_interval = \"5s\"\n",
			[]string{`rddsd.toml:1:1: unknown table "poll_interval"; it is a key of [feed]`},
		},
		{
			"table for array and array for table", "[tld]\nname = \"example\"\n[[whois]]\nlisten = []\n",
			[]string{
				`rddsd.toml:1:2: [tld]: there may be several such tables; write [[tld]]`,
				`rddsd.toml:3:3: [whois]: there is one such table only; write [whois]`,
			},
		},
		{
			"table too deep", "[whois.listen]\nport = 43\n[feed]\nmax_age.hours = 3\n",
			[]string{
				`rddsd.toml:1:8: [whois]: it has no table "listen" inside; its keys are contacts, listen, loops, profile, proxy_from, redaction`,
				`rddsd.toml:4:9: [feed] max_age: it is a key, not a table, so there is no "hours" in it`,
			},
		},
		{
			"value for table", "whois = 43\ntld = [\"coop\"]\n",
			[]string{
				`rddsd.toml:1:1: [whois]: is the number 43; it is a table: write [whois] and its keys below`,
				`rddsd.toml:2:1: [tld]: it is a list of tables; write each as [[tld]]`,
			},
		},
		{
			"wrong types", `[feed]
poll_interval = 5
max_age = "30"
max_miss_age = 2026-11-23
[data]
dir = false
[whois]
listen = "127.0.0.1:43"
profile = 2024
redaction = ["x"]
[rdap]
http = [8080]
https = [["127.0.0.1:8443"]]
http_plain = "yes"
base_url = { scheme = "https" }
[ratelimit]
mode = "dryrun"
rate = "5"
burst = 2.5
[[tld]]
name = "example"
contact_model = "thin"
[log]
level = "verbose"
format = 1
`,
			[]string{
				`rddsd.toml:2:17: [feed] poll_interval: is the number 5; write a duration with its unit, in quotes, such as "5s", "15m" or "1h30m"`,
				`rddsd.toml:3:11: [feed] max_age: is the text "30"; write a duration with its unit, in quotes, such as "5s", "15m" or "1h30m"`,
				`rddsd.toml:4:16: [feed] max_miss_age: is the date 2026-11-23; write a duration with its unit, in quotes, such as "5s", "15m" or "1h30m"`,
				`rddsd.toml:6:7: [data] dir: is false; write a text in quotes`,
				`rddsd.toml:8:10: [whois] listen: is the text "127.0.0.1:43"; write a list of addresses with their ports, such as ["127.0.0.1:43", "[::1]:43"]`,
				`rddsd.toml:9:11: [whois] profile: is the number 2024; write "2024" or "2017"`,
				`rddsd.toml:10:1: [whois] redaction: is a list; write a text in quotes`,
				`rddsd.toml:12:9: [rdap] http: has the number 8080 in its list; write addresses with their ports, such as ["127.0.0.1:43", "[::1]:43"]`,
				`rddsd.toml:13:1: [rdap] https: has a list in its list; write addresses with their ports, such as ["127.0.0.1:43", "[::1]:43"]`,
				`rddsd.toml:14:14: [rdap] http_plain: is the text "yes"; write true or false, without quotes`,
				`rddsd.toml:15:12: [rdap] base_url: is a table; write a text in quotes`,
				`rddsd.toml:17:8: [ratelimit] mode: is the text "dryrun"; write "enforce", "dry-run" or "off"`,
				`rddsd.toml:18:8: [ratelimit] rate: is the text "5"; write a number, without quotes`,
				`rddsd.toml:19:9: [ratelimit] burst: is the number 2.5; write a whole number, without quotes`,
				`rddsd.toml:22:17: [[tld]] contact_model: is the text "thin"; write "full", "minimum" or "per-registrar"`,
				`rddsd.toml:24:9: [log] level: is the text "verbose"; write "debug", "info", "warn" or "error"`,
				`rddsd.toml:25:10: [log] format: is the number 1; write "auto", "json" or "text"`,
			},
		},
		{
			"addresses that do not parse", `[whois]
listen = [
  "127.0.0.1:8043",
  ":43",
]
[rdap]
http = ["localhost:8080"]
https = ["192.0.2.1"]
[admin]
listen = ["admin.example:9180"]
`,
			[]string{
				`rddsd.toml:4:3: [whois] listen: is the text ":43"; write an IP address and a port, such as "0.0.0.0:43" and "[::]:43"`,
				`rddsd.toml:7:9: [rdap] http: is the text "localhost:8080"; write an IP address and a port, such as "127.0.0.1:8080"`,
				`rddsd.toml:8:10: [rdap] https: is the text "192.0.2.1"; write an IP address and a port, such as "192.0.2.1:43"`,
				`rddsd.toml:10:11: [admin] listen: is the text "admin.example:9180"; write an IP address and a port, such as "192.0.2.1:9180" or "[2001:db8::1]:9180"`,
			},
		},
		{
			"reachable from outside", "[rdap]\nhttp = [\"127.0.0.1:80\", \"0.0.0.0:81\"]\n[admin]\nlisten = [\"[2001:db8::1]:9180\"]\n",
			[]string{
				`rddsd.toml:2:1: [rdap] http: 0.0.0.0:81 can be reached from outside, where RDAP must be encrypted; use [rdap] https, or a loopback address behind a proxy, or set http_plain = true`,
				`rddsd.toml:4:1: [admin] listen: [2001:db8::1]:9180 can be reached from outside, and whoever reaches it sees metrics and profiles; write a loopback address, such as "127.0.0.1:9180"`,
			},
		},
		{
			"the same address twice", "[whois]\nlisten = [\"127.0.0.1:8080\"]\n",
			[]string{`[rdap] http: 127.0.0.1:8080 stands in [whois] listen already; give each its own port`},
		},
		{
			"an address and all addresses", "[whois]\nlisten = [\"0.0.0.0:8080\", \"[::]:8080\"]\n[rdap]\nhttps = [\"127.0.0.1:8443\", \"127.0.0.2:8443\"]\n",
			[]string{`rddsd.toml:3:2: [rdap] http: 127.0.0.1:8080 and 0.0.0.0:8080 in [whois] listen take the same port of the same address; give each its own port`},
		},
		{
			"nothing to serve", "[whois]\nlisten = []\n[rdap]\nhttp = []\nhttps = []\n",
			[]string{`rddsd.toml:2:1: [whois] listen: is empty, and so are [rdap] http and https: nobody could ask anything; write one address at least`},
		},
		{
			"durations", "[feed]\npoll_interval = \"0s\"\nmax_age = \"-1m\"\nmax_miss_age = \"4s\"\n",
			[]string{
				`rddsd.toml:2:17: [feed] poll_interval: is 0s; write a duration from 10ms to 10m0s`,
				`rddsd.toml:3:11: [feed] max_age: is -1m0s; write a duration from 1s to 8760h0m0s`,
			},
		},
		{
			"misses never known", "[feed]\nmax_miss_age = \"5s\"\n",
			[]string{`rddsd.toml:2:16: [feed] max_miss_age: is 5s, not longer than [feed] poll_interval (5s), so that between two polls no name could be called unregistered; write a longer one`},
		},
		{
			"URLs", `[rdap]
base_url = "https://rdap.nic.example"
[[tld]]
name = "example"
base_url = "rdap.nic.example/"
terms_url = "ftp://nic.example/terms"
help_url = "https://www.nic.example/a b"
[[tld]]
name = "test"
base_url = "https://rdap.nic.test/?x=/"
`,
			[]string{
				`rddsd.toml:2:12: [rdap] base_url: "https://rdap.nic.example" does not end with a slash; write "https://rdap.nic.example/"`,
				`rddsd.toml:5:12: [[tld]] base_url: "rdap.nic.example/" is not an absolute http or https URL; write one, such as "https://rdap.nic.example/"`,
				`rddsd.toml:6:13: [[tld]] terms_url: "ftp://nic.example/terms" is not an absolute http or https URL; write one, such as "https://www.nic.example/terms"`,
				`rddsd.toml:7:12: [[tld]] help_url: "https://www.nic.example/a b" is not an absolute http or https URL; write one, such as "https://www.nic.example/terms"`,
				`rddsd.toml:10:12: [[tld]] base_url: "https://rdap.nic.test/?x=/" has a query or a fragment, to which no path can be added; leave it out`,
			},
		},
		{
			"TLDs", `[[tld]]
name = ".coop"
[[tld]]
base_url = "https://rdap.nic.example/"
[[tld]]
name = "example"
port43 = "whois://whois.nic.example"
[[tld]]
name = "example"
port43 = 43
`,
			[]string{
				`rddsd.toml:10:10: [[tld]] port43: is the number 43; write the name of the WHOIS server in quotes, such as "whois.nic.example", or false where WHOIS does not answer for the TLD`,
				`rddsd.toml:2:8: [[tld]] name: ".coop" is not a domain name as registries write it; write lower-case letters without a dot in front, and an IDN as its A-label (xn--...)`,
				`rddsd.toml:3:3: [[tld]] name: is missing; write which TLD the table is for, such as name = "coop"`,
				`rddsd.toml:7:10: [[tld]] port43: "whois://whois.nic.example" is not a host name; write the name of the WHOIS server alone, such as "whois.nic.example"`,
				`rddsd.toml:9:8: [[tld]] name: "example" has a table already, at rddsd.toml:6:8; put the keys of both into one`,
			},
		},
		{
			"limits out of range", "[ratelimit]\nrate = nan\nburst = 0\n",
			[]string{
				`rddsd.toml:2:8: [ratelimit] rate: is NaN look-ups a second; write a number from 0.001 to 100`,
				`rddsd.toml:3:9: [ratelimit] burst: is 0 look-ups; write a number from 1 to 10000`,
			},
		},
		{
			"empty texts", "[registry]\nsqlite = \"\"\n[data]\ndir = \"\"\n[whois]\nredaction = \"\"\n[admin]\nsocket = \"\"\n",
			[]string{
				`rddsd.toml:4:7: [data] dir: is empty; write the directory where the program keeps its files`,
				`rddsd.toml:2:10: [registry] sqlite: is empty; write the path of the registry's file, or leave the key out for the built-in registry`,
				`rddsd.toml:8:10: [admin] socket: is empty; write the path of the socket, or leave the key out for the one in the data directory`,
				`rddsd.toml:6:13: [whois] redaction: is empty, and WHOIS clients would take the field for missing; write what stands for a withheld value`,
			},
		},
		{
			"a text of several lines that is a value", "[whois]\nredaction = \"A\\nRegistrar\"\n",
			[]string{`rddsd.toml:2:13: [whois] redaction: has several lines, and a field has one; write what stands for a withheld value in one line`},
		},
		{
			"socket path too long", "[admin]\nsocket = \"/" + strings.Repeat("x", 107) + "\"\n",
			[]string{`rddsd.toml:2:10: [admin] socket: /` + strings.Repeat("x", 107) + ` has 108 bytes, and the path of a socket may have 107; write a shorter path`},
		},
		{
			"certificates", "[[certificate]]\ncert = \"/nonexistent/cert.pem\"\nkey = \"/nonexistent/key.pem\"\n[[certificate]]\nkey = \"/nonexistent/key.pem\"\n",
			[]string{
				`rddsd.toml:2:8: [[certificate]] cert: /nonexistent/cert.pem cannot be read: no such file or directory; write the path of a file that this user may read`,
				`rddsd.toml:4:3: [[certificate]] cert: is missing; write the path of the file with the certificate, in PEM`,
			},
		},
		{
			"a redirect to where TLS is not spoken", "[rdap]\nredirect = [\"192.0.2.1:80\"]\n",
			[]string{`rddsd.toml:2:1: [rdap] redirect: "http://127.0.0.1:8080/" is where [rdap] redirect leads, and is not https; write the https URL of the service, or leave redirect out`},
		},
		{
			"for one TLD", "[rdap]\nredirect = [\"192.0.2.1:80\"]\nbase_url = \"https://rdap.nic.example/\"\n[[tld]]\nname = \"example\"\nbase_url = \"http://rdap.nic.example/\"\n",
			[]string{`rddsd.toml:6:12: [[tld]] base_url: "http://rdap.nic.example/" is where [rdap] redirect leads, and is not https; write the https URL of the service, or leave redirect out`},
		},
		{
			"a redirect on a port that is taken", "[rdap]\nredirect = [\"127.0.0.1:8043\"]\nbase_url = \"https://rdap.nic.example/\"\n",
			[]string{`rddsd.toml:2:1: [rdap] redirect: 127.0.0.1:8043 stands in [whois] listen already; give each its own port`},
		},
		{
			"everybody as a proxy", "[rdap]\nforwarded_from = [\"::/0\"]\nforwarded = \"forwarded\"\ngzip_cache = -1\n",
			[]string{
				`rddsd.toml:3:13: [rdap] forwarded: is the text "forwarded"; write "X-Forwarded-For" or "Forwarded"`,
				`rddsd.toml:4:14: [rdap] gzip_cache: is -1 MiB; write a number from 0, which is no compression, to 16384`,
				`rddsd.toml:2:1: [rdap] forwarded_from: ::/0 is everybody, so that everybody could pass for somebody else; write the addresses of your proxies`,
			},
		},
		{
			"not TOML", "[whois]\nlisten = [\n",
			[]string{`rddsd.toml:2:11: this is not TOML: array is incomplete`},
		},
		{
			"key twice", "[data]\ndir = \"a\"\ndir = \"b\"\n",
			[]string{`rddsd.toml:3:1: this is not TOML: key dir is already defined`},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := written(t, tt.text)
			if diff := cmp.Diff(tt.want, problems(t, path, nil)); diff != "" {
				t.Errorf("problems of\n%s(-want +got):\n%s", tt.text, diff)
			}
		})
	}
}

func TestFileThatCannotBeRead(t *testing.T) {
	dir := t.TempDir()
	for path, want := range map[string]string{
		filepath.Join(dir, "rddsd.toml"): "rddsd.toml: the file cannot be read: no such file or directory",
		filepath.Join(dir, "."):          "is a directory",
	} {
		got := problems(t, path, nil)
		if len(got) != 1 || !strings.HasSuffix(got[0], want) {
			t.Errorf("Load(%q): %q, want %q", path, got, want)
		}
	}
	long := written(t, strings.Repeat("# too long\n", maxFile/10))
	if got := problems(t, long, nil); len(got) != 1 || !strings.Contains(got[0], "longer than") {
		t.Errorf("a file of %d bytes: %q", maxFile, got)
	}
}

func TestProblemsInTheEnvironment(t *testing.T) {
	for name, tt := range map[string]struct {
		env  string
		want string
	}{
		"misspelt key":      {"RDDSD_WHOIS_LISTNE=127.0.0.1:43", `environment variable RDDSD_WHOIS_LISTNE: [whois] has no key "listne"; did you mean RDDSD_WHOIS_LISTEN?`},
		"unknown key":       {"RDDSD_FEED_FROBNICATE=1", `environment variable RDDSD_FEED_FROBNICATE: [feed] has no key "frobnicate"; it has max_age, max_miss_age, poll_interval`},
		"a port":            {"RDDSD_WHOIS_PORT=43", `environment variable RDDSD_WHOIS_PORT: [whois] has no key "port"; it has contacts, listen, loops, profile, proxy_from, redaction`},
		"table alone":       {"RDDSD_WHOIS=1", `environment variable RDDSD_WHOIS: [whois] has no key ""; it has contacts, listen, loops, profile, proxy_from, redaction`},
		"misspelt table":    {"RDDSD_WHOSI_LISTEN=", `environment variable RDDSD_WHOSI_LISTEN: there is no table "whosi"; did you mean RDDSD_WHOIS_LISTEN?`},
		"lower case":        {"RDDSD_whois_listen=", `environment variable RDDSD_whois_listen: [whois] has no key "listen"; did you mean RDDSD_WHOIS_LISTEN?`},
		"array of tables":   {"RDDSD_TLD_NAME=coop", `environment variable RDDSD_TLD_NAME: the environment cannot set what stands in [[tld]]; write it in the file`},
		"later release":     {"RDDSD_REGISTRY_NATS=x", `environment variable RDDSD_REGISTRY_NATS: [registry] nats comes with a later release`},
		"bad duration":      {"RDDSD_FEED_MAX_AGE=30", `environment variable RDDSD_FEED_MAX_AGE: [feed] max_age: is the text "30"; write a duration with its unit, such as 5s, 15m or 1h30m`},
		"bad address":       {"RDDSD_WHOIS_LISTEN=127.0.0.1:43,::1", `environment variable RDDSD_WHOIS_LISTEN: [whois] listen: is the text "::1"; write an IP address and a port, such as [::1]:43`},
		"checked as a file": {"RDDSD_RDAP_HTTP=0.0.0.0:80", `environment variable RDDSD_RDAP_HTTP: [rdap] http: 0.0.0.0:80 can be reached from outside, where RDAP must be encrypted; use [rdap] https, or a loopback address behind a proxy, or set http_plain = true`},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff([]string{tt.want}, problems(t, "", []string{tt.env})); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tt.env, diff)
			}
		})
	}
}

func TestChecksOfTheCallerAreReportedInPlace(t *testing.T) {
	path := written(t, "[[tld]]\nname = \"example\"\ndisclaimer = \"nothing found\"\n[feed]\nmax_age = 5\n")
	got := problems(t, path, nil, func(c *Config, report func(path, problem string)) {
		for i, tld := range c.TLDs {
			if strings.Contains(tld.Disclaimer, "nothing found") {
				report(TLDPath(i, "disclaimer"), `holds "nothing found"`)
			}
		}
		report("feed.max_age", "is known to be malformed, so this is not told")
	})
	want := []string{
		`rddsd.toml:5:11: [feed] max_age: is the number 5; write a duration with its unit, in quotes, such as "5s", "15m" or "1h30m"`,
		`rddsd.toml:3:14: [[tld]] disclaimer: holds "nothing found"`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

func TestCertificates(t *testing.T) {
	dir := t.TempDir()
	cert, key := pair(t, dir, "one", "rdap.nic.example")
	_, otherKey := pair(t, dir, "two", "rdap.nic.test")
	text := func(cert, key, names string) string {
		return "[[certificate]]\ncert = \"" + cert + "\"\nkey = \"" + key + "\"\nnames = [" + names + "]\n"
	}
	if got := problems(t, written(t, text(cert, key, `"rdap.nic.example"`)), nil); got != nil {
		t.Errorf("a good certificate: %q", got)
	}
	for name, tt := range map[string]struct{ text, want string }{
		"of another key":   {text(cert, otherKey, ""), "private key does not match public key"},
		"swapped":          {text(key, cert, ""), "are not a certificate and its key"},
		"for another name": {text(cert, key, `"rdap.nic.test"`), `[[certificate]] names: the certificate is not for "rdap.nic.test"; it is for rdap.nic.example`},
	} {
		t.Run(name, func(t *testing.T) {
			if got := problems(t, written(t, tt.text), nil); len(got) != 1 || !strings.Contains(got[0], tt.want) {
				t.Errorf("problems are %q, want one with %q", got, tt.want)
			}
		})
	}
}

// pair makes a self-signed certificate for name and returns the paths of it and
// its key.
func pair(t *testing.T, dir, file, name string) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{name}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(dir, file+".crt"), filepath.Join(dir, file+".key")
	for path, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: pkcs8}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

// FuzzDecode holds that no file brings the decoder down, and that each problem
// says where it is and is one line.
func FuzzDecode(f *testing.F) {
	f.Add("[whois]\nlisten = [\"127.0.0.1:43\"]\n[[tld]]\nname = \"example\"\n")
	f.Add("tld = [{ name = \"example\" }, 3]\nwhois.listen = [[]]\n[feed]\nmax_age.x = 1979-05-27T07:32:00Z")
	f.Add("[registry]\nsqlite = '''\nx'''\n[a.b.c]\n[[a]]\n= 3")
	f.Add("[\"a\\nb\"]\nx = 1\n[log]\n\"\\u0000.[\" = 2\nlevel = \"\\u001b\"")
	f.Fuzz(func(t *testing.T, text string) {
		l := &loader{file: "rddsd.toml", config: Default(), reported: map[string]bool{}}
		l.decode([]byte(text))
		for _, p := range l.problems {
			if p.Text == "" || !strings.HasPrefix(p.Where, "rddsd.toml:") || strings.ContainsFunc(p.String(), func(r rune) bool { return r < ' ' }) {
				t.Errorf("problem of %q: %q", text, p)
			}
		}
	})
}
