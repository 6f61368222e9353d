package rdapcheck

import (
	"fmt"
	"net/netip"
	"strings"
)

func (c *checker) nameserverLookup() {
	c.nameserver("$", c.top)
	c.asked(-49100, -49101)
	c.lastUpdate()
	if illegal(c.top["status"]) {
		c.report(-49300, "$.status")
	}
	c.hostSponsors("$", c.top)
}

func (c *checker) nameserverSearch() {
	c.members(-12601, "$", c.top, "rdapConformance", "notices", "remarks", "events", "lang", "nameserverSearchResults")
	results := objectsIn(c.top["nameserverSearchResults"])
	if len(results) == 0 {
		c.report(-12610, "$")
	}
	for i, host := range results {
		at := fmt.Sprintf("$.nameserverSearchResults[%d]", i)
		if illegal(host["status"]) {
			c.report(-49300, at)
		}
		c.hostSponsors(at, host)
	}
}

// nameserverList checks the name servers in a delegation or in the results of a search.
func (c *checker) nameserverList(path string, v any) {
	for i, host := range c.objects(-12400, path, v) {
		if host != nil {
			c.nameserver(fmt.Sprintf("%s[%d]", path, i), host)
		}
	}
}

func (c *checker) nameserver(path string, o object) {
	c.members(-12401, path, o, "rdapConformance", "notices", "lang", "objectClassName", "handle", "ldhName", "unicodeName",
		"ipAddresses", "entities", "status", "port43", "events", "remarks", "links")
	c.class(path, o, "nameserver", -12403)
	if handle, ok := o["handle"].(string); ok {
		c.repository(path, handle, -49102, -49103)
		if suffix(handle) == testSuffix {
			c.report(-49104, path)
		}
	}
}

// handle checks a handle, whose code depends on the class of the object around it.
func (c *checker) handle(path string, v any, o object) {
	s, ok := v.(string)
	switch class := o["objectClassName"]; {
	case ok && strings.TrimSpace(s) == "":
		c.report(600, path)
	case ok:
	case class == "nameserver":
		c.report(-12404, path)
	case class == "entity":
		c.report(-12304, path)
	default:
		c.report(-12204, path)
	}
}

// lastUpdate checks the event that each topmost object has.
func (c *checker) lastUpdate() {
	for _, event := range objectsIn(c.top["events"]) {
		if event["eventAction"] == "last update of RDAP database" {
			return
		}
	}
	c.report(-43100, "$.events")
}

// hostSponsors checks the registrars in a name server.
func (c *checker) hostSponsors(path string, o object) {
	for i, e := range objectsIn(o["entities"]) {
		if !hasRole(e, "registrar") {
			continue
		}
		at := fmt.Sprintf("%s.entities[%d]", path, i)
		if e["handle"] != "not applicable" {
			c.registrarID(at, e, [5]int{-49200, -49201, -49202, -49203, -49204})
		} else if e["publicIds"] != nil {
			c.report(-49205, at)
		}
	}
}

func (c *checker) addresses(path string, v any) {
	o, ok := v.(object)
	if !ok {
		c.report(-11400, path)
		return
	}
	c.members(-11401, path, o, "v4", "v6")
	_, has4 := o["v4"]
	if _, has6 := o["v6"]; !has4 && !has6 {
		c.report(-11403, path)
	}
	for member, codes := range map[string][5]int{ // no array, no string, syntax, not allocated, special
		"v4": {-11400, -11405, -10100, -10101, -10102},
		"v6": {-11400, -11408, -10200, -10201, -10202},
	} {
		addresses, has := o[member]
		if !has {
			continue
		}
		all, isList := addresses.([]any)
		if !isList {
			c.report(codes[0], path)
		}
		for _, one := range all {
			s, isString := one.(string)
			addr, err := netip.ParseAddr(s)
			switch {
			case !isString:
				c.report(codes[1], path)
			case err != nil || addr.Zone() != "" || addr.Is4() != (member == "v4"):
				c.report(codes[2], path)
			case !allocated(addr):
				c.report(codes[3], path)
			case special(addr):
				c.report(codes[4], path)
			}
		}
	}
}

// globalUnicast is the part of IPv6 that is given out.
var globalUnicast = netip.MustParsePrefix("2000::/3")

// allocated reports whether addr is in a block that is given out for hosts.
func allocated(addr netip.Addr) bool {
	if addr.Is4() {
		return !addr.IsMulticast()
	}
	return globalUnicast.Contains(addr)
}

// specialPurpose are the blocks of IANA's special-purpose registries that no public name
// server can have.
var specialPurpose = func() (blocks []netip.Prefix) {
	for _, s := range strings.Fields(`0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12
		192.0.0.0/24 192.0.2.0/24 192.88.99.0/24 192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 240.0.0.0/4
		::/127 ::ffff:0:0/96 64:ff9b:1::/48 100::/64 2001::/23 2001:db8::/32 2002::/16 3fff::/20 5f00::/16 fc00::/7 fe80::/10`) {
		blocks = append(blocks, netip.MustParsePrefix(s))
	}
	return blocks
}()

func special(addr netip.Addr) bool {
	for _, block := range specialPurpose {
		if block.Contains(addr) {
			return true
		}
	}
	return false
}
