package whois

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rddsd/cache"
	"rddsd/cache/cachetest"
	"rddsd/cache/registry"
)

// TestStaleFeed is A-12: while the feed is cut the last-update line stands still and
// hits go on; that a name is not registered is told neither before there is data, nor
// past max_miss_age, nor of a row in quarantine, and is told again once the feed is back.
func TestStaleFeed(t *testing.T) {
	const (
		missAge     = 15 * time.Minute
		unavailable = "Service temporarily unavailable, try again later.\r\n"
	)
	misses := []string{"unregistered.coop", "ns9.unregistered.coop", "192.0.2.99", "registrar Nobody"}
	synctest.Test(t, func(t *testing.T) {
		s := newServer(nil, nil)
		for _, query := range append([]string{"example.coop", "poison.coop", "?"}, misses...) {
			if got := ask(s, query); got != unavailable {
				t.Errorf("before there is data %q is answered %q", query, got)
			}
		}

		view := cachetest.WHOIS()
		to := view.Position()
		to.Serial++
		view, _, err := view.Apply(cache.Delta{To: to, AsOf: view.AsOf(), Changes: []cache.Change{
			cachetest.Rejected(registry.KindDomain, "poison.coop", registry.RejectDate),
		}}, time.Now().Add(missAge))
		if err != nil {
			t.Fatal(err)
		}
		s.Cache.Publish(view)
		hit := ask(s, "example.coop")
		if !strings.Contains(hit, ">>> Last update of WHOIS database: 2026-09-01T12:00:00Z <<<\r\n") {
			t.Fatalf("example.coop is answered\n%s", hit)
		}
		cut := time.Now()
		for time.Since(cut) < 2*missAge {
			for _, query := range misses {
				got, told := ask(s, query), time.Since(cut) < missAge
				if free := strings.Contains(strings.ToLower(got), "found"); free != told || !told && got != unavailable {
					t.Errorf("%v after the cut %q is answered\n%s", time.Since(cut), query, got)
				}
			}
			if got := ask(s, "poison.coop"); got != unavailable {
				t.Errorf("a row in quarantine is answered %q", got)
			}
			if got := ask(s, "example.coop"); got != hit {
				t.Errorf("%v after the cut example.coop is answered\n%s", time.Since(cut), got)
			}
			time.Sleep(time.Minute)
		}

		s.Cache.Publish(view.Refreshed(view.AsOf()+registry.Time(2*missAge/time.Microsecond), time.Now().Add(missAge)))
		if got := ask(s, "unregistered.coop"); !strings.HasPrefix(got, "Domain not found.\r\n") || !strings.Contains(got, "2026-09-01T12:30:00Z <<<") {
			t.Errorf("with the feed back unregistered.coop is answered\n%s", got)
		}
		if got := ask(s, "poison.coop"); got != unavailable {
			t.Errorf("with the feed back a row in quarantine is answered %q", got)
		}
	})
}
