package postgres

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"rddsd/cache/registry"
)

const (
	// writerDial bounds how long a writer waits for a connection.
	writerDial = 10 * time.Second

	// writerLock is how long a writer waits for another's lock, as a writer of
	// a registry in SQLite does.
	writerLock = "10s"

	// maxConflicts is how often a change is tried again that met another
	// writer's.
	maxConflicts = 5

	// beginAlone begins a transaction under the advisory lock that a session holds
	// while it changes something, so that two of them do not undo each other's
	// accounts. The number means nothing.
	beginAlone = "begin; select pg_advisory_xact_lock(7244001)"
)

// Session is one connection that changes the reference tables of a registry: the
// tables.Database of PostgreSQL. It is for one goroutine.
type Session struct{ conn *pgx.Conn }

// OpenSession connects to the registry database that dsn names, for changing
// it. The caller closes the Session.
func OpenSession(ctx context.Context, dsn string) (*Session, error) {
	conn, err := connectWriter(ctx, dsn)
	if err != nil {
		return nil, err
	}
	var contract int
	if err := conn.QueryRow(ctx, "select contract from rdds.meta").Scan(&contract); err != nil {
		return nil, errors.Join(fmt.Errorf("open registry %s to write: %w", describe(conn.Config()), err), conn.Close(ctx))
	}
	return &Session{conn}, nil
}

// connectWriter opens a connection for changing the registry that dsn names. It
// finds the reference tables without their schema.
func connectWriter(ctx context.Context, dsn string) (*pgx.Conn, error) {
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil, fmt.Errorf("open a registry database to write: %w", err) // which shows no password
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = writerDial
	}
	config.RuntimeParams["application_name"] = "rddsd registry"
	config.RuntimeParams["search_path"] = "registry, pg_temp"
	config.RuntimeParams["lock_timeout"] = writerLock
	config.RuntimeParams["default_transaction_read_only"] = "off"
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("open registry %s to write: %w", describe(config), err)
	}
	return conn, nil
}

// Describe names the database of dsn for people: without a password.
func Describe(dsn string) string {
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		return "postgres"
	}
	return describe(config)
}

func describe(config *pgx.ConnConfig) string {
	return fmt.Sprintf("%s on %s", config.Database, config.Host)
}

// Close ends the session.
func (s *Session) Close() error { return s.conn.Close(context.Background()) }

// Change runs f in one transaction, under a lock that only sessions take, and
// again when another writer got in its way.
func (s *Session) Change(ctx context.Context, f func(context.Context) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	ctx = context.WithoutCancel(ctx)
	for try := 0; ; try++ {
		err := s.changeOnce(ctx, f)
		if err == nil || try == maxConflicts || !conflicts(err) {
			return err
		}
	}
}

func (s *Session) changeOnce(ctx context.Context, f func(context.Context) error) error {
	tx, err := s.conn.BeginTx(ctx, pgx.TxOptions{BeginQuery: beginAlone})
	if err != nil {
		return errors.Join(fmt.Errorf("begin: %w", err), s.rollback(ctx))
	}
	if err = f(ctx); err == nil {
		if err = tx.Commit(ctx); err == nil {
			return nil
		}
	}
	return errors.Join(explain(err), s.rollback(ctx))
}

// rollback ends the transaction. Outside of one it only draws a warning.
func (s *Session) rollback(ctx context.Context) error {
	if s.conn.IsClosed() {
		return nil // which has rolled back
	}
	if _, err := s.conn.Exec(ctx, "rollback"); err != nil {
		return fmt.Errorf("roll back: %w", err)
	}
	return nil
}

// conflicts reports whether err says that two transactions could not both go on
// (serialization_failure, deadlock_detected).
func conflicts(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (pg.Code == "40001" || pg.Code == "40P01")
}

// Defer puts the check of references off to the commit.
func (s *Session) Defer(ctx context.Context) error {
	if _, err := s.conn.Exec(ctx, "set constraints all deferred"); err != nil {
		return fmt.Errorf("defer the check of references: %w", err)
	}
	return nil
}

// Maintain runs the contract's maintain.
func (s *Session) Maintain(ctx context.Context, keep time.Duration) error {
	if _, err := s.conn.Exec(ctx, "select rdds.maintain(make_interval(secs => $1))", keep.Seconds()); err != nil {
		return fmt.Errorf("maintain the registry's journal: %w", err)
	}
	return nil
}

// Exec runs a statement.
func (s *Session) Exec(ctx context.Context, statement string, args ...any) error {
	if _, err := s.conn.Exec(ctx, rebind(statement), args...); err != nil {
		return fmt.Errorf("%.60q: %w", statement, err)
	}
	return nil
}

// Query calls row for each row of a query.
func (s *Session) Query(ctx context.Context, query string, args []any, row func(scan func(dest ...any) error) error) error {
	rows, err := s.conn.Query(ctx, rebind(query), args...)
	if err != nil {
		return fmt.Errorf("%.60q: %w", query, err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := row(rows.Scan); err != nil {
			return fmt.Errorf("%.60q: %w", query, err)
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("%.60q: %w", query, err)
	}
	return nil
}

// rebind makes $1 of ?1.
func rebind(query string) string { return strings.ReplaceAll(query, "?", "$") }

// List returns texts as an array, which is never null.
func (*Session) List(texts []string) any {
	if texts == nil {
		return []string{}
	}
	return texts
}

// Time returns t as a timestamp.
func (*Session) Time(t registry.Time) any { return t.Std() }

// Digest returns the bytes that digits stand for.
func (*Session) Digest(digits string) any {
	b, err := hex.DecodeString(digits)
	if err != nil {
		return digits // which the database refuses, with a reason
	}
	return b
}

// JSON makes a JSON array of an array.
func (*Session) JSON(list string) string { return "to_json(" + list + ")::text" }

// Micros counts the microseconds of a timestamp.
func (*Session) Micros(moment string) string {
	return "(extract(epoch from " + moment + ") * 1000000)::bigint"
}

// Hex writes a bytea in digits.
func (*Session) Hex(digest string) string { return "encode(" + digest + ", 'hex')" }

// Array aggregates what query selects.
func (*Session) Array(query string) string { return "to_json(array(" + query + "))::text" }

// Each unfolds an array.
func (*Session) Each(placeholder string) string {
	return "unnest(" + placeholder + "::text[]) as k(value)"
}

// View returns the name of the contract's view.
func (*Session) View(kind registry.Kind) string { return "rdds." + kind.String() }

// Highest reads the digits behind the letter.
func (*Session) Highest(table string) string {
	return "select coalesce(max(substring(roid from '^.([0-9]{1,18})')::bigint), 0) from " + table
}

// Serial reads the rows that this transaction has journalled: another one's may
// have higher numbers.
func (*Session) Serial() string {
	return "select coalesce(max(seq), 0) from rdds.journal where xid = pg_current_xact_id()"
}
