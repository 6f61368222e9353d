// Package server runs services together: what stands behind the data first, what
// faces the public once there is data, and the other way round at the end.
package server

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// Service works until ctx ends, finishes what it has begun, and returns. When
// Serve has returned, no goroutine of the service is left.
type Service interface {
	Serve(ctx context.Context) error
}

// Named is a service and what to call it in an error.
type Named struct {
	Name string
	Service
}

// Run runs behind at once and opens the front when ready is closed, so that
// nobody is told "not found" because nothing is loaded yet. It returns nil when
// ctx has ended and all services have returned: first the front, which drains,
// then what stands behind it. When open or a service fails, or a service
// returns before its time, everything ends and Run returns why.
func Run(ctx context.Context, behind []Named, ready <-chan struct{}, open func() ([]Named, error)) error {
	back := begin(ctx, behind)
	select {
	case <-ctx.Done():
	case <-back.failed:
	case <-ready:
		front, err := open()
		if err != nil {
			return errors.Join(err, back.stop())
		}
		face := begin(ctx, front)
		select {
		case <-ctx.Done():
		case <-back.failed:
		case <-face.failed:
		}
		return errors.Join(face.stop(), back.stop())
	}
	return back.stop()
}

// group is services that run together.
type group struct {
	cancel  context.CancelFunc
	running sync.WaitGroup
	failed  chan struct{} // closed when the first service ends before it is asked to

	mu   sync.Mutex
	errs []error
}

// begin starts services. They do not end with ctx but with stop, so that one
// group can outlive another.
func begin(ctx context.Context, services []Named) *group {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	g := &group{cancel: cancel, failed: make(chan struct{})}
	for _, s := range services {
		g.running.Go(func() {
			err := s.Serve(ctx)
			early := ctx.Err() == nil
			if early && err == nil {
				err = errors.New("it ended without being asked to")
			}
			g.ended(s.Name, err, early)
		})
	}
	return g
}

func (g *group) ended(name string, err error, early bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if err != nil {
		g.errs = append(g.errs, fmt.Errorf("%s: %w", name, err))
	}
	if early && len(g.errs) == 1 {
		close(g.failed)
	}
}

// stop ends the services, waits for them, and returns what failed.
func (g *group) stop() error {
	g.cancel()
	g.running.Wait()
	return errors.Join(g.errs...)
}
