package postgres

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"

	"rddsd/cache/feed/contract"
	"rddsd/cache/registry"
)

// publishedView is a view of the contract.
type publishedView struct {
	name    string
	columns []string
}

// publishedViews lists the views that an edge reads.
func publishedViews() []publishedView {
	var views []publishedView
	for kind, columns := range contract.Columns {
		views = append(views, publishedView{registry.Kind(kind).String(), columns})
	}
	return append(views, publishedView{"domain_all", contract.Columns[registry.KindDomain]},
		publishedView{"changes", []string{"xid", "seq", "kind", "key"}})
}

// changesTypes are the types of rdds.changes, which no other view has.
var changesTypes = map[string]uint32{"xid": pgtype.XID8OID, "seq": pgtype.Int8OID}

// shape checks that the views and head() are there, with their columns, and can
// be read. readable is false when their rows cannot be, there when nothing is.
func (v *verifier) shape() (there, readable bool, err error) {
	if err := v.conn.QueryRow(v.ctx, "select coalesce((select has_schema_privilege(oid, 'usage') from pg_namespace where nspname = 'rdds'), false)").Scan(&there); err != nil {
		return false, false, err
	}
	if !there {
		v.wrong("schema rdds", "it is missing, or this role may not use it: `rddsd registry schema postgres` prints it, and `grant rdds_reader to ROLE` lets a role read it")
		return false, false, nil
	}
	readable = true
	for _, view := range publishedViews() {
		ok, err := v.view(view)
		if err != nil {
			return true, false, err
		}
		readable = readable && ok
	}
	ok, err := v.head()
	return true, readable && ok, err
}

// view checks one view. ok is false when its rows cannot be read.
func (v *verifier) view(view publishedView) (ok bool, err error) {
	name := "rdds." + view.name
	var (
		kind     string
		options  []string
		readable bool
	)
	err = v.conn.QueryRow(v.ctx, `select relkind::text, coalesce(reloptions, '{}'), has_table_privilege(oid, 'select') from pg_class
		where relnamespace = 'rdds'::regnamespace and relname = $1`, view.name).Scan(&kind, &options, &readable)
	if errors.Is(err, pgx.ErrNoRows) {
		v.wrong(name, "it is missing")
		return false, nil
	}
	if err != nil {
		return false, err
	}
	switch kind {
	case "v":
		if !slices.Contains(options, "security_barrier=true") && !slices.Contains(options, "security_barrier=on") {
			v.wrong(name, "it leaks: it has no security_barrier, so a function in a query can see the rows and values that it leaves out; alter view %s set (security_barrier)", name)
		}
		if slices.Contains(options, "security_invoker=true") || slices.Contains(options, "security_invoker=on") {
			v.wrong(name, "it reads with the rights of who asks (security_invoker): the edge would need rights on the tables below it; alter view %s reset (security_invoker)", name)
		}
	case "m":
		v.wrong(name, "it is a materialised view: the journal names a change before this shows it, and an edge would keep the old row")
	case "f":
		v.wrong(name, "it is a foreign table: its rows are not of the transaction's snapshot")
	}
	if !readable {
		v.wrong(name, "this role may not read it: grant select on %s to rdds_reader, and rdds_reader to the role", name)
		return false, nil
	}
	return v.columns(name, view)
}

