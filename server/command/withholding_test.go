package command

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"rddsd/cache"
	"rddsd/cache/cachetest"
	"rddsd/server/admin"
	"rddsd/server/config"
	"rddsd/server/lookup"
)

// A slip in a name would leave somebody in danger who believes to be safe: it is told.
func TestWithholdTellsWhatIsNotServed(t *testing.T) {
	cfg := config.Default()
	cfg.Data.Dir = t.TempDir()
	data := new(cache.Cache)
	data.Publish(cachetest.WHOIS())
	limits, err := OpenLimits(cfg, &lookup.Finder{}, data, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name       string
		until      time.Time
		note, want string
	}{
		{name: "example.coop"},
		{name: "exmaple.coop", note: "no domain exmaple.coop is served now"},
		{name: "Example.coop", want: "write lower-case letters"},
		{name: "example.coop", until: time.Unix(1, 0), want: "is over already"},
	} {
		note, err := limits.Order(admin.Withhold, admin.About{Target: tt.name, Until: tt.until}, "ticket 4711")
		if (err == nil) != (tt.want == "") || (err != nil && !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("withhold %s: %v, want %q", tt.name, err, tt.want)
		}
		if (note == "") != (tt.note == "") || !strings.Contains(note, tt.note) {
			t.Errorf("withhold %s: note %q, want %q", tt.name, note, tt.note)
		}
	}
	if got := limits.Withheld(); len(got) != 2 || got["exmaple.coop"].Reason != "ticket 4711" {
		t.Errorf("withheld are %v, want both good names, the one to come too", got)
	}
}
