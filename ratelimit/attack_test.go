package ratelimit

import (
	"fmt"
	"net/netip"
	"testing"
	"time"
)

// Probes are answered in full whatever else happens, and nobody pays for them.
func TestProbesUnderFullGuardAndLoad(t *testing.T) {
	l := limiter(10_000)
	l.SetNetworks(mustNetworks(t, "198.51.100.0/24 probe\n"))
	probe := l.Client(netip.MustParseAddr("198.51.100.9"))
	now := epoch.Add(time.Hour)
	l.Distrust(now)         // fills it
	for i := range 10_000 { // ten times what a second of one address may be, from everywhere and from beside the probe
		l.Decide(at("198.51.101.9"), fresh(i), now)
		l.Decide(ClientAt(addrAt(uint32(i)*65_537)), fresh(i), now)
	}
	before, counts := l.Zones(now)[0], l.Counts()
	if before.Day < 0.9 || counts.Refused[Second] < 9_000 {
		t.Fatalf("the guard stands at %+v, %d queries were refused: that is no attack", before, counts.Refused[Second])
	}
	for i := range 10_000 {
		if d := l.Decide(probe, fresh(1_000_000+i), now); d != (Decision{}) {
			t.Fatalf("query %d of a probe = %+v, want Full", i, d)
		}
	}
	if after := l.Zones(now)[0]; after != before {
		t.Errorf("probes moved the guard from %+v to %+v", before, after)
	}
	if after := l.Counts(); after != counts {
		t.Errorf("probes changed the counters from %+v to %+v", counts, after)
	}
}

// got returns how many new objects addresses are shown in a day, of one query each two
// seconds, the i-th by client(i).
func got(l *Limiter, client func(i int) Client) (full int) {
	for i := range int(day / (2 * time.Second)) {
		if l.Decide(client(i), fresh(i), epoch.Add(time.Duration(i)*2*time.Second)).Verdict == Full {
			full++
		}
	}
	return full
}

// inside returns the i-th address of 2001:db8:42::/48, each in a /64 of its own until
// there are no more.
func inside(i int) Client {
	return ClientAt(netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 0, 0x42, byte(i), byte(i >> 8), 0, 0, 0, 0, 0, byte(i >> 32), byte(i >> 24), byte(i >> 16)}))
}

func TestRotatingAddressesGainsNothing(t *testing.T) {
	for _, zone := range []int{10_000, 1_000_000} {
		own := 2 * min(DefaultDay/2*widths[tier48].data, float64(zone)*widths[tier48].shareDay)
		if full := float64(got(limiter(zone), inside)); full > 1.05*own || full < own/2 {
			t.Errorf("in a zone of %d, a /48 that never uses an address twice is shown %v objects in a day, want at most 1.05 times its own %v and most of them", zone, full, own)
		}
	}
}

// Who kills the server gains what was charged since the last state was written.
func TestKillingGainsAMinute(t *testing.T) {
	for _, zone := range []int{10_000, 1_000_000} {
		t.Run(fmt.Sprint(zone), func(t *testing.T) {
			count := func(kills bool) (shown, lost int) {
				l := limiter(zone)
				for i := range 400 { // one query each 30 s, 3 kills
					now := epoch.Add(time.Duration(i) * 30 * time.Second)
					full := l.Decide(at("192.0.2.1"), fresh(i), now).Verdict == Full
					if full {
						shown++
					}
					if !kills || i%128 != 127 {
						continue
					}
					// The state was written just before the last two queries.
					state := save(t, l, now)
					for j := range 2 {
						now = now.Add(15 * time.Second)
						if l.Decide(at("192.0.2.1"), fresh(1000+2*i+j), now).Verdict == Full {
							shown++
							lost++
						}
					}
					l = restart(t, state, now)
					l.SetZone("coop", zone)
				}
				return shown, lost
			}
			quiet, _ := count(false)
			killed, lost := count(true)
			if killed > quiet+lost {
				t.Errorf("%d objects were shown with the server killed 3 times, %d without; want %d more at most, what was charged in the last 30 s before each kill",
					killed, quiet, lost)
			}
			if quiet < 50 {
				t.Errorf("%d objects were shown: that is no harvest", quiet)
			}
		})
	}
}
