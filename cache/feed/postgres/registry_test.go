package postgres_test

import (
	"context"
	"flag"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"rddsd/cache"
	"rddsd/cache/feed/postgres"
	"rddsd/cache/feed/postgres/pgtest"
	"rddsd/cache/registry"
	"rddsd/deploy/schema"
)

// long makes the tests of the invariant run for as long as the promise is
// stated for.
var long = flag.Bool("long", false, "run the stress tests at their full length")

// patience bounds each wait for a condition.
const patience = time.Minute

// A reg is a registry with the reference tables. Who owns them is postgres; the
// registry's own program is app, which owns nothing; the edge is edge1.
type reg struct{ *pgtest.Database }

// newRegistry makes a registry with the TLD coop, two registrars, two hosts and
// n domains d0.coop and so on, each with a registrant C0 and so on.
func newRegistry(t testing.TB, server *pgtest.Server, n int) reg {
	t.Helper()
	r := reg{server.Database(t)}
	server.Alone(func() { r.Exec(t, schema.Postgres()) })
	r.Login(t, "app")
	r.Login(t, "edge1", "rdds_reader")
	r.Exec(t, "grant usage on schema registry to app; grant select, insert, update, delete, truncate on all tables in schema registry to app; "+
		"revoke temporary on database "+r.Name+" from public")
	r.Exec(t, `
		insert into registry.tld (name) values ('coop');
		insert into registry.registrar (clid, iana_id, name) values ('reg-a', 900001, 'Registrar A'), ('reg-b', 900002, 'Registrar B');
		insert into registry.host (roid, name, clid, v4) values ('H1', 'ns1.example.net', 'reg-a', '{192.0.2.1}'), ('H2', 'ns2.example.net', 'reg-a', '{}');`)
	if n > 0 { // as a bulk load does, without triggers
		r.Exec(t, fmt.Sprintf(`
			set session_replication_role = replica;
			insert into registry.contact (roid, id, clid, name, org, cc) select 'C' || i, 'sh' || i, 'reg-a', 'Held', 'Cooperative', 'GB' from generate_series(0, %[1]d) i;
			insert into registry.domain (roid, name, clid, registrant, created, expires)
				select 'D' || i, 'd' || i || '.coop', 'reg-a', 'C' || i, '2020-01-01', '2030-01-01' from generate_series(0, %[1]d) i;
			insert into registry.domain_host select 'D' || i, h from generate_series(0, %[1]d) i, unnest('{H1,H2}'::text[]) h;`, n-1))
	}
	return r
}

// maintain does what the registry's timer does, keeping what is younger than
// keep.
func (r reg) maintain(t testing.TB, keep string) {
	t.Helper()
	r.Exec(t, "select rdds.maintain($1::text::interval)", keep)
}

// source returns a Source as the edge's role.
func (r reg) source(t testing.TB) *postgres.Source {
	t.Helper()
	return r.sourceEvery(t, 5*time.Second)
}

// sourceEvery returns a Source that polls that often at least.
func (r reg) sourceEvery(t testing.TB, interval time.Duration) *postgres.Source {
	t.Helper()
	s, err := postgres.Open(r.DSN("edge1"), interval)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// snapshot reads r whole as the edge's role.
func snapshot(t testing.TB, s *postgres.Source) *cache.View {
	t.Helper()
	builder := cache.NewBuilder(0)
	at, asOf, err := s.Snapshot(t.Context(), builder.Put)
	if err != nil {
		t.Fatal(err)
	}
	view, err := builder.View(at, asOf, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	return view
}

// state reads the registry whole, past the edge.
func (r reg) state(t testing.TB) *cache.View {
	t.Helper()
	s := r.source(t)
	defer s.Close()
	return snapshot(t, s)
}

// next asks for the delta after view until it changes something, and returns
// the View after it.
func next(t testing.TB, s *postgres.Source, view *cache.View) *cache.View {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		delta, err := s.Next(ctx, view.Position(), view.Due)
		if err != nil {
			t.Fatal(err)
		}
		after, _, err := view.Apply(delta, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		if len(delta.Changes) > 0 {
			return after
		}
		view = after
	}
}

// differences lists where got is not what the registry's views say.
func differences(got, want *cache.View) []string {
	var diffs []string
	a, b := rows(got), rows(want)
	for key, row := range a {
		if b[key] != row {
			diffs = append(diffs, fmt.Sprintf("%s %q is served as %q, the registry says %q", key.Kind, key.Name, row, b[key]))
		}
	}
	for key, row := range b {
		if _, ok := a[key]; !ok {
			diffs = append(diffs, fmt.Sprintf("%s %q is not served, the registry says %q", key.Kind, key.Name, row))
		}
	}
	return diffs
}

// rows returns what v holds: rows, and why others are in quarantine.
func rows(v *cache.View) map[cache.Key]string {
	all := make(map[cache.Key]string)
	for key, row := range v.All() { // both are good until the next
		if v.Rejection(key) == "" { // a last good row may stay on one side only
			key.Name = strings.Clone(key.Name)
			all[key] = strings.Clone(row)
		}
	}
	for _, key := range v.Quarantined() {
		all[key] = "rejected: " + string(v.Rejection(key))
	}
	return all
}

// same fails the test when got is not what the registry's views say.
func (r reg) same(t testing.TB, got *cache.View) {
	t.Helper()
	report(t, differences(got, r.state(t)))
}

func report(t testing.TB, diffs []string) {
	t.Helper()
	for _, d := range diffs[:min(len(diffs), 10)] {
		t.Error(d)
	}
	if len(diffs) > 10 {
		t.Errorf("and %d more", len(diffs)-10)
	}
}

func domain(t testing.TB, view *cache.View, name string) *registry.Domain {
	t.Helper()
	d := new(registry.Domain)
	if view.Domain(name, d) != cache.Present {
		return nil
	}
	return d
}

// query returns one value of the registry's.
func query[T any](t testing.TB, conn *pgx.Conn, sql string, args ...any) T {
	t.Helper()
	var value T
	if err := conn.QueryRow(t.Context(), sql, args...).Scan(&value); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return value
}
