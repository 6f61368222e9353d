package ratelimit

import (
	"math"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// admitted asks n times at now and returns how often the answer was Full.
func admitted(l *Limiter, client Client, now time.Time, n int) int {
	full := 0
	for range n {
		if l.Decide(client, Ask{}, now).Verdict == Full {
			full++
		}
	}
	return full
}

func TestFreshClientGetsSixtyThenFiveASecond(t *testing.T) {
	for _, after := range []time.Duration{0, time.Nanosecond, 999 * time.Microsecond, time.Hour, 400 * 24 * time.Hour} {
		l := New(Config{}, epoch)
		client, now := at("192.0.2.1"), epoch.Add(after)
		if got := admitted(l, client, now, 70); got != 60 {
			t.Errorf("%v after the epoch, 70 queries at one instant: %d were admitted, want 60", after, got)
		}
		for second := range 20 {
			now = now.Add(time.Second)
			if got := admitted(l, client, now, 8); got != 5 {
				t.Errorf("%v after the epoch, in second %d after the burst: %d were admitted, want 5", after, second+1, got)
			}
		}
		now = now.Add(12 * time.Second)
		if got := admitted(l, client, now, 70); got != 60 {
			t.Errorf("after 12 quiet seconds: %d were admitted, want the whole burst of 60", got)
		}
	}
}

func TestRefusalTellsTheTrueWait(t *testing.T) {
	for _, offset := range []time.Duration{0, 1, 1_999_999, 2_000_000, 123_456_789} {
		l := New(Config{}, epoch)
		client, now := at("192.0.2.1"), epoch.Add(offset)
		admitted(l, client, now, 60)
		refused := l.Decide(client, Ask{}, now)
		if refused.Verdict != Refuse || refused.Network != netip.MustParsePrefix("192.0.2.1/32") {
			t.Fatalf("61st query = %+v, want a refusal of 192.0.2.1/32", refused)
		}
		if refused.RetryIn <= 0 || refused.RetryIn > 200*time.Millisecond {
			t.Errorf("61st query: the wait is %v, want at most 200ms", refused.RetryIn)
		}
		early := now.Add(refused.RetryIn - 1)
		if d := l.Decide(client, Ask{}, early); d.Verdict != Refuse || d.RetryIn != 1 {
			t.Errorf("offset %v, 1 ns before the wait is over: %+v, want a refusal for 1 ns more", offset, d)
		}
		if d := l.Decide(client, Ask{}, now.Add(refused.RetryIn)); d != (Decision{}) {
			t.Errorf("offset %v, when the wait is over: %+v, want Full", offset, d)
		}
	}
}

// L-07: being refused does not lengthen the wait, unless it is more than 10 a second.
func TestRefusalsDoNotLengthenTheWait(t *testing.T) {
	l := New(Config{}, epoch)
	client := at("2001:db8::1")
	admitted(l, client, epoch, 60)
	for i := range 100 { // 10 a second for 10 seconds, of which one is admitted each 200 ms
		now := epoch.Add(time.Duration(i) * 100 * time.Millisecond)
		if d := l.Decide(client, Ask{}, now); d.Verdict == Refuse && d.RetryIn > 200*time.Millisecond {
			t.Fatalf("refusal after %v: the wait is %v, want 200ms at most", now.Sub(epoch), d.RetryIn)
		}
	}
	if c := l.Counts(); c.Hammering != 0 {
		t.Errorf("%d refusals counted as hammering, want none", c.Hammering)
	}
}

func TestHammeringLengthensTheWaitAndExpires(t *testing.T) {
	l := New(Config{}, epoch)
	client := at("192.0.2.1")
	admitted(l, client, epoch, 60)
	if got := admitted(l, client, epoch, 25); got != 0 {
		t.Fatalf("%d of 25 queries beyond the burst were admitted, want none", got)
	}
	d := l.Decide(client, Ask{}, epoch)
	if d.RetryIn < 2*time.Second || d.RetryIn > 10*time.Second {
		t.Errorf("after 25 refusals at once the wait is %v, want some seconds", d.RetryIn)
	}
	admitted(l, client, epoch, 10_000)
	d = l.Decide(client, Ask{}, epoch)
	if d.Verdict != Refuse || d.RetryIn < 4*time.Minute || d.RetryIn > maxPenalty+time.Second {
		t.Errorf("after 10000 refusals at once: %+v, want a wait of 5 minutes", d)
	}
	if got := admitted(l, at("192.0.2.2"), epoch, 60); got != 60 {
		t.Errorf("its neighbour was admitted %d times, want 60", got)
	}
	if got := admitted(l, client, epoch.Add(d.RetryIn), 1); got != 1 {
		t.Errorf("when the wait is over the client is not admitted")
	}
}

func TestWhoSharesAnAccount(t *testing.T) {
	tests := []struct {
		name, spender, other string
		shared               bool
		network              string
	}{
		{"IPv4 addresses are apart", "192.0.2.1", "192.0.2.2", false, "192.0.2.1/32"},
		{"an IPv4-mapped address is that IPv4 address", "::ffff:192.0.2.1", "192.0.2.1", true, "192.0.2.1/32"},
		{"an IPv6 /64 is one client", "2001:db8:1:2::1", "2001:db8:1:2:ffff::9", true, "2001:db8:1:2::/64"},
		{"neighbouring /64s are apart", "2001:db8:1:2::1", "2001:db8:1:3::1", false, "2001:db8:1:2::/64"},
		{"a zone does not make another client", "fe80::1%eth0", "fe80::1%eth1", true, "fe80::/64"},
		{"IPv4 and the IPv6 prefix of the same bytes are apart", "192.0.2.1", "c000:201::", false, "192.0.2.1/32"},
		{"loopback is not exempt", "127.0.0.1", "::1", false, "127.0.0.1/32"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			l := New(Config{}, epoch)
			// Not ClientAt: a listener that forgets to unmap must change nothing.
			spender := Client{Addr: netip.MustParseAddr(test.spender)}
			other := Client{Addr: netip.MustParseAddr(test.other)}
			admitted(l, spender, epoch, 60)
			d := l.Decide(spender, Ask{}, epoch)
			if d.Verdict != Refuse || d.Network != netip.MustParsePrefix(test.network) {
				t.Errorf("Decide(%s) over its limit = %+v, want a refusal of %s", test.spender, d, test.network)
			}
			want := 60
			if test.shared {
				want = 0
			}
			if got := admitted(l, other, epoch, 100); got != want {
				t.Errorf("after %s spent its burst, %s was admitted %d times, want %d", test.spender, test.other, got, want)
			}
		})
	}
}

