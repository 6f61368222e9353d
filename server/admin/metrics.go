package admin

import (
	"bytes"
	"cmp"
	"maps"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"rddsd/cache/feed"
	"rddsd/cache/registry"
	"rddsd/ratelimit"
	"rddsd/server/tally"
)

// The kinds of metrics (Prometheus text format 0.0.4).
const (
	counter   = "counter"
	gauge     = "gauge"
	histogram = "histogram"
)

// family is the metrics of one name. deploy/OPERATING.md tells of each; a test
// holds that.
type family struct {
	name, kind, help string
	samples          func(s *scrape)
}

// scrape is what one reading of /metrics shows, taken once, so that its numbers
// belong together.
type scrape struct {
	page    *bytes.Buffer
	family  string
	server  *Server
	feed    feed.Status
	limiter ratelimit.Counts
	counts  []Counts // of server.Services
	objects [registry.Kinds]int
	usage   *Usage // nil without data
}

// families are our metrics, in the order in which they are shown.
var families = []family{
	{"rddsd_build_info", gauge, "The running program; always 1.", func(s *scrape) {
		s.emit(1, "version", s.server.Version, "go", runtime.Version())
	}},
	{"rddsd_queries_total", counter, "Queries, each counted once, since the counting began; kept over restarts.", queries},
	{"rddsd_objects", gauge, "Published objects that are served, by kind.", func(s *scrape) {
		for kind, n := range s.objects {
			s.emit(float64(n), "kind", registry.Kind(kind).String())
		}
	}},
	{"rddsd_feed_connected", gauge, "1 if the last attempt to read the registry succeeded.", func(s *scrape) { s.emit(truth(s.feed.Connected)) }},
	{"rddsd_feed_age_seconds", gauge, "How long ago what is served was the registry's published state; without data there is none.", func(s *scrape) {
		if s.feed.Ready {
			s.emit(s.feed.Age.Seconds())
		}
	}},
	{"rddsd_feed_degraded", gauge, "1 if what is served is older than [feed] max_age.", func(s *scrape) { s.emit(truth(s.feed.Degraded)) }},
	{"rddsd_feed_lag_seconds", gauge, "From commit to answer, for the last delta that changed anything.", func(s *scrape) { s.emit(s.feed.Lag.Seconds()) }},
	{"rddsd_feed_publish_seconds", histogram, "From commit to answer, for each delta that changed anything.", func(s *scrape) { s.lags(s.feed.Lags) }},
	{"rddsd_feed_position", gauge, "The registry's serial number of what is served.", func(s *scrape) { s.emit(float64(s.feed.Position.Serial)) }},
	{"rddsd_feed_polls_total", counter, "Transactions that asked a registry in PostgreSQL for changes.", func(s *scrape) {
		s.reading(func(r feed.SourceStatus) { s.emit(float64(r.Polls)) })
	}},
	{"rddsd_feed_wakeups_total", counter, "Of them, those that the registry caused.", func(s *scrape) {
		s.reading(func(r feed.SourceStatus) { s.emit(float64(r.WakeUps)) })
	}},
	{"rddsd_feed_listening", gauge, "1 while the registry in PostgreSQL can wake us; without that it is polled each second.", func(s *scrape) {
		s.reading(func(r feed.SourceStatus) { s.emit(truth(r.Listening)) })
	}},
	{"rddsd_feed_horizon_lag", gauge, "Transactions begun in the registry since its oldest open one.", func(s *scrape) {
		s.reading(func(r feed.SourceStatus) { s.emit(float64(r.HorizonLag)) })
	}},
	{"rddsd_feed_open_transaction_seconds", gauge, "How long the registry's oldest open transaction has been seen open.", func(s *scrape) {
		s.reading(func(r feed.SourceStatus) { s.emit(since(r.OpenSince)) })
	}},
	{"rddsd_feed_rows_behind", gauge, "Rows of the registry's journal that were read and are not published.", func(s *scrape) {
		s.reading(func(r feed.SourceStatus) { s.emit(float64(r.Behind)) })
	}},
	{"rddsd_feed_held", gauge, "1 if this waits for rddsd accept or rddsd reject.", func(s *scrape) {
		for _, what := range []feed.HeldWhat{feed.HeldDelta, feed.HeldSnapshot, feed.HeldRegistry} {
			s.emit(truth(s.feed.Held != nil && s.feed.Held.What == what), "what", string(what))
		}
	}},
	{"rddsd_feed_held_since_seconds", gauge, "When what is held began to wait, in seconds since 1970; none if nothing is held.", func(s *scrape) {
		if s.feed.Held != nil {
			s.emit(seconds(s.feed.Held.Since))
		}
	}},
	{"rddsd_feed_deltas_total", counter, "Deltas published, those without changes included.", func(s *scrape) { s.emit(float64(s.feed.Deltas)) }},
	{"rddsd_feed_changes_total", counter, "Objects in the deltas published.", func(s *scrape) { s.emit(float64(s.feed.Changes)) }},
	{"rddsd_feed_resyncs_total", counter, "Snapshots published, by why they were taken.", func(s *scrape) {
		for _, reason := range slices.Sorted(maps.Keys(s.feed.Resyncs)) {
			s.emit(float64(s.feed.Resyncs[reason]), "reason", string(reason))
		}
	}},
	{"rddsd_feed_rejected_rows", counter, "Rows that could not be published, each once for each reason.", func(s *scrape) { rows(s, s.feed.Rejected) }},
	{"rddsd_feed_quarantined_rows", gauge, "Rows that cannot be published now.", func(s *scrape) { rows(s, s.feed.Quarantined) }},
	{"rddsd_registry_bytes", gauge, "What the served registry takes, in bytes, by part.", func(s *scrape) {
		if s.usage == nil {
			return
		}
		for kind := range registry.Kind(registry.Kinds) {
			s.emit(float64(s.usage.Kinds[kind.String()]), "part", kind.String())
		}
		s.emit(float64(s.usage.Indexes), "part", "indexes")
		s.emit(float64(s.usage.Shared), "part", "shared")
		s.emit(float64(s.usage.Overlay), "part", "overlay")
	}},
	{"rddsd_memory_limit_bytes", gauge, "[data] memory_limit; 0 if there is none.", func(s *scrape) { s.emit(float64(s.feed.MemoryLimit)) }},
	{"rddsd_memory_refused", gauge, "1 while something does not fit in [data] memory_limit.", func(s *scrape) { s.emit(truth(s.feed.MemoryError != "")) }},
	{"rddsd_folds_total", counter, "Bases made of what is served.", func(s *scrape) { s.emit(float64(s.feed.Folds)) }},
	{"rddsd_disk_errors_total", counter, "Failures to keep the copy on disk.", func(s *scrape) { s.emit(float64(s.feed.DiskErrors)) }},
	{"rddsd_disk_behind", gauge, "1 while the copy on disk is behind what is served, or cannot be renewed.", func(s *scrape) { s.emit(truth(s.feed.DiskError != "")) }},
	{"rddsd_ratelimit_refused_total", counter, "Queries refused because their client asked too much, by the limit.", func(s *scrape) { causes(s, s.limiter.Refused) }},
	{"rddsd_ratelimit_would_refuse_total", counter, "Queries that mode dry-run let pass and enforce would have refused.", func(s *scrape) { causes(s, s.limiter.WouldRefuse) }},
	{"rddsd_ratelimit_degraded_total", counter, "Queries answered without contact values because of a budget, by the limit.", func(s *scrape) { causes(s, s.limiter.Degraded) }},
	{"rddsd_ratelimit_would_degrade_total", counter, "Queries that mode dry-run answered in full and enforce would not have.", func(s *scrape) { causes(s, s.limiter.WouldDegrade) }},
	{"rddsd_ratelimit_hammering_total", counter, "Refusals that lengthened a client's wait: more than 10 a second.", func(s *scrape) { s.emit(float64(s.limiter.Hammering)) }},
	{"rddsd_ratelimit_canary_total", counter, "How often a client asked for more canary names than by chance.", func(s *scrape) { s.emit(float64(s.limiter.Canary)) }},
	{"rddsd_ratelimit_guard_ratio", gauge, "How full the guard of each zone is, 0 to 1; above 0.4 contact values cost more.", func(s *scrape) {
		for _, z := range s.server.Limiter.Zones(time.Now()) {
			s.emit(z.Day, "tld", z.TLD, "horizon", "day")
			s.emit(z.Month, "tld", z.TLD, "horizon", "month")
		}
	}},
	{"rddsd_ratelimit_zone_objects", gauge, "Objects of each zone with contact values, as the guard counts them.", func(s *scrape) {
		for _, z := range s.server.Limiter.Zones(time.Now()) {
			s.emit(float64(z.Objects), "tld", z.TLD)
		}
	}},
	{"rddsd_ratelimit_crowded_total", counter, "Clients that had to share the account of another, because the table was full.", func(s *scrape) { s.emit(float64(s.limiter.Crowded)) }},
	{"rddsd_connections_total", counter, "Connections accepted.", func(s *scrape) {
		s.each(func(name string, c Counts) { s.emit(float64(c.Connections), "service", name) })
	}},
	{"rddsd_connections_open", gauge, "Connections at this moment.", func(s *scrape) {
		s.each(func(name string, c Counts) { s.emit(float64(c.Open), "service", name) })
	}},
	{"rddsd_connections_failed_total", counter, "Connections that ended without an answer, by why.", func(s *scrape) {
		s.each(func(name string, c Counts) { s.labelled(name, "reason", c.Failed) })
	}},
	{"rddsd_junk_queries_total", counter, "Queries that were requests of another protocol.", func(s *scrape) {
		s.each(func(name string, c Counts) { s.labelled(name, "protocol", c.Junk) })
	}},
	{"rddsd_compressed_bodies_total", counter, "Bodies sent in gzip, by where they came from.", func(s *scrape) {
		s.each(func(name string, c Counts) { s.labelled(name, "from", c.Compressed) })
	}},
	{"rddsd_panics_total", counter, "Faults of ours that were caught; each is a bug.", func(s *scrape) {
		s.each(func(name string, c Counts) { s.emit(float64(c.Panics), "service", name) })
	}},
}

