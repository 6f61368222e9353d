package rdap

import (
	"bytes"
	"slices"
	"strings"

	"rddsd/cache"
	"rddsd/cache/registry"
	"rddsd/server/lookup"
)

// base is a base URL's path, "/" or "/rdap/", and the policy of answers below it
// that stand under no TLD.
type base struct {
	path   string
	policy *lookup.Policy
	byHost bool // it was found by the host that was asked
}

// bases are the base paths of all TLDs, made once per set of policies and TLDs.
type bases struct {
	policies *lookup.Policies
	tlds     []*registry.TLD
	list     []base            // the longest path first, each path once
	hosts    map[string][]base // by host in lower case, the longest path first; nil if all stand for one base URL
}

// basesOf returns the base paths that view is served under; view may be nil.
func (s *Server) basesOf(view *cache.View) *bases {
	policies := s.Finder.Policies()
	var tlds []*registry.TLD
	if view != nil {
		tlds = view.TLDs()
	}
	if b := s.bases.Load(); b != nil && b.policies == policies && slices.Equal(b.tlds, tlds) {
		return b
	}
	b := &bases{policies: policies, tlds: tlds, hosts: map[string][]base{}}
	for _, t := range tlds {
		b.add(policies.For(t.Name))
	}
	if len(tlds) == 0 {
		b.add(policies.For(""))
	}
	byLength := func(x, y base) int { return len(y.path) - len(x.path) }
	slices.SortStableFunc(b.list, byLength)
	one := true
	for _, list := range b.hosts {
		slices.SortStableFunc(list, byLength)
		one = one && len(list) == 1 && list[0].policy == b.list[0].policy
	}
	if one {
		b.hosts = nil // then the host tells nothing, and is not looked at
	}
	s.bases.Store(b)
	return b
}

func (b *bases) add(p *lookup.Policy) {
	path := pathOf(p.BaseURL)
	same := func(other base) bool { return other.path == path }
	if !slices.ContainsFunc(b.list, same) {
		b.list = append(b.list, base{path: path, policy: p})
	}
	for _, host := range append([]string{strings.ToLower(hostOf(p.BaseURL))}, p.Hosts...) {
		if !slices.ContainsFunc(b.hosts[host], same) {
			b.hosts[host] = append(b.hosts[host], base{path, p, true})
		}
	}
}

// match returns the base that path lies below: the one with the longest path, and of
// several that of the host, which may come with a port. When there is none, ok is false
// and the base is the one with the shortest path.
func (b *bases) match(host, path []byte) (_ base, ok bool) {
	own := b.at(host)
	x, found := longest(own, path)
	y, ok := longest(b.list, path)
	switch {
	case found && (!ok || len(x.path) >= len(y.path)):
		return x, true
	case ok:
		return y, true
	case len(own) > 0:
		return own[len(own)-1], false
	}
	return b.list[len(b.list)-1], false
}

// longest returns the first of list that path lies below.
func longest(list []base, path []byte) (_ base, ok bool) {
	for _, base := range list {
		if n := len(base.path); len(path) >= n && string(path[:n]) == base.path {
			return base, true
		}
	}
	return base{}, false
}

// at returns the bases that have the host, which may come with a port.
func (b *bases) at(host []byte) []base {
	if b.hosts == nil {
		return nil
	}
	name, _, _ := bytes.Cut(host, []byte{':'})
	if list := b.hosts[string(name)]; list != nil {
		return list
	}
	return b.hosts[string(bytes.ToLower(name))]
}

// hosted returns the base whose URL has host, which may come with a port, or the one
// with the shortest path.
func (b *bases) hosted(host []byte) base {
	if own := b.at(host); len(own) > 0 {
		return own[len(own)-1]
	}
	return b.list[len(b.list)-1]
}

// of returns the base URL that a request below b asked, when its answer stands
// under p: p's own, unless the name was asked for below another TLD's host or path.
func (b base) of(p *lookup.Policy) string {
	if !b.byHost && pathOf(p.BaseURL) == b.path {
		return p.BaseURL
	}
	return b.policy.BaseURL
}

// hostOf returns the host name of an absolute URL, without a port.
func hostOf(url string) string {
	_, rest, _ := strings.Cut(url, "://")
	if i := strings.IndexAny(rest, ":/"); i >= 0 {
		return rest[:i]
	}
	return rest
}

// pathOf returns the path of an absolute URL that ends with a slash.
func pathOf(url string) string {
	_, rest, _ := strings.Cut(url, "://")
	if i := strings.IndexByte(rest, '/'); i >= 0 {
		return rest[i:]
	}
	return "/"
}
