package postgres

import (
	"context"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"rddsd/cache/feed/churn"
	"rddsd/cache/feed/postgres/pgtest"
	"rddsd/cache/registry/synthetic"
)

// edgeRole makes the role of an edge as the end of the schema asks for it.
func edgeRole(t *testing.T, db *pgtest.Database, role string) {
	t.Helper()
	db.Login(t, role, "rdds_reader")
	db.Exec(t, `alter role `+role+` connection limit 8; alter role `+role+` set default_transaction_read_only = on;
		alter role `+role+` set statement_timeout = '10min'; alter role `+role+` set idle_in_transaction_session_timeout = '1min'`)
	db.Exec(t, "revoke temporary on database "+db.Name+" from public")
}

// viewQuery returns a view's query, with every name qualified.
func viewQuery(t *testing.T, db *pgtest.Database, view string) string {
	t.Helper()
	conn := db.Connect(t, "postgres")
	var text string
	if _, err := conn.Exec(t.Context(), "set search_path = ''"); err != nil {
		t.Fatal(err)
	}
	if err := conn.QueryRow(t.Context(), "select pg_get_viewdef(('rdds.' || $1)::text::regclass)", view).Scan(&text); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(text, ";")
}

// findings verifies a registry and returns what it finds, one line each.
func findings(t *testing.T, db *pgtest.Database, role string, length time.Duration) []string {
	t.Helper()
	var lines []string
	_, err := Verify(t.Context(), db.DSN(role), Verification{For: length, Found: func(f Finding) {
		word := "wrong "
		if f.Remark {
			word = "remark "
		}
		lines = append(lines, word+f.Where+": "+f.What)
	}})
	if err != nil {
		t.Fatal(err)
	}
	return lines
}

func TestVerifyFindsNothingWrongWithTheReference(t *testing.T) {
	t.Parallel()
	db := generated(t, synthetic.Params{Names: 500, Seed: 1})
	edgeRole(t, db, "verify_clean")
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	s := open(t, db)
	go func() {
		_, err := churn.Run(ctx, s, churn.Options{Rate: 200, Seed: 3})
		ended <- err
	}()
	var lines []string
	done, err := Verify(t.Context(), db.DSN("verify_clean"), Verification{For: 5 * time.Second, Found: func(f Finding) { lines = append(lines, f.Where+": "+f.What) }})
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	if len(lines) > 0 {
		t.Errorf("findings:\n%s", strings.Join(lines, "\n"))
	}
	if done.Rows < 500 || done.Polls < 2 || done.Changes == 0 || done.Wrong+done.Remarks != 0 {
		t.Errorf("Verify = %+v", done)
	}
}

