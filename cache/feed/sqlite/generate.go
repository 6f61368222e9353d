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
	if err := g.Load(ctx, loader); err != nil {
		return err
	}
	return loader.Commit()
}
