package cache

import (
	"unsafe"

	"rddsd/cache/registry"
)

// treeEntry is what an entry of a tree takes, in bytes: nodes are two thirds
// full. TestMemory holds the sum to the heap.
const treeEntry = int64(unsafe.Sizeof(entry{})) * 3 / 2

// Memory returns about how many bytes v takes. Views that were made from each
// other share most of them. Of a base in a file those are resident that look-ups
// have touched.
func (v *View) Memory() int64 { return v.Usage().Bytes() }

// overlayBytes returns about how many bytes of heap the overlay and the
// quarantine take.
func (v *View) overlayBytes() int64 {
	entries := v.quarantine.size
	for i := range v.overlay.rows {
		entries += v.overlay.rows[i].size
	}
	for i := range v.overlay.links {
		entries += v.overlay.links[i].size
	}
	return v.overlay.bytes + treeEntry*int64(entries)
}

// Usage is how many bytes a View takes, and for what.
type Usage struct {
	Objects [registry.Kinds]int64 // of the base, by kind: their records, and finding them by key
	Indexes int64                 // of the base: every other way to find an object
	Shared  int64                 // of the base: texts that many objects share, the table, the rest
	Overlay int64                 // of heap: what changed since the base was made
}

// Bytes returns the sum of u.
func (u Usage) Bytes() int64 {
	sum := u.Indexes + u.Shared + u.Overlay
	for _, bytes := range u.Objects {
		sum += bytes
	}
	return sum
}

// Usage returns what v takes. Views that were made from each other share most of
// it.
func (v *View) Usage() Usage {
	u := Usage{Overlay: v.overlayBytes()}
	left := int64(len(v.base.memory.data))
	size := func(id partID) int64 { return int64(v.base.extents[id].size) }
	for kind := range registry.Kind(registry.Kinds) {
		u.Objects[kind] = size(recordsOf(kind)) + size(byKeyOf(kind)) + size(samplesOf(kind))
		left -= u.Objects[kind]
	}
	for id := partHostByName; id < partWords; id++ {
		u.Indexes += size(id)
	}
	u.Shared = left - u.Indexes
	return u
}
