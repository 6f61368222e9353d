package cache

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"

	"rddsd/cache/registry"
)

// filledBuckets is a hash index and the memory that it stands in.
type filledBuckets struct {
	buckets
	memory *region
}

// filled returns an index of n texts, place i for the i-th.
func filled(tb testing.TB, n int) *filledBuckets {
	tb.Helper()
	m, err := makeBuckets(n)
	for i := range n {
		if err == nil {
			err = m.add(hashText(7, fmt.Sprintf("name%d.coop", i)), uint32(i))
		}
	}
	if err == nil {
		err = m.flush()
	}
	if err != nil {
		tb.Fatal(err)
	}
	return &filledBuckets{buckets{part{text: textOf(m.memory.data)}}, m.memory}
}

// lookUp returns how often text i is found at place i, how many other places were
// given, and how many buckets were read.
func (b *filledBuckets) lookUp(i int) (found, others, read int) {
	p := b.probe(hashText(7, fmt.Sprintf("name%d.coop", i)))
	read = p.left + 1
	for place, more := p.next(); more; place, more = p.next() {
		if place == uint32(i) {
			found++
		} else {
			others++
		}
	}
	return found, others, read
}

func TestBuckets(t *testing.T) {
	for _, n := range []int{0, 1, 10, 11, 12, 100, 10_000} {
		b := filled(t, n)
		others, read := 0, 0
		for i := range 2 * n {
			found, more, buckets := b.lookUp(i)
			if want := map[bool]int{true: 1}[i < n]; found != want {
				t.Fatalf("of %d texts number %d is found %d times, want %d", n, i, found, want)
			}
			others, read = others+more, read+buckets
		}
		if read > 6*n {
			t.Errorf("looking %d texts up read %d buckets", 2*n, read)
		}
		if others > n/3 {
			t.Errorf("looking %d texts up gave %d places of others: the tags do not tell them apart", 2*n, others)
		}
		runtime.KeepAlive(b)
	}
	full, err := makeBuckets(5)
	for i := 0; err == nil; i++ {
		if err = full.add(hashText(7, fmt.Sprint(i)), uint32(i)); i > 2*queueSize {
			t.Fatal("one bucket takes any number of places")
		}
	}
}

// BenchmarkBuckets looks up texts that are there and texts that are not, in as
// many as do not fit the processor's cache.
func BenchmarkBuckets(b *testing.B) {
	const n = 4 << 20
	index := filled(b, n)
	hashes := make([]uint64, 1<<20)
	rng := rand.New(rand.NewPCG(1, 2))
	for _, c := range []struct {
		name string
		from int
	}{{"hit", 0}, {"miss", n}} {
		for i := range hashes {
			hashes[i] = hashText(7, fmt.Sprintf("name%d.coop", c.from+rng.IntN(n)))
		}
		b.Run(c.name, func(b *testing.B) {
			i := 0
			for b.Loop() {
				p := index.probe(hashes[i%len(hashes)])
				p.next()
				i++
			}
		})
	}
	runtime.KeepAlive(index)
}

// TestLimits asks for more than places can tell apart, and for as much as needs
// larger units.
func TestLimits(t *testing.T) {
	maker := func() *baseMaker {
		m, err := newBaseMaker(newMemoryWriter(context.Background()), func(string) string { return "" })
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	for _, c := range []struct {
		name           string
		objects, bytes int
	}{
		{"too many objects", 1<<32 - 1, 1},
		{"too many bytes", 10, 1 << 38},
	} {
		if err := maker().begin(registry.KindDomain, c.objects, c.bytes); !errors.Is(err, errTooMany) {
			t.Errorf("%s: begin gave %v, want %v", c.name, err, errTooMany)
		}
	}
	for bytes, want := range map[int]uint8{1: 0, 4 << 30: 1, 1<<33 + 1: 2, 1<<38 - 1<<10: 6} {
		m := maker()
		if err := m.begin(registry.KindDomain, 10, bytes); err != nil || m.layout.shifts[registry.KindDomain] != want {
			t.Errorf("%d bytes: shift %d, %v, want %d", bytes, m.layout.shifts[registry.KindDomain], err, want)
		}
	}
}

// TestNarrow asks in which units places take three bytes.
func TestNarrow(t *testing.T) {
	for _, c := range []struct {
		shift          uint8
		objects, bytes int
		want           uint8
	}{
		{0, 10, 1000, 0}, {0, 1 << 10, 1 << 24, 1}, {0, 1_900_000, 77 << 20, 3}, {0, 10_000_000, 500 << 20, 0}, {2, 10, 1000, 2}, {5, 10, 1 << 33, 5},
	} {
		if got := narrow(c.shift, c.objects, c.bytes); got != c.want {
			t.Errorf("narrow(%d, %d, %d) = %d, want %d", c.shift, c.objects, c.bytes, got, c.want)
		}
	}
}

// TestMoves holds a run to what it says: records that went, or were written anew,
// are in none.
func TestMoves(t *testing.T) {
	var m moves
	m.add(0, 0, false)
	m.add(10, 10, true)
	m.add(30, 20, false) // what was at 20 is gone
	m.add(40, 30, true)
	m.add(60, 60, false) // what was at 50 is longer now
	for from, want := range map[uint32]int{0: 0, 10: 10, 20: -1, 30: 20, 40: 30, 50: -1, 60: 60, 70: -1} {
		to, ok := m.of(from)
		if ok != (want >= 0) || ok && int(to) != want {
			t.Errorf("of(%d) = %d, %t, want %d", from, to, ok, want)
		}
	}
}
