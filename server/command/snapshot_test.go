package command

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rddsd/cache"
	"rddsd/cache/cachetest"
	"rddsd/cache/registry"
	"rddsd/server/config"
)

// rddsd runs a command and returns what it prints.
func rddsd(t *testing.T, args ...string) (string, error) {
	t.Helper()
	root := newRoot(func(context.Context, *config.Config, Load) error { return nil })
	var out bytes.Buffer
	root.SetOut(&out)
	root.SetErr(&out)
	root.SetArgs(args)
	err := root.ExecuteContext(t.Context())
	return out.String(), err
}

// TestSnapshotCommands looks at a base and a log as a running process leaves
// them, and at damaged ones.
func TestSnapshotCommands(t *testing.T) {
	dir := t.TempDir()
	disk, err := cache.OpenDisk(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer disk.Close(time.Time{}, false)
	objects := []any{&registry.TLD{Name: "coop"}, &registry.Registrar{ClID: "one", IANA: 7, Name: "One Limited"}}
	for i := range 300 {
		objects = append(objects, &registry.Domain{Name: fmt.Sprintf("name-%d.coop", i), ROID: fmt.Sprintf("D%d-COOP", i), Registrar: "one", Created: 1, Expires: 9})
	}
	view := cachetest.Build(objects...)
	if err := disk.WriteBase(view); err != nil {
		t.Fatal(err)
	}
	delta := cache.Delta{To: view.Position(), AsOf: view.AsOf() + 1, Changes: []cache.Change{cachetest.Gone(registry.KindDomain, "name-1.coop")}}
	for range 3 {
		delta.To.Serial++
		if err := disk.Append(delta); err != nil {
			t.Fatal(err)
		}
	}
	base, log := filepath.Join(dir, "base-00000001"), filepath.Join(dir, "log-00000002")

	for file, want := range map[string][]string{
		base: {"base  ", "format ", "300 domains", "1 registrars", "position 1\n", "bytes a name"},
		log:  {"log  ", "format ", "at position 1\n", "position 4\n", "3, with 3 changes"},
	} {
		out, err := rddsd(t, "snapshot", "info", file)
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range want {
			if !strings.Contains(out, w) {
				t.Errorf("info %s lacks %q:\n%s", filepath.Base(file), w, out)
			}
		}
		if out, err := rddsd(t, "snapshot", "verify", file); err != nil || out != "ok\n" {
			t.Errorf("verify %s = %q, %v", filepath.Base(file), out, err)
		}
	}

	for _, file := range []string{base, log} {
		good, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		bad := filepath.Join(t.TempDir(), filepath.Base(file))
		for at := 0; at < len(good); at += 1 + len(good)/200 {
			flipped := bytes.Clone(good)
			flipped[at] ^= 1
			for what, text := range map[string][]byte{"flipped": flipped, "cut": good[:at]} {
				if err := os.WriteFile(bad, text, 0o600); err != nil {
					t.Fatal(err)
				}
				if out, err := rddsd(t, "snapshot", "verify", bad); err == nil && !(what == "cut" && whole(t, bad)) {
					t.Fatalf("verify %s %s at %d of %d: %q", filepath.Base(file), what, at, len(good), out)
				}
			}
		}
	}
}

// whole reports whether the log at path was cut between two records: then
// nothing tells that there were more.
func whole(t *testing.T, path string) bool {
	t.Helper()
	out, err := rddsd(t, "snapshot", "info", path)
	return err == nil && strings.HasPrefix(out, "log") && !strings.Contains(out, "TORN")
}
