package ratelimit

import (
	"sync/atomic"
	"time"
)

// A cell is one word, so that who owns it and what is charged change together:
//
//	bits 63-48  tag: which account, of those that share the line
//	bits 47-22  when the account's slow horizon will be empty
//	bits 21-0   when its fast horizon will be empty
//
// Both are GCRAs: the time at which a leaky bucket will be empty, which is in the past
// for one that is empty, so nothing needs a sweep. Times are in ticks and wrap. An
// account is charged in both horizons at once and the slow one for at least as long a
// time (lasting), so that the fast one is empty where the slow one is: that tells the
// times of a cell that was not touched for long from those of one that is charged.
//
// Two accounts of one line have the same tag, and so share their charge, once in
// 65,536 pairs.
const (
	fastBits = 22
	slowBits = 26
	fastMask = 1<<fastBits - 1
	slowMask = 1<<slowBits - 1
	tagMask  = 1<<64 - 1<<(fastBits+slowBits)
)

// Times of the horizons.
const (
	quarterHour = 15 * time.Minute
	day         = 24 * time.Hour
	month       = 30 * day

	// MaxFill is the longest time that Burst look-ups may take at Rate.
	MaxFill = time.Hour
	// maxPenalty is how far hammering can lengthen a wait.
	maxPenalty = 5 * time.Minute
	// maxSkew is how far clocks read by two goroutines may differ.
	maxSkew = time.Minute
)

// Ticks of the horizons, and the longest time until each is empty that charging can
// explain. What stands further in the future is taken for the past, or for another
// clock.
const (
	// Load: 22 bits of 2 ms are 140 minutes, of which MaxFill and maxPenalty lie ahead and
	// 15 minutes behind; 26 bits of 5 ms are 93 hours (freshen).
	loadFast    = 2 * time.Millisecond
	loadSlow    = 5 * time.Millisecond
	farLoadFast = uint64((MaxFill + maxPenalty + maxSkew) / loadFast)
	farLoadSlow = uint64((MaxFill + maxPenalty + maxSkew) / loadSlow)

	// Budgets: 22 bits of 1 s are 48 days, of which one lies ahead and 30 behind; 26 bits
	// of 2 s are 4 years.
	dataFast    = time.Second
	dataSlow    = 2 * time.Second
	farDataFast = uint64((day + time.Hour) / dataFast)
	farDataSlow = uint64((month + day) / dataSlow)
)

// A line fills a cache line, so that an account touches one line of the table and
// no other.
type line struct {
	touched atomic.Uint64    // when the line was used last, in steps of touchStep
	load    [3]atomic.Uint64 // cells of load
	data    [4]atomic.Uint64 // cells of what is learnt
}

// touchStep is 2^36 ns, 69 s.
const touchStep = 36

// freshen wipes the cells of load that have drained, if nobody has in this step. The
// times in them wrap after 93 hours, and a client that comes back after as many
// would be taken for one that has just spent its burst.
func (l *line) freshen(now *instant) {
	step, was := now.nanos>>touchStep, l.touched.Load()
	if was == step {
		return
	}
	long := (step-was)<<touchStep > farLoadSlow*uint64(loadSlow) // then all have, whatever they say
	for i := range l.load {
		if word := l.load[i].Load(); word != 0 && (long || now.held(word) == ticks{}) {
			l.load[i].CompareAndSwap(word, 0) // one that was charged meanwhile stays
		}
	}
	l.touched.CompareAndSwap(was, step)
}

// ticks are amounts of both horizons of an account, each in ticks of its own.
type ticks struct{ fast, slow uint64 }

// lasting returns price with a slow part that takes as long to drain as the fast one
// at least, given their ticks.
func lasting(price ticks, fast, slow time.Duration) ticks {
	price.slow = max(price.slow, (price.fast*uint64(fast)+uint64(slow)-1)/uint64(slow))
	return price
}

// instant is a time, by the two clocks of a kind of account, and how far ahead of it
// each may be charged.
type instant struct {
	ticks
	far   ticks
	nanos uint64
}

func loadAt(nanos uint64) (now instant) {
	now.loadAt(nanos)
	return now
}

func dataAt(nanos uint64) (now instant) {
	now.dataAt(nanos)
	return now
}

// loadAt and dataAt set now in place: a value that has just been written word by word
// and is then copied whole makes the processor wait for its stores, 10 ns each.
func (now *instant) loadAt(nanos uint64) {
	now.fast, now.slow = nanos/uint64(loadFast), nanos/uint64(loadSlow)
	now.far.fast, now.far.slow, now.nanos = farLoadFast, farLoadSlow, nanos
}

