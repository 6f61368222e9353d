package sqlite

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"rddsd/cache/registry"
	"rddsd/cache/registry/synthetic"
)

// lines is a log that ends a context once it has so many lines.
type lines struct {
	bytes.Buffer
	left int
	end  context.CancelFunc
}

func (l *lines) Write(p []byte) (int, error) {
	if l.left--; l.left == 0 {
		l.end()
	}
	return l.Buffer.Write(p)
}

func (l *lines) entries(t *testing.T) []ChurnEntry {
	t.Helper()
	var entries []ChurnEntry
	for line := range bytes.Lines(l.Bytes()) {
		var e ChurnEntry
		if err := json.Unmarshal(line, &e); err != nil {
			t.Fatalf("%v in the line %.200s", err, line)
		}
		entries = append(entries, e)
	}
	return entries
}

// runChurn makes so many transactions.
func runChurn(t *testing.T, path string, transactions int, o ChurnOptions) (*lines, Churned) {
	t.Helper()
	ctx, end := context.WithCancel(context.Background())
	defer end()
	log := &lines{left: transactions, end: end}
	o.Log = log
	done, err := Churn(ctx, path, o)
	if err != nil {
		t.Fatal(err)
	}
	if done.Transactions != transactions {
		t.Fatalf("%d transactions, want %d", done.Transactions, transactions)
	}
	return log, done
}

// states is a registry as the log tells it: domains by name.
func readStates(t *testing.T, db *sql.DB) map[string]ChurnDomain {
	t.Helper()
	list, err := ReadChurnDomains(context.Background(), db)
	if err != nil {
		t.Fatal(err)
	}
	states := map[string]ChurnDomain{}
	for _, d := range list {
		states[d.Name] = d
	}
	return states
}

func replay(states map[string]ChurnDomain, entries []ChurnEntry) {
	for _, e := range entries {
		for _, d := range e.Domains {
			if d.Exists {
				states[d.Name] = d
			} else {
				delete(states, d.Name)
			}
		}
	}
}

// compareStates compares two registries as lines of the log.
func compareStates(t *testing.T, got, want map[string]ChurnDomain) {
	t.Helper()
	differ := 0
	for name := range want {
		g, err := json.Marshal(got[name])
		if err != nil {
			t.Fatal(err)
		}
		w, err := json.Marshal(want[name])
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(g, w) {
			if differ++; differ <= 3 {
				t.Errorf("the log ends with\n%s\nthe registry holds\n%s", g, w)
			}
		}
	}
	for name := range got {
		if _, ok := want[name]; !ok {
			differ++
			t.Errorf("%s: the log says that it is registered", name)
		}
	}
	if differ > 0 {
		t.Errorf("%d of %d names differ", differ, len(want))
	}
}

// protectedRows returns everything that the fixed registrar sponsors.
func protectedRows(t *testing.T, db *sql.DB) []string {
	t.Helper()
	return slices.Concat(
		allRows(t, db, "select * from registrar where clid = 'example'"),
		allRows(t, db, "select * from contact where clid = 'example' order by 1"),
		allRows(t, db, "select * from host where clid = 'example' order by 1"),
		allRows(t, db, "select * from domain where clid = 'example' order by 1"),
		allRows(t, db, "select x.* from domain_host x join domain d on d.roid = x.domain_roid where d.clid = 'example' order by 1, 2"),
		allRows(t, db, "select x.* from domain_contact x join domain d on d.roid = x.domain_roid where d.clid = 'example' order by 1, 2, 3"),
		allRows(t, db, "select x.* from ds x join domain d on d.roid = x.domain_roid where d.clid = 'example' order by 1, 2"))
}

