package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"rddsd/bench/load"
	"rddsd/bench/target"
)

const (
	defaultFor    = 10 * time.Second
	defaultWarmup = 2 * time.Second
	maxRounds     = 100
)

// comparing measures several servers in turn.
type comparing struct {
	subject
	loading
	rounds int
	again  func() bool // whether the rounds so far leave a doubt, so that as many follow; nil = they do not

	contest contest
}

func newCompare() *cobra.Command {
	var (
		c   comparing
		out output
	)
	cmd := &cobra.Command{
		Use:   "compare TARGET...",
		Short: "Measure several servers in turn, and compare them",
		Long: "Measure several servers in turn, A B A B, and compare what a query costs them. Every other server is compared with\n" +
			"the first of its service. The targets are\n\n" +
			"  null, null-raw                       WHOIS references that send constant bytes: a goroutine for each connection;\n" +
			"                                       the fastest accept path that we know\n" +
			"  c-epoll                              the same in C, made by gcc; what this machine lacks is left out\n" +
			"  fasthttp, fasthttp-tls               RDAP references that send a constant body with our header\n" +
			"  nginx-static, nginx-return, ...-tls  nginx that sends the same, from a file or from its configuration\n" +
			"  rddsd-whois, rddsd-rdap, rddsd-rdap-tls\n" +
			"  NAME=ADDRESS,PID                     any other server, as 127.0.0.1:43, http://127.0.0.1:80/rdap/ or https://...",
		Args:              cobra.MinimumNArgs(1),
		ValidArgsFunction: cobra.FixedCompletions(target.Names(), cobra.ShellCompDirectiveNoFileComp),
		RunE: func(cmd *cobra.Command, args []string) error {
			return out.run(cmd, benchmark{
				name: "compare", print: c.contest.print, rows: c.contest.rows,
				measure: func(ctx context.Context, r *run) error { return c.measure(ctx, r, args) },
			})
		},
	}
	f := cmd.Flags()
	f.IntVar(&c.rounds, "rounds", 5, "rounds; each measures every server once, for --for")
	c.subject.addFlags(f, 10_000)
	c.addNamesFlag(f)
	c.loading.addFlags(f, "hits", 5*time.Second, time.Second)
	c.addRDAPFlags(f)
	out.addFlags(f)
	return cmd
}

// measure starts the servers called so and measures them.
func (c *comparing) measure(ctx context.Context, r *run, targets []string) (err error) {
	if c.rounds < 1 || c.rounds > maxRounds {
		return fmt.Errorf("%d rounds: must be 1 to %d", c.rounds, maxRounds)
	}
	names, err := c.loadNames()
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	starter := &target.Starter{Program: self}
	defer func() { err = errors.Join(err, starter.Stop()) }()
	if slices.ContainsFunc(targets, func(name string) bool { return strings.HasPrefix(name, "rddsd-") }) {
		r.tell("making a registry of %d names", c.size)
		if err := c.prepare(ctx, starter); err != nil {
			return err
		}
	} else if c.churn > 0 {
		return errors.New("--churn changes the registry of rddsd, which is none of the servers to compare")
	}
	for _, name := range targets {
		r.tell("starting %s", name)
		server, err := starter.Start(ctx, name)
		if errors.Is(err, target.ErrMissing) {
			r.tell("left out: %v", err)
			r.Assumptions = append(r.Assumptions, fmt.Sprintf("left out: %v", err))
			continue
		}
		if err != nil {
			return err
		}
		c.contest.servers = append(c.contest.servers, server)
	}
	if len(c.contest.servers) == 0 {
		return fmt.Errorf("none of %s can be started here: %w", strings.Join(targets, ", "), target.ErrMissing)
	}
	return c.race(ctx, r, starter, names)
}

// race measures the servers that were started.
func (c *comparing) race(ctx context.Context, r *run, starter *target.Starter, names *load.Names) error {
	for _, server := range c.contest.servers {
		o, err := c.options(server, names, &c.subject)
		if err != nil {
			return err
		}
		c.contest.options = append(c.contest.options, o)
	}
	err := c.contest.run(ctx, c.rounds, r)
	for err == nil && c.again != nil && c.again() {
		err = c.contest.run(ctx, c.rounds, r)
	}
	settled := c.settle(starter, names, c.contest.servers, c.contest.sums)
	c.contest.report(r)
	r.Assumptions = append(r.Assumptions, c.remarks()...)
	if ended := starter.Ended(); ended != nil {
		return ended // and what the load generator says follows from it
	}
	return errors.Join(err, settled)
}
