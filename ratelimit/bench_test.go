package ratelimit

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"
)

func addrAt(i uint32) netip.Addr {
	var octets [4]byte
	binary.BigEndian.PutUint32(octets[:], i)
	return netip.AddrFrom4(octets)
}

// BenchmarkDecide: hot is one client within its rate, refused one far over it, cold a
// million clients in random order, which find neither their bucket in the cache nor,
// mostly, their account in the table.
func BenchmarkDecide(b *testing.B) {
	hot := func(client Client, step time.Duration) func(b *testing.B) {
		return func(b *testing.B) {
			b.ReportAllocs()
			l, now := New(Config{}, epoch), epoch
			for b.Loop() {
				now = now.Add(step)
				l.Decide(client, Ask{}, now)
			}
		}
	}
	b.Run("hot/ipv4", hot(at("192.0.2.1"), time.Second))
	b.Run("hot/ipv6", hot(at("2001:db8::1"), time.Second))
	b.Run("refused", hot(at("192.0.2.1"), time.Microsecond))

	b.Run("cold", func(b *testing.B) {
		b.ReportAllocs()
		clients := make([]Client, 1<<20)
		for i, j := range rand.Perm(len(clients)) {
			clients[i] = ClientAt(addrAt(uint32(j)))
		}
		l, now := New(Config{}, epoch), epoch
		i := 0
		for b.Loop() {
			now = now.Add(10 * time.Microsecond)
			l.Decide(clients[i&(len(clients)-1)], Ask{}, now)
			i++
		}
	})

	b.Run("parallel/refused", func(b *testing.B) {
		b.ReportAllocs()
		l := New(Config{}, epoch)
		client := at("192.0.2.1")
		admitted(l, client, epoch, 60)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				l.Decide(client, Ask{}, epoch)
			}
		})
	})
}
