package ratelimit

import (
	"sync/atomic"
	"time"
)

const (
	// demandBuckets makes the table 8 MiB, a million sources.
	demandBuckets = 1 << 17

	// demandHalf is the time in which half of what a source has asked for is
	// forgotten, in hours: who asks for one object a day stands at 15 in the end.
	demandHalf = 240

	// demandFor is how long a source is remembered since it asked last, in hours.
	demandFor = uint64(month / time.Hour)

	// oneObject is the unit of what was asked for.
	oneObject = 8

	// acquaintedEach is how long a source must have been asking before a rush began, in
	// hours, to be shown twice as much as who made it; twice as long, three times, and
	// so on until acquaintedMost (Peng, Leckie, Ramamohanarao 2003: history-based IP
	// filtering).
	acquaintedEach = 12
	acquaintedMost = 14 * acquaintedEach

	// acquaintedLeast is below how many objects acquaintance takes nothing off: who asks
	// for no more than people do comes first, whoever it is.
	acquaintedLeast = 8
)

// A word of the table: bits 63-44 a tag of the source, bits 43-30 when it was seen
// first, bits 29-16 when it was seen last, both in hours, which wrap after 682 days; bits
// 15-0 what it has asked for lately.
const (
	demandTag   = 1<<64 - 1<<44
	demandHours = 1<<14 - 1
	demandMost  = 1<<16 - 1
)

// demands remembers for how many new objects with contact values each source has
// asked lately, whether or not it was shown them, and since when it has been asking, in
// memory of fixed size. It spends nothing: it only tells who is served while the
// guard of a zone is short. So a source that asks again and again for what it is
// not shown comes behind those who ask little, and who was there before the rush
// comes before those who made it.
//
// A bucket that is full forgets first who has asked least, newcomers before others.
type demands struct{ buckets [][8]atomic.Uint64 }

// demand is what is known of one source: for how much it has asked lately, the present
// ask included, in oneObject, and how many hours ago it was seen first.
type demand struct{ asked, age uint64 }

func hours(nanos uint64) uint64 { return nanos / uint64(time.Hour) & demandHours }

// demandOf returns what word tells at hour now. stale means that it tells nothing.
func demandOf(word, now uint64) (d demand, stale bool) {
	idle := (now - word>>16) & demandHours
	if idle >= demandHours-1 {
		idle = 0 // another's clock is ahead of ours
	}
	if word == 0 || idle > demandFor {
		return demand{}, true
	}
	d.asked = word & demandMost >> (idle / demandHalf)
	d.asked -= d.asked * (idle % demandHalf) / (2 * demandHalf)
	d.age = min((now-word>>30)&demandHours, demandHours/2)
	return d, false
}

// ask adds count objects to what source has asked for, and returns the sum. Without
// act nothing is added to the table.
func (t *demands) ask(source, nanos uint64, count int, act bool) demand {
	bucket, now := &t.buckets[source%demandBuckets], hours(nanos)
	more := min(uint64(count)*oneObject, demandMost)
	for {
		cell, word, d := findDemand(bucket, source, now)
		d.asked = min(d.asked+more, demandMost)
		next := source&demandTag | (now-d.age)&demandHours<<30 | now<<16 | d.asked
		if !act || cell.CompareAndSwap(word, next) {
			return d
		}
	}
}

// findDemand returns the cell of source and what it tells, or else the cell that it may take.
func findDemand(bucket *[8]atomic.Uint64, source, now uint64) (cell *atomic.Uint64, word uint64, d demand) {
	least := ^uint64(0)
	for i := range bucket {
		w := bucket[i].Load()
		found, stale := demandOf(w, now)
		worth := found.asked
		switch {
		case stale:
			worth = 0
		case (w^source)&demandTag == 0:
			return &bucket[i], w, found
		case found.age >= acquaintedEach:
			worth *= 4
		}
		if worth < least {
			cell, word, least = &bucket[i], w, worth
		}
	}
	return cell, word, demand{}
}

// forget removes what is known of source.
func (t *demands) forget(source uint64) {
	bucket := &t.buckets[source%demandBuckets]
	for i := range bucket {
		if w := bucket[i].Load(); w != 0 && (w^source)&demandTag == 0 {
			bucket[i].CompareAndSwap(w, 0) // one that has just asked is known again anyhow
		}
	}
}

// Below calm, the guard serves everybody. Above, the more a source asks for the
// emptier the guard must be: reachHalf objects halve what it may use of the rest.
const (
	calm      = 0.40
	reachHalf = 8
)

// reach returns how full the guard may be for a source of which d is known, if the
// rush began so many hours ago.
func (d demand) reach(rush uint64) float64 {
	asked := float64(d.asked) / oneObject
	if d.age > rush {
		asked = max(asked/(1+float64(min(d.age-rush, acquaintedMost))/acquaintedEach), min(asked, acquaintedLeast))
	}
	return calm + (1-calm)*reachHalf/(reachHalf+asked)
}
