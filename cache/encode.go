package cache

import (
	"encoding/binary"
	"errors"
	"os"

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
	p := Position{Registry: r.text(), Epoch: r.text()}
	r.stand(&p)
	return p
}

// stand reads what appendStand appends.
func (r *reader) stand(p *Position) {
	contract := r.uvarint()
	p.Contract, p.Serial, p.Resume = int(contract&^withResume), r.uvarint(), ""
	if contract&withResume != 0 {
		p.Resume = r.text()
		r.bad = r.bad || p.Resume == "" // then no Resume would have followed
	}
}

// withResume stands beside the contract's version where a Resume follows: so
// files of registries that have none are those of releases that knew none.
const withResume = 1 << 31

func appendText(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

func appendPosition(dst []byte, p Position) []byte {
	dst = appendText(dst, p.Registry)
	dst = appendText(dst, p.Epoch)
	return appendStand(dst, p)
}

// appendStand appends how far p is in its epoch.
func appendStand(dst []byte, p Position) []byte {
	contract := uint64(p.Contract)
	if p.Resume != "" {
		contract |= withResume
	}
	dst = binary.AppendUvarint(dst, contract)
	dst = binary.AppendUvarint(dst, p.Serial)
	if p.Resume != "" {
		dst = appendText(dst, p.Resume)
	}
	return dst
}

// readWhole returns what stands in the file at path, as a text without a copy.
func readWhole(path string) (string, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	return textOf(data), nil // nobody else holds data
}
