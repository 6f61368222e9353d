package cache

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"unsafe"
)

// A hash index finds records by their key. It holds no texts; whoever asks
// compares those of the records that it gives. It is an array of buckets, each a
// line of the processor's cache:
//
//	tags       12 bytes, of the places; 0 where there is none
//	reach      1 byte, how many buckets on the farthest place stands that belongs
//	           here; 255 = that many or more
//	unused     3 bytes, zero
//	places     12 × 4 bytes
//
// A place stands in the bucket that its hash names, or in the next one that had
// room; a search goes no farther than any place that belongs here. At nine tenths
// full a hit reads 1.3 buckets on average and a miss 2.6, side by side, where the
// processor fetches them unasked (BenchmarkBuckets); a place takes 5.9 bytes. At
// eight tenths it would be 1.1 and 1.4, and 6.7 bytes.
const (
	bucketSize   = 64
	bucketPlaces = 12
	reachAt      = 12 // in a bucket
	farthest     = 255
	placesAt     = 16
	bucketFill   = 9 // tenths
)

// part is a piece of a base, which stands at at in it.
type part struct {
	text   string
	at     uint64
	blocks *blocks
}

// good reports whether the bytes of p from from to before to are what was
// written.
func (p *part) good(from, to int) bool {
	return p.blocks == nil || p.blocks.good(p.at+uint64(from), p.at+uint64(to))
}

// fetch prefetches the line of the byte at at, if there is one.
func (p *part) fetch(at int) {
	if uint(at) < uint(len(p.text)) {
		prefetch(unsafe.Pointer(unsafe.StringData(p.text[at:])))
	}
}

// buckets is a hash index.
type buckets struct{ part }

// bucketsFor returns how many buckets hold so many places.
func bucketsFor(places int) int {
	return (places*10 + bucketPlaces*bucketFill - 1) / (bucketPlaces * bucketFill)
}

// home returns the bucket, of n, and the tag of a hash.
func home(hash uint64, n int) (bucket int, tag byte) {
	high, _ := bits.Mul64(hash, uint64(n))
	return int(high), max(1, byte(hash))
}

// probe walks the places that a hash may mean.
type probe struct {
	*buckets
	at   int    // of the bucket, in bytes
	left int    // buckets that may still follow
	tag  byte   //
	hits uint32 // a bit for each place of the bucket that is still to be given
	bad  bool   // a bucket is damaged: what was looked for may stand there
}

func (b *buckets) probe(hash uint64) probe {
	n := len(b.text) / bucketSize
	if n == 0 {
		return probe{}
	}
	bucket, tag := home(hash, n)
	p := probe{buckets: b, at: bucket * bucketSize, tag: tag}
	if p.open(); !p.bad {
		if p.left = int(p.text[p.at+reachAt]); p.left == farthest {
			p.left = n
		}
		p.left = min(p.left, n-1)
	}
	return p
}

// fetch prefetches the bucket of a hash.
func (b *buckets) fetch(hash uint64) {
	if n := len(b.text) / bucketSize; n > 0 {
		bucket, _ := home(hash, n)
		b.part.fetch(bucket * bucketSize)
	}
}

// open looks at the bucket at p.at.
func (p *probe) open() {
	if !p.good(p.at, p.at+bucketSize) {
		p.bad, p.left = true, 0
		return
	}
	s := p.text[p.at : p.at+placesAt]
	same := uint64(p.tag) * 0x0101010101010101
	p.hits = zeroBytes(uint64At(s, 0)^same) | zeroBytes(uint64(uint32At(s, 8))^same&0xffffffff|0xffffffff<<32)<<8
}

// zeroBytes returns a bit for each byte of x that is zero.
func zeroBytes(x uint64) uint32 {
	const low = 0x7f7f7f7f7f7f7f7f
	zero := ^((x&low + low) | x | low) // the high bit of each byte that is zero
	return uint32(zero >> 7 * 0x0102040810204080 >> 56)
}

// next returns the next place.
func (p *probe) next() (place uint32, ok bool) {
	for {
		if p.hits != 0 {
			i := bits.TrailingZeros32(p.hits)
			p.hits &= p.hits - 1
			return uint32At(p.text, p.at+placesAt+4*i), true
		}
		if p.left <= 0 {
			return 0, false
		}
		p.left--
		if p.at += bucketSize; p.at == len(p.text) {
			p.at = 0
		}
		p.open()
	}
}

// bucketsMaker fills the buckets of a hash index.
type bucketsMaker struct {
	memory *region
	n      int
	queue  queue
}

// makeBuckets returns empty buckets for so many places.
func makeBuckets(places int) (*bucketsMaker, error) {
	n := bucketsFor(places)
	memory, err := newRegion(n * bucketSize)
	if err != nil {
		return nil, fmt.Errorf("make a hash index of %d records: %w", places, err)
	}
	return &bucketsMaker{memory: memory, n: n}, nil
}

// add puts place under hash. There must be room: makeBuckets was told of it. It
// may be found after the next flush.
func (m *bucketsMaker) add(hash uint64, place uint32) error {
	bucket, tag := home(hash, m.n)
	if !m.queue.add(bucket*bucketSize, uint64(tag)<<32|uint64(place)) {
		return nil
	}
	return m.flush()
}

// flush puts what waits where it belongs.
func (m *bucketsMaker) flush() error {
	data := m.memory.data
	for _, e := range m.queue.take(data) {
		at, distance := e.at, 0
		for ; ; distance++ {
			bucket := data[at : at+bucketSize]
			free := zeroBytes(binary.LittleEndian.Uint64(bucket)) | zeroBytes(uint64(binary.LittleEndian.Uint32(bucket[8:]))|0xffffffff<<32)<<8
			if free != 0 {
				i := bits.TrailingZeros32(free)
				bucket[i] = byte(e.value >> 32)
				binary.LittleEndian.PutUint32(bucket[placesAt+4*i:], uint32(e.value))
				break
			}
			if distance == m.n {
				return fmt.Errorf("make a hash index: it has room for %d records and is full", m.n*bucketPlaces)
			}
			if at += bucketSize; at == len(data) {
				at = 0
			}
		}
		reach := &data[e.at+reachAt]
		*reach = max(*reach, byte(min(distance, farthest)))
	}
	return nil
}

// hashText returns a hash of text. It is unforeseeable without the seed: names
// are chosen by strangers, who must not be able to fill one bucket. It is
// wyhash's way, a multiplication for each 16 bytes; maphash would do, could its
// seed be kept in a file.
func hashText(seed uint64, text string) uint64 {
	const k0, k1, k2 = 0xa0761d6478bd642f, 0xe7037ed1a0b428db, 0x8ebc6af09c88c6e3
	h := seed ^ k0
	n := len(text)
	for len(text) > 16 {
		h = mixed(uint64At(text, 0)^k1, uint64At(text, 8)^h)
		text = text[16:]
	}
	var a, b uint64
	switch {
	case len(text) > 8:
		a, b = uint64At(text, 0), uint64At(text, len(text)-8)
	case len(text) >= 4:
		a, b = uint64(uint32At(text, 0)), uint64(uint32At(text, len(text)-4))
	default:
		for i := range len(text) {
			a |= uint64(text[i]) << (8 * i)
		}
	}
	return mixed(k2^uint64(n), mixed(a^k1, b^h)^seed)
}

func mixed(a, b uint64) uint64 {
	high, low := bits.Mul64(a, b)
	return high ^ low
}
