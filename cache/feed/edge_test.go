package feed_test

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	_ "modernc.org/sqlite"

	"rddsd/cache"
	"rddsd/cache/feed"
	"rddsd/cache/feed/sqlite"
	"rddsd/cache/registry"
	"rddsd/deploy/schema"
)

const pollInterval = 5 * time.Second

// A registryFile is a real registry with its writer's connection.
type registryFile struct {
	path string
	db   *sql.DB
}

// newRegistry makes a registry with the TLD coop, two registrars and n domains
// d0.coop and so on, each with a registrant C0 and so on, and two hosts.
func newRegistry(t testing.TB, n int) *registryFile {
	t.Helper()
	path := filepath.Join(t.TempDir(), "registry.sqlite")
	tables, views, triggers := schema.SQLiteParts()
	r := openRegistry(t, path)
	r.run(t, "pragma journal_mode = wal", "pragma synchronous = off", tables)
	r.run(t, `insert into tld (name, gtld, created) values ('coop', 1, 1000000)`,
		`insert into registrar (clid, iana_id, name) values ('reg-a', 900001, 'Registrar A'), ('reg-b', 900002, 'Registrar B')`,
		`insert into host (roid, name, clid, v4) values ('H1', 'ns1.example.net', 'reg-a', '["192.0.2.1"]'), ('H2', 'ns2.example.net', 'reg-a', '[]')`)
	if n > 0 {
		count := fmt.Sprintf("with recursive n(i) as (select 0 union all select i + 1 from n where i < %d) ", n-1)
		r.run(t,
			"insert into contact (roid, id, clid, name, org, cc, created) "+count+"select 'C' || i, 'sh' || i, 'reg-a', 'Held', 'Cooperative', 'GB', 1000000 from n",
			"insert into domain (roid, name, clid, registrant, created, expires) "+count+"select 'D' || i, 'd' || i || '.coop', 'reg-a', 'C' || i, 1000000, 2000000000000000 from n",
			"insert into domain_host "+count+"select 'D' || i, 'H1' from n union all select 'D' || i, 'H2' from n")
	}
	r.run(t, views, triggers)
	return r
}

// openRegistry opens the file at path as outside programs are told to.
func openRegistry(t testing.TB, path string) *registryFile {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path+"?_txlock=immediate&_pragma=busy_timeout(5000)&_pragma=foreign_keys(1)&_pragma=recursive_triggers(1)")
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { _ = db.Close() })
	return &registryFile{path: path, db: db}
}

func (r *registryFile) run(t testing.TB, statements ...string) {
	t.Helper()
	for _, s := range statements {
		if _, err := r.db.Exec(s); err != nil {
			t.Fatalf("%.200s: %v", s, err)
		}
	}
}

// maintain writes a tick and prunes the journal as the registry's program does,
// keeping what is younger than keep.
func (r *registryFile) maintain(t testing.TB, keep time.Duration) {
	t.Helper()
	r.run(t, fmt.Sprintf(`begin immediate;
		insert or replace into rdds_tick select clock, seq from rdds_head;
		update rdds_meta set beat_at = (select clock from rdds_head),
			floor = max(floor, coalesce((select seq from rdds_tick where at <= (select clock from rdds_head) - %d order by at desc limit 1), 0));
		delete from rdds_journal where seq <= (select floor from rdds_meta);
		delete from rdds_tick where seq < (select floor from rdds_meta);
		commit`, keep.Microseconds()))
}

// setClock puts the registry's clock under the test's hand.
func (r *registryFile) setClock(t testing.TB, clock registry.Time) {
	t.Helper()
	r.run(t, "create table if not exists hand (clock integer)", "delete from hand", fmt.Sprintf("insert into hand values (%d)", clock))
	var sql string
	if err := r.db.QueryRow("select sql from sqlite_master where name = 'rdds_head'").Scan(&sql); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(sql, "hand") {
		return
	}
	const now = "cast((julianday('now') - 2440587.5) * 86400000000 as integer)"
	changed := strings.Replace(sql, now, "(select clock from hand)", 1)
	if changed == sql {
		t.Fatalf("rdds_head does not tell the time as %s: %s", now, sql)
	}
	r.run(t, "drop view rdds_head", changed)
}

// copyTo writes the registry as it is now to another file.
func (r *registryFile) copyTo(t testing.TB, path string) {
	t.Helper()
	r.run(t, "vacuum into '"+path+"'")
}

// An edge is a Follower with a real registry, and a real disk if dir is set.
type edge struct {
	*feed.Follower
	t      testing.TB
	log    *logged
	source *sqlite.Source
	hooks  *hooks
	cancel context.CancelFunc
	done   chan error
}

// logged collects what was logged.
type logged struct {
	mu    sync.Mutex
	lines bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lines.Write(p)
}

// count returns how many lines contain what.
func (l *logged) count(what string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for line := range strings.Lines(l.lines.String()) {
		if strings.Contains(line, what) {
			n++
		}
	}
	return n
}

// hooks stands between the Follower and a real Source, so that a test can look
// in the middle of a snapshot and see when the registry was asked.
type hooks struct {
	feed.Source
	mu         sync.Mutex
	onSnapshot func()
	onPut      func(cache.Change)
	onNext     func(at cache.Position)
}

// set changes the hooks of an edge that runs.
func (h *hooks) set(change func(h *hooks)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	change(h)
}

