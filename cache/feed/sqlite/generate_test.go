package sqlite

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"rddsd/cache/registry"
	"rddsd/cache/registry/synthetic"
)

var updateDump = flag.Bool("update-dump", false, "write the golden dump's hash")

// generate writes the registry of p to a file and returns its path.
func generate(t testing.TB, p synthetic.Params) (string, *synthetic.Registry) {
	t.Helper()
	g, err := synthetic.New(p)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "registry.sqlite")
	if err := Generate(context.Background(), path, false, g); err != nil {
		t.Fatal(err)
	}
	return path, g
}

// dump returns all rows of all tables, sorted, one a line.
func dump(t testing.TB, db *sql.DB) string {
	t.Helper()
	var lines []string
	for _, table := range allRows(t, db, "select name from sqlite_schema where type = 'table' order by name") {
		for _, row := range allRows(t, db, "select * from "+table) {
			lines = append(lines, table+": "+row)
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n") + "\n"
}

// allRows returns the rows of a query, their values parted by bars.
func allRows(t testing.TB, db *sql.DB, query string, args ...any) []string {
	t.Helper()
	rows, err := db.Query(query, args...)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	values := make([]any, len(columns))
	for i := range values {
		values[i] = new(any)
	}
	var lines []string
	for rows.Next() {
		if err := rows.Scan(values...); err != nil {
			t.Fatal(err)
		}
		texts := make([]string, len(values))
		for i, v := range values {
			texts[i] = fmt.Sprint(*v.(*any))
		}
		lines = append(lines, strings.Join(texts, "|"))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return lines
}

// TestTinyDumpIsGolden holds the content of the registry of 100 names with seed
// 1 as a database: the bytes of the file differ with SQLite's version.
func TestTinyDumpIsGolden(t *testing.T) {
	path, _ := generate(t, synthetic.Params{Names: 100, Seed: 1})
	text := dump(t, openDB(t, path))
	got := fmt.Sprintf("%x\n", sha256.Sum256([]byte(text)))
	const golden = "testdata/tiny.dump.sha256"
	if *updateDump {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("sorted dump of the tiny registry: %swant %s(go test -update-dump writes it); it begins\n%.2000s", got, want, text)
	}
	again, _ := generate(t, synthetic.Params{Names: 100, Seed: 1})
	if dump(t, openDB(t, again)) != text {
		t.Error("a second file of the same parameters holds something else")
	}
}

func TestGeneratedFileStandsAlone(t *testing.T) {
	path, g := generate(t, synthetic.Params{Names: 500, Seed: 2})
	wantFiles(t, path, "registry.sqlite")
	db := openDB(t, path)
	id, epoch := g.Identity()
	want := fmt.Sprintf("%s|%s|1|0|0|%d", id, epoch, registry.TimeOf(g.Now))
	if got := allRows(t, db, "select registry, epoch, contract, floor, seq, beat_at from rdds_head"); !slices.Equal(got, []string{want}) {
		t.Errorf("rdds_head: %q, want %q", got, want)
	}
	for query, want := range map[string]string{
		"select count(*) from rdds_journal":                      "0",
		"select count(*) from rdds_tick":                         "0",
		"select count(*) from domain":                            "500",
		"pragma integrity_check":                                 "ok",
		"select count(*) from pragma_foreign_key_check":          "0",
		"select count(*) from domain where authinfo is not null": "0",
	} {
		if got := allRows(t, db, query); !slices.Equal(got, []string{want}) {
			t.Errorf("%s: %q, want %s", query, got, want)
		}
	}
	// One row of a change in the journal: the triggers are there.
	if _, err := db.Exec("update registrar set name = name where clid = 'example'"); err != nil {
		t.Fatal(err)
	}
	if got := allRows(t, db, "select seq, kind, key from rdds_journal"); !slices.Equal(got, []string{"1|registrar|example"}) {
		t.Errorf("journal after an update: %q", got)
	}
}

// TestGeneratedFileOpensInAnotherSQLite asks the sqlite3 program, which brings
// its own, older library.
func TestGeneratedFileOpensInAnotherSQLite(t *testing.T) {
	program, err := exec.LookPath("sqlite3")
	if err != nil {
		t.Skip("the sqlite3 program is not installed")
	}
	path, _ := generate(t, synthetic.Params{Names: 100, Seed: 1})
	out, err := exec.Command(program, path, "pragma integrity_check; select count(*) from rdds_domain; select hosts from rdds_domain where key = 'example.coop';").CombinedOutput()
	if err != nil {
		t.Fatalf("sqlite3: %v\n%s", err, out)
	}
	if got, want := string(out), "ok\n100\n[\"H1-COOP\",\"H2-COOP\"]\n"; got != want {
		t.Errorf("sqlite3 answers\n%swant\n%s", got, want)
	}
}

// TestViewsGiveWhatTheGeneratorMade compares every published object, made
// directly, with its row in the views.
func TestViewsGiveWhatTheGeneratorMade(t *testing.T) {
	// The views take the clock of the machine, and the end of a period must not
	// fall between our reading it and theirs.
	now := time.Now().UTC().Truncate(time.Second)
	path, g := generate(t, synthetic.Params{Names: 3000, Seed: 6, Now: now})
	db := openDB(t, path)
	soon := registry.TimeOf(now.Add(10 * time.Minute))

	want := map[string][]string{}
	put := func(view string, values ...any) {
		texts := make([]string, len(values))
		for i, v := range values {
			texts[i] = fmt.Sprint(v)
		}
		want[view] = append(want[view], strings.Join(texts, "|"))
	}
	list := func(texts []string) string { return string(appendList(nil, texts)) }
	sorted := func(s registry.Status) string {
		names := s.Names()
		slices.Sort(names)
		return list(names)
	}
	skipped := map[string]bool{}
	err := g.Each(synthetic.Sink{
		TLD: func(o *registry.TLD) error {
			put("rdds_tld", o.Name, text(o.UName), boolean(o.GTLD), boolean(o.ZoneSigned), o.ContactModel, int64(o.Created), moment(o.Updated))
			return nil
		},
		Registrar: func(o *registry.Registrar) error {
			put("rdds_registrar", o.ClID, o.IANA, o.Name, o.Status, text(o.URL), text(o.RDAPURL), text(o.WhoisServer), text(o.AbuseEmail), text(o.AbusePhone),
				list(o.Street), text(o.City), text(o.SP), text(o.PC), text(o.CC), text(o.Voice), text(o.VoiceExt), text(o.Fax), text(o.FaxExt), text(o.Email),
				text(o.AdminFN), text(o.AdminVoice), text(o.AdminEmail), text(o.TechFN), text(o.TechVoice), text(o.TechEmail), text(o.ContactModel.String()),
				int64(o.Created), moment(o.Updated))
			return nil
		},
		Contact: func(o *synthetic.Contact) error {
			if o.AdminOnly {
				return nil
			}
			redacted := o.Redacted.Names()
			slices.Sort(redacted)
			// The view lists redacted in an order of its own: compare by word.
			put("rdds_contact", o.ROID, o.Registrar, text(o.Handle), text(o.Name), text(o.Org), list(o.Street), text(o.City), text(o.SP), text(o.PC), text(o.CC),
				text(o.Voice), text(o.VoiceExt), text(o.Fax), text(o.FaxExt), text(o.Email), list(redacted), int64(o.Created), moment(o.Updated))
			return nil
		},
		Host: func(o *registry.Nameserver) error {
			put("rdds_host", o.ROID, o.Name, o.Registrar, list(o.V4), list(o.V6), sorted(o.Statuses), int64(o.Created), moment(o.Updated))
			return nil
		},
		Domain: func(o *synthetic.Domain) error {
			p := o.Published(registry.TimeOf(now))
			if p.RefreshAt != 0 && p.RefreshAt < soon {
				skipped[o.Name] = true
				return nil
			}
			var ds []string
			for _, r := range p.DS {
				ds = append(ds, fmt.Sprintf("%d %d %d %s", r.KeyTag, r.Algorithm, r.DigestType, strings.ToLower(r.Digest)))
			}
			put("rdds_domain", p.Name, p.ROID, text(p.UName), text(p.IDNTable), p.Registrar, text(p.Reseller), p.Registrant, list(p.Tech), list(p.Hosts), list(ds),
				sorted(p.Statuses&^p.Statuses.RGP()), sorted(p.Statuses.RGP()), int64(p.Created), moment(p.Updated), moment(p.Transferred), int64(p.Expires), moment(p.RefreshAt))
			return nil
		},
		Reserved: func(o *registry.Reserved) error {
			put("rdds_reserved", o.Name, o.Reason, text(o.Of), text(o.IDNTable), text(o.PublicText))
			return nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(skipped) > 20 {
		t.Errorf("%d names end a period within ten minutes, want few", len(skipped))
	}
	columns := map[string]string{"rdds_contact": "key, registrar, handle, name, org, street, city, sp, pc, cc, voice, voice_ext, fax, fax_ext, email, " +
		"(select json_group_array(value) from (select value from json_each(redacted) order by value)), created, updated"}
	for _, view := range []string{"rdds_tld", "rdds_registrar", "rdds_contact", "rdds_host", "rdds_domain", "rdds_reserved"} {
		selected := columns[view]
		if selected == "" {
			selected = "*"
		}
		got := slices.DeleteFunc(allRows(t, db, "select "+selected+" from "+view), func(row string) bool {
			key, _, _ := strings.Cut(row, "|")
			return skipped[key]
		})
		slices.Sort(got)
		slices.Sort(want[view])
		differ := 0
		for i := range max(len(got), len(want[view])) {
			if i >= len(got) || i >= len(want[view]) || got[i] != want[view][i] {
				if differ++; differ <= 3 && i < len(got) && i < len(want[view]) {
					t.Errorf("%s:\n got %s\nwant %s", view, got[i], want[view][i])
				}
			}
		}
		if differ > 0 || len(want[view]) == 0 {
			t.Errorf("%s: %d rows, %d made, %d differ", view, len(got), len(want[view]), differ)
		}
	}
}

// text and moment are a value as a view's column gives it.
func text(s string) any { return textOrNull(s) }

func moment(t registry.Time) any { return timeOrNull(t) }

func TestGenerateStopsWithItsContext(t *testing.T) {
	g, err := synthetic.New(synthetic.Params{Names: 1000, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	path := filepath.Join(t.TempDir(), "registry.sqlite")
	if err := Generate(ctx, path, false, g); !errors.Is(err, context.Canceled) {
		t.Errorf("Generate with an ended context: %v", err)
	}
	wantFiles(t, path)
}

// BenchmarkGenerate makes and stores the demo's registry.
func BenchmarkGenerate(b *testing.B) {
	dir := b.TempDir()
	for b.Loop() {
		g, err := synthetic.New(synthetic.Params{Names: 10_000, Seed: 1})
		if err != nil {
			b.Fatal(err)
		}
		if err := Generate(context.Background(), filepath.Join(dir, "registry.sqlite"), true, g); err != nil {
			b.Fatal(err)
		}
	}
}
