package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"rddsd/bench/target"
	"rddsd/server/admin"
)

// loadingFirst is the benchmark of a first load and of a snapshot taken beside a
// View that serves, from a registry in PostgreSQL: how long they take, and what
// memory they need.
type loadingFirst struct {
	subject
	settle time.Duration

	first, again loaded
}

// loaded is what one load took.
type loaded struct {
	took    time.Duration
	cpu     time.Duration // of rddsd
	peak    int64         // bytes resident at most
	settled int64         // bytes resident some time after it
}

func newFirstLoad() *cobra.Command {
	var (
		f   loadingFirst
		out output
	)
	cmd := &cobra.Command{
		Use:   "firstload",
		Short: "Measure how long a registry in PostgreSQL takes to load, and what memory",
		Long: "Measure how long a registry in PostgreSQL takes to load, and what memory that needs: starts a server, fills it, starts\n" +
			"rddsd without any copy on disk, and then has it load the registry once more beside what it serves.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return out.run(cmd, benchmark{name: "firstload", measure: f.measure, print: f.print, rows: f.rows})
		},
	}
	flags := cmd.Flags()
	flags.IntVar(&f.size, "size", 1_000_000, "names of the generated .coop registry")
	flags.Uint64Var(&f.seed, "seed", 1, "seed of the generated registry")
	flags.StringVar(&f.binary, "rddsd", "", "program to measure as rddsd (default it is built from the working directory's module)")
	flags.DurationVar(&f.settle, "settle", 10*time.Second, "how long after a load the memory is read that is kept")
	out.addFlags(flags)
	return cmd
}

func (f *loadingFirst) measure(ctx context.Context, r *run) (err error) {
	g, err := f.generate()
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	r.tell("filling a registry of %d names", f.size)
	db, err := startPostgres(ctx, g)
	if err != nil {
		return err
	}
	starter := &target.Starter{Program: self}
	defer func() { err = errors.Join(err, starter.Stop(), db.stop()) }()
	starter.Rddsd = target.RddsdOptions{Binary: f.binary, Registry: db.edge, Mode: "off", Ready: readyPostgres}

	r.tell("loading it")
	begun := time.Now()
	d, err := starter.StartRddsd(ctx)
	if err != nil {
		return err
	}
	f.first.took = time.Since(begun)
	before, err := d.Process.Usage()
	if err != nil {
		return err
	}
	f.first.cpu = before.CPU
	if err := f.weigh(ctx, &f.first, d.Process); err != nil {
		return err
	}
	r.tell("loading it again, beside what is served")
	if err := forgetPeak(d.Process.PID); err != nil {
		return err
	}
	if before, err = d.Process.Usage(); err != nil {
		return err
	}
	begun = time.Now()
	if err := db.do(ctx, "select rdds.new_epoch()"); err != nil {
		return err
	}
	if err := resynced(ctx, "http://"+d.Admin, 2); err != nil {
		return err
	}
	f.again.took = time.Since(begun)
	after, err := d.Process.Usage()
	if err != nil {
		return err
	}
	f.again.cpu = after.CPU - before.CPU
	if err := f.weigh(ctx, &f.again, d.Process); err != nil {
		return err
	}
	r.More["names"] = f.size
	for name, l := range map[string]loaded{"first": f.first, "resync": f.again} {
		r.More[name+"_cpu_s"] = l.cpu.Seconds()
		r.More[name+"_s"], r.More[name+"_peak_bytes"], r.More[name+"_settled_bytes"] = l.took.Seconds(), l.peak, l.settled
	}
	return starter.Ended()
}

// weigh reads the memory that a load needed and left.
func (f *loadingFirst) weigh(ctx context.Context, l *loaded, p *target.Process) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(f.settle):
	}
	u, err := p.Usage()
	if err != nil {
		return err
	}
	l.settled = u.RSS
	l.peak, err = peak(p.PID)
	return err
}

// resynced waits until the server has published so many snapshots.
func resynced(ctx context.Context, url string, snapshots uint64) error {
	for deadline := time.Now().Add(readyPostgres); ; {
		status, _, err := admin.FetchStatus(ctx, url)
		if err != nil {
			return err
		}
		if status.Registry.Resyncs >= snapshots {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("rddsd took no snapshot within %v: %s", readyPostgres, status.Registry.LastError)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// peak returns how many bytes of a process were resident at most (Linux
// proc(5): VmHWM).
func peak(pid int) (int64, error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(data)) {
		if value, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kib, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(value), "kB")), 10, 64)
			return kib << 10, err
		}
	}
	return 0, fmt.Errorf("the kernel does not tell the peak of process %d", pid)
}

// forgetPeak has the kernel begin anew with that (proc(5): clear_refs).
func forgetPeak(pid int) error {
	return os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", pid), []byte("5"), 0)
}

func (f *loadingFirst) rows(out io.Writer, r *run) {
	fmt.Fprintf(out, "| load of %d names | took | CPU | peak | of what is kept |%s\n| --- | ---: | ---: | ---: | ---: |%s\n", f.size, whereHead, whereLine)
	for _, l := range f.loads() {
		fmt.Fprintf(out, "| %s | %.1f s | %.1f s | %d MiB | %.2f |%s\n", l.name, l.took.Seconds(), l.cpu.Seconds(), l.peak>>20, float64(l.peak)/float64(max(1, l.settled)), r.where())
	}
}

func (f *loadingFirst) print(out io.Writer, r *run) error {
	r.printAround(out)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "load\ttook\tCPU\tpeak\tkept\tpeak of kept\t")
	for _, l := range f.loads() {
		fmt.Fprintf(w, "%s\t%.1f s\t%.1f s\t%d MiB\t%d MiB\t%.2f\t\n", l.name, l.took.Seconds(), l.cpu.Seconds(), l.peak>>20, l.settled>>20, float64(l.peak)/float64(max(1, l.settled)))
	}
	return w.Flush()
}

func (f *loadingFirst) loads() []struct {
	name string
	loaded
} {
	return []struct {
		name string
		loaded
	}{{"first", f.first}, {"again, beside what is served", f.again}}
}
