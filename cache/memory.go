package cache

// What Go's maps, slices and our trees take for an entry beside the texts it
// points at, in bytes: a map's slot of key and value at the load that its growth
// leaves on average, of two thirds. TestMemory holds the sum to the heap.
const (
	textSlot  = (16 + 16 + 1) * 3 / 2 // text to text
	listSlot  = (16 + 24 + 1) * 3 / 2 // text to list
	listEntry = 16 * 3 / 2            // in a list that was grown
	treeEntry = 56 * 3 / 2            // see entry; nodes are two thirds full
)

// Memory returns about how many bytes v takes. Views that were made from each
// other share most of them.
func (v *View) Memory() int64 {
	b := v.base
	bytes := b.bytes + v.overlay.bytes
	for _, rows := range b.rows {
		bytes += textSlot * int64(len(rows))
	}
	bytes += textSlot * int64(len(b.domainByROID.one)+len(b.hostByName.one))
	bytes += listSlot * int64(len(b.domainsByHost)+len(b.domainsByContact)+len(b.hostsByAddress))
	bytes += listEntry * b.listed
	bytes += 16*int64(cap(b.names)) + 24*int64(cap(b.refresh))
	entries := v.quarantine.size
	for i := range v.overlay.rows {
		entries += v.overlay.rows[i].size
	}
	for i := range v.overlay.links {
		entries += v.overlay.links[i].size
	}
	return bytes + treeEntry*int64(entries)
}
