package command

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"reflect"
	"strings"
	"sync"
	"syscall"

	"rddsd/ratelimit"
	"rddsd/server/config"
	"rddsd/server/listen"
	"rddsd/server/lookup"
	"rddsd/server/rdap"
	"rddsd/server/whois"
)

// Reloader puts a changed configuration in force: texts and policies, limits
// and certificates. What needs a restart it names and leaves. On any fault the
// running configuration stays as it is.
type Reloader struct {
	Load         Load
	Running      *config.Config // in force
	Finder       *lookup.Finder
	Limits       *LimitKeeper
	WHOIS, RDAP  *listen.Caps
	Certificates rdap.Certificates // none without TLS
	Systemd      *Supervisor       // nil without one
	Log          *slog.Logger

	mu sync.Mutex // one reload at a time
}

// Serve reloads on each SIGHUP until ctx ends.
func (r *Reloader) Serve(ctx context.Context) error {
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-hangup:
			if err := r.Reload(ctx); err != nil {
				r.Log.Error("reload: the running configuration stays in force", "error", err)
			}
		}
	}
}

// Reload reads the configuration and puts it in force, or returns what is wrong
// with it.
func (r *Reloader) Reload(context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	defer r.Systemd.reloading()()
	cfg, err := r.Load()
	if err != nil {
		return err
	}
	if err := r.Certificates.Reload(); err != nil {
		return err
	}
	if err := r.Limits.Use(cfg); err != nil {
		return err
	}
	r.Finder.SetPolicies(Policies(cfg))
	r.Limits.Limiter.SetConfig(cfg.Limits())
	w, p := capLimits(cfg)
	r.WHOIS.SetLimits(w)
	r.RDAP.SetLimits(p)
	if rest := needRestart(r.Running, cfg); len(rest) > 0 {
		r.Log.Warn("reload: these tables changed and take effect at the next start", "tables", strings.Join(rest, " "))
	}
	r.Running = keepStarted(r.Running, cfg)
	r.Log.Info("reload: the configuration is in force")
	return nil
}

// needRestart names the tables of next that differ from running and that only a
// start can put in force.
func needRestart(running, next *config.Config) []string {
	var tables []string
	for _, t := range []struct {
		name      string
		was, want any
	}{
		{"[registry]", running.Registry, next.Registry},
		{"[feed]", running.Feed, next.Feed},
		{"[data]", running.Data, next.Data},
		{"[whois] listen", running.WHOIS.Listen, next.WHOIS.Listen},
		{"[whois] loops", running.WHOIS.Loops, next.WHOIS.Loops},
		{"[whois] proxy_from", running.WHOIS.ProxyFrom, next.WHOIS.ProxyFrom},
		{"[rdap]", started(running.RDAP), started(next.RDAP)},
		{"[[certificate]]", running.Certificates, next.Certificates},
		{"[admin]", running.Admin, next.Admin},
		{"[log]", running.Log, next.Log},
	} {
		if !reflect.DeepEqual(t.was, t.want) {
			tables = append(tables, t.name)
		}
	}
	return tables
}

// keepStarted returns next with what only a start puts in force as it runs.
func keepStarted(running, next *config.Config) *config.Config {
	kept := *next
	kept.Registry, kept.Feed, kept.Data, kept.Certificates, kept.Admin, kept.Log = running.Registry, running.Feed, running.Data, running.Certificates, running.Admin, running.Log
	kept.WHOIS.Listen, kept.WHOIS.Loops, kept.WHOIS.ProxyFrom = running.WHOIS.Listen, running.WHOIS.Loops, running.WHOIS.ProxyFrom
	kept.RDAP = started(running.RDAP)
	kept.RDAP.BaseURL = next.RDAP.BaseURL
	return &kept
}

// started returns what of r only a start puts in force.
func started(r config.RDAP) config.RDAP {
	r.BaseURL = ""
	return r
}

// Policies returns how answers look, by TLD: as configured, or by default.
func Policies(cfg *config.Config) *lookup.Policies {
	complete := func(tld string) lookup.Policy {
		p := cfg.Policy(tld)
		p.Disclaimer = strings.TrimSuffix(p.Disclaimer, "\n")
		if p.Disclaimer == "" {
			p.Disclaimer = whois.Disclaimer(tld, p.TermsURL)
		}
		p.Limits = limitsText(cfg)
		return p
	}
	list := make([]lookup.Policy, 0, len(cfg.TLDs))
	for _, t := range cfg.TLDs {
		list = append(list, complete(t.Name))
	}
	return lookup.NewPolicies(list, complete)
}

// limitsText is the sentence that help tells about the enforced limits (whois.md
// L-13), "" where none are.
func limitsText(cfg *config.Config) string {
	if cfg.RateLimit.Mode != ratelimit.Enforce {
		return ""
	}
	l := &cfg.RateLimit
	return fmt.Sprintf("Each client network may ask %d times at once, then %v times a second, and %d times in 15 minutes; "+
		"it is shown up to %d objects with contact data in 24 hours and %d in 30 days, fewer of a small zone or while many ask; further ones come without contact data.",
		l.Burst, l.Rate, l.QuarterHour, l.Day, l.Month)
}

// capLimits returns the caps on connections. They are part of the limits: only
// when those are enforced do they hold (design.md §7).
func capLimits(cfg *config.Config) (onWHOIS, onRDAP listen.Limits) {
	if cfg.RateLimit.Mode != ratelimit.Enforce {
		return listen.Limits{}, listen.Limits{}
	}
	return listen.Limits{PerClient: whoisPerClient, Total: maxConnections}, listen.Limits{PerClient: rdapPerClient, Total: maxConnections}
}
