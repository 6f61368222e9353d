package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"rddsd/bench/load"
)

// result returns what load might have measured: 1000 answers of 1 to 1000 us.
func result() *load.Result {
	r := &load.Result{
		Took: 10 * time.Second, Requests: 1002, InTime: 990, Checked: 10, ClientCPU: 20 * time.Millisecond,
		Latency: hdrhistogram.New(100, int64(time.Minute), 3), Lag: hdrhistogram.New(100, int64(time.Minute), 3),
		Series:   []load.Second{{At: 0, Answers: 500, P50: time.Millisecond, P99: 2 * time.Millisecond, Max: time.Second}, {At: 1, Answers: 490, Errors: 2}},
		Examples: []string{"127.0.0.1:8043: reset"},
	}
	r.Outcomes[load.Found], r.Outcomes[load.Refused], r.Outcomes[load.Degraded], r.Outcomes[load.Reset] = 950, 40, 10, 2
	r.Kinds[load.Hit] = 1002
	for i := range 1000 {
		if err := r.Latency.RecordValue(int64(i+1) * int64(time.Microsecond)); err != nil {
			panic(err)
		}
	}
	return r
}

// run returns a run of two targets, one of them compared in rounds.
func run() *Run {
	r := Begin("compare", "go run ./bench", []string{"compare", "--for", "10s"})
	first := TargetOf("rddsd <& co>", load.Options{Target: "127.0.0.1:8043", Connections: 64}, result())
	first.ServerCPU, first.RSS = 25.3, 64<<20
	first.Rounds = []Figures{{ServerCPU: 24}, {ServerCPU: 27}}
	second := TargetOf("null", load.Options{Target: "127.0.0.1:8044", Connections: 64, Rate: 100}, result())
	r.Targets = []Target{first, second}
	r.Assumptions = []string{"queries (assumed mix hits): hit 100 %"}
	r.End(nil)
	return r
}

// The members that the design fixes are there, by these names and in these units.
func TestJSON(t *testing.T) {
	path := filepath.Join(t.TempDir(), "results", "compare.json")
	r := run()
	chart, err := r.Write(path)
	if err != nil {
		t.Fatal(err)
	}
	if chart != strings.TrimSuffix(path, "json")+"svg" {
		t.Errorf("the chart is at %s", chart)
	}
	data, err := r.JSON()
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Command string                       `json:"command"`
		Machine map[string]any               `json:"machine"`
		Commit  *string                      `json:"commit"`
		Targets []map[string]json.RawMessage `json:"targets"`
	}
	if err := json.Unmarshal(data, &got); err != nil {
		t.Fatal(err)
	}
	if got.Command != "go run ./bench compare --for 10s" || got.Machine["cores"] == nil || got.Commit == nil || len(got.Targets) != 2 {
		t.Fatalf("results: %+v", got)
	}
	for member, want := range map[string]string{
		"name": `"rddsd \u003c\u0026 co\u003e"`, "requests": "1002", "errors": "2", "refused": "40", "degraded": "10", "qps": "99",
		"p50_us": "500", "p99_us": "990", "p999_us": "999", "server_cpu_us": "25.3", "client_cpu_us": "20", "rss_bytes": "67108864",
	} {
		value := string(got.Targets[0][member])
		if strings.HasPrefix(member, "p") { // within the three digits of the histogram
			value, _, _ = strings.Cut(value, ".")
		}
		if value != want {
			t.Errorf("%s is %s, want %s", member, got.Targets[0][member], want)
		}
	}
	if mode := string(got.Targets[1]["mode"]); mode != `"open"` {
		t.Errorf("the mode of a run at a rate is %s", mode)
	}
}

// A run without targets has an empty list of them, not null.
func TestJSONWithoutTargets(t *testing.T) {
	data, err := Begin("cache", "go run ./bench", nil).JSON()
	if err != nil || !bytes.Contains(data, []byte(`"targets": []`)) {
		t.Errorf("JSON: %s, %v", data, err)
	}
}

func TestBeginAndEnd(t *testing.T) {
	r := Begin("whois", "go run ./bench", []string{"whois"})
	r.End(errors.New("two answers are wrong"))
	if r.Machine.Cores < 1 || !strings.HasPrefix(r.Machine.Go, "go1.") || r.Started.IsZero() || r.Seconds < 0 || r.Failure != "two answers are wrong" {
		t.Errorf("run %+v", r)
	}
}

// A command can be copied into a shell.
func TestCommandLine(t *testing.T) {
	args := []string{"plain", "two words", "it's", "", "$HOME", "a\"b", "*", "--x=1,2", `back\slash`}
	out, err := exec.CommandContext(t.Context(), "sh", "-c", commandLine("printf '%s\\n'", args)).Output()
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n"); !slices.Equal(got, args) {
		t.Errorf("a shell reads %s as %q, want %q", commandLine("printf", args), got, args)
	}
}

