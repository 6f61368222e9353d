package admin

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"rddsd/cache/feed"
)

func TestOrders(t *testing.T) {
	type decision struct {
		accept bool
		reason string
	}
	var decided []decision
	reloads := 0
	r := started(t, func(s *Server) {
		s.Reload = func(context.Context) error { reloads++; return nil }
		s.Decide = func(accept bool, reason string) error {
			decided = append(decided, decision{accept, reason})
			return nil
		}
	})
	for _, order := range []struct {
		order  Order
		reason string
	}{{Reload, ""}, {Accept, "the purge of \"today\""}, {Reject, "nobody meant this"}} {
		before := len(r.logged.String())
		if err := Send(t.Context(), r.socket, order.order, order.reason); err != nil {
			t.Errorf("%s: %v", order.order, err)
		}
		line := r.logged.String()[before:]
		want := fmt.Sprintf("msg=audit order=%s uid=%d reason=", order.order, os.Getuid())
		if strings.Count(line, "msg=audit") != 1 || !strings.Contains(line, want) || !strings.Contains(line, strings.ReplaceAll(order.reason, `"`, `\"`)) || !strings.Contains(line, "outcome=done") {
			t.Errorf("%s: logged %q, want one line with %q, the reason and the outcome", order.order, line, want)
		}
	}
	if reloads != 1 || len(decided) != 2 || decided[0] != (decision{true, "the purge of \"today\""}) || decided[1] != (decision{false, "nobody meant this"}) {
		t.Errorf("%d reloads, decided %+v", reloads, decided)
	}
}

func TestOrdersThatFail(t *testing.T) {
	r := started(t, func(s *Server) {
		s.Reload = func(context.Context) error { return errors.New("rddsd.toml:2:1: [whois]: unknown key \"x\"") }
		s.Decide = func(bool, string) error { return feed.ErrNothingHeld }
	})
	for name, tt := range map[string]struct {
		order  Order
		reason string
		want   string
		logged bool
	}{
		"a bad file":       {Reload, "new limits", `reload: rddsd.toml:2:1: [whois]: unknown key "x"`, true},
		"nothing held":     {Accept, "just so", "accept: nothing is held", true},
		"no reason":        {Accept, "  ", "accept: a reason is needed", false},
		"a forged line":    {Reject, "x\nmsg=audit order=accept", "control character", false},
		"a long reason":    {Reject, strings.Repeat("x", maxReason+1), "has 501 bytes", false},
		"an unknown order": {"restart", "x", "there is no order", false},
	} {
		t.Run(name, func(t *testing.T) {
			before := len(r.logged.String())
			err := Send(t.Context(), r.socket, tt.order, tt.reason)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Send(%s, %.40q) = %v, want %q", tt.order, tt.reason, err, tt.want)
			}
			if line := r.logged.String()[before:]; strings.Contains(line, "msg=audit") != tt.logged {
				t.Errorf("logged %q, want an audit line: %v", line, tt.logged)
			}
		})
	}
}

func TestSendSaysThatNobodyListens(t *testing.T) {
	path := filepath.Join(t.TempDir(), "admin.sock")
	if err := Send(t.Context(), path, Reload, "x"); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("Send = %v, want an error with the path", err)
	}
}

func TestSocketIsForItsOwnerAlone(t *testing.T) {
	r := started(t, nil)
	info, err := os.Stat(r.socket)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode is %v, %v; want 0600", info.Mode(), err)
	}
	if err := r.stop(); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(r.socket); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("after the end: %v, want no socket", err)
	}
}

func TestSocketOfADeadProcessIsReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "admin.sock")
	dead, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	dead.SetUnlinkOnClose(false) // as kill -9 leaves it
	dead.Close()
	l, err := OpenSocket(path, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatalf("OpenSocket over a dead one: %v", err)
	}
	defer l.Close()
	if _, err := OpenSocket(path, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "another process") {
		t.Errorf("OpenSocket over a live one: %v, want an error with the path", err)
	}
	conn, err := net.Dial("unix", path)
	if err != nil {
		t.Fatalf("the live socket is gone: %v", err)
	}
	conn.Close()
}

func TestSocketReplacesNoFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "admin.sock")
	if err := os.WriteFile(path, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenSocket(path, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), "no socket") {
		t.Errorf("OpenSocket over a file: %v", err)
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != "precious" {
		t.Errorf("the file is now %q, %v", text, err)
	}
}

// envStranger names the socket to which a child process of the tests gives an
// order.
const envStranger = "RDDSD_TEST_STRANGER"

// TestStranger is that child, and no test of its own.
func TestStranger(t *testing.T) {
	path := os.Getenv(envStranger)
	if path == "" {
		return
	}
	if err := Send(t.Context(), path, Reload, "as a stranger"); err != nil {
		t.Fatal(err)
	}
}

// stranger is a user that is neither root nor the one that runs the tests.
const stranger = 65534

// sendAsStranger gives an order in a process of its own, as another user where the
// tests run as root, who alone can become one. It returns who gave it and what
// that one was told.
func sendAsStranger(t *testing.T, socket string) (uid int, told string, err error) {
	t.Helper()
	for dir := filepath.Dir(socket); dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	binary, err := os.ReadFile(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	test := filepath.Join(filepath.Dir(socket), "test")
	if err := os.WriteFile(test, binary, 0o755); err != nil {
		t.Fatal(err)
	}
	child := exec.Command(test, "-test.run=^TestStranger$")
	child.Env = []string{envStranger + "=" + socket}
	child.Dir = filepath.Dir(socket)
	if uid = os.Geteuid(); uid == 0 {
		uid = stranger
		child.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: stranger, Gid: stranger}}
	}
	out, err := child.CombinedOutput()
	return uid, string(out), err
}

// TestStrangerGivesNoOrders gives an order through a socket whose file everybody
// may open. Not run as root, it shows no more than that the own user may.
func TestStrangerGivesNoOrders(t *testing.T) {
	reloads := 0
	r := started(t, func(s *Server) { s.Reload = func(context.Context) error { reloads++; return nil } })
	if err := os.Chmod(r.socket, 0o666); err != nil {
		t.Fatal(err)
	}
	uid, told, err := sendAsStranger(t, r.socket)
	want := 0
	if uid == os.Geteuid() {
		want = 1
	}
	if reloads != want || (err == nil) != (want == 1) {
		t.Errorf("user %d: %d reloads, %v, want %d\n%s", uid, reloads, err, want, told)
	}
	if want == 0 && !strings.Contains(r.logged.String(), fmt.Sprintf("uid=%d", uid)) {
		t.Errorf("the refusal is not logged with the user:\n%s", r.logged)
	}
}

func TestStrangerIsToldWhoGivesOrders(t *testing.T) {
	r := started(t, nil)
	if err := os.Chmod(r.socket, 0); err != nil { // for the own user, if that is not root
		t.Fatal(err)
	}
	if _, told, err := sendAsStranger(t, r.socket); err == nil || !strings.Contains(told, "as root, or as the user that runs rddsd") {
		t.Errorf("%v\n%s", err, told)
	}
}
