package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"rddsd/bench/target"
)

// watch waits until changes are answered, in one protocol.
type watch struct {
	server  *target.Server
	ask     func(ctx context.Context, name string) ([]byte, error)
	timeout time.Duration // after which a change counts as lost
	late    time.Duration // above which it counts as late

	mu     sync.Mutex
	lag    *hdrhistogram.Histogram // commit to answer, nanoseconds
	second []*hdrhistogram.Histogram
	lates  int64
	lost   []string // examples, the first few
	losses int64
}

const (
	// watchers is how many ask, in each protocol. Changes are dealt out in turn, and
	// each asks for its oldest until it shows: a View holds all or nothing, so no
	// later one can have come before.
	watchers = 2
	// watchEvery is the time between two questions for a change that does not show
	// yet: how exact the figures are, upwards. More often would take the machine from
	// the server.
	watchEvery = 2 * time.Millisecond
	// maxPending is how many changes wait for a watcher; then writing waits too.
	maxPending = 100_000
	maxLost    = 3
)

// follow confirms the changes that come in, until they end.
func (w *watch) follow(ctx context.Context, begun time.Time, in <-chan change) error {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for c := range in {
		for {
			answer, err := w.ask(ctx, c.name)
			lag := time.Since(c.committed)
			if ctx.Err() != nil {
				return nil
			}
			if err != nil {
				return fmt.Errorf("%s: ask for %s: %w", w.server.Name, c.name, err)
			}
			if bytes.Contains(answer, []byte(c.value)) {
				w.seen(c.committed.Sub(begun), lag)
				break
			}
			if lag > w.timeout {
				w.lose(c)
				break
			}
			select {
			case <-tick.C:
			case <-ctx.Done():
				return nil
			}
		}
	}
	return nil
}

func (w *watch) seen(at, lag time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	_ = w.lag.RecordValue(lag.Nanoseconds()) // never longer than the time-out
	for int(at/time.Second) >= len(w.second) {
		w.second = append(w.second, newTimes())
	}
	_ = w.second[at/time.Second].RecordValue(lag.Nanoseconds())
	if lag > w.late {
		w.lates++
	}
}

func (w *watch) lose(c change) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.losses++; w.losses <= maxLost {
		w.lost = append(w.lost, fmt.Sprintf("%s was renewed to %s, which no answer showed within %v", c.name, c.value, w.timeout))
	}
}

// standing tells what was seen so far.
func (w *watch) standing() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return fmt.Sprintf("%s p50 %s p99 %s lost %d", w.server.Name, quantile(w.lag, 50), quantile(w.lag, 99), w.losses)
}

// askWHOIS returns how a name is asked for on port 43.
func askWHOIS(address string) func(context.Context, string) ([]byte, error) {
	dialer := net.Dialer{Timeout: askTimeout}
	return func(ctx context.Context, name string) ([]byte, error) {
		conn, err := dialer.DialContext(ctx, "tcp", address)
		if err != nil {
			return nil, err
		}
		defer conn.Close()
		if err := conn.SetDeadline(time.Now().Add(askTimeout)); err != nil {
			return nil, err
		}
		if _, err := io.WriteString(conn, name+"\r\n"); err != nil {
			return nil, err
		}
		answer, err := io.ReadAll(io.LimitReader(conn, maxAnswer))
		if err == nil && bytes.Contains(answer, []byte("LIMIT EXCEEDED")) {
			err = fmt.Errorf("it refuses: measure a server whose limits refuse nobody (mode off or dry-run): %s", answer)
		}
		return answer, err
	}
}

// askRDAP returns how a name is asked for over HTTP, on connections that client
// keeps.
func askRDAP(client *http.Client, base string) func(context.Context, string) ([]byte, error) {
	return func(ctx context.Context, name string) ([]byte, error) {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"domain/"+name, http.NoBody)
		if err != nil {
			return nil, err
		}
		response, err := client.Do(request)
		if err != nil {
			return nil, err
		}
		defer response.Body.Close()
		answer, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
		if err == nil && response.StatusCode == http.StatusTooManyRequests {
			err = fmt.Errorf("it refuses: measure a server whose limits refuse nobody (mode off or dry-run)")
		}
		return answer, err
	}
}

const (
	askTimeout = 5 * time.Second
	maxAnswer  = 1 << 20 // bytes
)
