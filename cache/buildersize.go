package cache

// indexShare is about what finding one object takes in a base, in bytes: by key,
// by a second key, in the lists of what it is referred to by.
const indexShare = 14

// Memory returns about how many bytes the View would take if no more objects
// came, to a fifth. To make it takes up to a third more for a while.
func (b *Builder) Memory() int64 {
	if b.maker == nil {
		return 0
	}
	return int64(b.maker.out.size) + int64(b.spool.bytes) + indexShare*int64(b.spool.count)
}
