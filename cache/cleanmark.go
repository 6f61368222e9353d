package cache

import (
	"encoding/binary"
	"errors"
	"os"
	"time"

	"github.com/cespare/xxhash/v2"
)

// The clean mark is a file of its own, there only between a clean shutdown and
// the next start, which takes it away before it serves anything. If it stood in
// the log, then a disk too full to write after it would leave it there, and it
// would vouch for a run that it knows nothing of; a file can be removed from a
// full disk.
//
//	magic            8 bytes, and the format version, 4 bytes
//	last poll        microseconds since 1970, 8 bytes
//	ending           number of the last file, 8 bytes; its state, 8 bytes
//	hash             of all before it, 8 bytes
const (
	cleanMagic   = "rddsclea"
	cleanVersion = 1
	cleanSize    = magicSize + 8 + 8 + 8 + 8
)

// ending is where what was read or written ends.
type ending struct {
	file  uint64 // number of the last file
	state uint64 // of a log the hash of its last good frame, of a base the digest
}

type cleanMark struct {
	lastPoll time.Time
	ending   ending
}

// follows reports whether the mark vouches for what was read: it ends where the
// mark says, and no file is newer.
func (m *cleanMark) follows(end ending, newest uint64) bool {
	return m != nil && m.ending == end && end.file == newest
}

// leaveCleanMark notes that the files hold all that was published.
func (d *Disk) leaveCleanMark(lastPoll time.Time) error {
	if d.broken != nil {
		return d.broken
	}
	if lastPoll.IsZero() {
		lastPoll = d.lastPoll
	}
	if d.base == 0 || lastPoll.IsZero() {
		return nil
	}
	mark := appendMagic(nil, cleanMagic, cleanVersion)
	mark = binary.LittleEndian.AppendUint64(mark, uint64(lastPoll.UnixMicro()))
	mark = binary.LittleEndian.AppendUint64(mark, d.end.file)
	mark = binary.LittleEndian.AppendUint64(mark, d.end.state)
	mark = binary.LittleEndian.AppendUint64(mark, xxhash.Sum64(mark))
	return d.dir.replace(cleanName, func(out *outFile) error {
		_, err := out.Write(mark)
		return err
	})
}

// takeCleanMark reads the mark and takes it away. It returns nil when there is
// none, and when it cannot be taken away: the run that begins now would leave it
// behind.
func (d *Disk) takeCleanMark() *cleanMark {
	text, err := readWhole(d.dir.file(cleanName))
	if err != nil {
		if !errors.Is(err, os.ErrNotExist) {
			d.Log.Warn("skipped a file of the local copy", "error", err)
		}
		return nil
	}
	err = errors.Join(d.dir.remove(cleanName), d.dir.sync())
	if err != nil {
		d.Log.Warn("cannot note in the local copy that a run began: what it lacks is answered as unknown", "error", err)
		return nil
	}
	r := reader{rest: text}
	if len(text) != cleanSize || readMagic(&r, cleanMagic, cleanVersion) != nil {
		return nil
	}
	mark := &cleanMark{lastPoll: time.UnixMicro(int64(r.uint64()))}
	mark.ending = ending{file: r.uint64(), state: r.uint64()}
	if xxhash.Sum64String(text[:cleanSize-8]) != r.uint64() {
		return nil
	}
	return mark
}
