package target

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// Deadlines of processes that we start.
const (
	readyTimeout = 60 * time.Second // until it answers; rddsd has longer, see readyWithin
	endTimeout   = 15 * time.Second // until it has ended as told; rddsd lets answers in flight finish for 10 s
	lookEvery    = 5 * time.Millisecond
)

// Process is a running process, with all that descend from it.
type Process struct {
	Name string
	PID  int

	// Of a process that we started; nil for somebody else's.
	cmd   *exec.Cmd
	ended chan struct{} // closed once it has ended, after fate was set
	fate  error
	out   tail // its standard output
	said  tail // its standard error
}

// OpenProcess returns a process that somebody else has started and will end.
func OpenProcess(name string, pid int) (*Process, error) {
	p := &Process{Name: name, PID: pid}
	if _, err := p.Usage(); err != nil {
		return nil, err
	}
	return p, nil
}

// String names the process for people.
func (p *Process) String() string { return fmt.Sprintf("%s (process %d)", p.Name, p.PID) }

// startProcess starts cmd in a process group of its own: Ctrl-C is ours, so that
// what was measured can still be told. The system ends it if we are killed.
func startProcess(name string, cmd *exec.Cmd) (*Process, error) {
	p := &Process{Name: name, cmd: cmd, ended: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = &p.out, &p.said
	cmd.SysProcAttr = apart()
	started := make(chan error)
	go func() {
		// The system ends the process when the thread that started it does.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			p.fate = cmd.Wait()
			close(p.ended)
		}
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	p.PID = cmd.Process.Pid
	return p, nil
}

// Ended returns why the process has ended by itself, nil while it runs.
func (p *Process) Ended() error {
	if p == nil || p.cmd == nil {
		return nil
	}
	select {
	case <-p.ended:
		how := "it said that all is well"
		if p.fate != nil {
			how = p.fate.Error()
		}
		return fmt.Errorf("%s has ended by itself: %s%s", p, how, &p.said)
	default:
		return nil
	}
}

// Stop ends the process if we started it, and waits until it is gone.
func (p *Process) Stop() error { return p.stop(endTimeout) }

func (p *Process) stop(timeout time.Duration) error {
	if p == nil || p.cmd == nil {
		return nil
	}
	select {
	case <-p.ended:
		return nil
	default:
	}
	// Fails when it has just ended.
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	patience := time.NewTimer(timeout)
	defer patience.Stop()
	select {
	case <-p.ended:
		return nil
	case <-patience.C:
	}
	_ = p.cmd.Process.Kill()
	<-p.ended
	return fmt.Errorf("%s did not end within %v of being told, and was killed%s", p, timeout, &p.said)
}

// await calls try until it returns nil: until the process is ready, which it must be
// within a time.
func (p *Process) await(outer context.Context, within time.Duration, try func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(outer, within)
	defer cancel()
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	var last error
	for {
		if last = try(ctx); last == nil {
			return nil
		}
		if err := p.Ended(); err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-p.ended:
		case <-ctx.Done():
			if err := outer.Err(); err != nil {
				return fmt.Errorf("wait for %s: %w", p, err)
			}
			return fmt.Errorf("%s was not ready within %v: %w%s", p, within, last, &p.said)
		}
	}
}

// tail keeps the last that a process says.
type tail struct {
	mu   sync.Mutex
	kept []byte
}

// maxTail is how much is kept, in bytes.
const maxTail = 4 << 10

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.kept = append(t.kept, b...); len(t.kept) > 2*maxTail {
		t.kept = append([]byte(nil), t.kept[len(t.kept)-maxTail:]...)
	}
	return len(b), nil
}

// line returns the first line of what was said, whole.
func (t *tail) line() (string, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	line, _, whole := bytes.Cut(t.kept, []byte{'\n'})
	return string(line), whole
}

// String returns what was said, for the end of an error; "" for nothing.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	said := bytes.TrimSpace(t.kept[max(0, len(t.kept)-maxTail):])
	if len(said) == 0 {
		return ""
	}
	return "\nit said:\n" + string(said)
}
