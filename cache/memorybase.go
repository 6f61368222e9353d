package cache

import (
	"context"
	"fmt"
)

// FoldInMemory returns v over a new base that stands in no file: the memory goes
// when no View needs it any more. It is how Views are folded where there is no
// Disk, or where it fails.
func FoldInMemory(ctx context.Context, v *View) (*View, error) {
	var base *base
	err := GuardReads(func() (err error) {
		base, err = v.folded(ctx)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("fold a View in memory: %w", err)
	}
	next := *v
	next.base, next.overlay = base, overlay{}
	return &next, nil
}
