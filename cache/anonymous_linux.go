package cache

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// forget closes a file that anonymousFile made.
func forget(file *os.File) { _ = file.Close() }

// anonymousFile makes a file that is memory and has no name (memfd_create(2)),
// and returns the path at which this process can open it.
func anonymousFile() (file *os.File, path string, err error) {
	fd, err := unix.MemfdCreate("rddsd-base", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, "", os.NewSyscallError("memfd_create", err)
	}
	path = fmt.Sprintf("/proc/self/fd/%d", fd)
	return os.NewFile(uintptr(fd), path), path, nil
}
