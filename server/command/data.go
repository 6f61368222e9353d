package command

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"

	"rddsd/cache/feed/sqlite"
	"rddsd/cache/registry/synthetic"
	"rddsd/server/config"
)

// demoNames is the size of the registry that the first start makes.
const demoNames = 10_000

// MakeData makes the data directory, and on the very first start without a
// configured registry a fictional one in it. A registry that was there once and
// is gone is not made again: the edge goes on with its own copy.
func MakeData(ctx context.Context, cfg *config.Config, log *slog.Logger) error {
	_, err := os.Stat(cfg.SnapshotDir())
	first := errors.Is(err, fs.ErrNotExist)
	if err := os.MkdirAll(cfg.Data.Dir, 0o700); err != nil {
		return fmt.Errorf("make the data directory, which [data] dir and --data set: %w", err)
	}
	if err := checkWritable(cfg.Data.Dir); err != nil {
		return err
	}
	path, mayCreate := cfg.SQLite()
	if _, err := os.Stat(path); !mayCreate || !first || !errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	g, err := synthetic.New(synthetic.Params{Names: demoNames, Seed: 1})
	if err != nil {
		return err
	}
	if err := sqlite.Generate(ctx, path, false, g); err != nil {
		return fmt.Errorf("make the demonstration registry: %w", err)
	}
	log.Info("made a fictional registry", "names", g.Names, "file", path)
	return nil
}

// checkWritable tells who lacks the right to write in the data directory, which
// every part of the program needs and would tell in its own way. A full disk is
// no reason not to start: the copy on it can be served.
func checkWritable(dir string) error {
	probe, err := os.CreateTemp(dir, ".writable-*")
	if errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("write in the data directory %s as user %d: %w; let that user own it, or name another with --data or [data] dir", dir, os.Geteuid(), err)
	}
	if err != nil {
		return nil
	}
	return errors.Join(probe.Close(), os.Remove(probe.Name()))
}
