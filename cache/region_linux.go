package cache

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// mapAnonymous returns size bytes of zeros outside the Go heap. Pages that are
// never written take no memory.
func mapAnonymous(size int) ([]byte, error) {
	data, err := unix.Mmap(-1, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON|unix.MAP_NORESERVE)
	if err != nil {
		return nil, fmt.Errorf("map %d bytes of memory: %w", size, err)
	}
	hugePages(data)
	return data, nil
}

// hugePages asks for large pages: a look-up meets a handful of addresses that
// have nothing to do with each other, and finding their pages costs as much as
// reading them. Where there are none, that is no fault.
func hugePages(data []byte) { _ = unix.Madvise(data, unix.MADV_HUGEPAGE) }

// remap returns the bytes of data, which mapAnonymous made, as size bytes, maybe
// elsewhere. data is of no use after it.
func remap(data []byte, size int) ([]byte, error) {
	grown, err := unix.Mremap(data, size, unix.MREMAP_MAYMOVE)
	if err != nil {
		return nil, fmt.Errorf("map %d bytes of memory instead of %d: %w", size, len(data), err)
	}
	if size > len(data) {
		hugePages(grown)
	}
	return grown, nil
}

// mapFile returns the first size bytes of file, to be read.
func mapFile(file *os.File, size int) ([]byte, error) {
	data, err := unix.Mmap(int(file.Fd()), 0, size, unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("map %s: %w", file.Name(), err)
	}
	return data, nil
}

func unmap(data []byte) { _ = unix.Munmap(data) } // it fails only for what is not mapped

// discard gives back the memory of data, whole pages that nobody reads again. Of
// a file only the mapping is given back.
func discard(data []byte) { _ = unix.Madvise(data, unix.MADV_DONTNEED) }
