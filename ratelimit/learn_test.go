package ratelimit

import (
	"math/rand/v2"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"
)

// fresh returns an ask for an object with contact values that nobody has seen.
func fresh(i int) Ask {
	return Ask{Object: uint64(i)*0x9e3779b97f4a7c15 + 1, Shows: Contact, Count: 1, TLD: "coop"}
}

// shown asks for n objects that nobody has seen, one each 6 seconds, and returns how
// many were shown in full.
func shown(l *Limiter, client Client, now time.Time, n int) int {
	full := 0
	for range n {
		if l.Decide(client, fresh(rand.Int()), now).Verdict == Full {
			full++
		}
		now = now.Add(6 * time.Second)
	}
	return full
}

// limiter returns one with the limits as shipped and a zone of n objects.
func limiter(n int) *Limiter {
	l := New(DefaultConfig(), epoch)
	l.SetZone("coop", n)
	return l
}

func TestBudgetOfADay(t *testing.T) {
	tests := []struct {
		name string
		zone int
		want int // shown within an hour
	}{
		// 120 of a day's 240 at once, and five in the hour that asking takes.
		{"large zone", 1_000_000, 125},
		// 0.6 % of the zone at once.
		{"small zone", 10_000, 59},
		{"tiny zone counts as 10,000", 5, 59},
	}
	for _, test := range tests {
		got := shown(limiter(test.zone), at("192.0.2.1"), epoch, 600)
		if got < test.want-1 || got > test.want+2 {
			t.Errorf("%s: %d objects were shown in an hour, want about %d", test.name, got, test.want)
		}
	}
}

func TestBudgetsDegradeAndNeverRefuse(t *testing.T) {
	l := limiter(1_000_000)
	now := epoch
	var last Decision
	for i := range 2000 {
		now = now.Add(6 * time.Second)
		if last = l.Decide(at("192.0.2.1"), fresh(i), now); last.Verdict == Refuse {
			t.Fatalf("ask %d was refused: %+v", i, last)
		}
	}
	if last.Verdict != Degrade || last.Cause != Day || last.Network != netip.MustParsePrefix("192.0.2.1/32") || last.RetryIn != 0 {
		t.Errorf("the last of 2000 objects = %+v, want it degraded by the day of 192.0.2.1/32", last)
	}
	for _, ask := range []Ask{{}, {Object: 5, Shows: Object, Count: 1}, fresh(0)} {
		if d := l.Decide(at("192.0.2.1"), ask, now); d.Verdict != Full {
			t.Errorf("with the budget spent %+v = %+v, want Full: it teaches no contact value that is new", ask, d)
		}
		now = now.Add(time.Second)
	}
}

// Whoever looks after a portfolio pays for a name once, also when the process is
// killed.
func TestRepeatsCostAlmostNothing(t *testing.T) {
	for _, killed := range []bool{false, true} {
		l, now := limiter(10_000), epoch
		l.boot = []byte("one")
		for day := range 60 {
			for name := range 43 {
				if d := l.Decide(at("192.0.2.1"), fresh(name), now); d.Verdict != Full {
					t.Fatalf("killed: %v; day %d, name %d = %+v, want Full", killed, day, name, d)
				}
				now = now.Add(time.Second)
			}
			now = now.Add(24*time.Hour - 43*time.Second)
			if killed && day < 6 {
				l = restartIn(t, l.boot, save(t, l, now), now)
			}
		}
	}
}

// Whoever watches one name all day is never limited, and not after a reboot either,
// which forgets what he has seen (whois.md L-15).
func TestWatchingANameGoesOnAfterReboots(t *testing.T) {
	l, now := limiter(10_000), epoch
	for boot := range byte(6) {
		for range 5 * 24 * 360 {
			if d := l.Decide(at("192.0.2.1"), fresh(1), now); d.Verdict != Full {
				t.Fatalf("after %v = %+v, want Full", now.Sub(epoch), d)
			}
			now = now.Add(10 * time.Second)
		}
		l = restartIn(t, []byte{boot}, save(t, l, now), now)
	}
}

func TestRepeatsAreForgottenWithTheirWindow(t *testing.T) {
	r := repeats{make([][8]atomic.Uint64, 1)}
	start := uint64(100 * day)
	r.add(7<<20, start)
	for _, test := range []struct {
		after time.Duration
		want  bool
	}{{0, true}, {8 * day, true}, {8*day + time.Minute, false}, {30 * day, false}, {90 * day, false}} {
		if got := r.known(7<<20, start+uint64(test.after), false); got != test.want {
			t.Errorf("known %v after it was shown = %v, want %v", test.after, got, test.want)
		}
	}
}

