package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"rddsd/cache/feed/sqlite"
	"rddsd/cache/registry"
	"rddsd/cache/registry/synthetic"
)

// change is one committed transaction.
type change struct {
	name      string
	value     string    // that every answer about the name now holds, and no earlier one did
	committed time.Time // when the commit returned
}

// writer renews names of a registry file, one in each transaction.
type writer struct {
	db     *sql.DB
	renew  *sql.Stmt
	names  []string // each is renewed once before any is again
	next   int
	expiry registry.Time
	beat   time.Time
}

// firstExpiry is where the dates of expiry begin that are written, one second
// apart: a date that no answer held before. 2100-01-01.
const firstExpiry registry.Time = 4102444800 * 1e6

// openWriter opens the registry file at path.
func openWriter(ctx context.Context, path string, seed uint64) (w *writer, err error) {
	db, err := sqlite.OpenWriter(ctx, path)
	if err != nil {
		return nil, err
	}
	w = &writer{db: db}
	defer func() {
		if err != nil {
			err = fmt.Errorf("change registry %s: %w", path, errors.Join(err, db.Close()))
		}
	}()
	if w.names, err = changeable(ctx, db); err != nil {
		return nil, err
	}
	if len(w.names) == 0 {
		return nil, errors.New("it holds no name that may be changed")
	}
	rng := rand.New(rand.NewPCG(seed, 2))
	rng.Shuffle(len(w.names), func(i, j int) { w.names[i], w.names[j] = w.names[j], w.names[i] })
	// After those of an earlier run.
	if err := db.QueryRowContext(ctx, "select max(?, coalesce(max(expires), 0)) from domain", int64(firstExpiry)).Scan(&w.expiry); err != nil {
		return nil, err
	}
	w.renew, err = db.PrepareContext(ctx, "update domain set expires = ?, updated = ? where name = ?")
	return w, err
}

// changeable returns the names that may be changed: those of the fixed registrar
// stand for tests, and a name in pending creation is not shown.
func changeable(ctx context.Context, db *sql.DB) (names []string, err error) {
	rows, err := db.QueryContext(ctx, "select name from domain where clid <> ? and statuses not like '%pendingCreate%' order by name", synthetic.Protected)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	return names, rows.Err()
}

// write commits one change. As whoever writes a registry must, it maintains the
// journal now and then.
func (w *writer) write(ctx context.Context) (change, error) {
	now := time.Now()
	if now.After(w.beat) {
		if err := sqlite.Maintain(ctx, w.db, sqlite.DefaultKeep); err != nil {
			return change{}, err
		}
		w.beat = now.Add(sqlite.MaintainEvery)
	}
	w.expiry += 1e6
	c := change{name: w.names[w.next], value: w.expiry.String()}
	w.next = (w.next + 1) % len(w.names)
	result, err := w.renew.ExecContext(ctx, int64(w.expiry), now.UnixMicro(), c.name)
	c.committed = time.Now()
	if err != nil {
		return c, fmt.Errorf("renew %s: %w", c.name, err)
	}
	if n, err := result.RowsAffected(); err != nil || n != 1 {
		return c, fmt.Errorf("renew %s: %d rows were changed (%v): somebody else changes this registry", c.name, n, err)
	}
	return c, nil
}

func (w *writer) close() error { return errors.Join(w.renew.Close(), w.db.Close()) }
