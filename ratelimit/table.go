package ratelimit

import (
	"sync/atomic"
	"time"
)

// ticks is a time since the limiter's epoch, or a span, in units of tick.
type ticks = uint64

// tick is the unit of time in a cell. 100 µs is 1/2000 of what one look-up costs
// by default, and 41 bits of it last almost 7 years. When they run out, clients
// with an account lose the rest of their burst once, as if the clock had been set back.
const tick = 100 * time.Microsecond

// start is what the epoch is in ticks. The cells of a new table hold 0, and so have
// been empty for a minute; a claim can add its tick without making a fresh client late.
const start = ticks(time.Minute / tick)

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
//	bits 63-42  tag: which account, of those that share the bucket; 0 is nobody's
//	bit  41     claim: the cell is about to be that account's (see claim)
//	bits 40-0   when the account will be empty, in ticks since the epoch
//
// Two accounts of one bucket have the same tag, and so share their charge, once in
// 4 million pairs. A cell of 16 bytes with a longer tag was tried on paper: two words
// cannot change together without a lock, and half as many cells fit a cache line.
const (
	emptyBits  = 41
	emptyMask  = 1<<emptyBits - 1
	claimBit   = 1 << emptyBits
	lowestTag  = 1 << (emptyBits + 1)
	tagMask    = 1<<64 - lowestTag
	nobodysTag = 0
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
// least charged, and keeps the charge it finds there. So nobody gains by being pushed
// out: no cell ever moves back in time, the one taken stands no later than all others
// of its bucket, and who comes back finds at least what he left. Filling the table
// costs only those who come new into a bucket without an empty cell, and costs them
// at most what its least charged owner has spent.
type table struct {
	buckets []bucket
	mask    uint64
}

// newTable returns a table of n buckets, a power of two.
func newTable(n int) table {
	return table{buckets: make([]bucket, n), mask: uint64(n - 1)}
}

// charge adds cost to the account that hash names, if what it then holds at now is
// no more than capacity, and returns 0. now counts from the epoch. Otherwise it changes nothing and returns how
// long it will be until cost fits; nothing is written then, so an attack that is
// being refused leaves the cache line shared between all cores. crowded tells that
// the account was opened on the charge of another.
func (t *table) charge(hash uint64, now, cost, capacity ticks) (wait ticks, crowded bool) {
	b := &t.buckets[hash&t.mask]
	tag := max(hash&tagMask, lowestTag)
	now = (now + start) & emptyMask
	for {
		cell, word := b.find(tag)
		if cell == nil {
			crowded = b.claim(tag, now) || crowded
			continue
		}
		empty := max(word&emptyMask, now)
		if empty-now > capacity+maxSkew {
			// Not charged by this clock: it was set back, or has run out of bits. What
			// the client had left cannot be known; it starts with nothing left.
			if cell.CompareAndSwap(word, tag|(now+capacity)&emptyMask) {
				return cost, crowded
			}
			continue
		}
		if held := empty - now + cost; held > capacity {
			return held - capacity, crowded
		}
		if cell.CompareAndSwap(word, tag|(empty+cost)&emptyMask) {
			return 0, crowded
		}
	}
}

// find returns the cell that tag owns and what it read there, or nil.
func (b *bucket) find(tag uint64) (*atomic.Uint64, uint64) {
	for i := range b {
		if word := b[i].Load(); word&^emptyMask == tag {
			return &b[i], word
		}
	}
	return nil, 0
}

// claim takes the least charged cell for tag, or finishes a claim that stands in the
// way; the caller looks again. It tells whether the cell still held another's charge.
//
// Two goroutines may open one account at the same time in different cells, and two
// cells for one account would be two bursts. So taking a cell has two steps: it is
// marked as claimed, then settled. A claim adds one tick to the cell's time, and so
// does its withdrawal: a claim is a word that this cell has never held and will never
// hold again, and no stale compare-and-swap can mistake it.
func (b *bucket) claim(tag uint64, now ticks) (crowded bool) {
	least, leastWord := -1, uint64(0)
	for i := range b {
		word := b[i].Load()
		if word&^emptyMask == tag|claimBit {
			b.settle(i, word)
			return false
		}
		if least < 0 || word&emptyMask < leastWord&emptyMask {
			least, leastWord = i, word
		}
	}
	if leastWord&claimBit != 0 {
		// Passing it over would push out an account that is charged more.
		b.settle(least, leastWord)
		return false
	}
	claim := tag | claimBit | (leastWord+1)&emptyMask
	if !b[least].CompareAndSwap(leastWord, claim) {
		return false
	}
	b.settle(least, claim)
	return leastWord&emptyMask > now
}

// settle ends the claim that cell i held when claim was read there: its account gets
// the cell, unless it has one already or a claim to a lower cell. Whoever meets a claim
// may settle it, so nobody waits for the goroutine that made it.
//
// That at most one cell ends up with the account: let the cells x and y both be claimed
// for it, and neither claim be seen by the settling of the other. Each is settled after
// it was claimed, so x was claimed after y's settling looked at x, hence after y was
// claimed, and so x's settling, later still, sees y: a contradiction. The one that does see the
// other withdraws whichever cell is the higher.
func (b *bucket) settle(i int, claim uint64) {
	tag := claim & tagMask
	for j := 0; j < ways; {
		word := b[j].Load()
		switch {
		case j == i || word&tagMask != tag:
			j++
		case word&claimBit == 0 || j < i:
			b[i].CompareAndSwap(claim, withdrawn(claim))
			return
		default:
			b[j].CompareAndSwap(word, withdrawn(word)) // look again: it may have been settled meanwhile
		}
	}
	b[i].CompareAndSwap(claim, claim&^claimBit)
}

// withdrawn is what a cell holds after its claim came to nothing.
func withdrawn(claim uint64) uint64 { return nobodysTag | (claim+1)&emptyMask }
