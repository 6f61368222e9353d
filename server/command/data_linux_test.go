package command

import (
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

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
	err := MakeData(t.Context(), cfg, slog.New(slog.DiscardHandler))
	if err == nil || !strings.Contains(err.Error(), dir+" as user") || !strings.Contains(err.Error(), "[data] dir") {
		t.Errorf("MakeData = %v", err)
	}
}

func TestDataDirectoryKeepsNoTrace(t *testing.T) {
	cfg := config.Default()
	cfg.Data.Dir = filepath.Join(t.TempDir(), "data")
	cfg.Registry.SQLite = "elsewhere" // so none is made
	if err := MakeData(t.Context(), cfg, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(cfg.Data.Dir); err != nil || len(left) != 0 {
		t.Errorf("the directory holds %v, %v", left, err)
	}
}
