package cache_test

import (
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rddsd/cache"
	"rddsd/cache/cachetest"
	"rddsd/cache/registry"
)

// damages is how many damages TestDamagedDirectory makes; the promise is tested
// with 100000.
var damages = flag.Int("damages", 600, "how often TestDamagedDirectory flips bits of files and cuts them")

// largeDirectory fills a directory with two generations, whose bases have several
// blocks each, and returns the View that they lead to.
func largeDirectory(t *testing.T) (dir string, view *cache.View) {
	t.Helper()
	dir = t.TempDir()
	disk, _ := openDisk(t, dir)
	const names = 12_000
	view = benchView(t, names)
	for serial := range uint64(6) {
		if serial%3 == 0 {
			if err := disk.WriteBase(view); err != nil {
				t.Fatal(err)
			}
		}
		delta := benchDelta(int(serial), 2, names)
		delta.To = view.Position()
		delta.To.Serial++
		delta.Changes = append(delta.Changes, cachetest.Rejected(registry.KindContact, fmt.Sprintf("C%d-COOP", serial), registry.RejectText))
		if err := disk.Append(delta); err != nil {
			t.Fatal(err)
		}
		var err error
		if view, _, err = view.Apply(delta, time.Time{}); err != nil {
			t.Fatal(err)
		}
	}
	if err := disk.Close(noon, true); err != nil {
		t.Fatal(err)
	}
	return dir, view
}

// TestDamagedDirectory flips bits of files of a directory, and cuts them, at
// random. A start never fails and never answers wrongly: what cannot be read is
// unknown. A check of the damaged file finds every flip, and every cut but of a
// log between two records; and what the newest base lacks the generation before
// it gives back.
func TestDamagedDirectory(t *testing.T) {
	dir, good := largeDirectory(t)
	mark := readFile(t, filepath.Join(dir, "clean"))
	names := files(t, dir)
	whole := map[string][]byte{}
	for _, name := range names {
		whole[name] = readFile(t, filepath.Join(dir, name))
	}
	newest := slices.Max(slices.DeleteFunc(slices.Clone(names), func(name string) bool { return !strings.HasPrefix(name, "base-") }))
	random := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 4))
	n := *damages
	if raceDetector {
		n = min(n, 200)
	}
	var skipped, renewed int
	for i := range n {
		if i%200 == 0 {
			runtime.GC() // unmaps what earlier rounds had open
		}
		name := newest
		if i%3 == 0 {
			name = names[random.IntN(len(names))]
		}
		path, data := filepath.Join(dir, name), whole[name]
		at := random.IntN(len(data))
		what := fmt.Sprintf("%s flipped at %d", name, at)
		cut := i%5 == 4
		if name == "clean" { // each start takes it away
			bad := slices.Clone(data)
			bad[at] ^= byte(1 << random.IntN(8))
			must(t, os.WriteFile(path, bad, 0o600))
			if view, _ := startOn(t, dir, good, random, what); view.MissKnown(late) {
				t.Fatalf("%s: misses may be told", what)
			}
			continue
		}
		if cut {
			what = fmt.Sprintf("%s cut at %d", name, at)
			must(t, os.Truncate(path, int64(at)))
		} else {
			patch(t, path, at, data[at]^byte(1<<random.IntN(8)))
		}
		if i%7 == 0 {
			must(t, os.WriteFile(filepath.Join(dir, "clean"), mark, 0o600))
		}

		info, err := cache.InspectFile(path, slog.New(slog.DiscardHandler))
		if err == nil {
			err = info.Verify(t.Context())
		}
		if err == nil && !(cut && info.Kind == "log") {
			t.Fatalf("%s: a check of the file finds nothing", what)
		}
		switch view, result := startOn(t, dir, good, random, what); result {
		case "skipped":
			skipped++
		case "renewed":
			renewed++
		case "unknown":
			t.Fatalf("%s: the generation before it does not give back what is unknown: %v", what, view.Damage())
		}
		if cut {
			must(t, os.WriteFile(path, data, 0o600))
		} else {
			patch(t, path, at, data[at])
		}
	}
	t.Logf("%d damages: %d files skipped at the start, %d bases replaced while serving", n, skipped, renewed)
	if skipped < n/20 || renewed < n/20 {
		t.Error("the test saw too little")
	}
}

