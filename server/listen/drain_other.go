//go:build !linux

package listen

import "syscall"

// RefuseArrivals does nothing where the kernel has no means for it: who begins to
// connect while a listener is drained gets in, unless it is in the last moment.
func RefuseArrivals(syscall.RawConn) error { return nil }
