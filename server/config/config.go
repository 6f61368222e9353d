// Package config is the configuration: the shape of the file, its defaults, the
// environment's overrides, and the checks (design.md §9). A configuration that
// loads is one that the program can run with, as far as can be told without
// opening a port.
package config

import (
	"errors"
	"log/slog"
	"net/netip"
	"path/filepath"
	"strings"
	"time"

	"rddsd/cache/registry"
	"rddsd/ratelimit"
	"rddsd/server/lookup"
)

// Config is the whole configuration: what Default returns, changed by the file
// and then by the environment. The toml tags are the names of tables and keys;
// deploy/rddsd.toml tells what each is for.
type Config struct {
	Registry     Registry      `toml:"registry"`
	Feed         Feed          `toml:"feed"`
	Data         Data          `toml:"data"`
	WHOIS        WHOIS         `toml:"whois"`
	RDAP         RDAP          `toml:"rdap"`
	Certificates []Certificate `toml:"certificate"`
	Admin        Admin         `toml:"admin"`
	RateLimit    RateLimit     `toml:"ratelimit"`
	TLDs         []TLD         `toml:"tld"`
	Log          Log           `toml:"log"`

	origins map[string]origin // of each key that was set, by its path
}

// Registry says which registry database is followed.
type Registry struct {
	SQLite       string `toml:"sqlite"`        // path; "" = registry.sqlite in the data directory, see SQLite
	Postgres     string `toml:"postgres"`      // connection string; "" = it is not PostgreSQL, or see PostgresFile
	PostgresFile string `toml:"postgres_file"` // path of a file that holds the connection string
}

// Feed says how the registry is followed.
type Feed struct {
	PollInterval time.Duration `toml:"poll_interval"` // how long to wait for a change at most before asking again
	MaxAge       time.Duration `toml:"max_age"`       // data older than this is reported as degraded
	MaxMissAge   time.Duration `toml:"max_miss_age"`  // data older than this cannot tell that a name is not registered
}

// Data says where the program keeps its own files.
type Data struct {
	Dir         string `toml:"dir"`
	MemoryLimit Size   `toml:"memory_limit"` // of what is served and what is built beside it; 0 = none
}

// WHOIS is the service on port 43.
type WHOIS struct {
	Listen    []netip.AddrPort `toml:"listen"`
	Profile   lookup.Profile   `toml:"profile"`
	Redaction string           `toml:"redaction"`  // what is printed for a withheld value
	Contacts  bool             `toml:"contacts"`   // contacts can be asked for by their registry ID
	Loops     int              `toml:"loops"`      // accept loops of each listener; 0 = a goroutine for each connection
	ProxyFrom []netip.Prefix   `toml:"proxy_from"` // balancers, whose connections begin with a PROXY header
}

// RDAP is the service over HTTP and HTTPS.
type RDAP struct {
	HTTP      []netip.AddrPort `toml:"http"`
	HTTPS     []netip.AddrPort `toml:"https"`
	Redirect  []netip.AddrPort `toml:"redirect"`   // leads to the base URL and does nothing else
	HTTPPlain bool             `toml:"http_plain"` // HTTP may be reached from outside
	BaseURL   string           `toml:"base_url"`   // as clients see it; ends with a slash

	ProxyFrom     []netip.Prefix `toml:"proxy_from"`     // balancers, whose connections begin with a PROXY header
	ForwardedFrom []netip.Prefix `toml:"forwarded_from"` // HTTP proxies, which tell for whom they ask
	Forwarded     ForwardedField `toml:"forwarded"`      // in which field they do
	GzipCache     int            `toml:"gzip_cache"`     // MiB of bodies in gzip that are kept; 0 = no gzip
}

// ForwardedField is the header field in which HTTP proxies tell for whom they ask.
type ForwardedField string

// Certificate is a TLS certificate with its key, in PEM.
type Certificate struct {
	Cert  string   `toml:"cert"`  // path: the certificate, then its intermediates
	Key   string   `toml:"key"`   // path
	Names []string `toml:"names"` // host names that it must hold, and is shown for
}

