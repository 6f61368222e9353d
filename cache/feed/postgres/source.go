package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"rddsd/cache"
	"rddsd/cache/feed"
	"rddsd/cache/feed/contract"
	"rddsd/cache/registry"
)

// Source reads a registry in PostgreSQL 15 or newer, a primary or a hot standby,
// through the views of the publication contract (deploy/schema). It needs
// nothing but the rights of rdds_reader, and every transaction is read-only.
//
// It has two connections, a third while it takes a snapshot. It connects when it
// is first asked and again after an error; what the driver does about a
// connection that broke off may go on for 15 s after a call. It is for one
// goroutine at a time, but for Status.
type Source struct {
	Clock feed.Clock   // default the machine's
	Log   *slog.Logger // default slog.Default()

	// Large returns how many changed objects are so many that a snapshot is
	// cheaper; nil: five million. They are not read then.
	Large func() int

	config   *pgx.ConnConfig
	interval time.Duration
	limits   limits

	// audit, when set, is called at the end of each poll's transaction, in which
	// conn still sees what was read. It is how tests compare the two.
	audit func(ctx context.Context, conn *pgx.Conn) error

	conn   *pgx.Conn // for polls and snapshots; nil = not connected
	fresh  bool      // nothing has been read on conn yet
	ear    ear
	seeker decoder // of the rows read by key

	// What the last poll returned, and when; the zero position when the next
	// call must poll at once.
	at     cache.Position
	polled time.Time
	named  int  // transactions that the last poll remembered or read: the next has to name them, or to read them again
	woken  bool // the last poll
	missed int  // polls in a row that nothing woke and that found changes
	wasAt  registry.Time

	behindSince time.Time // when the database was first found to stand before our position; zero = it does not
	openSince   time.Time // when the horizon that still stands was first read; zero = it moves
	openAt      uint64
	openTold    bool

	mu     sync.Mutex
	status feed.SourceStatus
}

// limits bound how long a Source waits for a server that is silent; tests lower
// them.
type limits struct {
	connect  time.Duration // for one attempt to connect (feed.md §5)
	poll     time.Duration // in a poll
	first    time.Duration // until a view's first row comes: the server may have to sort all of it before
	snapshot time.Duration // between two rows
	listen   time.Duration // for the answer of the listening connection
}

const (
	// tickDeaf is the longest time between two polls when nothing wakes us: on a
	// standby, behind a pooler (feed.md §5).
	tickDeaf = time.Second
	// maxMissed is how many changes may come without a word until an open ear
	// counts as deaf: a pooler takes LISTEN and passes no word on, and a registry
	// may have turned them off.
	maxMissed = 3
	// settle is how long a change rests before the poll that reads it, so that
	// a burst of commits costs one poll (feed.md §5); settleSeen adds to it for
	// each transaction that must be named in the poll, because a long one is
	// open: 100,000 make it a second.
	settle     = 50 * time.Millisecond
	settleSeen = 10 * time.Microsecond
	// intervalJitter is the share by which a poll interval differs at random.
	intervalJitter = 0.1
	// stepBack is how far below our horizon the first poll of a connection reads
	// again. A server that crashed may give out once more the transactions that
	// it had not written to its log, some hundred milliseconds of them.
	stepBack = 10_000
	// alarmOpen is after what time a transaction that holds the horizon is told.
	alarmOpen = 5 * time.Minute
)

// Open returns a Source for the registry that dsn names, a URL or keywords as
// libpq reads them. It does not connect yet. pollInterval is the longest time
// between two polls; what the registry makes known is read at once. The error is
// about dsn, and does not tell the password.
func Open(dsn string, pollInterval time.Duration) (*Source, error) {
	config, err := parseDSN(dsn)
	if err != nil {
		return nil, err
	}
	return &Source{
		config: config, interval: pollInterval,
		limits: limits{connect: 5 * time.Second, poll: 30 * time.Second, first: 10 * time.Minute, snapshot: time.Minute, listen: 5 * time.Second},
	}, nil
}

// Close closes the connections. The Source can be asked again.
func (s *Source) Close() {
	s.disconnect()
	s.ear.close()
}

func (s *Source) disconnect() {
	hangUp(s.conn)
	s.conn, s.at = nil, cache.Position{}
}

// Status returns how the registry is read. Any goroutine may call it.
func (s *Source) Status() feed.SourceStatus {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.status
}

func (s *Source) tell(change func(status *feed.SourceStatus)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.status)
}

func (s *Source) log() *slog.Logger {
	if s.Log != nil {
		return s.Log
	}
	return slog.Default()
}

