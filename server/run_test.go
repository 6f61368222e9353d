package server

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
)

// script is a Service that notes when it begins and ends.
type script struct {
	name  string
	notes *notes
	fail  error // returned at once, where set
}

type notes struct {
	mu    sync.Mutex
	lines []string
}

func (n *notes) add(line string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.lines = append(n.lines, line)
}

func (s script) Serve(ctx context.Context) error {
	s.notes.add("begin " + s.name)
	if s.fail != nil {
		return s.fail
	}
	<-ctx.Done()
	s.notes.add("end " + s.name)
	return nil
}

func TestRunOpensTheFrontAfterReadyAndClosesItFirst(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	ready, n := make(chan struct{}), new(notes)
	close(ready)
	err := Run(ctx, []Named{{"feed", script{"feed", n, nil}}}, ready, func() ([]Named, error) {
		n.add("open")
		return []Named{{"whois", serveFunc(func(ctx context.Context) error {
			cancel()
			<-ctx.Done()
			n.add("end whois")
			return nil
		})}}, nil
	})
	if err != nil {
		t.Fatalf("Run = %v", err)
	}
	n.lines = slices.DeleteFunc(n.lines, func(s string) bool { return s == "begin feed" })
	if got, want := strings.Join(n.lines, ", "), "open, end whois, end feed"; got != want {
		t.Errorf("order is %q, want %q", got, want)
	}
}

type serveFunc func(context.Context) error

func (f serveFunc) Serve(ctx context.Context) error { return f(ctx) }

func TestRunKeepsTheFrontClosedWithoutData(t *testing.T) {
	broken := errors.New("registry is gone")
	n := new(notes)
	err := Run(t.Context(), []Named{{"feed", script{"feed", n, broken}}}, make(chan struct{}), func() ([]Named, error) {
		t.Error("the front was opened")
		return nil, nil
	})
	if !errors.Is(err, broken) || !strings.Contains(err.Error(), "feed: ") {
		t.Errorf("Run = %v, want the feed's fault by name", err)
	}
}

func TestRunEndsAllWhenOneFails(t *testing.T) {
	ready, n := make(chan struct{}), new(notes)
	close(ready)
	for name, front := range map[string]Service{
		"failing":      script{"whois", n, errors.New("no socket")},
		"ending early": serveFunc(func(context.Context) error { return nil }),
	} {
		err := Run(t.Context(), []Named{{"feed", script{"feed", n, nil}}}, ready, func() ([]Named, error) {
			return []Named{{"whois", front}, {"rdap", script{"rdap", n, nil}}}, nil
		})
		if err == nil || !strings.Contains(err.Error(), "whois: ") {
			t.Errorf("%s: Run = %v, want whois by name", name, err)
		}
	}
	if !slices.Contains(n.lines, "end rdap") || !slices.Contains(n.lines, "end feed") {
		t.Errorf("not all ended: %v", n.lines)
	}
}

func TestRunEndsWhatStandsBehindWhenOpeningFails(t *testing.T) {
	ready, n := make(chan struct{}), new(notes)
	close(ready)
	taken := errors.New("port is taken")
	err := Run(t.Context(), []Named{{"feed", script{"feed", n, nil}}}, ready, func() ([]Named, error) { return nil, taken })
	if !errors.Is(err, taken) {
		t.Errorf("Run = %v, want %v", err, taken)
	}
	if !slices.Contains(n.lines, "end feed") {
		t.Errorf("the feed still runs: %v", n.lines)
	}
}
