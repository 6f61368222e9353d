package cache

import (
	"fmt"

	"rddsd/cache/registry"
)

// overlay holds what changed since the base was made: rows, "" for an object
// that is gone, and those index entries of the rows that are there which the base
// does not have. Most changes touch no index: a renewed name keeps its hosts, and
// costs one entry instead of five. Copying the struct copies the overlay; see
// tree.
type overlay struct {
	rows  [registry.Kinds]tree
	links [indexes]tree
	bytes int64 // of all rows
}

// set replaces what o holds under key by row, which new holds decoded, or by "" for
// an object that is gone. voids are the indexes in which the base says something
// else of the object. scratch is for set to use.
func (o *overlay) set(own *owner, key Key, row string, voids indexSet, new, scratch *workspace) error {
	old := entry{}
	if e := o.rows[key.Kind].at(key.Name, ""); e != nil {
		old = *e
	}
	if old.value != "" && old.voids != 0 {
		if err := scratch.decode(key.Kind, old.value); err != nil {
			return fmt.Errorf("replace a row: %w", err)
		}
		scratch.links(key.Kind, func(ix index, a, b string) {
			if old.voids.has(ix) {
				o.links[ix].delete(own, a, b)
			}
		})
	}
	name := key.Name
	if row != "" {
		name, _ = rowKey(row) // shares the row's memory, whatever the caller's key was
		new.links(key.Kind, func(ix index, a, b string) {
			if voids.has(ix) {
				o.links[ix].set(own, a, b, "")
			}
		})
	}
	o.rows[key.Kind].setRow(own, name, "", row, voids)
	o.bytes += int64(len(row)) - int64(len(old.value))
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
