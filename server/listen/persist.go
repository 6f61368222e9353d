package listen

import (
	"errors"
	"log/slog"
	"math/rand/v2"
	"net"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Waits between Accepts that fail, doubling from the first to the last: what
// fails them is mostly a lack of file descriptors or buffers, which passes when
// connections end.
const (
	minWait = 5 * time.Millisecond
	maxWait = time.Second
)

// failureLogEvery is how often at most a failing Accept is logged.
const failureLogEvery = 10 * time.Second

// Persist returns l as a listener whose Accept fails only once it is closed:
// on any other error it waits and tries again. fasthttp and most servers stop
// for good on the first one.
func Persist(l net.Listener, log *slog.Logger) net.Listener {
	return &persistent{Listener: l, log: log, closed: make(chan struct{}), sometimes: rate.Sometimes{Interval: failureLogEvery}}
}

type persistent struct {
	net.Listener
	log       *slog.Logger
	closing   sync.Once
	closed    chan struct{}
	sometimes rate.Sometimes
}

// Accept returns the next connection, or net.ErrClosed.
func (p *persistent) Accept() (net.Conn, error) {
	for wait := minWait; ; wait = min(2*wait, maxWait) {
		conn, err := p.Listener.Accept()
		if err == nil {
			return conn, nil
		}
		if errors.Is(err, net.ErrClosed) {
			return nil, err
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
func (p *persistent) Close() error {
	p.closing.Do(func() { close(p.closed) })
	return p.Listener.Close()
}
