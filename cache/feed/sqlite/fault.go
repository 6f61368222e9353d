package sqlite

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

var (
	errEmpty   = errors.New("the file is empty")
	errNotFile = errors.New("it is not a file")
	errContent = errors.New("it does not hold to the publication contract")
)

// checkFile refuses what SQLite would read as a database without tables.
func checkFile(info fs.FileInfo) error {
	switch {
	case !info.Mode().IsRegular():
		return errNotFile
	case info.Size() == 0:
		return errEmpty
	}
	return nil
}

// explain says what was being done to which file, why it failed, and what to do
// about it.
func (s *Source) explain(doing string, err error) error {
	if answers(err) {
		return err
	}
	if advice := adviceFor(err); advice != "" {
		return fmt.Errorf("%s registry %s: %w; %s", doing, s.path, err, advice)
	}
	return fmt.Errorf("%s registry %s: %w", doing, s.path, err)
}

// adviceFor returns what an operator can do about err, "" if that is not clear.
func adviceFor(err error) string {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "put it back, or name the right file in [registry] sqlite"
	case errors.Is(err, fs.ErrPermission):
		return "let the user that rddsd runs as read it and its directory"
	case errors.Is(err, errEmpty), errors.Is(err, errNotFile):
		return "restore it from a backup, or name the right file in [registry] sqlite"
	case errors.Is(err, errLeftLog):
		return "stop the programs that write it, and remove what lies beside it with -wal and -shm at the end"
	case errors.Is(err, errContent):
		return "compare its views with those that \"rddsd registry schema sqlite\" prints"
	}
	var fault *sqlite.Error
	if !errors.As(err, &fault) {
		return ""
	}
	switch fault.Code() & 0xff {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return "another program has kept it locked for more than a second: end its transaction, " +
			"and let every program that writes it use journal_mode = wal"
	case sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_READONLY:
		return "let the user that rddsd runs as read it, and write its directory: SQLite keeps the -shm file there"
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		return "restore it from a backup: remove what lies beside it with -wal and -shm at the end, then put the copy in its place by renaming"
	case sqlite3.SQLITE_ERROR:
		if strings.Contains(fault.Error(), "no such") {
			return "it is not a registry of the publication contract: \"rddsd registry schema sqlite\" prints what it must hold"
		}
	}
	return ""
}
