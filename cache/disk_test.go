package cache_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"rddsd/cache"
	"rddsd/cache/cachetest"
	"rddsd/cache/registry"
)

var (
	noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	late = noon.Add(time.Minute) // of a start after a run that polled last at noon
)

const maxMissAge = 15 * time.Minute

// openDisk opens dir with a Disk that is closed with the test, and whose log
// lines come back.
func openDisk(tb testing.TB, dir string) (*cache.Disk, *bytes.Buffer) {
	tb.Helper()
	disk, err := cache.OpenDisk(dir)
	if err != nil {
		tb.Fatal(err)
	}
	lines := new(bytes.Buffer)
	disk.Log = slog.New(slog.NewTextHandler(lines, nil))
	tb.Cleanup(func() {
		if err := disk.Close(time.Time{}, false); err != nil {
			tb.Error(err)
		}
	})
	return disk, lines
}

// load opens dir, loads and closes again without a trace, as a run that is
// killed at once.
func load(tb testing.TB, dir string) (*cache.View, string) {
	tb.Helper()
	disk, lines := openDisk(tb, dir)
	view, err := disk.Load(late, maxMissAge)
	if err != nil {
		tb.Fatalf("Load: %v", err)
	}
	if err := disk.Close(time.Time{}, false); err != nil {
		tb.Fatal(err)
	}
	return view, lines.String()
}

func copyDir(tb testing.TB, from string) string {
	tb.Helper()
	to := tb.TempDir()
	entries, err := os.ReadDir(from)
	if err != nil {
		tb.Fatal(err)
	}
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(from, e.Name()))
		if err != nil {
			tb.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(to, e.Name()), data, 0o600); err != nil {
			tb.Fatal(err)
		}
	}
	return to
}

func files(tb testing.TB, dir string) []string {
	tb.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		tb.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		if e.Name() != "lock" {
			names = append(names, e.Name())
		}
	}
	return names
}

// firstChanges returns what the registry holds at serial 1.
func firstChanges() []cache.Change {
	return []cache.Change{
		cachetest.Change(&registry.TLD{Name: "coop"}), cachetest.Change(&registry.Registrar{ClID: "one", IANA: 7, Name: "One Limited"}),
		cachetest.Change(&registry.Reserved{Name: "reserved.coop"}),
	}
}

// registryAt returns the objects of a registry at a serial: each serial adds a
// name, moves a host, and now and then a row comes into quarantine.
func registryAt(serial uint64) []cache.Change {
	changes := []cache.Change{
		cachetest.Change(&registry.Domain{
			Name: fmt.Sprintf("d%d.coop", serial), ROID: fmt.Sprintf("D%d-COOP", serial), Registrar: "one",
			Hosts: []string{"H1-COOP"}, Created: 1, Expires: 9,
		}),
		cachetest.Change(&registry.Nameserver{ROID: "H1-COOP", Name: fmt.Sprintf("ns%d.coop", serial), V4: []string{"192.0.2.1"}}),
	}
	switch serial % 3 {
	case 1:
		changes = append(changes, cachetest.Rejected(registry.KindContact, "C1-COOP", registry.RejectDate))
	case 2:
		changes = append(changes, cachetest.Change(&registry.Contact{ROID: "C1-COOP", Org: "Example"}),
			cachetest.Gone(registry.KindDomain, fmt.Sprintf("d%d.coop", serial-1)))
	}
	return changes
}

func deltaTo(serial uint64) cache.Delta {
	pos := cachetest.Start
	pos.Serial = serial
	return cache.Delta{To: pos, AsOf: cachetest.AsOf + registry.Time(serial), Changes: registryAt(serial)}
}

// keeper follows the registry as the feed does: it applies, appends, and knows
// every state that there was.
type keeper struct {
	tb    testing.TB
	disk  *cache.Disk
	view  *cache.View
	twins map[uint64]*cachetest.Twin // by serial
}

