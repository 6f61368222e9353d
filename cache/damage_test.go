package cache_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"rddsd/cache"
)

// damaged loads a directory in which one file was damaged and holds what comes
// to what may: a state that there was, told with misses only when it is the last
// one.
func damaged(t *testing.T, k *keeper, dir, what string) {
	t.Helper()
	view, _ := load(t, dir)
	if diff := k.check(view); diff != "" {
		t.Fatalf("%s: %s", what, diff)
	}
	if view.MissKnown(late) && view.Position().Serial != k.serial() {
		t.Fatalf("%s: at serial %d of %d misses may be told", what, view.Position().Serial, k.serial())
	}
}

// every returns how far apart damages stand: under -short and the race detector
// not each of them is tried.
func every(t *testing.T) int {
	if testing.Short() || raceDetector {
		return 37
	}
	return 1
}

// TestEveryFlippedBit flips each bit of each file of a small directory.
func TestEveryFlippedBit(t *testing.T) {
	dir := t.TempDir()
	k := twoGenerations(t, dir)
	mark := readFile(t, filepath.Join(dir, "clean"))
	for _, name := range files(t, dir) {
		path := filepath.Join(dir, name)
		good := readFile(t, path)
		// In place: a file system may sync one that was cut and written anew.
		file, err := os.OpenFile(path, os.O_RDWR, 0)
		k.must(err)
		for bit := 0; bit < len(good)*8; bit += every(t) {
			if name == "clean" { // the start before took it away
				bad := slices.Clone(good)
				bad[bit/8] ^= 1 << (bit % 8)
				k.must(os.WriteFile(path, bad, 0o600))
				damaged(t, k, dir, fmt.Sprintf("bit %d of %s flipped", bit, name))
				continue
			}
			_, err := file.WriteAt([]byte{good[bit/8] ^ 1<<(bit%8)}, int64(bit/8))
			k.must(err)
			if bit%61 == 0 { // a start that takes the mark away syncs, which is slow
				k.must(os.WriteFile(filepath.Join(dir, "clean"), mark, 0o600))
			}
			damaged(t, k, dir, fmt.Sprintf("bit %d of %s flipped", bit, name))
			_, err = file.WriteAt(good[bit/8:bit/8+1], int64(bit/8))
			k.must(err)
		}
		k.must(file.Close())
		k.must(os.WriteFile(filepath.Join(dir, "clean"), mark, 0o600))
	}
	if view, _ := load(t, dir); !view.MissKnown(late) || view.Position().Serial != k.serial() {
		t.Error("with all bits put back the directory is not whole: the test damaged more than it meant to")
	}
}

// TestEveryTruncation cuts each file of a small directory at each byte.
func TestEveryTruncation(t *testing.T) {
	dir := t.TempDir()
	k := twoGenerations(t, dir)
	mark := readFile(t, filepath.Join(dir, "clean"))
	for _, name := range files(t, dir) {
		path := filepath.Join(dir, name)
		good := readFile(t, path)
		for size := len(good) - 1; size >= 0; size -= every(t) {
			if name == "clean" { // the start before took it away
				k.must(os.WriteFile(path, good[:size], 0o600))
			} else {
				k.must(os.Truncate(path, int64(size)))
				if size%7 == 0 {
					k.must(os.WriteFile(filepath.Join(dir, "clean"), mark, 0o600))
				}
			}
			damaged(t, k, dir, fmt.Sprintf("%s cut at %d", name, size))
		}
		k.must(os.WriteFile(path, good, 0o600))
		k.must(os.WriteFile(filepath.Join(dir, "clean"), mark, 0o600))
	}
}

// TestEveryMissingFile takes away each file, and each two of them.
func TestEveryMissingFile(t *testing.T) {
	dir := t.TempDir()
	k := twoGenerations(t, dir)
	names := files(t, dir)
	for i, one := range names {
		for _, two := range names[i:] {
			dir := copyDir(t, dir)
			_ = os.Remove(filepath.Join(dir, one))
			_ = os.Remove(filepath.Join(dir, two)) // the same one, where one is two
			if one == "base-00000001" && two == "base-00000003" {
				if view, _ := load(t, dir); view != nil {
					t.Error("without any base there is a View")
				}
				continue
			}
			damaged(t, k, dir, one+" and "+two+" missing")
		}
	}
}

// crash is one moment of a run at which the machine may stop.
type crash struct {
	dir    string // what is there then
	what   string
	synced uint64 // the serial up to which the keeper was told that all is on disk
	serial uint64 // the serial of the newest published View
}

// crashes runs do and returns what the directory held before each change of a
// file: what a killed process leaves, or, with power, only what had been synced.
func crashes(t *testing.T, power bool, do func(k *keeper)) (*keeper, []crash) {
	t.Helper()
	dir := t.TempDir()
	k := newKeeper(t, dir)
	durable := newDurable(t, dir)
	var (
		found  []crash
		synced uint64
	)
	note := func(what string) {
		c := crash{what: what, synced: synced, serial: k.serial()}
		if power {
			c.dir = durable.image()
		} else {
			c.dir = copyDir(t, dir)
		}
		found = append(found, c)
	}
	cache.Before(k.disk, func(op, name string) error {
		durable.settle()
		note(op + " " + name)
		durable.next(op, name)
		return nil
	})
	k.must(k.writeBase())
	synced = k.serial()
	do(k)
	durable.settle()
	synced = k.serial()
	note("the end")
	return k, found
}

