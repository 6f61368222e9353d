package target

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// processTime returns the time that all threads of a process have run, those that
// have ended too, from the clock that the kernel keeps for each process.
func processTime(pid int) (time.Duration, error) {
	// clock_getcpuclockid(3): the complement of the process's number, and in the
	// three lowest bits that it is the clock of a process and of the scheduler.
	const scheduler = 2
	var t unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|scheduler), &t); err != nil {
		return 0, fmt.Errorf("read the clock of process %d: %w", pid, err)
	}
	return time.Duration(t.Nano()), nil
}
