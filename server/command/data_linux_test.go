package command

import (
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"rddsd/cache"
	"rddsd/server/config"
)

// TestDataDirectoryOfAnotherUser: who may not write there is told so first, and
// in words that name the directory and the key.
func TestDataDirectoryOfAnotherUser(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	if err := os.Mkdir(dir, 0o555); err != nil {
		t.Fatal(err)
	}
	for _, above := range []string{filepath.Dir(dir), filepath.Dir(filepath.Dir(dir))} {
		if err := os.Chmod(above, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if os.Geteuid() == 0 { // root may write everywhere, but not this thread
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		if err := syscall.Setfsuid(65534); err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := syscall.Setfsuid(0); err != nil {
				t.Fatal(err)
			}
		}()
	}
	cfg := config.Default()
	cfg.Data.Dir = dir
	_, err := OpenData(t.Context(), cfg, slog.New(slog.DiscardHandler))
	if err == nil || !strings.Contains(err.Error(), dir+" as user") || !strings.Contains(err.Error(), "[data] dir") {
		t.Errorf("OpenData = %v", err)
	}
}

func TestDataDirectoryKeepsNoTrace(t *testing.T) {
	cfg := config.Default()
	cfg.Data.Dir = filepath.Join(t.TempDir(), "data")
	cfg.Registry.SQLite = "elsewhere" // so none is made
	disk, err := OpenData(t.Context(), cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer disk.Close(time.Time{}, false)
	if left, err := os.ReadDir(cfg.Data.Dir); err != nil || len(left) != 1 || left[0].Name() != "snapshots" {
		t.Errorf("the directory holds %v, %v", left, err)
	}
}

// TestTwoFirstStarts begins twice at once where nothing is yet: one makes the
// registry, the other is told that somebody has the directory.
func TestTwoFirstStarts(t *testing.T) {
	cfg := config.Default()
	cfg.Data.Dir = filepath.Join(t.TempDir(), "data")
	type result struct {
		disk *cache.Disk
		err  error
	}
	results := make(chan result, 2)
	for range 2 {
		go func() {
			disk, err := OpenData(t.Context(), cfg, slog.New(slog.DiscardHandler))
			results <- result{disk, err}
		}()
	}
	one, two := <-results, <-results
	if one.err == nil {
		one, two = two, one
	}
	if one.err == nil || two.err != nil || !strings.Contains(one.err.Error(), "in use by another rddsd") {
		t.Errorf("OpenData twice at once = %v and %v", one.err, two.err)
	}
	if _, err := os.Stat(filepath.Join(cfg.Data.Dir, "registry.sqlite")); err != nil {
		t.Error(err)
	}
	for _, r := range []result{one, two} {
		if r.disk != nil {
			if err := r.disk.Close(time.Time{}, false); err != nil {
				t.Error(err)
			}
		}
	}
}

// TestFirstStartThatWasCutOff finds a directory that was taken, and no registry:
// it is still the first start.
func TestFirstStartThatWasCutOff(t *testing.T) {
	cfg := config.Default()
	cfg.Data.Dir = filepath.Join(t.TempDir(), "data")
	if err := os.MkdirAll(cfg.SnapshotDir(), 0o700); err != nil {
		t.Fatal(err)
	}
	disk, err := OpenData(t.Context(), cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer disk.Close(time.Time{}, false)
	if _, err := os.Stat(filepath.Join(cfg.Data.Dir, "registry.sqlite")); err != nil {
		t.Error(err)
	}
}
