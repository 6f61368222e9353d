package config

import (
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"rddsd/cache/registry"
	"rddsd/ratelimit"
)

// maxSocketPath is the longest path of a unix socket, in bytes (Linux unix(7):
// sun_path has 108, one of which ends it).
const maxSocketPath = 107

// maxLoops is how many accept loops a listener may have: above the processors of any
// machine they only cost.
const maxLoops = 256

// minMemoryLimit is the least limit on memory: what two copies of a small registry
// take while one replaces the other.
const minMemoryLimit Size = 16 << 20

// check reports values that are well-formed and cannot be used.
func check(c *Config, report func(path, problem string)) {
	checkPaths(c, report)
	checkFeed(c, report)
	checkListeners(c, report)
	checkLimits(c, report)
	checkURL(report, "rdap.base_url", c.RDAP.BaseURL, true)
	switch {
	case c.WHOIS.Redaction == "":
		report("whois.redaction", "is empty, and WHOIS clients would take the field for missing; write what stands for a withheld value")
	case strings.ContainsAny(c.WHOIS.Redaction, "\r\n"):
		report("whois.redaction", "has several lines, and a field has one; write what stands for a withheld value in one line")
	}
	if c.WHOIS.Loops < 0 || c.WHOIS.Loops > maxLoops {
		report("whois.loops", fmt.Sprintf("is %d; write a number from 0 to %d", c.WHOIS.Loops, maxLoops))
	}
	for i := range c.Certificates {
		c.Certificates[i].check(fmt.Sprintf("certificate[%d]", i), report)
	}
	checkRDAP(c, report)
	checkTLDs(c, report)
}

// maxGzipCache is the largest cache of compressed bodies, in MiB: all of ten million
// answers have less.
const maxGzipCache = 16 << 10

func checkRDAP(c *Config, report func(path, problem string)) {
	if c.RDAP.GzipCache < 0 || c.RDAP.GzipCache > maxGzipCache {
		report("rdap.gzip_cache", fmt.Sprintf("is %d MiB; write a number from 0, which is no compression, to %d", c.RDAP.GzipCache, maxGzipCache))
	}
	for _, network := range c.RDAP.ForwardedFrom {
		if network.Bits() == 0 {
			report("rdap.forwarded_from", fmt.Sprintf("%v is everybody, so that everybody could pass for somebody else; write the addresses of your proxies", network))
		}
	}
	if len(c.RDAP.Redirect) == 0 {
		return
	}
	const problem = "%q is where [rdap] redirect leads, and is not https; write the https URL of the service, or leave redirect out"
	bases := 0
	for i, t := range c.TLDs {
		if path := TLDPath(i, "base_url"); c.Explicit(path) {
			bases++
			if !strings.HasPrefix(t.BaseURL, "https://") {
				report(path, fmt.Sprintf(problem, t.BaseURL))
			}
		}
	}
	if (bases == 0 || bases < len(c.TLDs)) && !strings.HasPrefix(c.RDAP.BaseURL, "https://") {
		path := "rdap.base_url"
		if !c.Explicit(path) {
			path = "rdap.redirect" // where something stands that can be changed
		}
		report(path, fmt.Sprintf(problem, c.RDAP.BaseURL))
	}
}

// checkRegistry reports more than one registry, and a connection string that
// cannot be read.
func checkRegistry(c *Config, report func(path, problem string)) {
	const empty = "is empty; write how the registry database is reached, or leave the key out"
	if c.Explicit("registry.postgres") && c.Registry.Postgres == "" {
		report("registry.postgres", empty)
	}
	if c.Explicit("registry.postgres_file") && c.Registry.PostgresFile == "" {
		report("registry.postgres_file", empty)
	}
	switch {
	case c.Registry.Postgres != "" && c.Registry.PostgresFile != "":
		report("registry.postgres_file", "is a second way to the registry, beside postgres; leave one of the two out")
	case c.Explicit("registry.sqlite") && c.UsesPostgres():
		report("registry.sqlite", "is a second registry, beside the one in PostgreSQL; one edge follows one registry: leave one of the two out")
	case c.Registry.PostgresFile != "":
		if _, err := c.PostgresDSN(); err != nil {
			report("registry.postgres_file", fmt.Sprintf("%s: %v; write the connection string into it, and let the user that rddsd runs as read it", c.Registry.PostgresFile, err))
		}
	}
}

