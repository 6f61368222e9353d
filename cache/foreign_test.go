package cache_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestFilesThatAreNotOurs(t *testing.T) {
	dir := t.TempDir()
	k := twoGenerations(t, dir)
	good, err := os.ReadFile(filepath.Join(dir, "base-00000003"))
	k.must(err)
	later := slices.Clone(good)
	later[8]++
	for _, c := range []struct {
		name, file string
		data       []byte
	}{
		{"an empty base", "base-00000005", nil},
		{"a base of zeros", "base-00000005", make([]byte, 4096)},
		{"a base of a later release", "base-00000005", later},
		{"somebody's text as a base", "base-00000005", []byte(strings.Repeat("Dear diary, ", 100))},
		{"a log as a base", "base-00000005", readFile(t, filepath.Join(dir, "log-00000004"))},
		{"a base as a log", "log-00000005", good},
		{"an empty log", "log-00000005", nil},
		{"a log that follows on nothing", "log-00000005", readFile(t, filepath.Join(dir, "log-00000002"))},
		{"a log of zeros", "log-00000005", make([]byte, 4096)},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := copyDir(t, dir)
			if err := os.WriteFile(filepath.Join(dir, c.file), c.data, 0o600); err != nil {
				t.Fatal(err)
			}
			view, lines := load(t, dir)
			if diff := k.check(view); diff != "" || view.Position().Serial != 9 {
				t.Errorf("at serial %d: %s", view.Position().Serial, diff)
			}
			if view.MissKnown(late) {
				t.Error("a newer file that cannot be read may hold newer names, yet misses may be told")
			}
			if strings.Count(lines, "\n") != 1 || !strings.Contains(lines, c.file) {
				t.Errorf("one line is to tell of the skipped file: %q", lines)
			}
		})
	}
	t.Run("a name beside the pattern", func(t *testing.T) {
		dir := copyDir(t, dir)
		for _, name := range []string{"base-5", "base-99999999999999999999", "base-00000000", "base-0000000x", "log-"} {
			if err := os.WriteFile(filepath.Join(dir, name), good, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if view, lines := load(t, dir); lines != "" || !view.MissKnown(late) {
			t.Errorf("files of other names count: %s", lines)
		}
	})
}