// startOn starts on dir and asks what comes some questions, whose answers good
// knows.
func startOn(t *testing.T, dir string, good *cache.View, random *rand.Rand, what string) (view *cache.View, result string) {
	t.Helper()
	disk, err := cache.OpenDisk(dir)
	must(t, err)
	disk.Log = slog.New(slog.NewTextHandler(io.Discard, nil))
	defer func() { must(t, disk.Close(time.Time{}, false)) }()
	view, err = disk.Load(late, maxMissAge)
	if err != nil || view == nil {
		t.Fatalf("%s: Load = %v, %v", what, view, err)
	}
	if view.Position() != good.Position() {
		if view.MissKnown(late) {
			t.Fatalf("%s: misses may be told at serial %d of %d", what, view.Position().Serial, good.Position().Serial)
		}
		return view, "skipped"
	}
	if wrong := wrongAnswer(view, good, random, false); wrong != "" {
		t.Fatalf("%s: %s", what, wrong)
	}
	if view.Verify(t.Context()) == nil {
		if wrong := wrongAnswer(view, good, random, true); wrong != "" {
			t.Fatalf("%s: nothing is damaged: %s", what, wrong)
		}
		return view, "skipped"
	}
	next := disk.Renew(view)
	if next == nil || next.Verify(t.Context()) != nil {
		return view, "unknown"
	}
	if wrong := wrongAnswer(next, good, random, true); wrong != "" {
		t.Fatalf("%s: renewed: %s", what, wrong)
	}
	return next, "renewed"
}

// wrongAnswer asks view and good the same questions and returns what differs.
// Unless view must be whole, it may not know.
func wrongAnswer(view, good *cache.View, random *rand.Rand, whole bool) string {
	var got, want struct {
		domain  registry.Domain
		contact registry.Contact
		host    registry.Nameserver
	}
	for range 10 {
		i := random.IntN(13_000) // some are not there
		name, contact, host := fmt.Sprintf("example%d.coop", i), fmt.Sprintf("C%d-COOP", i), fmt.Sprintf("H%d-COOP", i%1300)
		for question, p := range map[string][2]cache.Presence{
			"domain " + name:        {view.Domain(name, &got.domain), good.Domain(name, &want.domain)},
			"contact " + contact:    {view.Contact(contact, &got.contact), good.Contact(contact, &want.contact)},
			"nameserver of " + host: {view.Nameserver(host, &got.host), good.Nameserver(host, &want.host)},
		} {
			if p[0] != p[1] && (p[0] != cache.Unknown || whole) {
				return fmt.Sprintf("%s: presence is %d, not %d", question, p[0], p[1])
			}
			ok := p[0] == cache.Present
			switch {
			case ok && question[0] == 'd' && !cmp.Equal(got.domain, want.domain, ignoreMemory, ignoreNil),
				ok && question[0] == 'c' && !cmp.Equal(got.contact, want.contact, ignoreMemory, ignoreNil),
				ok && question[0] == 'n' && !cmp.Equal(got.host, want.host, ignoreMemory, ignoreNil):
				return fmt.Sprintf("%s: %+v, not %+v", question, got, want)
			}
		}
		if want.host.Name != "" {
			if p := view.NameserverByName(want.host.Name, &got.host); p == cache.Absent || p == cache.Unknown && whole {
				return fmt.Sprintf("nameserver %s: presence is %d", want.host.Name, p)
			}
		}
	}
	runtime.KeepAlive(view)
	return ""
}

func patch(t *testing.T, path string, at int, b byte) {
	t.Helper()
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	must(t, err)
	_, err = file.WriteAt([]byte{b}, int64(at))
	must(t, err)
	must(t, file.Close())
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
