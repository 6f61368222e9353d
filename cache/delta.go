package cache

import (
	"fmt"
	"time"

	"rddsd/cache/registry"
)

// Position says where a registry stood: the numbering, and how far in it.
type Position struct {
	Registry string // identity of the registry database
	Epoch    string // one unbroken numbering; another one begins after a restore or a bulk load
	Contract int    // version of the publication contract
	Serial   uint64 // SQLite: the journal's last sequence number; PostgreSQL: every transaction below it is in
	Resume   string // what else its Source needs to go on from here; "" = nothing. Nobody else reads it
}

// precedes tells why a delta to the position to cannot follow on p.
func (p Position) precedes(to Position) error {
	switch {
	case to.Registry != p.Registry:
		return fmt.Errorf("it is of registry %s and follows on one of registry %s", to.Registry, p.Registry)
	case to.Epoch != p.Epoch:
		return fmt.Errorf("it is of epoch %s and follows on one of epoch %s: a snapshot is needed", to.Epoch, p.Epoch)
	case to.Serial < p.Serial:
		return fmt.Errorf("it leads to serial %d and follows on %d: a snapshot is needed", to.Serial, p.Serial)
	}
	return nil
}

// Key names one published object.
type Key struct {
	Kind registry.Kind
	Name string
}

// Change is one object as it stands now. Row is its row in the form of package
// registry, "" when the object is gone. Reject tells why a row that is there
// cannot be published; Row is "" then, and the last good row stays.
type Change struct {
	Key
	Row    string
	Reject registry.Reject
}

// Delta is all that changed between two consistent states of the registry:
// applied whole, or not at all. A key stands in it once. A delta without
// changes says that nothing changed up to AsOf.
type Delta struct {
	To      Position
	AsOf    registry.Time // the moment at which the registry stood at To, by its own clock
	Changes []Change
	Noticed time.Time // when the Source noticed that something had changed, by the edge's clock; zero = not told; not kept on disk
}

// Rejected is one row that was not published, and why.
type Rejected struct {
	Key
	Reason registry.Reject
}
