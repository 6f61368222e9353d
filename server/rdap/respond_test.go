package rdap

import (
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"rddsd/cache/cachetest"
	"rddsd/ratelimit"
	"rddsd/server/lookup"
)

func TestSettle(t *testing.T) {
	refuse := ratelimit.Decision{Verdict: ratelimit.Refuse, RetryIn: 38 * time.Second}
	for _, test := range []struct {
		rule     string
		k        *asker
		target   string
		decision ratelimit.Decision
		class    lookup.Class
		after    time.Duration
		status   int
	}{
		{"full is full", fixture(), "domain/published.coop", ratelimit.Decision{}, lookup.Found, 0, 200},
		{"over a budget contacts go", fixture(), "domain/published.coop", ratelimit.Decision{Verdict: ratelimit.Degrade}, lookup.Degraded, 0, 200},
		{"where there are any", fixture(), "domain/example.coop", ratelimit.Decision{Verdict: ratelimit.Degrade}, lookup.Found, 0, 200},
		{"a miss stays one", fixture(), "domain/nosuchname.coop", ratelimit.Decision{Verdict: ratelimit.Degrade}, lookup.NotFound, 0, 404},
		{"under load everything is refused, for the true wait", fixture(), "domain/example.coop", refuse, lookup.Limited, 38 * time.Second, 429},
		{"a miss too", fixture(), "domain/nosuchname.coop", refuse, lookup.Limited, 38 * time.Second, 429},
		{"what the data cannot tell is worth asking again", stale(), "domain/nosuchname.coop", ratelimit.Decision{}, lookup.Unknown, retryUnknown, 503},
	} {
		a := test.k.find(t, test.target)
		if got := settle(a, test.decision); got != test.after || a.Class != test.class {
			t.Errorf("%s: class %v after %v, want %v after %v", test.rule, a.Class, got, test.class, test.after)
		}
		if _, status := AppendBody(nil, a, nil); status != test.status {
			t.Errorf("%s: status %d, want %d", test.rule, status, test.status)
		}
	}
}

// TestOnlyFullAnswersAreStored: what is for one client and for now is not kept by
// a cache on the way.
func TestOnlyFullAnswersAreStored(t *testing.T) {
	r := newRig(t, cachetest.RDAP(), nil)
	for _, test := range []struct {
		target   string
		degraded bool
		want     string
	}{
		{"domain/published.coop", false, "max-age=60"},
		{"domain/published.coop", true, "no-store"},
		{"domain/example.coop", true, "max-age=60"}, // shows no contact, so nothing is missing
		{"domain/nosuchname.coop", false, "no-store"},
		{"domain/reserved.coop", false, "no-store"},
	} {
		k, x, ctx := fixture(), new(exchange), new(fasthttp.RequestCtx)
		k.degraded = test.degraded
		x.answer = *k.find(t, test.target)
		r.show(ctx, x, 0)
		if got := string(ctx.Response.Header.Peek("Cache-Control")); got != test.want {
			t.Errorf("%s, degraded %v: Cache-Control is %q, want %q", test.target, test.degraded, got, test.want)
		}
	}
}
