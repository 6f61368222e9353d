package load

import (
	"fmt"
	"time"
)

// Protocol is what the target speaks.
type Protocol uint8

const (
	WHOIS Protocol = iota // RFC 3912: one connection a query
	RDAP                  // RFC 7480 over HTTP/1.1
)

// String returns "whois" or "rdap".
func (p Protocol) String() string {
	if p == RDAP {
		return "rdap"
	}
	return "whois"
}

// Bounds of a run. Whoever asks for more gets an error, not less than asked.
const (
	MaxConnections = 16384
	MaxFor         = time.Hour
	MaxTimeout     = time.Minute   // the end of the histogram
	MaxCount       = 1_000_000_000 // queries
	MaxSources     = 65536         // addresses
	MaxRate        = 1_000_000     // queries a second
)

// Options say what a run does. The zero value of a field is its default.
type Options struct {
	// Target is host:port of the server, an address of loopback.
	Target   string
	Protocol Protocol

	// Names are what queries ask for; needed. Mix says how; its zero value is the
	// mix "hits". Seed makes the queries: the same seed, the same queries in the
	// same order of each thread.
	Names *Names
	Mix   Mix
	Seed  uint64

	// Connections is how many are open at once: all of them always in a closed
	// loop, at most in an open one. Default 64.
	Connections int
	// Rate is how many queries fall due each second, evenly spaced (open loop).
	// Latency then counts from the moment a query fell due, whether or not it could
	// be sent: what waits behind a stall is measured too. 0 is a closed loop: each
	// connection asks again once it has its answer, and latency counts from there.
	Rate float64
	// For is how long the run measures, after Warmup, of which nothing is counted.
	// Default 10 s and 0.
	For, Warmup time.Duration
	// Count ends the run after so many queries, warm-up included. Default MaxCount.
	Count int64
	// Timeout is how long a query may take from its first packet. Default 5 s.
	Timeout time.Duration
	// Sources is how many addresses of 127.0.0.0/8 the clients come from (see
	// Sources in the package's source.go); over IPv6 there is only ::1. Default 1024.
	Sources int
	// Threads is how many share the load. Default 1, which loads a server on
	// two cores to saturation.
	Threads int
	// Goroutines has each connection served by a goroutine over package net, which
	// TLS and other systems than Linux use in any case. The default on Linux is a
	// loop over raw sockets, which costs this process six tenths as much a query.
	Goroutines bool
	// HTTP is for RDAP.
	HTTP HTTP

	// Expect returns what the registry says about a query, if it is known. One
	// answer in CheckEvery is held against it, default 100; without Expect, its form
	// alone is looked at. It is called by several goroutines. See Names.Expect.
	Expect     func(Query) (Expectation, bool)
	CheckEvery int
	// Changes says that the registry changes meanwhile, and Expect tells what it said
	// before. Answers about its names are then not checked but kept: see Result.Kept.
	Changes bool
	// Constant is for reference servers, which send the same bytes whatever they are
	// asked: what is whole and equals the first answer counts as Found. It is read and
	// checked as a real answer is, so that it costs this process as much, and what
	// that finds is dropped.
	Constant bool
	// AllowErrors has a run with more than MaxErrorShare errors not fail.
	AllowErrors bool

	// Progress is called about once a second, by one goroutine.
	Progress func(Progress)
}

// HTTP says how RDAP is asked. Shares of HEAD and conditional requests are part
// of the Mix.
type HTTP struct {
	TLS bool // TLS 1.2 or 1.3; the certificate is not verified
	// FullHandshakes forgets sessions, so that no handshake is resumed.
	FullHandshakes bool
	// PerQuery opens a connection for each query, and asks the server to close it.
	// Otherwise connections are kept until the server closes them.
	PerQuery bool
	Gzip     bool   // accept compressed bodies
	Base     string // path below which RDAP is; default "/"
	Host     string // Host header and server name; default Target
}

