package load

import (
	"strconv"
	"sync/atomic"
)

// query is one question on its way. Its memory is used again for the next one.
type query struct {
	kind Kind
	// name is the A-label name, host, or registrar's name or ID; empty for Help and
	// Junk. asked is the same as it is sent: perhaps a U-label; for Junk all of it.
	name, asked []byte
	isDomain    bool // name is a domain's
	head        bool // RDAP: HEAD instead of GET
	conditional bool // RDAP: to be made a repeat with If-None-Match, if there is something to repeat
	// repeats is the answer that the query asks for again unless it has changed (RDAP,
	// If-None-Match); nil for any other query.
	repeats *tagged

	out []byte // what is sent
}

// public returns q for Options.Expect.
func (q *query) public() Query { return Query{Kind: q.kind, Name: string(q.name)} }

// stream makes queries. It is for one goroutine.
type stream struct {
	random *random
	mix    Mix
	names  *Names
	until  [Kinds]float64 // the shares, added up; the last is 1
	zipf   *zipf
	stride int           // takes the popularity rank of a name to its index, see nth
	walked *atomic.Int64 // of the zone, by all streams of a run together
	order  []uint32      // of the zone
}

func newStream(o *Options, r *random, walked *atomic.Int64) *stream {
	s := &stream{random: r, mix: o.Mix, names: o.Names, zipf: newZipf(o.Names.Len(), o.Mix.Zipf), walked: walked}
	sum := 0.0
	for k, share := range o.Mix.Shares {
		sum += share
		s.until[k] = sum
	}
	for k := range s.until {
		s.until[k] /= sum
	}
	s.stride = stride(o.Names.Len())
	if o.Mix.Shares[Harvest] > 0 {
		s.order = o.Names.zoneOrder()
	}
	return s
}

// next makes the next query in q.
func (s *stream) next(q *query) {
	at := s.random.unit()
	q.kind = 0
	for s.until[q.kind] <= at {
		q.kind++
	}
	q.isDomain = q.kind != Help && q.kind != Junk
	q.head = s.mix.Head > 0 && s.random.chance(s.mix.Head)
	q.conditional = !q.head && s.mix.Conditional > 0 && s.random.chance(s.mix.Conditional)
	q.name, q.asked = q.name[:0], q.asked[:0]
	switch q.kind {
	case Miss:
		q.name = s.appendFree(q.name, s.random.Uint64()>>16)
	case IDN:
		of := &s.names.idns[s.random.below(len(s.names.idns))]
		q.name = append(q.name, s.names.At(int(of.index))...)
		if s.random.Uint64()&(1<<40) == 0 {
			q.asked = append(q.asked, of.unicode...)
		}
	case Nameserver:
		q.isDomain = len(s.names.hosts) == 0
		q.name = append(q.name, s.pickOr(s.names.hosts)...)
	case Registrar:
		q.isDomain = len(s.names.registrars) == 0
		q.name = append(q.name, s.pickRegistrar()...)
	case DropCatch:
		if len(s.names.drops) > 0 && s.random.chance(dropHits) {
			i := s.random.below(min(dropNames, len(s.names.drops)))
			q.name = append(q.name, s.names.At(int(s.names.drops[i]))...)
		} else {
			q.name = s.appendFree(q.name, uint64(s.random.below(dropNames)))
		}
	case Harvest:
		i := int(uint64(s.walked.Add(1)-1) % uint64(len(s.order)))
		q.name = append(q.name, s.names.At(int(s.order[i]))...)
	case Hit:
		q.name = append(q.name, s.popular()...)
	}
	if len(q.asked) == 0 {
		q.asked = append(q.asked, q.name...)
	}
}

// popular returns a name by its popularity.
func (s *stream) popular() string { return s.nth(s.zipf.draw(s.random) - 1) }

// nth returns the name of rank i from 0 on. Ranks are spread over the names, as
// the first of a registry are the special ones.
func (s *stream) nth(i int) string {
	return s.names.At(int(uint64(i) * uint64(s.stride) % uint64(s.names.Len())))
}

// stride returns a number without a common divisor with n, near to its golden
// section, which spreads neighbours farthest.
func stride(n int) int {
	for k := max(1, int(float64(n)*0.6180339887)); ; k++ {
		a, b := n, k
		for b != 0 {
			a, b = b, a%b
		}
		if a == 1 {
			return k
		}
	}
}

// pickOr returns one of list, or a popular name if it is empty.
func (s *stream) pickOr(list []string) string {
	if len(list) == 0 {
		return s.popular()
	}
	return list[s.random.below(len(list))]
}

// pickRegistrar returns the ID or the name of a registrar.
func (s *stream) pickRegistrar() string {
	if len(s.names.registrars) == 0 {
		return s.popular()
	}
	r := &s.names.registrars[s.random.below(len(s.names.registrars))]
	if r.id != "" && s.random.chance(0.5) {
		return r.id
	}
	return r.name
}

// appendFree appends made-up name n, under the same zone as one of the list.
func (s *stream) appendFree(dst []byte, n uint64) []byte {
	dst = append(dst, freePrefix...)
	dst = strconv.AppendUint(dst, n, 36)
	beside := s.nth(int(n % uint64(s.names.Len())))
	for i := range len(beside) {
		if beside[i] == '.' {
			return append(dst, beside[i:]...)
		}
	}
	return dst
}
