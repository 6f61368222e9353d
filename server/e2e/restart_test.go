package e2e

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// supervisor is what systemd is to a service: it holds the public sockets, and
// hears how the program is.
type supervisor struct {
	t       *testing.T
	sockets []*os.File
	names   []string
	notify  *net.UnixConn
	args    []string // of the program, besides its directory
}

func newSupervisor(t *testing.T) *supervisor {
	t.Helper()
	dir, err := os.MkdirTemp("", "rddsd-notify-") // the path of a socket is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	notify, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(dir, "notify"), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { notify.Close() })
	return &supervisor{t: t, notify: notify}
}

// listen opens a socket to pass on under name, and returns its address.
func (s *supervisor) listen(name string) string {
	s.t.Helper()
	var config net.ListenConfig
	config.SetMultipathTCP(false) // as systemd's are
	l, err := config.Listen(s.t.Context(), "tcp4", "127.0.0.1:0")
	if err != nil {
		s.t.Fatal(err)
	}
	defer l.Close() // the file is a descriptor of its own
	file, err := l.(*net.TCPListener).File()
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { file.Close() })
	s.sockets, s.names = append(s.sockets, file), append(s.names, name)
	return l.Addr().String()
}

// start starts d as systemd would.
func (s *supervisor) start(d *daemon, env ...string) {
	s.t.Helper()
	d.out = new(lockedBuffer)
	// The variable that tells whose the sockets are holds the process's number.
	d.cmd = exec.Command("/bin/sh", append([]string{"-c", `LISTEN_PID=$$ exec "$0" "$@"`, binary, "serve", "--data", d.dir}, s.args...)...)
	d.cmd.Env = append(append([]string{
		fmt.Sprintf("LISTEN_FDS=%d", len(s.sockets)), "LISTEN_FDNAMES=" + strings.Join(s.names, ":"),
		"NOTIFY_SOCKET=" + s.notify.LocalAddr().String(),
	}, d.env...), env...)
	d.cmd.Dir = d.dir
	d.cmd.Stdout, d.cmd.Stderr = d.out, d.out
	d.cmd.ExtraFiles = s.sockets
	if err := d.cmd.Start(); err != nil {
		s.t.Fatalf("start rddsd: %v", err)
	}
	done, cmd := make(chan struct{}), d.cmd
	d.done = done
	go func() {
		d.err = cmd.Wait()
		close(done)
	}()
	s.t.Cleanup(func() {
		select {
		case <-done:
		default:
			_ = cmd.Process.Kill()
			<-done
		}
	})
}

// hear waits until rddsd says what, and returns all that it said with it.
func (s *supervisor) hear(d *daemon, what string) string {
	s.t.Helper()
	if err := s.notify.SetReadDeadline(time.Now().Add(patience)); err != nil {
		s.t.Fatal(err)
	}
	var heard []string
	for buf := make([]byte, 4096); ; {
		n, err := s.notify.Read(buf)
		if err != nil {
			s.t.Fatalf("rddsd has not said %s, but %q: %v\n%s", what, heard, err, d.out)
		}
		said := string(buf[:n])
		if strings.Contains("\n"+said+"\n", "\n"+what+"\n") {
			return said
		}
		heard = append(heard, said)
	}
}

// With sockets that a supervisor holds, the program is replaced under load and no
// client notices more than a pause: nobody is refused, reset or answered in part.
func TestRestartRefusesNobody(t *testing.T) {
	restarts := 3
	if *long {
		restarts = 20
	}
	s := newSupervisor(t)
	d := newDaemon(t, t.TempDir(), "RDDSD_RATELIMIT_MODE=off")
	d.whois, d.http = s.listen("whois"), s.listen("rdap-http")
	s.start(d)
	s.hear(d, "READY=1")

	var answered atomic.Uint64
	var asking sync.WaitGroup
	over := make(chan struct{})
	var once sync.Once
	client := func(ask func() error) {
		asking.Go(func() {
			for {
				select {
				case <-over:
					return
				default:
				}
				if err := ask(); err != nil {
					t.Error(err)
					return
				}
				answered.Add(1)
			}
		})
	}
	defer func() {
		once.Do(func() { close(over) })
		asking.Wait()
	}()
	for range 8 {
		client(func() error {
			answer, err := d.ask("example.coop")
			if err == nil && (!strings.HasPrefix(answer, "Domain Name: example.coop\r\n") || !strings.HasSuffix(answer, "\r\n")) {
				err = fmt.Errorf("the answer is %q", answer)
			}
			return err
		})
		client(func() error { return askOnce(d.http, "/domain/example.coop") })
	}
	for i := range restarts {
		before := answered.Load()
		d.within("clients are answered", func() error {
			if n := answered.Load() - before; n < 200 {
				return fmt.Errorf("%d answers since restart %d", n, i)
			}
			return nil
		})
		if err := d.stop(); err != nil {
			t.Fatalf("rddsd ended with %v\n%s", err, d.out)
		}
		s.hear(d, "STOPPING=1")
		s.start(d)
		s.hear(d, "READY=1")
	}
	once.Do(func() { close(over) })
	asking.Wait()
	t.Logf("%d answers over %d restarts", answered.Load(), restarts)
	if err := d.stop(); err != nil {
		t.Errorf("rddsd ended with %v\n%s", err, d.out)
	}
}

