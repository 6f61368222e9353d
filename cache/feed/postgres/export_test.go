package postgres

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"rddsd/cache"
	"rddsd/cache/registry"
)

// Audit has s read all views at the end of each poll, in its transaction, and
// give them to f: what an edge that applies the delta must serve then.
func (s *Source) Audit(f func(want *cache.View)) {
	var d decoder
	s.audit = func(ctx context.Context, conn *pgx.Conn) error {
		builder := cache.NewBuilder(0)
		for kind := range registry.Kind(registry.Kinds) {
			// The view that is read by key, and not that of a full read.
			columns, _, _ := strings.Cut(selectByKey[kind], " where ")
			rows, err := conn.Query(ctx, columns, pgx.QueryResultFormats{pgx.BinaryFormatCode})
			if err != nil {
				return err
			}
			for rows.Next() {
				if err := builder.Put(d.change(kind, rows.RawValues())); err != nil {
					rows.Close()
					return err
				}
			}
			if err := rows.Err(); err != nil {
				return err
			}
		}
		want, err := builder.View(cache.Position{}, 0, time.Time{})
		if err == nil {
			f(want)
		}
		return err
	}
}

// Limit bounds how long s waits for a silent server.
func (s *Source) Limit(d time.Duration) {
	s.limits = limits{connect: d, poll: d, first: d, snapshot: d, listen: d}
}

// Conn returns the connection on which s polls.
func (s *Source) Conn() *pgx.Conn { return s.conn }

// Forget has s see the end of its wait for a database that stands before its
// position.
func (s *Source) Forget(d time.Duration) { s.behindSince = s.behindSince.Add(-d) }

// IsBehind reports whether err says that the database stands before what it has
// told already.
func IsBehind(err error) bool {
	_, ok := errors.AsType[*behind](err)
	return ok
}

// OnPoll has s call f at the end of each poll, in its transaction.
func (s *Source) OnPoll(f func()) {
	s.audit = func(context.Context, *pgx.Conn) error {
		f()
		return nil
	}
}
