package whois

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// queued reports whether conn holds input that was not read, or cannot tell.
func queued(conn stream) bool {
	raw, err := conn.SyscallConn()
	if err != nil {
		return true
	}
	unread := true
	err = raw.Control(func(fd uintptr) { unread = unreadOn(fd) })
	return err != nil || unread
}

// unreadOn reports whether the socket fd holds input that was not read, or cannot
// tell. The end of the input is none.
func unreadOn(fd uintptr) bool {
	var n int32
	_, _, errno := syscall.RawSyscall(syscall.SYS_IOCTL, fd, unix.TIOCINQ, uintptr(unsafe.Pointer(&n)))
	return errno != 0 || n > 0
}
