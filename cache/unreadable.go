package cache

import (
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
)

// ErrUnreadable says that a mapped file could not be read: the disk is faulty, or
// somebody has cut the file.
var ErrUnreadable = errors.New("a file of the local copy cannot be read: its disk is faulty, or it was cut")

// GuardReads runs do, which reads Views, and returns ErrUnreadable when a base
// file could not be read. The system tells that by a signal in the middle of any
// read of mapped memory, which would else end the process. Whoever reads Views
// elsewhere calls debug.SetPanicOnFault, and recovers.
func GuardReads(do func() error) (err error) {
	before := debug.SetPanicOnFault(true)
	defer func() {
		debug.SetPanicOnFault(before)
		fault := recover()
		if fault == nil {
			return
		}
		at, ok := fault.(interface {
			runtime.Error
			Addr() uintptr
		})
		if !ok {
			panic(fault)
		}
		err = fmt.Errorf("%w (address %x)", ErrUnreadable, at.Addr())
	}()
	return do()
}