func TestClientWithoutAddressIsLimited(t *testing.T) {
	l := New(Config{}, epoch)
	if got := admitted(l, Client{}, epoch, 100); got != 60 {
		t.Errorf("a client without an address was admitted %d times, want 60", got)
	}
	if d := l.Decide(Client{}, Ask{}, epoch); d.Network.IsValid() {
		t.Errorf("a client without an address was refused as %v, want no network", d.Network)
	}
	if got := admitted(l, at("::1"), epoch, 100); got != 60 {
		t.Errorf("::1 was admitted %d times beside it, want 60", got)
	}
}

// Load counts queries: what an answer shows does not change its price.
func TestEveryQueryCostsOne(t *testing.T) {
	l := New(Config{}, epoch)
	asks := []Ask{{}, {Object: 7, Shows: Object, Count: 1}, {Object: 7, Shows: Contact, Count: 1}, {Shows: Contact, Count: 100}}
	full := 0
	for i := range 100 {
		if l.Decide(at("192.0.2.1"), asks[i%len(asks)], epoch).Verdict != Refuse {
			full++
		}
	}
	if full != 60 {
		t.Errorf("%d queries of all kinds were admitted, want 60", full)
	}
}

func TestOnlyProbesAreExempt(t *testing.T) {
	for audience, exempt := range map[Audience]bool{Anonymous: false, Listed: false, Account: false, Probe: true} {
		l := New(Config{}, epoch)
		client := at("192.0.2.1")
		client.Audience = audience
		want := 60
		if exempt {
			want = 1000
		}
		if got := admitted(l, client, epoch, 1000); got != want {
			t.Errorf("audience %v was admitted %d times of 1000, want %d", audience, got, want)
		}
		if exempt && admitted(l, at("192.0.2.1"), epoch, 100) != 60 {
			t.Errorf("audience %v was charged", audience)
		}
	}
}

func TestModes(t *testing.T) {
	tests := []struct {
		mode Mode
		full int
		want Counts
	}{
		{Enforce, 60, Counts{Refused: [Causes]uint64{Second: 40}, Hammering: 20}},
		{DryRun, 100, Counts{WouldRefuse: [Causes]uint64{Second: 40}, Hammering: 20}},
		{Off, 100, Counts{}},
	}
	for _, test := range tests {
		l := New(Config{Mode: test.mode}, epoch)
		if got := admitted(l, at("192.0.2.1"), epoch, 100); got != test.full {
			t.Errorf("mode %v: %d of 100 were admitted, want %d", test.mode, got, test.full)
		}
		if got := l.Counts(); got != test.want {
			t.Errorf("mode %v: Counts() = %+v, want %+v", test.mode, got, test.want)
		}
	}
}