// Admin is what only the operator can reach.
type Admin struct {
	Listen []netip.AddrPort `toml:"listen"` // loopback, read-only
	Socket string           `toml:"socket"` // path; "" = admin.sock in the data directory, see Socket
}

// RateLimit says how much one client may ask.
type RateLimit struct {
	Mode  ratelimit.Mode `toml:"mode"`
	Rate  float64        `toml:"rate"`  // look-ups a second
	Burst int            `toml:"burst"` // look-ups back to back

	QuarterHour int     `toml:"quarter_hour"` // look-ups in 15 minutes
	Day         int     `toml:"day"`          // objects with contact values in 24 hours
	Month       int     `toml:"month"`        // the same in 30 days
	Free        int     `toml:"free"`         // the same in 30 days, outside the guard
	GuardDay    float64 `toml:"guard_day"`    // share of a zone's objects with contact values in 24 hours, for all
	GuardMonth  float64 `toml:"guard_month"`  // the same in 30 days

	Networks string   `toml:"networks"` // path of the list of networks; "" = none
	ASTable  string   `toml:"as_table"` // path of the table of autonomous systems; "" = none
	Canaries []string `toml:"canaries"` // names, A-labels
}

// TLD is how answers under one TLD look.
type TLD struct {
	Name         string                `toml:"name"`          // A-label
	BaseURL      string                `toml:"base_url"`      // of RDAP; default that of RDAP
	Hosts        []string              `toml:"hosts"`         // names of this server that stand for base_url, beside the one in it
	Profile      lookup.Profile        `toml:"whois_profile"` // default that of WHOIS
	ContactModel registry.ContactModel `toml:"contact_model"` // default what the registry says
	Port43       Port43                `toml:"port43"`        // default on, and not told
	Disclaimer   string                `toml:"disclaimer"`    // end of WHOIS answers; "" = the built-in text
	Complaint    string                `toml:"complaint"`     // line of WHOIS on the complaint form; "" = that of the profile
	StatusHelp   string                `toml:"status_help"`   // line of WHOIS on status codes; "" = that of the profile
	TermsURL     string                `toml:"terms_url"`     // default BaseURL + "help"
	HelpURL      string                `toml:"help_url"`      // default BaseURL + "help"
	HideReserved bool                  `toml:"hide_reserved"` // answers reserved names as not found
}

// Port43 is what the WHOIS service is to a TLD.
type Port43 struct {
	Host string // name of the server as RDAP answers tell it; "" = not told
	Off  bool   // WHOIS does not answer for the TLD
}

// Log says what is logged and how.
type Log struct {
	Level  slog.Level `toml:"level"`
	Format LogFormat  `toml:"format"`
}

// Default returns the configuration of a program that is given none: everything
// on loopback, a registry of its own in ./rddsd-data.
func Default() *Config {
	loopback4, loopback6 := netip.AddrFrom4([4]byte{127, 0, 0, 1}), netip.IPv6Loopback()
	return &Config{
		Feed: Feed{PollInterval: 5 * time.Second, MaxAge: 30 * time.Minute, MaxMissAge: 15 * time.Minute},
		Data: Data{Dir: "rddsd-data"},
		WHOIS: WHOIS{
			Listen:    []netip.AddrPort{netip.AddrPortFrom(loopback4, 8043), netip.AddrPortFrom(loopback6, 8043)},
			Profile:   lookup.Profile2024,
			Redaction: "REDACTED FOR PRIVACY",
			Loops:     1,
		},
		RDAP: RDAP{
			HTTP:    []netip.AddrPort{netip.AddrPortFrom(loopback4, 8080)},
			HTTPS:   []netip.AddrPort{netip.AddrPortFrom(loopback4, 8443)},
			BaseURL: "http://127.0.0.1:8080/",

			Forwarded: "X-Forwarded-For", GzipCache: 64,
		},
		Admin: Admin{Listen: []netip.AddrPort{netip.AddrPortFrom(loopback4, 9180)}},
		RateLimit: RateLimit{
			Mode: ratelimit.Enforce, Rate: ratelimit.DefaultRate, Burst: ratelimit.DefaultBurst, QuarterHour: ratelimit.DefaultQuarterHour,
			Day: ratelimit.DefaultDay, Month: ratelimit.DefaultMonth, Free: ratelimit.DefaultFree,
			GuardDay: ratelimit.DefaultGuardDay, GuardMonth: ratelimit.DefaultGuardMonth,
		},
		Log:     Log{Level: slog.LevelInfo, Format: LogAuto},
		origins: map[string]origin{},
	}
}

