package command

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"rddsd/ratelimit"
	"rddsd/server/admin"
	"rddsd/server/config"
	"rddsd/server/whois"
)

func TestExitCodes(t *testing.T) {
	fails := errors.New("the port is taken")
	tests := []struct {
		rule string
		args []string
		want int
	}{
		{"serve ends well", []string{"serve"}, ok},
		{"no command serves", nil, ok},
		{"a fault while doing", []string{"schema-of-nothing"}, misused},
		{"unknown flag", []string{"serve", "--no-such"}, misused},
		{"words behind a command that takes none", []string{"check", "now"}, misused},
		{"a value that is no place", []string{"registry", "gen", "--to", "registry.sqlite"}, misused},
		{"a form that gen cannot write", []string{"registry", "gen", "--to", "csv:x"}, misused},
		{"a schema that there is not", []string{"registry", "schema", "oracle"}, misused},
		{"a file that is not there", []string{"registry", "import", "--from", "rde:/nonexistent.xml", "--to", "sqlite:" + t.TempDir() + "/x"}, failed},
		{"a configuration that is not there", []string{"check", "--config", "/nonexistent.toml"}, misused},
		{"a group of commands and none of them", []string{"registry"}, misused},
		{"a command that its group does not have", []string{"registry", "generate"}, misused},
		{"a rate at which nothing happens", []string{"registry", "churn", "--rate", "0", "--to", "sqlite:/nonexistent"}, misused},
		{"a time before now", []string{"registry", "churn", "--for", "-1s", "--to", "sqlite:/nonexistent"}, misused},
		{"a registry that is not there", []string{"registry", "churn", "--to", "sqlite:/nonexistent"}, failed},
		{"an empty path, as of a variable that is not set", []string{"serve", "--data", ""}, misused},
		{"an empty path behind the command", []string{"check", "--config="}, misused},
		{"a decision without its reason", []string{"accept", "--socket", "/nonexistent"}, misused},
		{"an order to nobody", []string{"accept", "--socket", "/nonexistent", "--reason", "x"}, failed},
		{"snapshot without what to do", []string{"snapshot"}, misused},
		{"snapshot info of nothing", []string{"snapshot", "info"}, misused},
		{"a snapshot file that is not there", []string{"snapshot", "info", "/nonexistent"}, failed},
		{"a file that is no snapshot", []string{"snapshot", "verify", "/dev/null"}, failed},
		{"version", []string{"version"}, ok},
	}
	for _, tt := range tests {
		serve := func(context.Context, *config.Config, Load) error { return nil }
		if got := Execute(t.Context(), append([]string{}, tt.args...), serve); got != tt.want {
			t.Errorf("%s: rddsd %s: exit %d, want %d", tt.rule, strings.Join(tt.args, " "), got, tt.want)
		}
	}
	serve := func(context.Context, *config.Config, Load) error { return fails }
	if got := Execute(t.Context(), []string{"serve"}, serve); got != failed {
		t.Errorf("serve that fails: exit %d, want %d", got, failed)
	}
}

func TestDataFlagWinsOverTheFile(t *testing.T) {
	t.Setenv("RDDSD_DATA_DIR", "/from/environment")
	var got string
	serve := func(_ context.Context, cfg *config.Config, _ Load) error {
		got = cfg.Data.Dir
		return nil
	}
	if code := Execute(t.Context(), []string{"serve", "--data", "/from/flag"}, serve); code != ok || got != "/from/flag" {
		t.Errorf("exit %d, data directory %q, want the flag's", code, got)
	}
}

func TestReloadNamesWhatNeedsARestart(t *testing.T) {
	running, next := config.Default(), config.Default()
	if got := needRestart(running, next); got != nil {
		t.Errorf("nothing changed, but %v need a restart", got)
	}
	next.WHOIS.Listen = []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:43")}
	next.Feed.PollInterval = time.Second
	next.RateLimit.Burst = 7
	if got, want := needRestart(running, next), []string{"[feed]", "[whois] listen"}; !slices.Equal(got, want) {
		t.Errorf("need a restart: %v, want %v", got, want)
	}
	kept := keepStarted(running, next)
	if kept.RateLimit.Burst != 7 || kept.Feed.PollInterval != running.Feed.PollInterval || !slices.Equal(kept.WHOIS.Listen, running.WHOIS.Listen) {
		t.Errorf("in force after the reload: %+v", kept)
	}
}

// TestLimitsAreToldAndCapped holds that help, caps and limiter speak of the same
// mode.
func TestLimitsAreToldAndCapped(t *testing.T) {
	cfg := config.Default()
	text := limitsText(cfg)
	if !strings.Contains(text, "60 times") || !strings.Contains(text, "5 times a second") {
		t.Errorf("help says %q", text)
	}
	if err := whois.CheckText(text); err != nil {
		t.Errorf("help may not say %q: %v", text, err)
	}
	for _, mode := range []ratelimit.Mode{ratelimit.Off, ratelimit.DryRun} {
		cfg.RateLimit.Mode = mode
		w, r := capLimits(cfg)
		if limitsText(cfg) != "" || w.PerClient != 0 || r.PerClient != 0 {
			t.Errorf("mode %s: help says %q, caps are %v and %v: it refuses nothing", mode, limitsText(cfg), w, r)
		}
	}
}

func TestStatusForAPerson(t *testing.T) {
	text := describe(&admin.Status{
		Version: "1.2.3", Ready: true, Degraded: true,
		Registry: admin.RegistryStatus{Kind: "sqlite", Epoch: "e1", Position: 7, AsOf: "2026-09-01T12:00:00Z", AgeSeconds: 3601, LastError: "no such file"},
		Usage: &admin.Usage{
			Total: 640 << 20, PerName: 64, Kinds: map[string]int64{"domain": 500 << 20, "contact": 80 << 20, "tld": 12}, Indexes: 60 << 20,
			Overlay: 3 << 20, Changes: 9000, Limit: 2 << 30, Refused: "a snapshot does not fit",
		},
		Held: &admin.Held{What: "delta", Since: "2026-09-01T12:30:00Z", Why: []string{"it deletes 500 of 2,000 names"}},
	})
	for _, want := range []string{
		"1.2.3", "degraded", "position 7", "1h0m1s old", "no such file", "HELD", "500 of 2,000", "rddsd accept",
		"640 MiB, 64 bytes a name: contact 80 MiB, domain 500 MiB, indexes 60 MiB", "9000 changes 3072 KiB", "memory_limit 2048 MiB", "MEMORY     a snapshot does not fit",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the status lacks %q:\n%s", want, text)
		}
	}
}

func TestStatusBeforeTheFirstReading(t *testing.T) {
	text := describe(&admin.Status{Registry: admin.RegistryStatus{Kind: "sqlite", LastError: "no such file"}})
	for _, want := range []string{"no data yet", "sqlite, not read yet", "not connected: no such file"} {
		if !strings.Contains(text, want) {
			t.Errorf("the status lacks %q:\n%s", want, text)
		}
	}
	if strings.Contains(text, "epoch") {
		t.Errorf("the status tells an epoch that nobody has read:\n%s", text)
	}
}
