package command

import (
	"fmt"
	"log/slog"
	"time"

	"rddsd/cache"
	"rddsd/cache/feed"
	"rddsd/cache/feed/postgres"
	"rddsd/cache/feed/sqlite"
	"rddsd/server/config"
)

// Registry is the registry database that is followed.
type Registry struct {
	Kind       string // what it is: "sqlite", "postgres"
	Source     feed.Source
	Status     func() feed.SourceStatus // nil = it has none
	MaxBackoff time.Duration            // the longest time between two attempts to read it; 0 = the feed's own
	Close      func()
}

// OpenRegistry returns the configured registry, which it does not touch yet.
// What is read of it goes to data.
func OpenRegistry(cfg *config.Config, data *cache.Cache, log *slog.Logger) (*Registry, error) {
	large := func() int { return feed.LargeDelta(data.Current(), int64(cfg.Data.MemoryLimit)) }
	if !cfg.UsesPostgres() {
		path, _ := cfg.SQLite()
		source := sqlite.Open(path, cfg.Feed.PollInterval)
		source.Large = large
		return &Registry{Kind: "sqlite", Source: source, MaxBackoff: sqlite.MaxBackoff, Close: source.Close}, nil
	}
	dsn, err := cfg.PostgresDSN()
	if err != nil {
		return nil, fmt.Errorf("read the connection string of the registry: %w", err)
	}
	source, err := postgres.Open(dsn, cfg.Feed.PollInterval)
	if err != nil {
		return nil, err
	}
	source.Log, source.Large = log, large
	return &Registry{Kind: "postgres", Source: source, Status: source.Status, Close: source.Close}, nil
}