// durable is a directory as a power cut leaves it: of each file the bytes that
// were synced, under the names that the directory had when it was synced.
type durable struct {
	t       *testing.T
	dir     string
	content map[string][]byte // of the files open or renamed since, by their name now
	names   map[string][]byte // what a power cut leaves
	pending func()            // of the change that is being made
}

func newDurable(t *testing.T, dir string) *durable {
	return &durable{t: t, dir: dir, content: map[string][]byte{}, names: map[string][]byte{}}
}

// next notes a change that is about to be made.
func (d *durable) next(op, name string) {
	before := ""
	switch op {
	case "create":
		d.pending = func() { d.content[name] = nil }
	case "sync":
		if name == "" {
			d.pending = func() {
				d.names = map[string][]byte{}
				for name, data := range d.content {
					d.names[name] = data
				}
			}
			return
		}
		d.pending = func() {
			d.content[name] = readFile(d.t, filepath.Join(d.dir, name))
			if _, ok := d.names[name]; ok {
				d.names[name] = d.content[name]
			}
		}
	case "rename":
		before = name + ".tmp"
		d.pending = func() {
			d.content[name] = d.content[before]
			delete(d.content, before)
		}
	case "remove":
		d.pending = func() { delete(d.content, name) }
	}
}

// settle notes that the change before has been made.
func (d *durable) settle() {
	if d.pending != nil {
		d.pending()
	}
	d.pending = nil
}

func (d *durable) image() string {
	dir := d.t.TempDir()
	for name, data := range d.names {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			d.t.Fatal(err)
		}
	}
	return dir
}

// TestCrash stops a run before each change that it makes to a file: by a kill,
// after which all that was written is there, and by a power cut, after which
// only what was synced is. What was synced is always there, and misses are told
// by no one.
func TestCrash(t *testing.T) {
	for _, run := range []struct {
		name string
		do   func(k *keeper)
	}{
		{"deltas", func(k *keeper) { k.must(k.follow(3)) }},
		{"a new base after deltas", func(k *keeper) {
			k.must(k.follow(2))
			k.must(k.writeBase())
			k.must(k.follow(2))
		}},
		{"a new base while deltas come", func(k *keeper) {
			k.must(k.follow(1))
			k.must(k.fold(2))
			k.must(k.follow(1))
			k.must(k.fold(0))
			k.must(k.fold(3))
		}},
		{"many bases", func(k *keeper) {
			for range 4 {
				k.must(k.follow(1))
				k.must(k.writeBase())
			}
		}},
	} {
		for _, power := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, power cut %v", run.name, power), func(t *testing.T) {
				k, found := crashes(t, power, run.do)
				if len(found) < 6 {
					t.Fatalf("only %d crashes: the seam sees too little", len(found))
				}
				for _, c := range found {
					view, _ := load(t, c.dir)
					if view == nil && c.synced == 0 {
						continue
					}
					if diff := k.check(view); diff != "" {
						t.Fatalf("before %q: %s", c.what, diff)
					}
					serial := view.Position().Serial
					if serial < c.synced || (!power && serial < c.serial) {
						t.Errorf("before %q: the View is at %d; synced was %d, published %d", c.what, serial, c.synced, c.serial)
					}
					if view.MissKnown(late) {
						t.Errorf("before %q: misses may be told after a crash", c.what)
					}
				}
			})
		}
	}
}

// TestCrashAroundShutdown stops a run that begins from a clean shutdown, and
// ends with one, before each change. Misses may be told only when the View that
// comes holds everything that was ever published.
func TestCrashAroundShutdown(t *testing.T) {
	for _, power := range []bool{false, true} {
		t.Run(fmt.Sprintf("power cut %v", power), func(t *testing.T) {
			dir := t.TempDir()
			k := twoGenerations(t, dir)
			disk, _ := openDisk(t, dir)
			image := newDurable(t, dir)
			for _, name := range files(t, dir) {
				image.content[name] = readFile(t, filepath.Join(dir, name))
				image.names[name] = image.content[name]
			}
			var found []crash
			cache.Before(disk, func(op, name string) error {
				image.settle()
				c := crash{what: op + " " + name, serial: k.serial()}
				if power {
					c.dir = image.image()
				} else {
					c.dir = copyDir(t, dir)
				}
				found = append(found, c)
				image.next(op, name)
				return nil
			})
			view, err := disk.Load(late, maxMissAge)
			k.must(err)
			k.disk, k.view = disk, view
			k.must(k.follow(2))
			k.must(disk.Close(noon, true))
			known := 0
			for _, c := range found {
				view, _ := load(t, c.dir)
				if diff := k.check(view); diff != "" {
					t.Fatalf("before %q: %s", c.what, diff)
				}
				if view.MissKnown(late) {
					known++
					if view.Position().Serial != c.serial {
						t.Errorf("before %q: misses may be told at serial %d, published was %d", c.what, view.Position().Serial, c.serial)
					}
				}
			}
			if known == 0 || known == len(found) {
				t.Errorf("misses may be told after %d of %d crashes: the test saw no difference", known, len(found))
			}
		})
	}
}

