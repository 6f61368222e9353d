package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"rddsd/cache/feed"
)

// ear is the connection on which the registry says that something changed. It
// only ever wakes: what changed is read by a poll, and a word that is lost costs
// the rest of a poll interval.
type ear struct {
	conn  *pgx.Conn // nil = deaf
	asked time.Time // when the connection was last known to live
	again time.Time // not before this is a deaf ear opened
}

const (
	// askEvery is how often a silent connection is asked whether it lives.
	askEvery = time.Minute
	// openEvery is how often a deaf ear is tried: the standby may have been
	// promoted.
	openEvery = 30 * time.Second
)

// open opens the ear unless it is open, and reports whether it is. It never
// fails: a standby cannot listen, nor can what stands behind some poolers.
func (e *ear) open(ctx context.Context, s *Source, now time.Time) bool {
	if e.conn != nil && (now.Sub(e.asked) < askEvery || e.alive(ctx, s.limits.listen)) {
		if now.Sub(e.asked) >= askEvery {
			e.asked = now
		}
		return true
	}
	e.close()
	if now.Before(e.again) || ctx.Err() != nil {
		return false
	}
	e.again = now.Add(openEvery)
	conn, err := s.connect(ctx)
	if err != nil {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, s.limits.listen)
	defer cancel()
	if err := execute(ctx, conn, "listen rdds"); err != nil {
		hangUp(conn)
		return false
	}
	e.conn, e.asked = conn, now
	// What was committed before this moment woke nobody: it is read at once.
	s.polled = time.Time{}
	return true
}

func (e *ear) alive(ctx context.Context, limit time.Duration) bool {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return e.conn.Ping(ctx) == nil
}

func (e *ear) close() {
	hangUp(e.conn)
	e.conn = nil
}

// wait waits for a word, at most for limit. The error is the end of ctx.
func (e *ear) wait(ctx context.Context, clock feed.Clock, limit time.Duration) (woken bool, err error) {
	if e.conn == nil {
		select {
		case <-ctx.Done():
			return false, ctx.Err()
		case <-clock.After(limit):
			return false, nil
		}
	}
	return e.hear(ctx, limit)
}

// hear waits for one word.
func (e *ear) hear(ctx context.Context, limit time.Duration) (woken bool, err error) {
	soon, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	word, _ := e.conn.WaitForNotification(soon) // that nobody woke us says all
	switch {
	case word != nil:
		return true, nil
	case ctx.Err() != nil:
		return false, ctx.Err()
	case soon.Err() == nil: // the connection broke: deaf until it is opened again
		e.close()
	}
	return false, nil
}

// drain waits for d and takes the words that come meanwhile: they fold into one
// poll.
func (e *ear) drain(ctx context.Context, clock feed.Clock, d time.Duration) error {
	until := clock.Now().Add(d)
	for {
		left := until.Sub(clock.Now())
		if left <= 0 {
			return ctx.Err()
		}
		if _, err := e.wait(ctx, clock, left); err != nil {
			return err
		}
	}
}
