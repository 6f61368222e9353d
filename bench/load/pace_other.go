//go:build !linux

package load

import (
	"syscall"
	"time"
)

// pacer waits.
type pacer struct{}

func newPacer() pacer { return pacer{} }

func (pacer) close() {}

func (pacer) pause(d time.Duration) { time.Sleep(d) }

// lateBind does nothing here: the system chooses a port when the source address
// is bound.
func lateBind(string, string, syscall.RawConn) error { return nil }