// TestChurnTellsWhatItDid starts from the states before, follows the log, and
// wants the states after. The registry must be as lawful as before.
func TestChurnTellsWhatItDid(t *testing.T) {
	path, _ := generate(t, synthetic.Params{Names: 600, Seed: 1})
	db := openDB(t, path)
	states, fixed := readStates(t, db), protectedRows(t, db)
	log, done := runChurn(t, path, 2500, ChurnOptions{Rate: 1e6, Seed: 2})
	entries := log.entries(t)
	replay(states, entries)
	compareStates(t, states, readStates(t, db))
	if len(states) == 600 || len(states) < 400 {
		t.Errorf("%d names after %d changes of 600", len(states), done.Transactions)
	}
	if after := protectedRows(t, db); len(fixed) == 0 || !slices.Equal(fixed, after) {
		t.Error("what the fixed registrar sponsors has changed")
	}
	var last registry.Time
	var serial uint64
	for _, e := range entries {
		if e.Before < last || e.After < e.Before || e.Serial <= serial {
			t.Errorf("%s: before %d, after %d, serial %d follow %d and %d", e.Change, e.Before, e.After, e.Serial, last, serial)
		}
		last, serial = e.After, e.Serial
	}
	for name, d := range states {
		if label, _, _ := strings.Cut(name, "."); label == "unregistered" || strings.HasPrefix(label, "free-") || !registry.ValidName(name) {
			t.Errorf("%s is registered", name)
		}
		set, err := parseStatuses(list(d.Statuses))
		if err != nil {
			t.Fatal(err)
		}
		if set&registry.PendingDelete != 0 && set&deleteProhibited != 0 || set&registry.PendingTransfer != 0 && set&transferProhibited != 0 {
			t.Errorf("%s has statuses %q", name, d.Statuses)
		}
	}
	for query, want := range map[string]string{
		"pragma integrity_check":                                                                "ok",
		"select count(*) from pragma_foreign_key_check":                                         "0",
		"select count(*) > 0 from rdds_tick":                                                    "1", // the first heartbeat; a slow machine comes to the second
		"select seq = (select max(seq) from rdds_journal) from rdds_head":                       "1",
		"select count(*) from rdds_contact where redacted like '%\"org\"%' and org is not null": "0",
		"select count(*) from contact where email <> '' and email not like '%.example'":         "0",
		"select count(*) from reserved r join domain d on d.name = r.name":                      "0",
		"select count(*) from domain_host x join host h on h.roid = x.host_roid where h.clid = 'example' and x.domain_roid not in (select roid from domain where clid = 'example')": "0",
	} {
		if got := allRows(t, db, query); !slices.Equal(got, []string{want}) {
			t.Errorf("%s: %q, want %s", query, got, want)
		}
	}
}

func list(texts []string) string { return string(appendList(nil, texts)) }

