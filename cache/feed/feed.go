// Package feed keeps the cache equal to what a registry publishes: the Follower
// takes a snapshot, then deltas, judges each, keeps a copy on disk and publishes
// the next View. How a registry is read is its Source's business.
package feed

import (
	"context"
	"errors"
	"fmt"

	"rddsd/cache"
	"rddsd/cache/registry"
)

// Source is the registry as the Follower needs it: two questions, nothing else.
// One goroutine at a time asks. A Source connects when it is first asked and
// again after an error; it starts nothing that outlives a call.
type Source interface {
	// Snapshot calls put for every published object, by kind in the order of
	// registry.Kind, and returns the one position at which all of them stood
	// and up to when that is known, by the registry's clock. After an error
	// what was put is worth nothing.
	Snapshot(ctx context.Context, put func(cache.Change) error) (cache.Position, registry.Time, error)

	// Next waits for the delta after at and returns it, or one without changes
	// when nothing changed for a poll interval: silence is not the same as
	// being cut off. It polls at once when at is not what it returned last, and
	// when the call before was cancelled.
	//
	// In each poll it calls due once, right after it has read the registry's
	// clock; due returns the keys that the delta must hold beside those that
	// changed.
	//
	// The errors that mean more than "try again later" are ErrGap,
	// ErrOtherRegistry and ErrContract.
	Next(ctx context.Context, at cache.Position, due func(clock registry.Time) []cache.Key) (cache.Delta, error)
}

var (
	// ErrGap says that the delta after a position will never come: only a
	// snapshot helps. A Gap tells why.
	ErrGap = errors.New("the registry no longer tells what changed since our position")
	// ErrOtherRegistry says that the database is another registry's. An
	// OtherRegistry tells whose.
	ErrOtherRegistry = errors.New("this is another registry's database")
	// ErrContract says that the registry publishes by a newer contract than
	// registry.Contract.
	ErrContract = errors.New("the registry publishes by a contract that this program does not know")
)

// Reason is why a snapshot is taken, the label of the count of resyncs.
type Reason string

// The reasons. A Source gives those up to ReasonLarge.
const (
	ReasonEpoch    Reason = "epoch"    // another numbering: a restore, a bulk load
	ReasonPruned   Reason = "pruned"   // the journal no longer reaches back to our position
	ReasonRewound  Reason = "rewound"  // the registry stands before our position in the same epoch: restored without a new one
	ReasonSystem   Reason = "system"   // another database cluster, which counts anew
	ReasonTimeline Reason = "timeline" // a standby was promoted: commits may be lost
	ReasonClock    Reason = "clock"    // the registry's clock was set back: what had ended by the clock has not
	ReasonLarge    Reason = "large"    // a delta named so much that a snapshot is cheaper, or that it does not fit in memory
	ReasonStart    Reason = "start"    // no usable copy on disk
	ReasonUnusable Reason = "unusable" // a delta could not be applied
	ReasonDamaged  Reason = "damaged"  // the copy on disk is damaged, in both generations
	ReasonRejected Reason = "rejected" // an operator rejected what was held
	ReasonAccepted Reason = "accepted" // an operator let another registry in
)

// Gap is an ErrGap with what led to it.
type Gap struct {
	Reason Reason
	Detail string // the two numbers that do not fit
}

// Error says why the delta will not come.
func (g *Gap) Error() string { return fmt.Sprintf("%v (%s): %s", ErrGap, g.Reason, g.Detail) }

// Is makes a Gap an ErrGap.
func (g *Gap) Is(target error) bool { return target == ErrGap }

// OtherRegistry is an ErrOtherRegistry with the identities.
type OtherRegistry struct {
	Known string // the registry that the edge follows
	Found string // the one that the database says it is
}

// Error names both registries.
func (o *OtherRegistry) Error() string {
	return fmt.Sprintf("%v: it is registry %s, this edge follows %s", ErrOtherRegistry, o.Found, o.Known)
}

// Is makes an OtherRegistry an ErrOtherRegistry.
func (o *OtherRegistry) Is(target error) bool { return target == ErrOtherRegistry }
