package load

import (
	"fmt"
	"slices"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// collector adds up the intervals of all recorders.
type collector struct {
	run       *run
	recorders int
	cancel    func() // ends the run
	result    Result
	open      map[int]*second // seconds that not all recorders have handed over
	spare     *hdrhistogram.Histogram
	examples  [Outcomes]string
	requests  int64 // with those of the warm-up, for Progress
	errors    int64
	lastEnd   int // the last second in which an answer came
	gone      error
}

// second is one second of all recorders.
type second struct {
	recorders       int
	answers, errors int64
	requests        int64
	latency         *hdrhistogram.Histogram
}

func newCollector(r *run, recorders int, cancel func()) *collector {
	return &collector{
		run: r, recorders: recorders, cancel: cancel,
		result:  Result{Latency: newHistogram(), Lag: newHistogram()},
		open:    make(map[int]*second),
		spare:   newHistogram(),
		lastEnd: -int((r.Warmup + time.Second - 1) / time.Second),
	}
}

// collect returns when the channel of full intervals is closed.
func (c *collector) collect() {
	for i := range c.run.full {
		c.add(i)
		at := i.second
		i.reset()
		c.run.empty <- i
		if c.open[at].recorders == c.recorders {
			c.complete(at)
		}
	}
	// Recorders that ended early, as a cancelled run has them.
	var rest []int
	for at := range c.open {
		rest = append(rest, at)
	}
	slices.Sort(rest)
	for _, at := range rest {
		c.complete(at)
	}
	for _, text := range c.examples {
		if text != "" {
			c.result.Examples = append(c.result.Examples, text)
		}
	}
}

// add adds i to its second and, after the warm-up, to the result.
func (c *collector) add(i *interval) {
	s := c.open[i.second]
	if s == nil {
		s = &second{latency: c.takeSpare()}
		c.open[i.second] = s
	}
	s.recorders++
	s.latency.Merge(i.latency)
	for o, n := range i.outcomes {
		s.requests += n
		if Outcome(o).IsError() {
			s.errors += n
		} else {
			s.answers += n
		}
	}
	for _, e := range i.examples {
		if c.examples[e.outcome] == "" {
			c.examples[e.outcome] = e.text
		}
	}
	if i.second < 0 {
		return
	}
	r := &c.result
	for o, n := range i.outcomes {
		r.Outcomes[o] += n
		r.Requests += n
	}
	for k, n := range i.kinds {
		r.Kinds[k] += n
	}
	r.Checked += i.checked
	r.Kept = append(r.Kept, i.kept...)
	r.Unkept += i.unkept
	r.InTime += i.inTime
	r.BytesIn += i.bytesIn
	r.BytesOut += i.bytesOut
	r.Connections += i.opened
	r.Resumed += i.resumed
	r.Compressed += i.compressed
	r.Latency.Merge(i.latency)
	r.Lag.Merge(i.lag)
}

// complete makes a second of the series of what has been added up.
func (c *collector) complete(at int) {
	s := c.open[at]
	delete(c.open, at)
	next := Second{
		At: at, Answers: s.answers, Errors: s.errors,
		P50: time.Duration(s.latency.ValueAtPercentile(50)), P99: time.Duration(s.latency.ValueAtPercentile(99)), Max: time.Duration(s.latency.Max()),
	}
	s.latency.Reset()
	c.spare = s.latency
	c.requests += s.requests
	c.errors += s.errors
	// A second that was cut short would look like a slow one.
	wholeBy := c.run.Warmup + time.Duration(at+1)*time.Second
	if at >= 0 && (wholeBy <= min(c.run.until, c.run.clock()) || len(c.result.Series) == 0) {
		c.result.Series = append(c.result.Series, next)
	}
	if s.answers > 0 {
		c.lastEnd = at
	}
	c.watch(at)
	if c.run.Progress == nil {
		return
	}
	elapsed := c.run.clock()
	c.run.Progress(Progress{
		Elapsed: elapsed, Left: max(c.run.until-elapsed, 0), Warming: at < 0,
		Requests: c.requests, Errors: c.errors, Rate: float64(s.requests), P50: next.P50, P99: next.P99,
	})
}

// watch ends a run whose target has gone away: hammering an address where nobody
// answers measures nothing.
func (c *collector) watch(at int) {
	patience := 2 + int(2*c.run.Timeout/time.Second)
	if c.gone != nil || at-c.lastEnd < patience {
		return
	}
	c.gone = fmt.Errorf("%s has not answered for %d seconds, after %d queries that ended: %s",
		c.run.Target, at-c.lastEnd, c.requests, c.commonest())
	c.cancel()
}

// takeSpare returns an empty histogram.
func (c *collector) takeSpare() *hdrhistogram.Histogram {
	if h := c.spare; h != nil {
		c.spare = nil
		return h
	}
	return newHistogram()
}

// exampleOf returns an instance of o.
func (c *collector) exampleOf(o Outcome) string { return c.examples[o] }

// commonest returns an instance of the error that came most often.
func (c *collector) commonest() string {
	most := -1
	for o, text := range c.examples {
		if text != "" && (most < 0 || c.result.Outcomes[o] > c.result.Outcomes[most]) {
			most = o
		}
	}
	if most < 0 {
		return "nothing came"
	}
	return c.examples[most]
}
