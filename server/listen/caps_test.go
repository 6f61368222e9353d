package listen

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

// taker acquires places and checks the verdicts.
type taker struct {
	*testing.T
	caps *Caps
}

func (t taker) take(addr string, want Verdict) Slot {
	t.Helper()
	slot, got := t.caps.Acquire(netip.MustParseAddr(addr))
	if got != want {
		t.Errorf("Acquire(%s) = %d, want %d", addr, got, want)
	}
	return slot
}

func TestCapsCountClients(t *testing.T) {
	at := taker{t, NewCaps(Limits{PerClient: 2, Total: 100})}
	at.take("192.0.2.1", Granted)
	at.take("::ffff:192.0.2.1", Granted) // the same client
	at.take("192.0.2.1", Crowded)
	at.take("192.0.2.2", Granted)
	at.take("2001:db8::1", Granted)
	at.take("2001:db8::2", Granted) // the same /64
	at.take("2001:db8:0:0:ffff::", Crowded)
	at.take("2001:db8:0:1::", Granted)
	at.take("c000:201::", Granted) // not the client of the same bytes in IPv4
	if got := at.caps.Occupancy(); got != 0.09 {
		t.Errorf("Occupancy = %v, want 0.09", got)
	}
	for range 2 {
		if _, got := at.caps.Acquire(netip.Addr{}); got != Granted {
			t.Errorf("Acquire without an address = %d, want Granted", got)
		}
	}
	if _, got := at.caps.Acquire(netip.Addr{}); got != Crowded {
		t.Errorf("Acquire without an address, a third time = %d, want Crowded", got)
	}
}

func TestCapsAreFullAtTheTotal(t *testing.T) {
	at := taker{t, NewCaps(Limits{PerClient: 3, Total: 2})}
	first := at.take("192.0.2.1", Granted)
	at.take("192.0.2.2", Granted)
	none := at.take("192.0.2.3", Full)
	none.Release() // gives back nothing
	at.take("192.0.2.3", Full)
	first.Release()
	at.take("192.0.2.3", Granted)
	if got := at.caps.Open(); got != 2 {
		t.Errorf("Open() = %d, want 2", got)
	}
}

// One client that opens connections without end gets half of the places and his own.
func TestOneClientCannotTakeAllPlaces(t *testing.T) {
	at := taker{t, NewCaps(Limits{PerClient: 3, Total: 100})}
	for range 3 {
		at.take("192.0.2.1", Granted)
	}
	crowded := at.take("192.0.2.1", Crowded)
	for range 49 {
		at.take("192.0.2.1", Crowded)
	}
	at.take("192.0.2.1", Full)
	at.take("192.0.2.2", Granted)
	crowded.Release()
	at.take("192.0.2.1", Crowded)
}

// A refusal under way is not held against who stops hammering.
func TestCrowdedPlacesDoNotCountAgainstTheClient(t *testing.T) {
	at := taker{t, NewCaps(Limits{PerClient: 1, Total: 100})}
	granted := at.take("192.0.2.1", Granted)
	for range 10 {
		at.take("192.0.2.1", Crowded)
	}
	granted.Release()
	at.take("192.0.2.1", Granted)
}

func TestCapsFollowTheirLimits(t *testing.T) {
	at := taker{t, NewCaps(Limits{})}
	for range 100 {
		at.take("192.0.2.1", Granted)
	}
	if got := at.caps.Occupancy(); got != 0 {
		t.Errorf("Occupancy without a limit = %v, want 0", got)
	}
	at.caps.SetLimits(Limits{PerClient: 3, Total: 200}) // those that are open count at once
	at.take("192.0.2.1", Crowded)
	at.take("192.0.2.2", Granted)
	at.caps.SetLimits(Limits{PerClient: 3, Total: 50})
	at.take("192.0.2.3", Full)
	if got := at.caps.Occupancy(); got != 2.04 {
		t.Errorf("Occupancy = %v, want 2.04", got)
	}
	at.caps.SetLimits(Limits{})
	at.take("192.0.2.1", Granted)
}

