package main

import (
	"context"
	"fmt"
	"time"

	"rddsd/bench/load"
	"rddsd/bench/report"
	"rddsd/bench/target"
)

// measured is one run against a server, and what it cost there.
type measured struct {
	*load.Result
	server  target.Usage // used meanwhile; its RSS is that at the end
	company company
}

// warmSeed makes the queries of a warm-up others than those that are measured, which
// the server would else have answered just before.
const warmSeed = 0x77617266_6d757000

// measure does one run against s. Like load.Run it may return figures and an
// error that tells why the run failed all the same.
func measure(ctx context.Context, s *target.Server, o load.Options) (*measured, error) {
	if o.Warmup > 0 {
		// A run of its own, so that what the server uses can be read right where
		// measuring begins.
		warm := o
		warm.For, warm.Warmup, warm.AllowErrors = o.Warmup, 0, true
		warm.Seed ^= warmSeed
		if o.Progress != nil {
			warm.Progress = func(p load.Progress) {
				p.Warming = true
				o.Progress(p)
			}
		}
		if _, err := load.Run(ctx, warm); err != nil {
			return nil, fmt.Errorf("%s: warm up: %w", s.Name, err)
		}
		o.Warmup = 0
	}
	others := watchCompany(s.Process)
	before, err := s.Process.Usage()
	if err != nil {
		return nil, err
	}
	result, err := load.Run(ctx, o)
	if result == nil {
		return nil, fmt.Errorf("%s: %w", s.Name, err)
	}
	m := &measured{Result: result}
	after, failed := s.Process.Usage()
	if err == nil {
		err = failed
	}
	m.company = others()
	m.server = target.Usage{CPU: after.CPU - before.CPU, RSS: after.RSS}
	if err != nil {
		return m, fmt.Errorf("%s: %w", s.Name, err)
	}
	return m, nil
}

// figures returns what is told of one round.
func (m *measured) figures() report.Figures {
	f := report.FiguresOf(m.Result)
	if sent := m.Requests - m.Outcomes[load.Unsent]; sent > 0 {
		f.ServerCPU = micros(m.server.CPU) / float64(sent)
	}
	f.RSS = m.server.RSS
	if cores := m.company.cores(); cores != nil {
		f.Others = *cores
	}
	return f
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
