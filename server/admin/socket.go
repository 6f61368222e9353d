package admin

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"syscall"
	"time"

	"rddsd/server/listen"
)

// peer is a connection from a process of the user uid.
type peer struct {
	net.Conn
	uid int
}

// peers accepts connections of root and of the program's own user.
type peers struct {
	net.Listener
	log *slog.Logger
}

// OpenSocket listens on a unix socket at path, which only root and the
// program's own user can use. What a dead process left there is replaced; a
// socket that answers belongs to a live one, and is an error.
func OpenSocket(path string, log *slog.Logger) (net.Listener, error) {
	if err := removeStale(path); err != nil {
		return nil, fmt.Errorf("open the admin socket: %w", err)
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("open the admin socket: %w; [admin] socket sets its path", err)
	}
	// Who connects before this is still asked for its user.
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("protect the admin socket: %w", err), l.Close())
	}
	return &peers{listen.Persist(l, log), log}, nil
}

// removeStale removes the socket at path if nobody listens there.
func removeStale(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.Mode().Type() != fs.ModeSocket:
		return fmt.Errorf("%s is there and is no socket; remove it, or set another path as [admin] socket", path)
	}
	conn, err := net.DialTimeout("unix", path, time.Second)
	if err == nil {
		_ = conn.Close()
		return fmt.Errorf("another process answers at %s; stop it, or set another path as [admin] socket", path)
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		return fmt.Errorf("find out whether another process answers at %s: %w", path, err)
	}
	return os.Remove(path)
}

// Accept waits for the next connection of a user who may give orders. It fails
// only when the listener is closed.
func (l *peers) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		uid, err := peerUID(conn)
		if err == nil && (uid == 0 || uid == os.Geteuid()) {
			return &peer{conn, uid}, nil
		}
		l.log.Warn("a connection to the admin socket was refused: only root and the program's own user may give orders", "uid", uid, "error", err)
		_ = conn.Close()
	}
}
