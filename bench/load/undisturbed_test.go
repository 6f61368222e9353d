package load

import (
	"fmt"
	"runtime"
	"testing"
)

// undisturbed makes attempts at a test that measures time until one finds no fault, five
// at most: a machine that stands still for a moment disturbs one, a fault of ours all.
func undisturbed(t *testing.T, attempt func(t testing.TB)) {
	t.Helper()
	var a *tried
	for range 5 {
		a = &tried{T: t}
		done := make(chan struct{})
		go func() {
			defer close(done)
			attempt(a)
		}()
		if <-done; len(a.faults) == 0 {
			return
		}
		t.Logf("an attempt: %q", a.faults)
	}
	for _, fault := range a.faults {
		t.Error(fault)
	}
}

// tried is the test to one attempt at it, and keeps what that finds. Its goroutine
// alone may call it.
type tried struct {
	*testing.T
	faults []string
}

func (a *tried) Errorf(format string, args ...any) {
	a.faults = append(a.faults, fmt.Sprintf(format, args...))
}

func (a *tried) Error(args ...any) { a.faults = append(a.faults, fmt.Sprint(args...)) }

func (a *tried) Fatalf(format string, args ...any) {
	a.Errorf(format, args...)
	runtime.Goexit()
}

func (a *tried) Fatal(args ...any) {
	a.Error(args...)
	runtime.Goexit()
}