func queries(s *scrape) {
	counters := slices.SortedFunc(s.server.Tally.Totals(), func(a, b tally.Counter) int {
		return cmp.Or(strings.Compare(a.TLD, b.TLD), cmp.Compare(a.Service, b.Service), cmp.Compare(a.Object, b.Object),
			cmp.Compare(a.Class, b.Class), cmp.Compare(a.Audience, b.Audience))
	})
	for _, c := range counters {
		s.emit(float64(c.N), "tld", c.TLD, "service", c.Service.String(), "object", c.Object.String(),
			"class", c.Class.String(), "audience", c.Audience.String())
	}
}

// causes emits counts by the limit that decided.
func causes(s *scrape, counts [ratelimit.Causes]uint64) {
	for cause := ratelimit.NoCause + 1; cause < ratelimit.Causes; cause++ {
		s.emit(float64(counts[cause]), "limit", cause.String())
	}
}

func rows[N int | uint64](s *scrape, counts map[feed.RejectedRow]N) {
	for _, row := range slices.SortedFunc(maps.Keys(counts), func(a, b feed.RejectedRow) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Reason, b.Reason))
	}) {
		s.emit(float64(counts[row]), "kind", row.Kind.String(), "reason", string(row.Reason))
	}
}

// reading calls f for how the registry is read, if there is something to tell.
func (s *scrape) reading(f func(feed.SourceStatus)) {
	if s.server.Source != nil {
		f(s.server.Source())
	}
}

