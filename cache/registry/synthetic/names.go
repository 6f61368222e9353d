package synthetic

import "math/bits"

// nameSet is the set of labels met while the names are numbered: hashes in open
// addressing, six bytes a name. That two labels share one only makes the later
// one take another form.
type nameSet struct{ tags []uint32 }

func newNameSet(names int) *nameSet { return &nameSet{make([]uint32, names+names/2+64)} }

// add takes label in and reports whether it was there.
func (n *nameSet) add(label []byte) bool {
	h := uint64(0xcbf29ce484222325) // FNV-1a
	for _, c := range label {
		h = (h ^ uint64(c)) * 0x100000001b3
	}
	h = mix(h)
	slot, _ := bits.Mul64(h, uint64(len(n.tags)))
	tag := uint32(h) | 1
	for n.tags[slot] != 0 {
		if n.tags[slot] == tag {
			return true
		}
		if slot++; slot == uint64(len(n.tags)) {
			slot = 0
		}
	}
	n.tags[slot] = tag
	return false
}

// bitset marks indexes.
type bitset []uint64

func newBitset(n int) bitset    { return make(bitset, n/64+1) }
func (b bitset) set(i int)      { b[i/64] |= 1 << (i % 64) }
func (b bitset) has(i int) bool { return b[i/64]>>(i%64)&1 != 0 }

// forms says which form of its label each name has, in two bits: the first,
// second or third that was drawn, or the third with a suffix.
type forms []uint64

const (
	lastForm = 2
	suffixed = 3
)

func newForms(names int) forms   { return make(forms, names/32+1) }
func (f forms) set(i, form int)  { f[i/32] |= uint64(form) << (i % 32 * 2) }
func (f forms) of(i int) int     { return int(f[i/32] >> (i % 32 * 2) & 3) }
func countSuffixed(w uint64) int { return bits.OnesCount64(w & (w >> 1) & 0x5555555555555555) }
func (f forms) before(i int) int { return countSuffixed(f[i/32] & (1<<(i%32*2) - 1)) }

// labels makes the labels of names again, in rising order of their index. A
// suffix is the count of such names so far.
type labels struct {
	g     *Registry
	buf   []byte
	word  int // of g.forms; all before it are in count
	count int
}

func (l *labels) at(i int) label {
	if i < len(l.g.given) {
		return l.g.given[i]
	}
	for ; l.word < i/32; l.word++ {
		l.count += countSuffixed(l.g.forms[l.word])
	}
	form, suffix := l.g.forms.of(i), 0
	if form == suffixed {
		form, suffix = lastForm, l.count+l.g.forms.before(i)+1
	}
	made := l.g.drawLabel(l.buf, i, form, suffix)
	l.buf = made.ascii
	return made
}
