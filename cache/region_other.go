//go:build !linux

package cache

import (
	"fmt"
	"io"
	"os"
)

// Elsewhere than on Linux, where rddsd is developed and not operated, regions
// stand in the Go heap.

func mapAnonymous(size int) ([]byte, error) { return make([]byte, size), nil }

func remap(data []byte, size int) ([]byte, error) {
	if size <= len(data) {
		return data[:size:size], nil
	}
	return append(make([]byte, 0, size), data...)[:size], nil
}

func mapFile(file *os.File, size int) ([]byte, error) {
	data := make([]byte, size)
	if _, err := io.ReadFull(io.NewSectionReader(file, 0, int64(size)), data); err != nil {
		return nil, fmt.Errorf("read %s: %w", file.Name(), err)
	}
	return data, nil
}

func unmap([]byte) {}

func discard([]byte) {}
