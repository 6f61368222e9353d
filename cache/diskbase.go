package cache

import (
	"context"
	"errors"
	"fmt"
	"os"
)

// BaseWrite is a base that is being written.
type BaseWrite struct {
	disk   *Disk
	view   *View
	number uint64
	before uint64 // the generation that stays beside it; 0 = nobody knows which is good
	bad    uint64 // one that is known to be damaged
}

// BeginBase notes that v, which is served or about to be, becomes the newest
// base. From now on Append takes the deltas after v, whatever it took before.
// Write must follow. follows says that v is what the logs lead to; where it is
// not, as after a snapshot, a start knows of v and of those deltas only once
// Write has returned.
func (d *Disk) BeginBase(v *View, follows bool) *BaseWrite {
	d.syncing.Lock()
	defer d.syncing.Unlock()
	d.mu.Lock()
	defer d.mu.Unlock()
	follows = follows && d.base != 0 && d.broken == nil && !d.detached && d.at.pos == v.pos
	if err := d.sync(); err != nil {
		// Only the generation before the new base wants that log.
		follows = false
		d.Log.Warn("the older generation of the local copy lacks the last changes", "error", err)
	}
	d.closeLog()
	d.detached, d.broken = !follows, nil
	d.at = v.origin()
	d.newest++
	before := d.base
	if before == d.bad {
		before = 0
	}
	return &BaseWrite{disk: d, view: v, number: d.newest, before: before, bad: d.bad}
}

// Write writes the base and returns the View in the file: v, mapped, so that
// what v itself takes can go. When it returns nil error, v is on disk for good,
// and of the older files those that the generation before it needs are left.
// When it fails, or ctx ends, the files are as good as before.
//
// Where more than the View is not durable, as when the older files could not be
// removed, the log is told.
func (w *BaseWrite) Write(ctx context.Context) (*View, error) {
	d := w.disk
	d.writing.Lock()
	defer d.writing.Unlock()
	var view *View
	err := GuardReads(func() (err error) {
		view, err = w.file(ctx)
		return err
	})
	d.mu.Lock()
	if err != nil {
		if d.detached && d.broken == nil {
			d.broken = errNoBase
		}
		d.mu.Unlock()
		return nil, fmt.Errorf("write a base: %w", err)
	}
	w.install()
	d.mu.Unlock()
	if err := w.prune(); err != nil {
		d.Log.Warn("old files of the local copy are left over", "error", err)
	}
	return view, nil
}

// errNoBase says why a log leads nowhere.
var errNoBase = errors.New("the base that it leads on from could not be written")

// file makes the file of the base. After an error it is not there, unless the
// disk says what is not so.
func (w *BaseWrite) file(ctx context.Context) (*View, error) {
	d, name := w.disk, baseName(w.number)
	d.mu.Lock()
	err := d.take()
	d.mu.Unlock()
	if err != nil {
		return nil, err
	}
	if err := d.dir.room(w.view.Memory()); err != nil {
		return nil, err
	}
	if err := d.dir.replace(name, func(out *outFile) error { return out.fold(ctx, w.view) }); err != nil {
		_ = os.Remove(d.dir.file(name)) // it may be there, and not for good
		return nil, err
	}
	view, err := OpenBase(d.dir.file(name), d.Log)
	if err == nil && (view.origin() != w.view.origin() || view.counts != w.view.counts) {
		err = fmt.Errorf("%s does not hold what was written to it: the disk or the memory is faulty", d.dir.file(name))
	}
	if err != nil {
		return nil, errors.Join(err, d.dir.remove(name))
	}
	return view.Refreshed(w.view.asOf, w.view.missUntil), nil
}

// install makes the base the one that a start takes. The caller holds mu.
func (w *BaseWrite) install() {
	d := w.disk
	kept := d.logs[:0]
	for _, l := range d.logs {
		if l.number > w.number {
			kept = append(kept, l)
		}
	}
	d.base, d.logs, d.detached = w.number, kept, false
	if len(kept) == 0 {
		d.end = ending{file: w.number, state: w.view.digest}
	}
}

// WriteBase writes v as the newest base and waits for it: BeginBase and Write in
// one.
func (d *Disk) WriteBase(v *View) error {
	_, err := d.BeginBase(v, false).Write(context.Background())
	return err
}

// prune removes what neither the newest base needs nor the one before it. Where
// nobody knows which base before is good, the newest of them stays.
func (w *BaseWrite) prune() error {
	d := w.disk
	bases, logs, err := d.dir.list()
	if err != nil {
		return err
	}
	before := w.before
	if before == 0 {
		for _, number := range bases {
			if number < w.number && number != w.bad {
				before = number
			}
		}
	}
	for _, number := range bases {
		if number != before && number != w.number {
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

// Renew is called when the newest base has turned out to be damaged. It returns
// the View that the generation before it leads to, if that is the very state of
// v, else nil: then only the registry can help. A new base is due, and the
// damaged one goes with the next.
func (d *Disk) Renew(v *View) *View {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.bad = d.base
	bases, logs, err := d.dir.list()
	if err != nil {
		d.Log.Warn("the older generation of the local copy cannot be read", "error", err)
		return nil
	}
	for i, number := range bases {
		if number == d.bad {
			bases = bases[:i]
			break
		}
	}
	view, _ := d.newestGood(bases, logs)
	if view == nil || view.origin() != v.origin() {
		return nil
	}
	return view.Refreshed(v.asOf, v.missUntil)
}
