package report

import (
	"math"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"rddsd/bench/load"
)

// TargetOf returns what load measured of a target. What it cannot know is for the
// caller to fill in: ServerCPU, RSS and, for a comparison, Rounds.
func TargetOf(name string, o load.Options, r *load.Result) Target {
	t := Target{
		Name: name, Address: o.Target, Figures: FiguresOf(r),
		Mode: "closed", Connections: o.Connections, Rate: o.Rate, Seconds: round(r.Took.Seconds()),
		Outcomes: make(map[string]int64), Kinds: make(map[string]int64),
		Checked: r.Checked, BytesIn: r.BytesIn, BytesOut: r.BytesOut, Opened: r.Connections, Resumed: r.Resumed, Compressed: r.Compressed,
		LagP99: micros(time.Duration(r.Lag.ValueAtPercentile(99))), Latency: percentiles(r.Latency), Series: seriesOf(r), Examples: r.Examples,
	}
	if o.Rate > 0 {
		t.Mode = "open"
	}
	for i, n := range r.Outcomes {
		if n > 0 {
			t.Outcomes[load.Outcome(i).String()] = n
		}
	}
	for i, n := range r.Kinds {
		if n > 0 {
			t.Kinds[load.Kind(i).String()] = n
		}
	}
	return t
}

// FiguresOf returns the figures of a run of load, without those of the server.
func FiguresOf(r *load.Result) Figures {
	return Figures{
		Requests: r.Requests, Errors: r.Errors(), Refused: r.Outcomes[load.Refused], Degraded: r.Outcomes[load.Degraded],
		QPS: round(r.QPS()),
		P50: micros(r.Quantile(0.5)), P90: micros(r.Quantile(0.9)), P99: micros(r.Quantile(0.99)), P999: micros(r.Quantile(0.999)),
		Max: micros(time.Duration(r.Latency.Max())), ClientCPU: micros(r.ClientCPUPerQuery()),
	}
}

func seriesOf(r *load.Result) []Second {
	list := make([]Second, 0, len(r.Series))
	for _, s := range r.Series {
		list = append(list, Second{At: s.At, Answers: s.Answers, Errors: s.Errors, P50: micros(s.P50), P99: micros(s.P99), Max: micros(s.Max)})
	}
	return list
}

// percentiles returns the distribution of h at even steps of the scale that
// charts have it on, 20 for each further nine, up to the longest latency.
func percentiles(h *hdrhistogram.Histogram) []Percentile {
	const steps = 20
	total := float64(h.TotalCount())
	if total == 0 {
		return nil
	}
	var list []Percentile
	for i := 0; ; i++ {
		left := math.Pow(10, -float64(i)/steps) // share of queries that took longer
		if left*total < 1 {
			break
		}
		percent := 100 * (1 - left)
		list = append(list, Percentile{Percent: roundTo(percent, 1e6), Micros: micros(time.Duration(h.ValueAtPercentile(percent)))})
	}
	last := 100 * (1 - 1/(total+1))
	return append(list, Percentile{Percent: roundTo(last, 1e8), Micros: micros(time.Duration(h.Max()))})
}

// micros returns d in microseconds, to a tenth.
func micros(d time.Duration) float64 { return math.Round(float64(d)/100) / 10 }

// round rounds to a tenth.
func round(x float64) float64 { return roundTo(x, 10) }

func roundTo(x, parts float64) float64 { return math.Round(x*parts) / parts }