// An enumeration pushes out what was asked for once, not what is asked for daily.
func TestRepeatsKeepThePortfolio(t *testing.T) {
	r := repeats{make([][8]atomic.Uint64, 1)}
	now := uint64(100 * day)
	for id := range uint64(6) {
		r.add((id+1)<<20, now)
	}
	for id := range uint64(6) {
		r.known((id+1)<<20, now+uint64(day), true)
	}
	now += uint64(day)
	for id := range uint64(10_000) {
		r.add((id+1000)<<20, now)
	}
	for id := range uint64(6) {
		if !r.known((id+1)<<20, now, false) {
			t.Errorf("object %d of the portfolio was forgotten", id)
		}
	}
	if !r.known(10_999<<20, now, false) {
		t.Error("the last object shown was not remembered")
	}
}

func TestDisclosingLaterIsNew(t *testing.T) {
	l := limiter(10_000)
	hidden := fresh(1)
	hidden.Shows = Object
	l.Decide(at("192.0.2.1"), hidden, epoch)
	spent := func() float64 { return l.Explain(at("192.0.2.1"), epoch).Tiers[0].Day }
	before := spent()
	l.Decide(at("192.0.2.1"), fresh(1), epoch)
	if after := spent(); after-before < 0.01 {
		t.Errorf("an object that discloses since it was seen costs %v of a day, want the price of a new one", after-before)
	}
}

func TestPrices(t *testing.T) {
	tests := []struct {
		name string
		ask  Ask
		want float64 // units of a new object without contact values
	}{
		{"a miss", Ask{}, missPrice},
		{"a new object", Ask{Object: 1, Shows: Object, Count: 1}, 1},
		{"a search with 50 hits", Ask{Object: 2, Shows: Object, Count: 50}, 50},
		{"contact values", Ask{Object: 3, Shows: Contact, Count: 1, TLD: "coop"}, contactPrice},
		{"HEAD of contact values", Ask{Object: 4, Shows: Contact, Count: 1, Bodiless: true}, repeatPrice},
	}
	for _, test := range tests {
		l := limiter(1_000_000)
		l.Decide(at("192.0.2.1"), test.ask, epoch)
		got := l.Explain(at("192.0.2.1"), epoch).Tiers[0].Day * DefaultDay / 2 * contactPrice
		if got < test.want || got > test.want*1.3+0.01 {
			t.Errorf("%s costs %v, want %v", test.name, got, test.want)
		}
	}
}

func TestWiderPrefixes(t *testing.T) {
	tests := []struct {
		name    string
		client  func(i int) string
		n, want int
		network string
	}{
		{"a /24", func(i int) string { return netip.AddrFrom4([4]byte{192, 0, 2, byte(i)}).String() }, 256, 960, "192.0.2.0/24"},
		{"a /20", func(i int) string { return netip.AddrFrom4([4]byte{192, 0, byte(i % 16), byte(i / 16)}).String() }, 4096, 1920, "192.0.0.0/20"},
		{"a /56", func(i int) string { return netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 0, 1, 1, byte(i)}).String() }, 256, 240, "2001:db8:1:100::/56"},
		{"a /48", func(i int) string {
			return netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 0, 1, byte(i), byte(i >> 8)}).String()
		}, 65536, 960, "2001:db8:1::/48"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			l := limiter(1_000_000)
			full, now := 0, epoch
			var last Decision
			for i := range 12_000 {
				now = now.Add(100 * time.Millisecond) // 20 minutes in all
				if d := l.Decide(at(test.client(i%test.n)), fresh(i), now); d.Verdict == Full {
					full++
				} else {
					last = d
				}
			}
			if full < test.want-5 || full > test.want*104/100 {
				t.Errorf("%d objects were shown, want about %d", full, test.want)
			}
			if last.Network != netip.MustParsePrefix(test.network) {
				t.Errorf("the last = %+v, want it degraded by %s", last, test.network)
			}
		})
	}
}

// However many sources: the guard, and the free objects of each.
func TestZoneGuard(t *testing.T) {
	const sources = 5000
	l := limiter(10_000)
	full, now := 0, epoch
	for i := range sources * 10 {
		now = now.Add(day / (sources * 10))
		client := ClientAt(addrAt(uint32(i%sources) * 65_537))
		if d := l.Decide(client, fresh(i), now); d.Verdict == Full {
			full++
		}
	}
	if limit := 200 + DefaultFree*sources; full > limit || full < limit*9/10 {
		t.Errorf("%d sources were shown %d objects in a day, want at most %d and hardly less", sources, full, limit)
	}
	if d := l.Decide(ClientAt(addrAt(65_537)), fresh(-1), now); d.Verdict != Degrade || d.Cause != Guard || d.Network.IsValid() {
		t.Errorf("one more = %+v, want it degraded by the guard", d)
	}
}

