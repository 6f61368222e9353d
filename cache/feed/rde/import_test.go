package rde_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"rddsd/cache/feed/postgres/pgtest"
	"rddsd/cache/feed/rde"
	"rddsd/cache/feed/tables/tablestest"
	"rddsd/cache/registry"
	"rddsd/cache/registry/synthetic"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

const deposits = "testdata/"

// imported makes a registry of a FULL deposit and returns a session on it.
func imported(t *testing.T, e tablestest.Engine, deposit string) tablestest.Session {
	t.Helper()
	place := e.Empty(t)
	if _, err := e.Import(t.Context(), deposit, place, false); err != nil {
		t.Fatal(err)
	}
	return e.Open(t, place)
}

// altered writes a deposit with one text in the place of another.
func altered(t *testing.T, deposit, old, new string) string {
	t.Helper()
	whole, err := os.ReadFile(deposit)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(string(whole), old, new, 1)
	if text == string(whole) {
		t.Fatalf("%q is not in %s", old, deposit)
	}
	return written(t, text)
}

func written(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "deposit.xml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestChainOfDeposits(t *testing.T) {
	const (
		full, diff, incr = deposits + "example_full.xml", deposits + "example_diff.xml", deposits + "example_incr.xml"
		otherFull        = deposits + "nomulus_rde_deposit_full.xml"
		otherDiff        = deposits + "nomulus_rde_deposit_differential.xml"
	)
	tests := []struct {
		rule  string
		chain []string // the last one is judged
		want  []string // in its error; none = it is taken
		names string   // afterwards
	}{
		{"a DIFF follows its FULL", []string{full, diff}, nil, "example1.test example2.test example5.test xn--mgbh0fb.test"},
		{"an INCR follows its FULL", []string{full, incr}, nil, "example1.test example2.test example5.test example6.test xn--mgbh0fb.test"},
		{"another registry's DIFF follows its FULL", []string{otherFull, otherDiff}, nil, "example1.test"},
		{"a DIFF is taken once", []string{full, diff, diff}, []string{"20261102001", "20261101001"}, "example1.test example2.test example5.test xn--mgbh0fb.test"},
		{"an INCR is not for what a DIFF has changed", []string{full, diff, incr}, []string{"INCR", "20261102001", "import 20261101001 again"}, "example1.test example2.test example5.test xn--mgbh0fb.test"},
		{"a DIFF of another chain", []string{full, otherDiff}, []string{"20101017001", "20261101001"}, "example1.test example2.test example3.test xn--mgbh0fb.test"},
		{"an INCR of another FULL", []string{otherFull, incr}, []string{"20261101001", "20101017001"}, "example1.test example2.test"},
		{"a FULL is no change", []string{full, full}, []string{"FULL", "replaces"}, "example1.test example2.test example3.test xn--mgbh0fb.test"},
	}
	tablestest.Each(t, func(t *testing.T, e tablestest.Engine) {
		place := e.Empty(t)
		for _, tt := range tests {
			t.Run(tt.rule, func(t *testing.T) {
				_, err := e.Import(t.Context(), tt.chain[0], place, true)
				if err != nil {
					t.Fatal(err)
				}
				db := e.Open(t, place)
				for _, file := range tt.chain[1:] {
					if err != nil {
						t.Fatal(err)
					}
					_, err = rde.Apply(t.Context(), file, db)
				}
				if (err == nil) != (len(tt.want) == 0) {
					t.Errorf("Apply = %v", err)
				}
				for _, want := range tt.want {
					if err != nil && !strings.Contains(err.Error(), want) {
						t.Errorf("error is %q, it lacks %q", err, want)
					}
				}
				if names := strings.Join(tablestest.Texts(t, db, "select name from domain order by name"), " "); names != tt.names {
					t.Errorf("names are %s, want %s", names, tt.names)
				}
			})
		}
		t.Run("a registry made otherwise", func(t *testing.T) {
			db := e.Open(t, e.Fictional(t, synthetic.Params{Names: 50, Seed: 1}))
			if _, err := rde.Apply(t.Context(), diff, db); err == nil || !strings.Contains(err.Error(), "import the FULL one first") {
				t.Errorf("Apply = %v, want it to ask for the FULL deposit", err)
			}
		})
	})
}

