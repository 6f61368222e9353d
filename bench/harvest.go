package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"rddsd/bench/report"
)

// harvestBench is the benchmark of the limits: 30 days of people and of harvesters,
// by a simulated clock.
type harvestBench struct {
	zones  []int
	only   string
	scale  int
	seed   uint64
	rounds []harvested
	speed  figures
}

// harvested is what one simulation found.
type harvested struct {
	Zone       int                `json:"zone"`
	Harvester  string             `json:"harvester"`
	Sources    int                `json:"sources"`
	Shown      int64              `json:"shown"` // names with contact values in 30 days
	WorstDay   int64              `json:"worst_day"`
	BoundDay   float64            `json:"bound_day"`
	BoundMonth float64            `json:"bound_month"`
	ByDay      []int64            `json:"by_day"`
	Groups     map[string]legit   `json:"groups"`
	Guard      map[string]float64 `json:"guard"` // at the end
	Seconds    float64            `json:"seconds"`
	Decisions  int64              `json:"decisions"`
}

// legit is what became of a group of clients.
type legit struct {
	Queries     int64   `json:"queries"`
	Degraded    int64   `json:"degraded"`
	Refused     int64   `json:"refused"`
	Days        int64   `json:"client_days"`
	LimitedDays int64   `json:"limited_client_days"`
	Share       float64 `json:"limited_share"`
}

func newHarvest() *cobra.Command {
	var (
		h   harvestBench
		out output
	)
	cmd := &cobra.Command{
		Use:   "harvest",
		Short: "Simulate what harvesters get past the limits, and what people notice of them",
		Long: "Simulate 30 days of people, monitors and registrars beside harvesters of many kinds: the limiter as shipped decides, under a\n" +
			"simulated clock. Tells what each harvester copied, and who else met a limit. Everything runs in this process.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return out.run(cmd, benchmark{name: "harvest", measure: h.measure, print: h.print, panels: h.panels, rows: h.rows})
		},
	}
	f := cmd.Flags()
	f.IntSliceVar(&h.zones, "zones", []int{10_000, 1_000_000}, "names with contact values in the zone")
	f.StringVar(&h.only, "only", "", "simulate the harvesters alone whose name holds this")
	f.IntVar(&h.scale, "scale", 0, "simulate one person in so many; 0 = all in zones up to 100,000, one in four above")
	f.Uint64Var(&h.seed, "seed", 1, "seed of all that is random")
	out.addFlags(f)
	return cmd
}

func (h *harvestBench) measure(ctx context.Context, r *run) error {
	defer func() {
		r.More["simulations"] = h.rounds
		for key, value := range h.speed.more() {
			r.More[key] = value
		}
	}()
	r.Assumptions = assumptions()
	for _, zone := range h.zones {
		if zone < 1000 {
			return fmt.Errorf("a zone of %d names is too small to simulate: 1000 at least", zone)
		}
		for _, who := range harvesters() {
			if !strings.Contains(who.name, h.only) {
				continue
			}
			scale := h.scale
			if scale == 0 {
				scale = 1
				if zone > 100_000 {
					scale = 4
				}
			}
			s, err := newSimulation(zone, scale, who, h.seed)
			if err != nil {
				return err
			}
			r.tell("30 days: %s", s.describe())
			begun := time.Now()
			if err := s.run(ctx); err != nil {
				return err
			}
			h.rounds = append(h.rounds, s.result(time.Since(begun)))
		}
	}
	if h.only == "" {
		r.tell("timing a decision")
		return measureDecisions(ctx, &h.speed, h.seed)
	}
	return nil
}

