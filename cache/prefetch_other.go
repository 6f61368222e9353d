//go:build !amd64 && !arm64

package cache

import "unsafe"

// prefetch does nothing where nobody wrote it: it is only ever for speed.
func prefetch(unsafe.Pointer) {}
