package postgres

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"rddsd/cache/registry/synthetic"
)

// denied reports whether err is PostgreSQL's refusal for lack of rights.
func denied(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "42501"
}

// TestEdgeRoleReadsTheViewsAndNothingElse tries the role of an edge against
// every table, view, sequence and function of both schemas, in every way.
func TestEdgeRoleReadsTheViewsAndNothingElse(t *testing.T) {
	db := generated(t, synthetic.Params{Names: 30, Seed: 1})
	edgeRole(t, db, "edge_rights")
	owner := db.Connect(t, "postgres")
	edge := db.Connect(t, "edge_rights")
	// Read-only by default is a courtesy: without it the rights alone must do.
	if _, err := edge.Exec(t.Context(), "set default_transaction_read_only = off"); err != nil {
		t.Fatal(err)
	}
	list := func(query string) []string {
		rows, err := owner.Query(t.Context(), query)
		if err != nil {
			t.Fatal(err)
		}
		names, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			t.Fatal(err)
		}
		return names
	}
	var published []string
	for _, view := range publishedViews() {
		published = append(published, "rdds."+view.name)
	}
	relations := list("select n.nspname || '.' || c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname in ('registry', 'rdds') and c.relkind in ('r', 'v') order by 1")
	if len(relations) < 11+3+8 {
		t.Fatalf("the schemas hold only %q", relations)
	}
	for _, name := range relations {
		_, err := edge.Exec(t.Context(), "select * from "+name+" limit 1")
		if open := slices.Contains(published, name); open && err != nil || !open && !denied(err) {
			t.Errorf("select from %s: %v; published: %v", name, err, open)
		}
		column := list("select quote_ident(attname) from pg_attribute where attrelid = '" + name + "'::regclass and attnum > 0 order by attnum desc limit 1")[0]
		for _, statement := range []string{
			"insert into %s default values", "delete from %s", "update %s set " + column + " = " + column, "truncate %s", "lock table %s in exclusive mode",
			"copy %s from stdin", "comment on table %s is 'x'", "alter table %s rename to x", "drop table %s", "create trigger x after truncate on %s execute function rdds.touch()",
		} {
			statement = fmt.Sprintf(statement, name)
			if _, err := edge.Exec(t.Context(), statement); err == nil {
				t.Errorf("%s succeeded", statement)
			} else if strings.HasPrefix(statement, "insert") || strings.HasPrefix(statement, "delete") || strings.HasPrefix(statement, "update") {
				var pg *pgconn.PgError
				if errors.As(err, &pg) && pg.Code != "42501" && pg.Code != "55000" && pg.Code != "0A000" { // not even reached: the view cannot be updated
					t.Errorf("%s failed for another reason than rights: %v", statement, err)
				}
			}
		}
	}
	for _, name := range list("select oid::regclass::text from pg_class where relkind = 'S' and relnamespace in ('registry'::regnamespace, 'rdds'::regnamespace)") {
		for _, statement := range []string{"select * from %s", "select nextval('%s')", "select setval('%s', 1)"} {
			if _, err := edge.Exec(t.Context(), fmt.Sprintf(statement, name)); !denied(err) {
				t.Errorf("%s: %v, want it denied", fmt.Sprintf(statement, name), err)
			}
		}
	}
	functions := map[string]string{
		"rdds.maintain": "select rdds.maintain('1 day')", "rdds.new_epoch": "select rdds.new_epoch()",
		"rdds.touch": "select rdds.touch()", "rdds.truncated": "select rdds.truncated()", "rdds.head": "select * from rdds.head()",
	}
	for _, name := range list("select n.nspname || '.' || proname from pg_proc p join pg_namespace n on n.oid = p.pronamespace where n.nspname in ('registry', 'rdds')") {
		call := functions[name]
		if call == "" {
			t.Errorf("function %s is tried by nobody: add it", name)
			continue
		}
		if _, err := edge.Exec(t.Context(), call); name == "rdds.head" && err != nil || name != "rdds.head" && !denied(err) {
			t.Errorf("%s: %v", call, err)
		}
	}
	for _, statement := range []string{
		"create table registry.x (n int)", "create table rdds.x (n int)", "create table public.x (n int)", "create temporary table x (n int)",
		"create schema x", "create role x", "set role rdds_keeper", "set session authorization postgres", "copy rdds.tld to '/tmp/rddsd-must-not-be'",
		"select pg_read_file('postgresql.conf')", "select * from pg_authid", "alter role edge_rights createrole", "create extension plpgsql",
	} {
		if _, err := edge.Exec(t.Context(), statement); err == nil {
			t.Errorf("%s succeeded", statement)
		}
	}
	// The registry's own role: DML on its tables, nothing in the contract, and
	// what it changes is told.
	db.Login(t, "registry_rights")
	db.Exec(t, "grant usage on schema registry to registry_rights; grant select, insert, update, delete, truncate on all tables in schema registry to registry_rights")
	own := db.Connect(t, "registry_rights")
	if _, err := own.Exec(t.Context(), "update registry.registrar set name = 'Renamed' where clid = 'example'"); err != nil {
		t.Fatal(err)
	}
	if _, err := own.Exec(t.Context(), "select * from rdds.journal"); !denied(err) {
		t.Errorf("the registry's role read the journal: %v", err)
	}
	if told := list("select kind || ' ' || key from rdds.journal"); !slices.Equal(told, []string{"registrar example"}) {
		t.Errorf("its change was told as %q", told)
	}
	epoch := list("select epoch::text from rdds.meta")
	if _, err := own.Exec(t.Context(), "truncate registry.reserved"); err != nil {
		t.Fatal(err)
	}
	if slices.Equal(list("select epoch::text from rdds.meta"), epoch) {
		t.Error("TRUNCATE by a role that is not the owner has begun no new epoch")
	}
}

