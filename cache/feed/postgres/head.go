package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"rddsd/cache/feed"
	"rddsd/cache/registry"
)

// head is what a registry says of itself in one transaction, the row of
// rdds.head().
type head struct {
	place          // but seen and newest
	replica bool   // a hot standby
	floor   uint64 // the journal holds every change from this transaction on
	nextXID uint64 // the first transaction that had not begun
	asOf    registry.Time
	clock   registry.Time
}

const selectHead = "select registry::text, epoch::text, contract::int, sysid, timeline::int8, replica, floor, horizon, next_xid, as_of, clock from rdds.head()"

// readHead reads where the registry stands. It is the first that a transaction
// reads.
func readHead(ctx context.Context, conn *pgx.Conn) (*head, error) {
	var (
		h           head
		timeline    int64
		asOf, clock time.Time
	)
	err := conn.QueryRow(ctx, selectHead).Scan(&h.registry, &h.epoch, &h.contract, &h.system, &timeline, &h.replica,
		&h.floor, &h.horizon, &h.nextXID, &asOf, &clock)
	if err != nil {
		return nil, fmt.Errorf("read rdds.head(): %w", err)
	}
	h.timeline, h.asOf, h.clock = uint32(timeline), registry.TimeOf(asOf), registry.TimeOf(clock)
	return &h, nil
}

// readable refuses a contract newer than ours: its views may mean other things.
func (h *head) readable() error {
	if h.contract > registry.Contract {
		return fmt.Errorf("%w: version %d, this program reads up to %d; install a newer rddsd",
			feed.ErrContract, h.contract, registry.Contract)
	}
	return nil
}

// follows returns nil when the journal tells all that changed since at (feed.md
// §6).
func (h *head) follows(at *place) error {
	gap := func(reason feed.Reason, format string, args ...any) error {
		return &feed.Gap{Reason: reason, Detail: fmt.Sprintf(format, args...)}
	}
	if h.registry != at.registry {
		return &feed.OtherRegistry{Known: at.registry, Found: h.registry}
	}
	if err := h.readable(); err != nil {
		return err
	}
	switch {
	case h.epoch != at.epoch:
		return gap(feed.ReasonEpoch, "its epoch is %s, ours %s", h.epoch, at.epoch)
	case h.system != at.system:
		return gap(feed.ReasonSystem, "its cluster is %s, ours was %s: transactions are counted anew", h.system, at.system)
	case h.timeline > at.timeline:
		return gap(feed.ReasonTimeline, "its timeline is %d, ours was %d: a standby was promoted, commits may be lost", h.timeline, at.timeline)
	case h.timeline < at.timeline:
		return &behind{gap(feed.ReasonTimeline, "its timeline is %d, ours was %d", h.timeline, at.timeline)}
	case at.horizon > h.nextXID || h.horizon < at.horizon:
		err := gap(feed.ReasonRewound, "it stands at transaction %d, horizon %d, our horizon is %d", h.nextXID, h.horizon, at.horizon)
		if h.replica {
			return &behind{err}
		}
		return err
	case at.horizon < h.floor:
		return gap(feed.ReasonPruned, "its journal begins at transaction %d, our horizon is %d", h.floor, at.horizon)
	}
	return nil
}

// behind says that the database stands before what we have read from it, or
// from its primary: a standby that has not caught up, or a database that was
// rewound.
type behind struct{ gap error }

func (b *behind) Error() string {
	return fmt.Sprintf("this database stands before what it has told already: %v; if it is a standby that is catching up, that passes", b.gap)
}

// maxBehind is how long a database may stand before our position until it is
// taken for one that was rewound. A standby tells its timeline only after a
// checkpoint, by default every five minutes.
const maxBehind = 6 * time.Minute