func TestSetConfigKeepsTheAccounts(t *testing.T) {
	client := at("192.0.2.1")
	tests := []struct {
		name          string
		before, after Config
		spend         int
		wait          time.Duration
		want          int // admitted after the change and the wait
	}{
		{"a reload gives no fresh burst", Config{}, Config{}, 60, 0, 0},
		{"a larger burst is there at once", Config{}, Config{Burst: 100}, 60, 0, 40},
		{"a smaller burst binds at once", Config{}, Config{Burst: 10}, 20, 0, 0},
		{"and the wait is no longer than the charge", Config{}, Config{Burst: 10}, 20, 4 * time.Second, 10},
		{"a higher rate", Config{}, Config{Rate: 10}, 60, 12 * time.Second, 60},
		{"dry-run charges what enforce then refuses", Config{Mode: DryRun}, Config{}, 60, 0, 0},
		{"off does not charge", Config{Mode: Off}, Config{}, 60, 0, 60},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			l := New(test.before, epoch)
			if got := admitted(l, client, epoch, test.spend); got != test.spend {
				t.Fatalf("before the change %d of %d were admitted, want all", got, test.spend)
			}
			l.SetConfig(test.after)
			if got := admitted(l, client, epoch.Add(test.wait), 200); got != test.want {
				t.Errorf("after the change %d were admitted, want %d", got, test.want)
			}
		})
	}
}

func TestClockSetBack(t *testing.T) {
	client := at("192.0.2.1")
	noon := epoch.Add(24 * time.Hour)
	tests := []struct {
		name string
		back time.Duration
		wait time.Duration // until the next query is admitted, by the clock set back
	}{
		{"the order in which two goroutines read the clock", 2 * time.Millisecond, 202 * time.Millisecond},
		{"a small step lengthens the wait by itself", 3 * time.Second, 3200 * time.Millisecond},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			l := New(Config{}, epoch)
			admitted(l, client, noon, 60)
			now := noon.Add(-test.back)
			d := l.Decide(client, Ask{}, now)
			if d.Verdict != Refuse || d.RetryIn != test.wait {
				t.Errorf("with the burst spent and the clock back %v: %+v, want a refusal for %v", test.back, d, test.wait)
			}
		})
	}
	l := New(Config{}, epoch)
	if got := admitted(l, client, epoch.Add(-25*time.Hour), 100); got != 60 {
		t.Errorf("before the epoch %d were admitted, want 60", got)
	}
}

// A client that comes back after any time is a fresh one: no time of a cell that
// nobody has touched reads as a charge.
func TestOldCellsAreEmpty(t *testing.T) {
	client := at("192.0.2.1")
	for _, away := range []time.Duration{
		16 * time.Minute, time.Hour, time.Duration(fastMask) * loadFast, 10 * time.Hour, time.Duration(slowMask) * loadSlow,
		time.Duration(slowMask)*loadSlow + 5*time.Minute, 2*time.Duration(slowMask)*loadSlow + 20*time.Minute,
		31 * 24 * time.Hour, 47 * 24 * time.Hour, time.Duration(fastMask) * dataFast, 400 * 24 * time.Hour,
	} {
		l := New(Config{}, epoch)
		l.SetZone("", 1_000_000)
		shown(l, client, epoch, 1000)
		admitted(l, client, epoch.Add(6000*time.Second), 100)
		now := epoch.Add(6000 * time.Second).Add(away)
		if got := admitted(l, client, now, 100); got != 60 {
			t.Errorf("after %v: %d of 100 queries were admitted, want 60", away, got)
		}
		if got := shown(l, at("192.0.2.1"), now.Add(time.Minute), 60); away > 30*24*time.Hour && got != 60 {
			t.Errorf("after %v: %d of 60 objects were shown, want all", away, got)
		}
	}
}

func TestRateIsNeverExceededByRounding(t *testing.T) {
	for _, rate := range []float64{MinRate, 0.3, 1, 3, 7, 30, MaxRate} {
		l := New(Config{Rate: rate, Burst: 1, QuarterHour: MaxQuarterHour}, epoch)
		client := at("192.0.2.1")
		const want = 50
		full := 0
		now := epoch
		for full < want {
			now = now.Add(l.Try(client, Ask{}, now).RetryIn) // refused more than 10 times a second, it would have to wait longer
			if d := l.Decide(client, Ask{}, now); d.Verdict != Full {
				t.Fatalf("at %v a second: %+v when the wait is over", rate, d)
			}
			full++
		}
		took := now.Sub(epoch).Seconds()
		if limit := float64(want-1) / rate; took < limit || took > limit*1.1+1e-3 {
			t.Errorf("at %v a second %d look-ups took %v s, want from %v s to a tenth more", rate, want, took, limit)
		}
	}
}

