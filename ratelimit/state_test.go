package ratelimit

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"github.com/cespare/xxhash/v2"
)

func save(t *testing.T, l *Limiter, now time.Time) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := l.Save(&b, now); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func restart(t *testing.T, state []byte, now time.Time) *Limiter {
	t.Helper()
	return restartIn(t, bootID(), state, now)
}

// restartIn is restart in a boot of the machine.
func restartIn(t *testing.T, boot, state []byte, now time.Time) *Limiter {
	t.Helper()
	l := New(DefaultConfig(), now)
	l.boot = boot
	if err := l.Load(bytes.NewReader(state), now); err != nil {
		t.Fatal(err)
	}
	l.SetZone("coop", 10_000)
	return l
}

func TestRestartGivesNothingBack(t *testing.T) {
	l := limiter(10_000)
	client := at("192.0.2.1")
	now := epoch.Add(100 * time.Hour)
	shown(l, client, now, 300)
	now = now.Add(30 * time.Minute)
	admitted(l, client, now, 60)
	for i := range 3000 { // fill the guard
		l.Decide(ClientAt(addrAt(uint32(i/10)*65_537)), fresh(i), now)
	}
	before, zone := l.Explain(client, now), l.Zones(now)[0]
	again := restart(t, save(t, l, now), now)
	after := again.Explain(client, now)
	for i := range before.Tiers {
		if before.Tiers[i] != after.Tiers[i] {
			t.Errorf("before %+v, after the restart %+v", before.Tiers[i], after.Tiers[i])
		}
	}
	if got := again.Zones(now)[0]; got != zone || zone.Day < 0.8 {
		t.Errorf("the guard stood at %+v and stands at %+v", zone, got)
	}
	if before.Free != after.Free || after.Free != 0 {
		t.Errorf("free objects: %d before, %d after, want none", before.Free, after.Free)
	}
	if got := admitted(again, client, now, 60); got != 0 {
		t.Errorf("after the restart %d look-ups were admitted, want none", got)
	}
	if got := shown(again, client, now, 20); got != 0 {
		t.Errorf("after the restart %d objects were shown, want none", got)
	}
}

func TestTimeGoesOnWhileStopped(t *testing.T) {
	l := limiter(10_000)
	client := at("192.0.2.1")
	shown(l, client, epoch, 300)
	saved := epoch.Add(time.Hour)
	state := save(t, l, saved)
	day := func(l *Limiter, now time.Time) float64 { return l.Explain(client, now).Tiers[0].Day }
	was := day(l, saved)
	if got := day(restart(t, state, saved.Add(6*time.Hour)), saved.Add(6*time.Hour)); got > was-0.24 || got < was-0.26 {
		t.Errorf("6 h later %v of the day is used, want a quarter less than %v", got, was)
	}
	if got := day(restart(t, state, saved.Add(-48*time.Hour)), saved.Add(-48*time.Hour)); got != was {
		t.Errorf("with the wall clock set back %v of the day is used, want %v: no time has passed", got, was)
	}
}

func TestDamagedStateStartsCareful(t *testing.T) {
	l := limiter(10_000)
	for i := range 500 {
		l.Decide(ClientAt(addrAt(uint32(i)*65_537)), fresh(i), epoch)
	}
	state := save(t, l, epoch)
	damages := map[string][]byte{"empty": {}, "foreign": bytes.Repeat([]byte("x"), 1000), "cut": state[:len(state)-1]}
	for range 5 {
		flipped := bytes.Clone(state)
		flipped[rand.IntN(len(flipped))] ^= 1 << rand.IntN(8)
		damages["a flipped bit"] = flipped
		for name, data := range damages {
			again := New(DefaultConfig(), epoch)
			if err := again.Load(bytes.NewReader(data), epoch); !errors.Is(err, ErrDamaged) {
				t.Fatalf("%s: Load = %v, want ErrDamaged", name, err)
			}
			again.SetZone("coop", 10_000)
			if d := again.Decide(at("192.0.2.1"), fresh(1), epoch); d.Verdict != Degrade || d.Cause != Guard {
				t.Fatalf("%s: the first object = %+v, want it degraded by the guard", name, d)
			}
			if got := shown(again, at("192.0.2.1"), epoch.Add(36*time.Hour), 5); got < 3 {
				t.Fatalf("%s: after 36 hours %d of 5 objects were shown, want the free ones at least", name, got)
			}
		}
	}
}

