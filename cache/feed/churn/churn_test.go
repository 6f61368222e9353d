package churn_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"rddsd/cache/feed/churn"
	"rddsd/cache/feed/postgres/pgtest"
	"rddsd/cache/feed/tables"
	"rddsd/cache/feed/tables/tablestest"
	"rddsd/cache/registry"
	"rddsd/cache/registry/synthetic"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// each runs test with a session on a registry of names in each database.
func each(t *testing.T, names int, test func(t *testing.T, db tables.Database)) {
	tablestest.Each(t, func(t *testing.T, e tablestest.Engine) {
		test(t, e.Open(t, e.Fictional(t, synthetic.Params{Names: names, Seed: 1})))
	})
}

// small returns a session on a registry of 200 names.
func small(t *testing.T) tables.Database {
	e := tablestest.SQLite()
	return e.Open(t, e.Fictional(t, synthetic.Params{Names: 200, Seed: 1}))
}

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

func (l *lines) entries(t *testing.T) []churn.Entry {
	t.Helper()
	var entries []churn.Entry
	for line := range bytes.Lines(l.Bytes()) {
		var e churn.Entry
		if err := json.Unmarshal(line, &e); err != nil {
			t.Fatalf("%v in the line %.200s", err, line)
		}
		entries = append(entries, e)
	}
	return entries
}

// run makes so many transactions.
func run(t *testing.T, db tables.Database, transactions int, o churn.Options) (*lines, churn.Done) {
	t.Helper()
	ctx, end := context.WithCancel(t.Context())
	defer end()
	log := &lines{left: transactions, end: end}
	o.Log = log
	done, err := churn.Run(ctx, db, o)
	must(t, err)
	if done.Transactions != transactions {
		t.Fatalf("%d transactions, want %d", done.Transactions, transactions)
	}
	return log, done
}

// states is a registry as the log tells it: domains by name.
func states(t *testing.T, db tables.Database) map[string]churn.Domain {
	t.Helper()
	list, err := churn.ReadDomains(t.Context(), db)
	must(t, err)
	states := map[string]churn.Domain{}
	for _, d := range list {
		states[d.Name] = d
	}
	return states
}

