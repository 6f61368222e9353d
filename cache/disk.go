package cache

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"slices"
	"sync"
	"time"
)

// Disk keeps the registry in a directory, so that a start without the registry
// serves what was served last: base files, each a whole View, and log files with
// the deltas since. One process has a directory at a time, and every file in it
// is written once.
//
// Two generations are kept: the newest base and the one before it, each with the
// logs that lead on from it. A start takes the newest base that is whole, and
// goes from log to log as long as the next one begins at the very state that was
// reached. So where the newest base is damaged, the one before it and its logs
// lead to the same place, and on through the logs of the newest.
//
// After a failed write the logs lack a delta, and none can follow it: Append
// fails until WriteBase has made a new base, and LogSize says that one is due.
//
// Its methods are safe for concurrent use; they wait for each other.
type Disk struct {
	Log *slog.Logger // tells of files that were skipped; default slog.Default()

	mu       sync.Mutex
	dir      directory
	lockFile *os.File

	newest   uint64    // number of the newest file
	base     uint64    // number of the base that the logs lead on from; 0 = none
	at       origin    // the state they lead to; the digest holds only as long as log is nil
	end      ending    // the last file of it
	logs     int       // how many there are
	logBytes int64     // in all of them
	lastPoll time.Time // from the last clean shutdown, when all of it was read

	log      *outFile // nil until the first Append after a start or a base
	frames   frames
	created  bool // the directory is to be synced too
	unsynced bool
	broken   error // why the logs cannot be continued
	buffer   []byte
}

// maxLogs is how many logs lead on from a base before a new one is due: every
// run of the program that appends makes one.
const maxLogs = 64

// OpenDisk takes the directory dir for this process and makes it if need be.
// It fails when another process has it. Load comes next, Close last.
func OpenDisk(dir string) (*Disk, error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, fmt.Errorf("open the local copy of the registry: %w", err)
	}
	d := &Disk{Log: slog.Default(), dir: directory{path: dir}}
	lock, err := d.dir.lock()
	if err != nil {
		return nil, fmt.Errorf("open the local copy of the registry: %w", err)
	}
	d.lockFile = lock
	return d, nil
}

// Load returns the newest View that the files give, nil when they give none. It
// is called once, before anything is written. Files that are torn, foreign or of
// another release's format are skipped, with a line in the log each.
//
// If the last run was shut down cleanly and all that it wrote is there, the
// misses of the View may be told until maxMissAge after its last good poll, by
// the edge's clock. Else they may not be told at all until the feed has said
// what is missing: a name may have been registered, and answered, since.
func (d *Disk) Load(now time.Time, maxMissAge time.Duration) (*View, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	bases, logs, err := d.dir.list()
	if err != nil {
		return nil, fmt.Errorf("load the local copy of the registry: %w", err)
	}
	d.newest = max(last(bases), last(logs))
	shutdown := d.takeCleanMark()
	for _, number := range slices.Backward(bases) {
		view, err := readBase(d.dir.file(baseName(number)))
		if err != nil {
			d.Log.Warn("skipped a file of the local copy", "error", err)
			continue
		}
		draft := view.fork()
		end, err := d.replay(draft, number, logs)
		if err != nil {
			d.Log.Warn("skipped a file of the local copy", "error", err)
			continue
		}
		d.base, d.at, d.end = number, draft.origin(), end
		if shutdown.follows(end, d.newest) && !now.Before(shutdown.lastPoll) {
			d.lastPoll = shutdown.lastPoll
			draft.missUntil = shutdown.lastPoll.Add(maxMissAge)
		}
		return draft.view(), nil
	}
	return nil, nil
}

func last(numbers []uint64) uint64 {
	if len(numbers) == 0 {
		return 0
	}
	return numbers[len(numbers)-1]
}

// replay applies the logs that lead on from base to draft, one after the other,
// and returns where they end.
func (d *Disk) replay(draft *draft, base uint64, logs []uint64) (ending, error) {
	end := ending{file: base, state: draft.digest}
	d.logs, d.logBytes = 0, 0
	for _, number := range logs {
		if number < base {
			continue
		}
		path := d.dir.file(logName(number))
		l, err := openLog(path)
		if err != nil {
			d.Log.Warn("skipped a file of the local copy", "error", err)
			continue
		}
		if l.from != draft.origin() {
			d.Log.Warn("skipped a file of the local copy",
				"error", fmt.Errorf("log %s does not follow on what was read before it", path))
			continue
		}
		good, err := l.replay(draft)
		if err != nil {
			return end, fmt.Errorf("replay log %s: %w", path, err)
		}
		end = ending{file: number, state: l.frames.last}
		d.logs++
		d.logBytes += int64(l.size)
		if good < l.size {
			d.Log.Warn("the local copy lacks the last changes: the feed brings them again",
				"log", path, "bytes", l.size, "good", good)
		}
	}
	return end, nil
}