// SQLite returns the path of the registry file. mayCreate says that it is the
// default one, which is made on first start; a configured one never is.
func (c *Config) SQLite() (path string, mayCreate bool) {
	if c.Registry.SQLite != "" {
		return c.Registry.SQLite, false
	}
	return filepath.Join(c.Data.Dir, "registry.sqlite"), true
}

// UsesPostgres reports whether the registry is in PostgreSQL.
func (c *Config) UsesPostgres() bool {
	return c.Registry.Postgres != "" || c.Registry.PostgresFile != ""
}

// PostgresDSN returns the connection string of the registry in PostgreSQL. The
// error does not tell what the file holds.
func (c *Config) PostgresDSN() (string, error) {
	if c.Registry.PostgresFile == "" {
		return c.Registry.Postgres, nil
	}
	data, err := readFile(c.Registry.PostgresFile)
	if err != nil {
		return "", err
	}
	dsn := strings.TrimSpace(string(data))
	if dsn == "" {
		return "", errors.New("the file is empty")
	}
	return dsn, nil
}

// SnapshotDir returns where the cache keeps its files.
func (c *Config) SnapshotDir() string { return filepath.Join(c.Data.Dir, "snapshots") }

// TLSDir returns where the self-signed certificate is kept.
func (c *Config) TLSDir() string { return filepath.Join(c.Data.Dir, "tls") }

// AdminSocket returns the path of the socket that takes the operator's orders.
func (c *Config) AdminSocket() string {
	if c.Admin.Socket != "" {
		return c.Admin.Socket
	}
	return filepath.Join(c.Data.Dir, "admin.sock")
}

// Limits returns what package ratelimit needs.
func (c *Config) Limits() ratelimit.Config {
	l := &c.RateLimit
	return ratelimit.Config{
		Mode: l.Mode, Rate: l.Rate, Burst: l.Burst, QuarterHour: l.QuarterHour,
		Day: l.Day, Month: l.Month, Free: l.Free, GuardDay: l.GuardDay, GuardMonth: l.GuardMonth,
	}
}

// Policy returns how answers under tld look: by its [[tld]] table, or by
// default. The caller fills in what no key holds: a Disclaimer that is "", and
// Limits.
func (c *Config) Policy(tld string) lookup.Policy {
	t := TLD{Name: tld}
	t.complete(c, func(string) bool { return false })
	for _, configured := range c.TLDs {
		if configured.Name == tld {
			t = configured
		}
	}
	return lookup.Policy{
		TLD: t.Name, Profile: t.Profile, BaseURL: t.BaseURL, Hosts: t.Hosts, Port43: t.Port43.Host, Port43Off: t.Port43.Off, TermsURL: t.TermsURL, HelpURL: t.HelpURL,
		Disclaimer: t.Disclaimer, Complaint: t.Complaint, StatusHelp: t.StatusHelp, Redaction: c.WHOIS.Redaction, Contacts: c.WHOIS.Contacts, ContactModel: t.ContactModel, HideReserved: t.HideReserved,
	}
}

// complete gives t the defaults that depend on other keys.
func (t *TLD) complete(c *Config, set func(key string) bool) {
	if !set("whois_profile") {
		t.Profile = c.WHOIS.Profile
	}
	if !set("base_url") {
		t.BaseURL = c.RDAP.BaseURL
	}
	if !set("terms_url") {
		t.TermsURL = t.BaseURL + "help"
	}
	if !set("help_url") {
		t.HelpURL = t.BaseURL + "help"
	}
}
