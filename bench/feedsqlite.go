package main

import (
	"context"
	"database/sql"
	"errors"

	"rddsd/cache/feed/churn"
	"rddsd/cache/feed/sqlite"
	"rddsd/cache/registry"
	"rddsd/cache/registry/synthetic"
)

// sqliteRegistry is a registry file whose names are renewed.
type sqliteRegistry struct {
	db   *sql.DB
	stmt *sql.Stmt
}

func openSQLite(ctx context.Context, path string) (*sqliteRegistry, error) {
	db, err := sqlite.OpenWriter(ctx, path)
	if err != nil {
		return nil, err
	}
	stmt, err := db.PrepareContext(ctx, "update domain set expires = ?, updated = ? where name = ?")
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &sqliteRegistry{db, stmt}, nil
}

func (s *sqliteRegistry) changeable(ctx context.Context) (names []string, latest registry.Time, err error) {
	rows, err := s.db.QueryContext(ctx, "select name from domain where clid <> ? and statuses not like '%pendingCreate%' order by name", synthetic.Protected)
	if err != nil {
		return nil, 0, err
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, 0, err
		}
		names = append(names, name)
	}
	if err := rows.Err(); err != nil {
		return nil, 0, err
	}
	return names, latest, s.db.QueryRowContext(ctx, "select coalesce(max(expires), 0) from domain").Scan(&latest)
}

func (s *sqliteRegistry) renew(ctx context.Context, name string, expires, now registry.Time) (int64, error) {
	result, err := s.stmt.ExecContext(ctx, int64(expires), int64(now), name)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

func (s *sqliteRegistry) maintain(ctx context.Context) error {
	return sqlite.Maintain(ctx, s.db, churn.DefaultKeep)
}

func (s *sqliteRegistry) close() error { return errors.Join(s.stmt.Close(), s.db.Close()) }
