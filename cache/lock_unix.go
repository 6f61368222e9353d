//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package cache

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// lock takes the directory for this process: two that wrote one log would tear
// it. The system gives it back when the process ends, however it ends. Where
// nothing can be written, the file of an earlier run does as well.
func (d *directory) lock() (*os.File, error) {
	file, err := os.OpenFile(d.file(lockName), os.O_RDWR|os.O_CREATE, 0o640)
	if err != nil && unwritable(err) {
		if old, openErr := os.Open(d.file(lockName)); openErr == nil {
			file, err = old, nil
		}
	}
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil {
		return file, nil
	}
	_ = file.Close() // the lock's error is the one to tell
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, fmt.Errorf("%s is in use by another rddsd: stop that one, or give this one a directory of its own (--data)", d.path)
	}
	return nil, fmt.Errorf("lock %s: %w", d.file(lockName), err)
}

func syncDirectory(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	err = dir.Sync()
	if closed := dir.Close(); err == nil {
		err = closed
	}
	return err
}
