package sqlite

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"rddsd/cache/registry"
)

func TestMaintainBeatsAndPrunes(t *testing.T) {
	ctx := context.Background()
	path := load(t, small)
	db, err := OpenWriter(ctx, path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	touch := func() {
		if _, err := db.Exec("update reserved set public_text = 'x'"); err != nil {
			t.Fatal(err)
		}
	}
	state := func() string {
		return allRows(t, db, "select floor, seq, (select group_concat(seq) from rdds_journal), (select min(seq) from rdds_tick) from rdds_head")[0]
	}
	before := registry.TimeOf(time.Now().Add(-time.Second))
	step := func(keep time.Duration, want string) {
		t.Helper()
		if err := Maintain(ctx, db, keep); err != nil {
			t.Fatal(err)
		}
		if got := state(); got != want {
			t.Errorf("floor|seq|journal|oldest tick after Maintain(%s): %s, want %s", keep, got, want)
		}
	}
	touch()
	touch()
	step(time.Hour, "0|2|1,2|2")
	// The tick that was just written is an hour old for the next heartbeats.
	if _, err := db.Exec("update rdds_tick set at = at - 3700000000"); err != nil {
		t.Fatal(err)
	}
	touch()
	step(2*time.Hour, "0|3|1,2,3|2")
	step(time.Hour, "2|3|3|2")
	if _, err := db.Exec("update rdds_tick set at = at - 3700000000"); err != nil {
		t.Fatal(err)
	}
	step(time.Hour, "3|3|<nil>|3") // the journal is empty and the sequence goes on
	touch()
	if got, want := state(), "3|4|4|3"; got != want {
		t.Errorf("floor|seq|journal|oldest tick after another change: %s, want %s", got, want)
	}
	var beat registry.Time
	if err := db.QueryRow("select beat_at from rdds_meta").Scan(&beat); err != nil || beat < before {
		t.Errorf("beat_at is %s (%v), want now", beat, err)
	}
}

func TestWriterNeverMakesAFile(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	path := filepath.Join(dir, "registry.sqlite")
	if _, err := OpenWriter(ctx, path); err == nil {
		t.Error("a file that is not there was opened to write")
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 0 {
		t.Errorf("files after that: %v (%v), want none", entries, err)
	}
	if err := os.WriteFile(path, []byte("not a database, but long enough for a page header"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenWriter(ctx, path); err == nil {
		t.Error("a file that is no database was opened to write")
	}
}

func TestWriterFollowsTheContract(t *testing.T) {
	db, err := OpenWriter(context.Background(), load(t, small))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for pragma, want := range map[string]string{"journal_mode": "wal", "foreign_keys": "1", "recursive_triggers": "1", "busy_timeout": "10000"} {
		if got := allRows(t, db, "pragma "+pragma); !slices.Equal(got, []string{want}) {
			t.Errorf("pragma %s: %q, want %s", pragma, got, want)
		}
	}
	if _, err := db.Exec("delete from registrar where clid = 'reg-a'"); err == nil {
		t.Error("a registrar that is referred to was deleted")
	}
}
