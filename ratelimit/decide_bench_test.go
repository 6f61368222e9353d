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
// and degraded are one client far over its limits.
func BenchmarkDecide(b *testing.B) {
	const clients = 1 << 20
	addresses := make([]Client, clients)
	rng := rand.New(rand.NewPCG(1, 1))
	for i := range addresses {
		addresses[i] = ClientAt(addrAt(rng.Uint32()))
	}
	asks := make([]Ask, 1<<16)
	for i := range asks { // ordinary clients: 35 % hits, of which 40 % show contact values
		switch n := rng.IntN(100); {
		case n < 14:
			asks[i] = Ask{Object: rng.Uint64N(1_000_000), Shows: Contact, Count: 1}
		case n < 35:
			asks[i] = Ask{Object: rng.Uint64N(1_000_000), Shows: Object, Count: 1}
		}
	}
	order := func(pick func() int) []uint32 {
		list := make([]uint32, 1<<22)
		for i := range list {
			list[i] = uint32(pick())
		}
		return list
	}
	run := func(order []uint32) func(b *testing.B) {
		return func(b *testing.B) {
			b.ReportAllocs()
			l, now := New(Config{}, epoch), epoch
			l.SetZone("", 1_000_000)
			for i := range clients { // no page of the tables is touched for the first time
				l.Decide(addresses[i], asks[i&(len(asks)-1)], now)
			}
			i := 0
			for b.Loop() {
				now = now.Add(50 * time.Microsecond)
				l.Decide(addresses[order[i&(len(order)-1)]], asks[i&(len(asks)-1)], now)
				i++
			}
		}
	}
	b.Run("skew", run(order(func() int {
		if rng.IntN(100) < 60 {
			return rng.IntN(clients / 100)
		}
		return rng.IntN(clients)
	})))
	b.Run("uniform", run(order(func() int { return rng.IntN(clients) })))

	one := func(addr string, step time.Duration, ask func(i int) Ask) func(b *testing.B) {
		return func(b *testing.B) {
			b.ReportAllocs()
			l, now := New(Config{}, epoch), epoch
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
