package load

import (
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// pacer waits on a thread of its own, to about 5 microseconds: the timers of the
// Go runtime may be a millisecond late in a process that has nothing else to do.
type pacer struct{}

func newPacer() pacer {
	runtime.LockOSThread()
	// By default the kernel may put off waking a thread by 50 microseconds. Where
	// this fails, it does so.
	_ = unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0)
	return pacer{}
}

// close leaves the thread locked: it ends with its goroutine, and its slack with it.
func (pacer) close() {}

func (pacer) pause(d time.Duration) {
	t := unix.NsecToTimespec(d.Nanoseconds())
	// Woken early by a signal, the caller looks at the clock and pauses again.
	_ = unix.Nanosleep(&t, nil)
}

// lateBind has the kernel choose the port when it connects, by both ends of the
// connection, rather than when the source address is bound, which would need a
// port that no other connection has (ip(7), IP_BIND_ADDRESS_NO_PORT).
func lateBind(_, _ string, conn syscall.RawConn) error {
	var failed error
	if err := conn.Control(func(fd uintptr) {
		failed = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1)
	}); err != nil {
		return err
	}
	return failed
}
