package main

import (
	"os"
	"time"

	"rddsd/bench/target"
)

// company is what processes that have no part in a benchmark used of the machine
// while it measured. The load average cannot tell them from the benchmark's own
// predecessor; this can.
type company struct {
	used, wall time.Duration
}

// watchCompany begins to watch. The function that it returns tells what others
// than this process, what it has started and server used until then; nothing where
// the system does not tell.
func watchCompany(server *target.Process) func() company {
	read := func() (busy, ours time.Duration, at time.Time, ok bool) {
		busy, err := target.MachineTime()
		if err != nil {
			return 0, 0, time.Time{}, false
		}
		self, err := target.OpenProcess("this benchmark", os.Getpid())
		if err != nil {
			return 0, 0, time.Time{}, false
		}
		own, err := self.Usage()
		if err != nil {
			return 0, 0, time.Time{}, false
		}
		other, err := server.UsageUnless(self)
		return busy, own.CPU + other.CPU, time.Now(), err == nil
	}
	busy, ours, begun, ok := read()
	return func() company {
		busyThen, oursThen, ended, okThen := read()
		if !ok || !okThen {
			return company{}
		}
		// Below zero is the tick by which the system counts.
		return company{used: max(0, busyThen-busy-(oursThen-ours)), wall: ended.Sub(begun)}
	}
}

// add adds another time of watching.
func (c *company) add(more company) {
	c.used += more.used
	c.wall += more.wall
}

// cores returns what others used on average, in cores; nil if it is not known.
func (c company) cores() *float64 {
	if c.wall <= 0 {
		return nil
	}
	cores := float64(c.used) / float64(c.wall)
	return &cores
}
