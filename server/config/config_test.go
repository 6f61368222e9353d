package config

import (
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rddsd/cache/registry"
	"rddsd/ratelimit"
	"rddsd/server/lookup"
)

// written makes a file of text and returns its path.
func written(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "rddsd.toml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestNoConfigurationIsTheDefault(t *testing.T) {
	c, err := Load("", nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Default(), c, comparers()...); diff != "" {
		t.Errorf("Load of nothing (-default +got):\n%s", diff)
	}
	if path, mayCreate := c.SQLite(); path != "rddsd-data/registry.sqlite" || !mayCreate {
		t.Errorf("SQLite() = %q, %v", path, mayCreate)
	}
	if c.AdminSocket() != "rddsd-data/admin.sock" || c.SnapshotDir() != "rddsd-data/snapshots" || c.TLSDir() != "rddsd-data/tls" {
		t.Errorf("paths: %q %q %q", c.AdminSocket(), c.SnapshotDir(), c.TLSDir())
	}
	want := lookup.Policy{
		TLD: "coop", BaseURL: "http://127.0.0.1:8080/", TermsURL: "http://127.0.0.1:8080/help", HelpURL: "http://127.0.0.1:8080/help",
		Redaction: "REDACTED FOR PRIVACY",
	}
	if diff := cmp.Diff(want, c.Policy("coop")); diff != "" {
		t.Errorf("Policy of a TLD without a table (-want +got):\n%s", diff)
	}
}

func comparers() []cmp.Option {
	return []cmp.Option{
		cmp.AllowUnexported(Config{}, origin{}), cmp.Comparer(func(a, b netip.AddrPort) bool { return a == b }),
		cmp.Comparer(func(a, b netip.Prefix) bool { return a == b }),
	}
}