// TestDiffIsOneDelta wants the changes of a DIFF in the journal of the same
// epoch, and what an object no longer has to be gone.
func TestDiffIsOneDelta(t *testing.T) {
	tablestest.Each(t, func(t *testing.T, e tablestest.Engine) {
		db := imported(t, e, deposits+"example_full.xml")
		journal, meta := strings.TrimSuffix(db.View(registry.KindTLD), "tld")+"changes", strings.TrimSuffix(db.View(registry.KindTLD), "tld")+"meta"
		epoch := tablestest.Texts(t, db, "select cast(epoch as text) from "+meta)
		if n := tablestest.Texts(t, db, "select kind from "+journal); len(n) > 0 {
			t.Fatalf("after a FULL deposit the journal holds %q", n)
		}
		done, err := rde.Apply(t.Context(), deposits+"example_diff.xml", db)
		if err != nil {
			t.Fatal(err)
		}
		// The deposit deletes a contact too that came and went: none is counted.
		if done.Count != [...]int{0, 0, 0, 1, 2, 0} || done.Deleted != [...]int{0, 0, 0, 0, 1, 0} {
			t.Errorf("Apply wrote %v and deleted %v", done.Count, done.Deleted)
		}
		changed := tablestest.Texts(t, db, "select distinct kind || ' ' || key from "+journal+" order by 1")
		for _, want := range []string{"domain example2.test", "domain example3.test", "domain example5.test", "host H0001-TEST"} {
			if !slices.Contains(changed, want) {
				t.Errorf("the journal names %q, it lacks %s", changed, want)
			}
		}
		if slices.Contains(changed, "domain example1.test") {
			t.Errorf("the journal names %q, and example1.test did not change", changed)
		}
		if now := tablestest.Texts(t, db, "select cast(epoch as text) from "+meta); !slices.Equal(now, epoch) {
			t.Error("a DIFF deposit has begun a new epoch")
		}
		host := tablestest.Texts(t, db, "select "+db.JSON("v4")+" || "+db.JSON("v6")+" from "+db.View(registry.KindHost)+" where key = 'H0001-TEST'")
		if !slices.Equal(host, []string{`["192.0.2.22"][]`}) {
			t.Errorf("addresses of the host that the DIFF changed: %q", host)
		}
		tech := tablestest.Texts(t, db, "select registrant || "+db.JSON("tech")+" from "+db.View(registry.KindDomain)+" where key = 'example5.test'")
		if !slices.Equal(tech, []string{`C0001-TEST["C0002-TEST"]`}) {
			t.Errorf("contacts of the name that the DIFF brought: %q", tech)
		}
	})
}

// TestGeneratedDepositsMakeTheSameRegistries takes the FULL and the DIFF of a
// fictional registry into both databases.
func TestGeneratedDepositsMakeTheSameRegistries(t *testing.T) {
	g, err := synthetic.New(synthetic.Params{Names: 1000, Seed: 4})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := g.WriteDeposits(t.Context(), dir, false); err != nil {
		t.Fatal(err)
	}
	find := func(kind string) string {
		files, err := filepath.Glob(filepath.Join(dir, "*_"+kind+"_*.xml"))
		if err != nil || len(files) != 1 {
			t.Fatalf("%s deposits: %q, %v", kind, files, err)
		}
		return files[0]
	}
	var first []string
	tablestest.Each(t, func(t *testing.T, e tablestest.Engine) {
		db := imported(t, e, find("full"))
		done, err := rde.Apply(t.Context(), find("diff"), db)
		if err != nil {
			t.Fatal(err)
		}
		if done.Count[registry.KindDomain] == 0 || done.Deleted[registry.KindDomain] == 0 {
			t.Errorf("the DIFF wrote %v and deleted %v: want some of both", done.Count, done.Deleted)
		}
		all := tablestest.Published(t, db)
		if first == nil {
			first = all
		} else if !slices.Equal(first, all) {
			t.Errorf("the databases publish different registries: %d rows and %d", len(first), len(all))
		}
	})
}

