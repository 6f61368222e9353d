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
}

// bases are the base paths of all TLDs, made once per set of policies and TLDs.
type bases struct {
	policies *lookup.Policies
	tlds     []*registry.TLD
	list     []base // the longest path first, each path once
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
	b := &bases{policies: policies, tlds: tlds}
	for _, t := range tlds {
		b.add(policies.For(t.Name))
	}
	if len(tlds) == 0 {
		b.add(policies.For(""))
	}
	slices.SortStableFunc(b.list, func(x, y base) int { return len(y.path) - len(x.path) })
	s.bases.Store(b)
	return b
}

func (b *bases) add(p *lookup.Policy) {
	path := pathOf(p.BaseURL)
	if !slices.ContainsFunc(b.list, func(other base) bool { return other.path == path }) {
		b.list = append(b.list, base{path, p})
	}
}

// match returns the base that path lies below. When there is none, ok is false
// and the base is the one with the shortest path.
func (b *bases) match(path []byte) (_ base, ok bool) {
	for _, base := range b.list {
		if n := len(base.path); len(path) >= n && string(path[:n]) == base.path {
			return base, true
		}
	}
	return b.list[len(b.list)-1], false
}

// hosted returns the base whose URL has host, which may come with a port, or the one
// with the shortest path.
func (b *bases) hosted(host []byte) base {
	name, _, _ := bytes.Cut(host, []byte{':'})
	for _, base := range b.list {
		if strings.EqualFold(hostOf(base.policy.BaseURL), string(name)) {
			return base
		}
	}
	return b.list[len(b.list)-1]
}

// of returns the base URL that a request below b asked, when its answer stands
// under p: p's own, unless the name was asked for below another TLD's path.
func (b base) of(p *lookup.Policy) string {
	if pathOf(p.BaseURL) == b.path {
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