// TestFailingDisk fails one change after the other. The caller goes on serving;
// whatever a start finds later is a state that there was, nobody is told "not
// found" for what it lacks, and once the disk works again one base heals it.
func TestFailingDisk(t *testing.T) {
	var ops []string
	script := func(k *keeper) (failures int) {
		for _, step := range []func() error{
			k.writeBase, func() error { return k.follow(1) }, func() error { return k.follow(1) },
			k.writeBase, func() error { return k.follow(1) }, func() error { return k.follow(1) },
			k.writeBase, func() error { return k.follow(1) }, func() error { return k.fold(2) }, func() error { return k.follow(1) },
		} {
			if step() != nil {
				failures++
			}
		}
		return failures
	}
	k := newKeeper(t, t.TempDir())
	cache.Before(k.disk, func(op, name string) error {
		ops = append(ops, op+" "+name)
		return nil
	})
	if script(k) != 0 {
		t.Fatal("the script fails on a disk that works")
	}
	for at, what := range ops {
		t.Run(fmt.Sprintf("%d %s", at, strings.TrimSpace(what)), func(t *testing.T) {
			dir := t.TempDir()
			k := newKeeper(t, dir)
			n := 0
			cache.Before(k.disk, func(string, string) error {
				if n++; n == at+1 {
					return fmt.Errorf("no space left on device")
				}
				return nil
			})
			failures := script(k)
			if failures == 0 && !strings.HasPrefix(what, "remove ") {
				t.Error("nobody was told")
			}
			crashed := copyDir(t, dir)
			if view, _ := load(t, crashed); view != nil {
				if diff := k.check(view); diff != "" {
					t.Error(diff)
				}
				if k.disk.LogSize() < 1<<40 && view.Position() != k.view.Position() {
					t.Errorf("the files lead to %d, the View is at %d, and no base is due", view.Position().Serial, k.serial())
				}
			}
			k.must(k.writeBase())
			k.must(k.follow(1))
			k.must(k.disk.Close(noon, true))
			view, _ := load(t, dir)
			if diff := k.check(view); diff != "" || view.Position() != k.view.Position() || !view.MissKnown(late) {
				t.Errorf("the disk did not heal: %s", diff)
			}
		})
	}
}

// Until its base is there, what does not follow on the logs is known to no start,
// and neither are the deltas after it: where the base fails, nobody may believe
// that they are kept.
func TestABaseThatFailsTakesItsDeltasAlong(t *testing.T) {
	for _, run := range []struct {
		name   string
		before func(k *keeper) bool // what makes the base one that nothing leads to
		kept   bool                 // its deltas are kept without it
	}{
		{"the logs lead to it", func(*keeper) bool { return true }, true},
		{"it comes of a snapshot", func(*keeper) bool { return false }, false},
		{"a delta before it could not be appended", func(k *keeper) bool {
			cache.Before(k.disk, func(string, string) error { return errors.New("no space left on device") })
			if k.follow(1) == nil {
				t.Fatal("the delta was appended")
			}
			cache.Before(k.disk, nil)
			return true
		}, false},
	} {
		t.Run(run.name, func(t *testing.T) {
			dir := t.TempDir()
			k := newKeeper(t, dir)
			k.must(k.writeBase())
			k.must(k.follow(2))
			base := k.disk.BeginBase(k.view, run.before(k))
			k.must(k.follow(1))
			cut, cancel := context.WithCancel(t.Context())
			cancel()
			if view, err := base.Write(cut); view != nil || !errors.Is(err, context.Canceled) {
				t.Fatalf("Write = %v, %v", view, err)
			}
			if got := k.disk.Whole(); got != run.kept {
				t.Errorf("Whole() = %v, want %v", got, run.kept)
			}
			if due := k.disk.LogSize() == math.MaxInt64; due == run.kept {
				t.Errorf("a new base is due: %v", due)
			}
			if err := k.follow(1); (err == nil) != run.kept {
				t.Errorf("the next delta: %v", err)
			}
			view, _ := load(t, copyDir(t, dir))
			if diff := k.check(view); diff != "" || (view.Position() == k.view.Position()) != run.kept {
				t.Errorf("a start is at serial %d, the View at %d: %s", view.Position().Serial, k.serial(), diff)
			}
			k.must(k.writeBase())
			k.must(k.follow(1))
			if view, _ := load(t, copyDir(t, dir)); k.check(view) != "" || view.Position() != k.view.Position() {
				t.Error("the next base did not heal it")
			}
		})
	}
}
