package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"
)

const (
	// A change that makes a query this much dearer is warned of, or refused.
	gateWarn = 0.10
	gateFail = 0.30

	// gateTries is how often the rounds are measured at most: those that would fail
	// are measured again, and all of them judged together. While others use more than
	// half of the machine, the ratio of one round may be off by 60 %, the median of
	// seven was off by 13 % at the most.
	gateTries = 3
	// gateCompany is what others may use, in cores, in a round that is judged; where
	// less than gateQuiet rounds are so quiet, all are.
	gateCompany = 0.25
	gateQuiet   = 5
)

// standard is a ratio that was reached once: what a query costs us, divided by
// what it costs the reference.
type standard struct {
	Ratio   float64 `json:"ratio"`
	Against string  `json:"against"`
	Date    string  `json:"date"`
	Commit  string  `json:"commit"`
	Machine string  `json:"machine"`
}

// gated are the servers that the gate compares.
var gated = [...]struct{ key, ours, against string }{
	{"whois", "rddsd-whois", "null-raw"},
	{"rdap", "rddsd-rdap", "fasthttp"},
}

// gate holds what a query costs rddsd against the standards of earlier releases.
type gate struct {
	comparing
	file    string
	short   bool
	tighten bool

	standards map[string]standard
	verdicts  []string
}

func newGate() *cobra.Command {
	var (
		g   gate
		out output
	)
	cmd := &cobra.Command{
		Use:   "gate",
		Short: "Fail if a query has become dearer than it once was",
		Long: "Fail if a query has become dearer than it once was: measures WHOIS against null-raw and RDAP against fasthttp, in turn,\n" +
			"and holds both ratios against bench/gate.json. More than 10 % above is told, more than 30 % fails. The file only ever\n" +
			"tightens: --tighten writes a ratio that is better in three rounds of four, and nothing writes one that is worse. Rounds\n" +
			"in which others use the machine are left out, if enough remain, and what would fail is measured again, twice at most.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return out.run(cmd, benchmark{name: "gate", measure: g.run, print: g.print, rows: g.contest.rows})
		},
	}
	f := cmd.Flags()
	f.StringVar(&g.file, "file", "bench/gate.json", "file of the standards")
	f.BoolVar(&g.short, "short", false, "7 rounds of 0.4 s, for the gate of every change")
	f.BoolVar(&g.tighten, "tighten", false, "write ratios that are better than the standard")
	f.IntVar(&g.rounds, "rounds", 7, "rounds")
	g.subject.addFlags(f, 100_000)
	g.loading.addFlags(f, "hits", 4*time.Second, time.Second)
	out.addFlags(f)
	return cmd
}

// shortly makes a run one of half a minute: many short rounds, because the median
// of many bears a disturbance that lasts for some of them.
func (g *gate) shortly() {
	g.rounds, g.size, g.duration, g.warmup = 7, 10_000, 400*time.Millisecond, 200*time.Millisecond
}

func (g *gate) run(ctx context.Context, r *run) error {
	if g.short {
		g.shortly()
	}
	if err := g.read(); err != nil {
		return err
	}
	var targets []string
	for _, pair := range gated {
		targets = append(targets, pair.against, pair.ours)
	}
	tries := 1
	g.again = func() bool {
		if tries++; tries > gateTries || !g.doubtful() {
			return false
		}
		r.tell("dearer than it may be: measuring again, to be sure")
		return true
	}
	if err := g.measure(ctx, r, targets); err != nil {
		return err // a run that was cut short is no verdict
	}
	return g.judge(r)
}

// doubtful reports whether the rounds so far would fail.
func (g *gate) doubtful() bool {
	for i, pair := range gated {
		if known, ok := g.standards[pair.key]; ok {
			if _, fault := weigh(g.ratioOf(i).Median, known.Ratio); fault {
				return true
			}
		}
	}
	return false
}

// ratioOf returns what a query costs our server of a pair, divided by what it
// costs the reference.
func (g *gate) ratioOf(pair int) spread {
	if ratio, rounds := g.contest.quiet(2*pair+1, 2*pair, gateCompany); rounds >= gateQuiet {
		return ratio
	}
	return g.contest.ratio(2*pair+1, 2*pair, false)
}

func (g *gate) print(out io.Writer, r *run) error {
	if err := g.contest.print(out, r); err != nil {
		return err
	}
	fmt.Fprintln(out)
	for _, verdict := range g.verdicts {
		fmt.Fprintln(out, verdict)
	}
	if r.Others != nil && *r.Others > gateCompany {
		fmt.Fprintln(out, "others use this machine: on a quiet one the ratios may be a tenth lower, or higher")
	}
	return nil
}

// read reads the standards.
func (g *gate) read() error {
	data, err := os.ReadFile(g.file)
	if errors.Is(err, os.ErrNotExist) && g.tighten {
		g.standards = map[string]standard{}
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the standards (--file names them; --tighten makes the first): %w", err)
	}
	if err := json.Unmarshal(data, &g.standards); err != nil {
		return fmt.Errorf("read the standards in %s: %w", g.file, err)
	}
	return nil
}

// judge holds the ratios against the standards.
func (g *gate) judge(r *run) error {
	var (
		faults []error
		better bool
	)
	for i, pair := range gated {
		rounds := g.ratioOf(i)
		ratio := rounds.Median
		known, ok := g.standards[pair.key]
		if !ok && !g.tighten {
			faults = append(faults, fmt.Errorf("%s: %s holds no standard: make one with --tighten on a quiet machine", pair.key, g.file))
			continue
		}
		verdict, fault := weigh(ratio, known.Ratio)
		g.verdicts = append(g.verdicts, fmt.Sprintf("%s: a query costs %.3f of what it costs %s; the standard is %.3f: %s", pair.key, ratio, pair.against, known.Ratio, verdict))
		if fault {
			faults = append(faults, fmt.Errorf("%s: a query costs %.3f of what it costs %s, %.0f %% more than the standard of %.3f (%s, %s)",
				pair.key, ratio, pair.against, 100*(ratio/known.Ratio-1), known.Ratio, known.Date, known.Commit))
		}
		// Not by luck: then each run would tighten a little, and one day none would do.
		if g.tighten && (!ok || rounds.upper < known.Ratio) {
			better = true
			g.standards[pair.key] = standard{
				Ratio: round(ratio), Against: pair.against, Date: r.Started.Format(time.DateOnly), Commit: r.Commit, Machine: r.Machine.String(),
			}
		}
	}
	if better {
		faults = append(faults, g.write())
	}
	return errors.Join(faults...)
}

// weigh says what to think of a ratio, and whether it is one to fail.
func weigh(ratio, standard float64) (verdict string, fault bool) {
	switch {
	case standard == 0:
		return "the first", false
	case ratio > standard*(1+gateFail):
		return fmt.Sprintf("FAILED, by %.0f %%", 100*(ratio/standard-1)), true
	case ratio > standard*(1+gateWarn):
		return fmt.Sprintf("WARNING: dearer by %.0f %%", 100*(ratio/standard-1)), false
	case ratio < standard:
		return "better", false
	default:
		return "kept", false
	}
}

// round rounds a ratio up to three digits behind the point, so that a standard is
// never tighter than what was measured.
func round(ratio float64) float64 { return float64(int(ratio*1000)+1) / 1000 }

func (g *gate) write() error {
	data, err := json.MarshalIndent(g.standards, "", "  ")
	if err == nil {
		err = os.WriteFile(g.file, append(data, '\n'), 0o644)
	}
	if err != nil {
		return fmt.Errorf("write the standards: %w", err)
	}
	return nil
}
