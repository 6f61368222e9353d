package sqlite

import (
	"context"

	"rddsd/cache/registry"
	"rddsd/cache/registry/synthetic"
)

// Generate writes a fictional registry to a new file at path, see Create. When
// ctx ends first, it leaves nothing.
func Generate(ctx context.Context, path string, force bool, g *synthetic.Registry) error {
	id, epoch := g.Identity()
	loader, err := Create(path, force, Meta{Registry: id, Epoch: epoch, BeatAt: registry.TimeOf(g.Now)})
	if err != nil {
		return err
	}
	defer loader.Abort()
	err = g.Each(synthetic.Sink{
		TLD:       loader.TLD,
		Registrar: loader.Registrar,
		Contact: func(c *synthetic.Contact) error {
			if err := ctx.Err(); err != nil {
				return err
			}
			return loader.Contact(&c.Contact)
		},
		Host: loader.Host,
		Domain: func(d *synthetic.Domain) error {
			if err := ctx.Err(); err != nil {
				return err
			}
			return loader.Domain(&Domain{
				Domain: d.Domain, Admin: d.Admin,
				AddUntil: d.AddUntil, RenewUntil: d.RenewUntil, AutoRenewUntil: d.AutoRenewUntil, TransferUntil: d.TransferUntil,
			})
		},
		Reserved: loader.Reserved,
	})
	if err != nil {
		return err
	}
	return loader.Commit()
}