// badFull are FULL deposits that may not be imported: what is wrong with each,
// and what its error must name.
var badFull = []struct {
	name, old, new string
	want           []string
}{
	{"reference to a missing host of the TLD", "<domain:hostObj>ns1.example1.test</domain:hostObj>", "<domain:hostObj>ns9.example1.test</domain:hostObj>", []string{"line 5", "example1.test", "ns9.example1.test"}},
	{"unknown registrar", "<rdeDom:clID>RegistrarX</rdeDom:clID>", "<rdeDom:clID>RegistrarY</rdeDom:clID>", []string{"line 54", "example1.test", "RegistrarY"}},
	{"a host's unknown registrar", "<rdeHost:clID>RegistrarX</rdeHost:clID>", "<rdeHost:clID>RegistrarY</rdeHost:clID>", []string{"line", "ns1.example", "RegistrarY"}},
	{"unknown status", `<rdeDom:status s="ok"/>`, `<rdeDom:status s="fine"/>`, []string{"line", "example1.test", "fine"}},
	{"bad date", "<rdeDom:crDate>1999-04-03T22:00:00.0Z", "<rdeDom:crDate>1999-04-03 22:00", []string{"line", "example1.test", "crDate"}},
	{"fewer objects than counted", `rdeDomain-1.0">2`, `rdeDomain-1.0">3`, []string{"line", "counts 3", "domain", "holds 2"}},
	{"a host twice", "<rdeHost:name>ns1.example1.test</rdeHost:name>", "<rdeHost:name>ns1.example.com</rdeHost:name>", []string{"line", "ns1.example.com", "twice"}},
	{"a name twice", "<rdeDom:name>example2.test</rdeDom:name>", "<rdeDom:name>example1.test</rdeDom:name>", []string{"line", "example1.test", "twice"}},
	{"a name under another TLD", "<rdeDom:name>example2.test</rdeDom:name>", "<rdeDom:name>example2.example</rdeDom:name>", []string{"line", "example2.example", "none of the deposit's TLDs"}},
	{"a type that there is not", `type="FULL"`, `type="PART"`, []string{"line", "PART", "FULL"}},
	{"entities", "<rde:deposit", "<!DOCTYPE d [<!ENTITY a \"aaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;\">]>\n<rde:deposit", []string{"line 2", "document type"}},
	{"an entity that nobody has told", "<rdeDom:name>example2.test", "<rdeDom:name>&lol9;example2.test", []string{"line", "lol9"}},
	{"not XML inside", "<rdeEppParams:eppParams>", "\x00", []string{"line"}},
	{"not XML at all", "<?xml", "%PDF", []string{"line"}},
}

func TestImportRefusesABadDepositWhole(t *testing.T) {
	const good = deposits + "nomulus_deposit_full.xml"
	tablestest.Each(t, func(t *testing.T, e tablestest.Engine) {
		place := e.Empty(t)
		refused := func(t *testing.T, deposit string, want ...string) {
			t.Helper()
			_, err := e.Import(t.Context(), deposit, place, false)
			if err == nil {
				t.Fatal("it was imported")
			}
			for _, want := range append(want, deposit) {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error is %q, it lacks %q", err, want)
				}
			}
			if e.Holds(t, place) {
				t.Error("it has left a registry")
			}
			if left, _ := filepath.Glob(filepath.Join(filepath.Dir(place), ".*")); e.Name == "sqlite" && len(left) > 0 {
				t.Errorf("files are left: %q", left)
			}
		}
		t.Run("bad reference", func(t *testing.T) {
			refused(t, deposits+"nomulus_deposit_full_badref.xml", "line 5", "example1.test", "ns1.LAFFO.com")
		})
		for _, tt := range badFull {
			t.Run(tt.name, func(t *testing.T) { refused(t, altered(t, good, tt.old, tt.new), tt.want...) })
		}
		if _, err := e.Import(t.Context(), good, place, false); err != nil {
			t.Errorf("after all the bad deposits the good one is refused: %v", err)
		}
	})
}

func TestImportRefusesACutDeposit(t *testing.T) {
	whole, err := os.ReadFile(deposits + "nomulus_deposit_full.xml")
	if err != nil {
		t.Fatal(err)
	}
	tablestest.Each(t, func(t *testing.T, e tablestest.Engine) {
		place := e.Empty(t)
		for n := 0; n < len(whole)-20; n += 97 {
			if _, err := e.Import(t.Context(), written(t, string(whole[:n])), place, false); err == nil {
				t.Fatalf("a deposit cut after %d bytes was imported", n)
			}
		}
	})
}

