package postgres

import (
	"strings"

	"github.com/jackc/pgx/v5"
)

// ownSchemas are schemas of PostgreSQL itself, which every role can read.
const ownSchemas = "n.nspname not in ('pg_catalog', 'information_schema') and n.nspname !~ '^pg_(toast|temp)'"

// rights checks that the role may read the views and head(), and nothing else.
func (v *verifier) rights() error {
	var name string
	var super, roles, databases, replication, bypass bool
	var connections int
	err := v.conn.QueryRow(v.ctx, `select rolname, rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls, rolconnlimit
		from pg_roles where rolname = current_user`).Scan(&name, &super, &roles, &databases, &replication, &bypass, &connections)
	if err != nil {
		return err
	}
	who := "role " + name
	if super {
		v.wrong(who, "it is a superuser: it reads and writes everything; verify with the role of an edge, a member of rdds_reader alone")
		return nil
	}
	for _, attribute := range []struct {
		has  bool
		what string
	}{{roles, "createrole"}, {databases, "createdb"}, {replication, "replication"}, {bypass, "bypassrls"}} {
		if attribute.has {
			v.wrong(who, "it is too wide: it has %s; alter role %s no%s", attribute.what, pgx.Identifier{name}.Sanitize(), attribute.what)
		}
	}
	for _, check := range []func(who string) error{v.memberships, v.relations, v.functions, v.creation, v.settings} {
		if err := check(who); err != nil {
			return err
		}
	}
	if connections < 0 {
		v.remark(who, "it may open any number of connections: alter role %s connection limit 4", pgx.Identifier{name}.Sanitize())
	}
	return nil
}

func (v *verifier) memberships(who string) error {
	groups, err := v.texts("select rolname::text from pg_roles where pg_has_role(current_user, oid, 'member') and rolname not in (current_user, 'rdds_reader') order by 1")
	for _, group := range groups {
		v.wrong(who, "it is too wide: it is a member of %s", group)
	}
	return err
}

// relations finds tables, views and sequences that the role may use, beside
// those of the contract, and what it may do with those but read.
func (v *verifier) relations(who string) error {
	var names []string
	for _, view := range publishedViews() {
		names = append(names, "rdds."+view.name)
	}
	wide, err := v.texts(`
		select p || ' on ' || c.oid::regclass from pg_class c join pg_namespace n on n.oid = c.relnamespace,
			unnest(array['select', 'insert', 'update', 'delete', 'truncate', 'references', 'trigger']) p
		where `+ownSchemas+` and c.relkind in ('r', 'p', 'v', 'm', 'f') and has_schema_privilege(n.oid, 'usage')
			and (has_table_privilege(c.oid, p) or p in ('select', 'insert', 'update', 'references') and has_any_column_privilege(c.oid, p))
			and not (p = 'select' and n.nspname || '.' || c.relname = any ($1))
		union all
		select p || ' on sequence ' || c.oid::regclass from pg_class c join pg_namespace n on n.oid = c.relnamespace,
			unnest(array['usage', 'select', 'update']) p
		where `+ownSchemas+` and c.relkind = 'S' and has_schema_privilege(n.oid, 'usage') and has_sequence_privilege(c.oid, p)
		order by 1`, names)
	for _, right := range wide {
		v.wrong(who, "it is too wide: it has %s; revoke %s from it, from its groups and from public", right, right)
	}
	return err
}

// functions finds functions that act with the rights of another, or that belong
// to the contract's other roles.
func (v *verifier) functions(who string) error {
	wide, err := v.texts(`
		select p.oid::regprocedure::text from pg_proc p join pg_namespace n on n.oid = p.pronamespace
		where ` + ownSchemas + ` and has_schema_privilege(n.oid, 'usage') and has_function_privilege(p.oid, 'execute')
			and (p.prosecdef or n.nspname = 'rdds') and not (n.nspname = 'rdds' and p.proname = 'head' and p.pronargs = 0) order by 1`)
	for _, function := range wide {
		v.wrong(who, "it is too wide: it may execute %s, which does not act with the role's own rights; revoke execute on function %s from it, from its groups and from public", function, function)
	}
	if err != nil {
		return err
	}
	may, err := v.texts("select oid::regprocedure::text from pg_proc where pronamespace = 'rdds'::regnamespace and proname = 'head' and not has_function_privilege(oid, 'execute')")
	if len(may) > 0 {
		v.wrong(who, "it may not execute rdds.head(): grant execute on function rdds.head() to rdds_reader")
	}
	return err
}

// creation finds where the role may make objects of its own.
func (v *verifier) creation(who string) error {
	schemas, err := v.texts("select quote_ident(n.nspname) from pg_namespace n where " + ownSchemas + " and has_schema_privilege(n.oid, 'create') order by 1")
	for _, schema := range schemas {
		v.wrong(who, "it is too wide: it may make objects in schema %s; revoke create on schema %s from it and from public", schema, schema)
	}
	if err != nil {
		return err
	}
	var create, temporary bool
	if err := v.conn.QueryRow(v.ctx, "select has_database_privilege(current_database(), 'create'), has_database_privilege(current_database(), 'temporary')").Scan(&create, &temporary); err != nil {
		return err
	}
	if create {
		v.wrong(who, "it is too wide: it may make schemas in the database; revoke create on database from it and from public")
	}
	if temporary {
		v.remark(who, "it may make temporary tables and functions, which an edge never needs: revoke temporary on database ... from public")
	}
	return nil
}

// settings remarks on what a role of an edge should have set, see the end of the
// schema.
func (v *verifier) settings(who string) error {
	settings, err := v.texts(`select unnest(setconfig) from pg_db_role_setting where setrole = (select oid from pg_roles where rolname = current_user)
		and setdatabase in (0, (select oid from pg_database where datname = current_database()))`)
	if err != nil {
		return err
	}
	has := map[string]string{}
	for _, s := range settings {
		name, value, _ := strings.Cut(s, "=")
		has[name] = value
	}
	if has["default_transaction_read_only"] != "on" {
		v.remark(who, "its transactions are not read-only by default: alter role ... set default_transaction_read_only = on")
	}
	for _, name := range []string{"statement_timeout", "idle_in_transaction_session_timeout"} {
		if value := has[name]; value == "" || value == "0" {
			v.remark(who, "nothing bounds what a lost edge holds up in the database: alter role ... set %s", name)
		}
	}
	return nil
}
