package synthetic

import (
	"math"
	"math/bits"
	"math/rand/v2"
	"sort"
)

// Everything drawn comes from integer arithmetic on PCG streams, so that a seed
// gives the same registry on every machine: floating point may be fused
// differently on another processor.

// purpose names what a stream is drawn for. Each object has its own streams, by
// its index, so that a pass can make it again without the objects before it.
type purpose uint64

const (
	forLabel purpose = iota + 1
	forReserved
	forDelegation
	forContacts
	forDomain
	forLife
	forRegistrant
	forRole
	forRegistrar
	forProvider
	forHost
	forChange
	forFiction
)

// stream is a sequence of random numbers.
type stream struct{ pcg rand.PCG }

func (g *Registry) stream(p purpose, index int) stream {
	var s stream
	s.pcg.Seed(mix(g.seed^mix(uint64(p))), mix(uint64(index)))
	return s
}

// mix spreads x over 64 bits (the finaliser of SplitMix64), because PCG streams
// of neighbouring seeds begin alike.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// below returns a number from 0 to n-1.
func (s *stream) below(n int) int {
	high, _ := bits.Mul64(s.pcg.Uint64(), uint64(n))
	return int(high)
}

// chance is true in n of 10,000 cases.
func (s *stream) chance(n int) bool { return s.below(10000) < n }

// skewed returns a number from low to high whose likelihood falls with its
// square.
func (s *stream) skewed(low, high int) int {
	const d = 1 << 20
	x := s.below(d * (high + 1 - low) / (high + 1))
	return low * d / (d - x)
}

// weights are relative likelihoods, as their running sums.
type weights []uint32

// weigh makes weights of shares of any common unit.
func weigh(shares ...uint32) weights {
	w := make(weights, len(shares))
	sum := uint32(0)
	for i, share := range shares {
		sum += share
		w[i] = sum
	}
	return w
}

// pick returns an index of w.
func (s *stream) pick(w weights) int {
	x := uint32(s.below(int(w[len(w)-1])))
	return sort.Search(len(w), func(i int) bool { return w[i] > x })
}

// share returns the likelihood of index i, times n.
func (w weights) share(i, n int) int {
	own := w[i]
	if i > 0 {
		own -= w[i-1]
	}
	return int(uint64(own) * uint64(n) / uint64(w[len(w)-1]))
}

// zipfUnit is the share of rank 1. No share of ours comes near half a unit, so
// that the last bit of math.Pow cannot change one (TestZipfSharesAreExact).
const zipfUnit = 1 << 20

// zipf returns the shares of n ranks: zipfUnit / rank^exponent.
func zipf(n int, exponent float64) []uint32 {
	shares := make([]uint32, n)
	for i := range shares {
		shares[i] = uint32(math.Round(zipfUnit * math.Pow(float64(i+1), -exponent)))
	}
	return shares
}
