package sqlite

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"rddsd/cache/feed"
	"rddsd/cache/registry"
)

// TestFileThatTookThePlaceOfAnother: a restored file is not read together with
// the log that the one before it left; a file that comes back finds its own.
func TestFileThatTookThePlaceOfAnother(t *testing.T) {
	const (
		inLog    = "update registrar set name = 'In The Log' where clid = 'reg-0'"
		restored = "update registrar set name = 'Restored' where clid = 'reg-0'"
		newEpoch = "update rdds_meta set epoch = lower(hex(randomblob(16))), floor = 0"
	)
	name := func(t *testing.T, s *Source) string {
		t.Helper()
		_, objects := snapshot(t, s)
		for key, change := range objects {
			if key.Kind == registry.KindRegistrar && key.Name == "reg-0" {
				var r registry.Registrar
				if err := registry.DecodeRegistrar(change.Row, &r); err != nil {
					t.Fatal(err)
				}
				return r.Name
			}
		}
		t.Fatal("registrar reg-0 is not there")
		return ""
	}
	replace := func(t *testing.T, path, from string) {
		t.Helper()
		if err := os.Rename(from, path); err != nil {
			t.Fatal(err)
		}
	}
	removeBeside := func(t *testing.T, path string) {
		t.Helper()
		if err := removeSidecars(path); err != nil {
			t.Fatal(err)
		}
	}
	// away copies the file at path as it stands without its log, as mv does when
	// it takes it to another file system.
	away := func(t *testing.T, path string) string {
		t.Helper()
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		copied := filepath.Join(t.TempDir(), "away.sqlite")
		if err := errors.Join(os.WriteFile(copied, content, 0o600), os.Chtimes(copied, info.ModTime(), info.ModTime())); err != nil {
			t.Fatal(err)
		}
		return copied
	}
	for _, tt := range []struct {
		rule string
		do   func(t *testing.T, path, backup string, look func() error)
		want string // "" = refused
	}{
		{"a backup over a log", func(t *testing.T, path, backup string, _ func() error) { replace(t, path, backup) }, ""},
		{"the same, refused once", func(t *testing.T, path, backup string, look func() error) {
			replace(t, path, backup)
			if err := look(); !errors.Is(err, errLeftLog) {
				t.Fatalf("Next = %v, want %v", err, errLeftLog)
			}
		}, ""},
		{"the same, after a time without a file", func(t *testing.T, path, backup string, look func() error) {
			replace(t, path+".away", path)
			if err := look(); !errors.Is(err, os.ErrNotExist) {
				t.Fatalf("Next = %v, want %v", err, os.ErrNotExist)
			}
			replace(t, path, backup)
		}, ""},
		{"the log is taken away first", func(t *testing.T, path, backup string, _ func() error) {
			removeBeside(t, path)
			replace(t, path, backup)
		}, "Restored"},
		{"the log is taken away when told", func(t *testing.T, path, backup string, look func() error) {
			replace(t, path, backup)
			if err := look(); !errors.Is(err, errLeftLog) {
				t.Fatalf("Next = %v, want %v", err, errLeftLog)
			}
			removeBeside(t, path)
		}, "Restored"},
		{"a log of its own in the place of the other's", func(t *testing.T, path, backup string, look func() error) {
			removeBeside(t, path)
			replace(t, path, backup)
			run(t, writer(t, path), "update registrar set name = 'In Its Own' where clid = 'reg-0'")
		}, "In Its Own"},
		{"the file comes back", func(t *testing.T, path, _ string, look func() error) {
			replace(t, path+".away", path)
			if err := look(); !errors.Is(err, os.ErrNotExist) {
				t.Fatalf("Next = %v, want %v", err, os.ErrNotExist)
			}
			if err := os.Chtimes(path+".away", time.Time{}, time.Now().Add(time.Second)); err != nil { // as after a write to it
				t.Fatal(err)
			}
			replace(t, path, path+".away")
		}, "In The Log"},
		{"the file comes back from another file system", func(t *testing.T, path, _ string, _ func() error) { replace(t, path, away(t, path)) }, "In The Log"},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			path := registryOf(t, 20)
			backup := away(t, path)
			run(t, writer(t, backup), restored, newEpoch, "pragma wal_checkpoint(truncate)")
			if err := os.Chtimes(backup, time.Time{}, time.Now().Add(time.Second)); err != nil {
				t.Fatal(err)
			}
			s := open(t, path)
			snapshot(t, s)
			run(t, writer(t, path), inLog)
			at, _ := snapshot(t, s)

			tt.do(t, path, backup, func() error {
				_, err := s.Next(context.Background(), at, noneDue)
				return err
			})
			if tt.want == "" {
				if _, err := s.Next(context.Background(), at, noneDue); !errors.Is(err, errLeftLog) {
					t.Fatalf("Next = %v, want %v", err, errLeftLog)
				}
				return
			}
			if _, err := s.Next(context.Background(), at, noneDue); err != nil && !errors.Is(err, feed.ErrGap) {
				t.Fatalf("Next = %v", err)
			}
			if got := name(t, s); got != tt.want {
				t.Errorf("the snapshot has %q, want %q", got, tt.want)
			}
		})
	}
}
