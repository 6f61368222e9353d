package main

import (
	"time"

	"github.com/spf13/pflag"

	"rddsd/bench/load"
	"rddsd/bench/target"
)

// loading is how a server is asked: the flags that commands share.
type loading struct {
	connections int
	rate        float64
	duration    time.Duration
	warmup      time.Duration
	timeout     time.Duration
	mix         string
	sources     int
	threads     int
	checkEvery  int
	allowErrors bool

	// Of RDAP alone.
	fullHandshakes, perQuery, gzip bool
	head, conditional              float64
	host                           string

	flags *pflag.FlagSet // those of RDAP, once they are added
}

func (l *loading) addFlags(f *pflag.FlagSet, mix string, duration, warmup time.Duration) {
	f.IntVar(&l.connections, "connections", 64, "connections at once")
	f.Float64Var(&l.rate, "rate", 0, "queries a second, whether or not they are answered in time (open loop); 0 = each connection asks again once it has its answer (closed loop)")
	f.DurationVar(&l.duration, "for", duration, "how long to measure")
	f.DurationVar(&l.warmup, "warmup", warmup, "how long to ask before that, of which nothing is counted")
	f.DurationVar(&l.timeout, "timeout", 5*time.Second, "how long to wait for an answer")
	f.StringVar(&l.mix, "mix", mix, "what is asked: hits, misses, idn, junk, ordinary, dropcatch, harvest or mixed")
	f.IntVar(&l.sources, "sources", 1024, "loopback addresses that clients come from")
	f.IntVar(&l.threads, "threads", 1, "threads of the load generator (over TLS there are as many as processors)")
	f.IntVar(&l.checkEvery, "check-every", 100, "one answer in so many is held against what the registry says")
	f.BoolVar(&l.allowErrors, "allow-errors", false, "do not fail when more than 1 % of the queries end with an error")
}

func (l *loading) addRDAPFlags(f *pflag.FlagSet) {
	l.flags = f
	f.BoolVar(&l.perQuery, "per-query", false, "RDAP: one connection for each query")
	f.BoolVar(&l.fullHandshakes, "full-handshakes", false, "RDAP over TLS: resume no session")
	f.BoolVar(&l.gzip, "gzip", false, "RDAP: accept compressed answers")
	f.Float64Var(&l.head, "head", 0, "RDAP: share of HEAD, 0 to 1 (default that of the mix)")
	f.Float64Var(&l.conditional, "conditional", 0, "RDAP: share that asks for a recent answer again unless it has changed, 0 to 1")
	f.StringVar(&l.host, "host", "", "RDAP: Host header and server name (default the address)")
}

// options returns what a run against s does.
func (l *loading) options(s *target.Server, names *load.Names, about *subject) (load.Options, error) {
	o := load.Options{
		Target: s.Address, Names: names, Seed: about.seed,
		Connections: l.connections, Rate: l.rate, For: l.duration, Warmup: l.warmup, Timeout: l.timeout,
		Sources: l.sources, Threads: l.threads, CheckEvery: l.checkEvery, AllowErrors: l.allowErrors,
	}
	o.Expect, o.Changes = about.expect(names)
	o.Constant = s.Constant
	if s.Service != target.WHOIS {
		o.Protocol = load.RDAP
		o.HTTP = load.HTTP{
			TLS: s.Service == target.HTTPS, FullHandshakes: l.fullHandshakes, PerQuery: l.perQuery, Gzip: l.gzip,
			Base: s.Base, Host: l.host,
		}
	}
	mix, err := load.NewMix(l.mix, o.Protocol)
	if err != nil {
		return o, err
	}
	if o.Protocol == load.RDAP {
		if l.flags != nil && l.flags.Changed("head") {
			mix.Head = l.head
		}
		mix.Conditional = l.conditional
	}
	o.Mix = mix
	return o, nil
}
