//go:build !linux

package load

// newLoops returns nil: there is no loop over raw sockets for this system.
func newLoops(*run) []driver { return nil }
