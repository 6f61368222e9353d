package cache_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"rddsd/cache"
)

// TestUnreadableFile cuts a base while it is mapped, which reads as a faulty disk
// does: every way to read it returns an error, and none ends the process.
func TestUnreadableFile(t *testing.T) {
	dir, good := largeDirectory(t)
	disk, _ := openDisk(t, dir)
	view, err := disk.Load(late, maxMissAge)
	must(t, err)
	bases, err := filepath.Glob(filepath.Join(dir, "base-*"))
	must(t, err)
	newest := bases[len(bases)-1]
	must(t, os.Truncate(newest, 4096))

	if err := cache.GuardReads(func() error { return view.Verify(t.Context()) }); !errors.Is(err, cache.ErrUnreadable) {
		t.Errorf("Verify: %v", err)
	}
	if base, err := disk.BeginBase(view, true).Write(t.Context()); !errors.Is(err, cache.ErrUnreadable) {
		t.Errorf("Write = %v, %v", base, err)
	}
	next := disk.Renew(view)
	if next == nil || cache.Digest(next) != cache.Digest(good) {
		t.Fatal("the generation before it does not lead to the same state")
	}
	if _, err := disk.BeginBase(next, true).Write(t.Context()); err != nil {
		t.Errorf("Write of what the older generation has: %v", err)
	}
	must(t, disk.Close(time.Time{}, false))
	if err := cache.GuardReads(func() error { return errors.New("another") }); err == nil || errors.Is(err, cache.ErrUnreadable) {
		t.Errorf("an error of what is guarded came back as %v", err)
	}
	defer func() {
		if recover() == nil {
			t.Error("a panic of what is guarded was swallowed")
		}
	}()
	_ = cache.GuardReads(func() error { panic("ours") })
}