func replay(states map[string]churn.Domain, entries []churn.Entry) {
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

// compare compares two registries as lines of the log.
func compare(t *testing.T, got, want map[string]churn.Domain) {
	t.Helper()
	differ := 0
	for name := range want {
		g, err := json.Marshal(got[name])
		must(t, err)
		w, err := json.Marshal(want[name])
		must(t, err)
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

// objects returns what a registry holds beside domains, one line each, without
// the moments at which a churn has touched it.
func objects(t *testing.T, db tables.Database, where string) []string {
	t.Helper()
	const text = "||'|'||"
	var all []string
	for _, query := range []string{
		"select clid" + text + "name from registrar",
		"select roid" + text + "id" + text + "clid" + text + "coalesce(name, '-')" + text + "coalesce(org, '-')" + text + "coalesce(sp, '-')" + text +
			"coalesce(cc, '-')" + text + "coalesce(email, '-')" + text + db.JSON("disclose") + " from contact",
		"select roid" + text + "name" + text + "clid" + text + db.JSON("v4") + text + db.JSON("v6") + " from host",
	} {
		list, err := tables.Texts(t.Context(), db, query+where+" order by 1")
		must(t, err)
		all = append(all, list...)
	}
	slices.Sort(all)
	return all
}

// protected returns everything that the fixed registrar sponsors.
func protected(t *testing.T, db tables.Database) []string {
	t.Helper()
	all := objects(t, db, " where clid = 'example'")
	for name, d := range states(t, db) {
		if d.Registrar == "example" {
			line, err := json.Marshal(d)
			must(t, err)
			all = append(all, name+string(line))
		}
	}
	slices.Sort(all)
	return all
}

// TestChurnTellsWhatItDid starts from the states before, follows the log, and
// wants the states after. The registry must be as lawful as before.
func TestChurnTellsWhatItDid(t *testing.T) {
	each(t, 600, func(t *testing.T, db tables.Database) {
		before, fixed := states(t, db), protected(t, db)
		log, done := run(t, db, 800, churn.Options{Rate: 1e6, Seed: 2})
		entries := log.entries(t)
		replay(before, entries)
		after := states(t, db)
		compare(t, before, after)
		if len(after) == 600 || len(after) < 450 {
			t.Errorf("%d names after %d changes of 600", len(after), done.Transactions)
		}
		if now := protected(t, db); len(fixed) < 7 || !slices.Equal(fixed, now) {
			t.Errorf("what the fixed registrar sponsors has changed:\n%q\nto\n%q", fixed, now)
		}
		var last registry.Time
		var serial uint64
		for _, e := range entries {
			if e.Before < last || e.After < e.Before || e.Serial <= serial {
				t.Errorf("%s: before %d, after %d, serial %d follow %d and %d", e.Change, e.Before, e.After, e.Serial, last, serial)
			}
			last, serial = e.After, e.Serial
		}
		for name, d := range after {
			if label, _, _ := strings.Cut(name, "."); label == "unregistered" || strings.HasPrefix(label, "free-") || !registry.ValidName(name) {
				t.Errorf("%s is registered", name)
			}
			has := func(status string) bool { return slices.Contains(d.Statuses, status) }
			if has("pendingDelete") && (has("clientDeleteProhibited") || has("serverDeleteProhibited")) {
				t.Errorf("%s has statuses %q", name, d.Statuses)
			}
		}
		for query, want := range map[string]string{
			"select count(*) from contact where email <> '' and email not like '%.example'":                                                                                             "0",
			"select count(*) from reserved r join domain d on d.name = r.name":                                                                                                          "0",
			"select count(*) from domain_host x join host h on h.roid = x.host_roid where h.clid = 'example' and x.domain_roid not in (select roid from domain where clid = 'example')": "0",
			"select count(*) from " + db.View(registry.KindContact) + " where " + db.JSON("redacted") + " like '%\"org\"%' and org is not null":                                         "0",
		} {
			var got string
			if _, err := tables.Row(t.Context(), db, "select cast(n as text) from ("+strings.Replace(query, "count(*)", "count(*) as n", 1)+") t", nil, &got); err != nil || got != want {
				t.Errorf("%s: %s, %v; want %s", query, got, err, want)
			}
		}
	})
}

// TestSameSeedSameChangesInBothDatabases makes the twins diverge if either of
// them means something else by a statement.
func TestSameSeedSameChangesInBothDatabases(t *testing.T) {
	var (
		first  []string
		domain map[string]churn.Domain
	)
	for _, e := range []tablestest.Engine{tablestest.SQLite(), tablestest.Postgres(), tablestest.SQLite()} {
		db := e.Open(t, e.Fictional(t, synthetic.Params{Names: 300, Seed: 1}))
		run(t, db, 300, churn.Options{Rate: 1e6, Seed: 9})
		now, held := states(t, db), objects(t, db, "")
		for name, d := range now { // the moments are those of the run
			d.Created, d.Updated, d.Transferred, d.Expires = 0, 0, 0, 0
			d.AddUntil, d.RenewUntil, d.AutoRenewUntil, d.TransferUntil = 0, 0, 0, 0
			now[name] = d
		}
		if first == nil {
			first, domain = held, now
			continue
		}
		compare(t, now, domain)
		if !slices.Equal(held, first) {
			t.Errorf("%s: registrars, contacts or hosts differ: %d rows, want %d", e.Name, len(held), len(first))
		}
	}
}

func TestChurnDoesNotRegisterWhatIsReserved(t *testing.T) {
	other, err := synthetic.NewFiction(5)
	must(t, err)
	label, _, _ := other.Label()
	each(t, 100, func(t *testing.T, db tables.Database) {
		must(t, db.Exec(t.Context(), "insert into reserved (name, reason) values (?1, 'blocked')", label+".coop"))
		maker, err := churn.NewMaker(t.Context(), db, 5)
		must(t, err)
		// The first name that this one draws is the one just reserved.
		if name, err := maker.FreeName(t.Context()); err != nil || name == label+".coop" {
			t.Errorf("FreeName() = %q, %v, want another name than the reserved one", name, err)
		}
	})
}

// TestEveryKindOfChange makes each kind several times, the rare ones too, and
// wants the log to tell of every domain whose answer it changed.
func TestEveryKindOfChange(t *testing.T) {
	most := map[string]int{"transfer in bulk": 20, "rename registrar": 5, "rename large host": 5}
	total := 0
	for _, weight := range churn.Weights() {
		total += weight
	}
	if total != 10000 {
		t.Errorf("the weights of all kinds make %d, want 10000", total)
	}
	each(t, 600, func(t *testing.T, db tables.Database) {
		maker, err := churn.NewMaker(t.Context(), db, 3)
		must(t, err)
		for kind := range churn.Weights() {
			before := states(t, db)
			made, widest := 0, 0
			for range 40 {
				entry, err := maker.Make(t.Context(), kind)
				if errors.Is(err, churn.ErrNothing) {
					continue
				}
				must(t, err)
				made++
				widest = max(widest, len(entry.Domains))
				replay(before, []churn.Entry{*entry})
			}
			if made == 0 || widest < most[kind] {
				t.Errorf("%s: made %d times of 40, at most %d domains at once, want at least %d", kind, made, widest, most[kind])
			}
			compare(t, before, states(t, db))
		}
	})
}

func TestChurnIsPaced(t *testing.T) {
	db := small(t)
	start := time.Now()
	run(t, db, 21, churn.Options{Rate: 100, Seed: 1})
	if took := time.Since(start); took < 200*time.Millisecond {
		t.Errorf("21 transactions at 100 a second took %s, want 200ms at least", took)
	}
}

func TestChurnEndsWithItsTime(t *testing.T) {
	db := small(t)
	done, err := churn.Run(t.Context(), db, churn.Options{Rate: 20, For: 5 * time.Second, Seed: 1})
	if err != nil || done.Transactions == 0 || done.Transactions > 101 {
		t.Errorf("5 s at 20 a second: %+v, %v, want 1 to 101 transactions and no error", done, err)
	}
	total := 0
	for _, n := range done.Changes {
		total += n
	}
	if total != done.Transactions {
		t.Errorf("%d transactions, %d by kind", done.Transactions, total)
	}
	ended, end := context.WithCancel(t.Context())
	end()
	if done, err := churn.Run(ended, db, churn.Options{Rate: 1}); err != nil || done.Transactions != 0 {
		t.Errorf("a context that has ended: %+v, %v", done, err)
	}
}

func TestChurnRefuses(t *testing.T) {
	if err := (churn.Options{Rate: 1, For: -time.Second}).Check(); err == nil {
		t.Error("a time before now: no error")
	}
	each(t, 1, func(t *testing.T, db tables.Database) { // the fixed names alone
		if _, err := churn.Run(t.Context(), db, churn.Options{}); err == nil {
			t.Error("no rate: no error")
		}
		if _, err := churn.Run(t.Context(), db, churn.Options{Rate: 1, For: 5 * time.Second}); err == nil {
			t.Error("only fixed names: no error")
		}
	})
	each(t, 100, func(t *testing.T, db tables.Database) {
		if _, err := churn.Run(t.Context(), db, churn.Options{Rate: 100, Log: full{}}); err == nil {
			t.Error("a log that is full: no error")
		}
	})
}

// TestChurnGivesUpOnALock has another program hold the registry throughout.
func TestChurnGivesUpOnALock(t *testing.T) {
	e := tablestest.SQLite()
	place := e.Fictional(t, synthetic.Params{Names: 100, Seed: 1})
	holder, db := e.Open(t, place), e.Open(t, place)
	err := holder.Change(t.Context(), func(context.Context) error {
		_, err := churn.Run(t.Context(), db, churn.Options{Rate: 100, For: 100 * time.Millisecond})
		return err
	})
	if err == nil {
		t.Error("locked throughout: no error")
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, bytes.ErrTooLarge }
