package admin

import (
	"rddsd/cache"
	"rddsd/cache/registry"
)

// Usage tells what the served registry takes, in bytes. What stands in a file of
// the copy on disk is in memory only as far as it is asked for.
type Usage struct {
	Total   int64            `json:"total"`
	PerName float64          `json:"per_name"`
	Kinds   map[string]int64 `json:"kinds"`   // the objects of each kind, and finding them by key
	Indexes int64            `json:"indexes"` // every other way to find an object
	Shared  int64            `json:"shared"`  // texts that many objects share
	Overlay int64            `json:"overlay"` // what changed since the base was made
	Changes int              `json:"overlay_changes"`
	Limit   int64            `json:"limit"`                  // [data] memory_limit; 0 = none
	Refused string           `json:"memory_error,omitempty"` // what did not fit in it
}

func usageOf(view *cache.View) *Usage {
	from := view.Usage()
	u := &Usage{Total: from.Bytes(), Kinds: map[string]int64{}, Indexes: from.Indexes, Shared: from.Shared, Overlay: from.Overlay}
	for kind, bytes := range from.Objects {
		u.Kinds[registry.Kind(kind).String()] = bytes
	}
	if names := view.Count(registry.KindDomain); names > 0 {
		u.PerName = float64(u.Total) / float64(names)
	}
	u.Changes, _ = view.OverlaySize()
	return u
}
