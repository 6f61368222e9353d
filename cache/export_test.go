package cache

import (
	"strings"

	"github.com/cespare/xxhash/v2"
)

// FoldAt returns v, whose successors fold their overlay once it holds more than
// n rows and more than an eighth of the base.
func FoldAt(v *View, n int) *View {
	next := *v
	next.foldMin = n
	return &next
}

// OverlaySize returns how many rows v holds in its overlay.
func OverlaySize(v *View) int { return v.overlay.size() }

// Digest returns the sum over all that v holds.
func Digest(v *View) uint64 { return v.digest }

// Before has do called before each change of a file of d. An error of do makes
// the change fail instead.
func Before(d *Disk, do func(op, name string) error) { d.dir.before = do }

// DecodeBase reads the text of a base file.
func DecodeBase(text string) (*View, error) { return decodeBase(text) }

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

// Sections returns the sections of a base file: header, rows of each kind,
// quarantine.
func Sections(text string) []string {
	body, table, err := openBase(text)
	if err != nil {
		panic(err)
	}
	var parts []string
	for _, s := range table {
		parts, body = append(parts, body[:s.size]), body[s.size:]
	}
	return parts
}

// SealBase makes a base file of sections, with the hashes that belong to them
// and the numbers of rows that it is told.
func SealBase(parts []string, rows []uint64) string {
	start := appendMagic(nil, baseMagic, baseVersion)
	var trailer []byte
	for i, part := range parts {
		trailer = section{uint64(len(part)), rows[i], xxhash.Sum64String(part)}.append(trailer)
	}
	return string(start) + strings.Join(parts, "") + string(trailer) + string(appendEnd(nil, start, trailer))
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
