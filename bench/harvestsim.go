package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"net/netip"
	"strings"
	"time"

	"rddsd/ratelimit"
)

// group is who asks, as the results tell them apart.
type group uint8

const (
	people group = iota
	behindNAT
	monitoring
	conformance
	registrars
	dropCatchers
	probing
	harvesting
	groups
)

var groupNames = [groups]string{"people", "carrier NAT", "monitors", "conformance", "registrar", "drop-catcher", "probes", "harvester"}

// tallied is what became of the queries of a group.
type tallied struct {
	queries, degraded, refused int64
	days, limitedDays          int64 // client-days, and those with any limit
}

// harvester is one way to copy the zone.
type harvester struct {
	name    string
	sources int
	address func(i int) netip.Addr
	pause   time.Duration // between two queries of a source that is answered
	again   time.Duration // after an answer without contact values
	restart bool          // kills the server with -9 once a day
	fill    int           // strangers, each of a new network, that it has ask each hour
	at      int           // sources that ask at a time, each from a new address each time; 0 = all, from their own
}

// scattered spreads sources over all of IPv4, each in its own /20.
func scattered(i int) netip.Addr {
	var octets [4]byte
	binary.BigEndian.PutUint32(octets[:], 0x20000000+uint32(i)*2_654_435_761%0xa0000000)
	return netip.AddrFrom4(octets)
}

func from6(hi uint64, lo uint64) netip.Addr {
	var octets [16]byte
	binary.BigEndian.PutUint64(octets[:], hi)
	binary.BigEndian.PutUint64(octets[8:], lo)
	return netip.AddrFrom16(octets)
}

func harvesters() []harvester {
	one := func(int) netip.Addr { return netip.AddrFrom4([4]byte{203, 0, 113, 7}) }
	return []harvester{
		{name: "nobody"},
		{name: "1 address", sources: 1, address: one, pause: harvestPause, again: tryAgain},
		{name: "1 address, kill -9 daily", sources: 1, address: one, pause: harvestPause, again: tryAgain, restart: true},
		{name: "1 address, filling the table", sources: 1, address: one, pause: harvestPause, again: tryAgain, fill: 5_000},
		{
			name: "a /24", sources: 256, address: func(i int) netip.Addr { return netip.AddrFrom4([4]byte{203, 0, 113, byte(i)}) },
			pause: harvestPause, again: tryAgain,
		},
		{
			name: "a /48, still", sources: 1, address: func(int) netip.Addr { return from6(0x20010db800420000, 1) },
			pause: harvestPause, again: tryAgain,
		},
		{
			name: "a /48 rotating 10 million", sources: 10_000_000, address: func(i int) netip.Addr { return from6(0x20010db800420000+uint64(i)%65536, uint64(i)) },
			pause: harvestPause, again: tryAgain, at: 2000,
		},
		{name: "slow crawlers", sources: slowSources, address: scattered, pause: slowPause, again: slowPause},
		{name: "256 scattered addresses", sources: 256, address: scattered, pause: harvestPause, again: tryAgain},
		{name: "4096 scattered addresses", sources: 4096, address: scattered, pause: harvestPause, again: 4 * tryAgain},
		{name: "256 scattered /24s", sources: 65_536, address: func(i int) netip.Addr {
			octets := scattered(i / 256).As4()
			octets[3] = byte(i)
			return netip.AddrFrom4(octets)
		}, pause: 10 * time.Minute, again: 8 * tryAgain},
		{name: "1 million residential addresses", sources: 1_000_000, address: scattered, pause: 24 * time.Hour, again: 24 * time.Hour},
	}
}

// event is one query in the hour that is simulated.
type event struct {
	at    uint32 // milliseconds into the hour
	group group
	who   uint32
	what  uint32
}

