//go:build amd64 || arm64

package cache

import "unsafe"

// prefetch asks the processor to fetch the line of memory at address, and does not
// wait for it. A read whose value is not needed yet does not wait either, but what
// follows it can only go on for some two hundred instructions until it has come
// (BenchmarkDomain). A page that is not there stays away, and raises nothing.
//
//go:noescape
func prefetch(address unsafe.Pointer)