func (v *verifier) columns(name string, view publishedView) (ok bool, err error) {
	rows, err := v.conn.Query(v.ctx, "select attname::text, atttypid, format_type(atttypid, atttypmod) from pg_attribute where attrelid = $1::text::regclass and attnum > 0 and not attisdropped order by attnum", name)
	if err != nil {
		return false, err
	}
	type column struct {
		Name string
		OID  uint32
		Type string
	}
	has, err := pgx.CollectRows(rows, pgx.RowToStructByPos[column])
	if err != nil {
		return false, err
	}
	ok = true
	for _, want := range view.columns {
		at := slices.IndexFunc(has, func(c column) bool { return c.Name == want })
		if at < 0 {
			v.wrong(name, "column %s is missing", want)
			ok = false
			continue
		}
		wantType, oids := types[forms[want]].name, types[forms[want]].oids
		if oid, special := changesTypes[want]; special && view.name == "changes" {
			wantType, oids = map[uint32]string{pgtype.XID8OID: "xid8", pgtype.Int8OID: "bigint"}[oid], []uint32{oid}
		}
		if !slices.Contains(oids, has[at].OID) {
			v.wrong(name, "column %s is of type %s, the contract wants %s: cast it in the view", want, has[at].Type, wantType)
			ok = false
		}
	}
	for _, c := range has {
		if !slices.Contains(view.columns, c.Name) {
			v.remark(name, "column %s is not in the contract: rddsd never reads it, and whoever has the edge's password can", c.Name)
		}
	}
	return ok, nil
}

// head checks rdds.head().
func (v *verifier) head() (ok bool, err error) {
	const name = "rdds.head()"
	var (
		definer bool
		config  []string
	)
	err = v.conn.QueryRow(v.ctx, "select prosecdef, coalesce(proconfig, '{}') from pg_proc where pronamespace = 'rdds'::regnamespace and proname = 'head' and pronargs = 0").Scan(&definer, &config)
	if errors.Is(err, pgx.ErrNoRows) {
		v.wrong(name, "it is missing")
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if !definer {
		v.wrong(name, "it is not security definer: the edge would need rights on what it reads")
	}
	if !slices.ContainsFunc(config, func(s string) bool { return strings.HasPrefix(s, "search_path=") }) {
		v.wrong(name, "its search_path is not set: who calls it decides which functions it finds; alter function rdds.head() set search_path = pg_catalog, pg_temp")
	}
	now, err := readHead(v.ctx, v.conn)
	if err != nil {
		var pg *pgconn.PgError
		if !errors.As(err, &pg) && v.conn.IsClosed() {
			return false, err
		}
		v.wrong(name, "it cannot be read: %v", err)
		return false, nil
	}
	switch {
	case now.contract != registry.Contract:
		v.wrong(name, "it says contract version %d, this program verifies version %d", now.contract, registry.Contract)
		return false, nil
	case now.floor > now.horizon:
		v.wrong(name, "its floor %d lies above its horizon %d: no edge can ever follow; the floor is raised by rdds.maintain() alone", now.floor, now.horizon)
	}
	return true, v.journal(now)
}

// journal checks what rdds.changes holds.
func (v *verifier) journal(now *head) error {
	odd, err := v.texts("select distinct coalesce(kind, '<null>') from rdds.changes where kind is null or kind <> all ($1) limit 10", kindWords())
	if err != nil {
		return err
	}
	if len(odd) > 0 {
		v.wrong("rdds.changes", "it names the kinds %q, which the contract does not know", odd)
	}
	var empty int
	if err := v.conn.QueryRow(v.ctx, "select count(*) from rdds.changes where key is null or key = '' or xid is null").Scan(&empty); err != nil {
		return err
	}
	if empty > 0 {
		v.wrong("rdds.changes", "%d rows have no key or no transaction", empty)
	}
	var below int
	if err := v.conn.QueryRow(v.ctx, "select count(*) from rdds.changes where xid < $1", now.floor).Scan(&below); err != nil {
		return err
	}
	if below > 0 {
		v.remark("rdds.changes", "%d rows lie below the floor: rdds.maintain() has raised it and not deleted them", below)
	}
	return nil
}

func kindWords() []string {
	words := make([]string, registry.Kinds)
	for kind := range words {
		words[kind] = registry.Kind(kind).String()
	}
	return words
}

// asTexts casts all columns of a view to text, for comparing.
func asTexts(columns []string) string {
	casts := make([]string, len(columns))
	for i, c := range columns {
		casts[i] = fmt.Sprintf("coalesce(%s::text, '')", pgx.Identifier{c}.Sanitize())
	}
	return strings.Join(casts, ", ")
}
