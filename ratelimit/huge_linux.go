package ratelimit

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// huge asks the kernel to put the tables in pages of 2 MiB: they are read at
// random, and with pages of 4 KiB most reads of a cold account miss the TLB as well.
// What the kernel does not grant costs time alone.
func huge[T any](list []T) []T {
	const page = 4096
	start := uintptr(unsafe.Pointer(unsafe.SliceData(list)))
	size := uintptr(len(list)) * unsafe.Sizeof(list[0])
	skip := -start & (page - 1)
	if size > skip+page {
		bytes := unsafe.Slice((*byte)(unsafe.Add(unsafe.Pointer(unsafe.SliceData(list)), skip)), (size-skip)&^(page-1))
		_ = unix.Madvise(bytes, unix.MADV_HUGEPAGE) // without it they are only slower
	}
	return list
}
