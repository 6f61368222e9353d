package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"rddsd/cache/feed/postgres"
	"rddsd/cache/feed/postgres/pgtest"
	"rddsd/cache/registry"
	"rddsd/cache/registry/synthetic"
)

// postgresRegistry is a registry in PostgreSQL whose names are renewed.
type postgresRegistry struct{ conn *pgx.Conn }

func openPostgres(ctx context.Context, dsn string) (*postgresRegistry, error) {
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return nil, err
	}
	return &postgresRegistry{conn}, nil
}

func (p *postgresRegistry) changeable(ctx context.Context) (names []string, latest registry.Time, err error) {
	rows, err := p.conn.Query(ctx, "select name from registry.domain where clid <> $1 and not 'pendingCreate' = any (statuses) order by name", synthetic.Protected)
	if err != nil {
		return nil, 0, err
	}
	if names, err = pgx.CollectRows(rows, pgx.RowTo[string]); err != nil {
		return nil, 0, err
	}
	return names, latest, p.conn.QueryRow(ctx, "select coalesce(extract(epoch from max(expires)) * 1000000, 0)::int8 from registry.domain").Scan(&latest)
}

func (p *postgresRegistry) renew(ctx context.Context, name string, expires, now registry.Time) (int64, error) {
	tag, err := p.conn.Exec(ctx, "update registry.domain set expires = $1, updated = $2 where name = $3", expires.Std(), now.Std(), name)
	return tag.RowsAffected(), err
}

func (p *postgresRegistry) maintain(ctx context.Context) error {
	_, err := p.conn.Exec(ctx, "select rdds.maintain()")
	return err
}

func (p *postgresRegistry) close() error { return p.conn.Close(context.Background()) }

// scratchPostgres is a PostgreSQL server of our own with a generated registry.
type scratchPostgres struct {
	server *pgtest.Server
	edge   string // where a registry is followed from, as --registry takes it
	owner  string // where it is changed
}

// startPostgres starts a server and fills it. stop must be called.
func startPostgres(ctx context.Context, g *synthetic.Registry) (_ *scratchPostgres, err error) {
	server, err := pgtest.Open()
	if err != nil {
		return nil, err
	}
	s := &scratchPostgres{server: server}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.stop())
		}
	}()
	db, err := server.Create()
	if err != nil {
		return nil, err
	}
	s.edge, s.owner = "postgres:"+db.DSN("edge1"), "postgres:"+db.DSN("postgres")
	if err := postgres.Generate(ctx, db.DSN("postgres"), false, g); err != nil {
		return nil, err
	}
	// As after some hours of life: statistics, and no row that is still in doubt.
	return s, s.do(ctx, "create role edge1 login in role rdds_reader connection limit 4", "vacuum analyze")
}

// do runs statements as the owner of the registry.
func (s *scratchPostgres) do(ctx context.Context, statements ...string) error {
	conn, err := pgx.Connect(ctx, strings.TrimPrefix(s.owner, "postgres:"))
	if err != nil {
		return err
	}
	defer conn.Close(context.Background())
	for _, statement := range statements {
		if _, err := conn.Exec(ctx, statement); err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}
	return nil
}

func (s *scratchPostgres) stop() error {
	if s == nil {
		return nil
	}
	return s.server.Close()
}