func newKeeper(tb testing.TB, dir string) *keeper {
	disk, _ := openDisk(tb, dir)
	if view, err := disk.Load(noon, maxMissAge); view != nil || err != nil {
		tb.Fatalf("Load of an empty directory = %v, %v", view, err)
	}
	changes := firstChanges()
	twin, _ := cachetest.NewTwin(cachetest.Start, cachetest.AsOf, time.Time{}, changes)
	var objects []any
	for _, c := range changes {
		objects = append(objects, c)
	}
	return &keeper{tb, disk, cachetest.Build(objects...), map[uint64]*cachetest.Twin{1: twin}}
}

func (k *keeper) serial() uint64 { return k.view.Position().Serial }

func (k *keeper) writeBase() error { return k.disk.WriteBase(k.view) }

// fold writes a base while n deltas come, and goes on from it as the feed does.
func (k *keeper) fold(n int) error {
	base := k.disk.BeginBase(k.view, k.disk.Whole())
	release := make(chan struct{})
	folding := cache.StartFolding(k.tb.Context(), func(ctx context.Context) (*cache.View, error) {
		<-release
		return base.Write(ctx)
	})
	var failed error
	for range n {
		delta := deltaTo(k.serial() + 1)
		failed = errors.Join(failed, k.follow(1))
		folding.Add(delta)
	}
	close(release)
	<-folding.Done()
	view, err := folding.Swap(k.view)
	if err != nil {
		return errors.Join(failed, err)
	}
	if changes, _ := view.OverlaySize(); changes > 3*n {
		k.tb.Errorf("after %d deltas on the new base its overlay holds %d changes", n, changes)
	}
	if diff := k.check(view); diff != "" {
		k.tb.Errorf("folded: %s", diff)
	}
	k.view = view
	return failed
}

// follow applies the next n deltas and appends them, synced.
func (k *keeper) follow(n int) error {
	for range n {
		delta := deltaTo(k.serial() + 1)
		view, _, err := k.view.Apply(delta, time.Time{})
		if err != nil {
			k.tb.Fatal(err)
		}
		twin := k.twins[k.serial()].Clone()
		twin.Apply(delta, time.Time{})
		k.twins[delta.To.Serial] = twin
		failed := k.disk.Append(delta)
		k.view = view // published, whatever the disk says
		if failed == nil {
			failed = k.disk.Sync()
		}
		if failed != nil {
			return failed
		}
	}
	return nil
}

func (k *keeper) must(err error) {
	k.tb.Helper()
	if err != nil {
		k.tb.Fatal(err)
	}
}

// check fails unless view is the whole state at its serial.
func (k *keeper) check(view *cache.View) string {
	if view == nil {
		return "there is no View"
	}
	twin := k.twins[view.Position().Serial]
	if twin == nil {
		return fmt.Sprintf("the View stands at %d, where the registry never stood", view.Position().Serial)
	}
	like := *twin
	if view.MissKnown(late) {
		like.MissUntil = noon.Add(maxMissAge)
	}
	return like.Diff(view, &cachetest.Probes{
		Names: []string{"d2.coop", "d5.coop", "ns5.coop", "none.coop"}, ROIDs: []string{"H1-COOP", "C1-COOP", "D5-COOP"},
		ClIDs: []string{"one"}, IANA: []int{7}, Limits: []int{3},
	})
}

// twoGenerations fills dir with two generations, each with a log, at serial 9,
// and leaves it as a clean shutdown does.
func twoGenerations(tb testing.TB, dir string) *keeper {
	k := newKeeper(tb, dir)
	k.must(k.writeBase())
	k.must(k.follow(4))
	k.must(k.writeBase())
	k.must(k.follow(4))
	k.must(k.disk.Close(noon, true))
	return k
}

