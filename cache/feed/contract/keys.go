package contract

import (
	"fmt"
	"slices"

	"rddsd/cache"
	"rddsd/cache/feed"
	"rddsd/cache/registry"
)

const (
	// ChunkKeys is the most keys that one statement asks for (feed.md §3).
	ChunkKeys = 5000
	// maxKeys is the most keys that are held at once, and twice the most of one
	// delta: past that a snapshot is cheaper, and it bounds the memory (feed.md §4).
	maxKeys = 10_000_000
)

// Keys collects the keys of a delta by kind. The zero Keys is empty.
type Keys struct {
	// Limit is the most keys of one delta; default half of maxKeys.
	Limit int

	names [registry.Kinds][]string
	count int // of names, repeats included
	full  int // the count at which repeats are dropped next; 0 = not told yet
}

// Add adds a key. Keys come again and again where an object changes often; they
// are dropped now and then, so that memory is bounded. The error says that a
// snapshot is cheaper.
func (k *Keys) Add(key cache.Key) error {
	limit := k.Limit
	if limit <= 0 {
		limit = maxKeys / 2
	}
	if k.full == 0 {
		k.full = 2 * limit
	}
	k.names[key.Kind] = append(k.names[key.Kind], key.Name)
	if k.count++; k.count < k.full {
		return nil
	}
	k.compact()
	if k.count > limit {
		return tooMany(k.count)
	}
	return nil
}

func tooMany(count int) error {
	return &feed.Gap{Reason: feed.ReasonLarge, Detail: fmt.Sprintf("more than %d keys have changed", count)}
}

// Chunks calls read with each kind and at most ChunkKeys of its keys, sorted and
// each once, until it fails. The error may be that there are too many.
func (k *Keys) Chunks(read func(kind registry.Kind, names []string) error) error {
	k.compact()
	if k.Limit > 0 && k.count > k.Limit {
		return tooMany(k.count)
	}
	for kind, names := range k.names {
		for chunk := range slices.Chunk(names, ChunkKeys) {
			if err := read(registry.Kind(kind), chunk); err != nil {
				return err
			}
		}
	}
	return nil
}

// compact sorts the keys of each kind and drops repeats.
func (k *Keys) compact() {
	k.count = 0
	for kind, names := range k.names {
		slices.Sort(names)
		k.names[kind] = slices.Compact(names)
		k.count += len(k.names[kind])
	}
}

// Found puts the rows that were found for the keys of one chunk in its order:
// what no row was found for is gone.
type Found struct {
	names   []string // sorted
	changes []cache.Change
	seen    []bool
	strange bool
}

// NewFound returns a Found for the keys names, which are sorted.
func NewFound(kind registry.Kind, names []string) *Found {
	f := &Found{names: names, changes: make([]cache.Change, len(names)), seen: make([]bool, len(names))}
	for i, name := range names {
		f.changes[i].Key = cache.Key{Kind: kind, Name: name}
	}
	return f
}

// Add adds a row.
func (f *Found) Add(c cache.Change) {
	i, ok := slices.BinarySearch(f.names, c.Name)
	switch {
	case !ok:
		f.strange = true
	case f.seen[i]:
		f.changes[i].Row, f.changes[i].Reject = "", registry.RejectKey
	default:
		f.changes[i].Row, f.changes[i].Reject = c.Row, c.Reject
		f.seen[i] = true
	}
}

// Changes returns one Change for each key. A view that answered for another key
// than those asked for (a comparison without case, say) must not make the one
// that was meant look deleted.
func (f *Found) Changes() []cache.Change {
	for i := range f.changes {
		if f.strange && !f.seen[i] {
			f.changes[i].Reject = registry.RejectKey
		}
	}
	return f.changes
}
