package churn

import (
	"context"

	"rddsd/cache/feed/tables"
)

// ErrNothing is errNothing.
var ErrNothing = errNothing

// Weights returns how often of 10,000 each kind of change is made.
func Weights() map[string]int {
	weights := map[string]int{}
	for _, kind := range changeKinds() {
		weights[kind.name] = kind.weight
	}
	return weights
}

// Maker makes the changes that a test asks for.
type Maker struct{ c *churner }

// NewMaker returns a Maker that works in db.
func NewMaker(ctx context.Context, db tables.Database, seed uint64) (*Maker, error) {
	c, err := open(ctx, db, seed)
	return &Maker{c}, err
}

// Make makes one change of the named kind.
func (m *Maker) Make(ctx context.Context, name string) (*Entry, error) {
	for _, kind := range changeKinds() {
		if kind.name == name {
			return m.c.make(ctx, kind, true)
		}
	}
	panic("no kind of change is called " + name)
}

// FreeName finds a name to register.
func (m *Maker) FreeName(ctx context.Context) (string, error) {
	name, _, _, err := m.c.freeName(ctx)
	return name, err
}
