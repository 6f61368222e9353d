package cache

import (
	"fmt"

	"rddsd/cache/registry"
)

// overlay holds what changed since the base was made: rows, "" for an object
// that is gone, and the index entries of the rows that are there. Copying the
// struct copies the overlay; see tree.
type overlay struct {
	rows  [registry.Kinds]tree
	links [indexes]tree
	bytes int64 // of all rows
}

// set replaces what o holds under key by row, "" for an object that is gone.
func (o *overlay) set(own *owner, key Key, row string, w *workspace) error {
	old, _ := o.rows[key.Kind].get(key.Name, "")
	if err := eachLink(key.Kind, old, w, func(ix index, a, b string) { o.links[ix].delete(own, a, b) }); err != nil {
		return fmt.Errorf("replace a row: %w", err)
	}
	if err := eachLink(key.Kind, row, w, func(ix index, a, b string) { o.links[ix].set(own, a, b, "") }); err != nil {
		return err
	}
	name := key.Name
	if row != "" {
		name, _ = rowKey(row) // shares the row's memory, whatever the caller's key was
	}
	o.rows[key.Kind].set(own, name, "", row)
	o.bytes += int64(len(row)) - int64(len(old))
	return nil
}

// eachLink calls put for each index entry of row, none when it is "".
func eachLink(kind registry.Kind, row string, w *workspace, put func(ix index, a, b string)) error {
	if row == "" || (kind != registry.KindDomain && kind != registry.KindHost) {
		return nil
	}
	if err := w.decode(kind, row); err != nil {
		return err
	}
	w.links(kind, put)
	return nil
}

// size returns how many rows o holds, tombstones included.
func (o *overlay) size() int {
	n := 0
	for i := range o.rows {
		n += o.rows[i].size
	}
	return n
}
