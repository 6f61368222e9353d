package listen

import (
	"errors"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
)

// Waits between accepts that fail, doubling from the first to the last: what
// fails them is mostly a lack of file descriptors or buffers, which passes when
// connections end.
const (
	MinWait = 5 * time.Millisecond
	MaxWait = time.Second
)

// failureLogEvery is how often at most failing accepts are logged.
const failureLogEvery = 10 * time.Second

// Persist returns l as a listener whose Accept fails only once it is closed or
// drained: on any other error it waits and tries again. fasthttp and most servers
// stop for good on the first one.
func Persist(l net.Listener, log *slog.Logger) *Persistent {
	return &Persistent{Listener: l, log: log, closed: make(chan struct{}), sometimes: rate.Sometimes{Interval: failureLogEvery}}
}

// Persistent is a listener that outlives failing Accepts.
type Persistent struct {
	net.Listener

	// Inherited says that the socket is a supervisor's, who keeps it when we go:
	// those in its queue wait for our successor. Set before use.
	Inherited bool

	log       *slog.Logger
	closing   sync.Once
	closed    chan struct{}
	draining  atomic.Bool
	sometimes rate.Sometimes
}

// Accept returns the next connection, or net.ErrClosed.
func (p *Persistent) Accept() (net.Conn, error) {
	for wait := MinWait; ; wait = min(2*wait, MaxWait) {
		conn, err := p.Listener.Accept()
		switch {
		case err == nil:
			return conn, nil
		case errors.Is(err, net.ErrClosed):
			return nil, err
		case p.draining.Load() && errors.Is(err, os.ErrDeadlineExceeded):
			return nil, net.ErrClosed
		}
		p.sometimes.Do(func() {
			p.log.Warn("accepting connections fails; it is tried again", "listener", p.Addr().String(), "error", err)
		})
		// Half of it by chance, so that several listeners do not wake together.
		timer := time.NewTimer(wait/2 + rand.N(wait/2))
		select {
		case <-timer.C:
		case <-p.closed:
			timer.Stop()
			return nil, net.ErrClosed
		}
	}
}

// Close closes the listener and ends a waiting Accept.
func (p *Persistent) Close() error {
	p.closing.Do(func() { close(p.closed) })
	return p.Listener.Close()
}
