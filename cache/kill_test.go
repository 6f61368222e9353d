package cache_test

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"rddsd/cache"
	"rddsd/cache/cachetest"
)

// killEnv names the directory in which the test binary, started by TestKill, is
// the program that gets killed.
const killEnv = "RDDSD_TEST_KILL"

func TestMain(m *testing.M) {
	if dir := os.Getenv(killEnv); dir != "" {
		fmt.Fprintln(os.Stderr, keepUntilKilled(dir))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// keepUntilKilled follows a registry as the feed does: it appends each delta,
// publishes it, which is to print its serial, and folds all the time.
func keepUntilKilled(dir string) error {
	disk, err := cache.OpenDisk(dir)
	if err != nil {
		return err
	}
	disk.Log = slog.New(slog.DiscardHandler)
	view, err := disk.Load(noon, maxMissAge)
	if err != nil {
		return err
	}
	if view == nil {
		var objects []any
		for _, c := range firstChanges() {
			objects = append(objects, c)
		}
		view = cachetest.Build(objects...)
		if err := disk.WriteBase(view); err != nil {
			return err
		}
	}
	var (
		folding *cache.Folding
		done    <-chan struct{}
	)
	for n := 0; ; n++ {
		fmt.Println(view.Position().Serial)
		delta := deltaTo(view.Position().Serial + 1)
		next, _, err := view.Apply(delta, time.Time{})
		if err != nil {
			return err
		}
		if err := disk.Append(delta); err != nil {
			return err
		}
		if folding != nil {
			folding.Add(delta)
		}
		view = next
		if n%3 == 2 {
			if err := disk.Sync(); err != nil {
				return err
			}
		}
		switch {
		case folding == nil && n%6 == 5:
			base := disk.BeginBase(view, true)
			folding = cache.StartFolding(context.Background(), base.Write)
			done = folding.Done()
		case folding != nil:
			select {
			case <-done:
				if view, err = folding.Swap(view); err != nil {
					return err
				}
				folding = nil
			default:
			}
		}
	}
}

// TestKill kills a process at moments drawn at random while it appends, syncs
// and folds, and starts another on what it left: everything that was published
// is there, and what is there is a state that there was.
func TestKill(t *testing.T) {
	rounds := 200
	if testing.Short() || raceDetector {
		rounds = 20
	}
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	twin, _ := cachetest.NewTwin(cachetest.Start, cachetest.AsOf, time.Time{}, firstChanges())
	random := rand.New(rand.NewPCG(4, uint64(time.Now().UnixNano())))
	bases := map[string]bool{}
	published := uint64(0)
	for round := range rounds {
		published = max(published, killAfter(t, binary, dir, round%3 == 0, time.Duration(random.Int64N(int64(20*time.Millisecond)))))
		for _, name := range files(t, dir) {
			bases[name] = true
		}
		view, lines := load(t, dir)
		if view == nil {
			if published == 0 {
				continue // killed before the first base was there
			}
			t.Fatalf("round %d: nothing is left of %d\n%s", round, published, lines)
		}
		serial := view.Position().Serial
		if serial < published {
			t.Fatalf("round %d: a start is at serial %d, %d was published\n%s", round, serial, published, lines)
		}
		for twin.Position.Serial < serial {
			twin.Apply(deltaTo(twin.Position.Serial+1), time.Time{})
		}
		k := &keeper{tb: t, twins: map[uint64]*cachetest.Twin{serial: twin}}
		if diff := k.check(view); diff != "" {
			t.Fatalf("round %d: at serial %d: %s", round, serial, diff)
		}
		if view.MissKnown(late) {
			t.Fatalf("round %d: misses may be told after a kill", round)
		}
	}
	t.Logf("killed %d times, at serial %d, with %d files in all", rounds, twin.Position.Serial, len(bases))
	if twin.Position.Serial < uint64(rounds) || len(bases) < rounds {
		t.Error("hardly anything was written: the test saw too little")
	}
}

// killAfter runs binary as keepUntilKilled in dir, kills it after d, from its
// start or from the first serial that it publishes, and returns the last one, 0
// for none.
func killAfter(t *testing.T, binary, dir string, fromStart bool, d time.Duration) (published uint64) {
	t.Helper()
	cmd := exec.Command(binary)
	cmd.Env = append(os.Environ(), killEnv+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if fromStart {
		time.AfterFunc(d, func() { _ = cmd.Process.Kill() })
	}
	lines := bufio.NewScanner(out)
	for begun := fromStart; lines.Scan(); begun = true {
		if !begun {
			time.AfterFunc(d, func() { _ = cmd.Process.Kill() })
		}
		if published, err = strconv.ParseUint(lines.Text(), 10, 64); err != nil {
			t.Fatalf("the process says %q", lines.Text())
		}
	}
	_ = cmd.Wait() // killed
	return published
}
