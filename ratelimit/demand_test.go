package ratelimit

import (
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"
)

const hour = uint64(time.Hour)

func TestDemandIsHalfForgottenInTenDays(t *testing.T) {
	for _, test := range []struct {
		after time.Duration
		want  uint64 // of 64 objects
	}{{0, 64}, {5 * day, 48}, {10 * day, 32}, {20 * day, 16}, {month, 8}, {month + time.Hour, 0}} {
		table := demands{make([][8]atomic.Uint64, demandBuckets)}
		start := uint64(700*day) + 17
		table.ask(9<<50, start, 64, true)
		if got := table.ask(9<<50, start+uint64(test.after), 0, false).asked / oneObject; got != test.want {
			t.Errorf("of 64 objects asked for, %d are left after %v, want %d", got, test.after, test.want)
		}
	}
}

func TestDemandKnowsSinceWhenASourceAsks(t *testing.T) {
	table := demands{make([][8]atomic.Uint64, demandBuckets)}
	start := uint64(600 * day) // the hours wrap within the test
	for age := uint64(0); age < uint64(3*360*day); age += uint64(10 * day) {
		if got, want := table.ask(9<<50, start+age, 1, true).age, age/hour; got != min(want, demandHours/2) {
			t.Fatalf("%d hours after its first ask a source is known for %d", want, got)
		}
	}
	if got := table.ask(9<<50, start+uint64(4*360*day), 1, true); got != (demand{oneObject, 0}) {
		t.Errorf("after a year of silence a source stands at %+v, want it new", got)
	}
}

// A flood of newcomers pushes out newcomers.
func TestDemandKeepsTheAcquainted(t *testing.T) {
	table := demands{make([][8]atomic.Uint64, demandBuckets)}
	regular := uint64(1) << 60
	for day := range uint64(5) {
		table.ask(regular, day*24*hour, 3, true)
	}
	for range 100_000 { // all in the bucket of the regular
		table.ask(rand.Uint64()&^(demandBuckets-1), 5*24*hour, 1, true)
	}
	if got := table.ask(regular, 5*24*hour, 0, false); got.age != 5*24 {
		t.Errorf("after a flood the regular stands at %+v, want it known for 120 hours", got)
	}
}

// rush has n scattered sources ask each interval from from to to, whatever they get.
func rush(l *Limiter, n int, interval time.Duration, from, to time.Time) (full int) {
	object := int(from.Unix()) << 20
	for now := from; now.Before(to); now = now.Add(interval / time.Duration(n)) {
		object++
		if l.Decide(ClientAt(addrAt(uint32(object%n+1)*65_537)), fresh(object), now).Verdict == Full {
			full++
		}
	}
	return full
}

// While a hundred sources ask for all that they can get, who asks for little is served.
func TestRushLeavesThoseWhoAskLittleAlone(t *testing.T) {
	l := limiter(10_000)
	now, asked, lost := epoch, 0, 0
	for range 20 {
		rush(l, 100, time.Hour, now, now.Add(24*time.Hour))
		now = now.Add(24 * time.Hour)
		for address := range 8 { // two objects a day each, of a carrier's addresses
			for i := range 2 {
				asked++
				if l.Decide(ClientAt(addrAt(0x64400000+uint32(address))), fresh(-asked), now.Add(time.Duration(i)*time.Minute)).Verdict != Full {
					lost++
				}
			}
		}
	}
	if z := l.Zones(now)[0]; z.Day < calm {
		t.Errorf("the guard stands at %+v: that is no rush", z)
	}
	if lost > asked/100 {
		t.Errorf("of %d objects that quiet sources asked for %d were degraded, want 1 %% at most", asked, lost)
	}
}

// Who asked before the rush began comes before newcomers who ask as much.
func TestTheAcquaintedComeFirst(t *testing.T) {
	l := limiter(10_000)
	old, late := at("198.51.100.1"), at("203.0.113.1")
	served := func(client Client, now time.Time) bool {
		return l.Decide(client, fresh(rand.Int()), now).Verdict == Full
	}
	now := epoch
	for range 4 {
		served(old, now)
		now = now.Add(6 * time.Hour)
	}
	const sources = 600
	rush(l, sources, time.Hour, now, now.Add(8*time.Hour))
	now = now.Add(8 * time.Hour)
	ofOld, ofLate := 0, 0
	for range 40 {
		next := now.Add(6 * time.Hour)
		rush(l, sources, 12*time.Hour, now, next)
		if now = next; served(old, now) {
			ofOld++
		}
		if served(late, now) {
			ofLate++
		}
	}
	if ofOld < 38 || ofLate > 34 {
		t.Errorf("of 40 objects the acquainted source was shown %d, want all, and the newcomer %d, want fewer than 35", ofOld, ofLate)
	}
}

func TestDemandIsKeptOverRestart(t *testing.T) {
	l := limiter(10_000)
	now := epoch.Add(50 * time.Hour)
	rush(l, 50, time.Hour, epoch, now)
	again := restart(t, save(t, l, now), now)
	for i := range uint32(50) {
		var a accounts
		l.accountsOf(addrAt((i+1)*65_537), l.settings.Load(), &a)
		nanos := l.nanos(now)
		if was, is := l.demands.ask(a.site, nanos, 0, false), again.demands.ask(a.site, nanos, 0, false); was != is || is.asked == 0 {
			t.Errorf("source %d stood at %+v, after the restart at %+v", i, was, is)
		}
	}
	if was, is := l.zone("coop").quiet.Load(), again.zone("coop").quiet.Load(); was != is {
		t.Errorf("the rush began at hour %d, after the restart at %d", was, is)
	}
}
