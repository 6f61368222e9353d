// Package pgtest runs throw-away PostgreSQL servers for tests and benchmarks:
// Debian's own binaries, as a user without rights, in a temporary directory,
// reached through a Unix socket there and through 127.0.0.1. Nothing that it
// starts outlives the process that asked for it.
package pgtest

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"
)

// ErrMissing says that the machine has no PostgreSQL 15 or newer.
var ErrMissing = errors.New("PostgreSQL 15 or newer is not installed (Debian: postgresql)")

// oldest is the first release that the contract is written for.
const oldest = 15

// binaries returns the directory of the newest PostgreSQL programs.
func binaries() (string, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil {
		return "", err
	}
	release := func(program string) int {
		n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(program)))) // 0 is too old, as it should be
		return n
	}
	found = slices.DeleteFunc(found, func(program string) bool { return release(program) < oldest })
	if len(found) == 0 {
		return "", ErrMissing
	}
	return filepath.Dir(slices.MaxFunc(found, func(a, b string) int { return release(a) - release(b) })), nil
}

// Start starts a server that is tb's own, to be stopped, killed and frozen, and
// removes it with the end of tb. Where PostgreSQL is missing tb is skipped, and
// fails under CI.
func Start(tb testing.TB) *Server {
	tb.Helper()
	s, err := Open()
	demand(tb, err)
	tb.Cleanup(func() { clean(tb, s) })
	return s
}

// shared is the server that the tests of one binary share. Tests have no other
// place to keep what outlives each of them.
var shared struct {
	sync.Mutex
	server *Server
}

// Shared returns the server that all tests of the binary share, and starts it
// for the first. It is never to be stopped: each test has its own Database.
// TestMain must call Main.
func Shared(tb testing.TB) *Server {
	tb.Helper()
	shared.Lock()
	defer shared.Unlock()
	if shared.server == nil {
		s, err := Open()
		demand(tb, err)
		shared.server = s
	}
	return shared.server
}

// Main runs the tests of m, removes the server that they shared and returns
// the exit code:
//
//	func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }
func Main(m *testing.M) int {
	code := m.Run()
	shared.Lock()
	defer shared.Unlock()
	if shared.server != nil {
		if err := shared.server.Close(); err != nil {
			os.Stderr.WriteString(err.Error() + "\n")
			return max(code, 1)
		}
	}
	return code
}

// demand ends tb unless there is a server.
func demand(tb testing.TB, err error) {
	tb.Helper()
	switch {
	case errors.Is(err, ErrMissing) && os.Getenv("CI") == "":
		tb.Skip(err)
	case err != nil:
		tb.Fatal(err)
	}
}

func clean(tb testing.TB, s *Server) {
	if tb.Failed() {
		tb.Logf("the end of the server's log:\n%s", s.logTail())
	}
	if err := s.Close(); err != nil {
		tb.Error(err)
	}
}
