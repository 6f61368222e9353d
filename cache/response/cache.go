// Package response keeps answers that are dearer to make than to look up:
// compressed bodies.
package response

import (
	"encoding/binary"
	"fmt"
	"hash/maphash"
	"math/bits"
	"sync"
	"sync/atomic"

	"github.com/dgraph-io/ristretto/v2"
)

// Cache holds bodies in gzip, the most asked for of those that fit. A body is found
// by all its bytes but its stamp, so whatever changes an answer makes another key:
// nothing is ever invalidated, and what is no longer asked for goes. All methods but
// Close are safe for concurrent use.
type Cache struct {
	packed        *ristretto.Cache[[]byte, *packed]
	before, after maphash.Seed // of what stands before a stamp and behind it
	keys          sync.Pool    // of *[keySize]byte
	hits, misses  atomic.Uint64
}

// typical is the length in bytes of an RDAP body in gzip.
const typical = 1300

// New returns a Cache that holds up to size bytes of bodies, and as much again for
// its own tables when they are short. size is above 0. The caller closes it.
func New(size int64) (*Cache, error) {
	c := &Cache{before: maphash.MakeSeed(), after: maphash.MakeSeed()}
	c.keys.New = func() any { return new([keySize]byte) }
	var err error
	c.packed, err = ristretto.NewCache(&ristretto.Config[[]byte, *packed]{
		NumCounters: max(1000, size/typical*10), // its own advice: ten for each entry
		MaxCost:     size,
		BufferItems: 64, // its own advice
		KeyToHash: func(key []byte) (uint64, uint64) {
			return binary.LittleEndian.Uint64(key), binary.LittleEndian.Uint64(key[keySize/2:])
		},
	})
	if err != nil {
		return nil, fmt.Errorf("make a cache of %d bytes for compressed bodies: %w", size, err)
	}
	return c, nil
}

// odd spreads small numbers over 64 bits.
const odd = 0x9e3779b97f4a7c15

// keySize is the length of a key in bytes: two hashes of 64 bits.
const keySize = 16

// appendKey appends the name of body: all of it but its stamp, and where that is. The hashes have seeds of this
// process: nobody can make two bodies of one name, and by chance it does not happen.
// Each half is read once.
func (c *Cache) appendKey(dst, body []byte, stamp int) []byte {
	begin, resume := stamp, stamp+StampSize
	if stamp == NoStamp {
		begin, resume = len(body)/2, len(body)/2
	}
	before, after := maphash.Bytes(c.before, body[:begin]), maphash.Bytes(c.after, body[resume:])
	dst = binary.LittleEndian.AppendUint64(dst, before^bits.RotateLeft64(after, 32))
	return binary.LittleEndian.AppendUint64(dst, after+uint64(stamp)*odd)
}

// AppendGzip appends body in gzip to dst. stamp is where in body a stamp of StampSize
// bytes stands, which may differ from that of the body in the cache, or NoStamp. The
// body is ASCII; it may be changed and restored meanwhile, so nobody else may read it.
// What is in the cache costs half a microsecond, what is not 25.
func (c *Cache) AppendGzip(dst, body []byte, stamp int) []byte {
	room := c.keys.Get().(*[keySize]byte)
	defer c.keys.Put(room)
	key := c.appendKey(room[:0], body, stamp)
	p, found := c.packed.Get(key)
	if found {
		c.hits.Add(1)
		return p.append(dst, body, stamp)
	}
	c.misses.Add(1)
	p = pack(body, stamp)
	c.packed.Set(key, p, int64(len(p.data))) // or it is dropped, and made again next time
	return p.append(dst, body, stamp)
}

// Counts are the Cache's own counters since New.
type Counts struct {
	Hits   uint64 // bodies that were in the cache
	Misses uint64 // bodies that had to be compressed
}

// Counts returns the counters. Each is exact; they are not read at one instant.
func (c *Cache) Counts() Counts { return Counts{Hits: c.hits.Load(), Misses: c.misses.Load()} }

// Close ends the Cache's goroutine and gives its memory back. Nothing may use the
// Cache any more, nor afterwards. On a nil Cache it does nothing.
func (c *Cache) Close() {
	if c != nil {
		c.packed.Close()
	}
}
