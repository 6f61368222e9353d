package tables_test

import (
	"os"
	"slices"
	"testing"
	"time"

	"rddsd/cache/feed/postgres/pgtest"
	"rddsd/cache/feed/tables/tablestest"
	"rddsd/cache/registry"
	"rddsd/cache/registry/synthetic"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// TestTwinsGiveTheSameViews writes one registry to both databases and compares
// every row of every view: the invariant of the feed compares a wrong view with
// itself.
func TestTwinsGiveTheSameViews(t *testing.T) {
	// The views take the clock of the machine: no period may end between the two.
	p := synthetic.Params{Names: 1500, Seed: 8, Now: time.Now().Add(-time.Hour).Truncate(time.Hour)}
	one, two := tablestest.SQLite(), tablestest.Postgres()
	first, second := one.Open(t, one.Fictional(t, p)), two.Open(t, two.Fictional(t, p))
	total := 0
	for kind := registry.KindTLD; kind < registry.Kinds; kind++ {
		want, got := tablestest.ViewRows(t, first, kind), tablestest.ViewRows(t, second, kind)
		differ := 0
		for i := range min(len(got), len(want)) {
			if got[i] != want[i] {
				if differ++; differ <= 2 {
					t.Errorf("%s\npostgres %s\nsqlite   %s", kind, got[i], want[i])
				}
			}
		}
		if len(got) != len(want) || len(got) == 0 || differ > 0 {
			t.Errorf("%s: %d rows in PostgreSQL, %d in SQLite, %d differ", kind, len(got), len(want), differ)
		}
		total += len(got)
	}
	t.Logf("%d rows compared", total)
	const all = "select cast(d as text) from rdds."
	if !slices.Equal(tablestest.Texts(t, second, all+"domain d order by key"), tablestest.Texts(t, second, all+"domain_all d order by key")) {
		t.Error("rdds.domain_all differs from rdds.domain")
	}
}
