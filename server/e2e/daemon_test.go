package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
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

// long makes the tests run as long and as often as the promises are stated for,
// instead of as long as an edit-and-test loop bears.
var long = flag.Bool("long", false, "run the end-to-end tests at their full length")

// patience is how long a test waits for what must happen: on a machine that stands
// still for seconds too.
const patience = 2 * time.Minute

// binary is the program under test, built once.
var binary string

func TestMain(m *testing.M) {
	if spec := os.Getenv(floodVariable); spec != "" {
		flood(spec)
		return
	}
	flag.Parse()
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "rddsd-e2e-")
		if err != nil {
			fmt.Fprintln(os.Stderr, "make a directory for the binary:", err)
			return 1
		}
		defer os.RemoveAll(dir)
		binary = filepath.Join(dir, "rddsd")
		build := exec.Command("go", "build", "-o", binary, "rddsd")
		build.Stderr = os.Stderr
		if err := build.Run(); err != nil {
			fmt.Fprintln(os.Stderr, "build the binary:", err)
			return 1
		}
		return m.Run()
	}())
}

// needs skips the test where program is missing, but fails in the gate, where
// nothing may be skipped.
func needs(t *testing.T, program string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("%s is missing; .ci/run install installs it", program)
		}
		t.Skipf("%s is not installed", program)
	}
	return path
}

// daemon is one running rddsd on ports of its own.
type daemon struct {
	t     *testing.T
	dir   string // its data directory
	env   []string
	user  *syscall.Credential // nil = ours
	cmd   *exec.Cmd
	out   *lockedBuffer
	done  chan struct{} // closed when the process has ended
	err   error         // how it ended; read after done
	whois string        // address
	http  string
	https string
	admin string
}

// lockedBuffer takes what the process prints while a test reads it.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// newDaemon prepares an rddsd over dir without starting it. env overrides
// configuration keys ("RDDSD_RATELIMIT_MODE=off").
func newDaemon(t *testing.T, dir string, env ...string) *daemon {
	t.Helper()
	d := &daemon{t: t, dir: dir}
	ports := freePorts(t, 4)
	d.whois, d.http, d.https, d.admin = ports[0], ports[1], ports[2], ports[3]
	d.env = append([]string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + dir,
		"RDDSD_WHOIS_LISTEN=" + d.whois, "RDDSD_RDAP_HTTP=" + d.http, "RDDSD_RDAP_HTTPS=" + d.https, "RDDSD_ADMIN_LISTEN=" + d.admin,
	}, env...)
	return d
}

// startDaemon starts an rddsd over dir and waits until it is ready.
func startDaemon(t *testing.T, dir string, env ...string) *daemon {
	t.Helper()
	d := newDaemon(t, dir, env...)
	d.start()
	d.waitReady()
	return d
}

func (d *daemon) start(args ...string) {
	d.t.Helper()
	d.out = new(lockedBuffer)
	d.cmd = exec.Command(binary, append([]string{"serve", "--data", d.dir}, args...)...)
	d.cmd.Env = d.env
	d.cmd.Dir = d.dir
	if d.user != nil {
		d.cmd.SysProcAttr = &syscall.SysProcAttr{Credential: d.user}
	}
	d.cmd.Stdout, d.cmd.Stderr = d.out, d.out
	if err := d.cmd.Start(); err != nil {
		d.t.Fatalf("start rddsd: %v", err)
	}
	done := make(chan struct{})
	d.done = done
	cmd := d.cmd
	go func() {
		d.err = cmd.Wait()
		close(done)
	}()
	d.t.Cleanup(func() {
		select {
		case <-done:
		default:
			_ = cmd.Process.Kill()
			<-done
		}
		if d.t.Failed() {
			d.t.Logf("rddsd printed:\n%s", d.out)
		}
	})
}

// waitReady waits until /readyz says that there is data and port 43 answers.
func (d *daemon) waitReady() {
	d.t.Helper()
	d.within("rddsd is ready", func() error {
		status, _, err := d.get("http://" + d.admin + "/readyz")
		if err == nil && status != http.StatusOK {
			err = fmt.Errorf("/readyz answers %d", status)
		}
		if err != nil {
			return err
		}
		conn, err := net.Dial("tcp", d.whois)
		if err == nil {
			conn.Close()
		}
		return err
	})
}

