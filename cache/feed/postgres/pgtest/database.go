package pgtest

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
)

// Database is one database of a Server.
type Database struct {
	Server *Server
	Name   string
}

// serial tells databases apart within a test binary.
var serial atomic.Uint64

// Database makes an empty database, which is dropped at the end of tb.
func (s *Server) Database(tb testing.TB) *Database {
	tb.Helper()
	d, err := s.Create()
	demand(tb, err)
	tb.Cleanup(func() {
		if s.process == nil {
			return // it goes with its server
		}
		if err := s.exec("drop database if exists " + d.Name + " with (force)"); err != nil {
			tb.Error(err)
		}
	})
	return d
}

// Create makes an empty database, which stays until the server is closed.
func (s *Server) Create() (*Database, error) {
	d := &Database{s, fmt.Sprintf("t%d", serial.Add(1))}
	return d, s.exec("create database " + d.Name)
}

// On returns the same database on another server, a standby or a primary of its
// server.
func (d *Database) On(s *Server) *Database { return &Database{s, d.Name} }

// DSN is how user reaches the database, without a password: a connection string
// of keywords, as libpq and pgx read it.
func (d *Database) DSN(user string) string { return d.Server.dsn(d.Server.port, user, d.Name) }

// Connect returns a connection of user, closed at the end of tb.
func (d *Database) Connect(tb testing.TB, user string) *pgx.Conn {
	tb.Helper()
	conn, err := pgx.Connect(tb.Context(), d.DSN(user))
	demand(tb, err)
	tb.Cleanup(func() { _ = conn.Close(context.Background()) }) // its server may be gone
	return conn
}

// Exec runs statements as the superuser: a whole script, or one with args.
func (d *Database) Exec(tb testing.TB, sql string, args ...any) {
	tb.Helper()
	conn, err := pgx.Connect(tb.Context(), d.DSN("postgres"))
	demand(tb, err)
	defer conn.Close(context.Background())
	if len(args) > 0 {
		_, err = conn.Exec(tb.Context(), sql, args...)
	} else {
		_, err = conn.PgConn().Exec(tb.Context(), sql).ReadAll()
	}
	if err != nil {
		tb.Fatalf("%s: %v", strings.TrimSpace(sql[:min(len(sql), 200)]), err)
	}
}

// Login makes a role that may log in and is a member of groups, unless it
// exists: roles belong to the server, not to a database.
func (d *Database) Login(tb testing.TB, user string, groups ...string) {
	tb.Helper()
	d.Server.Alone(func() {
		d.Exec(tb, "do $$ begin create role "+user+" login; exception when duplicate_object then null; end $$")
		for _, group := range groups {
			d.Exec(tb, "grant "+group+" to "+user)
		}
	})
}

// Alone runs f, which makes roles, while no other test of this server does: they
// belong to all its databases, and of two that make one at once one fails.
func (s *Server) Alone(f func()) {
	s.roles.Lock()
	defer s.roles.Unlock()
	f()
}

// exec runs one statement in the database of the superuser.
func (s *Server) exec(sql string) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	conn, err := pgx.Connect(ctx, s.dsn(s.port, "postgres", "postgres"))
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	if _, err = conn.Exec(ctx, sql); err != nil {
		return fmt.Errorf("%s: %w", sql, err)
	}
	return nil
}
