package whois

import (
	"encoding/binary"
	"net/netip"
	"testing"
	"time"

	"rddsd/cache/cachetest"
	"rddsd/ratelimit"
	"rddsd/server/lookup"
)

// BenchmarkVerdict is what each verdict costs, decision and text: a refusal must cost
// less than half of an answer, and a degraded answer no more than one in full.
func BenchmarkVerdict(b *testing.B) {
	const many = 1 << 16
	everybody := func(i int) ratelimit.Client {
		var octets [4]byte
		binary.BigEndian.PutUint32(octets[:], uint32(i%many)*65_537)
		return ratelimit.ClientAt(netip.AddrFrom4(octets))
	}
	one := func(int) ratelimit.Client { return stranger }
	for _, bench := range []struct {
		name   string
		client func(i int) ratelimit.Client
		step   time.Duration // between two queries
		fresh  bool          // each query is for an object that its client has not seen
		want   ratelimit.Verdict
	}{
		{"answered", everybody, 10 * time.Minute, true, ratelimit.Full},
		{"answered again", one, time.Second, false, ratelimit.Full},
		{"degraded", one, time.Second, true, ratelimit.Degrade},
		{"refused", one, time.Microsecond, true, ratelimit.Refuse},
	} {
		b.Run(bench.name, func(b *testing.B) {
			s := newServer(cachetest.WHOIS(), nil)
			now := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
			limiter := ratelimit.New(ratelimit.DefaultConfig(), now)
			limiter.SetZone("coop", 100_000_000)
			query, err := lookup.ParseLine([]byte("published.coop"))
			if err != nil {
				b.Fatal(err)
			}
			var found lookup.Answer
			s.Finder.Find(s.Cache.Current(), &query, now, &found)
			var (
				dst  []byte
				last ratelimit.Verdict
			)
			i := 0
			respond := func() {
				a := found
				if i++; bench.fresh {
					a.Ask.Object = uint64(i)
				}
				now = now.Add(bench.step)
				d := limiter.Decide(bench.client(i), a.Ask, now)
				switch last = d.Verdict; last {
				case ratelimit.Refuse:
					dst = appendRefusal(dst[:0], a.Policy, d)
					return
				case ratelimit.Degrade:
					a.WithoutContacts()
				}
				dst = AppendAnswer(dst[:0], &a)
			}
			for range many { // until the verdict is what it will be
				respond()
			}
			b.ReportAllocs()
			for b.Loop() {
				respond()
			}
			if last != bench.want {
				b.Errorf("the last verdict is %v, want %v", last, bench.want)
			}
		})
	}
}
