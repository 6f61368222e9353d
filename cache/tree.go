package cache

import (
	"encoding/binary"
	"slices"
)

// tree is an ordered map that keeps its older versions: changing a copy of a
// tree leaves the tree that it was copied from as it was, and costs the nodes
// on one path. Its keys are pairs, so that the index "host ROID to domain names"
// is a set of (ROID, name), and a change of one name never copies the list of a
// host that 100,000 others use.
//
// It is a B+ tree: pairs and values stand in the leaves, an inner node holds what
// parts its children. Deleting frees empty nodes and merges no others: a
// tree lives only until the overlay is folded.
type tree struct {
	root *node
	size int // entries
}

// fanout is the most entries of a node. More cost each change longer copies,
// fewer cost each look-up more steps; BenchmarkTree.
const fanout = 16

type node struct {
	owner    *owner
	entries  []entry
	children []*node // of an inner node: from entries[i] on stands in children[i], before entries[1] in children[0]; nil in a leaf
}

// owner marks the nodes that one Apply has made and may therefore change in
// place. It has a size, so that no two of them have one address.
type owner struct{ _ byte }

type entry struct {
	order uint64 // first eight bytes of a, so that most comparisons need not follow a pointer
	a, b  string
	value string
	voids indexSet // of a row: the indexes in which the base says something else of the object
}

func pair(a, b string) entry { return entry{order: order(a), a: a, b: b} }

func order(a string) uint64 {
	if len(a) >= 8 {
		return uint64(a[0])<<56 | uint64(a[1])<<48 | uint64(a[2])<<40 | uint64(a[3])<<32 |
			uint64(a[4])<<24 | uint64(a[5])<<16 | uint64(a[6])<<8 | uint64(a[7])
	}
	var first [8]byte
	copy(first[:], a)
	return binary.BigEndian.Uint64(first[:])
}

// compare orders entries by a, then b. It keeps to operators: what goes through
// strings.Compare escapes, and look-ups must not allocate.
func (e *entry) compare(to *entry) int {
	switch {
	case e.order != to.order:
		return sign(e.order < to.order)
	case e.a != to.a:
		return sign(e.a < to.a)
	case e.b != to.b:
		return sign(e.b < to.b)
	}
	return 0
}

func sign(less bool) int {
	if less {
		return -1
	}
	return 1
}

// search returns the place of the first entry of n that is not before e.
func (n *node) search(e *entry) (i int, found bool) {
	low, high := 0, len(n.entries)
	for low < high {
		mid := int(uint(low+high) >> 1)
		switch c := n.entries[mid].compare(e); {
		case c == 0:
			return mid, true
		case c < 0:
			low = mid + 1
		default:
			high = mid
		}
	}
	return low, false
}

// child returns which child of the inner node n may hold e.
func (n *node) child(e *entry) int {
	i, found := n.search(e)
	if !found && i > 0 {
		i--
	}
	return i
}

// get returns the value under (a, b).
func (t *tree) get(a, b string) (value string, ok bool) {
	if e := t.at(a, b); e != nil {
		return e.value, true
	}
	return "", false
}

// at returns the entry under (a, b), nil if there is none.
func (t *tree) at(a, b string) *entry {
	if t.root == nil {
		return nil
	}
	e := pair(a, b)
	n := t.root
	for n.children != nil {
		n = n.children[n.child(&e)]
	}
	i, found := n.search(&e)
	if !found {
		return nil
	}
	return &n.entries[i]
}

// set puts value under (a, b).
func (t *tree) set(own *owner, a, b, value string) { t.setRow(own, a, b, value, 0) }

// setRow puts a row under (a, b).
func (t *tree) setRow(own *owner, a, b, value string, voids indexSet) {
	e := pair(a, b)
	e.value, e.voids = value, voids
	if t.root == nil {
		t.root = &node{owner: own}
	}
	root, right, added := t.root.set(own, &e)
	if right != nil {
		root = &node{owner: own, entries: []entry{root.bound(), right.bound()}, children: []*node{root, right}}
	}
	t.root = root
	if added {
		t.size++
	}
}

