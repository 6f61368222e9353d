package cache

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
)

// model is what a tree promises: a map, walked in order.
type model map[[2]string]string

func (m model) keys() [][2]string {
	return slices.SortedFunc(maps.Keys(m), func(x, y [2]string) int { return slices.Compare(x[:], y[:]) })
}

func diffTree(t *tree, m model) string {
	if t.size != len(m) {
		return fmt.Sprintf("size is %d, want %d", t.size, len(m))
	}
	keys := m.keys()
	i := 0
	for c := t.from("", ""); c.at() != nil; c.next() {
		e := c.at()
		if i == len(keys) || keys[i] != [2]string{e.a, e.b} || m[keys[i]] != e.value {
			return fmt.Sprintf("entry %d is %q %q = %q", i, e.a, e.b, e.value)
		}
		i++
	}
	if i != len(keys) {
		return fmt.Sprintf("the walk ends after %d of %d entries", i, len(keys))
	}
	for j, key := range keys {
		if value, ok := t.get(key[0], key[1]); !ok || value != m[key] {
			return fmt.Sprintf("get(%q) = %q, %v, want %q", key, value, ok, m[key])
		}
		if _, ok := t.get(key[0], key[1]+"\x00"); ok {
			return fmt.Sprintf("get finds %q with a zero byte behind it", key)
		}
		// from what lies between two entries the walk begins at the second
		c := t.from(key[0], key[1]+"\x00")
		if e := c.at(); j+1 == len(keys) && e != nil || j+1 < len(keys) && (e == nil || [2]string{e.a, e.b} != keys[j+1]) {
			return fmt.Sprintf("from behind %q the walk does not begin at the next entry", key)
		}
	}
	return ""
}

// TestTree drives trees of thousands of entries, up and down again, and holds
// every version that was kept to what it held then.
func TestTree(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	type version struct {
		tree  tree
		model model
	}
	var (
		now  tree
		want = model{}
		kept []version
	)
	draw := func() (a, b string) {
		// keys that part in the first eight bytes, after them, and only in length
		return fmt.Sprintf([]string{"%d", "a-long-prefix-%d", "%03d"}[random.IntN(3)], random.IntN(900)), []string{"", "x", "y"}[random.IntN(3)]
	}
	for round := range 60 {
		own := new(owner)
		grow := round%20 < 12
		for range 300 {
			a, b := draw()
			if grow == (random.IntN(4) > 0) {
				value := fmt.Sprint(round)
				now.set(own, a, b, value)
				want[[2]string{a, b}] = value
			} else {
				now.delete(own, a, b)
				delete(want, [2]string{a, b})
			}
		}
		if diff := diffTree(&now, want); diff != "" {
			t.Fatalf("round %d: %s", round, diff)
		}
		if round%7 == 0 {
			kept = append(kept, version{now, maps.Clone(want)})
		}
	}
	for i, v := range kept {
		if diff := diffTree(&v.tree, v.model); diff != "" {
			t.Errorf("version %d has changed since: %s", i, diff)
		}
	}
	own := new(owner)
	for _, key := range want.keys() {
		now.delete(own, key[0], key[1])
	}
	if now.root != nil || now.size != 0 {
		t.Errorf("an emptied tree still has %d entries", now.size)
	}
}

// BenchmarkTree is what the fanout was chosen by: a look-up in a full overlay,
// and a change of one key after which the older version stays.
func BenchmarkTree(b *testing.B) {
	const entries = 32_000
	var full tree
	own := new(owner)
	keys := make([]string, entries)
	for i := range keys {
		keys[i] = fmt.Sprintf("example%d.coop", i*7919%entries)
		full.set(own, keys[i], "", "row")
	}
	b.Run("get", func(b *testing.B) {
		i := 0
		for b.Loop() {
			full.get(keys[i*31%entries], "")
			i++
		}
	})
	b.Run("set", func(b *testing.B) {
		b.ReportAllocs()
		i := 0
		for b.Loop() {
			next := full
			next.set(new(owner), keys[i*31%entries], "", "other")
			i++
		}
	})
}
