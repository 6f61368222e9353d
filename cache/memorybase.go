package cache

import (
	"context"
	"fmt"
	"log/slog"
)

// FoldInMemory returns v over a new base that stands in no directory: the memory
// goes when no View needs it any more. It is how Views are folded where there is
// no Disk, or where it fails.
func FoldInMemory(ctx context.Context, v *View, log *slog.Logger) (*View, error) {
	file, path, err := anonymousFile()
	if err != nil {
		return nil, fmt.Errorf("fold in memory: %w", err)
	}
	defer forget(file) // what is mapped stays
	if err := v.Fold(ctx, file); err != nil {
		return nil, fmt.Errorf("fold in memory: %w", err)
	}
	folded, err := OpenBase(path, log)
	if err != nil {
		return nil, fmt.Errorf("fold in memory: %w", err)
	}
	return folded.Refreshed(v.asOf, v.missUntil), nil
}