// Neither an address nor who asked for what can be read in the state.
func TestStateHoldsNoAddressAndNoPair(t *testing.T) {
	l := limiter(10_000)
	addr := netip.MustParseAddr("203.0.113.77")
	ask := Ask{Object: 0x1122334455667788, Shows: Contact, Count: 1, TLD: "coop"}
	l.Decide(ClientAt(addr), ask, epoch)
	state := save(t, l, epoch)
	secrets := [][]byte{addr.AsSlice(), {0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88}, {0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11}, l.boot}
	pairs := 0
	for i := range l.repeats.buckets {
		for j := range l.repeats.buckets[i] {
			if word := l.repeats.buckets[i][j].Load(); word != 0 {
				pairs++
				secrets = append(secrets, binary.BigEndian.AppendUint64(nil, word)[:5], binary.LittleEndian.AppendUint64(nil, word)[3:])
			}
		}
	}
	if pairs != 1 {
		t.Fatalf("%d pairs of client and object are remembered, want 1", pairs)
	}
	for _, secret := range secrets {
		if bytes.Contains(state, secret) {
			t.Errorf("the state holds % x", secret)
		}
	}
}

// What was seen is a repeat after the process died, within its window and in the same
// boot of the machine alone.
func TestRepeatsOutlastTheProcessAndNotTheBoot(t *testing.T) {
	const names = 20
	client := at("203.0.113.77")
	for _, test := range []struct {
		name        string
		saved, read []byte // the boots
		away        time.Duration
		known       bool
	}{
		{"the same boot", []byte("one"), []byte("one"), time.Minute, true},
		{"the end of the window", []byte("one"), []byte("one"), 8 * day, true},
		{"after the window", []byte("one"), []byte("one"), 8*day + time.Minute, false},
		{"after the times have wrapped", []byte("one"), []byte("one"), 1 << 17 * time.Minute, false},
		{"another boot", []byte("one"), []byte("two"), time.Minute, false},
		{"a system that names no boot", nil, nil, time.Minute, false},
		{"read where none is named", []byte("one"), nil, time.Minute, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := limiter(10_000)
			l.boot = test.saved
			for i := range names {
				l.Decide(client, fresh(i), epoch)
			}
			state, now := save(t, l, epoch), epoch.Add(test.away)
			again := restartIn(t, test.read, state, now)
			spent := func() float64 { return again.Explain(client, now).Tiers[0].Month }
			before := spent()
			for i := range names {
				again.Decide(client, fresh(i), now)
			}
			if paid := spent() - before; paid < 0.1 != test.known {
				t.Errorf("%d names seen before cost %v of the budget of 30 days, known = %v is wanted", names, paid, test.known)
			}
		})
	}
}

// Words out of their window are gone from memory too, once the state was written.
func TestSavingForgetsWhatIsStale(t *testing.T) {
	for _, boot := range [][]byte{nil, []byte("one")} {
		l := limiter(10_000)
		l.boot = boot
		for i := range 20 {
			l.Decide(at("192.0.2.1"), fresh(i), epoch)
		}
		l.Decide(at("192.0.2.1"), fresh(99), epoch.Add(5*day))
		save(t, l, epoch.Add(9*day))
		left := 0
		for i := range l.repeats.buckets {
			for j := range l.repeats.buckets[i] {
				if l.repeats.buckets[i][j].Load() != 0 {
					left++
				}
			}
		}
		if left != 1 {
			t.Errorf("after nine days %d pairs of client and object are remembered, want the one of four days ago", left)
		}
	}
}

func FuzzLoad(f *testing.F) {
	l := limiter(10_000)
	l.Decide(at("192.0.2.1"), fresh(1), epoch)
	var b bytes.Buffer
	if err := l.Save(&b, epoch); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes()[:b.Len()-8])
	f.Add([]byte(stateMagic))
	target := New(DefaultConfig(), epoch)
	f.Fuzz(func(t *testing.T, data []byte) {
		data = binary.BigEndian.AppendUint64(data[:len(data):len(data)], xxhash.Sum64(data)) // as Save would end it
		if err := target.Load(bytes.NewReader(data), epoch); err != nil && !errors.Is(err, ErrDamaged) {
			t.Errorf("Load = %v, want nil or ErrDamaged", err)
		}
	})
}
