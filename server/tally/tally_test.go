package tally

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"rddsd/ratelimit"
	"rddsd/server/lookup"
)

var silent = slog.New(slog.NewTextHandler(io.Discard, nil))

// page is a log that may be read while it is written.
type page struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (p *page) Write(line []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.Write(line)
}

func (p *page) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.String()
}

// shown returns counters, one line each, in order.
func shown(counters iter.Seq[Counter]) []string {
	var lines []string
	for c := range counters {
		lines = append(lines, fmt.Sprintf("%s %s %s %s %s %d", c.TLD, c.Service, c.Object, c.Class, c.Audience, c.N))
	}
	slices.Sort(lines)
	return lines
}

func (t *Tally) inMonth(m Month) []string { return shown(slices.Values(t.InMonth(m))) }

func at12(year int, month time.Month, day int) time.Time {
	return time.Date(year, month, day, 12, 0, 0, 0, time.UTC)
}

func TestEachCounterHasItsOwnPlace(t *testing.T) {
	var tally Tally
	want := 0
	for s := range Service(Services) {
		for o := range lookup.Object(lookup.Objects) {
			for c := range lookup.Class(lookup.Classes) {
				for a := range ratelimit.Audience(ratelimit.Audiences) {
					tally.Count(s, "coop", o, c, a)
					want++
				}
			}
		}
	}
	lines := shown(tally.Totals())
	if len(slices.Compact(slices.Clone(lines))) != want {
		t.Errorf("%d counters were counted up, want %d different ones", len(lines), want)
	}
	for _, line := range lines {
		if !strings.HasSuffix(line, " 1") {
			t.Errorf("after one query each: %s", line)
		}
	}
}

func TestCountsGoOnAfterRestart(t *testing.T) {
	dir := t.TempDir()
	now := at12(2026, time.November, 30)
	clock := func() time.Time { return now }
	first := Open(dir, clock, silent)
	first.Count(WHOIS, "coop", lookup.Domain, lookup.Found, ratelimit.Anonymous)
	first.Count(WHOIS, "coop", lookup.Domain, lookup.Found, ratelimit.Anonymous)
	first.Count(RDAP, "", lookup.NoObject, lookup.Help, ratelimit.Probe)
	if err := first.Save(); err != nil {
		t.Fatal(err)
	}

	now = at12(2026, time.December, 1)
	second := Open(dir, clock, silent)
	second.Count(WHOIS, "coop", lookup.Domain, lookup.Found, ratelimit.Anonymous)
	if diff := cmp.Diff([]string{"coop whois domain found anonymous 3", "none rdap none help probe 1"}, shown(second.Totals())); diff != "" {
		t.Errorf("totals of all months (-want +got):\n%s", diff)
	}
	november, december := MonthOf(at12(2026, time.November, 30)), MonthOf(now)
	if diff := cmp.Diff([]string{"coop whois domain found anonymous 2", "none rdap none help probe 1"}, second.inMonth(november)); diff != "" {
		t.Errorf("November (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"coop whois domain found anonymous 1"}, second.inMonth(december)); diff != "" {
		t.Errorf("December (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]Month{november, december}, second.Months()); diff != "" {
		t.Errorf("months (-want +got):\n%s", diff)
	}
}

func TestOldMonthsFoldAndTotalsStay(t *testing.T) {
	dir := t.TempDir()
	now := at12(2024, time.January, 15)
	tally := Open(dir, func() time.Time { return now }, silent)
	for range Keep + 5 {
		tally.Count(WHOIS, "coop", lookup.Domain, lookup.Found, ratelimit.Anonymous)
		if err := tally.Save(); err != nil {
			t.Fatal(err)
		}
		now = now.AddDate(0, 1, 0)
		if err := tally.Save(); err != nil { // the turn of the month
			t.Fatal(err)
		}
	}
	again := Open(dir, func() time.Time { return now }, silent)
	months := again.Months()
	if len(months) != Keep-1 || months[0] != MonthOf(now)-Keep+1 {
		t.Errorf("kept %d months from %v on, want the %d before the current one", len(months), months[0], Keep-1)
	}
	if diff := cmp.Diff([]string{fmt.Sprintf("coop whois domain found anonymous %d", Keep+5)}, shown(again.Totals())); diff != "" {
		t.Errorf("totals (-want +got):\n%s", diff)
	}
}

func TestDamagedFileIsSetAside(t *testing.T) {
	for name, content := range map[string]string{
		"empty":              "",
		"torn":               `{"format": 1, "months": {"2026-11": {"coop": {"whois dom`,
		"of another format":  `{"format": 2, "months": {}}`,
		"with a strange key": `{"format": 1, "months": {"2026-11": {"coop": {"whois domain guessed anonymous": 1}}}}`,
		"with a bad month":   `{"format": 1, "months": {"November": {}}}`,
		"with a bad count":   `{"format": 1, "months": {"2026-11": {"coop": {"whois domain found anonymous": -1}}}}`,
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, File)
			if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			var logged page
			tally := Open(dir, time.Now, slog.New(slog.NewTextHandler(&logged, nil)))
			if strings.Count(logged.String(), "\n") != 1 || !strings.Contains(logged.String(), path) {
				t.Errorf("logged %q, want one line that names the file", logged.String())
			}
			if aside, err := os.ReadFile(path + ".damaged"); err != nil || string(aside) != content {
				t.Errorf("set aside: %q, %v; want what was there", aside, err)
			}
			tally.Count(WHOIS, "coop", lookup.Domain, lookup.Found, ratelimit.Anonymous)
			if err := tally.Save(); err != nil {
				t.Fatal(err)
			}
			again := Open(dir, time.Now, silent)
			if got := shown(again.Totals()); len(got) != 1 {
				t.Errorf("counted on: %q, want the one query", got)
			}
		})
	}
}

