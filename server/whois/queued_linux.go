package whois

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// queued reports whether conn holds input that was not read, or cannot tell.
func queued(conn net.Conn) bool {
	socket, ok := conn.(syscall.Conn)
	if !ok {
		return true
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return true
	}
	unread := 1
	err = raw.Control(func(fd uintptr) {
		if n, ioctlErr := unix.IoctlGetInt(int(fd), unix.TIOCINQ); ioctlErr == nil {
			unread = n
		}
	})
	return err != nil || unread > 0
}
