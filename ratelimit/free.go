package ratelimit

import "sync/atomic"

const (
	// freeWords makes the filter 16 MiB: with a million sources that have had
	// everything, one in 200 is mistaken for having had it too.
	freeWords = 1 << 20

	freeBits  = 56 // of a word; the others tell its generation
	freeMask  = 1<<freeBits - 1
	freeProbe = 3 // bits set for each object
)

// free remembers who has had its free objects: those that each source is shown in 30
// days whatever the zone guard says (Config.Free). It is a filter of two generations of
// 30 days: what was given in this one or the one before is not given again, so a source
// has them at most once in any 30 days. It may take one source for another, and then
// the guard decides as for anything else; it never gives twice.
//
// All bits that a source has in a generation lie in one word, which changes at once, and
// both words in one cache line.
type free struct{ words [][2]atomic.Uint64 }

// generation is that of nanos, and never 0.
func generation(nanos uint64) uint64 { return nanos/uint64(month)%254 + 1 }

// mark returns the bits that stand for the i-th object of source.
func mark(source uint64, i int) (bits uint64) {
	h := fold(source|1, 0x9e3779b97f4a7c15*uint64(2*i+1))
	for range freeProbe {
		bits |= 1 << (h % freeBits)
		h /= freeBits
	}
	return bits
}

// of returns the bits of word if it is of generation g.
func of(word, g uint64) uint64 {
	if word>>freeBits != g {
		return 0
	}
	return word & freeMask
}

// next returns which free object source has left at nanos, of n that it may have;
// ok is false when it has had all.
func (f *free) next(source, nanos uint64, n int) (i int, ok bool) {
	g, at := generation(nanos), source%freeWords
	had := of(f.words[at][g&1].Load(), g) | of(f.words[at][g&1^1].Load(), before(g))
	for i := range n {
		if m := mark(source, i); had&m != m {
			return i, true
		}
	}
	return 0, false
}

// claim takes the i-th free object of source; false says that somebody has just
// taken it.
func (f *free) claim(source, nanos uint64, i int) bool {
	g := generation(nanos)
	word, m := &f.words[source%freeWords][g&1], mark(source, i)
	for {
		old := word.Load()
		had := of(old, g)
		if had&m == m {
			return false
		}
		if word.CompareAndSwap(old, g<<freeBits|had|m) {
			return true
		}
	}
}

// before returns the generation before g. They alternate between the two halves:
// there is an even number of them.
func before(g uint64) uint64 { return (g+252)%254 + 1 }

func newFree() free {
	return free{huge(make([][2]atomic.Uint64, freeWords))}
}