func checkPaths(c *Config, report func(path, problem string)) {
	if c.Data.Dir == "" {
		report("data.dir", "is empty; write the directory where the program keeps its files")
	}
	if limit := c.Data.MemoryLimit; limit != 0 && limit < minMemoryLimit {
		report("data.memory_limit", fmt.Sprintf("is %v, in which no registry fits; write %v at least, or 0 for no limit", limit, minMemoryLimit))
	}
	if c.Explicit("registry.sqlite") && c.Registry.SQLite == "" {
		report("registry.sqlite", "is empty; write the path of the registry's file, or leave the key out for the built-in registry")
	}
	checkRegistry(c, report)
	if c.Explicit("admin.socket") && c.Admin.Socket == "" {
		report("admin.socket", "is empty; write the path of the socket, or leave the key out for the one in the data directory")
	}
	if socket := c.AdminSocket(); len(socket) > maxSocketPath {
		report("admin.socket", fmt.Sprintf("%s has %d bytes, and the path of a socket may have %d; write a shorter path", socket, len(socket), maxSocketPath))
	}
}

func checkFeed(c *Config, report func(path, problem string)) {
	for _, d := range []struct {
		path        string
		value       time.Duration
		least, most time.Duration
	}{
		{"feed.poll_interval", c.Feed.PollInterval, 10 * time.Millisecond, 10 * time.Minute},
		{"feed.max_age", c.Feed.MaxAge, time.Second, 365 * 24 * time.Hour},
		{"feed.max_miss_age", c.Feed.MaxMissAge, time.Second, 365 * 24 * time.Hour},
	} {
		if d.value < d.least || d.value > d.most {
			report(d.path, fmt.Sprintf("is %v; write a duration from %v to %v", d.value, d.least, d.most))
		}
	}
	if c.Feed.MaxMissAge <= c.Feed.PollInterval {
		report("feed.max_miss_age", fmt.Sprintf("is %v, not longer than [feed] poll_interval (%v), so that between two polls no name could be called unregistered; write a longer one",
			c.Feed.MaxMissAge, c.Feed.PollInterval))
	}
}

func checkListeners(c *Config, report func(path, problem string)) {
	var taken []netip.AddrPort
	var takenBy []string // the path of each
	for _, listener := range []struct {
		path  string
		addrs []netip.AddrPort
	}{
		{"whois.listen", c.WHOIS.Listen},
		{"rdap.http", c.RDAP.HTTP},
		{"rdap.https", c.RDAP.HTTPS},
		{"rdap.redirect", c.RDAP.Redirect},
		{"admin.listen", c.Admin.Listen},
	} {
		for _, addr := range listener.addrs {
			if i := slices.IndexFunc(taken, func(other netip.AddrPort) bool { return collide(addr, other) }); i >= 0 && taken[i] == addr {
				report(listener.path, fmt.Sprintf("%v stands in %s already; give each its own port", addr, KeyName(takenBy[i])))
			} else if i >= 0 {
				report(listener.path, fmt.Sprintf("%v and %v in %s take the same port of the same address; give each its own port", addr, taken[i], KeyName(takenBy[i])))
			}
			taken, takenBy = append(taken, addr), append(takenBy, listener.path)
		}
	}
	for _, addr := range c.RDAP.HTTP {
		if !addr.Addr().Unmap().IsLoopback() && !c.RDAP.HTTPPlain {
			report("rdap.http", fmt.Sprintf("%v can be reached from outside, where RDAP must be encrypted; "+
				"use [rdap] https, or a loopback address behind a proxy, or set http_plain = true", addr))
			break
		}
	}
	for _, addr := range c.Admin.Listen {
		if !addr.Addr().Unmap().IsLoopback() {
			report("admin.listen", fmt.Sprintf("%v can be reached from outside, and whoever reaches it sees metrics and profiles; "+
				`write a loopback address, such as "127.0.0.1:9180"`, addr))
			break
		}
	}
	if len(c.WHOIS.Listen)+len(c.RDAP.HTTP)+len(c.RDAP.HTTPS) == 0 {
		report("whois.listen", "is empty, and so are [rdap] http and https: nobody could ask anything; write one address at least")
	}
}

// collide reports whether a host cannot listen on both a and b. [::] stands for
// every IPv6 address, and for no IPv4 address: package listen sees to that.
func collide(a, b netip.AddrPort) bool {
	x, y := a.Addr().Unmap(), b.Addr().Unmap()
	return a.Port() == b.Port() && a.Port() != 0 && x.Is4() == y.Is4() && (x == y || x.IsUnspecified() || y.IsUnspecified())
}