// Caps agree with a list of what is open, whatever comes, goes and changes; and they
// forget who has gone.
func TestCapsEqualAList(t *testing.T) {
	type held struct {
		slot    Slot
		who     int
		crowded bool
	}
	rapid.Check(t, func(t *rapid.T) {
		limits := func() Limits {
			return Limits{PerClient: rapid.IntRange(0, 3).Draw(t, "per client"), Total: rapid.IntRange(0, 12).Draw(t, "total")}
		}
		in := limits()
		caps := NewCaps(in)
		var open []held
		count := func(match func(held) bool) int {
			n := 0
			for _, h := range open {
				if match(h) {
					n++
				}
			}
			return n
		}
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			switch what := rapid.IntRange(0, 9).Draw(t, "what"); {
			case what == 0:
				in = limits()
				caps.SetLimits(in)
			case what < 4 && len(open) > 0:
				i := rapid.IntRange(0, len(open)-1).Draw(t, "which")
				open[i].slot.Release()
				open = append(open[:i], open[i+1:]...)
			default:
				who := rapid.IntRange(0, 3).Draw(t, "who")
				want := Granted
				if in.PerClient > 0 && count(func(h held) bool { return h.who == who && !h.crowded }) >= in.PerClient {
					want = Crowded
				}
				crowded := count(func(h held) bool { return h.crowded })
				if in.Total > 0 && (len(open) >= in.Total || want == Crowded && crowded >= max(1, in.Total/2)) {
					want = Full
				}
				slot, got := caps.Acquire(netip.AddrFrom4([4]byte{192, 0, 2, byte(who)}))
				if got != want {
					t.Fatalf("Acquire for client %d under %+v with %d open = %d, want %d", who, in, len(open), got, want)
				}
				if got != Full {
					open = append(open, held{slot, who, got == Crowded})
				}
			}
			if caps.Open() != len(open) {
				t.Fatalf("Open() = %d, want %d", caps.Open(), len(open))
			}
		}
		for _, h := range open {
			h.slot.Release()
		}
		if caps.Open() != 0 || caps.crowded != 0 || len(caps.granted) != 0 {
			t.Fatalf("after all were given back: %d open, %d crowded, %d clients known", caps.Open(), caps.crowded, len(caps.granted))
		}
	})
}

func TestCapsUnderConcurrency(t *testing.T) {
	const total = 50
	caps := NewCaps(Limits{PerClient: 3, Total: total})
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			var slots [20]Slot
			for i := range 4000 {
				slots[i%len(slots)].Release()
				slots[i%len(slots)], _ = caps.Acquire(addrAt(rand.Uint32N(10)))
				if open := caps.Open(); open > total {
					t.Errorf("%d connections are open, at most %d may be", open, total)
				}
			}
			for _, slot := range slots {
				slot.Release()
			}
		})
	}
	group.Wait()
	if caps.Open() != 0 || len(caps.granted) != 0 {
		t.Errorf("%d places are left taken, %d clients known", caps.Open(), len(caps.granted))
	}
}

func addrAt(i uint32) netip.Addr {
	var octets [4]byte
	binary.BigEndian.PutUint32(octets[:], i)
	return netip.AddrFrom4(octets)
}

// A thousand connections that come and go, each from another address: what the map of
// clients costs must not grow with time, and must stay off the heap.
func churn() func() {
	caps := NewCaps(Limits{PerClient: 3, Total: 10_000})
	var slots [1000]Slot
	n := uint32(0)
	return func() {
		slot := &slots[n%uint32(len(slots))]
		slot.Release()
		*slot, _ = caps.Acquire(addrAt(n * 2654435761))
		n++
	}
}

func TestCapsDoNotAllocate(t *testing.T) {
	step := churn()
	for range 100_000 {
		step()
	}
	if allocs := testing.AllocsPerRun(100_000, step); allocs != 0 {
		t.Errorf("a connection costs %v allocations, want 0", allocs)
	}
}

func BenchmarkCaps(b *testing.B) {
	b.Run("one", func(b *testing.B) {
		caps := NewCaps(Limits{PerClient: 3, Total: 10_000})
		addr := netip.MustParseAddr("2001:db8::1")
		b.ReportAllocs()
		for b.Loop() {
			slot, _ := caps.Acquire(addr)
			slot.Release()
		}
	})
	b.Run("churn", func(b *testing.B) {
		step := churn()
		b.ReportAllocs()
		for b.Loop() {
			step()
		}
	})
}

// A connection that is answered and not yet closed keeps its place, and its client
// may come back.
func TestAnsweredConnections(t *testing.T) {
	c := NewCaps(Limits{PerClient: 1, Total: 4})
	addr := netip.MustParseAddr("192.0.2.1")
	first, _ := c.Acquire(addr)
	if !c.Crowded(addr) || c.Crowded(netip.MustParseAddr("192.0.2.2")) {
		t.Error("one connection does not crowd its client, or crowds another")
	}
	first.Answered()
	first.Answered()
	if c.Crowded(addr) || c.Open() != 1 {
		t.Errorf("after the answer: crowded %v, %d open", c.Crowded(addr), c.Open())
	}
	second, verdict := c.Acquire(addr)
	if verdict != Granted {
		t.Errorf("the next connection is %v", verdict)
	}
	third, verdict := c.Acquire(addr)
	if verdict != Crowded {
		t.Errorf("the one beside it is %v", verdict)
	}
	third.Answered()
	if _, verdict := c.Acquire(addr); verdict != Full {
		t.Errorf("the fourth is %v, with half of all places kept", verdict)
	}
	if second.Answered(); !c.Crowded(addr) {
		t.Error("more than half of all places are kept")
	}
	for _, s := range []*Slot{&first, &second, &third} {
		s.Release()
	}
	if c.Open() != 0 || len(c.granted) != 0 || c.crowded != 0 {
		t.Errorf("%d open, %d clients, %d crowded are left", c.Open(), len(c.granted), c.crowded)
	}
}
