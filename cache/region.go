package cache

import (
	"math"
	"os"
	"runtime"
	"unsafe"
)

// region is memory without pointers, which the garbage collector neither scans
// nor frees: a base, or what is needed to make one. It is unmapped once nothing
// refers to the region any more; texts that share its memory do not count, so
// whoever hands them out says how long they are valid.
type region struct {
	data []byte
	held *mapping // nil while data stands in the Go heap
}

// mapping is what there is to unmap.
type mapping struct{ data []byte }

// smallRegion is the size, in bytes, up to which a region is of the Go heap: a
// mapping takes whole pages, and a process may have only some 65,000.
const smallRegion = 256 << 10

// newRegion returns a region of size bytes, all zero.
func newRegion(size int) (*region, error) {
	if size <= smallRegion {
		return &region{data: make([]byte, size)}, nil
	}
	data, err := mapAnonymous(size)
	if err != nil {
		return nil, err
	}
	return new(region).own(data), nil
}

// openRegion returns the first size bytes of file as a region.
func openRegion(file *os.File, size int64) (*region, error) {
	if size == 0 || size > math.MaxInt {
		return &region{}, nil // no base is that small, or that large
	}
	data, err := mapFile(file, int(size))
	if err != nil {
		return nil, err
	}
	return new(region).own(data), nil
}

// own makes r the region of data, which is mapped.
func (r *region) own(data []byte) *region {
	r.data, r.held = data, &mapping{data}
	runtime.AddCleanup(r, func(m *mapping) {
		if m.data != nil {
			unmap(m.data)
		}
	}, r.held)
	return r
}

// resize makes r size bytes long; new ones are zero. The memory may move.
func (r *region) resize(size int) error {
	if r.held == nil {
		if size <= smallRegion {
			r.data = append(make([]byte, 0, size), r.data[:min(size, len(r.data))]...)[:size]
			return nil
		}
		data, err := mapAnonymous(size)
		if err != nil {
			return err
		}
		copy(data, r.data)
		r.own(data)
		return nil
	}
	data, err := remap(r.held.data, size)
	if err != nil {
		return err
	}
	r.data, r.held.data = data, data
	return nil
}

// free gives the memory of r back at once.
func (r *region) free() {
	if r != nil && r.held != nil && r.held.data != nil {
		unmap(r.held.data)
		r.held.data = nil
	}
	if r != nil {
		r.data = nil
	}
}

// discardStep is how much of a region is given back at a time, in bytes: large
// pages whole.
const discardStep = 4 << 20

// discardBefore gives the memory of r before end back, as far as it was not
// before: done bytes. It returns how much has been given back now.
func (r *region) discardBefore(end, done int) int {
	if r.held == nil || end-done < discardStep {
		return done
	}
	end -= end % discardStep
	discard(r.data[done:end])
	return end
}

// textOf returns data as a text that shares its memory.
func textOf(data []byte) string { return unsafe.String(unsafe.SliceData(data), len(data)) }

// bytesOf returns text as bytes that share its memory, and are only read.
func bytesOf(text string) []byte { return unsafe.Slice(unsafe.StringData(text), len(text)) }

// pointerFree is what may stand in a region.
type pointerFree interface {
	~uint32 | ~uint64 | moment
}

// arrayOf returns data as elements of T, as many as are whole.
func arrayOf[T pointerFree](data []byte) []T {
	var t T
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(data))), len(data)/int(unsafe.Sizeof(t)))
}