func checkLimits(c *Config, report func(path, problem string)) {
	if rate := c.RateLimit.Rate; !(rate >= ratelimit.MinRate && rate <= ratelimit.MaxRate) { // so written, NaN is refused too
		report("ratelimit.rate", fmt.Sprintf("is %v look-ups a second; write a number from %v to %v", rate, ratelimit.MinRate, ratelimit.MaxRate))
	}
	for _, n := range []struct {
		key         string
		value       float64
		unit        string
		least, most float64
	}{
		{"burst", float64(c.RateLimit.Burst), "look-ups", ratelimit.MinBurst, ratelimit.MaxBurst},
		{"quarter_hour", float64(c.RateLimit.QuarterHour), "look-ups", ratelimit.MinQuarterHour, ratelimit.MaxQuarterHour},
		{"day", float64(c.RateLimit.Day), "objects", ratelimit.MinBudget, ratelimit.MaxBudget},
		{"month", float64(c.RateLimit.Month), "objects", ratelimit.MinBudget, ratelimit.MaxBudget},
		{"free", float64(c.RateLimit.Free), "objects", 0, ratelimit.MaxFree},
		{"guard_day", c.RateLimit.GuardDay, "of a zone", ratelimit.MinGuard, ratelimit.MaxGuard},
		{"guard_month", c.RateLimit.GuardMonth, "of a zone", ratelimit.MinGuard, ratelimit.MaxGuard},
	} {
		if !(n.value >= n.least && n.value <= n.most) {
			report("ratelimit."+n.key, fmt.Sprintf("is %v %s; write a number from %v to %v", n.value, n.unit, n.least, n.most))
		}
	}
	if seconds := float64(c.RateLimit.Burst) / c.RateLimit.Rate; seconds > ratelimit.MaxFill.Seconds() && c.RateLimit.Burst <= ratelimit.MaxBurst && c.RateLimit.Rate >= ratelimit.MinRate {
		report("ratelimit.burst", fmt.Sprintf("is %d look-ups, and [ratelimit] rate takes %.0f s for as many; write at most %.0f",
			c.RateLimit.Burst, seconds, c.RateLimit.Rate*ratelimit.MaxFill.Seconds()))
	}
	for _, name := range c.RateLimit.Canaries {
		if !registry.ValidName(name) {
			report("ratelimit.canaries", fmt.Sprintf("%q is not a domain name as registries write it; write lower-case letters, and an IDN as its A-label (xn--...)", name))
		}
	}
}

func checkTLDs(c *Config, report func(path, problem string)) {
	first := map[string]int{}
	for i := range c.TLDs {
		t, at := &c.TLDs[i], func(key string) string { return TLDPath(i, key) }
		switch other, seen := first[t.Name]; {
		case !c.Explicit(at("name")):
			report(at("name"), `is missing; write which TLD the table is for, such as name = "coop"`)
			continue
		case seen:
			report(at("name"), fmt.Sprintf("%q has a table already, at %s; put the keys of both into one", t.Name, c.Origin(TLDPath(other, "name"))))
		case !registry.ValidName(t.Name):
			report(at("name"), fmt.Sprintf("%q is not a domain name as registries write it; write lower-case letters without a dot in front, and an IDN as its A-label (xn--...)", t.Name))
		}
		first[t.Name] = i
		for _, u := range []struct {
			key, value string
			slash      bool
		}{{"base_url", t.BaseURL, true}, {"terms_url", t.TermsURL, false}, {"help_url", t.HelpURL, false}} {
			if c.Explicit(at(u.key)) {
				checkURL(report, at(u.key), u.value, u.slash)
			}
		}
		if _, err := netip.ParseAddr(t.Port43.Host); t.Port43.Host != "" && err != nil && !registry.ValidHost(t.Port43.Host) {
			report(at("port43"), fmt.Sprintf("%q is not a host name; write the name of the WHOIS server alone, such as \"whois.nic.example\"", t.Port43.Host))
		}
	}
	checkHosts(c, report)
}

// checkURL reports a URL that clients could not follow, or to which no path
// could be added where it is a base.
func checkURL(report func(path, problem string), path, s string, base bool) {
	u, err := url.Parse(s)
	switch {
	case err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.User != nil || strings.ContainsAny(s, " \t\r\n\"<>\\^`{|}"):
		report(path, fmt.Sprintf("%q is not an absolute http or https URL; write one, such as %q", s, exampleURL(base)))
	case base && (u.RawQuery != "" || u.Fragment != "" || strings.ContainsAny(s, "?#")):
		report(path, fmt.Sprintf("%q has a query or a fragment, to which no path can be added; leave it out", s))
	case base && !strings.HasSuffix(s, "/"):
		report(path, fmt.Sprintf("%q does not end with a slash; write %q", s, s+"/"))
	}
}

func exampleURL(base bool) string {
	if base {
		return "https://rdap.nic.example/"
	}
	return "https://www.nic.example/terms"
}
