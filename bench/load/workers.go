package load

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// workers drive a run by a goroutine for each connection, over package net.
type workers struct {
	run   *run
	slots chan slot // of an open loop

	mu  sync.Mutex // guards rec
	rec *recorder
}

// slot is a query that falls due.
type slot struct {
	due   time.Duration
	ready time.Duration // when it was due and a connection was free
}

func newWorkers(r *run) *workers { return &workers{run: r, slots: make(chan slot)} }

func (ws *workers) drive(ctx context.Context) error {
	ws.rec = newRecorder(ws.run)
	over := make(chan struct{})
	var all, side sync.WaitGroup
	for i := range ws.run.Connections {
		w := newWorker(ws.run, uint64(i))
		all.Go(func() {
			stop := context.AfterFunc(ctx, w.interrupt)
			defer stop()
			w.work(ctx, ws)
		})
	}
	if ws.run.Rate > 0 {
		side.Go(func() { ws.pace(ctx) })
	}
	side.Go(func() { ws.roll(over) })
	all.Wait()
	close(over)
	side.Wait()
	ws.rec.close(ws.run.clock())
	return nil
}

// roll hands over intervals although nothing may end for seconds.
func (ws *workers) roll(over <-chan struct{}) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-over:
			return
		case <-tick.C:
			ws.record(func(rec *recorder) { rec.roll(ws.run.clock()) })
		}
	}
}

// record calls put with the recorder, alone.
func (ws *workers) record(put func(*recorder)) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	put(ws.rec)
}

// pace hands out the slots of an open loop as they fall due, and counts those
// that found no connection before the end.
func (ws *workers) pace(ctx context.Context) {
	defer close(ws.slots)
	p := newPacer()
	defer p.close()
	r := ws.run
	end := time.NewTimer(r.until + drainFor - r.clock())
	defer end.Stop()
	free := time.Duration(0) // since when there has been an idle connection, as far as seen here
	for i := int64(0); !r.stopped.Load(); i++ {
		due := r.due(i, 0, 1)
		if due >= r.until {
			return
		}
		for wait := due - r.clock(); wait > 0 && !r.stopped.Load(); wait = due - r.clock() {
			p.pause(min(wait, 50*time.Millisecond))
		}
		if !r.take() {
			return
		}
		select {
		case ws.slots <- slot{due, max(due, free)}:
			continue
		default:
		}
		// None was free: this one waits for the target, not for us.
		select {
		case ws.slots <- slot{due: due}:
			free = r.clock()
		case <-end.C:
			ws.record(func(rec *recorder) { rec.unsent(i, 0, 1, r.clock()) })
			return
		case <-ctx.Done():
			return // with all who might take it
		}
	}
}

// worker is one connection.
type worker struct {
	run     *run
	stream  *stream
	sources *sources
	wire    wire
	dialer  net.Dialer
	tls     *tls.Config // nil for plain
	q       query
	in      []byte
	ended   time.Duration // when the last query did
	secured string        // how the last handshake was agreed upon, for people

	mu   sync.Mutex // guards conn against interrupt
	conn net.Conn   // nil when there is none
	// Since the last query was recorded:
	opened, resumed int64
	bytesIn         int64
	bytesOut        int64
}

func newWorker(r *run, number uint64) *worker {
	random := newRandom(r.Seed, number)
	w := &worker{
		run: r, stream: newStream(&r.Options, random, &r.walked), sources: newSources(random, r.Sources),
		wire: newWire(&r.Options, random), in: make([]byte, 0, 8<<10),
	}
	if r.HTTP.TLS {
		w.tls = newTLSConfig(&r.Options)
	}
	w.dialer.Control = lateBind
	return w
}

// newTLSConfig returns how to speak to the target. Its certificate is a test's
// own as a rule, and load goes to loopback only.
func newTLSConfig(o *Options) *tls.Config {
	host, _, err := net.SplitHostPort(o.HTTP.Host)
	if err != nil {
		host = o.HTTP.Host
	}
	c := &tls.Config{ServerName: host, InsecureSkipVerify: true, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}}
	if !o.HTTP.FullHandshakes {
		c.ClientSessionCache = tls.NewLRUClientSessionCache(1)
	}
	return c
}

// work asks one query after the other until the run is over.
func (w *worker) work(ctx context.Context, ws *workers) {
	defer w.hangUp()
	for {
		s, ok := w.nextSlot(ws)
		if !ok {
			return
		}
		w.stream.next(&w.q)
		w.wire.request(&w.q)
		began := w.run.clock()
		v := w.ask(ctx)
		if ctx.Err() != nil {
			return // what was interrupted says nothing about the target
		}
		ws.record(func(rec *recorder) {
			rec.roll(w.ended)
			if s.ready > 0 {
				rec.late(s.due, s.ready, began)
			}
			w.report(rec)
			rec.answer(&w.q, w.wire, &v, s.due, w.ended)
		})
		if v.done && v.outcome.Answered() {
			w.finish(&v)
		}
		if v.outcome == Unconnected {
			time.Sleep(pauseUnconnected)
		}
	}
}

// pauseUnconnected is how long a connection that did not come about waits until
// the next try, so that a target that is gone is not hammered.
const pauseUnconnected = 10 * time.Millisecond

