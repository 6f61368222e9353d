package cache

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"unsafe"

	"github.com/cespare/xxhash/v2"

	"rddsd/cache/registry"
)

// A log file holds the deltas of one run of the program, in order:
//
//	magic            8 bytes, and the format version, 4 bytes
//	frames           length of the record, 4 bytes; hash, 8 bytes; record
//
// The first record is where the log begins: a position and the digest of the
// View that stood there. It follows on any View with both, on a base as well as
// on what earlier logs make of an older base. Each other record is a delta.
//
// The hash of a frame takes in the hash of the frame before it, so a record
// counts only in its place. What follows the first frame that is cut or does not
// fit its hash is torn: it had not been synced, or the disk lost it.
const (
	logMagic   = "rddslogf"
	logVersion = 1
	frameSize  = 4 + 8
)

// errRecordSize says that a delta is too large for a log: only a base holds it.
var errRecordSize = errors.New("a delta of more than 4 GiB does not fit a record")

// origin is where a log begins.
type origin struct {
	pos    Position
	digest uint64
}

func (v *View) origin() origin { return origin{v.pos, v.digest} }

func appendOrigin(dst []byte, o origin) []byte {
	return binary.LittleEndian.AppendUint64(appendPosition(dst, o.pos), o.digest)
}

// frames is the chain of hashes over the frames of one log.
type frames struct{ last uint64 }

func startFrames() frames {
	return frames{xxhash.Sum64(appendMagic(nil, logMagic, logVersion))}
}

func (f *frames) hash(length uint32, record string) uint64 {
	var head [12]byte
	binary.LittleEndian.PutUint64(head[:], f.last)
	binary.LittleEndian.PutUint32(head[8:], length)
	var sum xxhash.Digest
	sum.Reset()
	_, _ = sum.Write(head[:]) // it never fails
	_, _ = sum.WriteString(record)
	return sum.Sum64()
}

// appendFrame appends what record appends as the next frame.
func (f *frames) appendFrame(dst []byte, record func(dst []byte) []byte) ([]byte, error) {
	start := len(dst)
	dst = append(dst, make([]byte, frameSize)...)
	dst = record(dst)
	body := dst[start+frameSize:]
	if uint64(len(body)) > math.MaxUint32 {
		return dst[:start], errRecordSize
	}
	length := uint32(len(body))
	f.last = f.hash(length, unsafe.String(unsafe.SliceData(body), len(body)))
	binary.LittleEndian.PutUint32(dst[start:], length)
	binary.LittleEndian.PutUint64(dst[start+4:], f.last)
	return dst, nil
}

// next takes the next frame from r and returns its record. ok is false at the
// end, and where the log is torn.
func (f *frames) next(r *reader) (record string, ok bool) {
	length, hash := r.uint32(), r.uint64()
	record = r.take(uint64(length))
	if r.bad || f.hash(length, record) != hash {
		return "", false
	}
	f.last = hash
	return record, true
}

// appendDelta appends delta as a record. Registry and epoch are those of the
// log's origin.
func appendDelta(dst []byte, delta Delta) []byte {
	dst = appendStand(dst, delta.To)
	dst = binary.LittleEndian.AppendUint64(dst, uint64(delta.AsOf))
	dst = binary.AppendUvarint(dst, uint64(len(delta.Changes)))
	for _, c := range delta.Changes {
		dst = append(dst, byte(c.Kind))
		dst = appendText(dst, c.Name)
		dst = appendText(dst, string(c.Reject))
		dst = appendText(dst, c.Row)
	}
	return dst
}

// readDelta reads a record that appendDelta made.
func readDelta(record string, from origin) (Delta, error) {
	r := reader{rest: record}
	delta := Delta{To: from.pos}
	r.stand(&delta.To)
	delta.AsOf = r.time()
	n := r.uvarint()
	if n > uint64(len(r.rest)/4) { // a change takes four bytes at least
		return Delta{}, errCut
	}
	delta.Changes = make([]Change, n)
	for i := range delta.Changes {
		c := &delta.Changes[i]
		c.Key = Key{registry.Kind(r.byte()), r.text()}
		c.Reject, c.Row = registry.Reject(r.text()), r.text()
		if c.Kind >= registry.Kinds {
			return Delta{}, fmt.Errorf("kind %d is not one that this release knows", c.Kind)
		}
	}
	if r.bad || r.rest != "" {
		return Delta{}, errCut
	}
	return delta, nil
}

// logReader replays one log.
type logReader struct {
	rest   reader
	frames frames
	from   origin
	size   int // of the file
}

// openLog reads the log file at path up to its origin.
func openLog(path string) (*logReader, error) {
	text, err := readWhole(path)
	if err != nil {
		return nil, err
	}
	l, err := decodeLog(text)
	if err != nil {
		return nil, fmt.Errorf("read log %s: %w", path, err)
	}
	return l, nil
}

func decodeLog(text string) (*logReader, error) {
	l := &logReader{rest: reader{rest: text}, frames: startFrames(), size: len(text)}
	if err := readMagic(&l.rest, logMagic, logVersion); err != nil {
		return nil, err
	}
	record, ok := l.frames.next(&l.rest)
	if !ok {
		return nil, fmt.Errorf("where it begins: %w", errCut)
	}
	r := reader{rest: record}
	l.from = origin{r.position(), r.uint64()}
	if r.bad || r.rest != "" {
		return nil, fmt.Errorf("where it begins: %w", errCut)
	}
	return l, nil
}

// replay applies the deltas of l to d, which stands at its origin, up to the end
// or to where l is torn, and returns how many bytes of l are good. After an
// error d is of no use.
func (l *logReader) replay(d *draft) (good int, err error) {
	for {
		good = l.size - len(l.rest.rest)
		before := l.frames
		record, ok := l.frames.next(&l.rest)
		if !ok {
			return good, nil
		}
		delta, err := readDelta(record, l.from)
		if err == nil {
			err = d.pos.precedes(delta.To)
		}
		if err != nil { // the hash is good, so a fault of ours wrote it
			l.frames = before
			return good, nil
		}
		if _, err := d.apply(delta); err != nil {
			return good, err
		}
	}
}