// TestVerifyFindsWhatIsWrong breaks a registry in one way after the other, each
// undone before the next, and wants it said.
func TestVerifyFindsWhatIsWrong(t *testing.T) {
	t.Parallel()
	db := generated(t, synthetic.Params{Names: 60, Seed: 1})
	edgeRole(t, db, "verify_edge")
	if lines := findings(t, db, "verify_edge", 0); len(lines) > 0 {
		t.Fatalf("before anything is broken: %q", lines)
	}
	reserved, tld, registrar := viewQuery(t, db, "reserved"), viewQuery(t, db, "tld"), viewQuery(t, db, "registrar")
	host, contact, domain := viewQuery(t, db, "host"), viewQuery(t, db, "contact"), viewQuery(t, db, "domain")
	grant := "; grant select on all tables in schema rdds to rdds_reader; revoke select on rdds.meta, rdds.journal, rdds.tick from rdds_reader"
	view := func(name, body string) string {
		return "drop view rdds." + name + "; create view rdds." + name + " with (security_barrier) as " + body + grant
	}
	const registrarRest = "url, rdap_url, whois_server, abuse_email, abuse_phone, street, city, sp, pc, cc, voice, voice_ext, fax, fax_ext, email, " +
		"admin_fn, admin_voice, admin_email, tech_fn, tech_voice, tech_email, contact_model, created, updated"
	head := texts(t, open(t, db), "select pg_get_functiondef('rdds.head'::regproc)")[0]

	for _, tt := range []struct {
		rule, breaks, mends string
		want                []string // in one finding
	}{
		{"a view is missing", "alter view rdds.reserved rename to away", "alter view rdds.away rename to reserved", []string{"wrong rdds.reserved", "missing"}},
		{"a column is missing", view("reserved", "select key, reason, of, public_text from ("+reserved+") x"), view("reserved", reserved), []string{"wrong rdds.reserved", "column idn_table is missing"}},
		{"a column of another type", view("tld", "select key, u_name, gtld::text as gtld, zone_signed, contact_model, created, updated from ("+tld+") x"), view("tld", tld), []string{"wrong rdds.tld", "gtld", "text", "boolean"}},
		{"a column too many", view("reserved", "select x.*, 'a note' as note from ("+reserved+") x"), view("reserved", reserved), []string{"remark rdds.reserved", "column note"}},
		{"a view without a barrier leaks", "alter view rdds.contact reset (security_barrier)", "alter view rdds.contact set (security_barrier)", []string{"wrong rdds.contact", "leaks", "security_barrier"}},
		{"a view with the reader's rights", "alter view rdds.host set (security_invoker)", "alter view rdds.host reset (security_invoker)", []string{"wrong rdds.host", "security_invoker"}},
		{"a view reads the clock", view("registrar", "select key, iana_id, name, case when now() > '2000-01-01' then status else 'ok' end as status, "+registrarRest+" from ("+registrar+") x"), view("registrar", registrar), []string{"wrong rdds.registrar", "clock", "now()"}},
		{"a view calls what reads the clock", "create function registry.today() returns date stable language sql as 'select current_date';" + view("tld", "select key, u_name, gtld and registry.today() > '2000-01-01' as gtld, zone_signed, contact_model, created, updated from ("+tld+") x"), view("tld", tld) + "; drop function registry.today", []string{"wrong rdds.tld", "registry.today()", "current_date"}},
		{"domain reads the moment", view("domain", strings.Replace(domain, "now()", "clock_timestamp()", 1)), view("domain", domain), []string{"wrong rdds.domain:", "clock_timestamp()", "one query of a transaction to the next"}},
		{"domain_all differs", view("domain", "select * from ("+domain+") x where key <> 'example.coop'"), view("domain", domain), []string{"wrong rdds.domain_all", "1 rows", "example.coop"}},
		{"a key twice", view("reserved", "select * from ("+reserved+") x union all select * from ("+reserved+") x where key = 'reserved.coop'"), view("reserved", reserved), []string{"wrong rdds.reserved", "not unique", "reserved.coop"}},
		{"a registrar without an IANA id", "update registry.registrar set iana_id = null where clid = 'example'", "update registry.registrar set iana_id = 9995 where clid = 'example'", []string{"wrong rdds.domain_all", "registrar_without_iana_id", "example.coop"}},
		{"a host is left out", view("host", "select * from ("+host+") x where name <> 'ns2.example.net'"), view("host", host), []string{"wrong rdds.domain_all", "not in rdds.host", "example.coop"}},
		{"a contact that nobody refers to is shown", view("contact", strings.Split(contact, "FROM registry.contact c")[0]+"FROM registry.contact c"), view("contact", contact), []string{"wrong rdds.contact", "must not be shown"}},
		{"a value that is withheld is given", view("contact", "select key, registrar, handle, case when 'name' = any (redacted) then 'A Name' else name end as name, org, street, city, sp, pc, cc, voice, voice_ext, fax, fax_ext, email, redacted, created, updated from ("+contact+") x"), view("contact", contact), []string{"wrong rdds.contact", "whose value the row gives"}},
		{"a bad name", "update registry.domain set name = 'Hold.coop' where name = 'hold.coop'", "update registry.domain set name = 'hold.coop' where name = 'Hold.coop'", []string{"wrong rdds.domain_all", "bad_name", "Hold.coop"}},
		{"a name under no TLD", "update registry.domain set name = 'hold.example' where name = 'hold.coop'", "update registry.domain set name = 'hold.coop' where name = 'hold.example'", []string{"wrong rdds.domain_all", "rdds.tld", "hold.example"}},
		{"a kind that there is not", "alter table rdds.journal drop constraint journal_kind_check; insert into rdds.journal (kind, key) values ('person', 'x')", "delete from rdds.journal where kind = 'person'; alter table rdds.journal add check (kind in ('tld','registrar','contact','host','domain','reserved'))", []string{"wrong rdds.changes", "person"}},
		{"another contract", "update rdds.meta set contract = 2", "update rdds.meta set contract = 1", []string{"wrong rdds.head()", "version 2"}},
		{"head is missing", "drop function rdds.head()", head + "; revoke all on function rdds.head() from public; grant execute on function rdds.head() to rdds_reader", []string{"wrong rdds.head()", "missing"}},
		{"head with the reader's rights", "alter function rdds.head() security invoker", "alter function rdds.head() security definer", []string{"wrong rdds.head()", "security definer"}},
		{"head without a search path", "alter function rdds.head() reset search_path", "alter function rdds.head() set search_path = pg_catalog, pg_temp", []string{"wrong rdds.head()", "search_path"}},
		{"head may not be asked", "revoke execute on function rdds.head() from rdds_reader", "grant execute on function rdds.head() to rdds_reader", []string{"wrong role verify_edge", "may not execute rdds.head()"}},
		{"a view may not be read", "revoke select on rdds.host from rdds_reader", "grant select on rdds.host to rdds_reader", []string{"wrong rdds.host", "may not read"}},
		{"the role reads a table", "grant usage on schema registry to verify_edge; grant select on registry.contact to verify_edge", "revoke usage on schema registry from verify_edge; revoke select on registry.contact from verify_edge", []string{"wrong role verify_edge", "too wide", "select on registry.contact"}},
		{"the role reads a column", "grant usage on schema registry to public; grant select (authinfo) on registry.domain to public", "revoke usage on schema registry from public; revoke select (authinfo) on registry.domain from public", []string{"wrong role verify_edge", "select on registry.domain"}},
		{"the role writes the journal", "grant insert on rdds.journal to rdds_reader", "revoke insert on rdds.journal from rdds_reader", []string{"wrong role verify_edge", "insert on rdds.journal"}},
		{"the role writes a view", "grant update on rdds.reserved to verify_edge", "revoke update on rdds.reserved from verify_edge", []string{"wrong role verify_edge", "update on rdds.reserved"}},
		{"the role keeps", "grant rdds_keeper to verify_edge", "revoke rdds_keeper from verify_edge", []string{"wrong role verify_edge", "member of rdds_keeper"}},
		{"the role reads all data", "grant pg_read_all_data to verify_edge", "revoke pg_read_all_data from verify_edge", []string{"wrong role verify_edge", "member of pg_read_all_data"}},
		{"the role begins an epoch", "grant execute on function rdds.new_epoch() to public", "revoke execute on function rdds.new_epoch() from public", []string{"wrong role verify_edge", "rdds.new_epoch()"}},
		{"another function has its owner's rights", "create schema tools; grant usage on schema tools to public; create function tools.peek() returns text language sql security definer as 'select authinfo from registry.domain limit 1'", "drop schema tools cascade", []string{"wrong role verify_edge", "tools.peek()"}},
		{"the role makes roles", "alter role verify_edge createrole", "alter role verify_edge nocreaterole", []string{"wrong role verify_edge", "createrole"}},
		{"the role makes objects", "grant create on schema public to verify_edge", "revoke create on schema public from verify_edge", []string{"wrong role verify_edge", "make objects in schema public"}},
		{"the role is a superuser", "alter role verify_edge superuser", "alter role verify_edge nosuperuser", []string{"wrong role verify_edge", "superuser"}},
		{"the role has no bounds", "alter role verify_edge reset statement_timeout", "alter role verify_edge set statement_timeout = '10min'", []string{"remark role verify_edge", "statement_timeout"}},
		{"the role makes temporary tables", "grant temporary on database " + db.Name + " to public", "revoke temporary on database " + db.Name + " from public", []string{"remark role verify_edge", "temporary"}},
		{"no contract at all", "alter schema rdds rename to away", "alter schema away rename to rdds", []string{"wrong schema rdds", "missing"}},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			db.Exec(t, tt.breaks)
			defer db.Exec(t, tt.mends)
			lines := findings(t, db, "verify_edge", 0)
			if !slices.ContainsFunc(lines, func(line string) bool {
				return !slices.ContainsFunc(tt.want, func(want string) bool { return !strings.Contains(line, want) })
			}) {
				t.Errorf("none of the findings holds %q:\n%s", tt.want, strings.Join(lines, "\n"))
			}
		})
	}
	if lines := findings(t, db, "verify_edge", 0); len(lines) > 0 {
		t.Errorf("after everything was mended: %q", lines)
	}
}

