package feed

import (
	"context"
	"runtime"

	"rddsd/cache"
)

// checking is the check of every part of a base on disk, aside: what is served
// from it is checked as it is read, but a fault in a part that nobody asks for
// would wait for the day when the older generation is gone.
type checking struct {
	done   chan struct{}
	cancel context.CancelFunc
	err    error // what is damaged; with done
}

// check begins to check the base of view, and gives up the check before it.
func (s *store) check(view *cache.View) {
	s.checking.end()
	ctx, cancel := context.WithCancel(context.Background())
	c := &checking{done: make(chan struct{}), cancel: cancel}
	s.checking = c
	go func() {
		defer close(c.done)
		// The base before is unmapped once the collector has seen that no View
		// needs it, which else takes minutes: there is hardly any garbage.
		runtime.GC()
		c.err = cache.GuardReads(func() error { return view.Verify(ctx) })
	}()
}

// end gives the check up and waits for it.
func (c *checking) end() {
	if c == nil {
		return
	}
	c.cancel()
	<-c.done
}

// checked returns a channel that is closed when ended is to be called, nil while
// nothing is checked.
func (s *store) checked() <-chan struct{} {
	if s.checking == nil {
		return nil
	}
	return s.checking.done
}

// damage returns what a check that has ended found to be damaged, nil if nothing.
func (s *store) damage() error {
	err := s.checking.err
	s.checking.end()
	s.checking = nil
	return err
}
