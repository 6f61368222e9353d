package cache

import (
	"fmt"
	"testing"
)

// TestPacked fills indexes with values of so many bits, and looks up texts that
// are there and others that are not.
func TestPacked(t *testing.T) {
	for _, n := range []int{0, 1, 15, 16, 17, 100, 10_000} {
		for _, most := range []uint64{uint64(n), 1<<24 - 2, 1<<32 - 2} {
			m, err := makePacked(n, most)
			value := func(i int) uint32 { return uint32(most - uint64(i)) }
			for i := range n {
				if err == nil {
					err = m.add(hashText(7, fmt.Sprint(i)), value(i))
				}
			}
			if err == nil {
				err = m.flush()
			}
			if err != nil {
				t.Fatal(err)
			}
			index := packed{part{text: textOf(m.memory.data)}, m.bits}
			others := 0
			for i := range 2 * n {
				found := 0
				p := index.probe(hashText(7, fmt.Sprint(i)))
				for got, more := p.next(); more; got, more = p.next() {
					if i < n && got == value(i) {
						found++
					} else {
						others++
					}
				}
				if want := map[bool]int{true: 1}[i < n]; found != want || p.bad {
					t.Fatalf("of %d texts number %d is found %d times, want %d; damage %t", n, i, found, want, p.bad)
				}
			}
			if most < 1<<24 && others > n {
				t.Errorf("of %d texts, with values to %d: %d values of others: the tags do not tell them apart", n, most, others)
			}
			m.memory.free()
		}
	}
	full, err := makePacked(5, 5)
	for i := 0; err == nil; i++ {
		if err = full.add(hashText(7, fmt.Sprint(i)), uint32(i)); i > 2*queueSize {
			t.Fatal("one bucket takes any number of entries")
		}
	}
}
