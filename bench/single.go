package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"rddsd/bench/load"
	"rddsd/bench/report"
	"rddsd/bench/target"
)

// single measures one server: the commands whois and rdap.
type single struct {
	subject
	loading
	service target.Service
	address string
	base    string
	pid     int
	tls     bool
}

func newWHOIS() *cobra.Command {
	s := &single{service: target.WHOIS}
	cmd := s.command("whois", "Measure a WHOIS server")
	cmd.Long = "Measure a WHOIS server, one connection for each query. Without --target it builds and starts rddsd on a generated\n" +
		"registry. Answers are held against what the registry says: a server at --target must serve the registry that\n" +
		"`rddsd registry gen` makes of --size and --seed (the demonstration's, by default), or be asked for --names."
	return cmd
}

func newRDAP() *cobra.Command {
	s := &single{service: target.HTTP}
	cmd := s.command("rdap", "Measure an RDAP server")
	cmd.Long = "Measure an RDAP server, over HTTP/1.1 with or without TLS. Without --target it builds and starts rddsd on a generated\n" +
		"registry. Answers are held against what the registry says: a server at --target must serve the registry that\n" +
		"`rddsd registry gen` makes of --size and --seed (the demonstration's, by default), or be asked for --names."
	s.addRDAPFlags(cmd.Flags())
	cmd.Flags().BoolVar(&s.tls, "tls", false, "ask over TLS")
	cmd.Flags().StringVar(&s.base, "base", "/", "path below which RDAP is, of the server at --target")
	return cmd
}

func (s *single) command(name, short string) *cobra.Command {
	var out output
	cmd := &cobra.Command{
		Use:   name,
		Short: short,
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return out.run(cmd, benchmark{name: name, measure: s.measure, print: func(out io.Writer, r *run) error { return r.Print(out) }, rows: rows})
		},
	}
	f := cmd.Flags()
	f.StringVar(&s.address, "target", "", "address of a server that runs already, host:port on loopback (default rddsd is started)")
	f.IntVar(&s.pid, "pid", 0, "with --target: its process, to tell what it costs")
	s.subject.addFlags(f, 10_000)
	s.addNamesFlag(f)
	s.loading.addFlags(f, "ordinary", defaultFor, defaultWarmup)
	out.addFlags(f)
	return cmd
}

func (s *single) measure(ctx context.Context, r *run) (err error) {
	names, err := s.loadNames()
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	starter := &target.Starter{Program: self}
	defer func() { err = errors.Join(err, starter.Stop()) }()
	server, err := s.server(ctx, r, starter)
	if err != nil {
		return err
	}
	o, err := s.options(server, names, &s.subject)
	if err != nil {
		return err
	}
	r.tell("asking %s at %s", server.Name, server.Address)
	o.Progress = func(p load.Progress) { r.Load(server.Name, p) }
	m, err := measure(ctx, server, o)
	if m == nil {
		return err
	}
	err = errors.Join(err, s.settle(starter, names, []*target.Server{server}, []*load.Result{m.Result}))
	r.company.add(m.company)
	t := report.TargetOf(server.Name, o, m.Result)
	t.Figures = m.figures()
	r.Targets = append(r.Targets, t)
	r.Assumptions = slices.Concat(m.Assumptions, m.Remarks, s.remarks())
	return errors.Join(err, starter.Ended())
}

// server returns the server to measure.
func (s *single) server(ctx context.Context, r *run, starter *target.Starter) (*target.Server, error) {
	if s.tls {
		s.service = target.HTTPS
	}
	if s.address == "" {
		r.tell("starting rddsd on a registry of %d names", s.size)
		if err := s.prepare(ctx, starter); err != nil {
			return nil, err
		}
		return starter.Start(ctx, map[target.Service]string{target.WHOIS: "rddsd-whois", target.HTTP: "rddsd-rdap", target.HTTPS: "rddsd-rdap-tls"}[s.service])
	}
	if s.churn > 0 {
		return nil, errors.New("--churn changes the registry of an rddsd that is started here, and --target is a server that runs already")
	}
	server := &target.Server{Name: "target", Service: s.service, Address: s.address, Base: s.base}
	if s.pid == 0 {
		return server, nil
	}
	p, err := target.OpenProcess(server.Name, s.pid)
	if err != nil {
		return nil, fmt.Errorf("--pid: %w", err)
	}
	server.Process = p
	return server, nil
}

// rows writes what was measured as rows of RESULTS.md.
func rows(out io.Writer, r *run) {
	fmt.Fprint(out, "| server | queries/s | p50 | p99 | p99.9 | CPU \u00b5s/query | client CPU \u00b5s | RSS | errors |"+whereHead+"\n"+
		"| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"+whereLine+"\n")
	for i := range r.Targets {
		t := &r.Targets[i]
		fmt.Fprintf(out, "| %s | %s | %s | %s | %s | %s | %s | %s | %s |%s\n", t.Name,
			report.Count(int64(t.QPS)), report.Micros(t.P50), report.Micros(t.P99), report.Micros(t.P999),
			report.Measured(t.ServerCPU), report.Measured(t.ClientCPU), report.Bytes(t.RSS), report.Count(t.Errors), r.where())
	}
}
