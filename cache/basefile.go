package cache

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"

	"rddsd/cache/registry"
)

// A base file is a base, see there. Numbers of a fixed size are little-endian,
// others varints. Every byte of it stands under a hash: those of the table under
// the one at its end, which takes in the magic, and all others under those in the
// table, a block each. A file is opened without being read: whoever needs a block
// first checks it (blocks).
//
// The hashes are 64-bit xxHash: they are there against faults of disks and
// programs, and read a file at the speed of memory, where SHA-256 would take
// longer than everything else. Against somebody who writes into the directory no
// hash that lies beside the data helps.
//
// When the form of a record changes, or of a row, so does the format version.
// Files of version 1, which held rows, are read by format1.go.
const (
	baseMagic   = "rddsbase"
	baseVersion = 2
	magicSize   = len(baseMagic) + 4
	endSize     = 8 + 8
)

// errFormat says that a file is not one that this release can read: foreign, or
// of another release.
var errFormat = errors.New("it is not in a format that this release reads")

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

// appendTable appends the table of a base with layout that holds what v holds,
// without the hashes of the blocks.
func appendTable(dst []byte, l *layout, v *View) []byte {
	dst = appendPosition(dst, v.pos)
	dst = binary.LittleEndian.AppendUint64(dst, uint64(v.asOf))
	dst = binary.LittleEndian.AppendUint64(dst, v.digest)
	dst = binary.LittleEndian.AppendUint64(dst, l.seed)
	dst = binary.AppendUvarint(dst, l.body)
	for kind := range l.counts {
		dst = binary.AppendUvarint(dst, uint64(l.counts[kind]))
		dst = append(dst, l.shifts[kind])
	}
	for _, e := range l.extents {
		dst = binary.AppendUvarint(binary.AppendUvarint(dst, e.at), e.size)
	}
	dst = append(dst, l.bits[:]...)
	dst = appendTextList(dst, l.tails)
	dst = binary.AppendUvarint(dst, uint64(len(l.forms)))
	for _, f := range l.forms {
		dst = appendText(appendText(dst, f.before), f.after)
	}
	dst = binary.AppendUvarint(dst, uint64(len(l.shapes)))
	for _, s := range l.shapes {
		dst = binary.AppendUvarint(binary.AppendUvarint(dst, uint64(s.flags)), uint64(s.statuses))
	}
	dst = binary.AppendUvarint(dst, uint64(v.quarantine.size))
	for c := v.quarantine.from("", ""); c.at() != nil; c.next() {
		dst = append(dst, c.at().a[0])
		dst = appendText(appendText(dst, c.at().b), c.at().value)
	}
	return dst
}

// OpenBase returns the View in the base file at path, with an empty overlay. Its
// misses may not be told before somebody says until when (Refreshed). The file is
// mapped and not read, so it must not be changed while a View of it is in use; it
// may be removed. log, default slog.Default(), hears of damage that is found in it
// later, once. A file of
// the release before is read whole.
func OpenBase(path string, log *slog.Logger) (*View, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	memory, err := openRegion(file, info.Size())
	if err != nil {
		return nil, err
	}
	v, err := openBase(memory, path, log)
	if err != nil {
		return nil, fmt.Errorf("read base %s: %w", path, err)
	}
	return v, nil
}

// openBase returns the View in the bytes of a base file.
func openBase(memory *region, path string, log *slog.Logger) (*View, error) {
	text := textOf(memory.data)
	if r := (reader{rest: text}); readMagic(&r, baseMagic, baseVersion1) == nil {
		return readBase1(text)
	}
	if err := readMagic(&reader{rest: text}, baseMagic, baseVersion); err != nil {
		return nil, err
	}
	table, err := tableOf(memory.data)
	if err != nil {
		return nil, err
	}
	d := &draft{own: new(owner), View: emptyView()}
	b := &base{memory: memory}
	// The table goes when the mapping does, and what is made of it stays.
	r := &reader{rest: strings.Clone(table)}
	if err := d.readTable(b, r); err != nil {
		return nil, err
	}
	hashes := make([]uint64, r.count(8))
	for i := range hashes {
		hashes[i] = r.uint64()
	}
	body := uint64(len(text) - endSize - len(table))
	if r.bad || r.rest != "" || b.body != body || uint64(len(hashes)) != (body+blockSize-1)/blockSize {
		return nil, fmt.Errorf("its table speaks of another file: %w", errCut)
	}
	for id, e := range b.extents {
		if e.at > body || e.size > body-e.at || e.at%partAlign != 0 {
			return nil, fmt.Errorf("its part %d is said to stand at %d and to have %d bytes: %w", id, e.at, e.size, errCut)
		}
	}
	b.use(memory.data[:body], newBlocks(memory.data[:body], hashes, path, cmp.Or(log, slog.Default())))
	if err := b.plausible(); err != nil {
		return nil, err
	}
	d.base, d.counts = b, b.counts
	if err := d.learnAll(); err != nil {
		return nil, err
	}
	return d.view(), nil
}