// Next implements feed.Source.
func (s *Source) Next(ctx context.Context, at cache.Position, due func(clock registry.Time) []cache.Key) (cache.Delta, error) {
	if at == s.at {
		s.tell(func(status *feed.SourceStatus) { status.Behind = 0 })
	}
	delta, err := s.next(ctx, at, due)
	if err != nil {
		s.at = cache.Position{}
		if gap, ok := errors.AsType[*feed.Gap](err); ok && gap.Reason != feed.ReasonLarge {
			s.log().Warn("the registry cannot be followed on from our position: a snapshot is needed", "reason", gap.Reason, "because", gap.Detail)
		}
		return cache.Delta{}, s.explain(ctx, "follow", err)
	}
	return delta, nil
}

func (s *Source) next(ctx context.Context, at cache.Position, due func(clock registry.Time) []cache.Key) (cache.Delta, error) {
	from, err := placeOf(at)
	if err != nil {
		return cache.Delta{}, &feed.Gap{Reason: feed.ReasonSystem, Detail: err.Error()}
	}
	if err := s.reach(ctx); err != nil {
		return cache.Delta{}, err
	}
	noticed, err := s.wait(ctx, at)
	if err != nil {
		return cache.Delta{}, err
	}
	delta, err := s.poll(ctx, from, due)
	if err != nil && !answers(err) {
		s.disconnect() // in the middle of a transaction
	}
	delta.Noticed = noticed
	return delta, err
}

// reach connects unless we are connected.
func (s *Source) reach(ctx context.Context) error {
	if s.conn != nil && !s.conn.IsClosed() {
		return nil
	}
	s.disconnect()
	conn, err := s.connect(ctx)
	if err != nil {
		return err
	}
	s.conn, s.fresh = conn, true
	return nil
}

// wait returns when it is time for a poll that starts at the position at, and
// when the first change was noticed that it will read, zero if none was. Where
// nothing wakes us, a change may have been there since the last poll.
func (s *Source) wait(ctx context.Context, at cache.Position) (noticed time.Time, err error) {
	clock := s.Clock.Complete()
	if at != s.at || s.fresh {
		return time.Time{}, nil
	}
	interval := s.interval
	hears := s.ear.open(ctx, s, clock.Now()) && s.missed < maxMissed
	s.tell(func(status *feed.SourceStatus) { status.Listening = hears })
	if !hears {
		interval = min(interval, tickDeaf)
		noticed = s.polled
	}
	s.woken = false
	left := s.polled.Add(clock.Jitter(interval, intervalJitter)).Sub(clock.Now())
	if left <= 0 {
		return noticed, ctx.Err()
	}
	woken, err := s.ear.wait(ctx, clock, left)
	if err != nil || !woken {
		return noticed, err
	}
	noticed, s.woken = clock.Now(), true
	s.tell(func(status *feed.SourceStatus) { status.WakeUps++ })
	return noticed, s.ear.drain(ctx, clock, settle+time.Duration(s.named)*settleSeen)
}

// poll reads in one transaction all that changed since from, and what is due.
func (s *Source) poll(ctx context.Context, from *place, due func(clock registry.Time) []cache.Key) (cache.Delta, error) {
	polled := s.Clock.Complete().Now()
	s.tell(func(status *feed.SourceStatus) { status.Polls++ })
	ctx, watch, stop := newWatch(ctx, s.limits.poll)
	defer stop()
	if err := execute(ctx, s.conn, beginPoll); err != nil {
		return cache.Delta{}, orStalled(ctx, err)
	}
	watch.progress()
	now, err := readHead(ctx, s.conn)
	if err != nil {
		return cache.Delta{}, orStalled(ctx, err)
	}
	delta, to, err := s.read(ctx, watch, from, now, due)
	if failed := execute(ctx, s.conn, "commit"); failed != nil && (err == nil || !answers(err)) {
		err = orStalled(ctx, cmp.Or(err, failed))
	}
	if err == nil && len(delta.Changes) > 0 {
		err = s.sameEpoch(ctx, now)
	}
	if err = s.judge(polled, err); err != nil {
		return cache.Delta{}, err
	}
	s.look(now, polled)
	switch {
	case s.woken:
		s.missed = 0
	case s.named > 0 && !s.fresh:
		s.missed++
	}
	s.at, s.polled, s.named, s.fresh = delta.To, polled, max(len(to.seen), s.named), false
	return delta, nil
}

// sameEpoch asks, once a transaction has ended, whether the registry still has the
// epoch of its head. A transaction sees a table that was truncated after it began
// as empty (PostgreSQL's manual, 13.6), and what was filled in again as missing;
// the contract rotates the epoch with every TRUNCATE.
func (s *Source) sameEpoch(ctx context.Context, was *head) error {
	ctx, _, stop := newWatch(ctx, s.limits.poll)
	defer stop()
	now, err := readHead(ctx, s.conn)
	if err == nil && now.epoch != was.epoch {
		err = &feed.Gap{Reason: feed.ReasonEpoch, Detail: fmt.Sprintf("it was %s when the read began, and is %s", was.epoch, now.epoch)}
	}
	return orStalled(ctx, err)
}

