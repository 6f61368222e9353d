package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Finding is one thing about a registry's schema that does not keep the
// publication contract (feed.md §2), or, as a remark, that is not as it should
// be.
type Finding struct {
	Remark bool   // nothing is wrong as it stands
	Where  string // a view, a function, the role
	What   string // what is wrong, and what to do
}

// Verification says how to verify a registry.
type Verification struct {
	// For is how long the registry is followed while it works, to find what
	// changes without the journal's telling. 0 = not at all.
	For time.Duration
	// Following is called when everything was read and the following begins:
	// now the registry must work. nil = nobody wants to know.
	Following func()
	// Found is called for each finding, in the order of the checks.
	Found func(Finding)
}

// Verified says what Verify has looked at.
type Verified struct {
	Wrong, Remarks int
	Rows           int           // in all views
	Polls          int           // while the registry was followed
	Changes        int           // keys that its journal named meanwhile
	Followed       time.Duration // how long
}

// Verify reads the registry that dsn names, with the role of an edge, and finds
// out whether its views, its functions and the role's rights keep the contract.
// It writes nothing. It returns an error only when it could not go on; what is
// wrong with the registry is a Finding.
func Verify(ctx context.Context, dsn string, v Verification) (Verified, error) {
	config, err := parseDSN(dsn)
	if err != nil {
		return Verified{}, err
	}
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return Verified{}, fmt.Errorf("verify registry %s: %w", describe(config), err)
	}
	defer hangUp(conn)
	check := &verifier{ctx: ctx, conn: conn, found: v.Found, following: v.Following}
	if err := check.all(dsn, v.For); err != nil {
		return check.done, fmt.Errorf("verify registry %s: %w", describe(config), err)
	}
	return check.done, nil
}

// verifier collects findings over one connection of an edge's role.
type verifier struct {
	ctx       context.Context
	conn      *pgx.Conn
	found     func(Finding)
	following func()
	done      Verified
}

func (v *verifier) all(dsn string, length time.Duration) error {
	there, readable, err := v.shape()
	if err != nil || !there {
		return err
	}
	if err := v.clock(); err != nil {
		return err
	}
	if err := v.rights(); err != nil {
		return err
	}
	if !readable {
		v.remark("the registry", "its rows were not read: the views must first have their shape")
		return nil
	}
	err = v.rows(dsn)
	if err == nil && length > 0 {
		err = v.follow(length)
	}
	// What a view runs into is a fault of the view.
	var pg *pgconn.PgError
	if errors.As(err, &pg) && v.ctx.Err() == nil {
		v.wrong("the registry", "its rows cannot be read: %v", explain(err))
		return nil
	}
	return err
}

func (v *verifier) wrong(where, format string, args ...any) {
	v.done.Wrong++
	v.found(Finding{Where: where, What: fmt.Sprintf(format, args...)})
}

func (v *verifier) remark(where, format string, args ...any) {
	v.done.Remarks++
	v.found(Finding{Remark: true, Where: where, What: fmt.Sprintf(format, args...)})
}

// texts reads a query of one column.
func (v *verifier) texts(query string, args ...any) ([]string, error) {
	rows, err := v.conn.Query(v.ctx, query, args...)
	if err != nil {
		return nil, explain(err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("%.60q: %w", query, explain(err))
	}
	return list, nil
}

// snapshot runs f in a transaction that sees one state.
func (v *verifier) snapshot(f func() error) error {
	tx, err := v.conn.BeginTx(v.ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return err
	}
	err = f()
	if ended := tx.Rollback(v.ctx); ended != nil && err == nil && !errors.Is(ended, pgx.ErrTxClosed) {
		err = ended
	}
	return err
}
