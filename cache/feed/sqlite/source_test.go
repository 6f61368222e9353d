package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rddsd/cache"
	"rddsd/cache/feed"
	"rddsd/cache/feed/contract"
	"rddsd/cache/registry"
)

const interval = 5 * time.Second

// registryOf loads a registry of n domains.
func registryOf(t testing.TB, n int) string {
	t.Helper()
	return load(t, func(l *Loader) error { return fill(l, n) })
}

// writer opens the registry at path as outside programs are told to.
func writer(t testing.TB, path string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", fileURI(path, url.Values{
		"_pragma": {"busy_timeout(5000)", "foreign_keys(1)", "recursive_triggers(1)"}, "_txlock": {"immediate"},
	}))
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func run(t testing.TB, db *sql.DB, statements ...string) {
	t.Helper()
	for _, s := range statements {
		if _, err := db.Exec(s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

func open(t testing.TB, path string) *Source {
	t.Helper()
	s := Open(path, interval)
	t.Cleanup(s.Close)
	return s
}

func snapshot(t testing.TB, s *Source) (cache.Position, map[cache.Key]cache.Change) {
	t.Helper()
	rows := make(map[cache.Key]cache.Change)
	last := registry.KindTLD
	at, _, err := s.Snapshot(context.Background(), func(c cache.Change) error {
		if c.Kind < last {
			t.Errorf("%s %q comes after a %s", c.Kind, c.Name, last)
		}
		last = c.Kind
		rows[c.Key] = c
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return at, rows
}

func noneDue(registry.Time) []cache.Key { return nil }

// next returns the delta after at, which must be there without waiting.
func next(t testing.TB, s *Source, at cache.Position, due ...cache.Key) cache.Delta {
	t.Helper()
	s.at = cache.Position{}
	delta, err := s.Next(context.Background(), at, func(registry.Time) []cache.Key { return due })
	if err != nil {
		t.Fatal(err)
	}
	return delta
}

func TestSnapshotHasEveryObject(t *testing.T) {
	path := registryOf(t, 20)
	run(t, writer(t, path), "insert into reserved (name, reason) values ('reserved.coop', 'reserved')")
	at, rows := snapshot(t, open(t, path))
	var count [registry.Kinds]int
	for _, c := range rows {
		if c.Reject != "" || c.Row == "" {
			t.Errorf("%s %q is rejected: %q", c.Kind, c.Name, c.Reject)
		}
		count[c.Kind]++
	}
	if want := [registry.Kinds]int{1, 100, 16, 2, 20, 1}; count != want {
		t.Errorf("the snapshot has %v objects by kind, want %v", count, want)
	}
	if at.Serial != 1 || at.Contract != registry.Contract || len(at.Registry) != 32 || len(at.Epoch) != 32 {
		t.Errorf("it stands at %+v, want serial 1", at)
	}
}

func TestNextHasWhatChanged(t *testing.T) {
	path := registryOf(t, 20)
	db := writer(t, path)
	s := open(t, path)
	at, rows := snapshot(t, s)
	run(t, db,
		"update domain set statuses = '[\"clientHold\"]' where name = 'name-1.coop'",
		"update domain set statuses = '[]' where name = 'name-1.coop'",
		"update registrar set name = 'New' where clid = 'reg-0'",
		"delete from domain where name = 'name-2.coop'",
		"update domain set authinfo = 'secret' where name = 'name-3.coop'", // private: no journal row
		"update registrar set billing_note = 'late' where clid = 'reg-3'",
	)
	due := cache.Key{Kind: registry.KindDomain, Name: "name-4.coop"}
	delta := next(t, s, at, due, due)

	got := make(map[cache.Key]cache.Change)
	for _, c := range delta.Changes {
		if _, twice := got[c.Key]; twice {
			t.Errorf("%s %q stands in the delta twice", c.Kind, c.Name)
		}
		got[c.Key] = c
	}
	for _, test := range []struct {
		key  cache.Key
		want func(c cache.Change) bool
	}{
		{cache.Key{Kind: registry.KindDomain, Name: "name-1.coop"}, func(c cache.Change) bool { return c.Row != "" && c.Row != rows[c.Key].Row }},
		{cache.Key{Kind: registry.KindRegistrar, Name: "reg-0"}, func(c cache.Change) bool { return strings.Contains(c.Row, "New") }},
		{cache.Key{Kind: registry.KindDomain, Name: "name-2.coop"}, func(c cache.Change) bool { return c.Row == "" && c.Reject == "" }},
		{due, func(c cache.Change) bool { return c.Row == rows[c.Key].Row }},
	} {
		if c, ok := got[test.key]; !ok || !test.want(c) {
			t.Errorf("%s %q in the delta: %v, %+v", test.key.Kind, test.key.Name, ok, c)
		}
	}
	for _, name := range []string{"name-3.coop", "name-5.coop"} {
		if _, ok := got[cache.Key{Kind: registry.KindDomain, Name: name}]; ok {
			t.Errorf("the delta has %s, of which nothing public changed", name)
		}
	}
	if age := time.Since(delta.AsOf.Std()); age < -time.Second || age > time.Minute {
		t.Errorf("as of %v, %v ago", delta.AsOf, age)
	}
	if again := next(t, s, delta.To); len(again.Changes) != 0 || again.To != delta.To || again.AsOf < delta.AsOf {
		t.Errorf("Next at %+v: %d changes, at %+v", delta.To, len(again.Changes), again.To)
	}
}

func TestManyKeysComeInChunks(t *testing.T) {
	const n = 2*contract.ChunkKeys + 7
	path := registryOf(t, n)
	db := writer(t, path)
	s := open(t, path)
	at, rows := snapshot(t, s)
	run(t, db, "update domain set expires = expires + 1")
	delta := next(t, s, at)
	if len(delta.Changes) != n {
		t.Fatalf("the delta has %d changes, want %d", len(delta.Changes), n)
	}
	for _, c := range delta.Changes {
		if c.Row == "" || c.Row == rows[c.Key].Row {
			t.Fatalf("%q did not change: %q", c.Name, c.Reject)
		}
	}
}

func TestPositionThatDoesNotHold(t *testing.T) {
	path := registryOf(t, 3)
	db := writer(t, path)
	run(t, db, "update domain set expires = expires + 1")
	s := open(t, path)
	at, _ := snapshot(t, s)
	if at.Serial != 3 {
		t.Fatalf("the registry stands at %d, want 3", at.Serial)
	}
	with := func(change func(*cache.Position)) cache.Position { p := at; change(&p); return p }
	tests := []struct {
		rule   string
		at     cache.Position
		before []string
		want   error
		reason feed.Reason
	}{
		{"another epoch", with(func(p *cache.Position) { p.Epoch = "other" }), nil, feed.ErrGap, feed.ReasonEpoch},
		{"before ours", with(func(p *cache.Position) { p.Serial = 4 }), nil, feed.ErrGap, feed.ReasonRewound},
		{"pruned up to ours", at, []string{"update rdds_meta set floor = 3", "delete from rdds_journal"}, nil, ""},
		{"pruned past ours", with(func(p *cache.Position) { p.Serial = 2 }), nil, feed.ErrGap, feed.ReasonPruned},
		{"another registry", with(func(p *cache.Position) { p.Registry = "other" }), nil, feed.ErrOtherRegistry, ""},
		{"a newer contract", at, []string{"update rdds_meta set contract = 2"}, feed.ErrContract, ""},
	}
	for _, test := range tests {
		t.Run(test.rule, func(t *testing.T) {
			run(t, db, test.before...)
			s.at = cache.Position{}
			_, err := s.Next(context.Background(), test.at, noneDue)
			var gap *feed.Gap
			if !errors.Is(err, test.want) || errors.As(err, &gap) && gap.Reason != test.reason {
				t.Errorf("Next at %+v: %v, want %v %s", test.at, err, test.want, test.reason)
			}
		})
	}
	t.Run("a snapshot of a newer contract", func(t *testing.T) {
		_, _, err := s.Snapshot(context.Background(), func(cache.Change) error { return nil })
		if !errors.Is(err, feed.ErrContract) || !strings.Contains(err.Error(), path) {
			t.Errorf("Snapshot: %v, want %v with the path", err, feed.ErrContract)
		}
	})
}

func TestFaultOfTheFile(t *testing.T) {
	whole := registryOf(t, 50)
	content, err := os.ReadFile(whole)
	if err != nil {
		t.Fatal(err)
	}
	put := func(content []byte) func(t *testing.T, path string) {
		return func(t *testing.T, path string) {
			if err := os.WriteFile(path, content, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	torn := slices.Clone(content)
	for i := 4096; i < len(torn); i++ {
		torn[i] = 0xa5
	}
	tests := []struct {
		rule  string
		spoil func(t *testing.T, path string)
		want  string
	}{
		{"missing", func(*testing.T, string) {}, "put it back"},
		{"empty", put(nil), "the file is empty"},
		{"a directory", func(t *testing.T, path string) {
			if err := os.Mkdir(path, 0o700); err != nil {
				t.Fatal(err)
			}
		}, "it is not a file"},
		{"no database", put([]byte(strings.Repeat("no database ", 1000))), "restore it from a backup"},
		{"cut off", put(content[:len(content)/2]), "restore it from a backup"},
		{"overwritten", put(torn), "restore it from a backup"},
		{"another database", func(t *testing.T, path string) { run(t, writer(t, path), "create table t (a)") }, "not a registry of the publication contract"},
		{"no head", func(t *testing.T, path string) {
			put(content)(t, path)
			run(t, writer(t, path), "delete from rdds_meta")
		}, "rdds_head has 0 rows instead of one"},
		{"a head of another form", func(t *testing.T, path string) {
			put(content)(t, path)
			run(t, writer(t, path), "drop view rdds_head", "create view rdds_head as select 1 registry, 2 epoch, 1 contract, 0 floor, 0 seq, 5 clock")
		}, "rdds_head says"},
		{"locked", func(t *testing.T, path string) {
			put(content)(t, path)
			db := writer(t, path)
			run(t, db, "pragma journal_mode = delete", "begin exclusive")
			t.Cleanup(func() { run(t, db, "rollback") })
		}, "kept it locked"},
	}
	for _, test := range tests {
		t.Run(test.rule, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "registry.sqlite")
			test.spoil(t, path)
			_, before := os.Stat(path)
			s := open(t, path)
			for call, err := range map[string]error{
				"Snapshot": func() error {
					_, _, err := s.Snapshot(context.Background(), func(cache.Change) error { return nil })
					return err
				}(),
				"Next": func() error {
					_, err := s.Next(context.Background(), cache.Position{Registry: "r"}, noneDue)
					return err
				}(),
			} {
				if err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), test.want) {
					if call == "Next" && errors.Is(err, feed.ErrOtherRegistry) {
						continue // the head of a torn file can be whole
					}
					t.Errorf("%s: %v, want the path and %q", call, err, test.want)
				}
			}
			if _, after := os.Stat(path); (before == nil) != (after == nil) {
				t.Errorf("there before: %v, after: %v", before, after)
			}
		})
	}
}

func TestFileIsNoticedWhenItIsReplaced(t *testing.T) {
	path := registryOf(t, 20)
	backup := filepath.Join(t.TempDir(), "backup.sqlite")
	db := writer(t, path)
	run(t, db, "vacuum into '"+backup+"'")
	s := open(t, path)
	at, _ := snapshot(t, s)

	// Another program changes a copy; the copy takes the file's place.
	run(t, writer(t, backup), "pragma journal_mode = delete", "update registrar set name = 'Copy' where clid = 'reg-0'")
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path, path+".away"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Next(context.Background(), at, noneDue); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("Next while the file is away: %v", err)
	}
	if err := os.Rename(path+".away", path); err != nil {
		t.Fatal(err)
	}
	if delta := next(t, s, at); len(delta.Changes) != 0 || delta.To != at {
		t.Fatalf("Next after the file came back: %d changes, at %+v", len(delta.Changes), delta.To)
	}
	if err := os.Rename(backup, path); err != nil {
		t.Fatal(err)
	}
	delta, err := s.Next(context.Background(), at, noneDue)
	if err != nil || len(delta.Changes) != 1 || delta.To.Serial != at.Serial+1 {
		t.Fatalf("Next after another file took its place: %d changes, at %+v, %v", len(delta.Changes), delta.To, err)
	}

	// The same, written over it in place: the connection's page cache must not
	// answer from the old file.
	content, err := os.ReadFile(registryOf(t, 20))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Next(context.Background(), delta.To, noneDue); !errors.Is(err, feed.ErrOtherRegistry) {
		t.Errorf("Next after another registry was written over the file: %v", err)
	}
}

func TestReaderNeverWrites(t *testing.T) {
	path := registryOf(t, 20)
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	s := open(t, path)
	snapshot(t, s)
	if err := s.reader.exec("update registrar set name = 'x'"); err == nil {
		t.Error("the connection can write")
	}
	s.Close()
	after, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(before, after) {
		t.Error("the file has changed")
	}
}

func TestNextWaits(t *testing.T) {
	path := registryOf(t, 20)
	synctest.Test(t, func(t *testing.T) {
		db := writer(t, path)
		s := Open(path, interval)
		defer s.Close()
		defer db.Close()
		at, _ := snapshot(t, s)

		for range 20 {
			start := time.Now()
			delta, err := s.Next(context.Background(), at, noneDue)
			if err != nil || len(delta.Changes) != 0 {
				t.Fatalf("a quiet registry: %d changes, %v", len(delta.Changes), err)
			}
			if took := time.Since(start); took < interval*9/10 || took > interval*11/10+tick {
				t.Errorf("a delta without changes comes after %v, want %v up to a tenth", took, interval)
			}
		}

		var start time.Time
		done := make(chan struct{})
		go func() {
			defer close(done)
			time.Sleep(time.Second)
			start = time.Now()
			run(t, db, "update registrar set name = 'A' where clid = 'reg-0'")
			time.Sleep(settle / 2)
			run(t, db, "update registrar set name = 'B' where clid = 'reg-1'")
		}()
		delta, err := s.Next(context.Background(), at, noneDue)
		took := time.Since(start)
		<-done
		if err != nil || len(delta.Changes) != 2 {
			t.Errorf("two commits close together: %d changes in one delta, %v, want 2", len(delta.Changes), err)
		}
		if took > tick+settle+time.Millisecond {
			t.Errorf("the change came after %v, want at most %v", took, tick+settle)
		}

		ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
		defer cancel()
		if _, err := s.Next(ctx, delta.To, noneDue); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Next whose context ends: %v", err)
		}
		start = time.Now()
		if _, err := s.Next(context.Background(), delta.To, noneDue); err != nil || time.Since(start) > 0 {
			t.Errorf("the call after a cancelled one returned after %v, want a poll at once: %v", time.Since(start), err)
		}
	})
}

func TestSnapshotEndsWithItsContext(t *testing.T) {
	s := open(t, registryOf(t, 3*contextRows))
	ctx, cancel := context.WithCancel(context.Background())
	rows := 0
	_, _, err := s.Snapshot(ctx, func(cache.Change) error {
		if rows++; rows == 10 {
			cancel()
		}
		return nil
	})
	if !errors.Is(err, context.Canceled) || rows > 2*contextRows {
		t.Errorf("Snapshot: %v after %d rows", err, rows)
	}
	snapshot(t, s) // and can be asked again
}

func TestKeyIsReadAsItIs(t *testing.T) {
	path := registryOf(t, 3)
	db := writer(t, path)
	s := open(t, path)
	at, _ := snapshot(t, s)
	const odd = `it's "odd" \ [é]`
	run(t, db, fmt.Sprintf("insert into host (roid, name, clid) values (%s, 'odd.example.net', 'reg-0')", "'it''s \"odd\" \\ [é]'"))
	delta := next(t, s, at)
	if len(delta.Changes) != 1 || delta.Changes[0].Name != odd || delta.Changes[0].Row == "" {
		t.Errorf("the delta is %+v, want the host %q", delta.Changes, odd)
	}
}

// A view that compares without case answers for another key than the one asked
// for: the object is not gone.
func TestKeyThatComesBackOtherwiseIsNotADelete(t *testing.T) {
	path := registryOf(t, 3)
	db := writer(t, path)
	run(t, db, "drop view rdds_host", `create view rdds_host as select upper(roid) collate nocase as key, name, clid as registrar,
		v4, v6, statuses, created, updated from host`)
	s := open(t, path)
	at, _ := snapshot(t, s)
	run(t, db, "insert into host (roid, name, clid) values ('low', 'low.example.net', 'reg-0')")
	if delta := next(t, s, at); len(delta.Changes) != 1 || delta.Changes[0].Reject != registry.RejectKey {
		t.Errorf("the delta is %+v, want one row rejected as %s", delta.Changes, registry.RejectKey)
	}
}

// Rows without a key spoil nothing but themselves.
func TestRowsWithoutAKey(t *testing.T) {
	path := registryOf(t, 3)
	run(t, writer(t, path), "drop view rdds_reserved",
		"create view rdds_reserved as select null as key, 'reserved' as reason, null as of, null as idn_table, null as public_text from domain")
	_, rows := snapshot(t, open(t, path))
	if c := rows[cache.Key{Kind: registry.KindReserved}]; c.Reject != registry.RejectName {
		t.Errorf("the rows without a key are put as %+v", c)
	}
}
