package pgtest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// patience bounds each wait for a server: a hundred times what one takes here,
// for machines under load.
const patience = time.Minute

// Server is a PostgreSQL server with a data directory of its own. Its methods
// are for one goroutine at a time, but for Database and Alone.
type Server struct {
	roles sync.Mutex // see Alone

	dir      string // holds data/, log and the Unix socket; gone after Close
	programs string // where PostgreSQL's own are
	port     int
	attr     *syscall.SysProcAttr // under which user everything runs

	process *exec.Cmd     // nil = not running
	exited  chan struct{} // closed when process has ended
}

// Open makes a server with an empty cluster and starts it. Its superuser is
// postgres. It is written for speed, not to survive the machine: a killed
// server loses nothing, a power cut everything.
func Open() (*Server, error) {
	s, err := prepare()
	if err != nil {
		return nil, err
	}
	err = s.run("initdb", "--pgdata", s.data(), "--username", "postgres", "--auth", "trust",
		"--encoding", "UTF8", "--locale", "C.UTF-8", "--no-sync")
	if err == nil {
		err = s.configure(`
wal_level = replica
max_connections = 60
max_prepared_transactions = 8
max_wal_senders = 4
wal_keep_size = '256MB'
hot_standby_feedback = on
fsync = off
full_page_writes = off
shared_buffers = '128MB'
max_wal_size = '4GB'
checkpoint_timeout = '30min'
autovacuum_naptime = '10s'
log_min_messages = warning
`)
	}
	if err == nil {
		err = s.Run()
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// prepare returns a Server with a directory that its user may write in.
func prepare() (*Server, error) {
	programs, err := binaries()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "pgtest-")
	if err != nil {
		return nil, err
	}
	s := &Server{dir: dir, programs: programs, attr: dieWithUs()}
	if os.Geteuid() == 0 {
		if err := s.stepDown(); err != nil {
			return nil, errors.Join(err, os.RemoveAll(dir))
		}
	}
	return s, nil
}

// stepDown makes everything of s run as a user without rights: initdb and
// postgres refuse root.
func (s *Server) stepDown() error {
	who, err := user.Lookup("postgres")
	if err != nil {
		who, err = user.Lookup("nobody")
	}
	if err != nil {
		return fmt.Errorf("find a user that PostgreSQL can run as, since it refuses root: %w", err)
	}
	uid, err := strconv.Atoi(who.Uid)
	if err != nil {
		return err
	}
	gid, err := strconv.Atoi(who.Gid)
	if err != nil {
		return err
	}
	s.attr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	return os.Chown(s.dir, uid, gid)
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

// command returns one of PostgreSQL's programs, to run as the server's user.
func (s *Server) command(ctx context.Context, program string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, filepath.Join(s.programs, program), args...)
	cmd.Dir, cmd.SysProcAttr = s.dir, s.attr
	cmd.Env = []string{"PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8", "TZ=UTC"}
	return cmd
}

// run runs one of PostgreSQL's programs to its end.
func (s *Server) run(program string, args ...string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	defer cancel()
	if out, err := s.command(ctx, program, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s in %s: %w\n%s", program, s.dir, err, out)
	}
	return nil
}

// configure adds settings to postgresql.conf, and says who may come: the socket
// takes everybody for whom he says he is, 127.0.0.1 wants a password.
func (s *Server) configure(settings string) error {
	f, err := os.OpenFile(filepath.Join(s.data(), "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(settings)
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	const access = "local all all trust\nlocal replication all trust\nhost all all 127.0.0.1/32 scram-sha-256\n"
	return os.WriteFile(filepath.Join(s.data(), "pg_hba.conf"), []byte(access), 0o600)
}

// Run starts the server, anew after Stop or Kill, and returns when it takes
// queries. It keeps its port.
func (s *Server) Run() error {
	if s.process != nil {
		return fmt.Errorf("PostgreSQL in %s runs already", s.dir)
	}
	if s.port != 0 {
		return s.runAt(s.port)
	}
	// Below the range from which the system hands out ports, so that nobody takes
	// it while the server is down; another server may have it.
	var err error
	for range 20 {
		port := 20000 + rand.IntN(10000)
		if err = s.runAt(port); err == nil {
			s.port = port
			return nil
		}
	}
	return err
}

func (s *Server) runAt(port int) error {
	log, err := os.OpenFile(s.logFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := s.command(context.Background(), "postgres", "-D", s.data(), "-p", strconv.Itoa(port), "-k", s.dir, "-h", "127.0.0.1")
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start PostgreSQL in %s: %w", s.dir, err)
	}
	s.process, s.exited = cmd, make(chan struct{})
	go func(exited chan struct{}) {
		defer close(exited)
		_ = cmd.Wait() // why it ended is in its log
	}(s.exited)
	deadline := time.Now().Add(patience)
	for {
		select {
		case <-s.exited:
			s.process = nil
			return fmt.Errorf("PostgreSQL in %s did not start:\n%s", s.dir, s.logTail())
		case <-time.After(20 * time.Millisecond): // between two questions, not instead of one
		}
		if err = s.ping(port); err == nil {
			return nil
		}
		if time.Now().After(deadline) {
			return errors.Join(fmt.Errorf("PostgreSQL in %s takes no queries after %v: %w\n%s", s.dir, patience, err, s.logTail()), s.Kill())
		}
	}
}

func (s *Server) ping(port int) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	conn, err := pgx.Connect(ctx, s.dsn(port, "postgres", "postgres"))
	if err != nil {
		return err
	}
	return conn.Close(ctx)
}

func (s *Server) dsn(port int, user, database string) string {
	return fmt.Sprintf("host=%s port=%d user=%s dbname=%s", s.dir, port, user, database)
}

// Addr is where the server listens with TCP, for those who have a password.
func (s *Server) Addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)) }