// simulation is one zone, one harvester, 30 days.
type simulation struct {
	zone      int
	scale     int // one person in so many is simulated
	length    time.Duration
	harvester harvester
	rng       *rand.Rand
	limiter   *ratelimit.Limiter
	began     time.Time
	networks  *ratelimit.Networks
	zipf      []float32 // cumulative, by rank
	events    []event
	nat       []int // people behind each address

	groups [groups]tallied
	marks  [groups]map[uint32]bool // clients of today that met a limit: true; else false
	due    []uint32                // of each source of the harvester: the second at which it asks next
	lacks  []uint32                // names that the harvester has not got
	shown  int64                   // names with contact values that the harvester got
	perDay []int64                 // of them by day
	spent  time.Duration
	asked  int64
	state  bytes.Buffer
}

func newSimulation(zone, scale int, h harvester, seed uint64) (*simulation, error) {
	s := &simulation{zone: zone, scale: scale, length: simulated, harvester: h, rng: rand.New(rand.NewPCG(seed, uint64(zone))), began: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)}
	var err error
	s.networks, err = ratelimit.ReadNetworks(strings.NewReader("198.51.100.0/24 probe\n192.0.2.0/24 registrar\n"), "harvest")
	if err != nil {
		return nil, err
	}
	s.limiter = s.newLimiter(s.began)
	s.zipf = make([]float32, zone)
	sum := 0.0
	for i := range s.zipf {
		sum += math.Pow(float64(i+1), -zipfExponent)
		s.zipf[i] = float32(sum)
	}
	s.nat = make([]int, max(8, zone/natEvery/scale))
	for i := range s.nat {
		s.nat[i] = leastBehind + s.rng.IntN(mostBehind-leastBehind+1)
	}
	s.due = make([]uint32, h.sources)
	if h.at > 0 {
		s.due = make([]uint32, h.at)
	}
	spread := uint32(max(h.pause, time.Hour).Seconds())
	for i := range s.due {
		s.due[i] = uint32(before.Seconds()) + s.rng.Uint32N(spread)
	}
	s.lacks = make([]uint32, zone)
	for i := range s.lacks {
		s.lacks[i] = uint32(i)
	}
	return s, nil
}

func (s *simulation) newLimiter(now time.Time) *ratelimit.Limiter {
	l := ratelimit.New(ratelimit.DefaultConfig(), now)
	l.SetNetworks(s.networks)
	l.SetZone("coop", s.zone)
	return l
}

// run simulates a day without the harvester and 30 with it.
func (s *simulation) run(ctx context.Context) error {
	for hour := range uint32(s.length / time.Hour) {
		if err := ctx.Err(); err != nil {
			return err
		}
		if hour%24 == 0 {
			s.endDay()
			s.perDay = append(s.perDay, 0)
			if s.harvester.restart && hour > 0 {
				if err := s.kill(s.began.Add(time.Duration(hour) * time.Hour)); err != nil {
					return err
				}
			}
		}
		s.plan(hour)
		s.play(hour)
		if s.harvester.restart && hour%24 == 23 {
			s.state.Reset() // written a minute before the end of the day
			if err := s.limiter.Save(&s.state, s.began.Add(time.Duration(hour+1)*time.Hour-time.Minute)); err != nil {
				return err
			}
		}
	}
	s.endDay()
	return nil
}

// kill starts the limiter anew from what was last written.
func (s *simulation) kill(now time.Time) error {
	s.limiter = ratelimit.New(ratelimit.DefaultConfig(), now)
	s.limiter.SetNetworks(s.networks)
	err := s.limiter.Load(bytes.NewReader(s.state.Bytes()), now)
	s.limiter.SetZone("coop", s.zone)
	return err
}

// chance rounds x to one of its neighbours, x on average.
func (s *simulation) chance(x float64) int {
	n := int(x)
	if s.rng.Float64() < x-float64(n) {
		n++
	}
	return n
}

