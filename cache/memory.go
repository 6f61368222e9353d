package cache

import (
	"unsafe"

	"rddsd/cache/registry"
)

// treeEntry is what an entry of a tree takes, in bytes: nodes are two thirds
// full. TestMemory holds the sum to the heap.
const treeEntry = int64(unsafe.Sizeof(entry{})) * 3 / 2

// Memory returns about how many bytes v takes. Views that were made from each
// other share most of them.
func (v *View) Memory() int64 {
	b := v.base
	bytes := b.bytes + v.overlayBytes()
	for kind := range b.rows {
		bytes += int64(unsafe.Sizeof("")) * int64(cap(b.rows[kind].rows))
		bytes += b.rows[kind].byKey.memory()
	}
	bytes += b.domainByROID.memory() + b.hostByName.memory() + b.domainsByHost.memory() + b.domainsByContact.memory()
	bytes += int64(unsafe.Sizeof(address{}))*int64(cap(b.addresses)) + int64(unsafe.Sizeof(moment{}))*int64(cap(b.refresh))
	return bytes
}

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
	Objects [registry.Kinds]int64 // of the base, by kind: what the objects hold, and finding them by key
	Indexes int64                 // of the base: every other way to find an object
	Shared  int64                 // of the base: texts that many objects share, hashes, the rest
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
	b := v.base
	u := Usage{Shared: b.bytes, Overlay: v.overlayBytes()}
	for kind := range b.rows {
		u.Objects[kind] = int64(unsafe.Sizeof(""))*int64(cap(b.rows[kind].rows)) + b.rows[kind].byKey.memory()
	}
	u.Indexes = b.domainByROID.memory() + b.hostByName.memory() + b.domainsByHost.memory() + b.domainsByContact.memory() +
		int64(unsafe.Sizeof(address{}))*int64(cap(b.addresses)) + int64(unsafe.Sizeof(moment{}))*int64(cap(b.refresh))
	return u
}

func (s *slots) memory() int64 { return 8 * int64(len(s.table)) }

func (p *postings) memory() int64 {
	bytes := 4 * int64(cap(p.start)+cap(p.list))
	for key, list := range p.dangling {
		bytes += 64 + int64(len(key)) + 4*int64(cap(list))
	}
	return bytes
}
