package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"rddsd/cache/feed/tables"
	"rddsd/cache/registry/synthetic"
	"rddsd/deploy/schema"
)

// definition is a constraint or an index of a table, as SQL that drops it and
// that makes it.
type definition struct{ drop, make string }

// Create begins a bulk load into the registry database that dsn names, in one
// transaction: until Commit nothing there changes, and nobody else can change
// the registry. It makes the tables and the contract where they are missing. The
// role must own them, and may have to make roles. A database that holds any
// object is refused (synthetic.ErrNotEmpty) unless force is set; then the load replaces
// what it holds.
//
// ctx bounds the whole load. The caller ends it with Commit or Abort, as with
// package sqlite's Loader.
func Create(ctx context.Context, dsn string, force bool, meta Meta) (*Loader, error) {
	conn, err := connectWriter(ctx, dsn)
	if err != nil {
		return nil, err
	}
	l := &Loader{db: describe(conn.Config()), conn: conn, meta: meta}
	if err := l.prepare(ctx, force); err != nil {
		l.Abort()
		return nil, fmt.Errorf("fill registry %s: %w", l.db, err)
	}
	l.begin(ctx)
	return l, nil
}

func (l *Loader) prepare(ctx context.Context, force bool) error {
	if err := l.exec(ctx, "begin", "set local statement_timeout = 0", "set local idle_in_transaction_session_timeout = 0",
		"set local maintenance_work_mem = '256MB'", "set local client_min_messages = warning"); err != nil {
		return err
	}
	var there bool
	if err := l.conn.QueryRow(ctx, "select to_regclass('registry.deposit_contact') is not null and to_regclass('rdds.changes') is not null").Scan(&there); err != nil {
		return explain(err)
	}
	if !there {
		if err := l.exec(ctx, schema.Postgres()); err != nil {
			return fmt.Errorf("make the tables and the contract: %w", err)
		}
	}
	if !force {
		for _, t := range tables.Columns {
			var filled bool
			if err := l.conn.QueryRow(ctx, "select exists (select from registry."+t.Table+")").Scan(&filled); err != nil {
				return explain(err)
			}
			if filled {
				return fmt.Errorf("%w: table registry.%s has rows; --force replaces them all", synthetic.ErrNotEmpty, t.Table)
			}
		}
	}
	return l.strip(ctx)
}

// strip empties the tables and takes off what would slow the load: triggers,
// which would journal each row, references, keys and indexes.
func (l *Loader) strip(ctx context.Context) error {
	var all []string
	for _, t := range tables.Columns {
		all = append(all, "registry."+t.Table)
		// Before the truncation: it would begin a new epoch by itself.
		if err := l.exec(ctx, "alter table registry."+t.Table+" disable trigger user"); err != nil {
			return err
		}
	}
	if err := l.exec(ctx, "truncate "+strings.Join(all, ", ")); err != nil {
		return err
	}
	// References go first and come back last: they lean on the keys.
	rows, err := l.conn.Query(ctx, `
		select format('alter table %s drop constraint %I', conrelid::regclass, conname),
		       format('alter table %s add constraint %I %s', conrelid::regclass, conname, pg_get_constraintdef(oid))
		from pg_constraint where conrelid = any ($1::regclass[]::oid[]) and contype in ('p', 'u', 'f')
		order by contype = 'f' desc, conname`, all)
	if err != nil {
		return explain(err)
	}
	constraints, err := pgx.CollectRows(rows, pgx.RowToStructByPos[sqlPair])
	if err != nil {
		return explain(err)
	}
	rows, err = l.conn.Query(ctx, `
		select 'drop index ' || indexrelid::regclass, pg_get_indexdef(indexrelid) from pg_index
		where indrelid = any ($1::regclass[]::oid[]) and not exists (select from pg_constraint where conindid = indexrelid)
		order by indexrelid::regclass::text`, all)
	if err != nil {
		return explain(err)
	}
	indexes, err := pgx.CollectRows(rows, pgx.RowToStructByPos[sqlPair])
	if err != nil {
		return explain(err)
	}
	for _, p := range append(constraints, indexes...) {
		l.drop = append(l.drop, definition{p.Drop, p.Make})
		if err := l.exec(ctx, p.Drop); err != nil {
			return err
		}
	}
	return nil
}

// sqlPair is a row of two statements.
type sqlPair struct{ Drop, Make string }

// finish makes again what strip has dropped, in the reverse order, and commits.
func (l *Loader) finish(ctx context.Context) error {
	for i := range l.drop {
		if err := l.exec(ctx, l.drop[len(l.drop)-1-i].make); err != nil {
			return err
		}
	}
	for _, t := range tables.Columns {
		if err := l.exec(ctx, "alter table registry."+t.Table+" enable trigger user", "analyze registry."+t.Table); err != nil {
			return err
		}
	}
	if err := l.exec(ctx, "select rdds.new_epoch()"); err != nil {
		return err
	}
	if _, err := l.conn.Exec(ctx, `update rdds.meta set registry = coalesce($1::text::uuid, registry), epoch = coalesce($2::text::uuid, epoch),
		beat_at = coalesce($3, clock_timestamp())`, tables.TextOrNull(l.meta.Registry), tables.TextOrNull(l.meta.Epoch), tables.TimeOrNull(&Session{}, l.meta.BeatAt)); err != nil {
		return fmt.Errorf("say which registry it is: %w", explain(err))
	}
	return l.exec(ctx, "commit")
}

// exec runs statements without arguments; one of them may be a whole script.
func (l *Loader) exec(ctx context.Context, statements ...string) error {
	for _, sql := range statements {
		if _, err := l.conn.PgConn().Exec(ctx, sql).ReadAll(); err != nil {
			return fmt.Errorf("%.60q: %w", sql, explain(err))
		}
	}
	return nil
}

// explain adds to an error of the server what it says about its cause: which
// key, which row.
func explain(err error) error {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) || pg.Detail == "" {
		return err
	}
	return fmt.Errorf("%w: %s", err, pg.Detail)
}
