package admin

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rddsd/cache/cachetest"
	"rddsd/cache/feed"
	"rddsd/cache/registry"
	"rddsd/ratelimit"
	"rddsd/server/lookup"
	"rddsd/server/tally"
)

// busy makes a Server that has something to say in every metric.
func busy(s *Server) {
	s.Tally.Count(tally.WHOIS, "coop", lookup.Domain, lookup.Found, ratelimit.Anonymous)
	s.Tally.Count(tally.WHOIS, "coop", lookup.Domain, lookup.Found, ratelimit.Anonymous)
	s.Tally.Count(tally.RDAP, "", lookup.NoObject, lookup.Help, ratelimit.Probe)
	s.Services = []Service{
		{"whois", func() Counts {
			return Counts{Connections: 12, Open: 2, Failed: map[string]uint64{"silent": 3, "refused": 1}, Junk: map[string]uint64{"tls": 4}, Compressed: map[string]uint64{"cache": 6}, Panics: 5}
		}},
		{"rdap", func() Counts { return Counts{Connections: 7} }},
	}
	s.Source = func() feed.SourceStatus {
		return feed.SourceStatus{Polls: 9, WakeUps: 8, Listening: true, HorizonLag: 7, OpenSince: time.Now().Add(-time.Minute), Behind: 6}
	}
	s.Source = func() feed.SourceStatus {
		return feed.SourceStatus{Polls: 9, WakeUps: 8, Listening: true, HorizonLag: 7, OpenSince: time.Now().Add(-time.Minute), Behind: 6}
	}
	s.Feed = func() feed.Status {
		return feed.Status{
			Ready: true, Connected: true, Degraded: true, Position: cachetest.Start, AsOf: cachetest.AsOf, Age: 1500 * time.Millisecond,
			Held:   &feed.Held{What: feed.HeldSnapshot, Since: time.Unix(1_800_000_000, 0)},
			Deltas: 20, Changes: 31, Lag: 40 * time.Millisecond,
			Lags:        feed.Lags{Count: 2, Sum: 50 * time.Millisecond, Within: [len(feed.LagBounds)]uint64{1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2}},
			Resyncs:     map[feed.Reason]uint64{feed.ReasonStart: 1, feed.ReasonEpoch: 2},
			Rejected:    map[feed.RejectedRow]uint64{{Kind: registry.KindDomain, Reason: `odd "reason"\` + "\n"}: 3},
			Quarantined: map[feed.RejectedRow]int{{Kind: registry.KindHost, Reason: "bad_name"}: 2},
			DiskErrors:  6, DiskError: "no space left on device",
		}
	}
}

func TestMetrics(t *testing.T) {
	r := started(t, busy)
	code, text := r.do(t, "GET", "/metrics")
	if code != 200 {
		t.Fatalf("GET /metrics: %d", code)
	}
	for _, line := range []string{
		"# HELP rddsd_queries_total Queries, each counted once, since the counting began; kept over restarts.",
		"# TYPE rddsd_queries_total counter",
		`rddsd_queries_total{tld="coop",service="whois",object="domain",class="found",audience="anonymous"} 2`,
		`rddsd_queries_total{tld="none",service="rdap",object="none",class="help",audience="probe"} 1`,
		`rddsd_objects{kind="domain"} 2`,
		`rddsd_objects{kind="reserved"} 0`,
		"rddsd_feed_connected 1",
		"rddsd_feed_age_seconds 1.5",
		"rddsd_feed_lag_seconds 0.04",
		`rddsd_feed_publish_seconds_bucket{le="0.025"} 1`, `rddsd_feed_publish_seconds_bucket{le="+Inf"} 2`,
		"rddsd_feed_publish_seconds_sum 0.05", "rddsd_feed_publish_seconds_count 2",
		"rddsd_feed_polls_total 9", "rddsd_feed_wakeups_total 8", "rddsd_feed_listening 1", "rddsd_feed_horizon_lag 7", "rddsd_feed_rows_behind 6",
		`rddsd_feed_publish_seconds_bucket{le="0.025"} 1`, `rddsd_feed_publish_seconds_bucket{le="+Inf"} 2`,
		"rddsd_feed_publish_seconds_sum 0.05", "rddsd_feed_publish_seconds_count 2",
		"rddsd_feed_polls_total 9", "rddsd_feed_wakeups_total 8", "rddsd_feed_listening 1", "rddsd_feed_horizon_lag 7", "rddsd_feed_rows_behind 6",
		"rddsd_feed_position 1",
		`rddsd_feed_held{what="delta"} 0`,
		`rddsd_feed_held{what="snapshot"} 1`,
		"rddsd_feed_held_since_seconds 1.8e+09",
		`rddsd_feed_resyncs_total{reason="epoch"} 2`,
		"# TYPE rddsd_feed_rejected_rows counter",
		`rddsd_feed_rejected_rows{kind="domain",reason="odd \"reason\"\\\n"} 3`,
		`rddsd_feed_quarantined_rows{kind="host",reason="bad_name"} 2`,
		"rddsd_disk_errors_total 6",
		`rddsd_ratelimit_refused_total{limit="second"} 0`,
		`rddsd_connections_total{service="rdap"} 7`,
		`rddsd_connections_open{service="whois"} 2`,
		`rddsd_connections_failed_total{service="whois",reason="silent"} 3`,
		`rddsd_junk_queries_total{service="whois",protocol="tls"} 4`,
		`rddsd_compressed_bodies_total{service="whois",from="cache"} 6`,
		`rddsd_panics_total{service="whois"} 5`,
	} {
		if !strings.Contains(text, line+"\n") {
			t.Errorf("/metrics lacks %s", line)
		}
	}
	for _, family := range []string{"process_resident_memory_bytes", "go_goroutines"} {
		if !strings.Contains(text, "# TYPE "+family+" gauge\n"+family+" ") {
			t.Errorf("/metrics lacks %s with its type", family)
		}
	}
}

// sample is a line of the text format: a name, labels, a value.
var sample = regexp.MustCompile(`^([a-z_][a-z0-9_]*)(\{([A-Za-z_]+="(\\.|[^"\\])*",? ?)+\})? [^ ]+$`)

// TestMetricsParse reads the page as a scraper does: every line is a comment or
// a sample, and a sample stands below the type of its family.
func TestMetricsParse(t *testing.T) {
	r := started(t, busy)
	_, text := r.do(t, "GET", "/metrics")
	types := map[string]string{}
	family := ""
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if words := strings.SplitN(line, " ", 4); words[0] == "#" {
			if words[1] == "TYPE" {
				family = words[2]
				if _, twice := types[family]; twice {
					t.Errorf("%s has its type twice", family)
				}
				types[family] = words[3]
			}
			continue
		}
		match := sample.FindStringSubmatch(line)
		if match == nil {
			t.Errorf("not a sample: %s", line)
		} else if name := match[1]; name != family && !strings.HasPrefix(name, family+"_") {
			t.Errorf("%s stands under %s", name, family)
		}
	}
	for _, f := range families {
		if types[f.name] != f.kind {
			t.Errorf("%s is shown as %q, want %q", f.name, types[f.name], f.kind)
		}
		if strings.HasSuffix(f.name, "_total") && f.kind != counter {
			t.Errorf("%s is a %s", f.name, f.kind)
		}
	}
}

// TestOperatingTellsEveryMetric compares what /metrics shows with the table in
// the operator's handbook, names, labels and kinds.
func TestOperatingTellsEveryMetric(t *testing.T) {
	handbook, err := os.ReadFile(filepath.FromSlash("../../deploy/OPERATING.md"))
	if err != nil {
		t.Fatal(err)
	}
	var told []string
	for _, row := range regexp.MustCompile("(?m)^\\| `(rddsd_[^`]+)` \\| (\\w+) \\| [^|]{10,} \\|$").FindAllStringSubmatch(string(handbook), -1) {
		told = append(told, row[1]+" "+row[2])
	}

	r := started(t, busy)
	_, text := r.do(t, "GET", "/metrics")
	labelled := map[string]string{} // by family: its name with the names of its labels
	label := regexp.MustCompile(`([a-z_]+)="(?:\\.|[^"\\])*"`)
	for line := range strings.Lines(text) {
		if match := sample.FindStringSubmatch(strings.TrimSuffix(line, "\n")); match != nil {
			if base, isBucket := strings.CutSuffix(match[1], "_bucket"); isBucket {
				labelled[base] = base
				continue
			}
			labelled[match[1]] = match[1]
			var names []string
			for _, l := range label.FindAllStringSubmatch(match[2], -1) {
				names = append(names, l[1])
			}
			if len(names) > 0 {
				labelled[match[1]] = fmt.Sprintf("%s{%s}", match[1], strings.Join(names, ","))
			}
		}
	}
	var shown []string
	for _, f := range families {
		if labelled[f.name] == "" {
			t.Errorf("a server that has something to say about everything shows no sample of %s", f.name)
			continue
		}
		shown = append(shown, labelled[f.name]+" "+f.kind)
	}
	slices.Sort(told)
	slices.Sort(shown)
	if diff := cmp.Diff(shown, told); diff != "" {
		t.Errorf("deploy/OPERATING.md tells other metrics than /metrics shows (-shown +told):\n%s", diff)
	}
}