// The distribution rises, has each marked percentile and ends at the maximum.
func TestPercentiles(t *testing.T) {
	list := percentiles(result().Latency)
	for i := 1; i < len(list); i++ {
		if list[i].Percent <= list[i-1].Percent || list[i].Micros < list[i-1].Micros {
			t.Errorf("%v comes after %v", list[i], list[i-1])
		}
	}
	for _, want := range []float64{0, 90, 99, 99.9} {
		if !slices.ContainsFunc(list, func(p Percentile) bool { return p.Percent == want }) {
			t.Errorf("%g %% is missing", want)
		}
	}
	if last := list[len(list)-1]; last.Percent >= 100 || last.Micros < 999 || last.Micros > 1001 {
		t.Errorf("the last is %v", last)
	}
	if list := percentiles(hdrhistogram.New(1, 10, 1)); list != nil {
		t.Errorf("of nothing: %v", list)
	}
}

func TestPrint(t *testing.T) {
	var out bytes.Buffer
	r := run()
	r.PrintHead(&out)
	if err := r.Print(&out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"go run ./bench compare --for 10s", "rddsd <& co>", "500 µs", "64.0 MiB", "1,002", "127.0.0.1:8043: reset", "load average", "assumed mix hits"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the report does not tell %q:\n%s", want, out.String())
		}
	}
	others := 0.25
	r.LoadBefore, r.Others = LoadAverage{2, 1.5, 1}, &others
	if got, want := r.Company(), "2.00 1.50 1.00, others 0.25 cores"; got != want {
		t.Errorf("Company() = %q, want %q", got, want)
	}
}

func TestText(t *testing.T) {
	for us, want := range map[float64]string{
		0: "-", 0.4: "0.40 µs", 9.994: "9.99 µs", 25.34: "25.3 µs", 999.4: "999 µs", 999.6: "1.00 ms", 12345: "12.3 ms", 999_499: "999 ms", 999_600: "1.00 s", 61e6: "61.0 s",
	} {
		if got := Micros(us); got != want {
			t.Errorf("Micros(%g) = %q, want %q", us, got, want)
		}
	}
	for us, want := range map[float64]string{0: "0", 10: "10 µs", 2000: "2 ms", 100_000: "100 ms", 1500: "1.5 ms"} {
		if got := microsTick(us); got != want {
			t.Errorf("microsTick(%g) = %q, want %q", us, got, want)
		}
	}
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", 123456: "123,456", 1234567: "1,234,567", -1: "-1", -999: "-999", -1234: "-1,234", -123456: "-123,456"} {
		if got := Count(n); got != want {
			t.Errorf("Count(%d) = %q, want %q", n, got, want)
		}
	}
	for n, want := range map[int64]string{0: "-", 2048: "2.00 KiB", 64 << 20: "64.0 MiB", 3 << 29: "1.50 GiB"} {
		if got := Bytes(n); got != want {
			t.Errorf("Bytes(%d) = %q, want %q", n, got, want)
		}
	}
}

// Elsewhere than on a terminal there is a line each five seconds; on one, the line
// is written again each time and taken away at the end.
func TestProgress(t *testing.T) {
	feed := func(p *Progress) {
		for second := range 11 {
			p.Load("whois", load.Progress{
				Elapsed: time.Duration(second)*time.Second + 20*time.Millisecond, Left: time.Duration(10-second) * time.Second,
				Warming: second == 0, Requests: 1000, Rate: 12345.6, P99: 1500 * time.Microsecond,
			})
		}
		p.Done()
	}
	var out bytes.Buffer
	p := NewProgress(&out)
	feed(p)
	lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	if len(lines) != 3 || !strings.Contains(lines[0], "10 s left (warming up)") || !strings.Contains(lines[1], "12,346/s") && !strings.Contains(lines[1], "12,345/s") ||
		!strings.Contains(lines[1], "p99 1.50 ms") || !strings.Contains(lines[2], "0 s left") || strings.Contains(out.String(), "\x1b") {
		t.Errorf("plain progress:\n%s", out.String())
	}

	out.Reset()
	p.terminal = true
	feed(p)
	if n := strings.Count(out.String(), "\r\x1b[K"); n != 12 || strings.Contains(out.String(), "\n") || !strings.HasSuffix(out.String(), "\r\x1b[K") ||
		!strings.Contains(out.String(), "[##########..........]") {
		t.Errorf("progress on a terminal: %q", out.String())
	}
}
