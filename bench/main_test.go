package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"rddsd/bench/report"
	"rddsd/bench/target"
	"rddsd/cache/feed/postgres/pgtest"
	"rddsd/cache/feed/sqlite"
	"rddsd/cache/registry/synthetic"
)

// TestMain lets the test's own program be the references that commands start.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "reference" {
		main()
		return
	}
	os.Exit(func() int {
		var err error
		if scratch, err = os.MkdirTemp("", "rddsd-bench-test-"); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(scratch)
		return m.Run()
	}())
}

// scratch is a directory for files of all tests.
var scratch string

// bench runs the program as it is typed, and returns what it prints on standard
// output and what it writes to its file, nil for nothing.
func bench(t *testing.T, ctx context.Context, args ...string) (string, *report.Run, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "run.json")
	var out, news bytes.Buffer
	root := newRoot()
	root.SetArgs(append(args, "--out", file))
	root.SetOut(&out)
	root.SetErr(&news)
	err := root.ExecuteContext(ctx)
	t.Logf("bench %s: %v\n%s%s", strings.Join(args, " "), err, news.String(), out.String())
	data, failed := os.ReadFile(file)
	if failed != nil {
		return out.String(), nil, err
	}
	written := new(report.Run)
	if err := json.Unmarshal(data, written); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(strings.TrimSuffix(file, ".json") + ".svg"); err != nil {
		t.Errorf("no chart: %v", err)
	}
	return out.String(), written, err
}

// built returns the flag that names rddsd, built once for all tests.
var built = sync.OnceValues(func() (string, error) {
	binary := filepath.Join(scratch, "rddsd")
	out, err := exec.Command("go", "build", "-o", binary, "rddsd").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build rddsd: %w\n%s", err, out)
	}
	return "--rddsd=" + binary, nil
})

// withRddsd adds that flag, and those of a run that is long enough for a test.
func withRddsd(t *testing.T, args ...string) []string {
	t.Helper()
	flag, err := built()
	if err != nil {
		t.Fatal(err)
	}
	return append(append(args, flag), shortly...)
}

// shortly are flags of a run that is long enough for a test.
var shortly = []string{"--size", "100", "--for", "150ms", "--warmup", "100ms", "--connections", "8"}

func TestCompareTellsWhatAQueryCosts(t *testing.T) {
	args := append([]string{"compare", "null-raw", "null", "fasthttp", "fasthttp-tls", "--rounds", "2"}, shortly...)
	out, written, err := bench(t, t.Context(), args...)
	if err != nil {
		t.Fatal(err)
	}
	if len(written.Targets) != 4 {
		t.Fatalf("%d targets were written, want 4", len(written.Targets))
	}
	for _, server := range written.Targets {
		f := server.Figures
		if f.ServerCPU < 1 || f.ServerCPU > 5000 || f.ClientCPU < 1 || f.QPS < 1 || f.P50 <= 0 || f.P999 < f.P50 || f.RSS < 1<<20 || f.Errors > 0 {
			t.Errorf("%s: %+v", server.Name, f)
		}
		if len(server.Rounds) != 2 || f.Requests != server.Rounds[0].Requests+server.Rounds[1].Requests {
			t.Errorf("%s: %d requests in rounds of %+v", server.Name, f.Requests, server.Rounds)
		}
		if !strings.Contains(out, server.Name) {
			t.Errorf("%s is not in the table", server.Name)
		}
	}
	for i, want := range []string{"null-raw", "null-raw", "fasthttp", "fasthttp-tls"} {
		if got := written.Targets[i].More["against"]; got != want {
			t.Errorf("%s is compared with %v, want %s", written.Targets[i].Name, got, want)
		}
	}
	// 1.8 on a quiet machine. This one is not ours alone, and the rounds are short.
	if ratio := written.Targets[1].More["ratio"].(map[string]any)["median"].(float64); ratio < 0.8 {
		t.Errorf("a goroutine for each connection costs %.2f of raw sockets", ratio)
	}
}

// TestMissingServerIsLeftOut: a machine without a compiler compares the rest, and says so.
func TestMissingServerIsLeftOut(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	out, written, err := bench(t, t.Context(), append([]string{"compare", "c-epoll", "null-raw", "--rounds", "1"}, shortly...)...)
	if err != nil {
		t.Fatal(err)
	}
	if len(written.Targets) != 1 || written.Targets[0].Name != "null-raw" || !strings.Contains(out, "left out: start c-epoll: gcc") {
		t.Errorf("%d targets, and it says %s", len(written.Targets), out)
	}
	if _, _, err := bench(t, t.Context(), append([]string{"compare", "c-epoll"}, shortly...)...); !errors.Is(err, target.ErrMissing) {
		t.Errorf("with nothing to measure: %v", err)
	}
}

