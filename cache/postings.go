package cache

import (
	"cmp"
	"slices"
)

// postings is an index from rows of one kind to the domains that refer to them,
// both by number: of the row n the domains are list[start[n]:start[n+1]], in
// order of name. References to what the base does not hold stand aside.
type postings struct {
	start    []uint32
	list     []uint32
	dangling map[string][]uint32

	links []link // until build
}

type link struct{ to, domain uint32 }

// add notes that domain refers to the object that to holds under key.
func (p *postings) add(to *rowTable, key string, domain uint32) {
	if number, ok := to.find(key); ok {
		p.links = append(p.links, link{number, domain})
		return
	}
	if p.dangling == nil {
		p.dangling = make(map[string][]uint32)
	}
	p.dangling[key] = append(p.dangling[key], domain)
}

// build makes the index out of what was added. to and domains tell where rows
// moved to when they were sorted, nil where none has.
func (p *postings) build(to *rowTable, toMoved, domainsMoved []uint32) {
	if toMoved != nil || domainsMoved != nil {
		for i := range p.links {
			l := &p.links[i]
			l.to, l.domain = movedTo(toMoved, l.to), movedTo(domainsMoved, l.domain)
		}
	}
	for key, list := range p.dangling {
		for i := range list {
			list[i] = movedTo(domainsMoved, list[i])
		}
		if number, ok := to.find(key); ok { // it came after the domains
			for _, domain := range list {
				p.links = append(p.links, link{number, domain})
			}
			delete(p.dangling, key)
			continue
		}
		slices.Sort(list)
		p.dangling[key] = slices.Compact(list)
	}
	byDomain := func(x, y link) int { return cmp.Compare(x.domain, y.domain) }
	if !slices.IsSortedFunc(p.links, byDomain) {
		slices.SortFunc(p.links, byDomain)
	}
	p.fill(len(to.rows))
	p.links = nil
}

func movedTo(moved []uint32, number uint32) uint32 {
	if moved == nil {
		return number
	}
	return moved[number]
}

// fill sorts the links, which are in order of domain, by what they lead to: it
// counts, then puts each in its place. A domain that refers to one object twice
// counts once.
func (p *postings) fill(objects int) {
	const none = ^uint32(0) // no domain has this number
	newest := make([]uint32, objects)
	each := func(do func(l link)) {
		for i := range newest {
			newest[i] = none
		}
		for _, l := range p.links {
			if newest[l.to] != l.domain {
				newest[l.to] = l.domain
				do(l)
			}
		}
	}
	p.start = make([]uint32, objects+1)
	each(func(l link) { p.start[l.to+1]++ })
	for i := range objects {
		p.start[i+1] += p.start[i]
	}
	p.list = make([]uint32, p.start[objects])
	next := slices.Clone(p.start)
	each(func(l link) {
		p.list[next[l.to]] = l.domain
		next[l.to]++
	})
}

// of returns the domains that refer to the object that to holds, or not, under
// key.
func (p *postings) of(to *rowTable, key string) []uint32 {
	if number, ok := to.find(key); ok {
		return p.list[p.start[number]:p.start[number+1]]
	}
	return p.dangling[key]
}
