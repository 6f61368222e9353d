package postgres

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"rddsd/cache"
	"rddsd/cache/feed"
	"rddsd/cache/feed/contract"
	"rddsd/cache/registry"
)

// Snapshot implements feed.Source. Two connections read the same state, one from
// the domains on, because a view of many names takes the server long before its
// first row comes. Where a second connection cannot be had, one does
// it all.
func (s *Source) Snapshot(ctx context.Context, put func(cache.Change) error) (cache.Position, registry.Time, error) {
	now, err := s.snapshot(ctx, put)
	if err != nil {
		s.disconnect()
		return cache.Position{}, 0, s.explain(ctx, "take a snapshot of", err)
	}
	return s.at, now.asOf, nil
}

func (s *Source) snapshot(ctx context.Context, put func(cache.Change) error) (*head, error) {
	if err := s.reach(ctx); err != nil {
		return nil, err
	}
	polled := s.Clock.Complete().Now()
	now, to, name, err := s.export(ctx)
	if err != nil {
		return nil, err
	}
	second := s.join(ctx, name)
	defer hangUp(second)
	if err := s.readAll(ctx, second, put); err != nil {
		return nil, err
	}
	if err := s.sameEpoch(ctx, now); err != nil {
		return nil, err
	}
	s.behindSince = time.Time{}
	s.look(now, polled)
	s.at, s.polled, s.named, s.fresh = to.position(), polled, len(to.seen), false
	s.tell(func(status *feed.SourceStatus) { status.Behind = 0 })
	return now, nil
}

// export begins a transaction, finds where it stands and gives it a name by
// which another can see the same state.
func (s *Source) export(ctx context.Context) (now *head, to *place, name string, err error) {
	ctx, watch, stop := newWatch(ctx, s.limits.poll)
	defer stop()
	fail := func(err error) (*head, *place, string, error) { return nil, nil, "", orStalled(ctx, err) }
	if err := execute(ctx, s.conn, begin); err != nil {
		return fail(err)
	}
	if now, err = readHead(ctx, s.conn); err != nil {
		return fail(err)
	}
	watch.progress()
	if err := now.readable(); err != nil {
		return fail(err)
	}
	at := now.place
	rows, err := s.conn.Query(ctx, "select distinct xid from rdds.changes where xid >= $1", now.horizon)
	if err != nil {
		return fail(err)
	}
	seen, err := pgx.CollectRows(rows, pgx.RowTo[uint64])
	if err != nil {
		return fail(err)
	}
	read := make(map[uint64]struct{}, len(seen))
	for _, xid := range seen {
		read[xid] = struct{}{}
	}
	at.advance(now.horizon, read)
	watch.progress()
	err = s.conn.QueryRow(ctx, "select xid, seq from rdds.changes order by seq desc limit 1").Scan(&at.newest.xid, &at.newest.seq)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return fail(err)
	}
	if err := s.conn.QueryRow(ctx, "select pg_export_snapshot()").Scan(&name); err != nil {
		return fail(err)
	}
	return now, &at, name, nil
}

