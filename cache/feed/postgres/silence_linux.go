package postgres

import (
	"syscall"
	"time"
)

// tcpUserTimeout is TCP_USER_TIMEOUT (RFC 5482; linux/tcp.h), which package
// syscall does not name.
const tcpUserTimeout = 18

// limitSilence has the kernel give up a TCP connection whose peer does not
// acknowledge what we send.
func limitSilence(network, _ string, conn syscall.RawConn) error {
	if network[:min(len(network), 3)] != "tcp" {
		return nil
	}
	var err error
	if failed := conn.Control(func(fd uintptr) {
		err = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, tcpUserTimeout, int(userTimeout/time.Millisecond))
	}); failed != nil {
		return failed
	}
	return err
}
