package cache

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"unsafe"

	"github.com/cespare/xxhash/v2"

	"rddsd/cache/registry"
)

// A base file holds one View:
//
//	magic            8 bytes, and the format version, 4 bytes
//	header           position, as-of, digest, how many objects of each kind
//	rows             one section a kind, in the order of registry.Kind: length, row, length, row, ...
//	quarantine       kind, key, reason, kind, key, reason, ...
//	trailer          length, rows and hash of each section from header to quarantine
//	end              length and hash of the trailer, 4 and 8 bytes
//
// Numbers of a fixed size are little-endian, others varints. The hash of the
// trailer takes in magic and version, so every byte of the file stands under a
// hash. The hashes are 64-bit xxHash: they are there against faults of disks and
// programs, and read a file at the speed of memory, where SHA-256 would take
// longer than everything else. Against somebody who writes into the directory no
// hash that lies beside the data helps.
//
// The rows are those of package registry; when their form changes, so does the
// format version.
const (
	baseMagic   = "rddsbase"
	baseVersion = 1
	magicSize   = len(baseMagic) + 4
	endSize     = 4 + 8

	sections = 1 + registry.Kinds + 1
)

// section is the trailer's line about one section.
type section struct {
	size, rows, hash uint64
}

func (s section) append(dst []byte) []byte {
	dst = binary.AppendUvarint(dst, s.size)
	dst = binary.AppendUvarint(dst, s.rows)
	return binary.LittleEndian.AppendUint64(dst, s.hash)
}

// appendEnd appends the end of a file that begins with start and has trailer.
func appendEnd(dst, start, trailer []byte) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(trailer)))
	return binary.LittleEndian.AppendUint64(dst, xxhash.Sum64(slices.Concat(start, trailer)))
}

// errFormat says that a file is not one that this release can read: foreign, or
// of another release.
var errFormat = errors.New("it is not in a format that this release reads")

// writeBase writes v. It holds one buffer, however large v is.
func writeBase(ctx context.Context, out io.Writer, v *View) error {
	w := &sectionWriter{out: bufio.NewWriterSize(out, 1<<18)}
	start := appendMagic(nil, baseMagic, baseVersion)
	if _, err := w.out.Write(start); err != nil {
		return err
	}
	var table [sections]section
	w.begin()
	w.write(appendHeader(nil, v))
	table[0] = w.end()
	for kind := range registry.Kind(registry.Kinds) {
		w.begin()
		for _, row := range v.from(kind, "") {
			if w.rows%1024 == 0 && ctx.Err() != nil {
				return context.Cause(ctx)
			}
			if w.row(row); w.err != nil {
				return w.err
			}
		}
		table[1+kind] = w.end()
	}
	w.begin()
	for _, key := range v.Quarantined() {
		w.scratch = append(w.scratch[:0], byte(key.Kind))
		w.scratch = appendText(w.scratch, key.Name)
		w.scratch = appendText(w.scratch, string(v.Rejection(key)))
		w.write(w.scratch)
		w.rows++
	}
	table[sections-1] = w.end()
	if w.err != nil {
		return w.err
	}
	var trailer []byte
	for _, s := range table {
		trailer = s.append(trailer)
	}
	w.write(trailer)
	w.write(appendEnd(nil, start, trailer))
	if w.err != nil {
		return w.err
	}
	return w.out.Flush()
}

func appendMagic(dst []byte, magic string, version uint32) []byte {
	return binary.LittleEndian.AppendUint32(append(dst, magic...), version)
}

// readMagic takes magic and version from the start of a file.
func readMagic(r *reader, magic string, version uint32) error {
	if got := r.take(uint64(len(magic))); got != magic {
		return fmt.Errorf("%w: it begins with %q, not %q", errFormat, got, magic)
	}
	if got := r.uint32(); got != version {
		return fmt.Errorf("%w: its format version is %d, not %d", errFormat, got, version)
	}
	return nil
}

func appendHeader(dst []byte, v *View) []byte {
	dst = appendPosition(dst, v.pos)
	dst = binary.LittleEndian.AppendUint64(dst, uint64(v.asOf))
	dst = binary.LittleEndian.AppendUint64(dst, v.digest)
	for _, n := range v.counts {
		dst = binary.AppendUvarint(dst, uint64(n))
	}
	return dst
}

// sectionWriter writes the parts of a section and hashes them. After an error
// it writes nothing more.
type sectionWriter struct {
	out     *bufio.Writer
	hash    xxhash.Digest
	size    uint64
	rows    uint64
	scratch []byte
	err     error
}

func (w *sectionWriter) begin() {
	w.hash.Reset()
	w.size, w.rows = 0, 0
}

func (w *sectionWriter) end() section { return section{w.size, w.rows, w.hash.Sum64()} }

func (w *sectionWriter) write(p []byte) {
	if w.err == nil {
		_, w.err = w.out.Write(p)
	}
	_, _ = w.hash.Write(p) // it never fails
	w.size += uint64(len(p))
}

