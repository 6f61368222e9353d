package config

import (
	"fmt"
	"net/url"
	"strings"

	"rddsd/cache/registry"
)

// checkHosts reports names that are none, and one that would stand for two TLDs.
func checkHosts(c *Config, report func(path, problem string)) {
	type place struct{ host, path string }
	taken := map[place]int{} // by which table
	base := func(i int) place {
		u, err := url.Parse(c.TLDs[i].BaseURL)
		if err != nil {
			return place{} // reported elsewhere
		}
		return place{strings.ToLower(u.Hostname()), u.Path}
	}
	for i := range c.TLDs {
		if at := base(i); c.Explicit(TLDPath(i, "base_url")) {
			if _, several := taken[at]; !several {
				taken[at] = i
			}
		}
	}
	for i := range c.TLDs {
		path := TLDPath(i, "hosts")
		for _, host := range c.TLDs[i].Hosts {
			if !registry.ValidName(host) || !strings.Contains(host, ".") {
				report(path, fmt.Sprintf("%q is not the name of a host; write lower-case letters, and an IDN as its A-label, without a port, such as %q", host, "rdap.nic.example"))
				continue
			}
			at := place{host, base(i).path}
			if other, seen := taken[at]; seen && other != i && (base(other) != base(i) || len(c.TLDs[other].Hosts) > 0) {
				report(path, fmt.Sprintf("%q with the path %s stands for %q already; give each TLD a host or a path of its own", host, at.path, c.TLDs[other].Name))
			}
			taken[at] = i
		}
	}
}