// newChurner returns a churner of the registry at path, which ends with the test.
func newChurner(t *testing.T, path string, seed uint64) *churner {
	t.Helper()
	db, err := OpenWriter(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	fiction, err := synthetic.NewFiction(seed)
	if err != nil {
		t.Fatal(err)
	}
	c := &churner{conn: conn, fiction: fiction, stmts: map[string]*sql.Stmt{}}
	t.Cleanup(func() {
		if err := errors.Join(c.close(), conn.Close(), db.Close()); err != nil {
			t.Error(err)
		}
	})
	if err := c.learn(t.Context()); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestChurnDoesNotRegisterWhatIsReserved(t *testing.T) {
	path, _ := generate(t, synthetic.Params{Names: 100, Seed: 1})
	other, err := synthetic.NewFiction(5)
	if err != nil {
		t.Fatal(err)
	}
	label, _, _ := other.Label()
	if _, err := openDB(t, path).Exec("insert into reserved (name, reason) values (?, 'blocked')", label+".coop"); err != nil {
		t.Fatal(err)
	}
	// The first name that this one draws is the one just reserved.
	name, _, _, err := newChurner(t, path, 5).freeName(t.Context())
	if err != nil || name == label+".coop" {
		t.Errorf("freeName() = %q, %v, want another name than the reserved one", name, err)
	}
}

// TestEveryKindOfChange makes each kind several times, the rare ones too, and
// wants the log to tell of every domain whose answer it changed.
func TestEveryKindOfChange(t *testing.T) {
	ctx := context.Background()
	path, _ := generate(t, synthetic.Params{Names: 600, Seed: 1})
	db := openDB(t, path)
	c := newChurner(t, path, 3)
	most := map[string]int{"transfer in bulk": 30, "rename registrar": 5, "rename large host": 5}
	total := 0
	for _, kind := range changeKinds() {
		total += kind.weight
		states := readStates(t, db)
		made, widest := 0, 0
		for range 40 {
			entry, err := c.make(ctx, kind, true)
			if errors.Is(err, errNothing) {
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			made++
			widest = max(widest, len(entry.Domains))
			replay(states, []ChurnEntry{*entry})
		}
		if made == 0 || widest < most[kind.name] {
			t.Errorf("%s: made %d times of 40, at most %d domains at once, want at least %d", kind.name, made, widest, most[kind.name])
		}
		compareStates(t, states, readStates(t, db))
	}
	if total != 10000 {
		t.Errorf("the weights of all kinds make %d, want 10000", total)
	}
}

func TestChurnIsPaced(t *testing.T) {
	path, _ := generate(t, synthetic.Params{Names: 200, Seed: 1})
	start := time.Now()
	runChurn(t, path, 21, ChurnOptions{Rate: 100, Seed: 1})
	if took := time.Since(start); took < 200*time.Millisecond {
		t.Errorf("21 transactions at 100 a second took %s, want 200ms at least", took)
	}
}

func TestChurnEndsWithItsTime(t *testing.T) {
	path, _ := generate(t, synthetic.Params{Names: 200, Seed: 1})
	done, err := Churn(context.Background(), path, ChurnOptions{Rate: 500, For: 200 * time.Millisecond, Seed: 1})
	if err != nil || done.Transactions == 0 || done.Transactions > 101 {
		t.Errorf("200 ms at 500 a second: %+v, %v, want 1 to 101 transactions and no error", done, err)
	}
	total := 0
	for _, n := range done.Changes {
		total += n
	}
	if total != done.Transactions {
		t.Errorf("%d transactions, %d by kind", done.Transactions, total)
	}
	ended, end := context.WithCancel(context.Background())
	end()
	if done, err := Churn(ended, path, ChurnOptions{Rate: 1}); err != nil || done.Transactions != 0 {
		t.Errorf("a context that has ended: %+v, %v", done, err)
	}
}

func TestChurnFollowsItsSeed(t *testing.T) {
	var first []string
	for range 2 {
		path, _ := generate(t, synthetic.Params{Names: 300, Seed: 1})
		runChurn(t, path, 200, ChurnOptions{Rate: 1e6, Seed: 9})
		rows := allRows(t, openDB(t, path), "select name, roid, clid, registrant, statuses, rgp from domain order by name")
		if first != nil && !slices.Equal(first, rows) {
			t.Error("the same seed has made other changes")
		}
		first = rows
	}
}

func TestChurnRefuses(t *testing.T) {
	ctx := context.Background()
	path, _ := generate(t, synthetic.Params{Names: 1, Seed: 1}) // the fixed names alone
	for name, run := range map[string]func() error{
		"no rate":            func() error { _, err := Churn(ctx, path, ChurnOptions{}); return err },
		"a time before now":  func() error { return ChurnOptions{Rate: 1, For: -time.Second}.Check() },
		"locked throughout":  func() error { return churnLocked(ctx, t) },
		"only fixed names":   func() error { _, err := Churn(ctx, path, ChurnOptions{Rate: 1, For: 5 * time.Second}); return err },
		"no file at all":     func() error { _, err := Churn(ctx, filepath.Join(t.TempDir(), "x"), ChurnOptions{Rate: 1}); return err },
		"a log that is full": func() error { return churnInto(ctx, t) },
	} {
		if err := run(); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, bytes.ErrTooLarge }

func churnInto(ctx context.Context, t *testing.T) error {
	path, _ := generate(t, synthetic.Params{Names: 100, Seed: 1})
	_, err := Churn(ctx, path, ChurnOptions{Rate: 100, Log: full{}})
	return err
}

// churnLocked runs while another program holds the registry's write lock.
func churnLocked(ctx context.Context, t *testing.T) error {
	path, _ := generate(t, synthetic.Params{Names: 100, Seed: 1})
	conn, err := openDB(t, path).Conn(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.ExecContext(ctx, "begin immediate"); err != nil {
		t.Fatal(err)
	}
	_, err = Churn(ctx, path, ChurnOptions{Rate: 100, For: 100 * time.Millisecond})
	return err
}
