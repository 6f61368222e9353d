package cache

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"os"

	"github.com/cespare/xxhash/v2"
)

// baseWriter takes the bytes of a base from the first to the last: into a region,
// or into a file, whose blocks it hashes. Nothing of a base is written twice, so
// a file needs no memory but one buffer.
type baseWriter struct {
	ctx  context.Context
	size uint64 // so far

	memory *region // of the base; nil when it goes into a file
	moved  int     // how often memory did, so that what was readable stands elsewhere

	out    *bufio.Writer
	file   *os.File // what out writes to, to read it back
	back   *region  // it, as far as it was needed again
	block  xxhash.Digest
	hashes []uint64
}

// newMemoryWriter returns a writer into a new region.
func newMemoryWriter(ctx context.Context) *baseWriter {
	return &baseWriter{ctx: ctx, memory: new(region)}
}

// reserve is how much address space a region is given that has outgrown the Go
// heap, in bytes: what is never written takes no memory, and a region that need
// not move keeps its large pages.
const reserve = 16 << 30

// grow makes room for end bytes.
func (w *baseWriter) grow(end uint64) error {
	w.moved++
	room := int(end + end/2)
	if room > smallRegion && room < reserve && w.memory.resize(reserve) == nil {
		return nil
	}
	return w.memory.resize(room) // also where address space is rationed
}

// newFileWriter returns a writer to out, which writes to file.
func newFileWriter(ctx context.Context, out io.Writer, file *os.File) *baseWriter {
	w := &baseWriter{ctx: ctx, out: bufio.NewWriterSize(out, 1<<18), file: file}
	w.block.Reset()
	return w
}

func (w *baseWriter) write(p []byte) error {
	if w.memory != nil {
		end := w.size + uint64(len(p))
		if end > uint64(len(w.memory.data)) {
			if err := w.grow(end); err != nil {
				return err
			}
		}
		copy(w.memory.data[w.size:], p)
		w.size = end
		return nil
	}
	for len(p) > 0 {
		part := p[:min(uint64(len(p)), blockSize-w.size%blockSize)]
		_, _ = w.block.Write(part) // it never fails
		if _, err := w.out.Write(part); err != nil {
			return err
		}
		if w.size += uint64(len(part)); w.size%blockSize == 0 {
			w.endBlock()
			if w.ctx.Err() != nil {
				return context.Cause(w.ctx)
			}
		}
		p = p[len(part):]
	}
	return nil
}

func (w *baseWriter) endBlock() {
	w.hashes = append(w.hashes, w.block.Sum64())
	w.block.Reset()
}

// zeros are what stands between two parts.
var zeros [partAlign]byte

// align fills up to a multiple of to, a power of two of partAlign at most.
func (w *baseWriter) align(to uint64) error {
	if over := w.size & (to - 1); over != 0 {
		return w.write(zeros[:to-over])
	}
	return nil
}

// readable returns all that was written. It is valid until the next write or
// readable.
func (w *baseWriter) readable() ([]byte, error) {
	if w.memory != nil {
		return w.memory.data[:w.size], nil
	}
	if err := w.out.Flush(); err != nil {
		return nil, err
	}
	w.back.free()
	back, err := openRegion(w.file, int64(w.size))
	if err != nil {
		return nil, fmt.Errorf("read back what was written: %w", err)
	}
	w.back = back
	return back.data, nil
}

// end writes the table and ends the file.
func (w *baseWriter) end(table []byte) error {
	if w.size%blockSize != 0 {
		w.endBlock()
	}
	table = binary.AppendUvarint(table, uint64(len(w.hashes)))
	for _, hash := range w.hashes {
		table = binary.LittleEndian.AppendUint64(table, hash)
	}
	end := binary.LittleEndian.AppendUint64(nil, uint64(len(table)))
	end = binary.LittleEndian.AppendUint64(end, tableHash(appendMagic(nil, baseMagic, baseVersion), table))
	if _, err := w.out.Write(table); err != nil {
		return err
	}
	if _, err := w.out.Write(end); err != nil {
		return err
	}
	return w.out.Flush()
}

// tableHash returns the hash of the table in a file that begins with start.
func tableHash(start, table []byte) uint64 {
	var sum xxhash.Digest
	sum.Reset()
	_, _ = sum.Write(start) // it never fails
	_, _ = sum.Write(table)
	return sum.Sum64()
}

// free gives back what was mapped to read. A region that became a base stays.
func (w *baseWriter) free() {
	w.back.free()
	w.back = nil
}