// lags emits a histogram.
func (s *scrape) lags(lags feed.Lags) {
	name := s.family
	s.family = name + "_bucket"
	for i, bound := range feed.LagBounds {
		s.emit(float64(lags.Within[i]), "le", strconv.FormatFloat(bound.Seconds(), 'g', -1, 64))
	}
	s.emit(float64(lags.Count), "le", "+Inf")
	s.family = name + "_sum"
	s.emit(lags.Sum.Seconds())
	s.family = name + "_count"
	s.emit(float64(lags.Count))
}

// writeMetrics appends our metrics to page.
func (s *Server) writeMetrics(page *bytes.Buffer) {
	sc := &scrape{page: page, server: s, feed: s.Feed(), limiter: s.Limiter.Counts()}
	for _, service := range s.Services {
		sc.counts = append(sc.counts, service.Counts())
	}
	if view := s.Cache.Current(); view != nil {
		sc.usage = usageOf(view)
		for kind := range sc.objects {
			sc.objects[kind] = view.Count(registry.Kind(kind))
		}
	}
	for _, f := range families {
		page.WriteString("# HELP " + f.name + " " + f.help + "\n# TYPE " + f.name + " " + f.kind + "\n")
		sc.family = f.name
		f.samples(sc)
	}
}

// each calls f for the counts of each service.
func (s *scrape) each(f func(name string, c Counts)) {
	for i, c := range s.counts {
		f(s.server.Services[i].Name, c)
	}
}

// labelled emits each of counts, with its key as the value of label.
func (s *scrape) labelled(service, label string, counts map[string]uint64) {
	for _, key := range slices.Sorted(maps.Keys(counts)) {
		s.emit(float64(counts[key]), "service", service, label, key)
	}
}

// emit writes one sample of the current family. labels are names and values by
// turns.
func (s *scrape) emit(value float64, labels ...string) {
	s.page.WriteString(s.family)
	for i := 0; i < len(labels); i += 2 {
		s.page.WriteByte("{,"[min(i, 1)])
		s.page.WriteString(labels[i] + `="`)
		_, _ = escaped.WriteString(s.page, labels[i+1])
		s.page.WriteByte('"')
	}
	if len(labels) > 0 {
		s.page.WriteByte('}')
	}
	s.page.WriteByte(' ')
	s.page.Write(strconv.AppendFloat(s.page.AvailableBuffer(), value, 'g', -1, 64))
	s.page.WriteByte('\n')
}

// escaped escapes the value of a label (Prometheus text format 0.0.4).
var escaped = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// since returns the seconds since t, 0 for the zero t.
func since(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return time.Since(t).Seconds()
}

func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