// Dir is the directory of its Unix socket, the host of a connection string.
func (s *Server) Dir() string { return s.dir }

// Port is where it listens, and a part of its Unix socket's name.
func (s *Server) Port() int { return s.port }

// Socket is the path of its Unix socket, what a proxy between dials.
func (s *Server) Socket() string { return filepath.Join(s.dir, ".s.PGSQL."+strconv.Itoa(s.port)) }

func (s *Server) logFile() string { return filepath.Join(s.dir, "log") }

// logTail returns the last of what the server logged.
func (s *Server) logTail() string {
	log, err := os.ReadFile(s.logFile())
	if err != nil {
		return err.Error()
	}
	return string(log[max(0, len(log)-4000):])
}

// Stop ends the server as an operator would: sessions are cut off, what is
// committed is on disk.
func (s *Server) Stop() error { return s.end(syscall.SIGINT) }

// Kill ends the server and all its processes at once, as a crash would. A
// frozen one too.
func (s *Server) Kill() error { return s.end(syscall.SIGKILL) }

func (s *Server) end(sig syscall.Signal) error {
	if s.process == nil {
		return nil
	}
	var children []int
	if sig == syscall.SIGKILL {
		_ = s.process.Process.Signal(syscall.SIGSTOP) // or it makes more of them; it may have ended
		children = s.children()
	}
	if err := s.process.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	for _, pid := range children {
		_ = syscall.Kill(pid, sig) // it may have gone with its parent
	}
	select {
	case <-s.exited:
	case <-time.After(patience):
		return fmt.Errorf("PostgreSQL in %s (process %d) did not end within %v", s.dir, s.process.Process.Pid, patience)
	}
	s.process = nil
	// One that is left holds the shared memory, and no server starts beside it.
	for deadline := time.Now().Add(patience); slices.ContainsFunc(children, lives); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			return fmt.Errorf("PostgreSQL in %s left processes of %v behind", s.dir, children)
		}
	}
	return nil
}

// lives reports whether a process is there and has not ended: one that nobody
// has asked how it ended is no more than that.
func lives(pid int) bool {
	state, _, ok := stat(pid)
	return ok && state != "Z" && state != "X"
}

// stat returns the state of a process and its parent (Linux proc(5)).
func stat(pid int) (state, parent string, ok bool) {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return "", "", false
	}
	// pid (name) state parent ...; the name may hold anything.
	rest := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	if len(rest) < 2 {
		return "", "", false
	}
	return rest[0], rest[1], true
}

// Freeze stops every process of the server where it stands: its connections
// stay open and nothing answers.
func (s *Server) Freeze() error { return s.signalAll(syscall.SIGSTOP) }

// Thaw lets a frozen server go on.
func (s *Server) Thaw() error { return s.signalAll(syscall.SIGCONT) }

