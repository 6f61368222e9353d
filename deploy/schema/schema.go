// Package schema holds the SQL of the publication contract, version 1: the
// tables of a reference registry and the views, journal and triggers through
// which an edge reads it. Tables, views and columns keep their names: registries
// write views against them.
package schema

import (
	_ "embed"
	"strings"
)

var (
	//go:embed sqlite.sql
	sqlite string
	//go:embed postgres/01_registry.sql
	postgresRegistry string
	//go:embed postgres/02_rdds.sql
	postgresRDDS string
)

// The marks in sqlite.sql before its second and third part.
const (
	markViews    = "------------------------------------------------------------------------------- part 2: indexes and views\n"
	markTriggers = "------------------------------------------------------------------------------- part 3: triggers\n"
)

// SQLite returns the whole contract for SQLite 3.40 and newer.
func SQLite() string { return sqlite }

// SQLiteParts returns the contract for SQLite in the three parts between which
// a bulk load runs: it loads after the tables, then makes the indexes and
// views, then the triggers, so that no trigger has run and the journal is
// empty.
func SQLiteParts() (tables, indexesAndViews, triggers string) {
	tables, rest, _ := strings.Cut(sqlite, markViews)
	indexesAndViews, triggers, _ = strings.Cut(rest, markTriggers)
	return tables, indexesAndViews, triggers
}

// Postgres returns the reference registry and the contract for PostgreSQL 15
// and newer.
func Postgres() string { return postgresRegistry + "\n" + postgresRDDS }
