package target

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
)

// ErrMissing is in the error of Start for a server whose program, or what makes it, is
// not on this machine.
var ErrMissing = errors.New("it is not on this machine")

// cEpoll is the reference in C: what is left of a query's cost without Go.
const cEpoll = "c-epoll"

//go:embed native/epoll.c
var epollSource []byte

// startEpoll compiles c-epoll and starts it.
func (s *Starter) startEpoll(ctx context.Context) (*Server, error) {
	compiler, err := exec.LookPath("gcc")
	if err != nil || runtime.GOOS != "linux" {
		return nil, fmt.Errorf("start %s: gcc and Linux make it: %w (Debian's package is gcc)", cEpoll, ErrMissing)
	}
	dir, err := s.Dir()
	if err != nil {
		return nil, err
	}
	source, program, answer := filepath.Join(dir, "epoll.c"), filepath.Join(dir, cEpoll), filepath.Join(dir, "answer.txt")
	if err := errors.Join(os.WriteFile(source, epollSource, 0o600), os.WriteFile(answer, whoisAnswer, 0o600)); err != nil {
		return nil, fmt.Errorf("start %s: %w", cEpoll, err)
	}
	if out, err := exec.CommandContext(ctx, compiler, "-O2", "-Wall", "-Werror", "-o", program, source).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("start %s: compile it: %w\n%s", cEpoll, err, out)
	}
	return s.startTelling(ctx, cEpoll, exec.Command(program, "127.0.0.1", answer))
}
