package sqlite

import (
	"database/sql/driver"
	"fmt"
	"slices"

	"rddsd/cache"
	"rddsd/cache/feed"
	"rddsd/cache/registry"
)

// head is where the registry stands in one transaction, the row of rdds_head.
type head struct {
	position cache.Position
	floor    uint64        // the journal holds every change after this serial
	clock    registry.Time // the database's
	version  int64         // data_version of the transaction
}

const selectHead = "select registry, epoch, contract, floor, seq, clock from rdds_head"

// head reads where the registry stands. It must be the first that a transaction
// reads: rows read after it may be newer than its clock by the milliseconds
// between two statements, never older (feed.md §10).
func (r *reader) head() (head, error) {
	var h head
	rows := 0
	err := r.query(r.headStmt, nil, func(values []driver.Value) error {
		rows++
		row := row{values: values}
		var (
			contract, floor, serial int64
			ok                      [6]bool
		)
		h.position.Registry, ok[0] = row.Text()
		h.position.Epoch, ok[1] = row.Text()
		contract, ok[2] = row.Number()
		floor, ok[3] = row.Number()
		serial, ok[4] = row.Number()
		h.clock, ok[5] = row.Time()
		h.position.Contract, h.floor, h.position.Serial = int(contract), uint64(floor), uint64(serial)
		if slices.Contains(ok[:], false) || floor < 0 || serial < 0 || h.position.Registry == "" || h.position.Epoch == "" || h.clock == 0 {
			// Without the clock, or the log would take each attempt for another fault.
			return fmt.Errorf("%w: rdds_head says %v, or its clock is no time", errContent, values[:5])
		}
		return nil
	})
	if err != nil {
		return head{}, err
	}
	if rows != 1 {
		return head{}, fmt.Errorf("%w: rdds_head has %d rows instead of one", errContent, rows)
	}
	h.version, err = r.version()
	return h, err
}

// readable refuses a contract newer than ours: its views may mean other things.
func (h *head) readable() error {
	if h.position.Contract > registry.Contract {
		return fmt.Errorf("%w: version %d, this program reads up to %d; install a newer rddsd",
			feed.ErrContract, h.position.Contract, registry.Contract)
	}
	return nil
}

// follows returns nil when the journal tells all that changed since at.
func (h *head) follows(at cache.Position) error {
	now := &h.position
	if now.Registry != at.Registry {
		return &feed.OtherRegistry{Known: at.Registry, Found: now.Registry}
	}
	if err := h.readable(); err != nil {
		return err
	}
	switch {
	case now.Epoch != at.Epoch:
		return &feed.Gap{Reason: feed.ReasonEpoch, Detail: fmt.Sprintf("its epoch is %s, ours %s", now.Epoch, at.Epoch)}
	case now.Serial < at.Serial:
		return &feed.Gap{Reason: feed.ReasonRewound, Detail: fmt.Sprintf("it stands at %d, we at %d", now.Serial, at.Serial)}
	case h.floor > at.Serial:
		return &feed.Gap{Reason: feed.ReasonPruned, Detail: fmt.Sprintf("its journal begins after %d, we stand at %d", h.floor, at.Serial)}
	}
	return nil
}