func (now *instant) dataAt(nanos uint64) {
	now.fast, now.slow = nanos/uint64(dataFast), nanos/uint64(dataSlow)
	now.far.fast, now.far.slow, now.nanos = farDataFast, farDataSlow, nanos
}

// held returns what the account in word holds at now.
func (now *instant) held(word uint64) (h ticks) {
	h.slow = (word>>fastBits - now.slow) & slowMask
	if h.slow > now.far.slow || word == 0 {
		return ticks{}
	}
	h.fast = (word - now.fast) & fastMask
	if h.fast > now.far.fast {
		h.fast = 0
	}
	return h
}

// word returns the word of the account of hash if it holds h at now.
func (now *instant) word(hash uint64, h ticks) uint64 {
	return hash&tagMask | (now.slow+h.slow)&slowMask<<fastBits | (now.fast+h.fast)&fastMask
}

// find returns the cell that hash owns, or else the first of the least charged
// ones, what it read there, and what the account in it holds.
//
// Who is not in the line takes the least charged cell and goes on from the charge he
// finds there. So nobody gains by being pushed out: the cell taken was charged no
// less in its slow horizon than any that he can take when he comes back. Filling
// the table costs only those who come new into a line without an empty cell, and
// costs them at most what its least charged owner has spent.
func find(cells []atomic.Uint64, hash uint64, now *instant) (cell *atomic.Uint64, word uint64, h ticks) {
	tag := hash & tagMask
	for i := range cells {
		if w := cells[i].Load(); w&tagMask == tag {
			return &cells[i], w, now.held(w)
		}
	}
	for i := range cells {
		w := cells[i].Load()
		if held := now.held(w); cell == nil || held.slow < h.slow {
			cell, word, h = &cells[i], w, held
		}
	}
	return cell, word, h
}

// charge adds price to the account of hash if what it then holds is within bound.
// Otherwise it writes nothing, so that an attack that is being refused leaves the
// cache line shared between all cores. held is what the account held before.
// crowded tells that the account was opened on the charge of another. Without act
// nothing is charged, only found out.
func charge(cells []atomic.Uint64, hash uint64, now *instant, price, bound ticks, act bool) (ok bool, held ticks, crowded bool) {
	for {
		cell, word, h := find(cells, hash, now)
		next := ticks{h.fast + price.fast, h.slow + price.slow}
		if next.fast > bound.fast || next.slow > bound.slow {
			return false, h, false
		}
		if !act || cell.CompareAndSwap(word, now.word(hash, next)) {
			return true, h, (word^hash)&tagMask != 0 && h.slow > 0
		}
	}
}

// raise adds to what the account of hash holds, up to bound.
func raise(cells []atomic.Uint64, hash uint64, now *instant, by, bound ticks) {
	for {
		cell, word, h := find(cells, hash, now)
		next := ticks{max(h.fast, min(h.fast+by.fast, bound.fast)), max(h.slow, min(h.slow+by.slow, bound.slow))}
		if cell.CompareAndSwap(word, now.word(hash, next)) {
			return
		}
	}
}

// loadGrain is how far from the longest wait a wait is as good as it, 1 s.
const loadGrain = uint64(time.Second / loadFast)

// delay adds by to the fast horizon of an account of load, up to most. The slow one
// stays the one that is empty last.
func delay(cells []atomic.Uint64, hash uint64, now *instant, by, most uint64) {
	for {
		cell, word, h := find(cells, hash, now)
		if h.fast+loadGrain >= most {
			return // as good as there: who goes on costs no write
		}
		next := ticks{fast: max(h.fast, min(h.fast+by, most))}
		next.slow = max(h.slow, next.fast*uint64(loadFast)/uint64(loadSlow)+1)
		if cell.CompareAndSwap(word, now.word(hash, next)) {
			return
		}
	}
}

// forgive empties the account of hash, if it has one.
func forgive(cells []atomic.Uint64, hash uint64, now *instant) {
	for {
		cell, word, _ := find(cells, hash, now)
		if (word^hash)&tagMask != 0 || cell.CompareAndSwap(word, now.word(hash, ticks{})) {
			return
		}
	}
}

// peek returns what the account of hash holds, nothing if it has none.
func peek(cells []atomic.Uint64, hash uint64, now *instant) ticks {
	_, word, h := find(cells, hash, now)
	if (word^hash)&tagMask != 0 {
		return ticks{}
	}
	return h
}
