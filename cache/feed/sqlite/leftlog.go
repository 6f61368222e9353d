package sqlite

import (
	"bytes"
	"errors"
	"io"
	"os"
)

// errLeftLog says that SQLite would replay the log of one database into another.
var errLeftLog = errors.New("the file was replaced, and the -wal file beside it is the log of the one before, " +
	"which SQLite would write into the new one")

// logHeadBytes is the length of a log's header, which holds random salt (SQLite's
// file format §4.1).
const logHeadBytes = 32

// leftLog sees to it that a registry file which was renamed into the place of
// another is not read together with the write-ahead log that the other has left.
// SQLite takes the log beside a database for its own, whichever it is: the edge
// would publish, and the registry keep, a mix of two states.
type leftLog struct {
	log os.FileInfo // of the file that is followed; nil = it has none

	leftBy os.FileInfo // the file that went away and left its log behind
	left   []byte      // the header of that log; nil = none was left
}

// follow takes note of the log of the file at path, which has just been opened.
func (l *leftLog) follow(path string) {
	*l = leftLog{}
	if info, err := os.Stat(path + "-wal"); err == nil {
		l.log = info
	}
}

// gone takes note of what file, which was followed, has left at path. The caller
// still has it open, so that its log cannot be mistaken for a new one.
func (l *leftLog) gone(path string, file os.FileInfo) {
	info, err := os.Stat(path + "-wal")
	if err == nil && l.log != nil && os.SameFile(info, l.log) {
		l.leftBy, l.left = file, beginning(path+"-wal", logHeadBytes)
	}
}

// check returns errLeftLog if the log at path is the one that another file has
// left. A file that comes back from another file system, as mv brings it, has kept
// its size and time.
func (l *leftLog) check(path string, file os.FileInfo) error {
	switch {
	case l.left == nil || !bytes.Equal(l.left, beginning(path+"-wal", logHeadBytes)):
		return nil
	case os.SameFile(file, l.leftBy), file.Size() == l.leftBy.Size() && file.ModTime().Equal(l.leftBy.ModTime()):
		return nil
	}
	return errLeftLog
}

// beginning returns the first n bytes of the file at path, nil if it has fewer or
// cannot be read.
func beginning(path string, n int) []byte {
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	b := make([]byte, n)
	if _, err := io.ReadFull(f, b); err != nil {
		return nil
	}
	return b
}