// result sums a simulation up.
func (s *simulation) result(took time.Duration) harvested {
	n, zone := float64(s.harvester.sources), float64(s.zone)
	r := harvested{
		Zone: s.zone, Harvester: s.harvester.name, Sources: s.harvester.sources, Shown: s.shown, WorstDay: slices.Max(s.perDay), ByDay: s.perDay,
		BoundDay: math.Min(300*n, 0.02*zone+3*n), BoundMonth: math.Min(0.30*zone+3*n, zone),
		Groups: map[string]legit{}, Guard: map[string]float64{}, Seconds: took.Seconds(), Decisions: s.asked,
	}
	for g, t := range s.groups {
		if group(g) == harvesting && s.harvester.sources == 0 {
			continue
		}
		l := legit{Queries: t.queries, Degraded: t.degraded, Refused: t.refused, Days: t.days, LimitedDays: t.limitedDays}
		if t.days > 0 {
			l.Share = float64(t.limitedDays) / float64(t.days)
		}
		r.Groups[groupNames[g]] = l
	}
	for _, z := range s.limiter.Zones(s.began.Add(s.length)) {
		if z.TLD == "coop" {
			r.Guard["day"], r.Guard["month"] = z.Day, z.Month
		}
	}
	return r
}

func (h *harvestBench) print(out io.Writer, r *run) error {
	r.printAround(out)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "zone\tharvester\tsources\tworst day\tallowed\t30 days\tallowed\tguard\tpeople limited\tNAT degraded\tNAT refused\tothers limited\ttook\t")
	for i := range h.rounds {
		s := &h.rounds[i]
		nat := s.Groups[groupNames[behindNAT]]
		fmt.Fprintf(w, "%d\t%s\t%d\t%d\t%.0f\t%d\t%.0f\t%.0f %%\t%.2g\t%.2g\t%d\t%s\t%.0f s\t\n", s.Zone, s.Harvester, s.Sources, s.WorstDay, s.BoundDay, s.Shown, s.BoundMonth,
			100*s.Guard["month"], s.Groups[groupNames[people]].Share, nat.degradedShare(), nat.Refused, s.othersLimited(), s.Seconds)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(out)
	return h.speed.print(out)
}

// panels are the diagrams: what each harvester has after each day.
func (h *harvestBench) panels() []report.Panel {
	var list []report.Panel
	for _, zone := range h.zones {
		p := report.Panel{
			Title: fmt.Sprintf("Share of %s names with contact values that a harvester has", report.Count(int64(zone))),
			X:     report.Axis{Title: "days", Whole: true}, Y: report.Axis{Round: true, Format: func(x float64) string { return fmt.Sprintf("%.4g %%", x) }},
		}
		for _, s := range h.rounds {
			if s.Zone != zone || s.Sources == 0 {
				continue
			}
			line := report.Line{Name: s.Harvester}
			sum := int64(0)
			for day, n := range s.ByDay {
				sum += n
				line.Points = append(line.Points, report.Point{X: float64(day + 1), Y: 100 * float64(sum) / float64(zone)})
			}
			p.Lines = append(p.Lines, line)
		}
		list = append(list, p)
	}
	return list
}

// rows writes a row of RESULTS.md for each simulation.
func (h *harvestBench) rows(out io.Writer, r *run) {
	fmt.Fprintf(out, "| zone | harvester | worst day (allowed) | 30 days (allowed) | people limited | carrier NAT degraded | refused | others limited |%s\n| ---: | --- | ---: | ---: | ---: | ---: | ---: | --- |%s\n", whereHead, whereLine)
	for i := range h.rounds {
		s := &h.rounds[i]
		nat := s.Groups[groupNames[behindNAT]]
		fmt.Fprintf(out, "| %s | %s | %d (%.0f) | %d (%.0f) | %.2g | %.2g | %d | %s |%s\n", report.Count(int64(s.Zone)), s.Harvester, s.WorstDay, s.BoundDay, s.Shown, s.BoundMonth,
			s.Groups[groupNames[people]].Share, nat.degradedShare(), nat.Refused, s.othersLimited(), r.where())
	}
}

// degradedShare is the share of queries that lost contact values.
func (l legit) degradedShare() float64 { return float64(l.Degraded) / float64(max(l.Queries, 1)) }

// othersLimited tells which groups that no limit may meet have met one, and how often.
func (s *harvested) othersLimited() string {
	var others []string
	for g := monitoring; g <= probing; g++ {
		if l := s.Groups[groupNames[g]]; l.Degraded+l.Refused > 0 {
			others = append(others, fmt.Sprintf("%s %d", groupNames[g], l.Degraded+l.Refused))
		}
	}
	if others == nil {
		return "none"
	}
	return strings.Join(others, ", ")
}
