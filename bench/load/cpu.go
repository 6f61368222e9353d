//go:build unix

package load

import (
	"time"

	"golang.org/x/sys/unix"
)

// processorTime returns the processor time, user and system, that this process
// has had. It is exact to the scheduler's clock, not to the tick: Linux scales
// the sum of both to what the threads really ran.
func processorTime() time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
