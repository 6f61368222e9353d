package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"

	"rddsd/bench/load"
	"rddsd/bench/report"
	"rddsd/bench/target"
)

// contest measures several servers in turn, so that whatever else the machine
// does meanwhile hits all of them alike: A B A B.
type contest struct {
	servers []*target.Server
	options []load.Options     // by server
	rounds  [][]report.Figures // by server
	sums    []*load.Result     // by server: all rounds together
}

// run measures each server once in each round; another call adds more rounds.
// After an error, the rounds until then stand.
func (c *contest) run(ctx context.Context, rounds int, r *run) error {
	if c.rounds == nil {
		c.rounds, c.sums = make([][]report.Figures, len(c.servers)), make([]*load.Result, len(c.servers))
	}
	for round := range rounds {
		for i, s := range c.servers {
			o := c.options[i]
			o.Seed += uint64(len(c.rounds[i])) // each round asks anew, and all servers the same
			if r.live {                        // elsewhere a line a round will do
				o.Progress = func(p load.Progress) { r.Load(fmt.Sprintf("round %d of %d, %s", round+1, rounds, s.Name), p) }
			}
			m, err := measure(ctx, s, o)
			// A round that was cut short says little, and nothing beside whole ones.
			if m != nil && !(m.Partial && c.measured(i)) {
				f := m.figures()
				c.rounds[i] = append(c.rounds[i], f)
				c.add(i, m.Result)
				r.company.add(m.company)
				r.tell("round %d of %d  %-16s %6.2f us a query, the load generator %6.2f, %s queries/s",
					round+1, rounds, s.Name, f.ServerCPU, f.ClientCPU, report.Count(int64(f.QPS)))
			}
			if err == nil {
				err = ctx.Err()
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// add adds one round up with those before it.
func (c *contest) add(i int, r *load.Result) {
	sum := c.sums[i]
	if sum == nil {
		c.sums[i] = r
		return
	}
	begin := 0
	if n := len(sum.Series); n > 0 {
		begin = sum.Series[n-1].At + 1
	}
	for _, s := range r.Series {
		s.At += begin
		sum.Series = append(sum.Series, s)
	}
	more := r.Kept[:min(len(r.Kept), load.MaxKept-len(sum.Kept))]
	sum.Kept = append(sum.Kept, more...)
	if dropped := int64(len(r.Kept) - len(more)); dropped > 0 {
		sum.Checked -= dropped
		sum.Remarks = append(sum.Remarks, fmt.Sprintf("answers of later rounds were not checked: a comparison keeps %d of each server", load.MaxKept))
	}
	sum.Took += r.Took
	sum.ClientCPU += r.ClientCPU
	sum.Partial = sum.Partial || r.Partial
	for o, n := range r.Outcomes {
		sum.Outcomes[o] += n
	}
	for k, n := range r.Kinds {
		sum.Kinds[k] += n
	}
	for _, n := range [...]struct {
		to   *int64
		more int64
	}{
		{&sum.Requests, r.Requests},
		{&sum.Checked, r.Checked},
		{&sum.InTime, r.InTime},
		{&sum.Connections, r.Connections},
		{&sum.Resumed, r.Resumed},
		{&sum.Compressed, r.Compressed},
		{&sum.Unkept, r.Unkept},
		{&sum.BytesIn, r.BytesIn},
		{&sum.BytesOut, r.BytesOut},
	} {
		*n.to += n.more
	}
	sum.Latency.Merge(r.Latency)
	sum.Lag.Merge(r.Lag)
	sum.Examples = append(sum.Examples, r.Examples...)
	sum.Remarks = append(sum.Remarks, r.Remarks...)
}

// spread is the middle of several measurements, and how far they are apart.
type spread struct {
	Median float64 `json:"median"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`

	upper float64 // three quarters are not above it
}

func spreadOf(values []float64) spread {
	if len(values) == 0 {
		return spread{}
	}
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return spread{Median: (sorted[(n-1)/2] + sorted[n/2]) / 2, Min: sorted[0], Max: sorted[n-1], upper: sorted[(3*n+3)/4-1]}
}

// over returns the spread of one figure over the rounds of server i.
func (c *contest) over(i int, of func(report.Figures) float64) spread {
	var values []float64
	for _, f := range c.rounds[i] {
		values = append(values, of(f))
	}
	return spreadOf(values)
}

// ratio compares server i with server base, round by round: the processor time of
// a query there. Normalised, it is divided by what the query cost the load
// generator in the same round: a busy machine makes both dearer.
func (c *contest) ratio(i, base int, normalised bool) spread {
	var values []float64
	for round := range min(len(c.rounds[i]), len(c.rounds[base])) {
		a, b := c.rounds[i][round], c.rounds[base][round]
		x, y := a.ServerCPU, b.ServerCPU
		if normalised {
			x, y = x/a.ClientCPU, y/b.ClientCPU
		}
		if x > 0 && y > 0 {
			values = append(values, x/y)
		}
	}
	return spreadOf(values)
}

// quiet returns the same of those rounds in which others used no more than so many
// cores, and how many these were.
func (c *contest) quiet(i, base int, cores float64) (spread, int) {
	var only contest
	only.rounds = make([][]report.Figures, 2)
	for round := range min(len(c.rounds[i]), len(c.rounds[base])) {
		a, b := c.rounds[i][round], c.rounds[base][round]
		if max(a.Others, b.Others) <= cores {
			only.rounds[0], only.rounds[1] = append(only.rounds[0], b), append(only.rounds[1], a)
		}
	}
	return only.ratio(1, 0, false), len(only.rounds[0])
}

// base returns the server that others of the same service are compared with: the
// first one.
func (c *contest) base(i int) int {
	for j := range c.servers {
		if c.servers[j].Service == c.servers[i].Service {
			return j
		}
	}
	return i
}

// medians returns the medians of all figures of server i.
func (c *contest) medians(i int) report.Figures {
	median := func(of func(report.Figures) float64) float64 { return c.over(i, of).Median }
	var sum report.Figures
	// What is counted is that of all rounds, and what was settled after them.
	whole := report.FiguresOf(c.sums[i])
	sum.Requests, sum.Errors, sum.Refused, sum.Degraded, sum.Max = whole.Requests, whole.Errors, whole.Refused, whole.Degraded, whole.Max
	sum.QPS = median(func(f report.Figures) float64 { return f.QPS })
	sum.P50 = median(func(f report.Figures) float64 { return f.P50 })
	sum.P90 = median(func(f report.Figures) float64 { return f.P90 })
	sum.P99 = median(func(f report.Figures) float64 { return f.P99 })
	sum.P999 = median(func(f report.Figures) float64 { return f.P999 })
	sum.ServerCPU = median(serverCPU)
	sum.ClientCPU = median(func(f report.Figures) float64 { return f.ClientCPU })
	sum.RSS = int64(median(func(f report.Figures) float64 { return float64(f.RSS) }))
	sum.Others = median(func(f report.Figures) float64 { return f.Others })
	return sum
}

func serverCPU(f report.Figures) float64 { return f.ServerCPU }

// print writes the comparison as a table.
func (c *contest) print(out io.Writer, r *run) error {
	r.printAround(out)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "server\tCPU us/query\tmin-max\tratio\tmin-max\tnormalised\tclient CPU us\tqueries/s\tp50\tp99\tp99.9\tRSS\terrors\t")
	for i, s := range c.servers {
		if !c.measured(i) {
			continue
		}
		f, cpu := c.medians(i), c.over(i, serverCPU)
		raw, normalised := c.ratio(i, c.base(i), false), c.ratio(i, c.base(i), true)
		fmt.Fprintf(w, "%s\t%.2f\t%.1f-%.1f\t%.3f\t%.2f-%.2f\t%.3f\t%.2f\t%s\t%s\t%s\t%s\t%s\t%s\t\n",
			s.Name, cpu.Median, cpu.Min, cpu.Max, raw.Median, raw.Min, raw.Max, normalised.Median, f.ClientCPU, report.Count(int64(f.QPS)),
			report.Micros(f.P50), report.Micros(f.P99), report.Micros(f.P999), report.Bytes(f.RSS), report.Count(f.Errors))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(out)
	for i := range r.Targets {
		r.Targets[i].PrintOutcomes(out)
	}
	return nil
}

func (c *contest) measured(i int) bool { return len(c.rounds) > i && len(c.rounds[i]) > 0 }

// rows writes the comparison as rows of RESULTS.md.
func (c *contest) rows(out io.Writer, r *run) {
	fmt.Fprint(out, "| server | CPU \u00b5s/query (range) | ratio (range) | normalised | client CPU \u00b5s | queries/s | p50 | p99 | p99.9 | RSS |"+whereHead+"\n"+
		"| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"+whereLine+"\n")
	for i, s := range c.servers {
		if !c.measured(i) {
			continue
		}
		f, cpu := c.medians(i), c.over(i, serverCPU)
		raw, normalised := c.ratio(i, c.base(i), false), c.ratio(i, c.base(i), true)
		fmt.Fprintf(out, "| %s | %.1f (%.1f-%.1f) | %.2f (%.2f-%.2f) | %.2f | %.1f | %s | %s | %s | %s | %s |%s\n",
			s.Name,
			cpu.Median, cpu.Min, cpu.Max, raw.Median, raw.Min, raw.Max, normalised.Median, f.ClientCPU,
			report.Count(int64(f.QPS)), report.Micros(f.P50), report.Micros(f.P99), report.Micros(f.P999), report.Bytes(f.RSS), r.where())
	}
}

// report adds the servers, with their ratios, to the run.
func (c *contest) report(r *run) {
	for i, s := range c.servers {
		if !c.measured(i) {
			continue
		}
		sum, base := c.sums[i], c.base(i)
		t := report.TargetOf(s.Name, c.options[i], sum)
		t.Figures, t.Rounds = c.medians(i), c.rounds[i]
		t.More = map[string]any{"against": c.servers[base].Name, "ratio": c.ratio(i, base, false), "ratio_normalised": c.ratio(i, base, true)}
		r.Targets = append(r.Targets, t)
		for _, line := range slices.Concat(sum.Assumptions, sum.Remarks) {
			if line = s.Service.String() + ": " + line; !slices.Contains(r.Assumptions, line) {
				r.Assumptions = append(r.Assumptions, line)
			}
		}
	}
}
