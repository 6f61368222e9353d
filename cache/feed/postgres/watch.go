package postgres

import (
	"context"
	"errors"
	"time"
)

// errStalled says that a server did not send anything for too long: it hangs,
// or the connection is dead without anybody having said so.
var errStalled = errors.New("the server has sent nothing for too long")

// watch ends a read when nothing comes for a while. A deadline for all of it
// would end a long snapshot that goes well.
type watch struct {
	timer *time.Timer
	limit time.Duration
}

// newWatch returns a context that ends with errStalled when progress is not
// called for limit. stop must be called.
func newWatch(ctx context.Context, limit time.Duration) (_ context.Context, _ *watch, stop func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	w := &watch{limit: limit, timer: time.AfterFunc(limit, func() { cancel(errStalled) })}
	return ctx, w, func() {
		w.timer.Stop()
		cancel(nil)
	}
}

// progress says that something came.
func (w *watch) progress() { w.timer.Reset(w.limit) }

// pause stops the watch until progress: we are busy, and do not wait for the
// server.
func (w *watch) pause() { w.timer.Stop() }
