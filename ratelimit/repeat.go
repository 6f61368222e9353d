package ratelimit

import (
	"sync/atomic"
	"time"
)

const (
	// repeatWindow is how long an object that a client has seen is remembered
	// since it was asked for last: whoever looks after a portfolio once a week pays
	// for it once.
	repeatWindow = 8 * day

	// repeatBuckets makes the table 16 MiB, two million pairs of client and object.
	repeatBuckets = 1 << 18
)

// A word of the table: bits 63-18 a keyed hash of client and object, bit 17 set
// once it was asked for again, bits 16-0 when it was asked for last, in minutes,
// which wrap after 91 days.
const (
	repeatProven = 1 << 17
	repeatTime   = repeatProven - 1
	repeatTag    = 1<<64 - 1<<18
)

// repeats remembers which objects each client has been shown, in memory of fixed
// size, and on disk only encrypted (saveRepeats). A bucket that is full forgets first what was never asked
// for again, so that an enumeration of the zone does not push out the portfolio
// that somebody looks after daily.
type repeats struct{ buckets [][8]atomic.Uint64 }

func minutes(nanos uint64) uint64 { return nanos / uint64(time.Minute) & repeatTime }

// known reports whether id was shown within the window, and renews it if act is set.
func (r *repeats) known(id, nanos uint64, act bool) bool {
	bucket, now := &r.buckets[id%uint64(len(r.buckets))], minutes(nanos)
	for i := range bucket {
		word := bucket[i].Load()
		if word == 0 || (word^id)&repeatTag != 0 || stale(word, now) {
			continue
		}
		if renewed := id&repeatTag | repeatProven | now; act && renewed != word {
			bucket[i].CompareAndSwap(word, renewed) // whoever came first has renewed it too
		}
		return true
	}
	return false
}

// add remembers id.
func (r *repeats) add(id, nanos uint64) {
	bucket, now := &r.buckets[id%uint64(len(r.buckets))], minutes(nanos)
	for range bucket { // so many others at most can be in the way at once
		var (
			victim *atomic.Uint64
			worth  = ^uint64(0)
			old    uint64
		)
		for i := range bucket {
			word := bucket[i].Load()
			value := uint64(0) // of an empty word, or one out of its window
			if word != 0 && !stale(word, now) {
				value = word&repeatProven + repeatTime - (now-word)&repeatTime
			}
			if value < worth {
				victim, worth, old = &bucket[i], value, word
			}
		}
		if victim.CompareAndSwap(old, id&repeatTag|now) {
			return
		}
	}
}

func stale(word, now uint64) bool {
	age := (now - word) & repeatTime
	return age > uint64(repeatWindow/time.Minute) && age < repeatTime-uint64(maxSkew/time.Minute)
}
