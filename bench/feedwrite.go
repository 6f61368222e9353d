package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"rddsd/cache/feed/churn"
	"rddsd/cache/registry"
)

// change is one committed transaction.
type change struct {
	name      string
	value     string    // that every answer about the name now holds, and no earlier one did
	committed time.Time // when the commit returned
}

// writer renews some of the names of a registry over one connection, one in each
// transaction.
type writer struct {
	db       renewable
	names    []string // each is renewed once before any is again
	next     int
	expiry   registry.Time
	step     registry.Time // between two dates of expiry: those between are other writers'
	maintain bool          // it sees to the journal, too
	beat     time.Time
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

// postgresWriters is how many connections change a registry in PostgreSQL: one
// alone waits for each commit, and falls behind a thousand a second. SQLite lets
// one write at a time.
const postgresWriters = 8

// openWriters opens the registry that place names, for changing it. Each writer
// has names of its own, so that two renewals of one name never overtake each
// other. The caller closes them.
func openWriters(ctx context.Context, place string, seed uint64) (_ writers, err error) {
	connections := 1
	if strings.HasPrefix(place, "postgres:") {
		connections = postgresWriters
	}
	var all writers
	defer func() {
		if err != nil {
			err = fmt.Errorf("change the registry: %w", errors.Join(err, all.close()))
		}
	}()
	db, err := openRegistry(ctx, place)
	if err != nil {
		return nil, err
	}
	all = writers{{db: db, maintain: true}}
	names, expiry, err := db.changeable(ctx)
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		return nil, errors.New("it holds no name that may be changed")
	}
	rng := rand.New(rand.NewPCG(seed, 2))
	rng.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	for len(all) < min(connections, len(names)) {
		db, err := openRegistry(ctx, place)
		if err != nil {
			return nil, err
		}
		all = append(all, &writer{db: db})
	}
	for i, name := range names {
		w := all[i%len(all)]
		w.names = append(w.names, name)
	}
	for i, w := range all {
		w.step = registry.Time(len(all)) * 1e6
		w.expiry = max(expiry, firstExpiry) + registry.Time(i)*1e6 // after those of an earlier run
	}
	return all, nil
}

// writers are those of one registry.
type writers []*writer

// names returns how many names they renew.
func (all writers) names() int {
	n := 0
	for _, w := range all {
		n += len(w.names)
	}
	return n
}

func (all writers) close() error {
	var errs []error
	for _, w := range all {
		errs = append(errs, w.db.close())
	}
	return errors.Join(errs...)
}

// write commits one change. As whoever writes a registry must, one of the writers
// maintains the journal now and then.
func (w *writer) write(ctx context.Context) (change, error) {
	now := time.Now()
	if w.maintain && now.After(w.beat) {
		if err := w.db.maintain(ctx); err != nil {
			return change{}, err
		}
		w.beat = now.Add(churn.MaintainEvery)
	}
	w.expiry += w.step
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
