package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
)

// references are the foreign keys of the contract. A load runs without them, so
// that its order is free, and they are checked once at the end: 1.7 s for a
// million names, against a look-up for each row.
var references = [...]struct{ table, key, column, parent, parentKey string }{
	{"contact", "roid", "clid", "registrar", "clid"},
	{"host", "roid", "clid", "registrar", "clid"},
	{"domain", "name", "clid", "registrar", "clid"},
	{"domain", "name", "registrant", "contact", "roid"},
	{"domain_contact", "domain_roid", "contact_roid", "contact", "roid"},
	{"domain_host", "domain_roid", "host_roid", "host", "roid"},
}

// checkReferences returns ErrReference for the first object that refers to one
// that was not loaded.
func (l *Loader) checkReferences() error {
	for _, r := range references {
		row, err := l.first(fmt.Sprintf("select %[2]s, %[3]s from %[1]s where %[3]s is not null and not exists "+
			"(select 1 from %[4]s where %[4]s.%[5]s = %[1]s.%[3]s) limit 1", r.table, r.key, r.column, r.parent, r.parentKey))
		if err != nil {
			return fmt.Errorf("check the references of table %s: %w", r.table, err)
		}
		if row != nil {
			return fmt.Errorf("%w: %s %v refers to %s %v, which was not loaded", ErrReference, r.table, row[0], r.parent, row[1])
		}
	}
	return nil
}

// first returns the first row of a query, nil if it has none.
func (l *Loader) first(sql string) (row []driver.Value, err error) {
	queryer, ok := l.conn.(driver.QueryerContext)
	if !ok {
		return nil, errors.New("the SQLite driver cannot query")
	}
	rows, err := queryer.QueryContext(context.Background(), sql, nil)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	row = make([]driver.Value, len(rows.Columns()))
	if err := rows.Next(row); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, nil
		}
		return nil, err
	}
	return row, nil
}
