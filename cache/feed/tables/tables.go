// Package tables is how programs write the reference tables of a registry
// (deploy/schema) in either database. Tables and columns are the same in both;
// a list, a moment and a digest have another form in each, and so has what the
// two dialects of SQL do not share.
package tables

import (
	"context"
	"time"

	"rddsd/cache/registry"
)

// Database is one session that changes a registry. There is one for SQLite and
// one for PostgreSQL. It is for one goroutine.
//
// Statements have numbered placeholders, ?1 and so on, and are prepared once for
// each text: a caller uses few texts.
type Database interface {
	// Change runs f in one transaction in which no other session of this
	// package changes the registry. f's error rolls back; after a conflict with
	// another writer f is called again. Once begun, the transaction runs to its
	// end whatever becomes of ctx: f has a context without end.
	Change(ctx context.Context, f func(context.Context) error) error
	// Defer lets references of the running transaction lead nowhere until it
	// ends.
	Defer(ctx context.Context) error
	// Maintain writes a heartbeat and prunes the journal to the last keep.
	Maintain(ctx context.Context, keep time.Duration) error
	// Exec runs a statement.
	Exec(ctx context.Context, statement string, args ...any) error
	// Query calls row for each row of a query, which scan reads. It ends with
	// the first error of row.
	Query(ctx context.Context, query string, args []any, row func(scan func(dest ...any) error) error) error

	// Arguments of a statement; see TimeOrNull for a moment that may be none.
	List(texts []string) any
	Time(t registry.Time) any
	Digest(hex string) any

	// Expressions over columns: a list as the text of a JSON array, a moment in
	// microseconds since 1970, a digest in hexadecimal digits of lower case.
	JSON(list string) string
	Micros(moment string) string
	Hex(digest string) string
	// Array is a JSON array of what query selects as its only column, v.
	Array(query string) string
	// Each is a table k whose column value has the texts of a List argument.
	Each(placeholder string) string

	View(kind registry.Kind) string // the contract's view of a kind
	Highest(table string) string    // selects the highest number in the ROIDs of a table, 0 if there is none
	Serial() string                 // selects the journal's last number in the running transaction
}

// Row reads the first row of a query into dest; false when there is none.
func Row(ctx context.Context, db Database, query string, args []any, dest ...any) (found bool, err error) {
	err = db.Query(ctx, query, args, func(scan func(...any) error) error {
		if found {
			return nil
		}
		found = true
		return scan(dest...)
	})
	return found, err
}

// Texts reads a query of one column.
func Texts(ctx context.Context, db Database, query string, args ...any) ([]string, error) {
	var list []string
	err := db.Query(ctx, query, args, func(scan func(...any) error) error {
		var text string
		err := scan(&text)
		list = append(list, text)
		return err
	})
	return list, err
}

// TextOrNull is s as an argument, null when it is empty.
func TextOrNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// TimeOrNull is t as an argument, null when it is 0.
func TimeOrNull(db Database, t registry.Time) any {
	if t == 0 {
		return nil
	}
	return db.Time(t)
}