// TestApplyRefusesABadDepositWhole wants the line and the object named, and the
// registry as it was.
func TestApplyRefusesABadDepositWhole(t *testing.T) {
	const good = deposits + "example_diff.xml"
	tests := []struct {
		name, old, new string
		want           []string
	}{
		{"unknown contact", "<rdeDom:registrant>cid-0001<", "<rdeDom:registrant>cid-0009<", []string{"line 43", "example5.test", "cid-0009"}},
		{"unknown technical contact", `type="tech">cid-0002<`, `type="tech">cid-0009<`, []string{"line 43", "example5.test", "cid-0009"}},
		{"unknown host", "<domain:hostObj>ns1.example1.test<", "<domain:hostObj>ns7.example1.test<", []string{"line 43", "example5.test", "ns7.example1.test"}},
		{"unknown registrar", "<rdeHost:clID>reg-a<", "<rdeHost:clID>reg-z<", []string{"line 33", "ns1.example1.test", "reg-z"}},
		{"fewer objects than counted", `rdeDomain-1.0">4`, `rdeDomain-1.0">5`, []string{"counts 5", "domain", "holds 4"}},
		{"more objects than counted", `rdeDomain-1.0">4`, `rdeDomain-1.0">3`, []string{"counts 3", "domain", "holds 4"}},
		{"contacts that are missing", `rdeContact-1.0">2`, `rdeContact-1.0">3`, []string{"counts 3", "contact", "holds 2"}},
		{"a contact deleted that is in use", "<rdeContact:id>cid-0003<", "<rdeContact:id>cid-0001<", []string{"line 43", "example5.test", "cid-0001"}},
		{"a registrar deleted that is in use", "<rdeContact:delete><rdeContact:id>cid-0003</rdeContact:id></rdeContact:delete>", "<rdeRegistrar:delete><rdeRegistrar:id>reg-a</rdeRegistrar:id></rdeRegistrar:delete>", []string{"line 33", "ns1.example1.test", "reg-a"}},
		{"a host deleted that is in use", "<rdeContact:delete><rdeContact:id>cid-0003</rdeContact:id></rdeContact:delete>", "<rdeHost:delete><rdeHost:name>ns2.provider.example</rdeHost:name></rdeHost:delete>", []string{"line 21", "deletes host ns2.provider.example", "domain example1.test still refers"}},
		{"another ROID under a name", "D0002-TEST", "D0099-TEST", []string{"line 55", "example2.test"}},
		{"another TLD", "<rdeHeader:tld>test<", "<rdeHeader:tld>example<", []string{"example", "does not hold"}},
		{"a time before", "<rde:watermark>2026-11-02", "<rde:watermark>2026-10-02", []string{"2026-10-02", "before"}},
		{"entities", "<rde:deposit", "<!DOCTYPE d [<!ENTITY a \"aaaaaaaa\">]>\n<rde:deposit", []string{"line 3", "document type"}},
		{"cut", "</rde:contents>", "", []string{"line"}},
	}
	tablestest.Each(t, func(t *testing.T, e tablestest.Engine) {
		db := imported(t, e, deposits+"example_full.xml")
		before := tablestest.Published(t, db)
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				_, err := rde.Apply(t.Context(), altered(t, good, tt.old, tt.new), db)
				if err == nil {
					t.Fatal("it was taken")
				}
				for _, want := range tt.want {
					if !strings.Contains(err.Error(), want) {
						t.Errorf("error is %q, it lacks %q", err, want)
					}
				}
				if !slices.Equal(tablestest.Published(t, db), before) {
					t.Error("the registry has changed")
				}
			})
		}
		if _, err := rde.Apply(t.Context(), good, db); err != nil {
			t.Errorf("after all the bad ones the good one is refused: %v", err)
		}
	})
}

