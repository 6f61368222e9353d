package cache

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"

	"rddsd/cache/registry"
)

// FileInfo is what a file of a Disk holds.
type FileInfo struct {
	Kind   string // "base" or "log"
	Format uint32 // version of the file format
	Bytes  int64

	Position Position      // where the registry stood; of a log at its end
	AsOf     registry.Time // of a log at its end, 0 if it holds no delta

	Base *View // of a base; nil for a log

	From    Position // of a log: where it begins
	Deltas  int      // of a log
	Changes int      // of a log: objects in its deltas
	Torn    int64    // of a log: bytes at its end that no start reads
}

// ErrForeign says that a file is none that a Disk writes.
var ErrForeign = errors.New("it is neither a base nor a log of rddsd")

// InspectFile tells what the file at path holds. A log is read whole, of a base
// only what it says about itself: Verify of FileInfo reads the rest.
func InspectFile(path string, log *slog.Logger) (*FileInfo, error) {
	var info *FileInfo
	err := GuardReads(func() (err error) {
		info, err = inspect(path, log)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("inspect %s: %w", path, err)
	}
	return info, nil
}

func inspect(path string, log *slog.Logger) (*FileInfo, error) {
	info, magic, err := readStart(path)
	switch {
	case err != nil:
		return nil, err
	case magic == baseMagic:
		info.Kind = "base"
		if info.Base, err = OpenBase(path, log); err != nil {
			return nil, err
		}
		info.Position, info.AsOf = info.Base.Position(), info.Base.AsOf()
		return info, nil
	case magic == logMagic:
		info.Kind = "log"
		return info, info.readLog(path)
	}
	return nil, ErrForeign
}

// readStart reads what every file begins with.
func readStart(path string) (info *FileInfo, magic string, err error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, "", err
	}
	defer file.Close()
	stat, err := file.Stat()
	if err != nil {
		return nil, "", err
	}
	if !stat.Mode().IsRegular() {
		return nil, "", ErrForeign
	}
	start := make([]byte, magicSize)
	if _, err := io.ReadFull(file, start); errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, "", ErrForeign
	} else if err != nil {
		return nil, "", err
	}
	r := reader{rest: string(start)}
	magic = r.take(uint64(len(baseMagic)))
	return &FileInfo{Format: r.uint32(), Bytes: stat.Size()}, magic, nil
}

func (i *FileInfo) readLog(path string) error {
	l, err := openLog(path)
	if err != nil {
		return err
	}
	i.From, i.Position, i.Torn = l.from.pos, l.from.pos, int64(len(l.rest.rest))
	for {
		record, ok := l.frames.next(&l.rest)
		if !ok {
			return nil
		}
		delta, err := readDelta(record, l.from)
		if err != nil || i.Position.precedes(delta.To) != nil {
			return nil // what follows is torn: see logReader.replay
		}
		i.Position, i.AsOf, i.Torn = delta.To, delta.AsOf, int64(len(l.rest.rest))
		i.Deltas++
		i.Changes += len(delta.Changes)
	}
}

// Verify checks every byte of the file, and tells what is damaged.
func (i *FileInfo) Verify(ctx context.Context) error {
	if i.Base != nil {
		return GuardReads(func() error { return i.Base.Verify(ctx) })
	}
	if i.Torn > 0 {
		return fmt.Errorf("its last %d bytes are torn: a start reads it up to serial %d", i.Torn, i.Position.Serial)
	}
	return nil
}
