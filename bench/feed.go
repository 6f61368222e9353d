package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"text/tabwriter"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"github.com/spf13/cobra"

	"rddsd/bench/load"
	"rddsd/bench/report"
	"rddsd/bench/target"
)

// following is the benchmark of the feed: how long it takes from a commit to an
// answer that shows it.
type following struct {
	subject
	whois, rdap string // of a server that runs already
	pid         int
	rate        float64
	duration    time.Duration
	timeout     time.Duration
	late        time.Duration
	postgres    bool
	scratch     *scratchPostgres

	watches []*watch
	written atomic.Int64
	took    time.Duration // until the last change was committed
}

func newFeed() *cobra.Command {
	var (
		f   following
		out output
	)
	cmd := &cobra.Command{
		Use:   "feed",
		Short: "Measure the time from a commit in the registry to the answer that shows it",
		Long: "Measure the time from a commit in the registry to the answer that shows it: renews names of a registry file, one in\n" +
			"each transaction, and asks for each in WHOIS and in RDAP until the new date is there. Without --target it starts an\n" +
			"rddsd on a generated registry; with it, --registry is the file that the server at --target follows, which is changed.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return out.run(cmd, benchmark{name: "feed", measure: f.measure, print: f.print, rows: f.rows})
		},
	}
	flags := cmd.Flags()
	f.addFlags(flags, 10_000)
	flags.BoolVar(&f.postgres, "postgres", false, "generate the registry in a PostgreSQL server that is started for it")
	flags.StringVar(&f.whois, "target", "", "address of WHOIS, of a server that runs already")
	flags.StringVar(&f.rdap, "rdap", "", "with --target: address of RDAP without TLS")
	flags.IntVar(&f.pid, "pid", 0, "with --target: process of the server, to tell what it costs")
	flags.Float64Var(&f.rate, "rate", 100, "changes a second")
	flags.DurationVar(&f.duration, "for", 10*time.Second, "how long to change the registry")
	flags.DurationVar(&f.timeout, "timeout", 10*time.Second, "after which a change counts as lost")
	flags.DurationVar(&f.late, "late", time.Second, "above which it counts as late")
	out.addFlags(flags)
	return cmd
}

// measure writes the changes and waits until each is answered or lost.
func (f *following) measure(ctx context.Context, r *run) (err error) {
	if !(f.rate > 0 && f.rate <= 100_000) || f.duration <= 0 || f.duration > time.Hour {
		return fmt.Errorf("a rate of %g changes a second for %v: must be more than 0, at most 100,000 and an hour", f.rate, f.duration)
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	starter := &target.Starter{Program: self}
	defer func() { err = errors.Join(err, starter.Stop(), f.scratch.stop()) }()
	transport := &http.Transport{MaxIdleConnsPerHost: watchers, DisableCompression: true}
	defer transport.CloseIdleConnections()
	if err := f.start(ctx, r, starter, &http.Client{Transport: transport, Timeout: askTimeout}); err != nil {
		return err
	}
	all, err := openWriters(ctx, f.writtenTo(), f.seed)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, all.close()) }()
	if due, names := f.rate*f.duration.Seconds(), all.names(); due > float64(names) {
		r.Assumptions = append(r.Assumptions, fmt.Sprintf("each of %d names is renewed %.1f times", names, due/float64(names)))
	}
	r.tell("renewing %g names a second for %v", f.rate, f.duration)
	before, err := f.watches[0].server.Process.Usage()
	if err != nil {
		return err
	}
	err = f.follow(ctx, all, r)
	f.report(r)
	after, failed := f.watches[0].server.Process.Usage()
	r.More["server_cpu_us_per_change"] = micros(after.CPU-before.CPU) / float64(max(1, f.written.Load()))
	r.More["rss_bytes"] = after.RSS
	return errors.Join(err, failed, starter.Ended(), f.lost())
}

