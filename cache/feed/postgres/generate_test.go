package postgres

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"rddsd/cache/feed/postgres/pgtest"
	"rddsd/cache/feed/tables"
	"rddsd/cache/registry"
	"rddsd/cache/registry/synthetic"
	"rddsd/deploy/schema"
)

// fictional makes the registry of p.
func fictional(t testing.TB, p synthetic.Params) *synthetic.Registry {
	t.Helper()
	g, err := synthetic.New(p)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// generated fills a database with the registry of p.
func generated(t testing.TB, p synthetic.Params) *pgtest.Database {
	t.Helper()
	db := pgtest.Shared(t).Database(t)
	db.Server.Alone(func() {
		if err := Generate(t.Context(), db.DSN("postgres"), false, fictional(t, p)); err != nil {
			t.Fatal(err)
		}
	})
	return db
}

// open starts a session that ends with the test.
func open(t testing.TB, db *pgtest.Database) *Session {
	t.Helper()
	s, err := OpenSession(t.Context(), db.DSN("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// texts reads a query of one column.
func texts(t testing.TB, db tables.Database, query string) []string {
	t.Helper()
	list, err := tables.Texts(t.Context(), db, query)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// TestLoadKeepsEveryCharacter stores what the text formats of COPY and of arrays
// escape.
func TestLoadKeepsEveryCharacter(t *testing.T) {
	odd := []string{"back\\slash", "tab\there", "line\nfeed", "car\rriage", `quo"te`, "{braces,comma}", `\N`, `\.`, "null", "NULL", " ", "é漢"}
	db := pgtest.Shared(t).Database(t)
	l, err := Create(t.Context(), db.DSN("postgres"), false, Meta{})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Abort()
	for i, s := range odd {
		if err := l.Registrar(&registry.Registrar{ClID: "reg" + string(rune('a'+i)), Name: s, Status: "ok", Street: []string{s, "x"}, Created: registry.Time(i)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Registrar(&registry.Registrar{ClID: "whole", Name: "n", Status: "ok", Street: odd, City: "", Created: 1, Updated: registry.MaxTime}); err != nil {
		t.Fatal(err)
	}
	if err := l.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	conn := db.Connect(t, "postgres")
	for i, want := range odd {
		var (
			name    string
			street  []string
			created time.Time
		)
		if err := conn.QueryRow(t.Context(), "select name, street, created from rdds.registrar where key = $1", "reg"+string(rune('a'+i))).Scan(&name, &street, &created); err != nil {
			t.Fatal(err)
		}
		if name != want || !slices.Equal(street, []string{want, "x"}) || registry.TimeOf(created) != registry.Time(i) {
			t.Errorf("%q came back as %q, %q, %v", want, name, street, created)
		}
	}
	var (
		street []string
		city   *string
		last   time.Time
	)
	if err := conn.QueryRow(t.Context(), "select street, city, updated from rdds.registrar where key = 'whole'").Scan(&street, &city, &last); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(street, odd) || city != nil || registry.TimeOf(last) != registry.MaxTime {
		t.Errorf("came back as %q, %v, %v", street, city, last)
	}
}

// TestGenerateLeavesALivingRegistry wants keys, references, indexes and triggers
// back after the load, the identity of the parameters, and an empty journal.
func TestGenerateLeavesALivingRegistry(t *testing.T) {
	p := synthetic.Params{Names: 300, Seed: 3}
	id, epoch := fictional(t, p).Identity()
	plain := pgtest.Shared(t).Database(t)
	plain.Exec(t, schema.Postgres())
	db := generated(t, p)
	loaded := open(t, db)
	shape := func(s *Session) []string {
		return slices.Concat(
			texts(t, s, "select conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid) || condeferrable::text from pg_constraint where connamespace = 'registry'::regnamespace order by 1"),
			texts(t, s, "select pg_get_indexdef(indexrelid) from pg_index where indrelid in (select oid from pg_class where relnamespace = 'registry'::regnamespace) order by 1"),
			texts(t, s, "select tgrelid::regclass || ' ' || tgname || ' ' || tgenabled::text || ' ' || pg_get_triggerdef(oid) from pg_trigger where not tgisinternal order by 1"))
	}
	if got, want := shape(loaded), shape(open(t, plain)); !slices.Equal(got, want) {
		t.Errorf("after a load the tables have\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	head := "select replace(registry::text, '-', '') || ' ' || replace(epoch::text, '-', '') || ' ' || contract || ' ' || floor || ' ' || (select count(*) from rdds.journal) || ' ' || (select count(*) from registry.domain) from rdds.meta"
	if got, want := texts(t, loaded, head), id+" "+epoch+" 1 0 0 300"; len(got) != 1 || got[0] != want {
		t.Errorf("the registry says %q, want %q", got, want)
	}
	db.Exec(t, "update registry.registrar set name = 'Renamed' where clid = 'example'")
	if got := texts(t, loaded, "select kind || ' ' || key from rdds.journal"); !slices.Equal(got, []string{"registrar example"}) {
		t.Errorf("journal after an update: %q", got)
	}
}

func TestGenerateLeavesAFilledTargetAlone(t *testing.T) {
	db := generated(t, synthetic.Params{Names: 100, Seed: 1})
	s := open(t, db)
	state := "select registry || ' ' || epoch || ' ' || (select string_agg(name, ' ' order by name) from registry.domain) from rdds.meta"
	before := texts(t, s, state)
	other := fictional(t, synthetic.Params{Names: 120, Seed: 2})
	if err := Generate(t.Context(), db.DSN("postgres"), false, other); !errors.Is(err, synthetic.ErrNotEmpty) {
		t.Errorf("Generate over a registry = %v, want ErrNotEmpty", err)
	}
	if !slices.Equal(texts(t, s, state), before) {
		t.Error("a refused load has changed the registry")
	}
	ended, cancel := context.WithCancel(t.Context())
	loader, err := Create(ended, db.DSN("postgres"), true, Meta{})
	if err != nil {
		t.Fatal(err)
	}
	if err := loader.TLD(&registry.TLD{Name: "test", ContactModel: registry.ModelFull}); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := loader.Commit(ended); err == nil {
		t.Error("Commit with a context that has ended: no error")
	}
	if !slices.Equal(texts(t, s, state), before) {
		t.Error("a load that was given up has changed the registry")
	}
	if err := Generate(t.Context(), db.DSN("postgres"), true, other); err != nil {
		t.Fatal(err)
	}
	if got := texts(t, s, "select count(*)::text from rdds.domain"); got[0] != "120" {
		t.Errorf("%s names after a load with force, want 120", got[0])
	}
}

// TestLoadRefusesWhatDoesNotHold wants the object named, and nothing stored.
func TestLoadRefusesWhatDoesNotHold(t *testing.T) {
	domain := func(roid, registrant string, hosts ...string) *synthetic.Domain {
		return &synthetic.Domain{Domain: registry.Domain{Name: strings.ToLower(roid) + ".coop", ROID: roid, Registrar: "reg-a", Registrant: registrant, Hosts: hosts, Created: 1, Expires: 2}}
	}
	for name, tt := range map[string]struct {
		put  func(*Loader) error
		want string
	}{
		"a contact that is not there":   {func(l *Loader) error { return l.Domain(domain("D1", "C9")) }, "C9"},
		"a host that is not there":      {func(l *Loader) error { return l.Domain(domain("D1", "", "H9")) }, "H9"},
		"a name twice":                  {func(l *Loader) error { return errors.Join(l.Domain(domain("D1", "")), l.Domain(domain("D1", ""))) }, "D1"},
		"a registrar's id that is none": {func(l *Loader) error { return l.Registrar(&registry.Registrar{ClID: "x", Name: "X", Status: "ok"}) }, "registrar_clid_check"},
		"a text that is none":           {func(l *Loader) error { return l.Reserved(&registry.Reserved{Name: "a\x00b"}) }, "reserved"},
		"a value that is withheld": {func(l *Loader) error {
			return l.Contact(&registry.Contact{ROID: "C1", Registrar: "reg-a", Name: "N", Redacted: registry.ElementID | registry.ElementName})
		}, "C1"},
	} {
		t.Run(name, func(t *testing.T) {
			db := pgtest.Shared(t).Database(t)
			l, err := Create(t.Context(), db.DSN("postgres"), false, Meta{})
			if err != nil {
				t.Fatal(err)
			}
			defer l.Abort()
			err = errors.Join(l.Registrar(&registry.Registrar{ClID: "reg-a", Name: "A", Status: "ok"}), tt.put(l))
			if err == nil {
				err = l.Commit(t.Context())
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error is %v, want one that names %s", err, tt.want)
			}
			l.Abort()
			var there bool
			if err := db.Connect(t, "postgres").QueryRow(t.Context(), "select to_regclass('registry.domain') is not null").Scan(&there); err != nil || there {
				t.Errorf("a refused load has left tables: %v, %v", there, err)
			}
		})
	}
}

func TestCreateSaysWhatItCannotReach(t *testing.T) {
	for dsn, want := range map[string]string{
		"host=/nonexistent dbname=x password=secret": "x on /nonexistent",
		"port=nonsense password=secret":              "open",
	} {
		_, err := Create(t.Context(), dsn, false, Meta{})
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("Create(%q) = %v, want an error with %q and without the password", dsn, err, want)
		}
	}
}

// TestSchemaMayBeRunAgain runs the contract over a registry at work: nothing is
// lost, and what somebody has broken or granted too much is as it should be.
func TestSchemaMayBeRunAgain(t *testing.T) {
	db := pgtest.Shared(t).Database(t)
	db.Exec(t, schema.Postgres())
	db.Exec(t, schema.Postgres())
	if err := Generate(t.Context(), db.DSN("postgres"), false, fictional(t, synthetic.Params{Names: 50, Seed: 1})); err != nil {
		t.Fatal(err)
	}
	s := open(t, db)
	db.Exec(t, "update registry.registrar set name = 'Renamed' where clid = 'example'")
	state := func() []string {
		return slices.Concat(
			texts(t, s, "select registry || ' ' || epoch || ' ' || floor from rdds.meta"),
			texts(t, s, "select xid || ' ' || seq || ' ' || kind || ' ' || key from rdds.journal"),
			texts(t, s, "select d::text from rdds.domain d order by key"),
			texts(t, s, "select tgrelid::regclass || ' ' || tgname || ' ' || pg_get_triggerdef(oid) from pg_trigger where not tgisinternal order by 1"),
			texts(t, s, "select oid::regclass || ' ' || relacl::text from pg_class where relnamespace = 'rdds'::regnamespace and relacl is not null order by 1"),
			texts(t, s, "select oid::regprocedure || ' ' || proacl::text from pg_proc where pronamespace = 'rdds'::regnamespace order by 1"))
	}
	before := state()
	db.Exec(t, `drop trigger rdds_host_update on registry.host; grant select on rdds.journal to rdds_reader; grant execute on function rdds.new_epoch() to public;
		revoke select on rdds.host from rdds_reader`)
	if slices.Equal(before, state()) {
		t.Fatal("nothing was broken: the test proves nothing")
	}
	db.Exec(t, schema.Postgres())
	if after := state(); !slices.Equal(before, after) {
		t.Errorf("after another run:\n%s\nwant\n%s", strings.Join(after, "\n"), strings.Join(before, "\n"))
	}
}