func TestRestart(t *testing.T) {
	dir := t.TempDir()
	k := twoGenerations(t, dir)
	if got, want := strings.Join(files(t, dir), " "), "base-00000001 base-00000003 clean log-00000002 log-00000004"; got != want {
		t.Errorf("the directory holds %s, want %s", got, want)
	}
	view, lines := load(t, dir)
	if diff := k.check(view); diff != "" || view.Position().Serial != 9 || lines != "" {
		t.Fatalf("at serial %d: %s\n%s", view.Position().Serial, diff, lines)
	}
	if !view.MissKnown(noon.Add(maxMissAge-time.Second)) || view.MissKnown(noon.Add(maxMissAge)) {
		t.Error("after a clean shutdown misses may be told until maxMissAge after the last poll")
	}
	// That run was killed.
	if view, _ := load(t, dir); view == nil || view.MissKnown(late) || k.check(view) != "" {
		t.Error("after a run that was not shut down cleanly misses may not be told, hits may")
	}
}

// A start must not write into what an earlier run left: it goes on in a file of
// its own, also when the log before it is torn, and the next start reads both.
func TestRestartAfterATornLogGoesOn(t *testing.T) {
	dir := t.TempDir()
	k := twoGenerations(t, dir)
	log := filepath.Join(dir, "log-00000004")
	data, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	k.must(os.WriteFile(log, data[:len(data)-1], 0o600))
	disk, lines := openDisk(t, dir)
	view, err := disk.Load(late, maxMissAge)
	if err != nil || k.check(view) != "" || view.Position().Serial != 8 || view.MissKnown(late) {
		t.Fatalf("Load = %v, %v", view, err)
	}
	if !strings.Contains(lines.String(), "lacks the last changes") {
		t.Errorf("the log says %q", lines)
	}
	k.disk, k.view = disk, view
	k.must(k.follow(3))
	k.must(disk.Close(noon, true))
	view, _ = load(t, dir)
	if diff := k.check(view); diff != "" || view.Position().Serial != 11 || !view.MissKnown(late) {
		t.Fatalf("at serial %d: %s; misses known: %v", view.Position().Serial, diff, view.MissKnown(late))
	}
}

// The logs of the older generation lead to where the newest base was made, and
// on through the newest logs.
func TestADamagedBaseCostsNothing(t *testing.T) {
	dir := t.TempDir()
	k := twoGenerations(t, dir)
	k.must(os.WriteFile(filepath.Join(dir, "base-00000003"), []byte("rddsbase\x01\x00\x00\x00 and no more"), 0o600))
	view, lines := load(t, dir)
	if diff := k.check(view); diff != "" || view.Position().Serial != 9 || !view.MissKnown(late) {
		t.Fatalf("at serial %d: %s; misses known: %v", view.Position().Serial, diff, view.MissKnown(late))
	}
	if strings.Count(lines, "\n") != 1 || !strings.Contains(lines, "base-00000003") {
		t.Errorf("one line is to tell of the skipped file: %q", lines)
	}
	// The next base replaces the damaged one and keeps the good one before it.
	disk, _ := openDisk(t, dir)
	view, err := disk.Load(late, maxMissAge)
	k.must(err)
	k.disk, k.view = disk, view
	k.must(k.follow(1))
	k.must(k.writeBase())
	if got, want := strings.Join(files(t, dir), " "), "base-00000001 base-00000006 log-00000002 log-00000004 log-00000005"; got != want {
		t.Errorf("the directory holds %s, want %s", got, want)
	}
}

func TestGenerations(t *testing.T) {
	dir := t.TempDir()
	k := newKeeper(t, dir)
	k.must(os.WriteFile(filepath.Join(dir, "notes.txt"), []byte("not ours"), 0o600))
	k.must(os.WriteFile(filepath.Join(dir, "base-00000009.tmp"), []byte("of a process that was killed"), 0o600))
	for range 5 {
		k.must(k.writeBase())
		k.must(k.follow(1))
	}
	if got, want := strings.Join(files(t, dir), " "), "base-00000007 base-00000009 log-00000008 log-00000010 notes.txt"; got != want {
		t.Errorf("the directory holds %s, want %s", got, want)
	}
}

