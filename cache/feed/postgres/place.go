package postgres

import (
	"encoding/binary"
	"errors"
	"slices"

	"rddsd/cache"
)

// place is where a registry stood in one snapshot (feed.md §3, rule C): every
// transaction below the horizon is in, and of those from there on the seen ones.
// Numbers from the sequence of the journal, or times, would skip what commits
// late.
type place struct {
	registry string // identity
	epoch    string
	contract int
	system   string   // identifier of the cluster: its transactions are counted apart
	timeline uint32   // of its write-ahead log: another one after a promotion
	horizon  uint64   // the oldest transaction that was not finished
	seen     []uint64 // transactions from the horizon on that are in, sorted

	// newest is the journal row with the highest sequence number that is in; the
	// zero mark when there was none. If it is gone without having been pruned,
	// then the database has lost commits that we have read.
	newest mark
}

// mark names a row of the journal.
type mark struct{ xid, seq uint64 }

var errPlace = errors.New("the position is not one of a PostgreSQL registry")

// position returns p as a Position: two places are equal when their positions
// are.
func (p *place) position() cache.Position {
	text := binary.AppendUvarint(nil, uint64(len(p.system)))
	text = append(text, p.system...)
	text = binary.AppendUvarint(text, uint64(p.timeline))
	text = binary.AppendUvarint(text, p.newest.xid)
	text = binary.AppendUvarint(text, p.newest.seq)
	last := p.horizon
	for _, xid := range p.seen {
		text = binary.AppendUvarint(text, xid-last)
		last = xid
	}
	return cache.Position{Registry: p.registry, Epoch: p.epoch, Contract: p.contract, Serial: p.horizon, Resume: string(text)}
}

// placeOf returns the place that position made at of.
func placeOf(at cache.Position) (*place, error) {
	p := &place{registry: at.Registry, epoch: at.Epoch, contract: at.Contract, horizon: at.Serial}
	rest, ok := []byte(at.Resume), true
	number := func() uint64 {
		n, length := binary.Uvarint(rest)
		if length <= 0 {
			rest, ok = nil, false
			return 0
		}
		rest = rest[length:]
		return n
	}
	length := number()
	if length > uint64(len(rest)) {
		return nil, errPlace
	}
	p.system, rest = string(rest[:length]), rest[length:]
	p.timeline = uint32(number())
	p.newest.xid, p.newest.seq = number(), number()
	for last := p.horizon; len(rest) > 0; {
		last += number()
		p.seen = append(p.seen, last)
	}
	if !ok {
		return nil, errPlace
	}
	return p, nil
}

// advance moves p to the horizon of a snapshot in which the transactions read
// were new, and drops what it need not remember.
func (p *place) advance(horizon uint64, read map[uint64]struct{}) {
	for xid := range read {
		p.seen = append(p.seen, xid)
	}
	p.horizon = horizon
	p.seen = slices.DeleteFunc(p.seen, func(xid uint64) bool { return xid < horizon })
	slices.Sort(p.seen)
	p.seen = slices.Compact(p.seen)
	p.seen = p.seen[:min(len(p.seen), maxSeen)]
}

// maxSeen is the most transactions above the horizon that are remembered. When
// one transaction has been open for more others than that, the rest is read again
// in every poll, which does no harm but takes time.
const maxSeen = 100_000