func (h *hooks) Snapshot(ctx context.Context, put func(cache.Change) error) (cache.Position, registry.Time, error) {
	h.mu.Lock()
	onSnapshot, onPut := h.onSnapshot, h.onPut
	h.mu.Unlock()
	if onSnapshot != nil {
		onSnapshot()
	}
	return h.Source.Snapshot(ctx, func(c cache.Change) error {
		if onPut != nil {
			onPut(c)
		}
		return put(c)
	})
}

func (h *hooks) Next(ctx context.Context, at cache.Position, due func(registry.Time) []cache.Key) (cache.Delta, error) {
	h.mu.Lock()
	onNext := h.onNext
	h.mu.Unlock()
	if onNext != nil {
		onNext(at)
	}
	return h.Source.Next(ctx, at, due)
}

// newEdge returns an edge that follows the registry file at path and keeps its
// copy in dir, nowhere if dir is "".
func newEdge(t testing.TB, path, dir string) *edge {
	t.Helper()
	return newEdgeThatPolls(t, pollInterval, path, dir)
}

// newEdgeThatPolls is newEdge with an interval of its own.
func newEdgeThatPolls(t testing.TB, interval time.Duration, path, dir string) *edge {
	t.Helper()
	e := &edge{t: t, log: new(logged)}
	e.source = sqlite.Open(path, interval)
	e.hooks = &hooks{Source: e.source}
	e.Follower = &feed.Follower{
		Source: e.hooks, Cache: new(cache.Cache),
		Log:   slog.New(slog.NewTextHandler(e.log, nil)),
		Clock: feed.Clock{Random: func() float64 { return 0.5 }},
	}
	e.source.Large = func() int { return feed.LargeDelta(e.Cache.Current(), e.MemoryLimit) }
	if dir != "" {
		disk, err := cache.OpenDisk(dir)
		if err != nil {
			t.Fatal(err)
		}
		disk.Log = e.Follower.Log
		e.Disk = disk
	}
	return e
}

// start starts the edge.
func (e *edge) start() *edge {
	ctx, cancel := context.WithCancel(context.Background())
	e.cancel, e.done = cancel, make(chan error, 1)
	go func() { e.done <- e.Serve(ctx) }()
	e.t.Cleanup(e.stop)
	return e
}

// stop stops the edge as SIGTERM does.
func (e *edge) stop() {
	if e.cancel == nil {
		return
	}
	e.cancel()
	e.cancel = nil
	if err := <-e.done; err != nil {
		e.t.Error(err)
	}
	e.source.Close()
}

// settle lets the time pass in which a change must be published, and returns
// what is served then.
func (e *edge) settle() *cache.View { return e.after(200 * time.Millisecond) }

// after lets d pass in the bubble.
func (e *edge) after(d time.Duration) *cache.View {
	e.t.Helper()
	time.Sleep(d)
	synctest.Wait()
	view := e.Cache.Current()
	if view == nil {
		e.t.Fatalf("nothing is served; the log:\n%s", e.log.lines.String())
	}
	return view
}

// state reads the registry whole, past the edge: what its views say.
func state(t testing.TB, path string) *cache.View {
	t.Helper()
	source := sqlite.Open(path, pollInterval)
	defer source.Close()
	builder := cache.NewBuilder(0)
	at, asOf, err := source.Snapshot(context.Background(), builder.Put)
	if err != nil {
		t.Fatal(err)
	}
	view, err := builder.View(at, asOf, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	return view
}

// differences lists where got is not what the registry's views say: rows, what
// is in quarantine, and position.
func differences(got, want *cache.View) []string {
	var diffs []string
	rows := func(v *cache.View) map[cache.Key]string {
		all := make(map[cache.Key]string)
		for key, row := range v.All() {
			if v.Rejection(key) == "" { // a last good row may stay on one side only
				all[cache.Key{Kind: key.Kind, Name: strings.Clone(key.Name)}] = strings.Clone(row)
			}
		}
		for _, key := range v.Quarantined() {
			all[key] = "rejected: " + string(v.Rejection(key))
		}
		return all
	}
	a, b := rows(got), rows(want)
	for key, row := range a {
		if b[key] != row {
			diffs = append(diffs, fmt.Sprintf("%s %q is served as %q, the registry says %q", key.Kind, key.Name, row, b[key]))
		}
	}
	for key, row := range b {
		if _, ok := a[key]; !ok {
			diffs = append(diffs, fmt.Sprintf("%s %q is not served, the registry says %q", key.Kind, key.Name, row))
		}
	}
	if got.Position() != want.Position() {
		diffs = append(diffs, fmt.Sprintf("served is %+v, the registry stands at %+v", got.Position(), want.Position()))
	}
	return diffs
}

// same fails the test when what e serves is not what the registry's views say.
func (e *edge) same(path string) {
	e.t.Helper()
	diffs := differences(e.Cache.Current(), state(e.t, path))
	for i, d := range diffs {
		if i == 10 {
			e.t.Errorf("and %d more", len(diffs)-i)
			break
		}
		e.t.Error(d)
	}
}

func presence(view *cache.View, name string) cache.Presence {
	return view.Domain(name, new(registry.Domain))
}

// replace puts the database file from in the place of to, as an operator must:
// without the log of the old one, which SQLite would replay into the new one.
func replace(t testing.TB, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
	for _, suffix := range []string{"-wal", "-shm"} {
		if err := os.Remove(to + suffix); err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
	}
}

func copyFile(t testing.TB, from, to string) {
	t.Helper()
	content, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, content, 0o600); err != nil {
		t.Fatal(err)
	}
}
