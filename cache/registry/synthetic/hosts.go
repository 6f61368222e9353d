package synthetic

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"rddsd/cache/registry"
)

// provider is a DNS provider: sets of size hosts each, from first on.
type provider struct{ first, sets, size int }

// host is a host that many names use. Its number is its index.
type host struct {
	roid, name string
	registrar  int
}

// The two hosts of the fixed names.
const (
	fixedHost   = 0 // ns1.example.TLD, with glue
	outsideHost = 1 // ns2.example.net
	fixedHosts  = 2
)

// ownHosts is how many hosts a name has that answers for itself.
const ownHosts = 2

func (g *Registry) makeProviders() {
	g.hosts = []host{{g.roid('H', 1), "ns1.example." + g.TLD, 0}, {g.roid('H', 2), "ns2.example.net", 0}}
	count := providerCount(g.Names)
	shares := zipf(count-2, providerExponent)
	g.others = weigh(shares...)
	sizes := setSizes()
	used := map[string]bool{}
	for i := range count {
		s := g.stream(forProvider, i)
		first, last := g.words.english(&s), g.words.english(&s)
		for used[first+last] {
			last = g.words.english(&s)
		}
		used[first+last] = true

		names := g.Names * firstProvider / 10000
		switch {
		case i == 1:
			names = g.Names * secondProvider / 10000
		case i > 1:
			names = g.others.share(i-2, g.Names*(10000-firstProvider-secondProvider)/10000)
		}
		p := provider{first: len(g.hosts), sets: 1, size: 2 + s.pick(sizes)}
		if i < largeProviders {
			p.sets = min(max(names/namesPerSet, 1), maxSets)
			p.size = 2
		}
		registrar := 1 + s.pick(g.sponsors)
		for k := range p.sets * p.size {
			g.hosts = append(g.hosts, host{
				g.roid('H', len(g.hosts)+1), fmt.Sprintf("ns%d.%s.example", k+1, strings.ToLower(first+last)), registrar,
			})
		}
		g.providers = append(g.providers, p)
	}
	g.hostUsed = newBitset(len(g.hosts))
	g.hostUsed.set(fixedHost)
	g.hostUsed.set(outsideHost)
	for k := range g.providers[0].size { // the day after puts its new names there
		g.hostUsed.set(g.providers[0].first + k)
	}
}

// delegation appends to dst the shared hosts that name i uses; own is how many
// it has of its own instead.
func (g *Registry) delegation(dst []int, i int) (refs []int, own int) {
	switch {
	case i < fixedNames && i == noHosts:
		return dst, 0
	case i < fixedNames:
		return append(dst, fixedHost, outsideHost), 0
	case g.life(i) == lifePendingCreate:
		return dst, 0
	}
	s := g.stream(forDelegation, i)
	switch x := s.below(10000); {
	case x < undelegatedShare:
		return dst, 0
	case x < undelegatedShare+inBailiwickShare:
		return dst, ownHosts
	}
	p := &g.providers[g.provider(&s)]
	first := p.first + s.below(p.sets)*p.size
	for k := range p.size {
		dst = append(dst, first+k)
	}
	if s.chance(twoProviderShare) && p.size < 13 {
		if q := &g.providers[g.provider(&s)]; q != p {
			dst = append(dst, q.first+s.below(q.sets)*q.size)
		}
	}
	return dst, 0
}

func (g *Registry) provider(s *stream) int {
	switch x := s.below(10000); {
	case x < firstProvider:
		return 0
	case x < firstProvider+secondProvider:
		return 1
	}
	return 2 + s.pick(g.others)
}

// ownHostROID numbers the hosts of names that answer for themselves: after the
// shared ones, two for each name, used or not.
func (g *Registry) ownHostROID(name, k int) string {
	return g.roid('H', len(g.hosts)+name*ownHosts+k+1)
}

func (g *Registry) ownHostName(domain string, k int) string {
	return fmt.Sprintf("ns%d.%s", k+1, domain)
}

