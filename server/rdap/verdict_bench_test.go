package rdap

import (
	"encoding/binary"
	"net/netip"
	"testing"
	"time"

	"rddsd/ratelimit"
)

// BenchmarkVerdict is what each verdict costs, decision and body: a refusal must cost
// less than half of an answer, and a degraded answer no more than one in full.
func BenchmarkVerdict(b *testing.B) {
	const many = 1 << 16
	everybody := func(i int) ratelimit.Client {
		var octets [4]byte
		binary.BigEndian.PutUint32(octets[:], uint32(i%many)*65_537)
		return ratelimit.ClientAt(netip.AddrFrom4(octets))
	}
	one := func(int) ratelimit.Client { return ratelimit.ClientAt(netip.MustParseAddr("192.0.2.77")) }
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
			k := fixture()
			now := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
			limiter := ratelimit.New(ratelimit.DefaultConfig(), now)
			limiter.SetZone("coop", 100_000_000)
			found := *k.find(b, "domain/published.coop")
			var last ratelimit.Verdict
			i := 0
			respond := func() {
				a := found
				if i++; bench.fresh {
					a.Ask.Object = uint64(i)
				}
				now = now.Add(bench.step)
				d := limiter.Decide(bench.client(i), a.Ask, now)
				last = d.Verdict
				settle(&a, d)
				k.url = AppendURL(k.url[:0], a.Policy.BaseURL, []byte("domain/published.coop"))
				if shows(a.Class) {
					k.body, _, _ = k.prebuilt.appendBody(k.body[:0], &a, k.url)
					return
				}
				k.body, _ = appendRefusal(k.body[:0], &a, k.url)
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
