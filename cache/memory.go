package cache

import "unsafe"

// treeEntry is what an entry of a tree takes, in bytes: nodes are two thirds
// full. TestMemory holds the sum to the heap.
const treeEntry = int64(unsafe.Sizeof(entry{})) * 3 / 2

// Memory returns about how many bytes v takes. Views that were made from each
// other share most of them.
func (v *View) Memory() int64 {
	b := v.base
	bytes := b.bytes + v.overlay.bytes
	for kind := range b.rows {
		bytes += int64(unsafe.Sizeof("")) * int64(cap(b.rows[kind].rows))
		bytes += b.rows[kind].byKey.memory()
	}
	bytes += b.domainByROID.memory() + b.hostByName.memory() + b.domainsByHost.memory() + b.domainsByContact.memory()
	bytes += int64(unsafe.Sizeof(address{}))*int64(cap(b.addresses)) + int64(unsafe.Sizeof(moment{}))*int64(cap(b.refresh))
	entries := v.quarantine.size
	for i := range v.overlay.rows {
		entries += v.overlay.rows[i].size
	}
	for i := range v.overlay.links {
		entries += v.overlay.links[i].size
	}
	return bytes + treeEntry*int64(entries)
}

func (s *slots) memory() int64 { return 8 * int64(len(s.table)) }

func (p *postings) memory() int64 {
	bytes := 4 * int64(cap(p.start)+cap(p.list))
	for key, list := range p.dangling {
		bytes += 64 + int64(len(key)) + 4*int64(cap(list))
	}
	return bytes
}
