package load

import (
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// MaxErrorShare is the share of errors past which a run fails unless errors are
// allowed.
const MaxErrorShare = 0.01

// Result is what a run measured, without its warm-up.
type Result struct {
	Started time.Time     // of measuring, after the warm-up
	Took    time.Duration // of measuring: Options.For, less if it ended early
	Partial bool          // the context was cancelled before the end

	Requests int64           // queries that ended, in whatever way
	Outcomes [Outcomes]int64 // how they ended; the sum is Requests
	Kinds    [Kinds]int64    // what they asked for; the sum is Requests, less the unsent
	Checked  int64           // answers that were held against Options.Expect, with those kept
	// InTime is how many answers, without those that are errors, came before the end.
	// What was under way then is waited for and counted in Requests, but not in QPS.
	InTime int64
	// Kept are answers of a registry that changes, to be judged when it is known what
	// was changed when (Options.Changes); Unkept is how many more there were than
	// MaxKept.
	Kept   []Kept
	Unkept int64

	BytesIn, BytesOut int64 // of requests and answers, TLS and headers of TCP excluded
	Connections       int64 // opened while measuring
	Resumed           int64 // of them, TLS handshakes that resumed a session
	Compressed        int64 // answers whose body was compressed

	// Latency has, in nanoseconds, the time to each whole answer of whatever class,
	// and that to giving up for each time-out and each unsent query.
	Latency *hdrhistogram.Histogram
	// Lag has, in nanoseconds, how late this process itself began queries of an open
	// loop for which a connection was free. What is comparable to the latency makes
	// the latency worthless: give the load generator a core, or a smaller rate.
	Lag    *hdrhistogram.Histogram
	Series []Second
	// ClientCPU is the processor time, user and system, of this process while
	// measuring.
	ClientCPU time.Duration
	// Examples tell one instance of each kind of error that came up.
	Examples []string
	// Assumptions of the mix; Remarks are what else a reader must know of the figures.
	Assumptions, Remarks []string
}

// Second is one second of a run.
type Second struct {
	At            int // seconds since measuring began, by when queries ended
	Answers       int64
	Errors        int64
	P50, P99, Max time.Duration
}

// Errors returns how many queries ended with an error.
func (r *Result) Errors() int64 {
	var sum int64
	for o, n := range r.Outcomes {
		if Outcome(o).IsError() {
			sum += n
		}
	}
	return sum
}

// ErrorShare returns the share of queries that ended with an error, 0 to 1.
func (r *Result) ErrorShare() float64 {
	if r.Requests == 0 {
		return 0
	}
	return float64(r.Errors()) / float64(r.Requests)
}

// QPS returns how many answers came each second.
func (r *Result) QPS() float64 {
	if r.Took <= 0 {
		return 0
	}
	return float64(r.InTime) / r.Took.Seconds()
}

// Quantile returns the latency that the share q of queries, 0 to 1, did not exceed.
func (r *Result) Quantile(q float64) time.Duration {
	return time.Duration(r.Latency.ValueAtPercentile(q * 100))
}

// ClientCPUPerQuery returns the processor time that a query that was sent cost
// this process.
func (r *Result) ClientCPUPerQuery() time.Duration {
	sent := r.Requests - r.Outcomes[Unsent]
	if sent == 0 {
		return 0
	}
	return r.ClientCPU / time.Duration(sent)
}

// Latencies of a histogram: 100 ns to MaxTimeout and what an open loop may add to
// it, to 3 digits. It has 170 kB.
func newHistogram() *hdrhistogram.Histogram {
	return hdrhistogram.New(100, (MaxFor + MaxTimeout).Nanoseconds(), 3)
}