// tableOf returns the table of a base file.
func tableOf(data []byte) (string, error) {
	if len(data) < magicSize+endSize {
		return "", errCut
	}
	end := reader{rest: textOf(data[len(data)-endSize:])}
	length, hash := end.uint64(), end.uint64()
	if length > uint64(len(data)-magicSize-endSize) {
		return "", errCut
	}
	table := data[uint64(len(data)-endSize)-length : len(data)-endSize]
	if got := tableHash(data[:magicSize], table); got != hash {
		return "", fmt.Errorf("its table's hash is %x, its end says %x", got, hash)
	}
	return textOf(table), nil
}

// count takes a number of things that take so many bytes at least, each.
func (r *reader) count(least int) int {
	n := r.uvarint()
	if n > uint64(len(r.rest)/least) {
		r.bad = true
		return 0
	}
	return int(n)
}

// readTable reads what appendTable appends.
func (d *draft) readTable(b *base, r *reader) error {
	d.pos, d.asOf, d.digest = r.position(), r.time(), r.uint64()
	b.seed, b.body = r.uint64(), r.uvarint()
	for kind := range b.counts {
		n := r.uvarint()
		b.counts[kind], b.shifts[kind] = int(n), r.byte()
		if n >= 1<<32 || b.shifts[kind] > maxShift {
			return fmt.Errorf("its table counts %d objects of kind %s: %w", n, registry.Kind(kind), errCut)
		}
	}
	for i := range b.extents {
		b.extents[i] = extent{r.uvarint(), r.uvarint()}
	}
	for i := range b.bits {
		if b.bits[i] = r.byte(); b.bits[i] > 32 {
			return fmt.Errorf("its table gives a value %d bits of 32: %w", b.bits[i], errCut)
		}
	}
	for range r.count(1) {
		b.tails = append(b.tails, r.text())
	}
	for range r.count(2) {
		b.forms = append(b.forms, form{r.text(), r.text()})
	}
	for range r.count(2) {
		b.shapes = append(b.shapes, shape{uint32(r.uvarint()), registry.Status(r.uvarint())})
	}
	for range r.count(3) {
		key := Key{registry.Kind(r.byte()), r.text()}
		reason := registry.Reject(r.text())
		if key.Kind >= registry.Kinds || reason == "" || r.bad {
			return fmt.Errorf("its quarantine: %w", errCut)
		}
		digest := d.digest // it takes the quarantine in already
		d.quarantined(key, reason)
		d.digest = digest
	}
	d.rejected = nil
	return nil
}

// plausible checks what a look-up relies on without asking.
func (b *base) plausible() error {
	for kind := range b.kinds {
		t := &b.kinds[kind]
		most := len(t.records.text) / minRecord
		if t.count > most || len(t.samples.text) != (t.count+sampleEvery-1)/sampleEvery*4 ||
			len(t.byKey.text)%bucketSize != 0 || t.count > len(t.byKey.text)/bucketSize*bucketPlaces {
			return fmt.Errorf("its table counts %d objects of kind %s, its parts hold others: %w", t.count, t.kind, errCut)
		}
	}
	for _, ix := range [...]packed{b.domainByROID, b.hostByName} {
		if len(ix.text)%bucketSize != 0 {
			return fmt.Errorf("an index ends within a bucket: %w", errCut)
		}
	}
	return nil
}

// learnAll decodes the few objects that a View holds decoded.
func (d *draft) learnAll() error {
	for _, kind := range [...]registry.Kind{registry.KindTLD, registry.KindRegistrar} {
		t := &d.base.kinds[kind]
		for place := uint32(0); t.more(place); {
			row, end, ok := t.rowAt(place)
			key, whole := rowKey(row)
			if !ok || !whole {
				return errors.Join(fmt.Errorf("a %s is damaged: %w", kind, errCut), d.base.blocks.damaged())
			}
			if err := d.learn(Key{kind, strings.Clone(key)}, strings.Clone(row)); err != nil {
				return err
			}
			place = t.after(place, end)
		}
	}
	d.index()
	return nil
}

// copyBody writes all of b but its table to w.
func (b *base) copyBody(w *baseWriter) error {
	at := uint64(0)
	for chunk := range slices.Chunk(b.memory.data[:b.body], blockSize) {
		if !b.blocks.good(at, at+uint64(len(chunk))) {
			return b.blocks.damaged()
		}
		if err := w.write(chunk); err != nil {
			return err
		}
		at += uint64(len(chunk))
	}
	return nil
}
