package cache

import (
	"context"
	"encoding/binary"
	"log/slog"
	"os"
	"testing"

	"github.com/cespare/xxhash/v2"
)

// OverlaySize returns how many rows v holds in its overlay.
func OverlaySize(v *View) int { return v.overlay.size() }

// Digest returns the sum over all that v holds.
func Digest(v *View) uint64 { return v.digest }

// Before has do called before each change of a file of d. An error of do makes
// the change fail instead.
func Before(d *Disk, do func(op, name string) error) { d.dir.before = do }

// DecodeBase opens the text of a base file.
func DecodeBase(text string) (*View, error) {
	return openBase(&region{data: []byte(text)}, "text", slog.New(slog.DiscardHandler))
}

// EncodeBase returns v as the text of a base file.
func EncodeBase(tb testing.TB, v *View) string {
	tb.Helper()
	file, err := os.CreateTemp(tb.TempDir(), "base")
	if err == nil {
		defer file.Close()
		err = v.Fold(context.Background(), file)
	}
	var text []byte
	if err == nil {
		text, err = os.ReadFile(file.Name())
	}
	if err != nil {
		tb.Fatal(err)
	}
	return string(text)
}

// Body returns how many bytes of a base file stand before its table.
func Body(text string) int {
	table, err := tableOf([]byte(text))
	if err != nil {
		panic(err)
	}
	return len(text) - endSize - len(table)
}

// Seal returns a base file with the hashes that belong to what stands in it, as
// far as its end tells where that is.
func Seal(text string) string {
	data := []byte(text)
	if len(data) < magicSize+endSize {
		return text
	}
	end := data[len(data)-endSize:]
	length := binary.LittleEndian.Uint64(end)
	if length > uint64(len(data)-endSize) {
		return text
	}
	body := len(data) - endSize - int(length)
	table := data[body : len(data)-endSize]
	if blocks := (body + blockSize - 1) / blockSize; 8*blocks <= len(table) {
		at := table[len(table)-8*blocks:]
		for i := range blocks {
			binary.LittleEndian.PutUint64(at[8*i:], xxhash.Sum64(data[i*blockSize:min(body, (i+1)*blockSize)]))
		}
	}
	binary.LittleEndian.PutUint64(end[8:], tableHash(data[:magicSize], table))
	return string(data)
}

// ShiftAt returns v, whose successors hold places in units of 1 << n bytes at
// least, as bases of more than 4 GiB do.
func ShiftAt(v *View, n uint8) *View {
	next, base := *v, *v.base
	base.minShift = n
	base.use(base.memory.data, base.blocks)
	next.base = &base
	return &next
}

// ReplayLog replays the text of a log file on v and returns the View that comes
// of it, v itself when the log does not follow on it.
func ReplayLog(v *View, text string) (*View, error) {
	l, err := decodeLog(text)
	if err != nil || l.from != v.origin() {
		return v, err
	}
	draft := v.fork()
	if _, err := l.replay(draft); err != nil {
		return v, err
	}
	return draft.view(), nil
}

// SealLog makes a log file of records, the first of which leads on from v.
func SealLog(v *View, records ...string) string {
	f := startFrames()
	text := appendMagic(nil, logMagic, logVersion)
	for _, record := range append([]string{string(appendOrigin(nil, v.origin()))}, records...) {
		text, _ = f.appendFrame(text, func(dst []byte) []byte { return append(dst, record...) })
	}
	return string(text)
}

// DeltaRecord returns delta as a record of a log.
func DeltaRecord(delta Delta) string { return string(appendDelta(nil, delta)) }

// SetRunSize has b sort n bytes of records at once.
func SetRunSize(b *Builder, n int) { b.spool.runSize = n }
