package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"rddsd/cache/feed/sqlite"
	"rddsd/cache/registry"
)

// change is one committed transaction.
type change struct {
	name      string
	value     string    // that every answer about the name now holds, and no earlier one did
	committed time.Time // when the commit returned
}

// writer renews names of a registry, one in each transaction.
type writer struct {
	db     renewable
	names  []string // each is renewed once before any is again
	next   int
	expiry registry.Time
	beat   time.Time
}

// firstExpiry is where the dates of expiry begin that are written, one second
// apart: a date that no answer held before. 2100-01-01.
const firstExpiry registry.Time = 4102444800 * 1e6

// renewable is a registry whose names can be renewed: in SQLite, in PostgreSQL.
type renewable interface {
	// changeable returns the names that may be changed, in order, and the latest
	// date of expiry: those of the fixed registrar stand for tests, and a name in
	// pending creation is not shown.
	changeable(ctx context.Context) (names []string, latest registry.Time, err error)
	// renew sets the expiry of one name and returns how many rows that changed.
	renew(ctx context.Context, name string, expires, now registry.Time) (int64, error)
	maintain(ctx context.Context) error
	close() error
}

// openRegistry opens the registry that place names: a file, or "postgres:" and how
// a database is reached.
func openRegistry(ctx context.Context, place string) (renewable, error) {
	if dsn, ok := strings.CutPrefix(place, "postgres:"); ok {
		return openPostgres(ctx, dsn)
	}
	return openSQLite(ctx, place)
}

// openWriter opens the registry that place names, for changing it.
func openWriter(ctx context.Context, place string, seed uint64) (w *writer, err error) {
	db, err := openRegistry(ctx, place)
	if err != nil {
		return nil, err
	}
	w = &writer{db: db}
	defer func() {
		if err != nil {
			err = fmt.Errorf("change the registry: %w", errors.Join(err, db.close()))
		}
	}()
	if w.names, w.expiry, err = db.changeable(ctx); err != nil {
		return nil, err
	}
	w.expiry = max(w.expiry, firstExpiry) // after those of an earlier run
	if len(w.names) == 0 {
		return nil, errors.New("it holds no name that may be changed")
	}
	rng := rand.New(rand.NewPCG(seed, 2))
	rng.Shuffle(len(w.names), func(i, j int) { w.names[i], w.names[j] = w.names[j], w.names[i] })
	return w, nil
}

// write commits one change. As whoever writes a registry must, it maintains the
// journal now and then.
func (w *writer) write(ctx context.Context) (change, error) {
	now := time.Now()
	if now.After(w.beat) {
		if err := w.db.maintain(ctx); err != nil {
			return change{}, err
		}
		w.beat = now.Add(sqlite.MaintainEvery)
	}
	w.expiry += 1e6
	c := change{name: w.names[w.next], value: w.expiry.String()}
	w.next = (w.next + 1) % len(w.names)
	n, err := w.db.renew(ctx, c.name, w.expiry, registry.TimeOf(now))
	c.committed = time.Now()
	if err != nil {
		return c, fmt.Errorf("renew %s: %w", c.name, err)
	}
	if n != 1 {
		return c, fmt.Errorf("renew %s: %d rows were changed: somebody else changes this registry", c.name, n)
	}
	return c, nil
}

func (w *writer) close() error { return w.db.close() }
