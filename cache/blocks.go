package cache

import (
	"fmt"
	"log/slog"
	"sync/atomic"

	"github.com/cespare/xxhash/v2"
)

// blockSize is how much of a base stands under one hash, in bytes. A look-up
// that is the first to touch a block hashes it whole, which takes about as long
// as reading one page from a fast disk; eight bytes of hash for each are
// nothing.
const blockSize = 64 << 10

// blocks are the parts of a base file that have been checked. What has not is
// checked before anything is concluded from it, so that a start need not read
// the file. A damaged block stays damaged: what needs it is unknown.
type blocks struct {
	data    []byte          // of the file, as far as it stands under hashes
	hashes  []uint64        // of its blocks, the last of which may be short
	checked []atomic.Uint64 // a bit for each block
	whole   atomic.Bool     // all are checked, and good
	damage  atomic.Pointer[error]
	path    string
	log     *slog.Logger
}

func newBlocks(data []byte, hashes []uint64, path string, log *slog.Logger) *blocks {
	return &blocks{data: data, hashes: hashes, checked: make([]atomic.Uint64, len(hashes)/64+1), path: path, log: log}
}

// good reports whether the bytes from from to before to are what was written.
func (b *blocks) good(from, to uint64) bool {
	if b == nil || b.whole.Load() {
		return true
	}
	for at := from / blockSize; at*blockSize < to; at++ {
		if at >= uint64(len(b.hashes)) || b.checked[at/64].Load()>>(at%64)&1 == 0 && !b.check(at) {
			return false
		}
	}
	return true
}

// check hashes block at.
func (b *blocks) check(at uint64) bool {
	from := at * blockSize
	to := min(from+blockSize, uint64(len(b.data)))
	if got := xxhash.Sum64(b.data[from:to]); got != b.hashes[at] {
		err := fmt.Errorf("read base %s: block %d, %d bytes from %d on: its hash is %x, not %x: the file is damaged", b.path, at, to-from, from, got, b.hashes[at])
		if b.damage.CompareAndSwap(nil, &err) {
			b.log.Error("the local copy of the registry is damaged; what stands there is answered as unknown until the registry has been read", "error", err)
		}
		return false
	}
	b.checked[at/64].Or(1 << (at % 64))
	return true
}

// damaged returns the first damage that was met, nil if none was.
func (b *blocks) damaged() error {
	if b == nil {
		return nil
	}
	if err := b.damage.Load(); err != nil {
		return *err
	}
	return nil
}
