package main

import (
	"context"
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"runtime"
	"time"

	"rddsd/ratelimit"
)

// measureDecisions adds what one decision costs, in processor time of this process:
// with the skew of testdata.md (1 % of a million clients send 60 % of the queries), uniform
// over a million, and of a client that is refused or degraded.
func measureDecisions(ctx context.Context, f *figures, seed uint64) error {
	const clients, queries = 1 << 20, 1 << 22
	rng := rand.New(rand.NewPCG(seed, 7))
	// Addresses and their order are computed, not looked up: what is measured must not
	// share its cache misses with them.
	client := func(i uint32) ratelimit.Client {
		var octets [4]byte
		binary.BigEndian.PutUint32(octets[:], uint32(mix(uint64(i)+seed)))
		return ratelimit.ClientAt(netip.AddrFrom4(octets))
	}
	asks := make([]ratelimit.Ask, 1<<10)
	for i := range asks {
		asks[i] = ask(miss)
		if n := rng.Float64(); n < hitShare {
			asks[i] = ask(rng.Uint32N(1_000_000) | plain)
			if n < hitShare*contactShare {
				asks[i] = ask(rng.Uint32N(1_000_000))
			}
		}
	}
	began := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	for _, m := range []struct {
		key, label string
		client     func() uint32
		ask        func(i int) ratelimit.Ask
		step       time.Duration
	}{
		{"decide_skew_ns", "a decision, 1 % of a million clients send 60 %", func() uint32 {
			if rng.IntN(100) < 60 {
				return rng.Uint32N(clients / 100)
			}
			return rng.Uint32N(clients)
		}, nil, 50 * time.Microsecond},
		{"decide_uniform_ns", "a decision, uniform over a million clients", func() uint32 { return rng.Uint32N(clients) }, nil, 50 * time.Microsecond},
		{"decide_hot_ns", "a decision, one client", func() uint32 { return 1 }, nil, time.Second},
		{"decide_degraded_ns", "a decision that degrades, one client", func() uint32 { return 1 }, func(i int) ratelimit.Ask { return ask(uint32(i)) }, time.Second},
		{"decide_refused_ns", "a decision that refuses, one client", func() uint32 { return 1 }, func(i int) ratelimit.Ask { return ask(uint32(i)) }, time.Microsecond},
	} {
		if err := ctx.Err(); err != nil {
			return err
		}
		limiter := ratelimit.New(ratelimit.DefaultConfig(), began)
		limiter.SetZone("coop", 1_000_000)
		now := began
		one := func(i int) {
			a := asks[i&(len(asks)-1)]
			if m.ask != nil {
				a = m.ask(i)
			}
			now = now.Add(m.step)
			limiter.Decide(client(m.client()), a, now)
		}
		for i := range queries / 4 { // no page of the tables is touched for the first time
			one(i)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		begun, err := processorTime()
		if err != nil {
			return err
		}
		for i := range queries {
			one(i)
		}
		ended, err := processorTime()
		if err != nil {
			return err
		}
		runtime.ReadMemStats(&after)
		f.add(m.key, m.label, float64(ended-begun)/queries, "ns")
		if m.key == "decide_uniform_ns" {
			f.add("decide_allocations", "allocations of a decision", float64((after.Mallocs-before.Mallocs)/queries), "")
			f.add("limiter_bytes", "memory of the limiter, whatever is sent at it", float64(limiter.Memory()), "B")
		}
	}
	return nil
}
