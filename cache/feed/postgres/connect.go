package postgres

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

const (
	// A dead peer is found 30 s after its last word by its kernel's silence, and
	// what we sent must be acknowledged in that time. A peer that hangs while its
	// kernel lives is found by a watch.
	keepAliveIdle, keepAliveInterval, keepAliveCount = 15 * time.Second, 5 * time.Second, 3
	userTimeout                                      = 30 * time.Second
)

// parseDSN returns the configuration of a connection: dsn is a URL or keywords,
// as libpq reads them.
func parseDSN(dsn string) (*pgx.ConnConfig, error) {
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		// Its own text holds what it could not read, where a password may stand.
		why := "it cannot be parsed"
		if fault, ok := errors.AsType[*pgconn.ParseConfigError](err); ok && fault.Unwrap() != nil {
			why = fault.Unwrap().Error()
		}
		return nil, fmt.Errorf("the connection string is not one that PostgreSQL knows, such as host=db.example dbname=registry user=edge1 sslmode=verify-full: %s", why)
	}
	config.DialFunc = (&net.Dialer{
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: keepAliveIdle, Interval: keepAliveInterval, Count: keepAliveCount},
		Control:         limitSilence,
	}).DialContext
	// Two modes cannot ask for values in binary form; this one needs no prepared
	// statements either.
	switch config.DefaultQueryExecMode {
	case pgx.QueryExecModeExec, pgx.QueryExecModeSimpleProtocol:
		config.DefaultQueryExecMode = pgx.QueryExecModeDescribeExec
	}
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = "rddsd"
	}
	return config, nil
}

// connect opens one connection. Each host that the connection string names has
// its own time.
func (s *Source) connect(ctx context.Context) (*pgx.Conn, error) {
	config := s.config.Copy()
	config.ConnectTimeout = s.limits.connect
	return pgx.ConnectConfig(ctx, config)
}

// hangUp closes a connection without waiting for a server that may hang.
func hangUp(conn *pgx.Conn) {
	if conn == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	_ = conn.Close(ctx) // we never wrote: nothing is lost
}

// The settings of a transaction, for it alone, so that they do no harm behind a
// pooler. All that it waits for has an end: for locks that a schema change
// holds, for a client that is gone.
const (
	begin = "begin isolation level repeatable read read only; set local lock_timeout = '10s'; " +
		"set local idle_in_transaction_session_timeout = '1min'; set local client_connection_check_interval = '10s'"
	beginPoll = begin + "; set local statement_timeout = '2min'"
)

// execute runs statements that return nothing.
func execute(ctx context.Context, conn *pgx.Conn, statements string) error {
	return conn.PgConn().Exec(ctx, statements).Close()
}

// state returns the SQLSTATE of err, "" if it is not the server's.
func state(err error) string {
	if fault, ok := errors.AsType[*pgconn.PgError](err); ok {
		return fault.Code
	}
	return ""
}
