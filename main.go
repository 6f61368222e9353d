// Command rddsd answers WHOIS and RDAP for a domain registry from memory, and
// follows the registry database. This page wires `rddsd serve`; every other
// command is a file in server/command.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"

	"rddsd/cache"
	"rddsd/cache/feed"
	"rddsd/server"
	"rddsd/server/admin"
	"rddsd/server/command"
	"rddsd/server/config"
	"rddsd/server/lookup"
	"rddsd/server/tally"
	"rddsd/server/whois"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal kills at once
	os.Exit(command.Execute(ctx, os.Args[1:], serve))
}

func serve(ctx context.Context, cfg *config.Config, again command.Load) error {
	log := command.NewLog(cfg.Log)
	command.TuneHeap()
	systemd, err := command.OpenSupervisor(cfg, log)
	if err != nil {
		return err
	}
	if err := command.ProbePorts(ctx, cfg, systemd); err != nil {
		return err
	}
	disk, err := command.OpenData(ctx, cfg, log)
	if err != nil {
		return err
	}
	queries := tally.Open(cfg.Data.Dir, time.Now, log)
	rdapServer, err := command.NewRDAP(cfg)
	if err != nil {
		return err
	}
	defer rdapServer.Compressed.Close()

	data := new(cache.Cache)
	registry, err := command.OpenRegistry(cfg, data, log)
	if err != nil {
		return err
	}
	defer registry.Close()
	follower := &feed.Follower{Source: registry.Source, Cache: data, Disk: disk, Log: log, MaxAge: cfg.Feed.MaxAge, MaxMissAge: cfg.Feed.MaxMissAge, MaxBackoff: registry.MaxBackoff, MemoryLimit: int64(cfg.Data.MemoryLimit)}
	finder := lookup.NewFinder(command.Policies(cfg))
	limits, err := command.OpenLimits(cfg, finder, data, log)
	if err != nil {
		return err
	}
	limiter := limits.Limiter
	onWHOIS, onRDAP := command.NewCaps(cfg)
	whoisServer := &whois.Server{Cache: data, Finder: finder, Limiter: limiter, Tally: queries, Caps: onWHOIS, Log: log, Loops: cfg.WHOIS.Loops, Balancers: cfg.WHOIS.ProxyFrom}
	rdapServer.Cache, rdapServer.Finder, rdapServer.Limiter, rdapServer.Tally, rdapServer.Caps, rdapServer.Log = data, finder, limiter, queries, onRDAP, log
	reloader := &command.Reloader{Load: again, Running: cfg, Finder: finder, Limits: limits, WHOIS: onWHOIS, RDAP: onRDAP, Certificates: rdapServer.Certificates, Systemd: systemd, Log: log}
	adminServer := &admin.Server{
		Version: command.FullVersion(), Kind: registry.Kind, Cache: data, Feed: follower.Status, Source: registry.Status, Tally: queries, Limiter: limiter,
		Services: command.Counted(whoisServer, onWHOIS, rdapServer, onRDAP), Reload: reloader.Reload, Decide: follower.Decide, Inspect: limits.Inspect, Order: limits.Order, Log: log,
	}
	operator, err := command.OpenAdmin(ctx, cfg, log, adminServer)
	if err != nil {
		return err
	}

	behind := []server.Named{{Name: "feed", Service: follower}, {Name: "query counters", Service: queries}, {Name: "limits", Service: limits}, {Name: "admin", Service: operator}, {Name: "reload", Service: reloader}}
	context.AfterFunc(ctx, func() {
		log.Info("stopping: answers in flight may finish")
		adminServer.Drain()
		systemd.Stopping()
	})
	err = server.Run(ctx, behind, follower.Ready(), func() ([]server.Named, error) {
		return command.OpenFront(ctx, cfg, systemd, log, whoisServer, rdapServer)
	})
	log.Info("stopped")
	return err
}