// Without a supervisor a program that ends under load still answers whoever got a
// connection; the others find the port closed.
func TestStopUnderLoadResetsNobody(t *testing.T) {
	d := startDaemon(t, t.TempDir(), "RDDSD_RATELIMIT_MODE=off")
	var answered atomic.Uint64
	var asking sync.WaitGroup
	client := func(ask func() error) {
		asking.Go(func() {
			for {
				err := ask()
				if errors.Is(err, syscall.ECONNREFUSED) {
					return
				}
				if err != nil {
					t.Error(err)
					return
				}
				answered.Add(1)
			}
		})
	}
	for range 16 {
		client(func() error {
			answer, err := d.ask("example.coop")
			if err == nil && !strings.HasPrefix(answer, "Domain Name: example.coop\r\n") {
				err = fmt.Errorf("the answer is %q", answer)
			}
			return err
		})
		client(func() error { return askOnce(d.http, "/domain/example.coop") })
	}
	d.within("clients are answered", func() error {
		if n := answered.Load(); n < 500 {
			return fmt.Errorf("%d answers", n)
		}
		return nil
	})
	if err := d.stop(); err != nil {
		t.Errorf("rddsd ended with %v\n%s", err, d.out)
	}
	asking.Wait()
}

// askOnce gets path over HTTP on a connection of its own.
func askOnce(addr, path string) error {
	conn, err := net.DialTimeout("tcp", addr, patience)
	if err != nil {
		return err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	if _, err := fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", path, addr); err != nil {
		return err
	}
	in := bufio.NewReader(conn)
	status, err := in.ReadString('\n')
	if err != nil || !strings.HasPrefix(status, "HTTP/1.1 200 ") {
		return fmt.Errorf("GET %s: %q, %w", path, status, err)
	}
	_, err = io.Copy(io.Discard, in)
	return err
}

// What systemd hears: ready once there is data, a reload while it lasts, and at
// every turn that the program's own ports answer.
func TestSupervisorIsTold(t *testing.T) {
	s := newSupervisor(t)
	d := newDaemon(t, t.TempDir())
	d.whois = s.listen("whois")
	s.start(d, "WATCHDOG_USEC=200000")
	s.hear(d, "READY=1")
	for range 3 {
		s.hear(d, "WATCHDOG=1")
	}
	if err := d.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	if said := s.hear(d, "RELOADING=1"); !strings.Contains(said, "\nMONOTONIC_USEC=") {
		t.Errorf("with RELOADING=1 rddsd says %q, without the time", said)
	}
	s.hear(d, "READY=1")
	if err := d.stop(); err != nil {
		t.Errorf("rddsd ended with %v\n%s", err, d.out)
	}
	s.hear(d, "STOPPING=1")
}

// A socket that nobody here serves, or that would show RDAP in clear text to the
// world, is told at the start.
func TestSupervisorPassesTheWrongSocket(t *testing.T) {
	s := newSupervisor(t)
	d := newDaemon(t, t.TempDir())
	s.listen("gopher")
	s.start(d)
	<-d.done
	if want := `a socket named "gopher", and rddsd knows rdap-http, rdap-https, rdap-redirect, whois`; !strings.Contains(d.out.String(), want) {
		t.Errorf("rddsd says\n%s\nwant %s", d.out, want)
	}
}
