package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// maintenance is one heartbeat, in the order of the contract: a tick says how
// far the journal had come, the newest tick older than what is kept raises the
// floor, and what lies below goes.
var maintenance = [...]struct {
	sql  string
	keep bool // takes :keep, in microseconds
}{
	{sql: "insert or replace into rdds_tick select clock, seq from rdds_head"},
	{sql: `update rdds_meta set beat_at = (select clock from rdds_head),
		floor = max(floor, coalesce((select seq from rdds_tick where at < (select clock from rdds_head) - :keep order by at desc limit 1), 0))`, keep: true},
	{sql: "delete from rdds_journal where seq <= (select floor from rdds_meta)"},
	{sql: "delete from rdds_tick where seq < (select floor from rdds_meta)"},
}

// Maintain writes a heartbeat into a registry opened with OpenWriter and prunes
// its journal to what the last keep has brought, in one transaction. Whoever
// writes a registry runs it each churn.MaintainEvery.
func Maintain(ctx context.Context, db *sql.DB, keep time.Duration) error {
	conn, err := db.Conn(ctx)
	if err != nil {
		return fmt.Errorf("maintain the registry's journal: %w", err)
	}
	return errors.Join(maintain(ctx, conn, keep), conn.Close())
}

func maintain(ctx context.Context, conn *sql.Conn, keep time.Duration) error {
	err := change(ctx, conn, func(ctx context.Context) error {
		for _, m := range maintenance {
			var args []any
			if m.keep {
				args = append(args, sql.Named("keep", keep.Microseconds()))
			}
			if _, err := conn.ExecContext(ctx, m.sql, args...); err != nil {
				return fmt.Errorf("%.30q: %w", m.sql, err)
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("maintain the registry's journal: %w", err)
	}
	return nil
}
