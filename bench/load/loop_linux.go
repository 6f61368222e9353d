package load

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// loop drives its share of a run by one thread that waits for all its sockets at
// once. What it costs this process beside a goroutine for each connection stands
// in bench/RESULTS.md; the kernel's share of both is the same.
type loop struct {
	run     *run
	part    int // which of how many loops
	parts   int
	rec     *recorder
	stream  *stream
	sources *sources
	wire    wire

	epoll int
	to    sockaddr
	conns []conn
	idle  []int32       // indexes of conns that ask nothing
	tired []int32       // of those that failed to connect: idle from the next sweep on
	in    []byte        // what was read last
	next  int64         // slot of an open loop
	free  time.Duration // since when there has been an idle connection
	over  bool          // nothing more is sent
}

// conn is one connection, or room for one.
type conn struct {
	fd      int // -1 = none
	q       query
	due     time.Duration // when the query should have been sent
	began   time.Duration // when it was
	sent    int           // of q.out
	asking  bool
	closing bool   // the answer is whole, the server is to close
	in      []byte // what came, when it came in parts
}

// newLoops returns a loop for each thread.
func newLoops(r *run) []driver {
	var loops []driver
	for part := range r.Threads {
		random := newRandom(r.Seed, uint64(part))
		l := &loop{
			run: r, part: part, parts: r.Threads,
			stream: newStream(&r.Options, random, &r.walked), sources: newSources(random, r.Sources), wire: newWire(&r.Options, random),
			to: newSockaddr(r.addr), in: make([]byte, 64<<10),
		}
		count := r.Connections / r.Threads
		if part < r.Connections%r.Threads {
			count++
		}
		l.conns = make([]conn, count)
		for i := range l.conns {
			l.conns[i].fd = -1
			l.idle = append(l.idle, int32(i))
		}
		loops = append(loops, l)
	}
	return loops
}

// sweepEvery is how often time-outs are looked for, at the most. They may come so
// much too late.
const sweepEvery = 50 * time.Millisecond

func (l *loop) drive(ctx context.Context) (err error) {
	p := newPacer()
	defer p.close()
	if l.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return fmt.Errorf("wait for sockets: %w", err)
	}
	defer unix.Close(l.epoll)
	l.rec = newRecorder(l.run)
	defer func() { l.rec.close(l.run.clock()) }()
	defer l.hangUpAll()

	events := make([]unix.EpollEvent, 256)
	sweep := min(sweepEvery, max(l.run.Timeout/10, time.Millisecond))
	swept := time.Duration(0)
	for {
		now := l.run.clock()
		l.rec.roll(now)
		if now-swept >= sweep {
			swept = now
			l.timeOut(now)
			for _, i := range l.tired {
				l.rest(&l.conns[i], now)
			}
			l.tired = l.tired[:0]
		}
		if err := l.begin(now); err != nil {
			return err
		}
		if l.run.stopped.Load() || l.over && len(l.idle)+len(l.tired) == len(l.conns) {
			return nil
		}
		n, err := l.wait(events, l.patience(swept+sweep))
		if err != nil {
			return err
		}
		for i := range events[:n] {
			if err := l.handle(&l.conns[events[i].Fd], events[i].Events); err != nil {
				return err
			}
		}
	}
}

// begin sends what is due, as far as there are idle connections for it.
func (l *loop) begin(now time.Duration) error {
	if l.over {
		return nil
	}
	if now >= l.run.until {
		if l.run.Rate == 0 || l.run.due(l.next, l.part, l.parts) >= l.run.until {
			l.over = true
			return nil
		}
		if now >= l.run.until+drainFor {
			l.over = true
			l.rec.unsent(l.next, l.part, l.parts, now)
			return nil
		}
	}
	for n := len(l.idle); n > 0; n-- {
		due := now
		if l.run.Rate > 0 {
			if due = l.run.due(l.next, l.part, l.parts); due > now || due >= l.run.until {
				return nil
			}
		}
		if !l.run.take() {
			l.over = true
			return nil
		}
		c := &l.conns[l.idle[len(l.idle)-1]]
		l.idle = l.idle[:len(l.idle)-1]
		if l.run.Rate > 0 {
			l.rec.late(due, max(due, l.free), now)
			l.next++
		}
		if err := l.ask(c, due); err != nil {
			return err
		}
		now = l.run.clock()
	}
	return nil
}

// rest makes c idle.
func (l *loop) rest(c *conn, now time.Duration) {
	if len(l.idle) == 0 {
		l.free = now
	}
	l.idle = append(l.idle, l.index(c))
}

// patience returns how long there is nothing to do but to wait for sockets.
func (l *loop) patience(sweep time.Duration) time.Duration {
	now := l.run.clock()
	wait := sweep - now
	if l.run.Rate > 0 && !l.over && len(l.idle) > 0 {
		wait = min(wait, l.run.due(l.next, l.part, l.parts)-now)
	}
	return wait
}
