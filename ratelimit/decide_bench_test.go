package ratelimit

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"
)

// epoch is when the simulated clocks of these tests begin.
var epoch = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func at(addr string) Client { return ClientAt(netip.MustParseAddr(addr)) }

func addrAt(i uint32) netip.Addr {
	var octets [4]byte
	binary.BigEndian.PutUint32(octets[:], i)
	return netip.AddrFrom4(octets)
}

// BenchmarkDecide: skew is testdata.md's, 1 % of a million clients send 60 % of the
// queries; uniform asks from a million scattered addresses in random order; refused
// and degraded are one client far over its limits. Addresses and their order are
// computed, so that what is measured does not share its cache misses with them.
func BenchmarkDecide(b *testing.B) {
	const clients = 1 << 20
	rng := rand.New(rand.NewPCG(1, 1))
	asks := make([]Ask, 1<<10)
	for i := range asks { // ordinary clients: 35 % hits, of which 40 % show contact values
		switch n := rng.IntN(100); {
		case n < 14:
			asks[i] = Ask{Object: rng.Uint64N(1_000_000), Shows: Contact, Count: 1}
		case n < 35:
			asks[i] = Ask{Object: rng.Uint64N(1_000_000), Shows: Object, Count: 1}
		}
	}
	client := func(i uint64) Client { return ClientAt(addrAt(uint32(fold(i|1<<40, 0x9e3779b97f4a7c15)))) }
	run := func(pick func(random uint64) uint64) func(b *testing.B) {
		var l *Limiter // one for all runs: it is the memory that takes long to make
		now, i := epoch, 0
		return func(b *testing.B) {
			b.ReportAllocs()
			if l == nil {
				l = New(DefaultConfig(), epoch)
				l.SetZone("", 1_000_000)
				for i := range uint64(clients) { // no page of the tables is touched for the first time
					l.Decide(client(i), asks[i&uint64(len(asks)-1)], now)
				}
			}
			for b.Loop() {
				now = now.Add(50 * time.Microsecond)
				l.Decide(client(pick(fold(uint64(i)|1<<50, 0xd6e8feb86659fd93))), asks[i&(len(asks)-1)], now)
				i++
			}
		}
	}
	b.Run("skew", run(func(random uint64) uint64 {
		if random>>40%100 < 60 {
			return random % (clients / 100)
		}
		return random % clients
	}))
	b.Run("uniform", run(func(random uint64) uint64 { return random % clients }))

	one := func(addr string, step time.Duration, ask func(i int) Ask) func(b *testing.B) {
		return func(b *testing.B) {
			b.ReportAllocs()
			l, now := New(DefaultConfig(), epoch), epoch
			client := at(addr)
			i := 0
			for b.Loop() {
				now = now.Add(step)
				l.Decide(client, ask(i), now)
				i++
			}
		}
	}
	fresh := func(i int) Ask { return Ask{Object: uint64(i), Shows: Contact, Count: 1} }
	b.Run("hot/ipv4", one("192.0.2.1", time.Second, func(int) Ask { return Ask{} }))
	b.Run("hot/ipv6", one("2001:db8::1", time.Second, func(int) Ask { return Ask{} }))
	b.Run("repeat", one("192.0.2.1", time.Second, func(int) Ask { return Ask{Object: 1, Shows: Contact, Count: 1} }))
	b.Run("degraded", one("192.0.2.1", time.Second, fresh))
	b.Run("refused", one("192.0.2.1", time.Microsecond, fresh))
}
