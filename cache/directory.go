package cache

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// directory is where a Disk keeps its files. Every change goes through it, so
// that a test can look at what is there before each one, or have it fail.
//
// A file is written once, by the process that made it, and never changed after:
// what was read back is only ever replaced.
type directory struct {
	path   string
	before func(op, name string) error // for tests: nil, or called before each change of a file
}

// change does what op names to the file called name.
func (d *directory) change(op, name string, do func() error) error {
	if d.before != nil {
		if err := d.before(op, name); err != nil {
			return fmt.Errorf("%s %s: %w", op, d.file(name), err)
		}
	}
	return do() // an error of package os names the operation and the path
}

func (d *directory) file(name string) string { return filepath.Join(d.path, name) }

// create makes a file that is not there yet. It can be read back, which View.Fold
// needs.
func (d *directory) create(name string) (*outFile, error) {
	out := &outFile{dir: d, name: name}
	err := d.change("create", name, func() (err error) {
		out.file, err = os.OpenFile(d.file(name), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o640)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// room refuses a file of so many bytes for which there is no room: it is told
// before the last byte of the disk is taken, which others may need.
func (d *directory) room(bytes int64) error {
	free, known := freeSpace(d.path)
	if known && free < bytes {
		return fmt.Errorf("%s: about %d MiB are needed and %d MiB are free: %w", d.path, bytes>>20+1, free>>20, syscall.ENOSPC)
	}
	return nil
}

func (d *directory) rename(from, to string) error {
	return d.change("rename", to, func() error { return os.Rename(d.file(from), d.file(to)) })
}

func (d *directory) remove(name string) error {
	return d.change("remove", name, func() error { return os.Remove(d.file(name)) })
}

// sync makes durable which files there are.
func (d *directory) sync() error {
	return d.change("sync", "", func() error { return syncDirectory(d.path) })
}

// replace writes a file under another name first, so that name never holds less
// than the whole of it, not even after a power cut.
func (d *directory) replace(name string, write func(out *outFile) error) error {
	temporary := name + temporarySuffix
	if err := os.Remove(d.file(temporary)); err != nil && !os.IsNotExist(err) {
		return err
	}
	out, err := d.create(temporary)
	if err != nil {
		return err
	}
	if err = write(out); err == nil {
		err = out.sync()
	}
	if closed := out.close(); err == nil {
		err = closed
	}
	if err == nil {
		err = d.rename(temporary, name)
	}
	if err != nil {
		_ = d.remove(temporary) // of no use; the next start tries again
		return err
	}
	return d.sync()
}

// outFile is a file that is being written.
type outFile struct {
	dir  *directory
	name string
	file *os.File
}

func (f *outFile) Write(p []byte) (n int, err error) {
	err = f.dir.change("write", f.name, func() (err error) {
		n, err = f.file.Write(p)
		return err
	})
	return n, err
}

// fold writes v as a base, and has the disk keep pace: what is left for the sync
// at the end is little, so the logs beside it are never stuck behind gigabytes.
func (f *outFile) fold(ctx context.Context, v *View) error {
	return f.dir.change("write", f.name, func() error {
		var (
			flushing sync.WaitGroup
			flushed  error
			written  = make(chan struct{})
		)
		flushing.Go(func() {
			ticks := time.NewTicker(flushEvery)
			defer ticks.Stop()
			for flushed == nil { // an error is told once: to this sync, or to the last one
				select {
				case <-written:
					return
				case <-ticks.C:
					flushed = f.file.Sync()
				}
			}
		})
		err := v.Fold(ctx, f.file)
		close(written)
		flushing.Wait()
		return errors.Join(err, flushed)
	})
}

// flushEvery is how often a base that is being written is brought to the disk.
const flushEvery = 200 * time.Millisecond

func (f *outFile) sync() error { return f.dir.change("sync", f.name, f.file.Sync) }

func (f *outFile) close() error { return f.file.Close() }

// The files of a directory. Bases and logs share one numbering, in the order in
// which they were made.
const (
	basePrefix      = "base-"
	logPrefix       = "log-"
	cleanName       = "clean"
	lockName        = "lock"
	probeName       = "probe" + temporarySuffix
	temporarySuffix = ".tmp"
)

// maxNumber keeps numbers that somebody else wrote into a name from wrapping
// ours.
const maxNumber = 1 << 53

func baseName(number uint64) string { return fmt.Sprintf("%s%08d", basePrefix, number) }
func logName(number uint64) string  { return fmt.Sprintf("%s%08d", logPrefix, number) }

// list returns the numbers of the bases and logs, in order.
func (d *directory) list() (bases, logs []uint64, err error) {
	entries, err := os.ReadDir(d.path)
	if err != nil {
		return nil, nil, err
	}
	for _, e := range entries {
		if n, ok := numberOf(e.Name(), basePrefix); ok && baseName(n) == e.Name() {
			bases = append(bases, n)
		} else if n, ok := numberOf(e.Name(), logPrefix); ok && logName(n) == e.Name() {
			logs = append(logs, n)
		}
	}
	slices.Sort(bases)
	slices.Sort(logs)
	return bases, logs, nil
}

func numberOf(name, prefix string) (uint64, bool) {
	digits, ok := strings.CutPrefix(name, prefix)
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseUint(digits, 10, 64)
	return n, err == nil && n > 0 && n < maxNumber
}

// sweep removes the unfinished files of a process that ended while it wrote.
func (d *directory) sweep() error {
	entries, err := os.ReadDir(d.path)
	if err != nil {
		return err
	}
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), temporarySuffix)
		if !ok || (name != cleanName && e.Name() != probeName && !strings.HasPrefix(name, basePrefix)) {
			continue
		}
		if err := d.remove(e.Name()); err != nil {
			return err
		}
	}
	return nil
}
