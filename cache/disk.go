package cache

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math"
	"os"
	"slices"
	"sync"
	"syscall"
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
// A new base is written aside: BeginBase notes at which state it stands and has
// the deltas after that go to a log of their own, Write makes the file, however
// long that takes, and Append goes on meanwhile. Until the base is there, the
// older one and all logs since lead to the same place.
//
// After a failed write the logs lack a delta, and none can follow it: Append
// fails until BeginBase, and LogSize says that a new base is due.
//
// Its methods are safe for concurrent use; none but Write, Load and Renew takes
// longer than the disk takes for a few small files, and Append does not wait for
// Sync.
type Disk struct {
	Log *slog.Logger // tells of files that were skipped; default slog.Default()

	writing sync.Mutex // one base at a time is written
	syncing sync.Mutex // one sync of the log at a time, while deltas are appended; taken before mu

	mu       sync.Mutex
	dir      directory
	lockFile *os.File // nil while nothing could be written, and nothing was
	closed   bool

	newest   uint64    // number of the newest file, or of one that was to be
	base     uint64    // number of the newest base that is whole; 0 = none
	bad      uint64    // number of a base that turned out to be damaged; 0 = none
	detached bool      // the newest logs lead on from a base that is still being written, and from no other
	at       origin    // the state that the logs lead to; the digest holds only as long as log is nil
	end      ending    // the last file of them
	logs     []logFile // those that lead on from base, in order
	lastPoll time.Time // from the last clean shutdown, when all of it was read

	log      *outFile // nil until the first Append after a start or a base
	frames   frames
	created  bool // the directory is to be synced too
	unsynced bool
	broken   error // why the logs cannot be continued
	buffer   []byte
}

// logFile is a log that a start would replay.
type logFile struct {
	number uint64
	bytes  int64
}

// maxLogs is how many logs lead on from a base before a new one is due: every
// run of the program that appends makes one.
const maxLogs = 64

// OpenDisk takes the directory dir for this process and makes it if need be.
// It fails when another process has it. A directory that cannot be written is no
// reason to fail: what is there can be served, and each write tries anew to take
// it. Load comes next, Close last.
func OpenDisk(dir string) (*Disk, error) {
	d := &Disk{Log: slog.Default(), dir: directory{path: dir}}
	if err := d.take(); err != nil && !unwritable(err) {
		return nil, fmt.Errorf("open the local copy of the registry: %w", err)
	}
	return d, nil
}

// take makes the directory and locks it, unless that is done.
func (d *Disk) take() error {
	if d.lockFile != nil {
		return nil
	}
	if err := os.MkdirAll(d.dir.path, 0o750); err != nil {
		return err
	}
	lock, err := d.dir.lock()
	if err != nil {
		return err
	}
	d.lockFile = lock
	return nil
}

// unwritable reports whether err may pass by itself: the disk is full, faulty or
// may only be read, or an operator has not given the right to write yet.
func unwritable(err error) bool {
	for _, fault := range []error{syscall.EROFS, syscall.ENOSPC, syscall.EDQUOT, syscall.EIO, fs.ErrPermission} {
		if errors.Is(err, fault) {
			return true
		}
	}
	return false
}

// Probe tells why nothing can be written now, nil if something can.
func (d *Disk) Probe() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	err := d.take()
	if err == nil {
		var out *outFile
		if out, err = d.dir.create(probeName); err == nil {
			err = errors.Join(out.close(), d.dir.remove(probeName))
		}
	}
	if err != nil {
		return fmt.Errorf("write in the local copy of the registry: %w", err)
	}
	return nil
}

// ErrUnwritable says that a directory cannot be written now.
var ErrUnwritable = errors.New("the directory cannot be written")

// Empty reports whether the directory holds no base: nothing was ever kept in
// it.
func (d *Disk) Empty() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	bases, _, err := d.dir.list()
	return errors.Is(err, fs.ErrNotExist) || err == nil && len(bases) == 0
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
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("load the local copy of the registry: %w", err)
	}
	d.newest = max(last(bases), last(logs))
	if d.take() == nil {
		if err := d.dir.sweep(); err != nil {
			d.Log.Warn("an unfinished file of the local copy is left over", "error", err)
		}
	}
	shutdown := d.takeCleanMark()
	view, chain := d.newestGood(bases, logs)
	if view == nil {
		return nil, nil
	}
	d.base, d.at, d.end, d.logs = chain.base, view.origin(), chain.end, chain.logs
	if shutdown.follows(d.end, d.newest) && !now.Before(shutdown.lastPoll) {
		d.lastPoll = shutdown.lastPoll
		return view.Refreshed(view.asOf, shutdown.lastPoll.Add(maxMissAge)), nil
	}
	return view, nil
}