func TestRddsdIsMeasuredAndChecked(t *testing.T) {
	for _, args := range [][]string{
		{"whois", "--check-every", "1"},
		{"whois", "--check-every", "1", "--churn", "100"},
		{"rdap", "--check-every", "1", "--churn", "100", "--mix", "hits", "--conditional", "0.2", "--gzip"},
		{"rdap", "--check-every", "1"},
		{"rdap", "--tls", "--check-every", "1"},
	} {
		_, written, err := bench(t, t.Context(), withRddsd(t, args...)...)
		if err != nil {
			t.Fatal(err)
		}
		server := written.Targets[0]
		if server.Requests == 0 || server.Checked < server.Requests/4 || server.ServerCPU == 0 || server.RSS < 1<<20 {
			t.Errorf("%+v", server)
		}
	}
}

func TestFeedIsFollowed(t *testing.T) {
	for _, database := range []string{"sqlite", "postgres"} {
		t.Run(database, func(t *testing.T) {
			args := []string{"feed", "--size", "100", "--for", "1s", "--rate", "40"}
			if database == "postgres" {
				args = append(args, "--postgres")
			}
			_, written, err := bench(t, t.Context(), args...)
			if errors.Is(err, pgtest.ErrMissing) && os.Getenv("CI") == "" {
				t.Skip(err)
			}
			if err != nil {
				t.Fatal(err)
			}
			for _, server := range written.Targets {
				// A change rests 50 ms before it is read; faster would not be true.
				if server.Requests != 40 || server.Errors != 0 || server.P50 < 1000 || server.Max > 10e6 {
					t.Errorf("%+v", server)
				}
			}
			if len(written.Targets) != 2 || written.More["changes"] != 40.0 {
				t.Errorf("%d protocols were watched, %v changes were made", len(written.Targets), written.More["changes"])
			}
		})
	}
}