// join opens a second connection that sees the state of that name, nil if there
// is none to be had.
func (s *Source) join(ctx context.Context, name string) *pgx.Conn {
	conn, err := s.connect(ctx)
	if err != nil {
		return nil
	}
	ctx, _, stop := newWatch(ctx, s.limits.poll)
	defer stop()
	// The name is the server's own, of digits, letters and dashes.
	if strings.ContainsAny(name, `'\`) || execute(ctx, conn, begin+"; set transaction snapshot '"+name+"'") != nil {
		hangUp(conn)
		return nil
	}
	return conn
}

// chunkRows is how many changes go from a reader to put at once; queueChunks of
// them may wait for each view: five megabytes.
const (
	chunkRows   = 1024
	queueChunks = 8
)

// readAll reads every view and puts its rows, kind by kind. The views are read
// and decoded aside, by one goroutine for each connection, which have ended when
// it returns.
func (s *Source) readAll(ctx context.Context, second *pgx.Conn, put func(cache.Change) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var (
		queues  [registry.Kinds]chan []cache.Change
		readers sync.WaitGroup
	)
	for kind := range queues {
		queues[kind] = make(chan []cache.Change, queueChunks)
	}
	read := func(conn *pgx.Conn, kinds ...registry.Kind) {
		readers.Go(func() {
			for _, kind := range kinds {
				if err := s.readView(ctx, conn, kind, queues[kind]); err != nil {
					cancel(err)
					return // the queue stays open: what is missing is not the end
				}
				close(queues[kind])
			}
			// At once: an idle transaction holds up vacuum, and is cut off.
			if err := s.end(ctx, conn); err != nil {
				cancel(err)
			}
		})
	}
	others := []registry.Kind{registry.KindTLD, registry.KindRegistrar, registry.KindContact, registry.KindHost}
	// Each connection reads in the order in which its rows are put, so that none
	// has to wait with its transaction idle.
	if rest := []registry.Kind{registry.KindDomain, registry.KindReserved}; second != nil {
		read(second, rest...)
		read(s.conn, others...)
	} else {
		read(s.conn, append(others, rest...)...)
	}
	err := putAll(ctx, queues[:], put)
	if err != nil {
		cancel(err)
	}
	readers.Wait()
	return cmp.Or(err, context.Cause(ctx))
}

// end ends the transaction of conn.
func (s *Source) end(ctx context.Context, conn *pgx.Conn) error {
	ctx, _, stop := newWatch(ctx, s.limits.poll)
	defer stop()
	return orStalled(ctx, execute(ctx, conn, "commit"))
}

func putAll(ctx context.Context, queues []chan []cache.Change, put func(cache.Change) error) error {
	for _, queue := range queues {
		for open := true; open; {
			select {
			case <-ctx.Done():
				return context.Cause(ctx)
			case changes, more := <-queue:
				for _, c := range changes {
					if err := put(c); err != nil {
						return err
					}
				}
				open = more
			}
		}
	}
	return nil
}

// readView reads the view of kind whole into queue.
func (s *Source) readView(ctx context.Context, conn *pgx.Conn, kind registry.Kind, queue chan<- []cache.Change) error {
	ctx, watch, stop := newWatch(ctx, s.limits.first)
	defer stop()
	r := &viewReader{ctx: ctx, watch: watch, limit: s.limits.snapshot, kind: kind, queue: queue}
	fail := func(err error) error {
		if err = orStalled(ctx, err); err != nil {
			return fmt.Errorf("read all of kind %s: %w", kind, err)
		}
		return nil
	}
	rows, err := conn.Query(ctx, describeAll[kind], pgx.QueryResultFormats{pgx.BinaryFormatCode})
	if err != nil {
		return fail(err)
	}
	err = checkTypes(viewAll(kind), rows.FieldDescriptions())
	rows.Close()
	if err = errors.Join(err, rows.Err()); err != nil {
		return fail(err)
	}
	if _, err := conn.PgConn().CopyTo(ctx, r, copyAll[kind]); err != nil {
		return fail(err)
	}
	return fail(r.end())
}

// viewReader takes what COPY sends in its binary form: a header; for each row
// the number of its columns, and each value behind its length, -1 for null; -1
// instead of a number at the end (PostgreSQL, COPY, file formats). It is an
// io.Writer that need not be given whole rows.
type viewReader struct {
	ctx   context.Context
	watch *watch
	limit time.Duration
	kind  registry.Kind
	queue chan<- []cache.Change

	decoder  decoder
	started  bool
	ended    bool
	nameless bool // a row without a key was met
	rest     []byte
	row      [][]byte
	chunk    []cache.Change
}

var errCopy = errors.New("what COPY sends is not in its binary form")

const copySignature = "PGCOPY\n\xff\r\n\x00"

func (r *viewReader) Write(data []byte) (int, error) {
	n := len(data)
	r.watch.limit = r.limit
	r.watch.progress()
	if len(r.rest) > 0 {
		data = append(r.rest, data...)
	}
	if !r.started {
		const head = len(copySignature) + 4 + 4 // and flags, and the length of an extension
		if len(data) < head {
			r.rest = append([]byte(nil), data...)
			return n, nil
		}
		extension := binary.BigEndian.Uint32(data[head-4:])
		if string(data[:len(copySignature)]) != copySignature || extension != 0 {
			return 0, errCopy
		}
		data, r.started = data[head:], true
	}
	for {
		used, err := r.take(data)
		if err != nil {
			return 0, err
		}
		if used == 0 {
			break
		}
		data = data[used:]
	}
	r.rest = append(r.rest[:0:0], data...)
	return n, nil
}

// take reads one row from the start of data and returns its length, 0 if it is
// not whole.
func (r *viewReader) take(data []byte) (int, error) {
	if r.ended || len(data) < 2 {
		return 0, nil
	}
	columns := int(int16(binary.BigEndian.Uint16(data)))
	if columns < 0 {
		r.ended = true
		return 2, nil
	}
	if columns != len(contract.Columns[r.kind]) {
		return 0, errCopy
	}
	used := 2
	r.row = r.row[:0]
	for range columns {
		if len(data) < used+4 {
			return 0, nil
		}
		length := int(int32(binary.BigEndian.Uint32(data[used:])))
		used += 4
		if length < 0 {
			r.row = append(r.row, nil)
			continue
		}
		if len(data) < used+length {
			return 0, nil
		}
		r.row = append(r.row, data[used:used+length:used+length])
		used += length
	}
	return used, r.put(r.decoder.change(r.kind, r.row))
}

func (r *viewReader) put(c cache.Change) error {
	if c.Name == "" {
		if r.nameless {
			return nil // rows without a key cannot be told apart: they are put once
		}
		r.nameless = true
	}
	if r.chunk = append(r.chunk, c); len(r.chunk) < chunkRows {
		return nil
	}
	return r.flush()
}

// flush hands over what was read. While it waits the server need not send.
func (r *viewReader) flush() error {
	if len(r.chunk) == 0 {
		return nil
	}
	r.watch.pause()
	select {
	case <-r.ctx.Done():
		return context.Cause(r.ctx)
	case r.queue <- r.chunk:
	}
	r.watch.progress()
	r.chunk = make([]cache.Change, 0, chunkRows)
	return nil
}

// end hands over the last rows, if the view was sent to its end.
func (r *viewReader) end() error {
	if !r.ended || len(r.rest) > 0 {
		return errCopy
	}
	return r.flush()
}
