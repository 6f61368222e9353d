package feed_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"rddsd/cache"
)

// mountsEnv says that the test binary runs where it may mount.
const mountsEnv = "RDDSD_TEST_MOUNTS"

// withMounts runs the rest of the test in a process with mounts of its own, which
// end with it. It reports false in the process that was asked first.
func withMounts(t *testing.T) bool {
	t.Helper()
	if os.Getenv(mountsEnv) != "" {
		probe := t.TempDir()
		if err := syscall.Mount("none", probe, "tmpfs", 0, "size=4096"); err != nil {
			t.Logf("not tested: this machine does not mount: %v", err)
			return false
		}
		return syscall.Unmount(probe, 0) == nil
	}
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(binary, "-test.run=^"+t.Name()+"$", "-test.timeout=9m")
	cmd.Env = append(os.Environ(), mountsEnv+"=1", "TMPDIR="+t.TempDir())
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	if os.Geteuid() != 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{
			Cloneflags:  syscall.CLONE_NEWNS | syscall.CLONE_NEWUSER,
			UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}},
			GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}},
		}
	}
	out, err := cmd.CombinedOutput()
	switch {
	case errors.Is(err, fs.ErrPermission):
		t.Log("not tested: this user may not mount anything")
	case err != nil:
		t.Fatalf("in a process that may mount: %v\n%s", err, out)
	}
	return false
}

// mountSmall returns a directory that has room for so many bytes.
func mountSmall(t *testing.T, bytes int) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("none", dir, "tmpfs", 0, fmt.Sprintf("size=%d", bytes)); err != nil {
		t.Fatalf("mount a small file system: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	return dir
}

// fill takes all the room that dir has left.
func fill(t *testing.T, dir string) (file string) {
	t.Helper()
	file = filepath.Join(dir, "filler")
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for chunk := make([]byte, 1<<16); len(chunk) > 0; {
		if _, err := f.Write(chunk); errors.Is(err, syscall.ENOSPC) {
			chunk = chunk[:len(chunk)/2]
		} else if err != nil {
			t.Fatal(err)
		}
	}
	return file
}

// TestFullDisk fills the disk while the edge runs, and makes room again.
func TestFullDisk(t *testing.T) {
	if !withMounts(t) {
		return
	}
	dir := mountSmall(t, 1<<20)
	r := newRegistry(t, 200)
	synctest.Test(t, func(t *testing.T) {
		e := newEdge(t, r.path, filepath.Join(dir, "snapshots")).start()
		e.settle()
		e.after(time.Second)
		if s := e.Status(); s.DiskError != "" {
			t.Fatalf("with room: %q", s.DiskError)
		}
		filler := fill(t, dir)
		for i := range 6 { // the log has no room, and neither has a new base
			r.run(t, fmt.Sprintf("update domain set expires = %d", 10+i))
			e.after(30 * time.Second)
		}
		e.same(r.path)
		s := e.Status()
		if !strings.Contains(s.DiskError, "are needed and 0 MiB are free") || s.DiskErrors < 2 || !s.Connected || s.Degraded {
			t.Errorf("on a full disk: %+v", s)
		}
		if n := e.log.count("level=ERROR"); n != 1 {
			t.Errorf("%d alarms, want one:\n%s", n, e.log.lines.String())
		}
		if err := os.Remove(filler); err != nil {
			t.Fatal(err)
		}
		e.after(2*time.Minute + pollInterval) // without a change
		if s := e.Status(); s.DiskError != "" || e.log.count("whole again") != 1 {
			t.Errorf("there is room again: %+v", s)
		}
		r.run(t, "update domain set expires = 99 where name = 'd7.coop'")
		want := e.after(time.Minute)
		e.stop()

		if err := os.Remove(r.path); err != nil {
			t.Fatal(err)
		}
		e = newEdge(t, r.path, filepath.Join(dir, "snapshots")).start()
		<-e.Ready()
		if got := e.after(0); len(differences(got, want)) != 0 || !got.MissKnown(time.Now()) {
			t.Errorf("from disk: %q, misses known %v", differences(got, want), got.MissKnown(time.Now()))
		}
		e.stop()
	})
}

// TestReadOnlyDisk starts on a copy that may only be read, follows the registry,
// and has its right to write given back.
func TestReadOnlyDisk(t *testing.T) {
	if !withMounts(t) {
		return
	}
	r := newRegistry(t, 100)
	dir := t.TempDir()
	snapshots := filepath.Join(dir, "snapshots")
	remount := func(flags uintptr) {
		if err := syscall.Mount(dir, dir, "", syscall.MS_BIND|syscall.MS_REMOUNT|flags, ""); err != nil {
			t.Fatalf("mount %s anew: %v", dir, err)
		}
	}
	if err := syscall.Mount(dir, dir, "", syscall.MS_BIND, ""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	for _, locked := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			e := newEdge(t, r.path, snapshots).start()
			want := e.settle()
			e.stop()
			away := r.path + ".away"
			if err := os.Rename(r.path, away); err != nil {
				t.Fatal(err)
			}
			if !locked { // as a copy from elsewhere
				if err := os.Remove(filepath.Join(snapshots, "lock")); err != nil {
					t.Fatal(err)
				}
			}
			remount(syscall.MS_RDONLY)

			e = newEdge(t, r.path, snapshots).start()
			<-e.Ready()
			got := e.after(0)
			if diffs := differences(got, want); len(diffs) != 0 {
				t.Errorf("from a disk that may only be read: %q", diffs)
			}
			if got.MissKnown(time.Now()) {
				t.Error("misses are told by a run that leaves no trace")
			}
			if s := e.Status(); !strings.Contains(s.DiskError, "read-only file system") {
				t.Errorf("at the start: %+v", s)
			}
			if _, err := cache.OpenDisk(snapshots); locked && (err == nil || !strings.Contains(err.Error(), "in use by another rddsd")) {
				t.Errorf("a second run on the same directory: %v", err)
			}
			if err := os.Rename(away, r.path); err != nil {
				t.Fatal(err)
			}
			e.after(10 * time.Second)
			r.run(t, "update domain set expires = expires + 1")
			e.after(time.Minute)
			e.same(r.path)
			if s := e.Status(); !strings.Contains(s.DiskError, "read-only file system") || !s.Connected {
				t.Errorf("on a disk that may only be read: %+v", s)
			}
			if n := e.log.count("level=ERROR") - e.log.count("registry cannot be read"); n != 1 {
				t.Errorf("%d alarms, want one:\n%s", n, e.log.lines.String())
			}
			e.stop()
			e = newEdge(t, r.path, snapshots).start()
			<-e.Ready()
			r.run(t, "update domain set expires = expires + 1")
			e.after(10 * time.Second)

			remount(0)
			e.after(2*time.Minute + pollInterval)
			want = e.after(0)
			if s := e.Status(); s.DiskError != "" {
				t.Errorf("the disk can be written again: %+v", s)
			}
			e.stop()
			e = newEdge(t, away, snapshots).start()
			<-e.Ready()
			if diffs := differences(e.after(0), want); len(diffs) != 0 {
				t.Errorf("from disk: %q", diffs)
			}
			e.stop()
		})
	}
}