// TestImportRedacts finds nothing in any table of what a contact of the deposits
// did not disclose: neither after the FULL one nor after the DIFF.
func TestImportRedacts(t *testing.T) {
	// cid-0001 discloses its organisation, cid-0002 nothing; the DIFF brings a
	// contact of its own.
	secret := []string{"Role Account", "Example Hosting", "2 Example Street", "10001", "5555550100", "role@example.test", "cid-0001", "cid-0002", "cid-0042", "Held Name", "held@example.test"}
	diff := altered(t, deposits+"example_diff.xml", "    <rdeHost:host>", `    <rdeContact:contact><rdeContact:id>cid-0042</rdeContact:id><rdeContact:roid>C0042-TEST</rdeContact:roid>
      <rdeContact:postalInfo type="int"><contact:name>Held Name</contact:name><contact:addr><contact:cc>NL</contact:cc></contact:addr></rdeContact:postalInfo>
      <rdeContact:email>held@example.test</rdeContact:email><rdeContact:clID>reg-a</rdeContact:clID></rdeContact:contact>
    <rdeHost:host>`)
	whole, err := os.ReadFile(diff)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(string(whole), `rdeContact-1.0">2`, `rdeContact-1.0">3`, 1)
	text = strings.Replace(text, "<rdeDom:registrant>cid-0001<", "<rdeDom:registrant>cid-0042<", 1)
	diff = written(t, text)
	for _, s := range secret[8:] {
		if !strings.Contains(text, s) {
			t.Fatalf("the DIFF does not hold %q: the test proves nothing", s)
		}
	}
	tablestest.Each(t, func(t *testing.T, e tablestest.Engine) {
		db := imported(t, e, deposits+"example_full.xml")
		if _, err := rde.Apply(t.Context(), diff, db); err != nil {
			t.Fatal(err)
		}
		for _, table := range []string{"tld", "registrar", "contact", "host", "domain", "domain_contact", "domain_host", "ds", "reserved", "deposit", "deposit_contact"} {
			for _, row := range wholeRows(t, e, db, table) {
				for _, s := range secret {
					if strings.Contains(row, s) {
						t.Errorf("table %s holds %q, which no contact disclosed: %s", table, s, row)
					}
				}
			}
		}
		got := tablestest.Texts(t, db, "select org || "+db.JSON("redacted")+" from "+db.View(registry.KindContact)+" where key = 'C0001-TEST'")
		if want := `Example Organisation["city","email","id","name","pc","street","voice"]`; !slices.Equal(got, []string{want}) {
			t.Errorf("contact C0001-TEST is %s, want %s", got, want)
		}
		got = tablestest.Texts(t, db, "select "+db.JSON("redacted")+" from "+db.View(registry.KindContact)+" where key = 'C0042-TEST'")
		if want := `["email","id","name"]`; !slices.Equal(got, []string{want}) {
			t.Errorf("contact C0042-TEST withholds %s, want %s", got, want)
		}
	})
}

// wholeRows returns the rows of a table with everything that they hold.
func wholeRows(t *testing.T, e tablestest.Engine, db tablestest.Session, table string) []string {
	t.Helper()
	if e.Name == "postgres" {
		return tablestest.Texts(t, db, "select cast(x as text) from "+table+" x")
	}
	columns := tablestest.Texts(t, db, "select name from pragma_table_info('"+table+"')")
	return tablestest.Texts(t, db, "select "+strings.Join(columns, " || '|' || ")+" from (select "+
		strings.Join(each(columns, func(c string) string { return "coalesce(cast(" + c + " as text), '') as " + c }), ", ")+" from "+table+")")
}

func each(list []string, f func(string) string) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = f(s)
	}
	return out
}

// TestNextFullDepositIsTheSameRegistry lets an edge follow a registry from one
// FULL deposit to the next.
func TestNextFullDepositIsTheSameRegistry(t *testing.T) {
	tablestest.Each(t, func(t *testing.T, e tablestest.Engine) {
		place := e.Empty(t)
		var ids, epochs [2]string
		for i := range ids {
			if _, err := e.Import(t.Context(), deposits+"example_full.xml", place, true); err != nil {
				t.Fatal(err)
			}
			db := e.Open(t, place)
			meta := strings.TrimSuffix(db.View(registry.KindTLD), "tld") + "meta"
			ids[i] = tablestest.Texts(t, db, "select cast(registry as text) from "+meta)[0]
			epochs[i] = tablestest.Texts(t, db, "select cast(epoch as text) from "+meta)[0]
		}
		if ids[0] != ids[1] || epochs[0] == epochs[1] {
			t.Errorf("registry %v, epoch %v: want one registry and two epochs", ids, epochs)
		}
	})
}

func TestImportEndsWithItsContext(t *testing.T) {
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	tablestest.Each(t, func(t *testing.T, e tablestest.Engine) {
		if _, err := e.Import(ended, deposits+"example_full.xml", e.Empty(t), false); !errors.Is(err, context.Canceled) && (err == nil || !strings.Contains(err.Error(), "canceled")) {
			t.Errorf("Import = %v, want it to end with its context", err)
		}
		db := imported(t, e, deposits+"example_full.xml")
		if _, err := rde.Apply(ended, deposits+"example_diff.xml", db); !errors.Is(err, context.Canceled) {
			t.Errorf("Apply = %v, want it to end with its context", err)
		}
	})
}