func (g *Registry) eachHost(put func(*registry.Nameserver) error) error {
	var n registry.Nameserver
	for i := range g.hosts {
		if !g.hostUsed.has(i) {
			continue
		}
		g.sharedHost(&n, i)
		if err := put(&n); err != nil {
			return err
		}
	}
	var (
		refs   []int
		own    int
		names  = labels{g: g}
		owners = registrants{g: g}
	)
	for i := range g.Names {
		plan := owners.next(i)
		if refs, own = g.delegation(refs[:0], i); own == 0 {
			continue
		}
		domain := string(names.at(i).ascii) + "." + g.TLD
		for k := range own {
			g.ownHost(&n, i, k, domain, plan.registrar)
			if err := put(&n); err != nil {
				return err
			}
		}
	}
	return nil
}

func (g *Registry) sharedHost(n *registry.Nameserver, number int) {
	h := &g.hosts[number]
	*n = registry.Nameserver{
		ROID: h.roid, Name: h.name, Registrar: g.registrars[h.registrar].ClID, V4: n.V4[:0], V6: n.V6[:0],
	}
	if number < fixedHosts {
		n.Created = fixedCreated
		if number == fixedHost {
			n.V4, n.V6 = append(n.V4, "198.41.0.4"), append(n.V6, "2001:503:ba3e::2:30")
		}
		return
	}
	s := g.stream(forHost, number)
	g.hostDates(&s, n)
	if s.chance(200) {
		n.Statuses = registry.ClientUpdateProhibited | registry.ClientDeleteProhibited
	}
}

func (g *Registry) ownHost(n *registry.Nameserver, name, k int, domain string, registrar int) {
	*n = registry.Nameserver{
		ROID: g.ownHostROID(name, k), Name: g.ownHostName(domain, k), Registrar: g.registrars[registrar].ClID, V4: n.V4[:0], V6: n.V6[:0],
	}
	number := len(g.hosts) + name*ownHosts + k
	s := g.stream(forHost, number)
	g.hostDates(&s, n)
	n.V4 = append(n.V4, glue4(&s))
	if s.chance(8000) {
		n.V6 = append(n.V6, glue6(&s, number))
	}
}

func (g *Registry) hostDates(s *stream, n *registry.Nameserver) {
	age := int((g.now - tldCreated) / second)
	n.Created = g.now - registry.Time(1+s.below(age))*second
	if s.chance(2000) {
		n.Updated = n.Created + registry.Time(s.below(int((g.now-n.Created)/second)+1))*second
	}
}

// roots are the networks of the root servers, which stand for name servers
// anywhere: public addresses, as checks of RDAP demand, of which nobody can be
// embarrassed. Shared by many hosts once there are thousands.
var roots = [...][4]byte{
	{198, 41, 0},
	{170, 247, 170},
	{192, 33, 4},
	{199, 7, 91},
	{192, 203, 230},
	{192, 5, 5},
	{192, 112, 36},
	{198, 97, 190},
	{192, 36, 148},
	{192, 58, 128},
	{193, 0, 14},
	{199, 7, 83},
	{202, 12, 27},
}

// glue4 draws an address in one of the networks of roots, never that of the
// fixed host.
func glue4(s *stream) string {
	a := roots[s.below(len(roots))]
	a[3] = byte(5 + s.below(250))
	return netip.AddrFrom4(a).String()
}

// glue6 makes an address of the host with this number beside that of
// a.root-servers.net, 2001:503:ba3e::/48.
func glue6(s *stream, number int) string {
	return netip.AddrFrom16([16]byte{
		0x20, 0x01, 0x05, 0x03, 0xba, 0x3e, 0, byte(1 + s.below(250)),
		0, 0, 0, 0, byte(number >> 24), byte(number >> 16), byte(number >> 8), byte(number),
	}).String()
}

// hostList writes the hosts of name i into d, by rising ROID.
func (g *Registry) hostList(d *Domain, i int, refs []int) []int {
	refs, own := g.delegation(refs[:0], i)
	d.Hosts, d.HostNames = d.Hosts[:0], d.HostNames[:0]
	for _, ref := range refs {
		d.addHost(g.hosts[ref].roid, g.hosts[ref].name)
	}
	for k := range own {
		d.addHost(g.ownHostROID(i, k), g.ownHostName(d.Name, k))
	}
	return refs
}

// addHost puts a host in its place among the others.
func (d *Domain) addHost(roid, name string) {
	i, _ := slices.BinarySearch(d.Hosts, roid)
	d.Hosts = slices.Insert(d.Hosts, i, roid)
	d.HostNames = slices.Insert(d.HostNames, i, name)
}