// What cannot be read or set aside, as on a disk that may only be read and is
// damaged, keeps nothing from answering.
func TestUnreadableFileStopsNothing(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, File)
	if err := errors.Join(os.Mkdir(path, 0o700), os.MkdirAll(filepath.Join(path+".damaged", "full"), 0o700)); err != nil {
		t.Fatal(err) // neither is a file, so one cannot be read, nor the other replaced
	}
	var logged page
	tally := Open(dir, time.Now, slog.New(slog.NewTextHandler(&logged, nil)))
	if !strings.Contains(logged.String(), "cannot be set aside") || !strings.Contains(logged.String(), "is a directory") {
		t.Errorf("logged %q, want both causes", logged.String())
	}
	tally.Count(WHOIS, "coop", lookup.Domain, lookup.Found, ratelimit.Anonymous)
	if got := shown(tally.Totals()); len(got) != 1 {
		t.Errorf("counted %q, want the one query", got)
	}
}

func TestTLDsAreBounded(t *testing.T) {
	var tally Tally
	for i := range MaxTLDs + 50 {
		tally.Count(WHOIS, fmt.Sprintf("tld%d", i), lookup.Domain, lookup.NotFound, ratelimit.Anonymous)
	}
	var other uint64
	tlds := map[string]bool{}
	for c := range tally.Totals() {
		tlds[c.TLD] = true
		if c.TLD == Other {
			other = c.N
		}
	}
	if len(tlds) != MaxTLDs+1 || other != 50 {
		t.Errorf("%d labels, %d under %q; want %d and 50", len(tlds), other, Other, MaxTLDs+1)
	}
}