// fill makes the registry that rddsd is to follow.
func (f *following) fill(ctx context.Context, starter *target.Starter) error {
	if !f.postgres {
		return f.prepare(ctx, starter)
	}
	g, err := f.generate()
	if err != nil {
		return err
	}
	if f.scratch, err = startPostgres(ctx, g); err != nil {
		return err
	}
	starter.Rddsd = target.RddsdOptions{Binary: f.binary, Registry: f.scratch.edge, Mode: f.mode, Ready: readyPostgres}
	return nil
}

// readyPostgres is how long rddsd may take to load a registry in PostgreSQL.
const readyPostgres = 10 * time.Minute

// writtenTo returns where the registry that is followed is changed.
func (f *following) writtenTo() string {
	if f.scratch != nil {
		return f.scratch.owner
	}
	return f.registry
}

// lost returns an error if a change was never answered: the feed may be slow, but
// it must lose nothing.
func (f *following) lost() error {
	var losses int64
	for _, w := range f.watches {
		losses += w.losses
	}
	if losses == 0 {
		return nil
	}
	return fmt.Errorf("%d changes were never answered, within %v", losses, f.timeout)
}

// start sees that there is a server, and makes the watches over it.
func (f *following) start(ctx context.Context, r *run, starter *target.Starter, client *http.Client) error {
	whois := &target.Server{Name: "WHOIS", Service: target.WHOIS, Address: f.whois}
	rdap := &target.Server{Name: "RDAP", Service: target.HTTP, Address: f.rdap}
	if f.whois == "" {
		r.tell("starting rddsd on a registry of %d names", f.size)
		if err := f.fill(ctx, starter); err != nil {
			return err
		}
		d, err := starter.StartRddsd(ctx)
		if err != nil {
			return err
		}
		f.registry = starter.Rddsd.Registry
		whois.Address, rdap.Address, whois.Process = d.Addresses[target.WHOIS], d.Addresses[target.HTTP], d.Process
	} else if f.rdap == "" || f.registry == "" {
		return errors.New("--target needs --rdap, where the same server answers RDAP, and --registry, the file that it follows")
	} else if f.pid != 0 {
		p, err := target.OpenProcess("the server", f.pid)
		if err != nil {
			return err
		}
		whois.Process = p
	}
	for _, s := range [...]*target.Server{whois, rdap} {
		w := &watch{server: s, timeout: f.timeout, late: f.late, lag: newTimes(), ask: askWHOIS(s.Address)}
		if s == rdap {
			w.ask = askRDAP(client, "http://"+s.Address+"/")
		}
		// A server that is not there is told before anything is changed.
		if _, err := w.ask(ctx, "example.coop"); err != nil {
			return fmt.Errorf("%s at %s: %w", s.Name, s.Address, err)
		}
		f.watches = append(f.watches, w)
	}
	return nil
}

// follow writes changes at the rate, and returns once all are answered or lost.
func (f *following) follow(ctx context.Context, all writers, r *run) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var (
		watching, writing sync.WaitGroup
		queues            []chan change
		begun             = time.Now()
	)
	for _, watch := range f.watches {
		for range watchers {
			queue := make(chan change, maxPending)
			queues = append(queues, queue)
			watching.Go(func() {
				if err := watch.follow(ctx, begun, queue); err != nil {
					cancel(err)
				}
			})
		}
	}
	for i, w := range all {
		writing.Go(func() {
			if err := f.write(ctx, w, i, len(all), begun, queues, r); err != nil {
				cancel(err)
			}
		})
	}
	writing.Wait()
	f.took = time.Since(begun)
	for _, queue := range queues {
		close(queue)
	}
	watching.Wait()
	return context.Cause(ctx)
}