func (s *Server) signalAll(sig syscall.Signal) error {
	if s.process == nil {
		return fmt.Errorf("PostgreSQL in %s does not run", s.dir)
	}
	// The parent first, so that it makes no more children.
	if err := s.process.Process.Signal(sig); err != nil {
		return err
	}
	for _, pid := range s.children() {
		if err := syscall.Kill(pid, sig); err != nil && !errors.Is(err, syscall.ESRCH) {
			return err
		}
	}
	return nil
}

// children returns the processes that the server has started.
func (s *Server) children() []int {
	ours := strconv.Itoa(s.process.Process.Pid)
	processes, _ := filepath.Glob("/proc/[0-9]*") // the pattern is right
	var pids []int
	for _, path := range processes {
		pid, err := strconv.Atoi(filepath.Base(path))
		if err != nil {
			continue
		}
		if _, parent, ok := stat(pid); ok && parent == ours {
			pids = append(pids, pid)
		}
	}
	return pids
}

// Close ends the server and removes all that it had.
func (s *Server) Close() error {
	err := s.Kill()
	if err := os.RemoveAll(s.dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return err
}

// Standby starts a hot standby that streams from s, which tb owns.
func (s *Server) Standby(tb testing.TB) *Server {
	tb.Helper()
	standby, err := prepare()
	demand(tb, err)
	tb.Cleanup(func() { clean(tb, standby) })
	demand(tb, standby.run("pg_basebackup", "--pgdata", standby.data(), "--write-recovery-conf", "--checkpoint", "fast",
		"--wal-method", "stream", "--no-sync", "--dbname", s.dsn(s.port, "postgres", "replication")))
	demand(tb, standby.Run())
	return standby
}

// CatchUp returns when the standby has replayed all that primary has committed.
func (s *Server) CatchUp(tb testing.TB, primary *Server) {
	tb.Helper()
	ask := func(server *Server, sql, arg string) (answer string) {
		conn, err := pgx.Connect(tb.Context(), server.dsn(server.port, "postgres", "postgres"))
		demand(tb, err)
		defer conn.Close(tb.Context())
		demand(tb, conn.QueryRow(tb.Context(), sql, arg).Scan(&answer))
		return answer
	}
	// What is logged but not flushed, that of asynchronous commits, is not sent.
	want := ask(primary, "select pg_current_wal_flush_lsn()::text || $1", "")
	for deadline := time.Now().Add(patience); ask(s, "select (pg_last_wal_replay_lsn() >= $1::pg_lsn)::text", want) != "true"; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			tb.Fatalf("the standby has not replayed %s within %v:\n%s", want, patience, s.logTail())
		}
	}
}

// Promote makes a standby a primary and returns when it takes writes.
func (s *Server) Promote(tb testing.TB) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	conn, err := pgx.Connect(ctx, s.dsn(s.port, "postgres", "postgres"))
	demand(tb, err)
	var done bool
	err = conn.QueryRow(ctx, "select pg_promote(true, $1)", int(patience/time.Second)).Scan(&done)
	demand(tb, errors.Join(err, conn.Close(ctx)))
	if !done {
		tb.Fatalf("the standby was not promoted within %v:\n%s", patience, s.logTail())
	}
}

// Dump returns a dump of d, for Restore.
func (s *Server) Dump(tb testing.TB, d *Database) string {
	tb.Helper()
	out, err := s.command(tb.Context(), "pg_dump", "--dbname", d.DSN("postgres")).Output()
	demand(tb, err)
	return string(out)
}

// Restore makes a database of a dump, and the roles that its grants name: user,
// who may log in and belongs to the group, and those of the contract.
func (s *Server) Restore(tb testing.TB, dump, user, group string) *Database {
	tb.Helper()
	d := s.Database(tb)
	for _, role := range []string{"rdds_reader", "rdds_keeper", "app"} {
		d.Exec(tb, "do $$ begin create role "+role+"; exception when duplicate_object then null; end $$")
	}
	d.Login(tb, user, group)
	cmd := s.command(tb.Context(), "psql", "--quiet", "--no-psqlrc", "--set", "ON_ERROR_STOP=1", "--dbname", d.DSN("postgres"))
	cmd.Stdin = strings.NewReader(dump)
	if out, err := cmd.CombinedOutput(); err != nil {
		tb.Fatalf("restore a dump: %v\n%s", err, out)
	}
	return d
}
