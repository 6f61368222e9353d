package postgres

import (
	"math/rand/v2"
	"slices"
	"testing"

	"rddsd/cache"
)

func TestPlacesComeBackFromPositions(t *testing.T) {
	for _, want := range []place{
		{},
		{registry: "r", epoch: "e", contract: 1, system: "7312345678901234567", timeline: 3, horizon: 1 << 40},
		{registry: "r", epoch: "e", contract: 1, system: "7", timeline: 1, horizon: 500, seen: []uint64{500, 501, 700, 1 << 50}, newest: mark{700, 9}},
	} {
		got, err := placeOf(want.position())
		if err != nil || got.position() != want.position() || !slices.Equal(got.seen, want.seen) || got.newest != want.newest ||
			got.system != want.system || got.timeline != want.timeline || got.horizon != want.horizon {
			t.Errorf("placeOf(%+v.position()) = %+v, %v", want, got, err)
		}
	}
}

// FuzzPlace holds that whatever stands in a file is refused, or is a place whose
// position means the same.
func FuzzPlace(f *testing.F) {
	p := place{system: "7", timeline: 1, horizon: 500, seen: []uint64{500, 501, 700}, newest: mark{700, 9}}
	f.Add(p.horizon, p.position().Resume)
	f.Add(uint64(0), "")
	f.Add(uint64(1), "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01")
	f.Fuzz(func(t *testing.T, horizon uint64, resume string) {
		p, err := placeOf(cache.Position{Serial: horizon, Resume: resume})
		if err != nil {
			return
		}
		again, err := placeOf(p.position())
		if err != nil || again.position() != p.position() {
			t.Errorf("placeOf(%d, %q) = %+v, whose position reads as %+v, %v", horizon, resume, p, again, err)
		}
	})
}

// What is below the horizon need not be remembered, what is above must be.
func TestAdvance(t *testing.T) {
	p := place{horizon: 10, seen: []uint64{10, 12, 15}}
	p.advance(12, map[uint64]struct{}{20: {}, 11: {}, 14: {}, 15: {}})
	if want := []uint64{12, 14, 15, 20}; p.horizon != 12 || !slices.Equal(p.seen, want) {
		t.Errorf("advance left horizon %d and %v, want 12 and %v", p.horizon, p.seen, want)
	}
}

// Too many transactions to remember are read again, none is taken for read.
func TestAdvanceForgetsRatherThanGrows(t *testing.T) {
	read := make(map[uint64]struct{})
	for xid := range uint64(maxSeen + 1) {
		read[100+xid] = struct{}{}
	}
	p := place{horizon: 50}
	p.advance(60, read)
	if len(p.seen) != maxSeen || p.seen[maxSeen-1] != 100+maxSeen-1 || p.horizon != 60 {
		t.Errorf("advance left horizon %d and %d transactions", p.horizon, len(p.seen))
	}
}

func TestPositionOfManyTransactionsIsSmall(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	p := place{system: "7312345678901234567", timeline: 1, horizon: 1 << 33}
	for xid := p.horizon; len(p.seen) < maxSeen; xid += 1 + uint64(rng.IntN(3)) {
		p.seen = append(p.seen, xid)
	}
	if n := len(p.position().Resume); n > maxSeen+100 {
		t.Errorf("%d transactions take %d bytes", maxSeen, n)
	}
}