// read reads the delta in the transaction that is open.
func (s *Source) read(ctx context.Context, watch *watch, from *place, now *head, due func(clock registry.Time) []cache.Key) (cache.Delta, *place, error) {
	if err := now.follows(from); err != nil {
		return cache.Delta{}, nil, err
	}
	if err := s.clockWent(now); err != nil {
		return cache.Delta{}, nil, err
	}
	keys := contract.Keys{}
	if s.Large != nil {
		keys.Limit = s.Large()
	}
	for _, key := range due(now.clock) {
		if err := keys.Add(key); err != nil {
			return cache.Delta{}, nil, err
		}
	}
	to := *from
	to.contract, to.timeline = now.contract, now.timeline
	to.seen = append([]uint64{}, from.seen...) // not nil: xid <> all (null) is null, and finds nothing for ever
	if s.fresh {
		if err := s.verify(ctx, from, now); err != nil {
			return cache.Delta{}, nil, err
		}
		to.horizon -= min(to.horizon, stepBack)
		to.seen = []uint64{}
	}
	read, err := s.changes(ctx, watch, &to, &keys)
	if err != nil {
		return cache.Delta{}, nil, err
	}
	to.advance(now.horizon, read)
	s.named = len(read)
	delta := cache.Delta{To: to.position(), AsOf: now.asOf}
	err = keys.Chunks(func(kind registry.Kind, names []string) error {
		changes, err := s.byKey(ctx, watch, kind, names)
		delta.Changes = append(delta.Changes, changes...)
		return err
	})
	if err == nil && s.audit != nil {
		err = s.audit(ctx, s.conn)
	}
	return delta, &to, orStalled(ctx, err)
}

// verify finds out whether the newest journal row that we have read is still
// there: a server that crashed, or was restored, may have lost commits.
func (s *Source) verify(ctx context.Context, from *place, now *head) error {
	if from.newest == (mark{}) || from.newest.xid < now.floor {
		return nil
	}
	var there bool
	err := s.conn.QueryRow(ctx, "select exists (select from rdds.changes where xid = $1 and seq = $2)", from.newest.xid, from.newest.seq).Scan(&there)
	if err != nil {
		return orStalled(ctx, err)
	}
	if !there {
		return &feed.Gap{Reason: feed.ReasonRewound, Detail: "the newest change that we have read is not in its journal any more: commits were lost"}
	}
	return nil
}

// changes adds to keys what the journal names that is not in the place at, and
// returns the transactions. A kind that the contract does not have names nothing
// that it publishes.
func (s *Source) changes(ctx context.Context, watch *watch, at *place, keys *contract.Keys) (map[uint64]struct{}, error) {
	rows, err := s.conn.Query(ctx, "select xid, seq, kind, key from rdds.changes where xid >= $1 and xid <> all ($2)", at.horizon, at.seen)
	if err != nil {
		return nil, orStalled(ctx, err)
	}
	defer rows.Close()
	var (
		xid, seq  uint64
		kind, key string
		read      = make(map[uint64]struct{})
		n         uint64
	)
	targets := []any{&xid, &seq, &kind, &key}
	for rows.Next() {
		watch.progress()
		if err := rows.Scan(targets...); err != nil {
			return nil, orStalled(ctx, err)
		}
		n++
		read[xid] = struct{}{}
		if seq > at.newest.seq {
			at.newest = mark{xid, seq}
		}
		if kind, ok := registry.ParseKind(kind); ok && key != "" {
			if err := keys.Add(cache.Key{Kind: kind, Name: key}); err != nil {
				return nil, err
			}
		}
	}
	s.tell(func(status *feed.SourceStatus) { status.Behind = n })
	return read, orStalled(ctx, rows.Err())
}

// byKey returns the objects of kind that names names, which is sorted, as they
// stand now.
func (s *Source) byKey(ctx context.Context, watch *watch, kind registry.Kind, names []string) ([]cache.Change, error) {
	rows, err := s.conn.Query(ctx, selectByKey[kind], pgx.QueryResultFormats{pgx.BinaryFormatCode}, names)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	found := contract.NewFound(kind, names)
	for checked := false; rows.Next(); {
		watch.progress()
		if !checked {
			if err := checkTypes(kind.String(), rows.FieldDescriptions()); err != nil {
				return nil, err
			}
			checked = true
		}
		found.Add(s.seeker.change(kind, rows.RawValues()))
	}
	return found.Changes(), rows.Err()
}

// orStalled returns why ctx ended, if that is why err came.
func orStalled(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil && !answers(err) {
		return context.Cause(ctx)
	}
	return err
}