// plan fills s.events with the queries of an hour, in order.
func (s *simulation) plan(hour uint32) {
	s.events = s.events[:0]
	add := func(at time.Duration, g group, who, what uint32) {
		if at < time.Hour {
			s.events = append(s.events, event{uint32(at / time.Millisecond), g, who, what})
		}
	}
	within := func() time.Duration { return time.Duration(s.rng.Int64N(int64(time.Hour))) }
	visit := func(g group, who uint32) {
		at := within()
		for range mostLookups {
			add(at, g, who, s.question())
			if s.rng.Float64() < 1/lookupsADay {
				break
			}
			at += lookupPause
		}
	}
	count := s.zone / s.scale
	for range s.chance(float64(count) / peopleEvery / 24) {
		visit(people, s.rng.Uint32N(uint32(count)))
	}
	every := behindEvery * math.Pow(1e6/float64(s.zone), math.Log(4)/math.Log(100))
	for i, n := range s.nat {
		for range s.chance(float64(n) / every / 24) {
			visit(behindNAT, uint32(i))
		}
	}
	for i := range uint32(min(s.zone/monitorEvery, mostMonitors)) {
		if hour%24 == i%24 {
			for name := range uint32(portfolio) {
				add(time.Duration(name)*300*time.Millisecond, monitoring, i, i*portfolio+name)
			}
		}
	}
	if hour%24 < testRuns {
		for i := range uint32(testRequests) {
			add(time.Duration(i)*50*time.Millisecond, conformance, 0, i%5)
		}
	}
	for at := time.Duration(0); at < time.Hour; at += registrarPause {
		add(at, registrars, 0, s.rng.Uint32N(uint32(s.zone)))
	}
	for at := time.Duration(0); at < time.Hour; at += catchPause {
		for name := range uint32(catchNames) {
			add(at+time.Duration(name)*time.Second, dropCatchers, 0, name)
		}
	}
	for i := range uint32(probes) {
		for at := time.Duration(i) * probePause / probes; at < time.Hour; at += probePause {
			add(at, probing, i, s.rng.Uint32N(uint32(s.zone)))
		}
	}
	sortEvents(s.events)
}

// question is what somebody asks: 0 for a miss, 1 for a name without contact values,
// else a name.
func (s *simulation) question() uint32 {
	if s.rng.Float64() >= hitShare {
		return miss
	}
	rank := search(s.zipf, s.rng.Float32()*s.zipf[len(s.zipf)-1])
	if s.rng.Float64() >= contactShare {
		return uint32(rank) | plain
	}
	return uint32(rank)
}

const (
	miss  = 1<<32 - 1
	plain = 1 << 31 // a name that shows no contact values
)

func ask(what uint32) ratelimit.Ask {
	switch {
	case what == miss:
		return ratelimit.Ask{}
	case what&plain != 0:
		return ratelimit.Ask{Object: uint64(what)*0x9e3779b97f4a7c15 + 1, Shows: ratelimit.Object, Count: 1, TLD: "coop"}
	}
	return ratelimit.Ask{Object: uint64(what)*0x9e3779b97f4a7c15 + 1, Shows: ratelimit.Contact, Count: 1, TLD: "coop"}
}

// address returns where a legitimate client sits.
func (s *simulation) address(g group, who uint32) netip.Addr {
	switch g {
	case people:
		h := mix(uint64(who))
		if float64(h%1000) < 1000*sixShare {
			return from6(0x2a00_0000_0000_0000|(h>>10%sixProviders)<<32|uint64(who)<<8&0xffffff00, 1)
		}
		var octets [4]byte
		binary.BigEndian.PutUint32(octets[:], 0x50000000|uint32(h>>20)&0x0fffffff)
		return netip.AddrFrom4(octets)
	case behindNAT: // eight in each /24
		return netip.AddrFrom4([4]byte{100, byte(64 + who/8>>8), byte(who / 8), byte(who % 8)})
	case monitoring:
		return netip.AddrFrom4([4]byte{185, byte(who), 1, 1})
	case conformance:
		return netip.AddrFrom4([4]byte{192, 0, 43, 10})
	case registrars:
		return netip.AddrFrom4([4]byte{192, 0, 2, 1})
	case dropCatchers:
		return netip.AddrFrom4([4]byte{188, 1, 1, 1})
	}
	return netip.AddrFrom4([4]byte{198, 51, 100, byte(who)})
}

