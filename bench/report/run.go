package report

import (
	"time"
)

// Run is one run of a benchmark: what is written to bench/results/NAME.json. Its
// JSON has the members that the design fixes (command, machine, commit, targets)
// and more.
type Run struct {
	Name    string  `json:"name"`    // of the benchmark and of its files, such as "whois"
	Command string  `json:"command"` // as typed, to run it again
	Machine Machine `json:"machine"`
	Commit  string  `json:"commit"` // with "+" behind it if files had been changed; "" = not known

	Started    time.Time   `json:"started"` // UTC
	Seconds    float64     `json:"seconds"` // that the whole run took
	LoadBefore LoadAverage `json:"load_before"`
	LoadAfter  LoadAverage `json:"load_after"`
	// Others is what all other processes used while the run measured, in cores; nil
	// if it is not known.
	Others  *float64 `json:"others_cores,omitempty"`
	Partial bool     `json:"partial,omitempty"` // stopped before its end
	Failure string   `json:"failure,omitempty"` // why the run failed, if it did

	// Assumptions that the figures depend on, and other remarks a reader needs.
	Assumptions []string `json:"assumptions,omitempty"`
	Targets     []Target `json:"targets"`
	// More holds what a benchmark has beside targets, by its own names.
	More map[string]any `json:"more,omitempty"`
}

// Figures are what was measured of a target, over the whole run or in one round.
// Times are in microseconds, of CPU per query. What was not measured is 0.
type Figures struct {
	Requests  int64   `json:"requests"`
	Errors    int64   `json:"errors"`
	Refused   int64   `json:"refused"`
	Degraded  int64   `json:"degraded"`
	QPS       float64 `json:"qps"`
	P50       float64 `json:"p50_us"`
	P90       float64 `json:"p90_us"`
	P99       float64 `json:"p99_us"`
	P999      float64 `json:"p999_us"`
	Max       float64 `json:"max_us"`
	ServerCPU float64 `json:"server_cpu_us"` // of the server, per query
	ClientCPU float64 `json:"client_cpu_us"` // of the load generator, per query
	RSS       int64   `json:"rss_bytes"`     // of the server
	Others    float64 `json:"others_cores"`  // that all other processes used meanwhile
}

// Target is one server that was measured.
type Target struct {
	Name    string `json:"name"`
	Address string `json:"address,omitempty"`
	Figures
	// Rounds are the figures of each round of a comparison, in their order; the
	// target's own figures are then the medians.
	Rounds []Figures `json:"rounds,omitempty"`

	Mode        string           `json:"mode,omitempty"` // closed, or open
	Connections int              `json:"connections,omitempty"`
	Rate        float64          `json:"rate,omitempty"`    // a second, of an open loop
	Seconds     float64          `json:"seconds,omitempty"` // measured
	Outcomes    map[string]int64 `json:"outcomes,omitempty"`
	Kinds       map[string]int64 `json:"kinds,omitempty"`
	Checked     int64            `json:"checked"`
	BytesIn     int64            `json:"bytes_in,omitempty"`
	BytesOut    int64            `json:"bytes_out,omitempty"`
	Opened      int64            `json:"connections_opened,omitempty"`
	Resumed     int64            `json:"handshakes_resumed,omitempty"`
	Compressed  int64            `json:"answers_compressed,omitempty"`
	LagP99      float64          `json:"client_lag_p99_us,omitempty"` // how late the load generator itself was
	Latency     []Percentile     `json:"latency,omitempty"`
	Series      []Second         `json:"series,omitempty"`
	Examples    []string         `json:"examples,omitempty"` // of errors
	// More holds what a benchmark has beside this, by its own names.
	More map[string]any `json:"more,omitempty"`
}

// Percentile is a point of the distribution of latencies.
type Percentile struct {
	Percent float64 `json:"percent"` // share of queries that took no longer
	Micros  float64 `json:"us"`
}

// Second is one second of a run.
type Second struct {
	At      int     `json:"at"` // seconds from its beginning
	Answers int64   `json:"answers"`
	Errors  int64   `json:"errors,omitempty"`
	P50     float64 `json:"p50_us"`
	P99     float64 `json:"p99_us"`
	Max     float64 `json:"max_us"`
}