// A rate that is slower than the look-ups of 15 minutes binds for as long as it says.
func TestSlowRate(t *testing.T) {
	l := New(Config{Rate: MinRate, Burst: 3}, epoch)
	client := at("192.0.2.1")
	if got := admitted(l, client, epoch, 5); got != 3 {
		t.Fatalf("%d of 5 were admitted, want 3", got)
	}
	for _, after := range []time.Duration{time.Second, time.Minute, 16 * time.Minute} {
		if got := admitted(l, client, epoch.Add(after), 1); got != 0 {
			t.Errorf("%v later one more was admitted", after)
		}
	}
	if got := admitted(l, client, epoch.Add(1000*time.Second), 2); got != 1 {
		t.Errorf("1000 s later %d were admitted, want 1", got)
	}
}

// Where the second's rate alone limits, the slow horizon follows it, rounded to its
// own ticks: it is never named for a wait that the rate caused.
func TestSlowRateNamesItsHorizon(t *testing.T) {
	for i := range 100 {
		l := New(Config{Rate: 0.01, Burst: 12}, epoch)
		now := epoch.Add(time.Duration(i) * 1_234_567 * time.Nanosecond)
		for range 12 {
			admitted(l, at("192.0.2.1"), now, 1)
			now = now.Add(time.Duration(i) * 100 * time.Microsecond)
		}
		if d := l.Decide(at("192.0.2.1"), Ask{}, now); d.Verdict != Refuse || d.Cause != Second {
			t.Fatalf("13th query, case %d: %+v, want a refusal by the second's rate", i, d)
		}
	}
}

func TestDecideDoesNotAllocate(t *testing.T) {
	for name, client := range map[string]Client{
		"IPv4": at("192.0.2.1"), "IPv6": at("2001:db8::1"), "mapped": {Addr: netip.MustParseAddr("::ffff:192.0.2.9")},
	} {
		l := New(Config{}, epoch)
		now := epoch
		allocs := testing.AllocsPerRun(1000, func() {
			now = now.Add(time.Millisecond) // through the burst and into refusals
			l.Decide(client, Ask{}, now)
		})
		if allocs != 0 {
			t.Errorf("%s: Decide allocates %v times a call, want 0", name, allocs)
		}
		if l.Counts().Refused[Second] == 0 {
			t.Errorf("%s: no refusal was measured", name)
		}
	}
}

func TestConfigCheck(t *testing.T) {
	tests := []struct {
		config Config
		want   string // part of the error; empty: none
	}{
		{Config{}, ""},
		{DefaultConfig(), ""},
		{Config{Mode: Off, Rate: 10, Burst: MaxBurst}, ""},
		{Config{Rate: MinRate, Burst: 1}, ""},
		{Config{Rate: MaxRate, Burst: MinBurst}, ""},
		{Config{Mode: 3}, "mode 3 is unknown"},
		{Config{Rate: -1}, "rate is -1 look-ups a second, it must be from 0.001 to 100"},
		{Config{Rate: 101}, "rate is 101"},
		{Config{Rate: math.NaN()}, "rate is NaN"},
		{Config{Burst: -1}, "burst is -1 look-ups, it must be from 1 to 10000"},
		{Config{Burst: 10_001}, "burst is 10001"},
		{Config{Rate: MinRate, Burst: 4}, "burst / rate must be 3600 s at most"},
		{Config{QuarterHour: 1}, "quarter_hour is 1 look-ups"},
		{Config{Day: 9}, "day is 9 objects"},
		{Config{Month: 20_001}, "month is 20001 objects"},
		{Config{Free: -1}, "free is -1 objects"},
		{Config{Free: 11}, "free is 11 objects"},
		{Config{GuardDay: 1.5}, "guard_day is 1.5 of the zone"},
		{Config{GuardMonth: math.Inf(1)}, "guard_month is +Inf"},
	}
	for _, test := range tests {
		err := test.config.Check()
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%+v.Check() = %v, want %q", test.config, err, test.want)
		}
		got := test.config.effective()
		if got.Check() != nil || got.Rate == 0 || got.Burst == 0 || got.Day == 0 {
			t.Errorf("%+v comes into force as %+v", test.config, got)
		}
	}
}

func TestModeText(t *testing.T) {
	for _, mode := range []Mode{Enforce, DryRun, Off} {
		text, err := mode.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		var again Mode
		if err := again.UnmarshalText(text); err != nil || again != mode {
			t.Errorf("UnmarshalText(%q) = %v, %v, want %v", text, again, err, mode)
		}
	}
	for _, text := range []string{"", "Enforce", "dryrun", "on"} {
		var mode Mode
		err := mode.UnmarshalText([]byte(text))
		if err == nil || !strings.Contains(err.Error(), `write "enforce", "dry-run" or "off"`) {
			t.Errorf("UnmarshalText(%q) = %v, want an error that says what to write", text, err)
		}
	}
}
