package load

import (
	"math"
	"math/rand/v2"
)

// random is one thread's source of chance: the same seed, the same queries.
type random struct{ rand.PCG }

func newRandom(seed, thread uint64) *random {
	r := new(random)
	r.Seed(seed, 0x9e3779b97f4a7c15*(thread+1))
	return r
}

// below returns a number from 0 to n-1.
func (r *random) below(n int) int {
	// The bias of this is n / 2^32 and n at most 10^8: 2 %, for the largest
	// registry, of how likely a name is.
	return int(uint64(uint32(r.Uint64()>>32)) * uint64(n) >> 32)
}

// unit returns a number from 0 up to 1.
func (r *random) unit() float64 { return float64(r.Uint64()>>11) / (1 << 53) }

// chance is true with probability p.
func (r *random) chance(p float64) bool { return r.unit() < p }

// zipf draws ranks 1 to n, rank r in proportion to 1/r^s, for any s from 0 on:
// math/rand/v2 has s > 1 only. It is the rejection-inversion of Hörmann and
// Derflinger (1996): about 1.1 tries a draw, and no table.
type zipf struct {
	n, s      float64
	first     float64 // hIntegral(1.5) - 1
	last      float64 // hIntegral(n + 0.5)
	acceptAll float64 // a draw this near to its rank needs no further test
}

func newZipf(n int, s float64) *zipf {
	z := &zipf{n: float64(n), s: s}
	z.first = z.integral(1.5) - 1
	z.last = z.integral(z.n + 0.5)
	z.acceptAll = 2 - z.inverse(z.integral(2.5)-z.h(2))
	return z
}

// h is the weight of rank x.
func (z *zipf) h(x float64) float64 { return math.Exp(-z.s * math.Log(x)) }

// integral is that of h, up to a constant.
func (z *zipf) integral(x float64) float64 {
	log := math.Log(x)
	return expm1Ratio((1-z.s)*log) * log
}

// inverse is the reverse of integral.
func (z *zipf) inverse(y float64) float64 {
	t := max(y*(1-z.s), -1)
	return math.Exp(log1pRatio(t) * y)
}

func (z *zipf) draw(r *random) int {
	for {
		u := z.last + r.unit()*(z.first-z.last)
		x := z.inverse(u)
		k := min(max(math.Floor(x+0.5), 1), z.n)
		if k-x <= z.acceptAll || u >= z.integral(k+0.5)-z.h(k) {
			return int(k)
		}
	}
}

// expm1Ratio is (e^x - 1) / x, also near 0.
func expm1Ratio(x float64) float64 {
	if math.Abs(x) > 1e-8 {
		return math.Expm1(x) / x
	}
	return 1 + x/2
}

// log1pRatio is log(1 + x) / x, also near 0.
func log1pRatio(x float64) float64 {
	if math.Abs(x) > 1e-8 {
		return math.Log1p(x) / x
	}
	return 1 - x/2
}
