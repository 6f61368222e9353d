package tables_test

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"rddsd/cache/feed/postgres/pgtest"
	"rddsd/cache/feed/tables"
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
	// The tables beneath hold more than the views show.
	for table := range tables.Columns {
		want, got := tableRows(t, first, table), tableRows(t, second, table)
		if !slices.Equal(want, got) {
			at := 0
			for at < min(len(want), len(got)) && want[at] == got[at] {
				at++
			}
			t.Errorf("table %s: %d rows in SQLite, %d in PostgreSQL; they differ from row %d on", tables.Columns[table].Table, len(want), len(got), at)
		}
		total += len(got)
	}
	t.Logf("%d rows compared", total)
	const all = "select cast(d as text) from rdds."
	if !slices.Equal(tablestest.Texts(t, second, all+"domain d order by key"), tablestest.Texts(t, second, all+"domain_all d order by key")) {
		t.Error("rdds.domain_all differs from rdds.domain")
	}
}

// tableRows returns the rows of a table, sorted, the same in both databases for
// the same values.
func tableRows(t *testing.T, db tables.Database, table int) []string {
	t.Helper()
	var parts []string
	for column := range strings.SplitSeq(tables.Columns[table].Columns, ", ") {
		switch column {
		case "street", "disclose", "statuses", "rgp", "v4", "v6":
			column = db.JSON(column)
		case "created", "updated", "transferred", "expires", "add_until", "renew_until", "autorenew_until", "transfer_until", "watermark":
			column = db.Micros(column)
		case "digest", "id_key", "id_mac":
			column = db.Hex(column)
		case "gtld", "zone_signed":
			column = "cast(" + column + " as integer)"
		}
		parts = append(parts, "coalesce(cast("+column+" as text), '<null>')")
	}
	rows := tablestest.Texts(t, db, "select "+strings.Join(parts, " || '|' || ")+" from "+tables.Columns[table].Table)
	slices.Sort(rows)
	return rows
}
