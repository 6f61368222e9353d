package cache_test

import (
	"flag"
	"os"
	"path/filepath"
	"testing"
)

var update = flag.Bool("update", false, "write the files of this release's format anew")

// TestFilesOfEachRelease reads a directory as each release left it. A test that
// fails here after a change of the format says that an upgrade would start
// without data: the change needs a format version of its own beside the old one.
func TestFilesOfEachRelease(t *testing.T) {
	for _, c := range []struct {
		dir    string
		newest bool // of this release
	}{{"testdata/format-1", false}, {"testdata/format-2", true}} {
		t.Run(c.dir, func(t *testing.T) {
			fresh := t.TempDir()
			k := twoGenerations(t, fresh)
			if *update && c.newest {
				k.must(os.RemoveAll(c.dir))
				k.must(os.MkdirAll(c.dir, 0o755))
				for _, name := range files(t, fresh) {
					k.must(os.WriteFile(filepath.Join(c.dir, name), readFile(t, filepath.Join(fresh, name)), 0o644))
				}
			}
			view, lines := load(t, copyDir(t, c.dir))
			if diff := k.check(view); diff != "" || lines != "" || !view.MissKnown(late) {
				t.Errorf("%s; the log says %q", diff, lines)
			}
		})
	}
}
