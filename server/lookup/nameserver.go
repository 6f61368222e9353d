package lookup

import (
	"cmp"
	"slices"
	"strings"

	"rddsd/cache"
	"rddsd/cache/registry"
)

// nameserver answers for the host object called name.
func (s *finding) nameserver(name string) string {
	a := s.a
	a.Object, a.Name = Nameserver, name
	if tld := s.view.TLDOf(name); tld != nil {
		a.TLD, a.Policy = tld, s.policies.For(tld.Name)
	}
	h := a.addHost()
	presence := s.view.NameserverByName(name, &h.Nameserver)
	if presence == cache.Present {
		return s.foundHost(h)
	}
	a.Hosts = a.Hosts[:0]
	if !genuine(name) {
		return s.invalid()
	}
	return s.miss(name, presence)
}

// foundHost completes an answer about one host object.
func (s *finding) foundHost(h *Host) string {
	h.Registrar, h.Linked = s.view.Registrar(h.Nameserver.Registrar), s.view.Linked(h.ROID)
	s.a.Class = Found
	return h.ROID
}

// host adds the host object roid to the answer and returns it for Linked to be
// set, nil if it is not known.
func (s *finding) host(roid string) *Host {
	h := s.a.addHost()
	if s.view.Nameserver(roid, &h.Nameserver) != cache.Present {
		s.a.Hosts = s.a.Hosts[:len(s.a.Hosts)-1]
		return nil
	}
	h.Registrar = s.view.Registrar(h.Nameserver.Registrar)
	return h
}

// address answers for the host objects that have the address.
func (s *finding) address() string {
	a := s.a
	a.Object = Nameservers
	a.address = s.q.Addr.AppendTo(a.address[:0])
	a.Name = text(a.address)
	a.roids, a.More = s.view.NameserversAt(s.q.Addr, MaxNameservers, a.roids[:0])
	presence := s.view.Doubt(registry.KindHost)
	for _, roid := range a.roids {
		h := s.host(roid)
		if h == nil {
			presence = cache.Unknown
			continue
		}
		h.Linked = s.view.Linked(roid)
	}
	if len(a.Hosts) == 0 {
		return s.miss(a.Name, presence)
	}
	a.sortHosts()
	a.Class = Found
	return a.Name
}

// sortHosts orders the hosts by name. Mostly they are in order; to find that out
// copies none.
func (a *Answer) sortHosts() {
	for i := 1; i < len(a.Hosts); i++ {
		if a.Hosts[i].before(&a.Hosts[i-1]) {
			slices.SortFunc(a.Hosts, func(x, y Host) int {
				return cmp.Or(strings.Compare(x.Name, y.Name), strings.Compare(x.ROID, y.ROID))
			})
			return
		}
	}
}

// before reports whether h is listed before other.
func (h *Host) before(other *Host) bool {
	if h.Name != other.Name {
		return h.Name < other.Name
	}
	return h.ROID < other.ROID
}