func TestConcurrentCountsAreAllThere(t *testing.T) {
	tally := Open(t.TempDir(), time.Now, silent)
	const workers, each = 8, 2000
	var group sync.WaitGroup
	for worker := range workers {
		group.Go(func() {
			for i := range each {
				tally.Count(RDAP, fmt.Sprintf("tld%d", i%50), lookup.Domain, lookup.Found, ratelimit.Anonymous)
				if worker == 0 && i%100 == 0 {
					if err := tally.Save(); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	group.Wait()
	var total, booked uint64
	for c := range tally.Totals() {
		total += c.N
	}
	for _, month := range tally.Months() {
		for _, c := range tally.InMonth(month) {
			booked += c.N
		}
	}
	if total != workers*each || booked != workers*each {
		t.Errorf("total %d, in months %d, want %d", total, booked, workers*each)
	}
}

func TestServeWritesInTimeAndTurnsTheMonth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// A bubble begins at 2000-01-01T00:00:00Z.
		time.Sleep(time.Until((MonthOf(time.Now()) + 1).Begins()) - 5*time.Second)
		dir := t.TempDir()
		tally := Open(dir, time.Now, silent)
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- tally.Serve(ctx) }()
		count := func() {
			tally.Count(WHOIS, "coop", lookup.Domain, lookup.Found, ratelimit.Anonymous)
		}
		onDisk := func() *Tally {
			t.Helper()
			return Open(dir, time.Now, silent)
		}

		january := MonthOf(time.Now())
		count()
		time.Sleep(6 * time.Second) // into February
		synctest.Wait()
		count()
		time.Sleep(saveEach + time.Second)
		synctest.Wait()
		for _, month := range []Month{january, january + 1} {
			if diff := cmp.Diff([]string{"coop whois domain found anonymous 1"}, onDisk().inMonth(month)); diff != "" {
				t.Errorf("%v on disk (-want +got):\n%s", month, diff)
			}
		}

		count()
		stop()
		if err := <-ended; err != nil {
			t.Errorf("Serve: %v", err)
		}
		if diff := cmp.Diff([]string{"coop whois domain found anonymous 3"}, shown(onDisk().Totals())); diff != "" {
			t.Errorf("on disk after the end (-want +got):\n%s", diff)
		}
	})
}

func TestServeOutlivesFailingWrites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "data")
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		var logged page
		tally := Open(dir, time.Now, slog.New(slog.NewTextHandler(&logged, nil)))
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- tally.Serve(ctx) }()

		if err := os.Rename(dir, dir+".away"); err != nil {
			t.Fatal(err)
		}
		tally.Count(WHOIS, "coop", lookup.Domain, lookup.Found, ratelimit.Anonymous)
		time.Sleep(10*saveEach + time.Second)
		synctest.Wait()
		if n := strings.Count(logged.String(), "level=ERROR"); n != 1 {
			t.Errorf("%d errors logged over ten failing writes, want 1:\n%s", n, &logged)
		}
		if err := os.Rename(dir+".away", dir); err != nil {
			t.Fatal(err)
		}
		time.Sleep(saveEach + time.Second)
		synctest.Wait()
		if !strings.Contains(logged.String(), "written again") {
			t.Errorf("no line says that writing works again:\n%s", &logged)
		}
		if _, err := os.Stat(filepath.Join(dir, File)); err != nil {
			t.Error(err)
		}
		stop()
		<-ended
	})
}

func TestCountAllocatesNothing(t *testing.T) {
	tally := Open(t.TempDir(), time.Now, silent)
	tally.Count(WHOIS, "coop", lookup.Domain, lookup.Found, ratelimit.Anonymous)
	if n := testing.AllocsPerRun(1000, func() {
		tally.Count(RDAP, "coop", lookup.Domain, lookup.NotFound, ratelimit.Anonymous)
	}); n != 0 {
		t.Errorf("Count allocates %v times", n)
	}
}

func TestMonth(t *testing.T) {
	for s, want := range map[string]time.Time{
		"2026-11": time.Date(2026, time.November, 1, 0, 0, 0, 0, time.UTC),
		"2026-12": time.Date(2026, time.December, 1, 0, 0, 0, 0, time.UTC),
		"2027-01": time.Date(2027, time.January, 1, 0, 0, 0, 0, time.UTC),
	} {
		m, err := ParseMonth(s)
		if err != nil || m.String() != s || !m.Begins().Equal(want) {
			t.Errorf("ParseMonth(%q) = %v, %v, begins %v; want %v", s, m, err, m.Begins(), want)
		}
		west := time.FixedZone("", -5*3600)
		if got := MonthOf(want.In(west)); got != m {
			t.Errorf("MonthOf(%v) = %v, want %v: months are UTC", want.In(west), got, m)
		}
		if got := MonthOf(want.Add(-time.Nanosecond)); got != m-1 {
			t.Errorf("MonthOf just before %v = %v, want %v", want, got, m-1)
		}
	}
}

func BenchmarkCount(b *testing.B) {
	var tally Tally
	b.ReportAllocs()
	for b.Loop() {
		tally.Count(WHOIS, "coop", lookup.Domain, lookup.Found, ratelimit.Anonymous)
	}
}
