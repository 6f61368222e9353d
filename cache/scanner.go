package cache

import (
	"encoding/binary"
	"math/bits"

	"rddsd/cache/registry"
)

// scanner reads a record. The bytes may be anything: past their end, and after a
// number that cannot be, it returns zero values and is bad. What it returns
// shares the memory of s.
type scanner struct {
	s   string
	i   int
	bad bool
}

func (c *scanner) byte() byte {
	if c.i >= len(c.s) {
		c.bad = true
		return 0
	}
	b := c.s[c.i]
	c.i++
	return b
}

func (c *scanner) uvarint() uint64 {
	if c.i < len(c.s) && c.s[c.i] < 0x80 {
		b := c.s[c.i]
		c.i++
		return uint64(b)
	}
	return c.longUvarint()
}

func (c *scanner) longUvarint() uint64 {
	var x uint64
	for shift := 0; shift < 64; shift += 7 {
		b := c.byte()
		x |= uint64(b&0x7f) << shift
		if b < 0x80 {
			return x
		}
	}
	c.bad = true
	return 0
}

func (c *scanner) varint() int64 { return unzigzag(c.uvarint()) }

func zigzag(x int64) uint64 { return uint64(x)<<1 ^ uint64(x>>63) }

func unzigzag(x uint64) int64 { return int64(x>>1) ^ -int64(x&1) }

// take returns the next n bytes.
func (c *scanner) take(n uint64) string {
	if n > uint64(len(c.s)-c.i) {
		c.i, c.bad = len(c.s), true
		return ""
	}
	s := c.s[c.i : c.i+int(n)]
	c.i += int(n)
	return s
}

func (c *scanner) text() string { return c.take(c.uvarint()) }

// sized returns the number in the next n bytes, 8 at most.
func (c *scanner) sized(n int) uint64 {
	if i := c.i; i+8 <= len(c.s) {
		c.i += n
		return uint64At(c.s, i) & (1<<(8*n) - 1)
	}
	return c.lastSized(n)
}

func (c *scanner) lastSized(n int) uint64 {
	var x uint64
	for i, b := range []byte(c.take(uint64(n))) {
		x |= uint64(b) << (8 * i)
	}
	return x
}

// seconds returns a time of four bytes, in whole seconds.
func (c *scanner) seconds() registry.Time { return registry.Time(c.sized(4)) * second }

const second = registry.Time(1e6)

// uint32At and uint64At return the little-endian number at i in s.
func uint32At(s string, i int) uint32 {
	s = s[i : i+4]
	return uint32(s[0]) | uint32(s[1])<<8 | uint32(s[2])<<16 | uint32(s[3])<<24
}

func uint64At(s string, i int) uint64 {
	s = s[i : i+8]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

// appendNumber appends x as scanner.uvarint reads it.
func appendNumber(dst []byte, x uint64) []byte {
	if x < 0x80 {
		return append(dst, byte(x))
	}
	return binary.AppendUvarint(dst, x)
}

func appendSized(dst []byte, x uint64, n int) []byte {
	var bytes [8]byte
	binary.LittleEndian.PutUint64(bytes[:], x)
	return append(dst, bytes[:n]...)
}

// sizeOf returns how many bytes x takes, at least one.
func sizeOf(x uint64) int { return max(1, (bits.Len64(x)+7)/8) }

func appendSeconds(dst []byte, t registry.Time) []byte { return appendSized(dst, uint64(t/second), 4) }

// plainTime reports whether appendSeconds holds t whole.
func plainTime(t registry.Time) bool { return t >= 0 && t%second == 0 && t/second < 1<<32 }
