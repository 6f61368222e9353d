package admin

import (
	"fmt"
	"net"

	"golang.org/x/sys/unix"
)

// peerUID returns the user of the process at the other end of conn when it
// connected (unix(7), SO_PEERCRED).
func peerUID(conn net.Conn) (int, error) {
	local, ok := conn.(*net.UnixConn)
	if !ok {
		return -1, fmt.Errorf("a %T does not tell whose it is", conn)
	}
	raw, err := local.SyscallConn()
	if err != nil {
		return -1, err
	}
	var (
		credentials *unix.Ucred
		failed      error
	)
	if err := raw.Control(func(fd uintptr) {
		credentials, failed = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	}); err != nil {
		return -1, err
	}
	if failed != nil {
		return -1, failed
	}
	return int(credentials.Uid), nil
}
