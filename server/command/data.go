package command

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"syscall"
	"time"

	"rddsd/cache"
	"rddsd/cache/feed/sqlite"
	"rddsd/cache/registry/synthetic"
	"rddsd/server/config"
)

// demoNames is the size of the registry that the first start makes.
const demoNames = 10_000

// OpenData makes the data directory, takes it for this process, and on the very
// first start without a configured registry makes a fictional one in it. A
// registry that was there once and is gone is not made again: the edge goes on
// with its own copy. A directory that cannot be written is no reason not to
// start where a copy is in it.
func OpenData(ctx context.Context, cfg *config.Config, log *slog.Logger) (*cache.Disk, error) {
	if err := os.MkdirAll(cfg.Data.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the data directory, which [data] dir and --data set: %w", err)
	}
	disk, err := cache.OpenDisk(cfg.SnapshotDir())
	if err != nil {
		return nil, err
	}
	disk.Log = log
	if err := fillData(ctx, cfg, log, disk.Empty()); err != nil {
		return nil, errors.Join(err, disk.Close(time.Time{}, false))
	}
	return disk, nil
}

// fillData sees to it that the data directory can be used. first says that
// nothing was ever kept in it.
func fillData(ctx context.Context, cfg *config.Config, log *slog.Logger, first bool) error {
	err := checkWritable(cfg.Data.Dir)
	if errors.Is(err, fs.ErrPermission) && first {
		return fmt.Errorf("%w; let that user own it, or name another with --data or [data] dir", err)
	}
	if err != nil {
		log.Error("the data directory cannot be written: the copy in it is served, and what changes is kept in memory alone", "error", err)
	}
	if cfg.UsesPostgres() {
		return nil
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
// every part of the program would tell in its own way.
func checkWritable(dir string) error {
	probe, err := os.CreateTemp(dir, ".writable-*")
	if err != nil {
		return fmt.Errorf("write in the data directory %s as user %d: %w", dir, os.Geteuid(), err)
	}
	return errors.Join(probe.Close(), os.Remove(probe.Name()))
}

// unwritable reports whether err says that the disk is full, faulty or may only be
// read: then the program goes on without the file.
func unwritable(err error) bool {
	for _, fault := range []error{syscall.EROFS, syscall.ENOSPC, syscall.EDQUOT, syscall.EIO} {
		if errors.Is(err, fault) {
			return true
		}
	}
	return false
}
