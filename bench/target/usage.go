package target

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Usage is what a server has used since it was started.
type Usage struct {
	CPU time.Duration // processor time, user and system, of all its threads
	RSS int64         // memory that is resident, bytes; what processes share counts for each
}

// Usage reads what the process and its descendants have used so far. Linux tells.
//
// CPU is the sum of /proc/PID/task/*/schedstat, in nanoseconds, with the time of
// threads that have ended, which only the clock of the process still knows. Both
// lag by what has not been accounted for yet of a thread that is running: 4 ms at
// most.
func (p *Process) Usage() (Usage, error) {
	if p == nil {
		return Usage{}, nil
	}
	pids, err := family(p.PID)
	if err != nil {
		return Usage{}, fmt.Errorf("read what %s uses: %w", p, err)
	}
	var sum Usage
	for _, pid := range pids {
		u, err := usageOf(pid)
		switch {
		case errors.Is(err, fs.ErrNotExist) && pid != p.PID: // a child that has just ended
		case err != nil:
			return Usage{}, fmt.Errorf("read what %s uses: %w", p, err)
		}
		sum.CPU += u.CPU
		sum.RSS += u.RSS
	}
	return sum, nil
}

// UsageUnless reads the same, nothing if the process descends from other, whose
// own usage then holds it.
func (p *Process) UsageUnless(other *Process) (Usage, error) {
	if p == nil {
		return Usage{}, nil
	}
	pids, err := family(other.PID)
	if err != nil {
		return Usage{}, fmt.Errorf("read what %s has started: %w", other, err)
	}
	if slices.Contains(pids, p.PID) {
		return Usage{}, nil
	}
	return p.Usage()
}

// MachineTime returns the processor time that the whole machine has used since it
// was started: all processes, the kernel, and what a host of virtual machines took
// away. Linux counts it by the tick.
func MachineTime() (time.Duration, error) {
	data, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, fmt.Errorf("read what the machine uses: %w", err)
	}
	line, _, _ := bytes.Cut(data, []byte{'\n'})
	fields := strings.Fields(string(line))
	if len(fields) <= statSteal || fields[0] != "cpu" {
		return 0, fmt.Errorf("read what the machine uses: /proc/stat begins %q", line)
	}
	var ticks int64
	for i, field := range fields[1 : statSteal+1] {
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("read what the machine uses: %w", err)
		}
		if i+1 != statIdle && i+1 != statWaiting {
			ticks += n
		}
	}
	return time.Duration(ticks) * clockTick, nil
}

// Fields of the first line of /proc/stat (proc(5)), behind user, nice and system.
// Those behind steal are part of user and nice.
const (
	statIdle    = 4
	statWaiting = 5
	statSteal   = 8
)

func usageOf(pid int) (Usage, error) {
	threads, err := threadTime(pid)
	if err != nil {
		return Usage{}, err
	}
	whole, err := processTime(pid)
	if err != nil {
		// To the tick, 10 ms, where the clock cannot be read.
		if whole, err = statTime(pid); err != nil {
			return Usage{}, err
		}
	}
	rss, err := resident(pid)
	return Usage{CPU: max(threads, whole), RSS: rss}, err
}

// procFile returns the path of a file that the kernel has about a process.
func procFile(pid int, name string) string {
	return filepath.Join("/proc", strconv.Itoa(pid), name)
}

// threadTime returns the time that the living threads of a process have run.
func threadTime(pid int) (time.Duration, error) {
	tasks, err := os.ReadDir(procFile(pid, "task"))
	if err != nil {
		return 0, err
	}
	var sum time.Duration
	for _, task := range tasks {
		data, err := os.ReadFile(filepath.Join(procFile(pid, "task"), task.Name(), "schedstat"))
		if errors.Is(err, fs.ErrNotExist) {
			continue // it has just ended
		}
		if err != nil {
			return 0, err
		}
		ran, _, _ := strings.Cut(string(data), " ")
		ns, err := strconv.ParseInt(ran, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("read the time of thread %s: schedstat holds %q", task.Name(), data)
		}
		sum += time.Duration(ns)
	}
	return sum, nil
}

// clockTick is the unit of times in /proc/PID/stat (proc(5); 100 a second on
// every architecture that Go runs on).
const clockTick = 10 * time.Millisecond

// The fields of /proc/PID/stat that are read, counted from the one behind the
// name of the program (proc(5) counts that one as 3).
const (
	statParent = 1
	statUser   = 11
	statSystem = 12
)

// statTime returns the time that a process has run, with threads that have ended,
// in ticks.
func statTime(pid int) (time.Duration, error) {
	fields, err := stat(pid)
	if err != nil {
		return 0, err
	}
	user, err := strconv.ParseInt(fields[statUser], 10, 64)
	if err != nil {
		return 0, fmt.Errorf("read %s: %w", procFile(pid, "stat"), err)
	}
	system, err := strconv.ParseInt(fields[statSystem], 10, 64)
	if err != nil {
		return 0, fmt.Errorf("read %s: %w", procFile(pid, "stat"), err)
	}
	return time.Duration(user+system) * clockTick, nil
}

// stat returns the fields of /proc/PID/stat behind the name of the program, which
// may hold anything.
func stat(pid int) ([]string, error) {
	data, err := os.ReadFile(procFile(pid, "stat"))
	if err != nil {
		return nil, err
	}
	fields := strings.Fields(string(data[bytes.LastIndexByte(data, ')')+1:]))
	if len(fields) <= statSystem {
		return nil, fmt.Errorf("read %s: it holds %q", procFile(pid, "stat"), data)
	}
	return fields, nil
}

// resident returns the resident memory of a process.
func resident(pid int) (int64, error) {
	data, err := os.ReadFile(procFile(pid, "status"))
	if err != nil {
		return 0, err
	}
	for lines := bufio.NewScanner(bytes.NewReader(data)); lines.Scan(); {
		if value, ok := strings.CutPrefix(lines.Text(), "VmRSS:"); ok {
			kib, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(value, "kB")), 10, 64)
			return kib << 10, err
		}
	}
	return 0, nil // a process that has ended and waits for its parent
}

// family returns pid and all processes that descend from it, such as the workers
// of nginx.
func family(pid int) ([]int, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	if _, err := stat(pid); err != nil {
		return nil, err
	}
	children := make(map[int][]int)
	for _, entry := range entries {
		child, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		fields, err := stat(child)
		if err != nil {
			continue // it has just ended
		}
		parent, err := strconv.Atoi(fields[statParent])
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", procFile(child, "stat"), err)
		}
		children[parent] = append(children[parent], child)
	}
	found := []int{pid}
	for i := 0; i < len(found); i++ {
		found = append(found, children[found[i]]...)
	}
	return found, nil
}