func mix(x uint64) uint64 {
	x ^= x >> 31
	x *= 0x7fb5d329728ea185
	x ^= x >> 27
	x *= 0x81dadef4bc2dd44d
	return x ^ x>>33
}

// play asks the limiter the queries of an hour, and in between, second by second,
// those of the harvester.
func (s *simulation) play(hour uint32) {
	start := s.began.Add(time.Duration(hour) * time.Hour)
	queue := s.harvestQueue(hour)
	begun := time.Now()
	next := 0
	for second := range uint32(3600) {
		for ; next < len(s.events) && s.events[next].at < (second+1)*1000; next++ {
			e := &s.events[next]
			now := start.Add(time.Duration(e.at) * time.Millisecond)
			d := s.limiter.Decide(s.limiter.Client(s.address(e.group, e.who)), ask(e.what), now)
			s.note(e.group, e.who, d.Verdict)
		}
		now := start.Add(time.Duration(second)*time.Second + 999*time.Millisecond)
		if s.harvester.fill > 0 {
			for range s.harvester.fill / 3600 {
				s.limiter.Decide(ratelimit.ClientAt(from6(s.rng.Uint64()>>3|1<<61, 1)), ratelimit.Ask{Object: s.rng.Uint64(), Shows: ratelimit.Object, Count: 1}, now)
				s.asked++
			}
		}
		for i := range queue.of(second) {
			s.harvest(queue, i, hour*3600+second, now)
		}
	}
	s.spent += time.Since(begun)
	s.asked += int64(len(s.events))
}

func (s *simulation) note(g group, who uint32, v ratelimit.Verdict) {
	t := &s.groups[g]
	t.queries++
	switch v {
	case ratelimit.Degrade:
		t.degraded++
	case ratelimit.Refuse:
		t.refused++
	}
	if s.marks[g] == nil {
		s.marks[g] = map[uint32]bool{}
	}
	if met := s.marks[g][who]; v != ratelimit.Full || !met {
		s.marks[g][who] = met || v != ratelimit.Full
	}
}

// endDay counts the client-days of the day that ends.
func (s *simulation) endDay() {
	for g := range s.marks {
		for _, met := range s.marks[g] {
			s.groups[g].days++
			if met {
				s.groups[g].limitedDays++
			}
		}
		clear(s.marks[g])
	}
}

// harvest has source i of the harvester ask for the next name that it lacks.
func (s *simulation) harvest(queue *harvestQueue, i uint32, second uint32, now time.Time) {
	h := &s.harvester
	if len(s.lacks) == 0 {
		return // it has everything
	}
	at := s.rng.IntN(len(s.lacks))
	name := s.lacks[at]
	source := int(i)
	if h.at > 0 { // it never uses an address twice
		source = int(s.groups[harvesting].queries) % h.sources
	}
	d := s.limiter.Decide(s.limiter.Client(h.address(source)), ask(name), now)
	s.asked++
	t := &s.groups[harvesting]
	t.queries++
	pause := h.pause
	switch d.Verdict {
	case ratelimit.Full:
		s.lacks[at] = s.lacks[len(s.lacks)-1]
		s.lacks = s.lacks[:len(s.lacks)-1]
		s.shown++
		s.perDay[len(s.perDay)-1]++
	case ratelimit.Degrade:
		t.degraded++
		pause = h.again
	case ratelimit.Refuse:
		t.refused++
		pause = max(h.pause, d.RetryIn)
	}
	s.due[i] = second + uint32(math.Ceil(pause.Seconds()))
	queue.push(i, s.due[i])
}

// describe names a simulation.
func (s *simulation) describe() string {
	return fmt.Sprintf("%s against %d names", s.harvester.name, s.zone)
}