// chain is what led to a View: a base and the logs that lead on from it.
type chain struct {
	base uint64
	logs []logFile
	end  ending
}

// newestGood returns the View that the newest good one of bases leads to, with
// logs, and how; nil when none is good.
func (d *Disk) newestGood(bases, logs []uint64) (*View, chain) {
	for _, number := range slices.Backward(bases) {
		var (
			draft *draft
			chain chain
		)
		err := GuardReads(func() error {
			view, err := OpenBase(d.dir.file(baseName(number)), d.Log)
			if err != nil {
				return err
			}
			draft = view.fork()
			chain, err = d.replay(draft, number, logs)
			return err
		})
		if err != nil {
			d.Log.Warn("skipped a file of the local copy", "error", err)
			continue
		}
		return draft.view(), chain
	}
	return nil, chain{}
}

func last(numbers []uint64) uint64 {
	if len(numbers) == 0 {
		return 0
	}
	return numbers[len(numbers)-1]
}

// replay applies the logs that lead on from base to draft, one after the other,
// and returns where they end.
func (d *Disk) replay(draft *draft, base uint64, logs []uint64) (chain, error) {
	c := chain{base: base, end: ending{file: base, state: draft.digest}}
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
			return c, fmt.Errorf("replay log %s: %w", path, err)
		}
		c.end = ending{file: number, state: l.frames.last}
		c.logs = append(c.logs, logFile{number, int64(l.size)})
		if good < l.size {
			d.Log.Warn("the local copy lacks the last changes: the feed brings them again",
				"log", path, "bytes", l.size, "good", good)
		}
	}
	return c, nil
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
	if d.base == 0 && !d.detached {
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
	d.logs[len(d.logs)-1].bytes += int64(len(buffer))
	d.at.pos, d.end = delta.To, ending{file: d.newest, state: d.frames.last}
	return nil
}

// maxBuffer is the largest buffer that is kept from one Append to the next, in
// bytes.
const maxBuffer = 1 << 20

// beginLog makes a new log and returns buffer with what it begins with.
func (d *Disk) beginLog(buffer []byte) ([]byte, error) {
	if err := d.take(); err != nil {
		return buffer, err
	}
	d.newest++
	log, err := d.dir.create(logName(d.newest))
	if err != nil {
		return buffer, err
	}
	d.log, d.frames, d.created = log, startFrames(), true
	d.logs = append(d.logs, logFile{number: d.newest})
	buffer = appendMagic(buffer, logMagic, logVersion)
	return d.frames.appendFrame(buffer, func(dst []byte) []byte { return appendOrigin(dst, d.at) })
}

// Sync makes durable what Append wrote before. It does nothing when all is.
// Append need not wait for it.
func (d *Disk) Sync() error {
	d.syncing.Lock()
	defer d.syncing.Unlock()
	d.mu.Lock()
	log, created, unsynced := d.log, d.created, d.unsynced
	d.created, d.unsynced = false, false // what is appended from now on wants another
	d.mu.Unlock()
	if !unsynced {
		return nil
	}
	if err := d.bring(log, created); err != nil {
		d.mu.Lock()
		defer d.mu.Unlock()
		// What the system has dropped by now no later sync brings back.
		d.broken = err
		return fmt.Errorf("sync the local copy: %w", err)
	}
	return nil
}

// bring makes a log durable, and its name if it was created.
func (d *Disk) bring(log *outFile, created bool) error {
	err := log.sync()
	if err == nil && created {
		err = d.dir.sync()
	}
	return err
}

// sync is Sync for those who hold syncing and mu.
func (d *Disk) sync() error {
	if !d.unsynced {
		return nil
	}
	if err := d.bring(d.log, d.created); err != nil {
		return err
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
	if d.base == 0 || d.base == d.bad || d.detached || d.broken != nil || len(d.logs) > maxLogs {
		return math.MaxInt64
	}
	bytes := int64(0)
	for _, l := range d.logs {
		bytes += l.bytes
	}
	return bytes
}

// Whole reports whether a start would come to what was appended last.
func (d *Disk) Whole() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.base != 0 && d.broken == nil && !d.detached
}

// Close ends the use of the directory. With clean it notes that nothing is
// missing from the files, and that the feed was last known to be complete at
// lastPoll, by the edge's clock; the zero lastPoll says that this run had no
// good poll.
func (d *Disk) Close(lastPoll time.Time, clean bool) error {
	d.syncing.Lock()
	defer d.syncing.Unlock()
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return nil
	}
	d.closed = true
	err := d.sync()
	if err == nil && clean {
		err = d.leaveCleanMark(lastPoll)
	}
	if err != nil && unwritable(err) {
		err = fmt.Errorf("%w: %w", ErrUnwritable, err)
	}
	d.closeLog()
	if d.lockFile != nil {
		err = errors.Join(err, d.lockFile.Close())
	}
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