func (w *sectionWriter) row(row string) {
	w.scratch = appendText(w.scratch[:0], row)
	w.write(w.scratch)
	w.rows++
}

// readBase reads the View in the file at path. The View keeps the file's bytes,
// read, not mapped, so nothing that happens to the file later can reach it.
func readBase(path string) (*View, error) {
	text, err := readWhole(path)
	if err != nil {
		return nil, err
	}
	v, err := decodeBase(text)
	if err != nil {
		return nil, fmt.Errorf("read base %s: %w", path, err)
	}
	return v, nil
}

// readWhole returns what stands in the file at path, as a text without a copy.
func readWhole(path string) (string, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	return unsafe.String(unsafe.SliceData(data), len(data)), nil // nobody else holds data
}

func decodeBase(text string) (*View, error) {
	body, table, err := openBase(text)
	if err != nil {
		return nil, err
	}
	b := baseReader{draft: NewBuilder(0).draft}
	for i, s := range table {
		r := reader{rest: body[:s.size]} // openBase saw that the sizes fit
		body = body[s.size:]
		if hash := xxhash.Sum64String(r.rest); hash != s.hash {
			return nil, fmt.Errorf("section %d: its hash is %x, the trailer says %x", i, hash, s.hash)
		}
		if err := b.section(i, &r, s.rows); err != nil {
			return nil, fmt.Errorf("section %d: %w", i, err)
		}
	}
	return b.end()
}

// openBase returns the sections of the base file text and the trailer's table of
// them.
func openBase(text string) (body string, table [sections]section, err error) {
	r := reader{rest: text}
	if err := readMagic(&r, baseMagic, baseVersion); err != nil {
		return "", table, err
	}
	if len(r.rest) < endSize {
		return "", table, errCut
	}
	end := reader{rest: text[len(text)-endSize:]}
	length, hash := uint64(end.uint32()), end.uint64()
	body = r.rest[:len(r.rest)-endSize]
	if length > uint64(len(body)) {
		return "", table, errCut
	}
	trailer := reader{rest: body[uint64(len(body))-length:]}
	body = body[:uint64(len(body))-length]
	sum := xxhash.New()
	_, _ = sum.WriteString(text[:magicSize]) // it never fails
	_, _ = sum.WriteString(trailer.rest)
	if got := sum.Sum64(); got != hash {
		return "", table, fmt.Errorf("its trailer's hash is %x, its end says %x", got, hash)
	}
	left := uint64(len(body))
	for i := range table {
		table[i] = section{trailer.uvarint(), trailer.uvarint(), trailer.uint64()}
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

// baseReader makes a View of the sections of a base file.
type baseReader struct {
	*draft
	wantCounts [registry.Kinds]int
	wantDigest uint64
}

// section reads the section at place i of the trailer's table: all of r.
func (b *baseReader) section(i int, r *reader, rows uint64) error {
	var err error
	switch kind := registry.Kind(i - 1); {
	case i == 0:
		b.header(r)
	case kind < registry.Kinds:
		err = b.readRows(kind, r, rows)
	default:
		b.readQuarantine(r, rows)
	}
	if err == nil && (r.bad || r.rest != "") {
		err = errCut
	}
	return err
}

func (b *baseReader) header(r *reader) {
	b.pos, b.asOf, b.wantDigest = r.position(), r.time(), r.uint64()
	for kind := range b.wantCounts {
		b.wantCounts[kind] = int(r.uvarint())
	}
}

func (b *baseReader) readRows(kind registry.Kind, r *reader, rows uint64) error {
	// A row takes two bytes at least, its length among them: more rows than that
	// are a lie that would only cost memory.
	if rows > uint64(len(r.rest)/2) {
		return errCut
	}
	b.base.reserve(kind, int(rows))
	for range rows {
		row := r.text()
		if r.bad {
			return errCut
		}
		if err := b.work.decode(kind, row); err != nil {
			return err
		}
		key, _ := rowKey(row)
		if err := b.load(Key{kind, key}, row); err != nil {
			return err
		}
	}
	return nil
}

func (b *baseReader) readQuarantine(r *reader, rows uint64) {
	for range rows {
		key := Key{registry.Kind(r.byte()), r.text()}
		reason := registry.Reject(r.text())
		if key.Kind >= registry.Kinds || reason == "" {
			r.bad = true
		}
		if r.bad {
			return
		}
		b.quarantined(key, reason)
	}
}

// end returns the View, if it is the one that the header speaks of.
func (b *baseReader) end() (*View, error) {
	if b.counts != b.wantCounts || b.digest != b.wantDigest {
		return nil, fmt.Errorf("it holds %v objects with digest %x, its header says %v with %x",
			b.counts, b.digest, b.wantCounts, b.wantDigest)
	}
	b.base.sort()
	b.index()
	return b.view(), nil
}
