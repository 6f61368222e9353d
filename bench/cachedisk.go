package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"rddsd/cache"
	"rddsd/cache/registry"
)

// measureDisk adds how long the View's own file takes to write, and from there to
// the first answer, about name: warm, from the memory of the kernel, and cold, from
// the disk; and how fast it is checked, cold.
func measureDisk(ctx context.Context, f *figures, view *cache.View, name, parent string) (err error) {
	dir, err := os.MkdirTemp(parent, "rddsd-bench-cache-")
	if err != nil {
		return fmt.Errorf("make a directory for the View's file: %w", err)
	}
	defer func() {
		if failed := os.RemoveAll(dir); err == nil {
			err = failed
		}
	}()
	begun := time.Now()
	if err := withDisk(dir, func(d *cache.Disk) error { return d.WriteBase(view) }); err != nil {
		return err
	}
	took := time.Since(begun)
	bytes, err := sizeOf(dir)
	if err != nil {
		return err
	}
	f.add("file_bytes", "the View's file on disk", float64(bytes)/(1<<20), "MiB")
	f.add("write_s", "writing it", took.Seconds(), "s")
	for _, load := range []struct {
		key, word string
		before    func(dir string) error
	}{
		{"load_warm_", "warm", func(string) error { return nil }},
		{"load_cold_", "cold", forget},
	} {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := load.before(dir); err != nil {
			return err
		}
		read := readFromDisk()
		begun := time.Now()
		if err := withDisk(dir, func(d *cache.Disk) error {
			loaded, err := d.Load(time.Now(), time.Hour)
			if err == nil && (loaded == nil || loaded.Position() != view.Position()) {
				err = fmt.Errorf("load the View's file in %s: it does not give the View that was written", dir)
			}
			var first registry.Domain
			if err == nil && loaded.Domain(name, &first) != cache.Present {
				err = fmt.Errorf("load the View's file in %s: it does not give %s", dir, name)
			}
			return err
		}); err != nil {
			return err
		}
		f.add(load.key+"s", "from opening it to the first answer, "+load.word, time.Since(begun).Seconds(), "s")
		f.add(load.key+"read_bytes", "read from the disk, "+load.word, float64(readFromDisk()-read)/(1<<20), "MiB")
	}
	return measureVerify(ctx, f, dir, bytes)
}

// measureVerify adds how fast all of the file is read from the disk and checked.
func measureVerify(ctx context.Context, f *figures, dir string, bytes int64) error {
	if err := forget(dir); err != nil {
		return err
	}
	begun := time.Now()
	err := withDisk(dir, func(d *cache.Disk) error {
		loaded, err := d.Load(time.Now(), time.Hour)
		if err == nil {
			err = loaded.Verify(ctx)
		}
		return err
	})
	f.add("verify_cold_mib_per_s", "checking all of it, cold", float64(bytes)/(1<<20)/time.Since(begun).Seconds(), "MiB/s")
	return err
}

// withDisk does something with the directory dir, as one run of rddsd would.
func withDisk(dir string, do func(*cache.Disk) error) error {
	d, err := cache.OpenDisk(dir)
	if err != nil {
		return err
	}
	d.Log = slog.New(slog.DiscardHandler)
	err = do(d)
	if failed := d.Close(time.Now(), true); err == nil {
		err = failed
	}
	return err
}

// eachFile calls do for each file in dir.
func eachFile(dir string, do func(path string, info os.FileInfo) error) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil {
			return err
		}
		if err := do(filepath.Join(dir, entry.Name()), info); err != nil {
			return err
		}
	}
	return nil
}

func sizeOf(dir string) (sum int64, err error) {
	err = eachFile(dir, func(_ string, info os.FileInfo) error {
		sum += info.Size()
		return nil
	})
	return sum, err
}
