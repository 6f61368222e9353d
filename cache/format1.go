package cache

import (
	"fmt"
	"time"

	"github.com/cespare/xxhash/v2"

	"rddsd/cache/registry"
)

// Base files of format version 1 held rows, and were read whole:
//
//	magic            8 bytes, and the format version, 4 bytes
//	header           position, as-of, digest, how many objects of each kind
//	rows             one section a kind, in the order of registry.Kind: length, row, length, row, ...
//	quarantine       kind, key, reason, kind, key, reason, ...
//	trailer          length, rows and hash of each section from header to quarantine
//	end              length and hash of the trailer, 4 and 8 bytes
//
// The hash of the trailer takes in magic and version. A start reads such a file
// once, by building a base of it; the next base that is written is of this
// release's format.
const (
	baseVersion1 = 1
	end1Size     = 4 + 8
	sections1    = 1 + registry.Kinds + 1
)

// section1 is the trailer's line about one section.
type section1 struct {
	size, rows, hash uint64
}

// readBase1 returns the View in the base file text.
func readBase1(text string) (*View, error) {
	body, table, err := sectionsOf1(text)
	if err != nil {
		return nil, err
	}
	b := base1Reader{Builder: NewBuilder(0)}
	for i, s := range table {
		r := reader{rest: body[:s.size]} // sectionsOf1 saw that the sizes fit
		body = body[s.size:]
		if hash := xxhash.Sum64String(r.rest); hash != s.hash {
			err = fmt.Errorf("its hash is %x, the trailer says %x", hash, s.hash)
		} else {
			err = b.section(i, &r, s.rows)
		}
		if err != nil {
			b.Discard()
			return nil, fmt.Errorf("section %d: %w", i, err)
		}
	}
	return b.view()
}

// sectionsOf1 returns the sections of a base file and the trailer's table of them.
func sectionsOf1(text string) (body string, table [sections1]section1, err error) {
	r := reader{rest: text}
	if err := readMagic(&r, baseMagic, baseVersion1); err != nil {
		return "", table, err
	}
	if len(r.rest) < end1Size {
		return "", table, errCut
	}
	end := reader{rest: text[len(text)-end1Size:]}
	length, hash := uint64(end.uint32()), end.uint64()
	body = r.rest[:len(r.rest)-end1Size]
	if length > uint64(len(body)) {
		return "", table, errCut
	}
	trailer := reader{rest: body[uint64(len(body))-length:]}
	body = body[:uint64(len(body))-length]
	if got := tableHash([]byte(text[:magicSize]), []byte(trailer.rest)); got != hash {
		return "", table, fmt.Errorf("its trailer's hash is %x, its end says %x", got, hash)
	}
	left := uint64(len(body))
	for i := range table {
		table[i] = section1{trailer.uvarint(), trailer.uvarint(), trailer.uint64()}
		if table[i].size > left {
			return "", table, errCut
		}
		left -= table[i].size
	}
	if left != 0 || trailer.bad || trailer.rest != "" {
		return "", table, fmt.Errorf("its trailer speaks of another file: %w", errCut)
	}
	return body, table, nil
}

// base1Reader builds the View of a base file, section by section.
type base1Reader struct {
	*Builder
	pos        Position
	asOf       registry.Time
	wantCounts [registry.Kinds]int
	wantDigest uint64
	bad        []Rejected // its quarantine
}

// section reads the section at place i of the trailer's table: all of r.
func (b *base1Reader) section(i int, r *reader, rows uint64) error {
	switch kind := registry.Kind(i - 1); {
	case i == 0:
		b.pos, b.asOf, b.wantDigest = r.position(), r.time(), r.uint64()
		for kind := range b.wantCounts {
			b.wantCounts[kind] = int(r.uvarint())
		}
	case kind < registry.Kinds:
		for range rows {
			row := r.text()
			if r.bad {
				return errCut
			}
			if err := b.row(kind, row); err != nil {
				return err
			}
		}
	default:
		for range rows {
			bad := Rejected{Key{registry.Kind(r.byte()), r.text()}, registry.Reject(r.text())}
			if r.bad || bad.Kind >= registry.Kinds || bad.Reason == "" {
				return errCut
			}
			b.bad = append(b.bad, bad)
		}
	}
	if r.bad || r.rest != "" {
		return errCut
	}
	return nil
}

// row adds a row, which was published once and stays so: what it depends on may
// have gone since.
func (b *base1Reader) row(kind registry.Kind, row string) error {
	row, w := b.room(kind, row)
	if err := w.decode(kind, row); err != nil {
		return err
	}
	key, _ := rowKey(row)
	return b.load(Key{kind, key}, row, w)
}

// view returns the View, if it is the one that the header speaks of.
func (b *base1Reader) view() (*View, error) {
	v, err := b.View(b.pos, b.asOf, time.Time{})
	if err != nil {
		return nil, err
	}
	d := v.fork()
	for _, bad := range b.bad {
		d.quarantined(bad.Key, bad.Reason)
	}
	if d.counts != b.wantCounts || d.digest != b.wantDigest {
		return nil, fmt.Errorf("it holds %v objects with digest %x, its header says %v with %x", d.counts, d.digest, b.wantCounts, b.wantDigest)
	}
	return d.view(), nil
}
