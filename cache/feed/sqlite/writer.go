package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
)

// OpenWriter opens the registry file at path for changing it, with what the
// contract asks of every writer: write-ahead logging, foreign keys, recursive
// triggers, and patience with other writers. It never makes a file. The caller
// closes it.
func OpenWriter(ctx context.Context, path string) (*sql.DB, error) {
	if info, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("open registry %s to write: %w", path, err)
	} else if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("open registry %s to write: it is not a file", path)
	}
	db, err := sql.Open("sqlite", fileURI(path, url.Values{
		"mode": {"rw"},
		// The wait comes first: setting the journal's mode may have to wait too.
		"_pragma": {"busy_timeout(10000)", "journal_mode(wal)", "synchronous(normal)", "foreign_keys(on)", "recursive_triggers(on)"},
	}))
	if err != nil {
		return nil, fmt.Errorf("open registry %s to write: %w", path, err)
	}
	db.SetMaxOpenConns(1) // SQLite has one writer at a time
	var contract int
	if err := db.QueryRowContext(ctx, "select contract from rdds_head").Scan(&contract); err != nil {
		return nil, errors.Join(fmt.Errorf("open registry %s to write: %w", path, err), db.Close())
	}
	return db, nil
}

// change runs f in one transaction that holds the write lock from its start, so
// that nothing it has read can change before it commits. f's error rolls back.
// Once begun, the transaction runs to its end whatever becomes of ctx.
func change(ctx context.Context, conn *sql.Conn, f func(context.Context) error) error {
	if _, err := conn.ExecContext(ctx, "begin immediate"); err != nil {
		if ctx.Err() != nil {
			return ctx.Err() // while it waited for another writer
		}
		return fmt.Errorf("begin: %w", err)
	}
	ctx = context.WithoutCancel(ctx)
	if err := f(ctx); err != nil {
		return errors.Join(err, rollback(ctx, conn))
	}
	if _, err := conn.ExecContext(ctx, "commit"); err != nil {
		return errors.Join(fmt.Errorf("commit: %w", err), rollback(ctx, conn))
	}
	return nil
}

func rollback(ctx context.Context, conn *sql.Conn) error {
	if _, err := conn.ExecContext(ctx, "rollback"); err != nil {
		return fmt.Errorf("roll back: %w", err)
	}
	return nil
}
