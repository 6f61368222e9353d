package sqlite

import (
	"context"
	"fmt"
	"path/filepath"

	"rddsd/cache/feed/rde"
	"rddsd/cache/registry/synthetic"
)

// Import makes a registry file at path out of the FULL deposit in the file
// called deposit, as Create does. Nothing at path changes if anything is wrong
// with the deposit.
func Import(ctx context.Context, deposit, path string, force bool) (*rde.Imported, error) {
	if err := synthetic.CheckTarget(path, force); err != nil {
		return nil, fmt.Errorf("create registry %s: %w", path, err)
	}
	var loader *Loader
	done, err := rde.Load(ctx, deposit, filepath.Dir(path), func(h *rde.Header) (rde.Loader, error) {
		var err error
		loader, err = Create(path, force, Meta{Registry: h.Identity()})
		return loader, err
	})
	if loader == nil {
		return nil, err
	}
	defer loader.Abort()
	if err != nil {
		return nil, err
	}
	if err := loader.Commit(); err != nil {
		return nil, rde.Twice(ctx, deposit, fmt.Errorf("import %s: %w", deposit, err))
	}
	return done, nil
}
