package cache_test

import (
	"errors"
	"strings"
	"syscall"
	"testing"
	"time"

	"rddsd/cache"
)

// TestAppendDoesNotWaitForSync appends while the disk takes its time over a sync:
// what was appended before it is durable then, the rest wants another. A sync that
// fails meanwhile ends the log, and the base that takes its place waits for it.
func TestAppendDoesNotWaitForSync(t *testing.T) {
	for _, fault := range []error{nil, syscall.EIO} {
		k := newKeeper(t, t.TempDir())
		k.must(k.writeBase())
		k.must(k.disk.Append(deltaTo(2)))
		var (
			syncs   int
			begun   = make(chan struct{})
			proceed = make(chan struct{})
			synced  = make(chan error)
		)
		cache.Before(k.disk, func(op, name string) error {
			if op != "sync" || !strings.HasPrefix(name, "log-") {
				return nil
			}
			if syncs++; syncs > 1 {
				return nil
			}
			close(begun)
			<-proceed
			return fault
		})
		go func() { synced <- k.disk.Sync() }()
		<-begun
		k.must(k.disk.Append(deltaTo(3)))
		if !k.disk.Whole() {
			t.Error("a log that is being synced counts as torn")
		}
		close(proceed)
		if err := <-synced; !errors.Is(err, fault) {
			t.Fatalf("Sync = %v, want %v", err, fault)
		}
		if err := k.disk.Append(deltaTo(4)); (err == nil) != (fault == nil) {
			t.Errorf("Append after a sync that ended with %v: %v", fault, err)
		}
		if fault != nil {
			k.must(k.disk.Sync())
			continue
		}
		for range 2 { // the second finds nothing to do
			k.must(k.disk.Sync())
		}
		if syncs != 2 {
			t.Errorf("%d syncs for what came in two parts", syncs)
		}
	}
}

// TestBaseWaitsForSync begins a base while the log before it is being synced,
// which fails: the base does not count as the next state of that log, and a new
// log leads on from it.
func TestBaseWaitsForSync(t *testing.T) {
	k := newKeeper(t, t.TempDir())
	k.must(k.writeBase())
	view, _, err := k.view.Apply(deltaTo(2), time.Time{})
	k.must(err)
	k.must(k.disk.Append(deltaTo(2)))
	begun, proceed := make(chan struct{}), make(chan struct{})
	cache.Before(k.disk, func(op, name string) error {
		if op == "sync" && strings.HasPrefix(name, "log-") {
			close(begun)
			<-proceed
			return syscall.EIO
		}
		return nil
	})
	synced := make(chan error, 1)
	go func() { synced <- k.disk.Sync() }()
	<-begun
	based := make(chan struct{})
	go func() {
		defer close(based)
		k.disk.BeginBase(view, true)
	}()
	close(proceed)
	if err := <-synced; !errors.Is(err, syscall.EIO) {
		t.Errorf("Sync = %v", err)
	}
	<-based
	cache.Before(k.disk, nil)
	if k.disk.Whole() {
		t.Error("a base follows on a log that could not be synced")
	}
	k.must(k.disk.Append(deltaTo(3)))
}