func TestGuardOfOneTLDLeavesOthersAlone(t *testing.T) {
	l := limiter(10_000)
	l.SetZone("example", 10_000)
	for i := range 10_000 {
		l.Decide(ClientAt(addrAt(uint32(i/10)*65_537)), fresh(i), epoch)
	}
	for _, z := range l.Zones(epoch) {
		if want := z.TLD == "coop"; (z.Day > 0.5) != want || !want && (z.Day != 0 || z.Month != 0) {
			t.Errorf("guard of %s: %+v", z.TLD, z)
		}
	}
}

func TestListedNetworksAreOutsideTheGuard(t *testing.T) {
	l := limiter(10_000)
	l.SetNetworks(mustNetworks(t, "192.0.2.0/24 registrar\n198.51.100.0/24 probe\n203.0.113.0/24 unlimited\n"))
	for _, addr := range []string{"192.0.2.1", "198.51.100.1", "203.0.113.1"} {
		if got := shown(l, l.Client(netip.MustParseAddr(addr)), epoch, 5000); got != 5000 {
			t.Errorf("%s was shown %d of 5000 objects, want all", addr, got)
		}
	}
	if z := l.Zones(epoch)[0]; z.Day != 0 || z.Month != 0 {
		t.Errorf("the guard holds %+v, want nothing", z)
	}
}

func TestFreeObjectsAreGivenOnceInThirtyDays(t *testing.T) {
	f := newFree()
	start := uint64(100 * month)
	give := func(at uint64) int {
		n := 0
		for {
			i, ok := f.next(42, at, 3)
			if !ok || !f.claim(42, at, i) {
				return n
			}
			n++
		}
	}
	if n := give(start + uint64(29*day)); n != 3 {
		t.Fatalf("%d free objects were given, want 3", n)
	}
	for _, later := range []time.Duration{29 * day, 30 * day, 45 * day, 59 * day} {
		if n := give(start + uint64(later)); n != 0 {
			t.Errorf("%v after the first: %d more were given, want none", later-29*day, n)
		}
	}
	if n := give(start + uint64(60*day)); n != 3 {
		t.Errorf("in the generation after next %d were given, want 3", n)
	}
}

func TestCanaries(t *testing.T) {
	l := limiter(1_000_000)
	canary := func(i int) Ask { ask := fresh(i); ask.Canary = true; return ask }
	now := epoch
	for range 10 { // the same two again and again
		l.Decide(at("192.0.2.1"), canary(1), now)
		l.Decide(at("192.0.2.1"), canary(2), now)
		now = now.Add(time.Second)
	}
	if c := l.Counts(); c.Canary != 0 || shown(l, at("192.0.2.1"), now, 5) != 5 {
		t.Fatalf("two canaries: %d recorded, want none, and other objects shown", c.Canary)
	}
	now = now.Add(time.Minute)
	l.Decide(at("192.0.2.1"), canary(3), now)
	if c := l.Counts(); c.Canary != 1 {
		t.Fatalf("three canaries: %d recorded, want 1", c.Canary)
	}
	if got := shown(l, at("192.0.2.1"), now, 20); got != 0 {
		t.Errorf("after three canaries %d objects were shown, want none", got)
	}
	if top := l.Top(1, now); len(top) != 1 || top[0].Canaries != 1 {
		t.Errorf("Top = %+v, want the canaries told", top)
	}
	if got := shown(l, at("192.0.2.9"), now.Add(time.Hour), 20); got != 20 {
		t.Errorf("a neighbour was shown %d of 20 objects, want all; it stands at %+v", got, l.Explain(at("192.0.2.9"), now))
	}
}

func TestTryChangesNothing(t *testing.T) {
	l := limiter(10_000)
	client := at("192.0.2.1")
	for range 1000 {
		if d := l.Try(client, fresh(1), epoch); d != (Decision{}) {
			t.Fatalf("Try = %+v, want Full each time", d)
		}
	}
	if got := admitted(l, client, epoch, 100); got != 60 {
		t.Errorf("after 1000 tries %d were admitted, want 60", got)
	}
	if d := l.Try(client, fresh(1), epoch); d.Verdict != Refuse {
		t.Errorf("Try with the burst spent = %+v, want a refusal", d)
	}
	if c := l.Counts(); c.Refused[Second] != 40 {
		t.Errorf("%d refusals counted, want those of Decide alone, 40", c.Refused[Second])
	}
}
