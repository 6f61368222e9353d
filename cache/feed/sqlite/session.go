package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"rddsd/cache/registry"
)

// Session is one connection that changes a registry file: the tables.Database
// of SQLite. It is for one goroutine.
type Session struct {
	db    *sql.DB
	conn  *sql.Conn
	stmts map[string]*sql.Stmt // by their text
}

// OpenSession opens the registry file at path for changing it, see OpenWriter.
// The caller closes the Session.
func OpenSession(ctx context.Context, path string) (*Session, error) {
	db, err := OpenWriter(ctx, path)
	if err != nil {
		return nil, err
	}
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open registry %s to write: %w", path, err), db.Close())
	}
	return &Session{db: db, conn: conn, stmts: map[string]*sql.Stmt{}}, nil
}

// Close ends the session.
func (s *Session) Close() error {
	var err error
	for _, stmt := range s.stmts {
		err = errors.Join(err, stmt.Close())
	}
	return errors.Join(err, s.conn.Close(), s.db.Close())
}

// Change runs f in one transaction that holds the write lock from its start: it
// meets no conflict.
func (s *Session) Change(ctx context.Context, f func(context.Context) error) error {
	return change(ctx, s.conn, f)
}

// Defer puts the check of references off to the commit.
func (s *Session) Defer(ctx context.Context) error {
	if _, err := s.conn.ExecContext(ctx, "pragma defer_foreign_keys = on"); err != nil {
		return fmt.Errorf("defer the check of references: %w", err)
	}
	return nil
}

// Maintain is Maintain in this session.
func (s *Session) Maintain(ctx context.Context, keep time.Duration) error {
	return maintain(ctx, s.conn, keep)
}

// Exec runs a statement.
func (s *Session) Exec(ctx context.Context, statement string, args ...any) error {
	stmt, err := s.stmt(ctx, statement)
	if err != nil {
		return err
	}
	if _, err := stmt.ExecContext(ctx, args...); err != nil {
		return fmt.Errorf("%.60q: %w", statement, err)
	}
	return nil
}

// Query calls row for each row of a query.
func (s *Session) Query(ctx context.Context, query string, args []any, row func(scan func(dest ...any) error) error) error {
	stmt, err := s.stmt(ctx, query)
	if err != nil {
		return err
	}
	rows, err := stmt.QueryContext(ctx, args...)
	if err != nil {
		return fmt.Errorf("%.60q: %w", query, err)
	}
	for rows.Next() {
		if err := row(rows.Scan); err != nil {
			return errors.Join(fmt.Errorf("%.60q: %w", query, err), rows.Close())
		}
	}
	return errors.Join(rows.Err(), rows.Close())
}

func (s *Session) stmt(ctx context.Context, text string) (*sql.Stmt, error) {
	if stmt, ok := s.stmts[text]; ok {
		return stmt, nil
	}
	stmt, err := s.conn.PrepareContext(ctx, text)
	if err != nil {
		return nil, fmt.Errorf("%.60q: %w", text, err)
	}
	s.stmts[text] = stmt
	return stmt, nil
}

// List returns texts as a JSON array.
func (*Session) List(texts []string) any { return string(appendList(nil, texts)) }

// Time returns t in microseconds since 1970.
func (*Session) Time(t registry.Time) any { return int64(t) }

// Digest returns hex: the contract's column is text.
func (*Session) Digest(hex string) any { return hex }

// JSON returns the column, which holds a JSON array.
func (*Session) JSON(list string) string { return list }

// Micros returns the column, which counts microseconds.
func (*Session) Micros(moment string) string { return moment }

// Hex returns the column with its digits in lower case.
func (*Session) Hex(digest string) string { return "lower(" + digest + ")" }

// Array aggregates what query selects.
func (*Session) Array(query string) string {
	return "(select json_group_array(v) from (" + query + "))"
}

// Each unfolds a JSON array.
func (*Session) Each(placeholder string) string { return "json_each(" + placeholder + ") k" }

// View returns the name of the contract's view.
func (*Session) View(kind registry.Kind) string { return "rdds_" + kind.String() }

// Highest relies on cast, which reads a number up to the first other character.
func (*Session) Highest(table string) string {
	return "select coalesce(max(cast(substr(roid, 2) as integer)), 0) from " + table
}

// Serial reads the position: one writer at a time makes it this transaction's.
func (*Session) Serial() string { return "select seq from rdds_head" }