func TestEveryKeyIsHonoured(t *testing.T) {
	c, err := Load(written(t, `
[registry]
sqlite = "/srv/registry.sqlite"
[feed]
poll_interval = "2s"
max_age = "1h"
max_miss_age = "20m"
[data]
dir = "/var/lib/rddsd"
memory_limit = "20GiB"
[whois]
listen = ["192.0.2.1:43", "[2001:db8::1]:43"]
profile = "2017"
redaction = "REDACTED"
contacts = true
loops = 2
proxy_from = ["192.0.2.128/25", "2001:db8::9"]
[rdap]
http = []
https = [
  "192.0.2.1:443", # the address of rdap.nic.example
  "[2001:db8::1]:443",
]
http_plain = true
base_url = "https://rdap.nic.example/"
redirect = ["192.0.2.1:80"]
proxy_from = ["192.0.2.9"]
forwarded_from = ["192.0.2.64/26"]
forwarded = "Forwarded"
gzip_cache = 0
[admin]
listen = ["127.0.0.1:9000"]
socket = "/run/rddsd/admin.sock"
[ratelimit]
mode = "dry-run"
rate = 10
burst = 1_00
quarter_hour = 2000
day = 100
month = 300
free = 1
guard_day = 0.01
guard_month = 0.2
networks = "/etc/rddsd/networks"
as_table = "/etc/rddsd/as"
canaries = ["canary.example", "xn--caf-dma.test"]
[[tld]]
name = "example"
port43 = false
[[tld]]
name = "xn--caf-dma.test"
base_url = "https://rdap.caf.test/v1/"
whois_profile = "2024"
contact_model = "minimum"
port43 = "whois.nic.test"
complaint = "URL of the form: https://www.nic.test/form"
status_help = "Codes are explained at https://www.nic.test/codes"
disclaimer = """
Access to WHOIS information is provided as it is."""
terms_url = "https://www.nic.test/terms"
help_url = "https://www.nic.test/help"
hide_reserved = true
[log]
level = "debug"
format = "json"
`), nil)
	if err != nil {
		t.Fatal(err)
	}
	want := &Config{
		Registry: Registry{SQLite: "/srv/registry.sqlite"},
		Feed:     Feed{2 * time.Second, time.Hour, 20 * time.Minute},
		Data:     Data{"/var/lib/rddsd", 20 << 30},
		WHOIS:    WHOIS{[]netip.AddrPort{netip.MustParseAddrPort("192.0.2.1:43"), netip.MustParseAddrPort("[2001:db8::1]:43")}, lookup.Profile2017, "REDACTED", true, 2, []netip.Prefix{netip.MustParsePrefix("192.0.2.128/25"), netip.MustParsePrefix("2001:db8::9/128")}},
		RDAP: RDAP{
			HTTPS:    []netip.AddrPort{netip.MustParseAddrPort("192.0.2.1:443"), netip.MustParseAddrPort("[2001:db8::1]:443")},
			Redirect: []netip.AddrPort{netip.MustParseAddrPort("192.0.2.1:80")}, HTTPPlain: true, BaseURL: "https://rdap.nic.example/",
			ProxyFrom: []netip.Prefix{netip.MustParsePrefix("192.0.2.9/32")}, ForwardedFrom: []netip.Prefix{netip.MustParsePrefix("192.0.2.64/26")}, Forwarded: "Forwarded",
		},
		Admin: Admin{[]netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:9000")}, "/run/rddsd/admin.sock"},
		RateLimit: RateLimit{
			ratelimit.DryRun, 10, 100,
			2000, 100, 300, 1, 0.01, 0.2,
			"/etc/rddsd/networks", "/etc/rddsd/as",
			[]string{"canary.example", "xn--caf-dma.test"},
		},
		TLDs: []TLD{
			{
				Name: "example", BaseURL: "https://rdap.nic.example/", Profile: lookup.Profile2017, Port43: Port43{Off: true},
				TermsURL: "https://rdap.nic.example/help", HelpURL: "https://rdap.nic.example/help",
			},
			{
				Name: "xn--caf-dma.test", BaseURL: "https://rdap.caf.test/v1/", Profile: lookup.Profile2024, ContactModel: registry.ModelMinimum,
				Port43: Port43{Host: "whois.nic.test"}, Complaint: "URL of the form: https://www.nic.test/form", StatusHelp: "Codes are explained at https://www.nic.test/codes", Disclaimer: "Access to WHOIS information is provided as it is.",
				TermsURL: "https://www.nic.test/terms", HelpURL: "https://www.nic.test/help", HideReserved: true,
			},
		},
		Log: Log{-4, LogJSON},
	}
	want.origins = c.origins
	if diff := cmp.Diff(want, c, comparers()...); diff != "" {
		t.Errorf("Load (-want +got):\n%s", diff)
	}
	if path, mayCreate := c.SQLite(); path != "/srv/registry.sqlite" || mayCreate {
		t.Errorf("SQLite() = %q, %v; a configured file is never created", path, mayCreate)
	}
	if p := c.Policy("example"); !p.Port43Off || p.Port43 != "" || !p.Contacts {
		t.Errorf("Policy of a TLD that WHOIS does not answer for: %+v", p)
	}
	if p := c.Policy("xn--caf-dma.test"); p.Port43Off || p.Port43 != "whois.nic.test" || p.Complaint != c.TLDs[1].Complaint || p.StatusHelp != c.TLDs[1].StatusHelp {
		t.Errorf("Policy of a TLD with words of its own: %+v", p)
	}
	if p := c.Policy("xn--caf-dma.test"); !p.HideReserved || p.BaseURL != "https://rdap.caf.test/v1/" || p.Redaction != "REDACTED" {
		t.Errorf("Policy of a configured TLD: %+v", p)
	}
	if p := c.Policy("coop"); p.Profile != lookup.Profile2017 || p.HideReserved {
		t.Errorf("Policy of a TLD without a table: %+v", p)
	}
}

func TestTOMLInOtherShapes(t *testing.T) {
	for name, text := range map[string]string{
		"dotted keys":            `whois.listen = ["127.0.0.1:43"]` + "\n" + `feed.max_age = "1h"`,
		"inline table":           `whois = { listen = ["127.0.0.1:43"] }` + "\n" + `feed = { max_age = "1h" }`,
		"quoted keys":            "[\"whois\"]\n'listen' = ['127.0.0.1:43']\n[feed]\nmax_age='1h'",
		"array of inline tables": `tld = [{ name = "example" }, { name = "test" }]` + "\n" + `whois.listen = ["127.0.0.1:43"]` + "\n" + `feed.max_age = "1h"`,
	} {
		t.Run(name, func(t *testing.T) {
			c, err := Load(written(t, text), nil)
			if err != nil {
				t.Fatal(err)
			}
			if len(c.WHOIS.Listen) != 1 || c.WHOIS.Listen[0].String() != "127.0.0.1:43" || c.Feed.MaxAge != time.Hour {
				t.Errorf("listen = %v, max_age = %v", c.WHOIS.Listen, c.Feed.MaxAge)
			}
			if name == "array of inline tables" && (len(c.TLDs) != 2 || c.TLDs[1].Name != "test") {
				t.Errorf("tlds = %+v", c.TLDs)
			}
		})
	}
}

func TestExplicitIsNotDefault(t *testing.T) {
	path := written(t, "[whois]\nlisten = [\"127.0.0.1:8043\"]\n[[tld]]\nname = \"example\"\n")
	c, err := Load(path, []string{"RDDSD_RDAP_HTTP=127.0.0.1:8080"})
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{
		"whois.listen":    path + ":2:1",
		"rdap.http":       "environment variable RDDSD_RDAP_HTTP",
		"rdap.https":      "the default",
		"tld[0].name":     path + ":4:8",
		"tld[0].base_url": "the default",
		"registry.sqlite": "the default",
	} {
		if got := c.Origin(key); got != want || c.Explicit(key) == (want == "the default") {
			t.Errorf("Origin(%q) = %q, Explicit = %v; want %q", key, got, c.Explicit(key), want)
		}
	}
}

func TestEnvironmentWins(t *testing.T) {
	path := written(t, "[whois]\nlisten = [\"192.0.2.1:43\"]\n[feed]\npoll_interval = \"1s\"\n[ratelimit]\nrate = 1\n")
	c, err := Load(path, []string{
		"PATH=/bin", "RDDSD_WHOIS_LISTEN=192.0.2.7:43", "RDDSD_WHOIS_LISTEN=127.0.0.1:1, [::1]:2", "RDDSD_RDAP_HTTPS=", "RDDSD_RDAP_HTTP_PLAIN=true",
		"RDDSD_FEED_POLL_INTERVAL=3s", "RDDSD_RATELIMIT_MODE=off", "RDDSD_RATELIMIT_RATE=2.5", "RDDSD_RATELIMIT_BURST=7",
		"RDDSD_LOG_LEVEL=warn", "RDDSD_DATA_DIR=/srv/x",
		"RDDSD_WHOIS_SERVICE_HOST=192.0.2.9", "RDDSD_WHOIS_SERVICE_PORT=43", "RDDSD_WHOIS_SERVICE_PORT_WHOIS=43", "RDDSD_WHOIS_PORT=tcp://192.0.2.9:43",
		"RDDSD_WHOIS_PORT_43_TCP=tcp://192.0.2.9:43", "RDDSD_WHOIS_PORT_43_TCP_PROTO=tcp", "RDDSD_WHOIS_PORT_43_TCP_PORT=43", "RDDSD_WHOIS_PORT_43_TCP_ADDR=192.0.2.9",
		"RDDSD_SERVICE_HOST=192.0.2.9", "RDDSD_PORT_43_TCP=tcp://192.0.2.9:43", "RDDSD_PORT=tcp://192.0.2.9:43",
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := c.WHOIS.Listen; len(got) != 2 || got[0].String() != "127.0.0.1:1" || got[1].String() != "[::1]:2" {
		t.Errorf("listen = %v", got)
	}
	if len(c.RDAP.HTTPS) != 0 || !c.Explicit("rdap.https") {
		t.Errorf("https = %v; an empty value is the empty list", c.RDAP.HTTPS)
	}
	if !c.RDAP.HTTPPlain || c.Feed.PollInterval != 3*time.Second || c.RateLimit.Mode != ratelimit.Off || c.RateLimit.Rate != 2.5 || c.RateLimit.Burst != 7 || c.Log.Level != 4 || c.Data.Dir != "/srv/x" {
		t.Errorf("got %+v", c)
	}
}

// What is broken elsewhere keeps nobody from giving an order.
func TestLocate(t *testing.T) {
	broken := "[whois]\nlisten = 5\nwrong = 1\n[[certificate]]\ncert = \"/nonexistent\"\nkey = \"/nonexistent\"\n"
	path := written(t, broken+"[data]\ndir = \"/srv/edge\"\n[admin]\nlisten = [\"127.0.0.1:9999\"]\n")
	if _, err := Load(path, nil); err == nil {
		t.Fatal("Load takes a broken configuration")
	}
	c, err := Locate(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if c.AdminSocket() != "/srv/edge/admin.sock" || len(c.Admin.Listen) != 1 || c.Admin.Listen[0].Port() != 9999 {
		t.Errorf("the socket is %s, the listeners are %v", c.AdminSocket(), c.Admin.Listen)
	}
	for _, text := range []string{"[admin]\nsocket = 5\n", "[data]\ndri = \"x\"\n", "[data\n", "[amdin]\nsocket = \"x\"\n"} {
		if c, err := Locate(written(t, text), nil); err == nil {
			t.Errorf("Locate of %q = %s, though it cannot tell where", text, c.AdminSocket())
		}
	}
}
