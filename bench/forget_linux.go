package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// forget has the kernel forget what it holds of the files in dir, so that the
// next to read them reads from the disk. Whether it did, readFromDisk tells.
func forget(dir string) error {
	return eachFile(dir, func(path string, _ os.FileInfo) error {
		file, err := os.Open(path)
		if err != nil {
			return err
		}
		err = unix.Fadvise(int(file.Fd()), 0, 0, unix.FADV_DONTNEED)
		if failed := file.Close(); err == nil {
			err = failed
		}
		if err != nil {
			return fmt.Errorf("have the kernel forget %s: %w", path, err)
		}
		return nil
	})
}

// readFromDisk returns how many bytes this process has had read from disks so
// far, 0 where the kernel does not tell.
func readFromDisk() int64 {
	data, err := os.ReadFile("/proc/self/io")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(data)) {
		if value, ok := strings.CutPrefix(line, "read_bytes: "); ok {
			n, err := strconv.ParseInt(strings.TrimSpace(value), 10, 64)
			if err != nil {
				return 0
			}
			return n
		}
	}
	return 0
}
