package postgres

import (
	"context"
	"fmt"
	"os"

	"rddsd/cache/feed/rde"
	"rddsd/cache/feed/tables"
	"rddsd/cache/registry"
)

// Import fills the registry database that dsn names with the FULL deposit in
// the file called deposit, as Create does. Nothing there changes if anything is
// wrong with the deposit.
func Import(ctx context.Context, deposit, dsn string, force bool) (*rde.Imported, error) {
	var loader *Loader
	done, err := rde.Load(ctx, deposit, os.TempDir(), func(h *rde.Header) (rde.Loader, error) {
		var err error
		loader, err = Create(ctx, dsn, force, Meta{Registry: h.Identity()})
		return loader, err
	})
	if loader == nil {
		return nil, err
	}
	defer loader.Abort()
	if err != nil {
		return nil, err
	}
	if err := loader.Commit(ctx); err != nil {
		return nil, rde.Twice(ctx, deposit, fmt.Errorf("import %s: %w", deposit, err))
	}
	return done, nil
}

// ContactID stores by which code deposits call a contact.
func (l *Loader) ContactID(mac []byte, roid string) error {
	r := &l.tables[tables.DepositContact]
	r.bytes(mac)
	r.text(roid)
	return l.end(tables.DepositContact)
}

// Deposit stores which deposit the registry was made of.
func (l *Loader) Deposit(d *rde.State) error {
	r := &l.tables[tables.Deposit]
	r.text(d.FullID)
	r.text(d.LastID)
	r.time(registry.Time(d.Watermark))
	r.bytes(d.IDKey)
	return l.end(tables.Deposit)
}
