package cache

import (
	"encoding/binary"
	"errors"

	"rddsd/cache/registry"
)

// errCut says that a file ends, or a part of it does, where more must stand.
var errCut = errors.New("it is cut")

// reader takes what the files of a Disk are made of from a text, whose memory
// the strings it returns share. After the first fault it returns zero values and
// bad is set. No length that it meets is trusted: it is compared with what is
// left before anything is made of it.
type reader struct {
	rest string
	bad  bool
}

func (r *reader) take(n uint64) string {
	if n > uint64(len(r.rest)) {
		r.bad, r.rest = true, ""
		return ""
	}
	s := r.rest[:n]
	r.rest = r.rest[n:]
	return s
}

func (r *reader) byte() byte {
	if s := r.take(1); s != "" {
		return s[0]
	}
	return 0
}

func (r *reader) uint32() uint32 {
	s := r.take(4)
	if s == "" {
		return 0
	}
	return uint32(s[0]) | uint32(s[1])<<8 | uint32(s[2])<<16 | uint32(s[3])<<24
}

func (r *reader) uint64() uint64 {
	low, high := r.uint32(), r.uint32()
	return uint64(high)<<32 | uint64(low)
}

func (r *reader) uvarint() uint64 {
	var x uint64
	for shift := 0; shift < 64; shift += 7 {
		b := r.byte()
		x |= uint64(b&0x7f) << shift
		if b < 0x80 {
			return x
		}
	}
	r.bad = true
	return 0
}

func (r *reader) text() string { return r.take(r.uvarint()) }

func (r *reader) time() registry.Time { return registry.Time(r.uint64()) }

func (r *reader) position() Position {
	return Position{Registry: r.text(), Epoch: r.text(), Contract: int(r.uvarint()), Serial: r.uvarint()}
}

func appendText(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

func appendPosition(dst []byte, p Position) []byte {
	dst = appendText(dst, p.Registry)
	dst = appendText(dst, p.Epoch)
	dst = binary.AppendUvarint(dst, uint64(p.Contract))
	return binary.AppendUvarint(dst, p.Serial)
}