// within calls try until it returns nil, and loses patience at last.
func (d *daemon) within(what string, try func() error) {
	d.t.Helper()
	var err error
	for begun := time.Now(); time.Since(begun) < patience; time.Sleep(5 * time.Millisecond) {
		if err = try(); err == nil {
			return
		}
		if d.done != nil {
			select {
			case <-d.done:
				d.t.Fatalf("%s: rddsd has ended: %v\n%s", what, d.err, d.out)
			default:
			}
		}
	}
	d.t.Fatalf("not within %v: %s: %v\n%s", patience, what, err, d.out)
}

// kill ends the process as a crash would.
func (d *daemon) kill() {
	_ = d.cmd.Process.Kill()
	<-d.done
}

// stop ends the process with SIGTERM and returns how it ended.
func (d *daemon) stop() error {
	_ = d.cmd.Process.Signal(syscall.SIGTERM)
	<-d.done
	return d.err
}

// ask sends one line to port 43 and returns the whole answer.
func (d *daemon) ask(line string) (string, error) {
	conn, err := net.DialTimeout("tcp", d.whois, patience)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(conn, line+"\r\n"); err != nil {
		return "", err
	}
	answer, err := io.ReadAll(conn)
	return string(answer), err
}

// mustAsk is ask without a fault.
func (d *daemon) mustAsk(line string) string {
	d.t.Helper()
	answer, err := d.ask(line)
	if err != nil {
		d.t.Fatalf("ask %q: %v", line, err)
	}
	return answer
}

func (d *daemon) get(url string) (status int, body string, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, "", err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(b), err
}

// rdap gets an RDAP path and decodes the body.
func (d *daemon) rdap(path string) (status int, body map[string]any) {
	d.t.Helper()
	status, text, err := d.get("http://" + d.http + path)
	if err != nil {
		d.t.Fatalf("get %s: %v", path, err)
	}
	if err := json.Unmarshal([]byte(text), &body); err != nil {
		d.t.Fatalf("get %s: the body is no JSON object: %v\n%s", path, err, text)
	}
	return status, body
}

// run runs the binary with args to its end.
func run(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	cmd := exec.Command(binary, args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	cmd.Dir = t.TempDir()
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !asExit(err, &exit) {
		t.Fatalf("run rddsd %s: %v", strings.Join(args, " "), err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

func asExit(err error, exit **exec.ExitError) bool {
	e, ok := err.(*exec.ExitError)
	*exit = e
	return ok
}

// mustRun is run with exit code 0.
func mustRun(t *testing.T, args ...string) string {
	t.Helper()
	stdout, stderr, code := run(t, args...)
	if code != 0 {
		t.Fatalf("rddsd %s: exit %d\n%s%s", strings.Join(args, " "), code, stdout, stderr)
	}
	return stdout
}

// Ports from firstPort on, ports of them, are below those that the kernel gives out by
// itself (32768 and up on Linux): no other test beside us, nor a client of ours, takes
// one between a look at it and the start of a daemon, or its restart.
const firstPort, ports = 12_000, 20_000

// lastPort counts the ports that freePorts has looked at. It begins where another
// process most likely does not.
var lastPort = func() *atomic.Uint32 {
	n := new(atomic.Uint32)
	n.Store(rand.Uint32N(ports))
	return n
}()

// freePorts returns loopback addresses that nobody else uses.
func freePorts(t *testing.T, n int) []string {
	t.Helper()
	var addrs []string
	for range ports {
		if len(addrs) == n {
			return addrs
		}
		addr := fmt.Sprintf("127.0.0.1:%d", firstPort+lastPort.Add(1)%ports)
		if l, err := net.Listen("tcp", addr); err == nil {
			l.Close()
			addrs = append(addrs, addr)
		}
	}
	t.Fatalf("there are no %d free ports from %d to %d", n, firstPort, firstPort+ports-1)
	return nil
}

// sqlite3 runs statements on a registry file with the sqlite3 program, as a
// registry's own software would write it.
func sqlite3(t *testing.T, path, statements string) string {
	t.Helper()
	cmd := exec.Command(needs(t, "sqlite3"), "-bail", path)
	cmd.Stdin = strings.NewReader(".timeout 5000\npragma foreign_keys = on;\npragma recursive_triggers = on;\n" + statements)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("sqlite3 %s: %v\n%s", statements, err, out)
	}
	return string(out)
}