// TestSyncThatFails writes to a disk that takes everything and tells at the sync
// that it has no room: what was appended is not there.
func TestSyncThatFails(t *testing.T) {
	if !withMounts(t) {
		return
	}
	small, dir := mountSmall(t, 3<<20), t.TempDir()
	image := filepath.Join(small, "image")
	if err := os.WriteFile(image, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(image, 64<<20); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"mkfs.ext4", "-q", "-O", "^has_journal", "-E", "nodiscard", image}, {"mount", "-o", "loop", image, dir}} {
		if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
			t.Logf("not tested: this machine does not mount images: %v: %v\n%s", args, err, out)
			return
		}
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) }) // a base may still be mapped
	r := newRegistry(t, 20)
	r.run(t, `insert into reserved (name, reason) with recursive n(i) as (select 0 union all select i + 1 from n where i < 99) select 'r' || i || '.coop', 'variant' from n`)
	synctest.Test(t, func(t *testing.T) {
		e := newEdge(t, r.path, filepath.Join(dir, "snapshots")).start()
		e.settle()
		for i := range 25 {
			r.run(t, fmt.Sprintf("update reserved set of = printf('%%.1000c', '%c'), idn_table = printf('%%.1000c', 'b'), public_text = printf('%%.1000c', 'c')", 'a'+i))
			e.after(time.Second)
			if e.Status().DiskError != "" {
				break
			}
		}
		r.run(t, "update domain set expires = 9 where name = 'd0.coop'")
		e.after(time.Second)
		e.same(r.path)
		if s := e.Status(); s.DiskError == "" || !s.Connected || s.Degraded {
			t.Errorf("on a disk that takes nothing: %+v", s)
		}
		if e.log.count("sync the delta log") != 1 {
			t.Errorf("the log does not tell of the sync:\n%s", e.log.lines.String())
		}
		e.stop()
	})
}