func TestLogSize(t *testing.T) {
	k := newKeeper(t, t.TempDir())
	if k.disk.LogSize() != math.MaxInt64 {
		t.Error("without a base one is due")
	}
	k.must(k.writeBase())
	if k.disk.LogSize() != 0 {
		t.Errorf("LogSize() = %d with a new base", k.disk.LogSize())
	}
	k.must(k.follow(1))
	one := k.disk.LogSize()
	k.must(k.follow(1))
	if two := k.disk.LogSize(); one <= 0 || two <= one {
		t.Errorf("LogSize() = %d, then %d", one, two)
	}
}

// A run that appends makes a log; without a limit a thousand restarts of a quiet
// registry would leave a thousand.
func TestManyLogsAskForABase(t *testing.T) {
	dir := t.TempDir()
	k := newKeeper(t, dir)
	k.must(k.writeBase())
	for range 100 {
		k.must(k.follow(1))
		k.must(k.disk.Close(noon, true))
		k.disk, _ = openDisk(t, dir)
		view, err := k.disk.Load(late, maxMissAge)
		k.must(err)
		if diff := k.check(view); diff != "" || !view.MissKnown(late) || view.Position() != k.view.Position() {
			t.Fatal(diff)
		}
		if k.disk.LogSize() == math.MaxInt64 {
			return
		}
	}
	t.Error("after 100 logs no base is due")
}

func TestOneProcessHasADirectory(t *testing.T) {
	dir := t.TempDir()
	first, _ := openDisk(t, dir)
	if second, err := cache.OpenDisk(dir); err == nil || second != nil || !strings.Contains(err.Error(), dir) {
		t.Fatalf("a second OpenDisk gave %v, %v: want an error that names the directory", second, err)
	}
	if err := first.Close(time.Time{}, false); err != nil {
		t.Fatal(err)
	}
	openDisk(t, dir)
}

func TestAppendRefusesWhatAStartCouldNotReplay(t *testing.T) {
	k := newKeeper(t, t.TempDir())
	if err := k.disk.Append(deltaTo(2)); err == nil {
		t.Error("Append wrote a delta that leads on from no base")
	}
	k.must(k.writeBase())
	k.must(k.follow(1))
	other := deltaTo(3)
	other.To.Epoch = "another"
	if err := k.disk.Append(other); err == nil || !strings.Contains(err.Error(), "snapshot") {
		t.Errorf("Append of another epoch: %v", err)
	}
	if err := k.disk.Append(deltaTo(3)); err == nil {
		t.Error("Append wrote a delta after one that it had not written")
	}
	k.must(k.writeBase())
	k.must(k.follow(1))
}

func TestCleanShutdown(t *testing.T) {
	for _, c := range []struct {
		name string
		run  func(k *keeper, disk *cache.Disk) error // a run after twoGenerations and Load
		want bool                                    // misses known at the next start
	}{
		{"a run without a poll keeps the mark", func(_ *keeper, d *cache.Disk) error { return d.Close(time.Time{}, true) }, true},
		{"a run with a poll and no change", func(_ *keeper, d *cache.Disk) error { return d.Close(noon, true) }, true},
		{"a run with a change", func(k *keeper, d *cache.Disk) error {
			k.must(k.follow(1))
			return d.Close(noon, true)
		}, true},
		{"a run with a new base", func(k *keeper, d *cache.Disk) error {
			k.must(k.writeBase())
			return d.Close(noon, true)
		}, true},
		{"a run that did not end cleanly", func(k *keeper, d *cache.Disk) error {
			k.must(k.follow(1))
			return d.Close(noon, false)
		}, false},
		{"a clock that was put back", func(_ *keeper, d *cache.Disk) error { return d.Close(late.Add(time.Second), true) }, false},
		{"a poll longer ago than maxMissAge", func(_ *keeper, d *cache.Disk) error { return d.Close(late.Add(-maxMissAge), true) }, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			k := twoGenerations(t, dir)
			disk, _ := openDisk(t, dir)
			view, err := disk.Load(late, maxMissAge)
			k.must(err)
			k.disk, k.view = disk, view
			k.must(c.run(k, disk))
			view, _ = load(t, dir)
			if got := view.MissKnown(late); got != c.want {
				t.Errorf("misses known: %v, want %v", got, c.want)
			}
			if diff := k.check(view); diff != "" && c.want {
				t.Error(diff)
			}
		})
	}
}