// Progress is where a run stands.
type Progress struct {
	Elapsed, Left time.Duration // of the whole run, warm-up included
	Warming       bool          // nothing is counted yet
	Requests      int64         // ended so far
	Errors        int64         // among them
	Rate          float64       // ended in the last second
	P50, P99      time.Duration // of the last second
}

// Query is one question.
type Query struct {
	Kind Kind
	// Name is what is asked for: a domain or host name as A-label, or the name or
	// handle of a registrar. Empty for Help and Junk.
	Name string
}

// Expectation is what the registry says about a query. A field that has its zero
// value is not compared, except Class; of a domain without name servers,
// Nameservers is empty but not nil.
type Expectation struct {
	Class       Outcome // Found, NotFound or Reserved
	Handle      string  // ROID of the object
	Registrar   string  // name of the sponsor
	Created     time.Time
	Expires     time.Time
	Nameservers []string // names, in any order
	Signed      Trilean  // has DS records
	// Organisation is the registrant's, which it discloses. An answer that lacks
	// nothing but this is a degraded one.
	Organisation string
	// Registrant is the ROID of that contact. It is not compared: answers show it
	// only if it is disclosed.
	Registrant string
}

// Trilean is yes, no, or not known.
type Trilean int8

const (
	No  Trilean = -1
	Yes Trilean = 1
)

// withDefaults returns o with its defaults filled in, or why it cannot be run.
func (o Options) withDefaults() (Options, error) {
	if o.Connections == 0 {
		o.Connections = 64
	}
	if o.For == 0 {
		o.For = 10 * time.Second
	}
	if o.Count == 0 {
		o.Count = MaxCount
	}
	if o.Timeout == 0 {
		o.Timeout = 5 * time.Second
	}
	if o.Sources == 0 {
		o.Sources = 1024
	}
	if o.Threads == 0 {
		o.Threads = 1
	}
	if o.CheckEvery == 0 {
		o.CheckEvery = 100
	}
	if o.HTTP.Base == "" {
		o.HTTP.Base = "/"
	}
	if o.HTTP.Host == "" {
		o.HTTP.Host = o.Target
	}
	if o.Mix == (Mix{}) {
		mix, err := NewMix("hits", o.Protocol)
		if err != nil {
			return o, err
		}
		o.Mix = mix
	}
	return o, o.check()
}

// check returns what is wrong with o.
func (o *Options) check() error {
	bounds := []struct {
		what       string
		value      float64
		least, max float64
	}{
		{"connections", float64(o.Connections), 1, MaxConnections},
		{"rate, a second,", o.Rate, 0, MaxRate},
		{"time to measure, in seconds,", o.For.Seconds(), 0.1, MaxFor.Seconds()},
		{"warm-up, in seconds,", o.Warmup.Seconds(), 0, MaxFor.Seconds()},
		{"count of queries", float64(o.Count), 1, MaxCount},
		{"time-out, in seconds,", o.Timeout.Seconds(), 0.001, MaxTimeout.Seconds()},
		{"source addresses", float64(o.Sources), 1, MaxSources},
		{"threads", float64(o.Threads), 1, float64(min(o.Connections, 64))},
		{"answers for one check", float64(o.CheckEvery), 1, MaxCount},
	}
	for _, b := range bounds {
		if !(b.value >= b.least && b.value <= b.max) {
			return fmt.Errorf("%s must be %g to %g, not %g", b.what, b.least, b.max, b.value)
		}
	}
	switch {
	case o.Names == nil:
		return fmt.Errorf("no names to ask for: give a registry, or a file of names")
	case o.Protocol == WHOIS && o.HTTP.TLS:
		return fmt.Errorf("WHOIS has no TLS")
	case o.HTTP.Base[0] != '/' || o.HTTP.Base[len(o.HTTP.Base)-1] != '/':
		return fmt.Errorf("base path %q must begin and end with a slash", o.HTTP.Base)
	}
	return o.Mix.check(o.Protocol, o.Names)
}
