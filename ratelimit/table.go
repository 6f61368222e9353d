package ratelimit

import (
	"sync/atomic"
	"time"
)

// ticks is a time since the limiter's epoch, or a span, in units of tick.
type ticks = uint64

// tick is the unit of time in a cell. 100 microseconds is 1/2000 of what one look-up costs
// by default, and 41 bits of it last almost 7 years. When they run out, clients
// with an account lose the rest of their burst once, as if the clock had been set back.
const tick = 100 * time.Microsecond

// maxSkew is how far a cell may stand beyond what charging can explain before
// its time is taken to come from another clock.
const maxSkew = ticks(time.Minute / tick)

const (
	// ways is how many cells a bucket has: as many as fill one cache line, so that
	// a decision touches one line of the table and no other.
	ways = 8

	// tableBuckets makes the table 4 MiB. An account is free again once its charge
	// has drained, after 200 ms for one look-up at the default rate: at 100,000
	// queries a second, each from an address never seen before, 20,000 of the
	// 524,288 cells are in use and less than 1 account in 10^8 finds its bucket crowded.
	tableBuckets = 1 << 16
)

// A cell is one word, so that who owns it and what is charged change together:
//
//	bits 63-41  tag: which account, of those that share the bucket
//	bits 40-0   when the account will be empty, in ticks since the epoch
//
// Two accounts of one bucket have the same tag, and so share their charge, once in
// 8 million pairs. A cell never used is an empty one of tag 0. Cells of 16 bytes would
// have room for longer tags, but two words cannot change together without a lock, and
// half as many fit a cache line.
const (
	emptyBits = 41
	emptyMask = 1<<emptyBits - 1
	tagMask   = 1<<64 - 1<<emptyBits
)

type bucket [ways]atomic.Uint64

// table holds accounts in memory of fixed size, as a set-associative cache holds
// lines: an account lives in the one bucket its hash names, in any of its cells.
//
// An account is a GCRA: the time at which it will be empty, that is, a leaky bucket
// seen from its end. It needs no sweep, because a time that has passed is an empty
// account.
//
// An account that is not in its bucket takes the cell that is empty first, thus the
// least charged, and goes on from the charge it finds there. So nobody gains by being
// pushed out: no cell ever moves back in time, the one taken stood no later than all
// others of its bucket, and who comes back finds at least what he left. Filling the
// table costs only those who come new into a bucket without an empty cell, and costs
// them at most what its least charged owner has spent.
//
// For the same reason no account ever has two cells, and so two bursts, although
// goroutines open accounts without a lock. Suppose account K took cell x and, while it
// had that, cell y. Who took y looked at x before K was there and chose y; who took x
// had looked at y earlier and chose x. A cell has the same time when it is taken as when
// it was chosen, or the compare-and-swap would fail. So in the order of their times
//
//	y when x was chosen <= y when taken <= x when y was chosen <= x when taken <= y when x was chosen
//
// and all are equal. But of equals both would have chosen the lower cell.
type table struct {
	buckets []bucket
	mask    uint64
}

// newTable returns a table of n buckets, a power of two.
func newTable(n int) table {
	return table{buckets: make([]bucket, n), mask: uint64(n - 1)}
}

// charge adds cost to the account that hash names, if what it then holds at now is
// no more than capacity, and returns 0. Otherwise it returns how long it will be until
// cost fits, and writes nothing, so that an attack that is being refused leaves the
// cache line shared between all cores. crowded tells that the account was opened on
// the charge of another.
func (t *table) charge(hash uint64, now, cost, capacity ticks) (wait ticks, crowded bool) {
	bucket := &t.buckets[hash&t.mask]
	tag := hash & tagMask
	now &= emptyMask
	for {
		cell, word := bucket.find(tag)
		empty := max(word&emptyMask, now)
		if empty-now > capacity+maxSkew {
			// Not charged by this clock: it was set back, or has run out of bits. What
			// the client had left cannot be known; it starts with nothing left.
			if cell.CompareAndSwap(word, tag|(now+capacity)&emptyMask) {
				return cost, false
			}
			continue
		}
		if held := empty - now + cost; held > capacity {
			return held - capacity, false
		}
		if cell.CompareAndSwap(word, tag|(empty+cost)&emptyMask) {
			return 0, word&tagMask != tag && empty > now
		}
	}
}

// find returns the cell that tag owns, or else the first of the least charged ones,
// and what it read there.
func (b *bucket) find(tag uint64) (cell *atomic.Uint64, word uint64) {
	least, leastWord := &b[0], b[0].Load()
	for i := range b {
		word := b[i].Load()
		if word&tagMask == tag {
			return &b[i], word
		}
		if word&emptyMask < leastWord&emptyMask {
			least, leastWord = &b[i], word
		}
	}
	return least, leastWord
}