// TestVerifyFindsWhatNobodyTold follows a registry whose triggers are not whole,
// and one of whose views changes by the clock.
func TestVerifyFindsWhatNobodyTold(t *testing.T) {
	t.Parallel()
	db := generated(t, synthetic.Params{Names: 60, Seed: 1})
	edgeRole(t, db, "verify_watch")
	db.Exec(t, `drop trigger rdds_domain_insert on registry.domain_host; drop trigger rdds_domain_delete on registry.domain_host;
		drop trigger rdds_contact_update on registry.contact; drop trigger rdds_reserved_insert on registry.reserved`)
	// A period that the clock ends, and refresh_at does not tell.
	for _, view := range []string{"domain", "domain_all"} {
		def := viewQuery(t, db, view)
		at := strings.LastIndex(def, "LEAST(")
		end := strings.Index(def[at:], "AS refresh_at")
		db.Exec(t, "create or replace view rdds."+view+" with (security_barrier) as "+def[:at]+"null::timestamptz "+def[at+end:])
	}
	var lines []string
	_, err := Verify(t.Context(), db.DSN("verify_watch"), Verification{
		For:   4 * time.Second,
		Found: func(f Finding) { lines = append(lines, "wrong "+f.Where+": "+f.What) },
		Following: func() {
			db.Exec(t, `
				delete from registry.domain_host where domain_roid = (select roid from registry.domain where name = 'example.coop');
				update registry.contact set org = 'Another', disclose = '{org}' where roid = (select registrant from registry.domain where name = 'example.coop');
				insert into registry.reserved (name, reason) values ('untold.coop', 'blocked');
				update registry.registrar set city = 'Told' where clid = 'example';
				update registry.domain set add_until = now() + interval '2 seconds' where name = 'hold.coop'`)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Join(lines, "\n")
	for _, want := range []string{
		"wrong rdds.domain: column hosts changed", "first seen: example.coop",
		"wrong rdds.contact: column org changed",
		"wrong rdds.reserved: a row appeared", "untold.coop",
		"wrong rdds.domain: column rgp changed", "first seen: hold.coop",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the findings lack %q:\n%s", want, text)
		}
	}
	if strings.Contains(text, "rdds.registrar") {
		t.Errorf("a change that was told is found:\n%s", text)
	}
}

// TestForeignTablesAsOperatingSays builds one view over tables of another shape
// with the very SQL of OPERATING.md, and wants nothing to be wrong with it.
func TestForeignTablesAsOperatingSays(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../../deploy/OPERATING.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(page), "```sql\ndrop view rdds.host;")
	sql, _, ended := strings.Cut(rest, "```")
	if !found || !ended {
		t.Fatal("OPERATING.md has no SQL that begins with drop view rdds.host")
	}
	db := generated(t, synthetic.Params{Names: 60, Seed: 1})
	edgeRole(t, db, "verify_foreign")
	db.Exec(t, `create schema epp;
		create table epp.nameserver (id text primary key, fqdn text not null, client text not null, addresses inet[] not null, remark text, made timestamptz not null, changed timestamptz);
		insert into epp.nameserver select roid, name, clid, v4 || v6, 'private', created, updated from registry.host`)
	db.Exec(t, "drop view rdds.host;"+sql)
	var lines []string
	done, err := Verify(t.Context(), db.DSN("verify_foreign"), Verification{
		For:   2 * time.Second,
		Found: func(f Finding) { lines = append(lines, f.Where+": "+f.What) },
		Following: func() {
			db.Exec(t, `update epp.nameserver set remark = 'told to nobody';
				insert into epp.nameserver values ('HX', 'ns.new.example', 'example', '{192.0.2.7,2001:db8::7}', null, now(), null);
				update epp.nameserver set fqdn = 'ns.renamed.example' where id = 'HX';
				insert into epp.nameserver values ('HY', 'ns.gone.example', 'example', '{}', null, now(), null);
				delete from epp.nameserver where id = 'HY'`)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(lines) > 0 {
		t.Errorf("findings:\n%s", strings.Join(lines, "\n"))
	}
	told := texts(t, open(t, db), "select distinct kind || ' ' || key from rdds.journal")
	slices.Sort(told)
	if !slices.Equal(told, []string{"host HX", "host HY"}) || done.Changes == 0 {
		t.Errorf("the journal names %q: want the two hosts, and not those whose private column changed", told)
	}
}
