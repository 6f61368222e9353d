package listen

import (
	"fmt"
	"syscall"

	"golang.org/x/sys/unix"
)

// Flags of a TCP header, and where they stand in it (RFC 9293 §3.1).
const (
	tcpFlags = 13 // bytes from the start
	tcpSYN   = 0x02
	tcpACK   = 0x10
)

// RefuseArrivals makes the kernel drop the packets by which a client begins to
// connect to the listening socket; those who have begun get in. Their sender tries
// again after a second, and then meets our successor, or nobody. It cannot be undone.
func RefuseArrivals(raw syscall.RawConn) error {
	filter := [...]unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_B | unix.BPF_ABS, K: tcpFlags},
		{Code: unix.BPF_ALU | unix.BPF_AND | unix.BPF_K, K: tcpSYN | tcpACK},
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: tcpSYN, Jt: 0, Jf: 1},
		{Code: unix.BPF_RET | unix.BPF_K, K: 0},       // drop
		{Code: unix.BPF_RET | unix.BPF_K, K: 1 << 18}, // keep all of it
	}
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	err := control(raw, func(fd int) error {
		return unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &program)
	})
	if err != nil {
		return fmt.Errorf("refuse new connections while draining: %w", err)
	}
	return nil
}
