//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package cache

import "os"

// lock opens the lock file. These systems have no flock: whoever runs two
// processes on one directory there is not stopped.
func (d *directory) lock() (*os.File, error) {
	return os.OpenFile(d.file(lockName), os.O_RDWR|os.O_CREATE, 0o640)
}

// syncDirectory does nothing: these systems do not sync directories.
func syncDirectory(string) error { return nil }
