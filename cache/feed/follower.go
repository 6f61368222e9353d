package feed

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"rddsd/cache"
)

// The defaults of a Follower's durations.
const (
	DefaultMaxMissAge = 15 * time.Minute
	DefaultMaxAge     = 30 * time.Minute
	DefaultMaxBackoff = 30 * time.Second
)

// Follower keeps Cache equal to what Source publishes. It serves the copy on
// Disk at once, then connects, and goes on from its position or takes a
// snapshot beside it; what is served is never emptied. What would be hard to
// take back it holds until an operator decides (see Held).
//
// Serve runs it. Every other method may be called from any goroutine, before
// Serve too.
type Follower struct {
	Source Source
	Cache  *cache.Cache // only the Follower publishes to it
	Disk   *cache.Disk  // nil = nothing survives a restart
	Log    *slog.Logger // default slog.Default()

	// MaxMissAge is how old the data may be before what it lacks is no longer
	// told as "not found" ([feed] max_miss_age; default DefaultMaxMissAge).
	MaxMissAge time.Duration
	// MaxAge is how old the data may be before the edge calls itself degraded
	// ([feed] max_age; default DefaultMaxAge).
	MaxAge time.Duration
	// MaxBackoff is the longest wait between two attempts to read a registry that
	// cannot be read (default DefaultMaxBackoff). A snapshot that took longer to
	// fail is followed by as long a wait, up to DefaultMaxBackoff: a registry that
	// breaks off in the middle of one is not read all day.
	MaxBackoff time.Duration
	// MemoryLimit is the most that what is served and what is built beside it may
	// take, in bytes ([data] memory_limit; 0 = no limit). A snapshot that would
	// take more is refused before it is built whole. What is folded into a file
	// needs no room: the system gives its memory to others when they ask.
	MemoryLimit int64
	// Clock is where time and chance come from; default the machine's.
	Clock Clock

	once sync.Once
	shared
}

// shared is what the goroutine of Serve and the callers of the other methods
// share.
type shared struct {
	ready   chan struct{} // closed after the first Publish
	decided chan struct{} // tells Serve that decision is set

	mu       sync.Mutex
	decision *decision
	status   Status        // but Age, Degraded: those move with the clock
	read     time.Time     // when the served state was read, by the edge's clock
	stale    time.Duration // how old it was then
}

// init makes a zero Follower ready for its methods.
func (f *Follower) init() {
	f.once.Do(func() {
		f.ready, f.decided = make(chan struct{}), make(chan struct{}, 1)
		f.Clock = f.Clock.Complete()
		if f.Log == nil {
			f.Log = slog.Default()
		}
		if f.MaxMissAge == 0 {
			f.MaxMissAge = DefaultMaxMissAge
		}
		if f.MaxAge == 0 {
			f.MaxAge = DefaultMaxAge
		}
		if f.MaxBackoff == 0 {
			f.MaxBackoff = DefaultMaxBackoff
		}
	})
}

// Ready returns a channel that is closed once there is a View to answer from.
func (f *Follower) Ready() <-chan struct{} {
	f.init()
	return f.ready
}

// Serve follows the registry until ctx ends, and returns once all it began has
// ended and Disk is closed. It is called once. No fault of the registry or the
// disk ends it; the error is of closing Disk.
func (f *Follower) Serve(ctx context.Context) error {
	f.init()
	l := &loop{Follower: f, store: store{Follower: f}}
	l.load()
	for ctx.Err() == nil {
		l.turn(ctx)
	}
	return l.store.close(l.view, l.confirmed)
}
