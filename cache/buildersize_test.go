package cache_test

import (
	"testing"
	"time"

	"rddsd/cache"
)

// TestBuilderMemory holds what a Builder says of itself on the way to what the
// View takes in the end.
func TestBuilderMemory(t *testing.T) {
	from := benchView(t, 20_000)
	b := cache.NewBuilder(0)
	for key, row := range from.All() {
		if err := b.Put(cache.Change{Key: key, Row: row}); err != nil {
			t.Fatal(err)
		}
	}
	said := b.Memory()
	view, err := b.View(from.Position(), from.AsOf(), time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	if got := view.Memory(); said < got*4/5 || said > got*6/5 {
		t.Errorf("the Builder says %d bytes, the View takes %d", said, got)
	}
	t.Logf("the Builder says %d bytes, the View takes %d", said, view.Memory())
}
