package sqlite

import (
	"database/sql/driver"

	"rddsd/cache"
	"rddsd/cache/feed/contract"
	"rddsd/cache/registry"
)

// decoder turns the rows of the views into changes.
type decoder struct {
	contract.Decoder
	row row
}

// change returns a row of the view of kind as a Change.
func (d *decoder) change(kind registry.Kind, values []driver.Value) cache.Change {
	d.row.values = values
	key, ok := d.row.Text()
	c := d.Change(kind, key, &d.row)
	if !ok {
		c.Row, c.Reject = "", registry.RejectForm
	}
	return c
}

// row gives the values of one row (contract.Values): SQLite's own types, times
// as microseconds since 1970, lists as JSON.
type row struct{ values []driver.Value }

func (r *row) next() driver.Value {
	v := r.values[0]
	r.values = r.values[1:]
	return v
}

func (r *row) Text() (string, bool) {
	v := r.next()
	s, ok := v.(string)
	return s, ok || v == nil
}

func (r *row) Number() (int64, bool) {
	v := r.next()
	n, ok := v.(int64)
	return n, ok || v == nil
}

func (r *row) Time() (registry.Time, bool) {
	n, ok := r.Number()
	return registry.Time(n), ok
}

func (r *row) Flag() (b, ok bool) {
	n, ok := r.next().(int64)
	return n == 1, ok && n>>1 == 0
}

func (r *row) List(reuse []string) ([]string, bool) {
	s, ok := r.next().(string)
	if !ok {
		return reuse, false
	}
	return appendTexts(reuse, s)
}
