package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"rddsd/bench/report"
	"rddsd/cache/registry"
	"rddsd/cache/registry/synthetic"
)

// caching is the benchmark of package cache, without a server around it.
type caching struct {
	size     int
	seed     uint64
	duration time.Duration
	dir      string
	thin     bool
	changes  bool

	made    *synthetic.Registry
	figures figures
}

func newCache() *cobra.Command {
	var (
		c   caching
		out output
	)
	cmd := &cobra.Command{
		Use:   "cache",
		Short: "Measure the View: memory, look-ups, files, deltas",
		Long: "Measure the View: builds one of generated names, straight from the generator, and measures its memory, look-ups,\n" +
			"garbage collection, its file on disk, and what applying deltas costs and does to readers. Everything runs in this process.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return out.run(cmd, benchmark{name: "cache", measure: c.measure, print: c.print, panels: c.panels, rows: c.rows})
		},
	}
	f := cmd.Flags()
	f.IntVar(&c.size, "size", 1_000_000, "names of the generated .coop registry; a million takes 0.3 GiB and 20 s")
	f.Uint64Var(&c.seed, "seed", 1, "seed of the generated registry")
	f.DurationVar(&c.duration, "for", 2*time.Second, "how long to measure each kind of look-up and of delta")
	f.StringVar(&c.dir, "dir", "", "directory on the disk whose speed is to count (default that for temporary files)")
	f.BoolVar(&c.thin, "thin", false, "a registry that publishes no contacts")
	f.BoolVar(&c.changes, "changes", true, "apply deltas and fold them too, for which there must be memory for two Views")
	out.addFlags(f)
	return cmd
}

// measure adds one figure after the other; after an error, those until then
// stand.
func (c *caching) measure(ctx context.Context, r *run) (err error) {
	defer func() { r.More = c.figures.more() }()
	r.tell("making a registry of %d names", c.size)
	if c.made, err = synthetic.New(synthetic.Params{Names: c.size, Seed: c.seed}); err != nil {
		return err
	}
	before, err := readMemory()
	if err != nil {
		return err
	}
	r.tell("building a View of it")
	view, built, err := buildView(ctx, c.made, c.thin)
	if err != nil {
		return err
	}
	after, err := readMemory()
	if err != nil {
		return err
	}
	f, names := &c.figures, float64(view.Count(registry.KindDomain))
	f.add("view_names", "names in the View", names, "")
	f.add("view_contacts", "contacts in it", float64(view.Count(registry.KindContact)), "")
	f.add("view_hosts", "hosts in it", float64(view.Count(registry.KindHost)), "")
	f.add("row_bytes_per_name", "rows, as the feed brings them", float64(built.bytes)/names, "B a name")
	f.add("rss_bytes_per_name", "resident memory", float64(after.rss-before.rss)/names, "B a name")
	f.add("heap_bytes_per_name", "of it in the Go heap", float64(after.heap-before.heap)/names, "B a name")
	f.add("build_names_per_s", "building it, rows given", names/built.took.Seconds(), "names/s")
	usage := view.Usage()
	for kind, bytes := range usage.Objects {
		f.add(fmt.Sprintf("%s_bytes_per_name", registry.Kind(kind)), fmt.Sprintf("of it objects of kind %s", registry.Kind(kind)), float64(bytes)/names, "B a name")
	}
	f.add("index_bytes_per_name", "of it other ways to find them", float64(usage.Indexes)/names, "B a name")
	gc := collect()
	f.add("gc_cpu_ms", "a full garbage collection, processor time", milliseconds(gc.cpu), "ms")
	f.add("gc_ms", "a full garbage collection, from beginning to end", milliseconds(gc.took), "ms")
	f.add("gc_pause_us", "a full garbage collection, everything stands still", micros(gc.pause), "µs")

	r.tell("looking names up")
	s, err := newSample(c.made, c.seed)
	if err != nil {
		return err
	}
	if err := measureLookups(ctx, f, view, s, c.duration); err != nil {
		return err
	}
	r.tell("writing and loading its file")
	if err := measureDisk(ctx, f, view, s.hits[0], c.dir); err != nil {
		return err
	}
	if !c.changes {
		return nil
	}
	r.tell("applying deltas")
	writer := &changes{view: view, names: s.hits, rng: rand.New(rand.NewPCG(c.seed, 1)), clock: threadTime}
	if err := measureApply(ctx, f, writer, c.duration); err != nil {
		return err
	}
	r.tell("folding")
	if err := measureFold(ctx, f, writer); err != nil {
		return err
	}
	if err := measurePause(ctx, f, writer, c.duration); err != nil {
		return err
	}
	r.tell("looking names up while folding")
	return measureLookupsWhileFolding(ctx, f, writer, c.dir, c.duration)
}

func (c *caching) print(out io.Writer, r *run) error {
	r.printAround(out)
	return c.figures.print(out)
}

// rows writes a row for each question that RESULTS.md asks of the cache.
func (c *caching) rows(out io.Writer, r *run) {
	tables := [...][]string{
		{"view_names", "rss_bytes_per_name", "heap_bytes_per_name", "row_bytes_per_name", "build_names_per_s", "gc_cpu_ms", "gc_pause_us"},
		{"view_names", "hit_ns", "answer_ns", "miss_ns", "idn_ns", "find_hit_ns", "find_idn_ns"},
		{"view_names", "file_bytes", "write_s", "load_warm_s", "load_cold_s", "load_cold_read_bytes", "verify_cold_mib_per_s"},
		{"view_names", "apply_1_per_s", "apply_100_per_s", "apply_100_p50_us", "apply_100_max_us", "fold_names_per_s", "apply_fold_per_s", "pause_idle_p999_us", "pause_apply_p999_us"},
		{"view_names", "look_quiet_p999_us", "look_fold_p999_us", "look_fold_ratio", "look_fold_changes_per_s", "look_fold_bases"},
	}
	measured := tables[:]
	if !c.changes {
		measured = tables[:3]
	}
	for _, keys := range measured {
		c.figures.row(out, r, keys...)
		fmt.Fprintln(out)
	}
}

// panels are the diagrams of a chart: the figures, by what they have in common.
func (c *caching) panels() []report.Panel {
	var list []report.Panel
	for _, p := range [...]struct{ title, unit string }{
		{"Memory of a name", "B a name"},
		{"One look-up", "ns"},
		{"Deltas applied", "changes/s"},
		{"Held up: one delta, one reader, one collection", "\u00b5s"},
	} {
		panel := report.Panel{Title: p.title + ", " + p.unit, X: report.Axis{Round: true}}
		for _, f := range c.figures {
			if strings.HasPrefix(f.unit, p.unit) {
				panel.Bars = append(panel.Bars, report.Bar{Name: f.key, Value: f.value, Low: f.value, High: f.value})
			}
		}
		list = append(list, panel)
	}
	return list
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
