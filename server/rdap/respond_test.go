package rdap

import (
	"bufio"
	"bytes"
	"net/http"
	"strings"
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
		if got := settle(a, test.decision); got.after != test.after || a.Class != test.class {
			t.Errorf("%s: class %v after %v, want %v after %v", test.rule, a.Class, got, test.class, test.after)
		}
		if _, status := AppendBody(nil, a, nil); status != test.status {
			t.Errorf("%s: status %d, want %d", test.rule, status, test.status)
		}
	}
}

// TestWithoutBodyIsPricedAsARepeat: HEAD, and what the client has already, teach next to
// nothing; who makes a tag up gets the answer, for its price.
func TestWithoutBodyIsPricedAsARepeat(t *testing.T) {
	r := newRig(t, cachetest.RDAP(), nil)
	const target = "domain/published.coop"
	tag := tagOf(t, fixture(), target)
	for _, test := range []struct {
		rule, method, tag string
		want              bool
	}{
		{"the whole answer", "GET", "", false},
		{"its head", "HEAD", "", true},
		{"nothing new", "GET", tag, true},
		{"a new answer", "GET", `W/"0123456789abcdef"`, false},
	} {
		var head fasthttp.RequestHeader
		head.SetMethod(test.method)
		if test.tag != "" {
			head.Set("If-None-Match", test.tag)
		}
		k, x := fixture(), new(exchange)
		x.answer = *k.find(t, target)
		x.url = AppendURL(nil, testBase, []byte(target))
		x.fields.read(&head)
		r.decide(x, ratelimit.Client{}, time.Now())
		if x.answer.Ask.Bodiless != test.want {
			t.Errorf("%s: bodiless is %v, want %v", test.rule, x.answer.Ask.Bodiless, test.want)
		}
	}
}

// TestDegradedIsRenderedAnew: what was rendered to find out whether the client has it is
// not what a client over its budget gets.
func TestDegradedIsRenderedAnew(t *testing.T) {
	r := newRig(t, cachetest.RDAP(), nil)
	var ctx fasthttp.RequestCtx
	ctx.Request.Header.Set("If-None-Match", `"x"`)
	k, x := fixture(), new(exchange)
	x.answer = *k.find(t, "domain/published.coop")
	x.url = AppendURL(nil, testBase, []byte("domain/published.coop"))
	x.fields.read(&ctx.Request.Header)
	r.decide(x, ratelimit.Client{}, time.Now())
	full := string(x.body)
	settle(&x.answer, ratelimit.Decision{Verdict: ratelimit.Degrade})
	r.show(x, wait{})
	if got := string(x.body); got == full || !strings.Contains(got, "redacted due to authorization") {
		t.Errorf("it gets %s", got)
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
		x.write(ctx, r.show(x, wait{}))
		var sent bytes.Buffer
		if _, err := ctx.Response.WriteTo(&sent); err != nil {
			t.Fatal(err)
		}
		if got := readResponse(t, bufio.NewReader(&sent), http.MethodGet).Header.Get("Cache-Control"); got != test.want {
			t.Errorf("%s, degraded %v: Cache-Control is %q, want %q", test.target, test.degraded, got, test.want)
		}
	}
}
