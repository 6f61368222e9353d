package schema

import (
	"strings"
	"testing"
)

func TestSQLitePartsAreTheWhole(t *testing.T) {
	tables, views, triggers := SQLiteParts()
	if got := tables + markViews + views + markTriggers + triggers; got != SQLite() {
		t.Fatal("SQLiteParts() joined with its marks is not SQLite()")
	}
	parts := map[string]string{"create table": tables, "create view": views, "create trigger": triggers}
	for word := range parts {
		for name, part := range parts {
			has := strings.Contains(part, "\n"+word+" ")
			if has != (name == word) {
				t.Errorf("the part of %q: contains a line that begins %q: %v", name, word, has)
			}
		}
	}
}

func TestPostgresHoldsBothFiles(t *testing.T) {
	sql := Postgres()
	for _, want := range []string{"create schema if not exists registry;", "create schema if not exists rdds;", "create table if not exists rdds.journal"} {
		if !strings.Contains(sql, want) {
			t.Errorf("Postgres() lacks %q", want)
		}
	}
}
