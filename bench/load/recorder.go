package load

import (
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// interval is what one recorder saw in one second. Intervals go round between
// recorders and the collector, so that nothing is allocated in the long run.
type interval struct {
	second   int // since measuring began; below 0 in the warm-up
	outcomes [Outcomes]int64
	kinds    [Kinds]int64

	checked, inTime   int64
	bytesIn, bytesOut int64
	opened, resumed   int64
	compressed        int64

	latency, lag *hdrhistogram.Histogram
	examples     []example
	kept         []Kept
	unkept       int64
}

// example is one instance of an error.
type example struct {
	outcome Outcome
	text    string
}

func newInterval() *interval { return &interval{latency: newHistogram(), lag: newHistogram()} }

func (i *interval) reset() {
	latency, lag := i.latency, i.lag
	if latency.TotalCount() > 0 {
		latency.Reset()
	}
	if lag.TotalCount() > 0 {
		lag.Reset()
	}
	*i = interval{latency: latency, lag: lag, examples: i.examples[:0], kept: i.kept[:0]}
}

// recorder counts how queries end. It is for one goroutine, or under a lock.
type recorder struct {
	run  *run
	now  *interval
	seen [Outcomes]bool // an example of it has been told
	due  int            // answers until the next one is checked
	last int            // the second that has intervals; later ones count for it

	kept, mayKeep int // answers kept, and how many may be
}

func newRecorder(r *run) *recorder {
	rec := &recorder{
		run: r, now: <-r.empty, due: r.CheckEvery, last: int((r.For - 1) / time.Second), mayKeep: max(1, MaxKept/r.Threads),
	}
	rec.now.second = -int((r.Warmup + time.Second - 1) / time.Second)
	return rec
}

// roll hands over the intervals that are over at the moment now. It must be called
// several times a second.
func (rec *recorder) roll(now time.Duration) {
	second := int(max(now-rec.run.Warmup, 0) / time.Second)
	if now < rec.run.Warmup {
		second = -1 - int((rec.run.Warmup-now-1)/time.Second)
	}
	for second = min(second, rec.last); rec.now.second < second; {
		next := rec.now.second + 1
		rec.run.full <- rec.now
		rec.now = <-rec.run.empty
		rec.now.second = next
	}
}

// counts reports whether a query that fell due then is counted.
func (rec *recorder) counts(due time.Duration) bool {
	return due >= rec.run.Warmup || rec.now.second < 0
}

// answer judges what came for q, checks it if its turn has come, and counts it.
// due is when q should have been sent, now when its answer was whole.
func (rec *recorder) answer(q *query, w wire, v *verdict, due, now time.Duration) {
	outcome, why := v.outcome, v.why
	if rec.due--; rec.due <= 0 && outcome.Answered() && outcome != Wrong {
		outcome, why = rec.check(q, w, v, due, now)
	}
	if v.gzip && outcome != NotModified && rec.counts(due) {
		rec.now.compressed++
	}
	rec.end(q, outcome, why, due, now)
}

// check holds an answer against what the registry says. If that is known of other
// names only, the next answer has its turn.
func (rec *recorder) check(q *query, w wire, v *verdict, due, now time.Duration) (Outcome, string) {
	var (
		r     = rec.run
		e     Expectation
		known bool
	)
	if r.Expect != nil {
		if e, known = r.Expect(q.public()); !known {
			return v.outcome, v.why
		}
	}
	rec.due = r.CheckEvery
	outcome, why := v.outcome, v.why
	said, err := w.interpret(q, v)
	switch later := r.Changes && q.isDomain && q.kind != Miss; {
	case err != nil:
		outcome, why = Wrong, err.Error()
	case !known:
	case later && !r.Constant:
		rec.keep(q, said, outcome, due, now)
	case later, r.Changes && q.kind == Registrar: // which may have another name by now
	default:
		outcome, why = said.against(&e)
		if rec.counts(due) && !r.Constant {
			rec.now.checked++
		}
	}
	if r.Constant {
		return v.outcome, v.why
	}
	return outcome, why
}

// keep keeps an answer to be judged once it is known what has changed.
func (rec *recorder) keep(q *query, said statement, outcome Outcome, due, now time.Duration) {
	switch {
	case !rec.counts(due):
		return
	case rec.kept == rec.mayKeep:
		rec.now.unkept++
		return
	}
	rec.kept++
	rec.now.checked++
	if said.facts != nil {
		said.facts = said.facts.clone()
	}
	rec.now.kept = append(rec.now.kept, Kept{
		Name: string(q.name), Asked: rec.run.base.Add(due), Answered: rec.run.base.Add(now), said: said, counted: outcome, sent: quote(q.out),
	})
}

// end counts a query that ended so, for a reason that is told if it is an error.
func (rec *recorder) end(q *query, outcome Outcome, why string, due, now time.Duration) {
	if !rec.counts(due) {
		return
	}
	i := rec.now
	i.outcomes[outcome]++
	i.kinds[q.kind]++
	if outcome.Answered() || outcome == TimedOut {
		// Out of range is only what takes longer than a run may.
		_ = i.latency.RecordValue(int64(now - due))
	}
	if outcome.Answered() && !outcome.IsError() && now <= rec.run.until {
		i.inTime++
	}
	if outcome.IsError() && !rec.seen[outcome] {
		rec.seen[outcome] = true
		i.examples = append(i.examples, example{outcome, rec.describe(q, outcome, why)})
	}
}

// unsent counts the queries of an open loop from i on that were due before the
// end, of part of so many that share the rate. Each has waited until now, and so
// long is its latency.
func (rec *recorder) unsent(i int64, part, parts int, now time.Duration) {
	r := rec.run
	end := i
	for ; r.due(end, part, parts) < r.until && r.take(); end++ {
		if due := r.due(end, part, parts); rec.counts(due) {
			rec.now.outcomes[Unsent]++
			_ = rec.now.latency.RecordValue(int64(now - due))
		}
	}
	if end > i && !rec.seen[Unsent] {
		rec.seen[Unsent] = true
		rec.now.examples = append(rec.now.examples, example{Unsent, r.Target + ": unsent: no connection was free for a query that was due"})
	}
}

// describe tells of an error, for people.
func (rec *recorder) describe(q *query, outcome Outcome, why string) string {
	text := rec.run.Target + ": " + outcome.String()
	text += ": asked " + quote(q.out)
	if why != "" {
		text += ": " + why
	}
	return text
}

// late notes how late this process itself began the query that fell due then: it
// might have at the moment ready, and did now.
func (rec *recorder) late(due, ready, now time.Duration) {
	if rec.counts(due) {
		_ = rec.now.lag.RecordValue(int64(max(now-ready, 0)))
	}
}

// close hands over the last interval.
func (rec *recorder) close(now time.Duration) {
	rec.roll(now)
	rec.run.full <- rec.now
	rec.now = nil
}
