//go:build darwin || linux

package cache

import "syscall"

// freeSpace returns how many bytes of the file system at path are free for us.
func freeSpace(path string) (free int64, known bool) {
	var stat syscall.Statfs_t
	if err := syscall.Statfs(path, &stat); err != nil {
		return 0, false
	}
	return int64(stat.Bavail) * int64(stat.Bsize), true
}