// TestFeedTellsLostChanges has servers answer that never change.
func TestFeedTellsLostChanges(t *testing.T) {
	starter := &target.Starter{Program: os.Args[0]}
	defer func() {
		if err := starter.Stop(); err != nil {
			t.Error(err)
		}
	}()
	var addresses []string
	for _, name := range []string{"null", "fasthttp"} {
		s, err := starter.Start(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		addresses = append(addresses, s.Address)
	}
	out, written, err := bench(t, t.Context(), "feed", "--registry", generated(t, 100), "--target", addresses[0], "--rdap", addresses[1],
		"--for", "200ms", "--rate", "20", "--timeout", "50ms")
	if err == nil || !strings.Contains(err.Error(), "8 changes were never answered") || strings.Contains(out, " 0.0") {
		t.Errorf("the error is %v, want that 8 changes were never answered, and no latency of nothing", err)
	}
	if written == nil || written.Targets[0].Errors != 4 || written.Targets[1].Errors != 4 {
		t.Errorf("written was %+v", written)
	}
}

func generated(t *testing.T, names int) string {
	t.Helper()
	g, err := synthetic.New(synthetic.Params{Names: names, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "registry.sqlite")
	if err := sqlite.Generate(t.Context(), path, false, g); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestCacheIsMeasured(t *testing.T) {
	out, written, err := bench(t, t.Context(), "cache", "--size", "3000", "--for", "20ms", "--dir", t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{
		"rss_bytes_per_name", "heap_bytes_per_name", "row_bytes_per_name", "build_names_per_s", "gc_cpu_ms", "hit_ns", "answer_ns", "miss_ns", "idn_ns",
		"find_hit_ns", "find_idn_ns", "file_bytes", "write_s", "load_warm_s", "load_cold_s", "apply_1_per_s", "apply_1000_per_s",
		"pause_idle_max_us", "pause_apply_max_us", "look_quiet_p999_us", "look_fold_p999_us", "look_fold_ratio", "look_fold_changes_per_s", "look_fold_bases",
		"domain_bytes_per_name", "index_bytes_per_name", "fold_names_per_s", "apply_fold_per_s", "verify_cold_mib_per_s",
	} {
		if value, ok := written.More[key].(float64); !ok || value <= 0 || math.IsInf(value, 0) {
			t.Errorf("%s is %v", key, written.More[key])
		}
	}
	if names := written.More["view_names"]; names != 3000.0 {
		t.Errorf("the View holds %v names", names)
	}
	if !strings.Contains(out, "B a name") {
		t.Error("no table was printed")
	}
}

func TestTargetsThatAreNotThere(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0") // takes connections and never answers
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	garbage := answering(t, "HTTP/1.1 999 What\r\n\r\n")
	short := answering(t, "")
	for _, c := range []struct {
		address string
		args    []string
	}{
		{closed.Addr().String(), []string{"whois", "--target"}},
		{closed.Addr().String(), []string{"rdap", "--target"}},
		{closed.Addr().String(), []string{"rdap", "--tls", "--target"}},
		{silent.Addr().String(), []string{"whois", "--timeout", "100ms", "--target"}},
		{silent.Addr().String(), []string{"rdap", "--timeout", "100ms", "--target"}},
		{garbage, []string{"whois", "--target"}},
		{garbage, []string{"rdap", "--target"}},
		{short, []string{"whois", "--target"}},
		{closed.Addr().String(), []string{"compare", "null"}},
		{closed.Addr().String(), []string{"feed", "--rdap", "127.0.0.1:1", "--registry", "none.sqlite", "--target"}},
	} {
		args := append(c.args, c.address)
		if c.args[0] == "compare" {
			args[2] = "other=" + c.address
		}
		if c.args[0] != "feed" {
			args = append(args, shortly...)
		}
		out, written, err := bench(t, t.Context(), args...)
		if err == nil || !strings.Contains(err.Error(), c.address) {
			t.Errorf("bench %s: %v, want an error that names %s", strings.Join(args, " "), err, c.address)
		}
		if c.args[0] != "compare" && (written != nil || strings.Contains(out, "queries/s")) {
			t.Errorf("bench %s printed a table", strings.Join(args, " "))
		}
	}
}

// answering returns the address of a server that sends text to whoever connects,
// once it has been asked, and closes.
func answering(t *testing.T, text string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Read(make([]byte, 1024))
			_, _ = io.WriteString(conn, text)
			conn.Close()
		}
	}()
	return l.Addr().String()
}

func TestInterruptedRunsTellWhatTheyMeasured(t *testing.T) {
	args := append([]string{"compare", "null", "null-raw", "--rounds", "100"}, shortly...)
	// A busy machine needs longer for anything to be measured.
	for after := 1500 * time.Millisecond; ; after *= 2 {
		ctx, cancel := context.WithTimeout(t.Context(), after)
		begun := time.Now()
		out, written, err := bench(t, cancelled(ctx), args...)
		cancel()
		if took := time.Since(begun); took > after+time.Minute {
			t.Errorf("it took %v to stop after %v", took, after)
		}
		if err == nil || !strings.Contains(err.Error(), "interrupted") {
			t.Fatalf("the error is %v", err)
		}
		if written != nil && written.Partial && len(written.Targets) > 0 && written.Targets[0].Requests > 0 && strings.Contains(out, "null") {
			return
		}
		if after > 20*time.Second {
			t.Fatalf("after %v written was %+v", after, written)
		}
	}
}

// cancelled returns a context that is cancelled, as by Ctrl-C, when ctx ends.
func cancelled(ctx context.Context) context.Context {
	c, cancel := context.WithCancel(context.WithoutCancel(ctx))
	context.AfterFunc(ctx, cancel)
	return c
}

func TestTheRegistryMustBeTheOneThatIsAskedAbout(t *testing.T) {
	path := generated(t, 100)
	args := []string{"whois", "--registry", path, "--size", "200", "--for", "100ms"}
	if _, _, err := bench(t, t.Context(), args...); err == nil || !strings.Contains(err.Error(), "is not the generated one of 200 names") {
		t.Errorf("another registry was taken: %v", err)
	}
}

// TestChangedRegistriesAreNotHeldAgainstTheGenerator: what was changed since, by a
// benchmark of the feed or by churn, is no wrong answer.
func TestChangedRegistriesAreNotHeldAgainstTheGenerator(t *testing.T) {
	path := generated(t, 100)
	all, err := openWriters(t.Context(), path, 1)
	if err != nil {
		t.Fatal(err)
	}
	for range all.names() {
		if _, err := all[0].write(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if err := all.close(); err != nil {
		t.Fatal(err)
	}
	for mix, checked := range map[string]bool{"hits": false, "misses": true} {
		args := withRddsd(t, "whois", "--registry", path, "--check-every", "1", "--mix", mix)
		_, written, err := bench(t, t.Context(), args...)
		if err != nil || written.Targets[0].Checked > 0 != checked || !strings.Contains(strings.Join(written.Assumptions, "\n"), "has been changed since") {
			t.Errorf("mix %s: %v, %d answers were checked, remarks %q", mix, err, written.Targets[0].Checked, written.Assumptions)
		}
	}
}

// TestRowsFitTheirTables prints rows of RESULTS.md: as many cells as the head has.
func TestRowsFitTheirTables(t *testing.T) {
	for _, args := range [][]string{
		append([]string{"compare", "null", "--rounds", "1", "--rows"}, shortly...),
		withRddsd(t, "whois", "--rows"),
		{"cache", "--size", "100", "--for", "1ms", "--rows"},
		{"feed", "--size", "100", "--for", "200ms", "--rate", "10", "--rows", withRddsd(t)[0]},
	} {
		out, _, err := bench(t, t.Context(), args...)
		if err != nil {
			t.Fatal(err)
		}
		head, rows := 0, 0
		for line := range strings.Lines(out) {
			switch cells := strings.Count(strings.ReplaceAll(line, `\|`, ""), "|"); {
			case !strings.HasPrefix(line, "|"):
			case strings.Contains(line, "| date |"):
				head = cells
			case cells != head:
				t.Errorf("%s: a row of %d cells in a table of %d: %s", args[0], cells, head, line)
			case !strings.Contains(line, "| --- |"):
				rows++
			}
		}
		if rows == 0 {
			t.Errorf("%s prints no row", args[0])
		}
	}
	if got, want := measuring("go run ./bench feed --rows --rate 5 --out x.json --for 1s --out=y"), "go run ./bench feed --rate 5 --for 1s"; got != want {
		t.Errorf("measuring() = %q, want %q", got, want)
	}
}

func TestSpreads(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   spread
	}{
		{nil, spread{}},
		{[]float64{3}, spread{3, 3, 3, 3}},
		{[]float64{3, 1}, spread{2, 1, 3, 3}},
		{[]float64{9, 1, 2}, spread{2, 1, 9, 9}},
		{[]float64{4, 1, 3, 2}, spread{2.5, 1, 4, 3}},
		{[]float64{8, 7, 6, 5, 4, 3, 2, 1}, spread{4.5, 1, 8, 6}},
	} {
		if got := spreadOf(c.values); got != c.want {
			t.Errorf("spreadOf(%v) = %+v, want %+v", c.values, got, c.want)
		}
	}
}

// TestRatiosAreOfRounds: a round in which the machine was slow is slow for both,
// and says nothing.
func TestRatiosAreOfRounds(t *testing.T) {
	c := contest{
		servers: []*target.Server{{Name: "a"}, {Name: "b"}, {Name: "c", Service: target.HTTP}},
		rounds: [][]report.Figures{
			{{ServerCPU: 10, ClientCPU: 20}, {ServerCPU: 30, ClientCPU: 60}, {ServerCPU: 10, ClientCPU: 20}},
			{{ServerCPU: 20, ClientCPU: 20}, {ServerCPU: 60, ClientCPU: 60}},
			{{ServerCPU: 7, ClientCPU: 1}},
		},
	}
	if got := c.ratio(1, c.base(1), false); got != (spread{2, 2, 2, 2}) {
		t.Errorf("b costs %+v of a, want 2 in each round", got)
	}
	c.rounds[1][1].ClientCPU = 120
	if got := c.ratio(1, c.base(1), true); got != (spread{1.5, 1, 2, 2}) {
		t.Errorf("normalised, b costs %+v of a", got)
	}
	if c.base(2) != 2 || c.base(1) != 0 {
		t.Errorf("b is compared with server %d, c with server %d", c.base(1), c.base(2))
	}
}

func TestGateOnlyTightens(t *testing.T) {
	file := filepath.Join(t.TempDir(), "gate.json")
	newGateAt := func(ours float64, tighten bool) *gate {
		g := &gate{file: file, tighten: tighten}
		g.contest.servers = make([]*target.Server, 4)
		for range g.contest.servers {
			g.contest.rounds = append(g.contest.rounds, []report.Figures{{ServerCPU: 10}})
		}
		g.contest.rounds[1][0].ServerCPU = ours
		return g
	}
	judge := func(g *gate) error {
		if err := g.read(); err != nil {
			return err
		}
		return g.judge(&run{Run: &report.Run{Started: time.Now()}})
	}
	if err := judge(newGateAt(20, false)); err == nil || !strings.Contains(err.Error(), "--tighten makes the first") {
		t.Errorf("without a file: %v", err)
	}
	if err := judge(newGateAt(20, true)); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		ours    float64
		tighten bool
		want    float64 // the standard after it
		verdict string
		fails   bool
	}{
		{22, false, 2.001, "kept", false},
		{23, false, 2.001, "WARNING: dearer by 15 %", false},
		{27, false, 2.001, "FAILED, by 35 %", true},
		{27, true, 2.001, "FAILED, by 35 %", true},
		{23, true, 2.001, "WARNING", false},
		{15, false, 2.001, "better", false},
		{15, true, 1.501, "better", false},
		{18, true, 1.501, "WARNING: dearer by 20 %", false},
	} {
		g := newGateAt(step.ours, step.tighten)
		if err := g.read(); err != nil || g.doubtful() != step.fails {
			t.Errorf("%+v: another run is asked for: %t, %v", step, g.doubtful(), err)
		}
		err := judge(g)
		if (err != nil) != step.fails || !strings.Contains(fmt.Sprint(g.verdicts), step.verdict) {
			t.Errorf("%+v: %v, %q", step, err, g.verdicts)
		}
		again := newGateAt(0, false)
		if err := again.read(); err != nil || again.standards["whois"].Ratio != step.want {
			t.Errorf("after %+v the file holds %+v, %v", step, again.standards, err)
		}
	}
}

// TestGateJudgesQuietRounds: while others use the machine, a query costs more or
// less than it does.
func TestGateJudgesQuietRounds(t *testing.T) {
	g := new(gate)
	g.contest.servers = make([]*target.Server, 4)
	g.contest.rounds = make([][]report.Figures, 4)
	add := func(rounds int, ours, others float64) {
		for range rounds {
			for i := range g.contest.rounds {
				f := report.Figures{ServerCPU: 10}
				if i%2 == 1 {
					f.ServerCPU, f.Others = ours, others
				}
				g.contest.rounds[i] = append(g.contest.rounds[i], f)
			}
		}
	}
	add(gateQuiet-1, 20, 0)
	add(gateQuiet, 30, 1.5)
	if got := g.ratioOf(0).Median; got != 3 {
		t.Errorf("with too few quiet rounds all are judged: %g, want 3", got)
	}
	add(1, 20, gateCompany)
	if got := g.ratioOf(1).Median; got != 2 {
		t.Errorf("with enough quiet rounds only they are judged: %g, want 2", got)
	}
}

// TestGateTightensByMoreThanLuck: the median of some rounds is below the standard
// every other time.
func TestGateTightensByMoreThanLuck(t *testing.T) {
	for _, c := range []struct {
		ours []float64
		want float64
	}{
		{[]float64{19, 19, 19, 21}, 1.901},
		{[]float64{19, 19, 21, 21, 19, 19, 19}, 2},
	} {
		file := filepath.Join(t.TempDir(), "gate.json")
		g := &gate{file: file, tighten: true, standards: map[string]standard{"whois": {Ratio: 2}, "rdap": {Ratio: 1}}}
		g.contest.servers, g.contest.rounds = make([]*target.Server, 4), make([][]report.Figures, 4)
		for _, ours := range c.ours {
			for i := range g.contest.rounds {
				g.contest.rounds[i] = append(g.contest.rounds[i], report.Figures{ServerCPU: 10})
			}
			g.contest.rounds[1][len(g.contest.rounds[1])-1].ServerCPU = ours
		}
		if err := g.judge(&run{Run: &report.Run{Started: time.Now()}}); err != nil {
			t.Fatal(err)
		}
		if got := g.standards["whois"].Ratio; got != c.want {
			t.Errorf("after rounds of %v the standard is %g, want %g", c.ours, got, c.want)
		}
	}
}

func TestGateFileIsWhole(t *testing.T) {
	g := &gate{file: "gate.json"}
	if err := g.read(); err != nil {
		t.Fatal(err)
	}
	for _, pair := range gated {
		if s := g.standards[pair.key]; s.Ratio <= 0 || s.Against != pair.against || s.Commit == "" || s.Date == "" {
			t.Errorf("the standard of %s is %+v", pair.key, s)
		}
	}
}