// nextSlot waits for the next query that falls due: in a closed loop it is now.
func (w *worker) nextSlot(ws *workers) (slot, bool) {
	if w.run.Rate > 0 {
		s, ok := <-ws.slots
		return s, ok && !w.run.stopped.Load()
	}
	now := w.run.clock()
	return slot{due: now}, now < w.run.until && !w.run.stopped.Load() && w.run.take()
}

// report moves what the last query cost to rec.
func (w *worker) report(rec *recorder) {
	rec.now.opened += w.opened
	rec.now.resumed += w.resumed
	rec.now.bytesIn += w.bytesIn
	rec.now.bytesOut += w.bytesOut
	w.opened, w.resumed, w.bytesIn, w.bytesOut = 0, 0, 0, 0
}

// ask sends w.q and reads the answer.
func (w *worker) ask(ctx context.Context) verdict {
	deadline := time.Now().Add(w.run.Timeout)
	if w.conn == nil {
		if v, ok := w.dial(ctx, deadline); !ok {
			return v
		}
	} else if err := w.conn.SetDeadline(deadline); err != nil {
		return w.lost(err)
	}
	if ctx.Err() != nil { // after the deadline was set, see interrupt
		return verdict{}
	}
	n, err := w.conn.Write(w.q.out)
	w.bytesOut += int64(n)
	if err != nil {
		return w.lost(err)
	}
	w.in = w.in[:0]
	for {
		if len(w.in) == cap(w.in) {
			w.in = append(w.in, make([]byte, cap(w.in))...)[:len(w.in)]
		}
		n, err := w.conn.Read(w.in[len(w.in):cap(w.in)])
		w.in = w.in[:len(w.in)+n]
		w.bytesIn += int64(n)
		ended := errors.Is(err, io.EOF)
		if err != nil && !ended {
			return w.lost(err)
		}
		if v := w.wire.read(&w.q, w.in, ended); v.done {
			w.ended = w.run.clock()
			if ended || v.outcome == Garbage {
				w.hangUp()
			}
			return v
		}
	}
}

// dial opens a connection.
func (w *worker) dial(ctx context.Context, deadline time.Time) (verdict, bool) {
	w.dialer.Deadline = deadline
	w.dialer.LocalAddr = nil
	if from := w.sources.pick(w.q.kind); from.IsValid() && w.run.addr.Addr().Is4() {
		w.dialer.LocalAddr = &net.TCPAddr{IP: from.AsSlice()}
	}
	conn, err := w.dialer.DialContext(ctx, "tcp", w.run.addr.String())
	if err != nil {
		w.ended = w.run.clock()
		return verdict{done: true, outcome: Unconnected, why: err.Error()}, false
	}
	w.opened++
	w.mu.Lock()
	w.conn = conn
	w.mu.Unlock()
	if err := conn.SetDeadline(deadline); err != nil {
		return w.lost(err), false
	}
	if w.tls == nil {
		return verdict{}, true
	}
	secured := tls.Client(conn, w.tls)
	if err := secured.HandshakeContext(ctx); err != nil {
		v := w.lost(err)
		if v.outcome != TimedOut {
			v.outcome = Unconnected
		}
		v.why = "TLS: " + err.Error()
		return v, false
	}
	w.mu.Lock()
	w.conn = secured
	w.mu.Unlock()
	state := secured.ConnectionState()
	if state.DidResume {
		w.resumed++
	}
	if w.secured == "" {
		w.secured = fmt.Sprintf("%s, %s, %s", tls.VersionName(state.Version), tls.CipherSuiteName(state.CipherSuite), state.CurveID)
	}
	return verdict{}, true
}

// finish closes the connection after an answer, unless it is kept. The server
// closes first, if it has said it would: who closes first keeps the port for a
// minute (TIME_WAIT), and there are not so many ports.
func (w *worker) finish(v *verdict) {
	switch {
	case w.conn == nil:
	case !v.keeps:
		var rest [1]byte
		// Whatever comes now, the answer was whole.
		_, _ = w.conn.Read(rest[:])
		w.hangUp()
	case w.run.HTTP.PerQuery:
		w.hangUp()
	}
}

// lost closes the connection and returns how err ends a query.
func (w *worker) lost(err error) verdict {
	w.ended = w.run.clock()
	w.hangUp()
	v := verdict{done: true, outcome: Reset, why: err.Error()}
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		v.outcome, v.why = TimedOut, fmt.Sprintf("no whole answer within %s", w.run.Timeout)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		v.outcome, v.why = Cut, "closed before the end of the answer"
	case !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, syscall.EPIPE):
		v.outcome = Cut
	}
	return v
}

func (w *worker) hangUp() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.conn != nil {
		// The answer has been read; an error of closing changes nothing.
		_ = w.conn.Close()
		w.conn = nil
	}
}

// interrupt ends whatever the worker waits for. The run has been marked as stopped
// before, so that no further deadline is set.
func (w *worker) interrupt() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.conn != nil {
		// A connection without a deadline is one that is already closed.
		_ = w.conn.SetDeadline(time.Unix(1, 0))
	}
}