// TestLeakyFunctionSeesOnlyWhatIsPublished runs a cheap function over each view,
// which a planner would like to evaluate before anything else, and lets it tell
// every value that it is shown.
func TestLeakyFunctionSeesOnlyWhatIsPublished(t *testing.T) {
	db := generated(t, synthetic.Params{Names: 30, Seed: 1})
	edgeRole(t, db, "edge_leak")
	// What is held and withheld is a token in each column that may hold one; and
	// one contact is in no published role at all.
	db.Exec(t, `
		update registry.contact set id = case when 'id' = any (disclose) then id else 'token-id-' || roid end, name = case when 'name' = any (disclose) then name else 'token-name' end,
			org = case when 'org' = any (disclose) then org else 'token-org' end, street = case when 'street' = any (disclose) then street else '{token-street}' end,
			city = case when 'city' = any (disclose) then city else 'token-city' end, pc = case when 'pc' = any (disclose) then pc else 'token-pc' end,
			voice = case when 'voice' = any (disclose) then voice else 'token-voice' end, fax = case when 'fax' = any (disclose) then fax else 'token-fax' end,
			email = case when 'email' = any (disclose) then email else 'token-email' end, statuses = '{token-status}';
		update registry.domain set authinfo = 'token-authinfo', crid = 'token-crid';
		update registry.registrar set billing_note = 'token-billing';
		update registry.reserved set note = 'token-note';
		insert into registry.contact (roid, id, clid, name, disclose) values ('CX-COOP', 'token-x', 'example', 'token-unpublished', '{id,name}')`)
	// The role may make no function of its own; an attacker that could would do
	// so where he is.
	db.Exec(t, "grant temporary on database "+db.Name+" to edge_leak")
	edge := db.Connect(t, "edge_leak")
	run := func(sql string) {
		t.Helper()
		if _, err := edge.Exec(t.Context(), sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	run("set default_transaction_read_only = off")
	run("create temporary table seen (value text)")
	run("create function pg_temp.leak(value text) returns boolean language plpgsql cost 0.0000001 as $$ begin insert into seen values (value); return true; end $$")
	for _, view := range publishedViews() {
		for _, column := range view.columns {
			run(fmt.Sprintf("select count(*) from rdds.%s where pg_temp.leak(%s::text)", view.name, pgx.Identifier{column}.Sanitize()))
			run(fmt.Sprintf("select count(*) from rdds.%s where key = 'no such key' and pg_temp.leak(%s::text)", view.name, pgx.Identifier{column}.Sanitize()))
		}
	}
	var all, tokens int
	var example *string
	if err := edge.QueryRow(t.Context(), "select count(*), count(*) filter (where value like '%token-%'), min(value) filter (where value like '%token-%') from seen").Scan(&all, &tokens, &example); err != nil {
		t.Fatal(err)
	}
	if all == 0 || tokens > 0 {
		t.Errorf("the function was shown %d values, %d of them private, such as %v", all, tokens, example)
	}
	// The same function without the barrier sees them: the test can fail.
	db.Exec(t, "alter view rdds.contact reset (security_barrier)")
	run("truncate seen")
	run("select count(*) from rdds.contact where pg_temp.leak(key)")
	if err := edge.QueryRow(t.Context(), "select count(*) from seen where value = 'CX-COOP'").Scan(&all); err != nil || all != 1 {
		t.Errorf("without the barrier the function saw the unpublished contact %d times, %v: the test proves nothing", all, err)
	}
}