// TestDiskTwin drives a Disk with random registries, deltas, bases and starts,
// clean or not.
func TestDiskTwin(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		dir, err := os.MkdirTemp(t.TempDir(), "")
		if err != nil {
			rt.Fatal(err)
		}
		disk, _ := openDisk(t, dir)
		disk.Log = slog.New(slog.NewTextHandler(io.Discard, nil))
		s := drawState(rt, nil)
		if err := disk.WriteBase(s.view); err != nil {
			rt.Fatal(err)
		}
		var ( // a folding that is under way
			folding *cache.Folding
			cancel  context.CancelFunc
			release chan struct{}
			began   int
		)
		endFolding := func() {
			cutOff := rapid.Bool().Draw(rt, "the folding is cut off")
			if cutOff {
				cancel()
			}
			close(release)
			<-folding.Done()
			cancel()
			folded, err := folding.Swap(s.view)
			switch {
			case err == nil:
				s.view = folded
			case !cutOff || !errors.Is(err, context.Canceled):
				rt.Fatalf("fold begun in step %d: %v", began, err)
			}
			folding = nil
		}
		for step := range rapid.IntRange(1, 15).Draw(rt, "steps") {
			switch action := rapid.IntRange(0, 11).Draw(rt, "action"); {
			case folding != nil && (action < 2 || action == 9):
				endFolding()
			case action == 0:
				s = drawState(rt, &s) // a resync: another state at any position
				err = disk.WriteBase(s.view)
			case action == 1:
				err = disk.WriteBase(s.view)
			case action >= 10 && folding == nil:
				base, free := disk.BeginBase(s.view, true), make(chan struct{})
				release, began = free, step
				ctx, end := context.WithCancel(t.Context())
				t.Cleanup(end)
				cancel = end
				folding = cache.StartFolding(ctx, func(ctx context.Context) (*cache.View, error) {
					<-free
					return base.Write(ctx)
				})
			case action >= 10:
			case action < 7:
				delta := cache.Delta{To: s.twin.Position, AsOf: s.twin.AsOf + registry.Time(step), Changes: drawChanges(rt, 0, 12, true)}
				delta.To.Serial++
				if err = disk.Append(delta); err == nil {
					s.twin = s.twin.Clone()
					s.twin.Apply(delta, time.Time{})
					s.view, _, err = s.view.Apply(delta, time.Time{})
					if folding != nil {
						folding.Add(delta)
					}
				}
			default:
				if folding != nil {
					endFolding()
				}
				clean := rapid.Bool().Draw(rt, "clean")
				if err := disk.Close(noon, clean); err != nil {
					rt.Fatal(err)
				}
				disk, _ = openDisk(t, dir)
				view, loadErr := disk.Load(late, maxMissAge)
				if loadErr != nil || view == nil {
					rt.Fatalf("Load = %v, %v", view, loadErr)
				}
				s.twin = s.twin.Clone()
				if s.twin.MissUntil = (time.Time{}); clean {
					s.twin.MissUntil = noon.Add(maxMissAge)
				}
				if cache.Digest(view) != cache.Digest(s.view) {
					rt.Fatalf("step %d: the digest is %x, it was %x", step, cache.Digest(view), cache.Digest(s.view))
				}
				s.view = view
			}
			if err != nil {
				rt.Fatalf("step %d: %v", step, err)
			}
			if diff := s.twin.Diff(s.view, probes); diff != "" {
				rt.Fatalf("step %d: %s", step, diff)
			}
		}
		if folding != nil {
			endFolding()
		}
		if err := disk.Close(time.Time{}, false); err != nil {
			rt.Fatal(err)
		}
	})
}

func readFile(tb testing.TB, path string) []byte {
	tb.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	return data
}
