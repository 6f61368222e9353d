package whois

import (
	"testing"
	"time"

	"rddsd/cache/cachetest"
	"rddsd/cache/registry"
	"rddsd/server/lookup"
)

// TestPrebuiltLinesAreTheSame: what is made once reads as what is made each time, under
// each policy and after a registrar has changed.
func TestPrebuiltLinesAreTheSame(t *testing.T) {
	var (
		kept   prebuilt
		before string
	)
	for _, change := range []func(*lookup.Policy){
		nil,
		func(p *lookup.Policy) { p.Profile = lookup.Profile2017 },
		func(p *lookup.Policy) { p.Disclaimer = "" },
		func(p *lookup.Policy) { p.Disclaimer = "Ask one at a time." },
	} {
		s := newServer(cachetest.WHOIS(), change)
		for _, one := range typical {
			query, _ := lookup.ParseLine([]byte(one.query))
			var a lookup.Answer
			s.Finder.Find(s.Cache.Current(), &query, time.Now(), &a)
			for range 2 {
				if got, want := string(kept.appendAnswer(nil, &a)), string(AppendAnswer(nil, &a)); got != want {
					t.Errorf("%s: it reads\n%s\nwant\n%s", one.name, got, want)
				}
			}
			if one.name != "redacted" {
				continue
			}
			if text := string(kept.appendAnswer(nil, &a)); text == before {
				t.Error("another policy changes nothing")
			} else {
				before = text
			}
			changed := *a.Registrar
			changed.Name, changed.AbuseEmail, changed.URL = "Other Limited", "abuse@other.example", ""
			for _, a.Registrar = range []*registry.Registrar{&changed, nil} {
				if got, want := string(kept.appendAnswer(nil, &a)), string(AppendAnswer(nil, &a)); got != want || got == before {
					t.Errorf("with another registrar it reads\n%s\nwant\n%s", got, want)
				}
			}
		}
	}
}
