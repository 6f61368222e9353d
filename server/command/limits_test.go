package command

import (
	"net/netip"
	"strings"
	"testing"

	"rddsd/ratelimit"
)

// What an operator reads about each verdict.
func TestTrialTexts(t *testing.T) {
	for _, test := range []struct {
		trial trial
		want  string
	}{
		{trial{Class: "found", Shows: "contact values", Verdict: "full", Audience: "anonymous"}, "the client (anonymous) would get it in full"},
		{
			trial{Verdict: "degrade", Audience: "anonymous", Limit: "day", Network: "192.0.2.0/24"},
			"the client (anonymous) would get it without contact values: limit day 192.0.2.0/24",
		},
		{
			trial{Verdict: "degrade", Audience: "anonymous", Limit: "guard"},
			"the client (anonymous) would get it without contact values: the guard of the zone is too full for who has asked for as much",
		},
		{
			trial{Verdict: "refuse", Audience: "anonymous", Limit: "second", Network: "192.0.2.1/32", RetryIn: 1.25},
			"the client (anonymous) would be refused for 1.2 s: limit second 192.0.2.1/32",
		},
		{
			trial{Verdict: "refuse", Audience: "anonymous", Limit: "denied", Network: "192.0.2.0/24"},
			"the client (anonymous) would be refused for good: 192.0.2.0/24 is denied",
		},
	} {
		var out strings.Builder
		printTrial(&out, &test.trial)
		if _, got, _ := strings.Cut(strings.TrimSpace(out.String()), "\n"); got != test.want {
			t.Errorf("%+v reads\n%s\nwant\n%s", test.trial, got, test.want)
		}
	}
}

func TestExplanationTexts(t *testing.T) {
	addr := netip.MustParseAddr("192.0.2.1")
	for _, test := range []struct {
		explanation ratelimit.Explanation
		want        string // part of it
	}{
		{
			ratelimit.Explanation{Address: addr, Audience: "anonymous", Mode: "enforce", Free: 3},
			"192.0.2.1 is anonymous; limits are in mode enforce\nit has 3 free objects",
		},
		{
			ratelimit.Explanation{Address: addr, Audience: "anonymous", Mode: "enforce", Asked: 12.5, Known: 9},
			"it asked for 12.5 new objects with contact values lately (of those of ten days ago half counts), for the first one 9 days ago\nit has 0 free",
		},
		{
			ratelimit.Explanation{Address: addr, Audience: "probe", Mode: "dry-run", Entry: netip.MustParsePrefix("192.0.2.0/24"), Role: "probe"},
			"limits are in mode dry-run\n192.0.2.0/24 is on the list of networks as probe\n",
		},
	} {
		var out strings.Builder
		printExplanation(&out, &test.explanation)
		if got := out.String(); !strings.Contains(got, test.want) {
			t.Errorf("%+v reads\n%s\nwant\n%s", test.explanation, got, test.want)
		}
	}
}