// WriteBase writes v as the newest base and starts a new log. When it returns
// nil, v is on disk for good, and of the older files those that the generation
// before it needs are left. When it fails, the files are as good as before.
func (d *Disk) WriteBase(v *View) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.sync(); err != nil {
		// Only the generation before the new base wants that log.
		d.broken = err
		d.Log.Warn("the older generation of the local copy lacks the last changes", "error", err)
	}
	d.newest++
	name := baseName(d.newest)
	err := d.dir.replace(name, func(out *outFile) error { return writeBase(context.Background(), out, v) })
	if err != nil {
		if _, gone := os.Stat(d.dir.file(name)); !errors.Is(gone, os.ErrNotExist) {
			// A start may take this base or the one before it, so no log can
			// follow on either.
			d.broken = err
		}
		return fmt.Errorf("write a base: %w", err)
	}
	d.closeLog()
	before := d.base
	d.base, d.at, d.end = d.newest, v.origin(), ending{file: d.newest, state: v.digest}
	d.logs, d.logBytes, d.broken = 0, 0, nil
	if err := d.prune(before); err != nil {
		d.Log.Warn("old files of the local copy are left over", "error", err)
	}
	return nil
}

// prune removes what neither the newest base needs nor the one with the number
// before. Where that is 0, nobody knows which base before is good: the newest of
// them stays.
func (d *Disk) prune(before uint64) error {
	bases, logs, err := d.dir.list()
	if err != nil {
		return err
	}
	if before == 0 {
		before = last(bases[:max(0, len(bases)-1)])
	}
	for _, number := range bases {
		if number != before && number != d.base {
			err = errors.Join(err, d.dir.remove(baseName(number)))
		}
	}
	for _, number := range logs {
		if number < before {
			err = errors.Join(err, d.dir.remove(logName(number)))
		}
	}
	return errors.Join(err, d.dir.sweep())
}

// Append writes delta to the log; Sync makes it durable. It is called before the
// View after delta is published, so that nothing is answered that a start would
// not know. After an error see Disk.
func (d *Disk) Append(delta Delta) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.append(delta); err != nil {
		d.broken = err
		return fmt.Errorf("append a delta to the local copy: %w", err)
	}
	return nil
}

func (d *Disk) append(delta Delta) error {
	if d.broken != nil {
		return fmt.Errorf("an earlier write failed, a new base is needed: %w", d.broken)
	}
	if d.base == 0 {
		return errors.New("it has no base yet")
	}
	if err := d.at.pos.precedes(delta.To); err != nil {
		return err
	}
	buffer := d.buffer[:0]
	if d.log == nil {
		var err error
		if buffer, err = d.beginLog(buffer); err != nil {
			return err
		}
	}
	buffer, err := d.frames.appendFrame(buffer, func(dst []byte) []byte { return appendDelta(dst, delta) })
	if err != nil {
		return err
	}
	if d.buffer = buffer; cap(buffer) > maxBuffer {
		d.buffer = nil
	}
	d.unsynced = true
	if _, err := d.log.Write(buffer); err != nil {
		return err
	}
	d.logBytes += int64(len(buffer))
	d.at.pos, d.end = delta.To, ending{file: d.newest, state: d.frames.last}
	return nil
}

// maxBuffer is the largest buffer that is kept from one Append to the next, in
// bytes.
const maxBuffer = 1 << 20

// beginLog makes a new log and returns buffer with what it begins with.
func (d *Disk) beginLog(buffer []byte) ([]byte, error) {
	d.newest++
	log, err := d.dir.create(logName(d.newest))
	if err != nil {
		return buffer, err
	}
	d.log, d.frames, d.created = log, startFrames(), true
	d.logs++
	buffer = appendMagic(buffer, logMagic, logVersion)
	return d.frames.appendFrame(buffer, func(dst []byte) []byte { return appendOrigin(dst, d.at) })
}

// Sync makes durable what Append wrote. It does nothing when all is.
func (d *Disk) Sync() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.sync(); err != nil {
		// What the system has dropped by now no later sync brings back.
		d.broken = err
		return fmt.Errorf("sync the local copy: %w", err)
	}
	return nil
}

func (d *Disk) sync() error {
	if !d.unsynced {
		return nil
	}
	if err := d.log.sync(); err != nil {
		return err
	}
	if d.created {
		if err := d.dir.sync(); err != nil {
			return err
		}
	}
	d.created, d.unsynced = false, false
	return nil
}

// LogSize returns how many bytes of deltas a start would have to replay, and
// math.MaxInt64 when a new base is due however few they are: there is none, a
// write failed, or there are many logs.
func (d *Disk) LogSize() int64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.base == 0 || d.broken != nil || d.logs > maxLogs {
		return math.MaxInt64
	}
	return d.logBytes
}

// Close ends the use of the directory. With clean it notes that nothing is
// missing from the files, and that the feed was last known to be complete at
// lastPoll, by the edge's clock; the zero lastPoll says that this run had no
// good poll.
func (d *Disk) Close(lastPoll time.Time, clean bool) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.lockFile == nil {
		return nil
	}
	err := d.sync()
	if err == nil && clean {
		err = d.leaveCleanMark(lastPoll)
	}
	d.closeLog()
	err = errors.Join(err, d.lockFile.Close())
	d.lockFile = nil
	if err != nil {
		return fmt.Errorf("close the local copy of the registry: %w", err)
	}
	return nil
}

// closeLog gives the log up: the next Append makes a new one. Whoever wants to
// know that it is whole has synced it.
func (d *Disk) closeLog() {
	if d.log != nil {
		_ = d.log.close()
	}
	d.log, d.unsynced, d.created = nil, false, false
}
