// Package tablestest runs tests over registries in each database that holds them.
package tablestest

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"rddsd/cache/feed/postgres"
	"rddsd/cache/feed/postgres/pgtest"
	"rddsd/cache/feed/rde"
	"rddsd/cache/feed/sqlite"
	"rddsd/cache/feed/tables"
	"rddsd/cache/registry"
	"rddsd/cache/registry/synthetic"
)

// Session is a session that can be closed.
type Session interface {
	tables.Database
	Close() error
}

// Engine is a kind of database. A place is a path or a connection string.
type Engine struct {
	Name     string
	Empty    func(t testing.TB) (place string) // where a registry may be made, for the length of t
	Generate func(ctx context.Context, place string, force bool, g *synthetic.Registry) error
	Import   func(ctx context.Context, deposit, place string, force bool) (*rde.Imported, error)
	open     func(ctx context.Context, place string) (Session, error)
}

// SQLite is SQLite.
func SQLite() Engine {
	return Engine{
		"sqlite", func(t testing.TB) string { return filepath.Join(t.TempDir(), "registry.sqlite") }, sqlite.Generate, sqlite.Import,
		func(ctx context.Context, path string) (Session, error) { return sqlite.OpenSession(ctx, path) },
	}
}

// Postgres is PostgreSQL. Tests that use it run under pgtest.Main.
func Postgres() Engine {
	return Engine{
		"postgres", func(t testing.TB) string { return pgtest.Shared(t).Database(t).DSN("postgres") }, postgres.Generate, postgres.Import,
		func(ctx context.Context, dsn string) (Session, error) { return postgres.OpenSession(ctx, dsn) },
	}
}

// Each runs test for each engine.
func Each(t *testing.T, test func(t *testing.T, e Engine)) {
	for _, e := range []Engine{SQLite(), Postgres()} {
		t.Run(e.Name, func(t *testing.T) { test(t, e) })
	}
}

// Fictional makes the registry of p and returns its place.
func (e Engine) Fictional(t testing.TB, p synthetic.Params) (place string) {
	t.Helper()
	g, err := synthetic.New(p)
	if err != nil {
		t.Fatal(err)
	}
	place = e.Empty(t)
	if err := e.Generate(t.Context(), place, false, g); err != nil {
		t.Fatal(err)
	}
	return place
}

// Open starts a session that ends with t.
func (e Engine) Open(t testing.TB, place string) Session {
	t.Helper()
	s, err := e.open(t.Context(), place)
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

// Holds reports whether there is a registry at place.
func (e Engine) Holds(t testing.TB, place string) bool {
	t.Helper()
	s, err := e.open(t.Context(), place)
	if err != nil {
		return false
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	return true
}

// Texts reads a query of one column.
func Texts(t testing.TB, db tables.Database, query string, args ...any) []string {
	t.Helper()
	list, err := tables.Texts(t.Context(), db, query, args...)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// viewColumns are the columns of each view by what they hold.
var viewColumns = [registry.Kinds]struct{ texts, lists, moments, numbers string }{
	registry.KindTLD: {"key u_name contact_model", "", "created updated", "gtld zone_signed"},
	registry.KindRegistrar: {
		"key name status url rdap_url whois_server abuse_email abuse_phone city sp pc cc voice voice_ext fax fax_ext email " +
			"admin_fn admin_voice admin_email tech_fn tech_voice tech_email contact_model",
		"street", "created updated", "iana_id",
	},
	registry.KindContact:  {"key registrar handle name org city sp pc cc voice voice_ext fax fax_ext email", "street redacted", "created updated", ""},
	registry.KindHost:     {"key name registrar", "v4 v6 statuses", "created updated", ""},
	registry.KindDomain:   {"key roid u_name idn_table registrar reseller registrant", "tech hosts ds statuses rgp", "created updated transferred expires refresh_at", ""},
	registry.KindReserved: {"key reason of idn_table public_text", "", "", ""},
}

// ViewRows returns the rows of the view of kind in the order of their keys: the
// same texts in each database for the same values.
func ViewRows(t testing.TB, db tables.Database, kind registry.Kind) []string {
	t.Helper()
	c := viewColumns[kind]
	var parts []string
	add := func(columns string, as func(string) string) {
		for name := range strings.FieldsSeq(columns) {
			parts = append(parts, "coalesce(cast("+as(name)+" as text), '<null>')")
		}
	}
	add(c.texts, func(s string) string { return s })
	add(c.lists, db.JSON)
	add(c.moments, db.Micros)
	add(c.numbers, func(s string) string { return "cast(" + s + " as integer)" })
	return Texts(t, db, "select "+strings.Join(parts, " || '|' || ")+" from "+db.View(kind)+" order by key")
}

// Published returns all that a registry publishes, and which deposit it stands
// at.
func Published(t testing.TB, db tables.Database) []string {
	t.Helper()
	all := Texts(t, db, "select full_id || ' ' || last_id from deposit")
	for kind := registry.KindTLD; kind < registry.Kinds; kind++ {
		all = append(all, ViewRows(t, db, kind)...)
	}
	return all
}
