package load

import (
	"context"
	"fmt"
)

// probe asks the target once, so that a run against nothing, or against something
// else, ends at once and says so.
func (r *run) probe(ctx context.Context) error {
	w := newWorker(r, 1<<32)
	stop := context.AfterFunc(ctx, w.interrupt)
	defer stop()
	defer w.hangUp()
	w.q.kind, w.q.isDomain = Hit, true
	w.q.name = append(w.q.name, r.Names.At(0)...)
	w.q.asked = append(w.q.asked, w.q.name...)
	w.wire.request(&w.q)
	v := w.ask(ctx)
	r.secured = w.secured
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%s: asked for the first time: %w", r.Target, err)
	}
	switch v.outcome {
	case Unconnected:
		return fmt.Errorf("%s: no connection: %s: is the server running, and is this where it listens?", r.Target, v.why)
	case TimedOut, Reset, Cut:
		return fmt.Errorf("%s: asked %s: %s", r.Target, quote(w.q.out), v.why)
	case Garbage:
		return fmt.Errorf("%s: asked %s: %s: is this a server for %s?", r.Target, quote(w.q.out), v.why, r.Protocol)
	}
	return nil
}
