package sqlite

import (
	"context"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"rddsd/cache/registry/synthetic"
)

// TestDepositComesBackAsTheRegistry imports the FULL deposit of a generated
// registry and compares the views with those of the registry written directly.
// What RFC 9022 has no words for is left out of the comparison: RDAP services,
// abuse contacts and desks of registrars, disclosed contact identifiers, and
// which names a registry reserves rather than withholds.
func TestDepositComesBackAsTheRegistry(t *testing.T) {
	// The periods that the clock ends have no end in a deposit: let it be far off.
	p := synthetic.Params{Names: 1500, Seed: 8, Now: time.Now()}
	path, g := generate(t, p)
	dir := t.TempDir()
	if err := g.WriteDeposits(context.Background(), dir, false); err != nil {
		t.Fatal(err)
	}
	fulls, err := filepath.Glob(filepath.Join(dir, "*_full_*.xml"))
	if err != nil || len(fulls) != 1 {
		t.Fatalf("FULL deposits: %q, %v", fulls, err)
	}
	imported := filepath.Join(t.TempDir(), "imported.sqlite")
	done, err := Import(context.Background(), fulls[0], imported, false)
	if err != nil {
		t.Fatal(err)
	}
	if len(done.Skipped) > 0 {
		t.Errorf("references left out: %q", done.Skipped)
	}
	was, is := openDB(t, path), openDB(t, imported)
	for _, query := range []string{
		"select key, iana_id, name, status, url, whois_server, street, city, sp, pc, cc, voice, voice_ext, fax, fax_ext, email, created, updated from rdds_registrar order by 1",
		"select key, registrar, name, org, street, city, sp, pc, cc, voice, voice_ext, fax, fax_ext, email, " +
			"(select json_group_array(value) from (select value from json_each(redacted) where value <> 'id' order by 1)), created, updated from rdds_contact order by 1",
		"select key, name, registrar, v4, v6, statuses, created, updated from rdds_host order by 1",
		"select key, roid, u_name, idn_table, registrar, registrant, tech, hosts, ds, statuses, rgp, created, updated, transferred, expires from rdds_domain order by 1",
		"select key, case reason when 'reserved' then 'withheld' else reason end, of, idn_table from rdds_reserved order by 1",
	} {
		want, got := allRows(t, was, query), allRows(t, is, query)
		if len(want) == 0 || len(got) != len(want) {
			t.Errorf("%.60s: %d rows, want %d", query, len(got), len(want))
		}
		differ := 0
		for i := range min(len(got), len(want)) {
			if got[i] == want[i] {
				continue
			}
			if differ++; differ <= 2 {
				t.Errorf("%.60s\n got %s\nwant %s", query, got[i], want[i])
			}
		}
		if differ > 2 {
			t.Errorf("%.60s: %d rows differ", query, differ)
		}
	}
	if held := allRows(t, is, "select name from contact where name like 'Withheld%' or street like '%Withheld%' or email like '%withheld%' or pc like 'WH %'"); !slices.Equal(held, nil) {
		t.Errorf("withheld values in the imported registry: %q", held)
	}
}