// set returns n with e in it, its right half when it had to be split, and
// whether e is new.
func (n *node) set(own *owner, e *entry) (left, right *node, added bool) {
	n = n.mutable(own)
	if n.children == nil {
		i, found := n.search(e)
		if found {
			n.entries[i].value, n.entries[i].voids = e.value, e.voids
			return n, nil, false
		}
		n.entries = slices.Insert(n.entries, i, *e)
		return n, n.split(own), true
	}
	i := n.child(e)
	child, beside, added := n.children[i].set(own, e)
	n.children[i] = child
	if beside != nil {
		n.entries = slices.Insert(n.entries, i+1, beside.bound())
		n.children = slices.Insert(n.children, i+1, beside)
	}
	return n, n.split(own), added
}

// delete takes away what stands under (a, b), if anything does.
func (t *tree) delete(own *owner, a, b string) {
	if _, ok := t.get(a, b); !ok {
		return
	}
	e := pair(a, b)
	t.size--
	t.root = t.root.delete(own, &e)
	for t.root != nil && len(t.root.children) == 1 {
		t.root = t.root.children[0]
	}
}

// delete returns n without e, which it holds; nil when nothing is left.
func (n *node) delete(own *owner, e *entry) *node {
	n = n.mutable(own)
	var i int
	if n.children == nil {
		i, _ = n.search(e)
	} else {
		i = n.child(e)
		if n.children[i] = n.children[i].delete(own, e); n.children[i] != nil {
			return n
		}
		n.children = slices.Delete(n.children, i, i+1)
	}
	n.entries = slices.Delete(n.entries, i, i+1)
	if len(n.entries) == 0 {
		return nil
	}
	return n
}

// mutable returns n when own made it, else own's copy.
func (n *node) mutable(own *owner) *node {
	if n.owner == own {
		return n
	}
	c := &node{owner: own, entries: make([]entry, len(n.entries), fanout+1)}
	copy(c.entries, n.entries)
	if n.children != nil {
		c.children = make([]*node, len(n.children), fanout+1)
		copy(c.children, n.children)
	}
	return c
}

// split takes the right half away from n when n is too long and returns it.
func (n *node) split(own *owner) *node {
	if len(n.entries) <= fanout {
		return nil
	}
	half := len(n.entries) / 2
	right := &node{owner: own, entries: make([]entry, len(n.entries)-half, fanout+1)}
	copy(right.entries, n.entries[half:])
	clear(n.entries[half:])
	n.entries = n.entries[:half]
	if n.children != nil {
		right.children = make([]*node, len(n.children)-half, fanout+1)
		copy(right.children, n.children[half:])
		clear(n.children[half:])
		n.children = n.children[:half]
	}
	return right
}

func (n *node) bound() entry { return pair(n.entries[0].a, n.entries[0].b) }

// cursor walks a tree upwards. It is of a fixed size, so that a look-up that
// walks allocates nothing.
type cursor struct {
	path  [maxDepth]step
	depth int
}

type step struct {
	n *node
	i int
}

// maxDepth carries a tree with 8 entries in each node, as splitting leaves them,
// to 8^16 entries.
const maxDepth = 16

// from returns a cursor at the first entry that is not before (a, b).
func (t *tree) from(a, b string) cursor {
	var c cursor
	if t.root == nil {
		return c
	}
	e := pair(a, b)
	n := t.root
	for n.children != nil {
		i := n.child(&e)
		c.path[c.depth] = step{n, i}
		c.depth++
		n = n.children[i]
	}
	i, _ := n.search(&e)
	c.path[c.depth] = step{n, i}
	c.depth++
	c.settle()
	return c
}

// at returns the entry that c stands at, nil past the last.
func (c *cursor) at() *entry {
	if c.depth == 0 {
		return nil
	}
	s := &c.path[c.depth-1]
	return &s.n.entries[s.i]
}

// next moves c to the next entry.
func (c *cursor) next() {
	if c.depth == 0 {
		return
	}
	c.path[c.depth-1].i++
	c.settle()
}

// settle moves c from behind the end of a leaf to the start of the next one.
func (c *cursor) settle() {
	for c.depth > 0 {
		s := &c.path[c.depth-1]
		switch {
		case s.i == len(s.n.entries):
			c.depth--
			if c.depth > 0 {
				c.path[c.depth-1].i++
			}
		case s.n.children != nil:
			c.path[c.depth] = step{n: s.n.children[s.i]}
			c.depth++
		default:
			return
		}
	}
}