// write commits every of-th change from the first on until the time is up, and
// hands each to one watcher of each protocol. Each is due at its own moment,
// however late the one before it was.
func (f *following) write(ctx context.Context, w *writer, first, of int, begun time.Time, queues []chan change, r *run) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	shown := begun
	for i := first; ; i += of {
		due := begun.Add(time.Duration(float64(i) / f.rate * float64(time.Second)))
		if due.Sub(begun) >= f.duration {
			return nil
		}
		timer.Reset(time.Until(due))
		select {
		case <-timer.C:
		case <-ctx.Done():
			return ctx.Err()
		}
		c, err := w.write(ctx)
		if err != nil {
			return err
		}
		f.written.Add(1)
		if now := c.committed; first == 0 && now.Sub(shown) >= time.Second {
			shown = now
			r.Show(now.Sub(begun), f.standing(now.Sub(begun)))
		}
		for q := i % watchers; q < len(queues); q += watchers {
			select {
			case queues[q] <- c:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
}

// standing tells how far the run is.
func (f *following) standing(elapsed time.Duration) string {
	text := fmt.Sprintf("%.0f changes/s", float64(f.written.Load())/elapsed.Seconds())
	for _, w := range f.watches {
		text += "  " + w.standing()
	}
	return fmt.Sprintf("%s  %.0f s left", text, (f.duration - elapsed).Seconds())
}

// report adds what was seen to the run.
func (f *following) report(r *run) {
	if f.written.Load() == 0 {
		return
	}
	for _, w := range f.watches {
		seen := w.lag.TotalCount()
		result := &load.Result{Took: f.duration, Requests: seen + w.losses, InTime: seen, Latency: w.lag, Lag: newTimes(), Examples: w.lost}
		result.Outcomes[load.Found], result.Outcomes[load.TimedOut] = seen, w.losses
		for i, h := range w.second {
			result.Series = append(result.Series, load.Second{
				At: i, Answers: h.TotalCount(),
				P50: time.Duration(h.ValueAtPercentile(50)), P99: time.Duration(h.ValueAtPercentile(99)), Max: time.Duration(h.Max()),
			})
		}
		t := report.TargetOf(w.server.Name, load.Options{Target: w.server.Address, Rate: f.rate}, result)
		t.More = map[string]any{"late": w.lates, "late_above_ms": milliseconds(f.late), "lost": w.losses}
		r.Targets = append(r.Targets, t)
	}
	r.Assumptions = append(r.Assumptions,
		fmt.Sprintf("a change that does not show yet is asked for every %v: figures are too high by up to that and the time of one answer", watchEvery))
	r.More["changes"], r.More["changes_a_second"] = f.written.Load(), f.rate
	r.More["written_s"] = f.took.Seconds()
	if late := f.took - f.duration; late > f.duration/20 {
		r.Assumptions = append(r.Assumptions, fmt.Sprintf("the registry did not take changes as fast as that: the last was committed %v late", late.Round(time.Millisecond)))
	}
}

// rows writes what was seen as rows of RESULTS.md.
func (f *following) rows(out io.Writer, r *run) {
	fmt.Fprintf(out, "| answers of | changes/s | changes | p50 | p99 | max | later than %v | lost |%s\n", f.late, whereHead)
	fmt.Fprintf(out, "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |%s\n", whereLine)
	for _, one := range f.watches {
		fmt.Fprintf(out, "| %s | %g | %d | %s | %s | %s | %d | %d |%s\n", one.server.Name, f.rate, one.lag.TotalCount()+one.losses,
			quantile(one.lag, 50), quantile(one.lag, 99), quantile(one.lag, 100), one.lates, one.losses, r.where())
	}
}

// quantile returns a percentile as people read it.
func quantile(h *hdrhistogram.Histogram, percent float64) string {
	return report.Micros(float64(h.ValueAtPercentile(percent)) / 1e3)
}

// print writes what was seen as a table.
func (f *following) print(out io.Writer, r *run) error {
	r.printAround(out)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "commit to answer\tchanges\tp50\tp99\tmax\tlater than %v\tlost\t\n", f.late)
	for _, one := range f.watches {
		fmt.Fprintf(w, "%s\t%d\t%s\t%s\t%s\t%d\t%d\t\n", one.server.Name, one.lag.TotalCount()+one.losses,
			quantile(one.lag, 50), quantile(one.lag, 99), quantile(one.lag, 100), one.lates, one.losses)
	}
	return w.Flush()
}
