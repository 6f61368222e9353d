package e2e

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"rddsd/cache/feed/postgres/pgtest"
)

// The commands that make, fill, change and verify a registry, on PostgreSQL, as an
// operator types them.
func TestRegistryCommandsOnPostgres(t *testing.T) {
	server := pgtest.Start(t)
	db := server.Database(t)
	at := "postgres:" + db.DSN("postgres")

	// The schema goes through psql, twice.
	psql, err := exec.LookPath("/usr/lib/postgresql/15/bin/psql")
	if err != nil {
		psql = needs(t, "psql")
	}
	for range 2 {
		cmd := exec.Command(psql, "-X", "-q", "-v", "ON_ERROR_STOP=1", db.DSN("postgres"))
		cmd.Stdin = strings.NewReader(mustRun(t, "registry", "schema", "postgres"))
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("rddsd registry schema postgres | psql: %v\n%s", err, out)
		}
	}
	if out := mustRun(t, "registry", "gen", "--names", "300", "--to", at); !strings.Contains(out, "made 300 names in database "+db.Name) {
		t.Errorf("gen prints %q", out)
	}
	if _, errs, code := run(t, "registry", "gen", "--names", "100", "--to", at); code != 1 || !strings.Contains(errs, "not empty") || !strings.Contains(errs, "--force") {
		t.Errorf("gen over a registry: exit %d, %s", code, errs)
	}
	if out := mustRun(t, "registry", "churn", "--rate", "500", "--for", "1s", "--to", at); !strings.Contains(out, "transactions in") {
		t.Errorf("churn prints %q", out)
	}

	db.Login(t, "edge1", "rdds_reader")
	edge := "postgres:" + db.DSN("edge1")
	if out := mustRun(t, "registry", "verify", "--registry", edge, "--for", "1s"); !strings.Contains(out, " 0 wrong") || !strings.Contains(out, "following for 1s") {
		t.Errorf("verify prints %q", out)
	}
	db.Exec(t, "grant usage on schema registry to edge1; grant select on registry.contact to edge1")
	out, errs, code := run(t, "registry", "verify", "--registry", edge)
	if code != 1 || !strings.Contains(out, "wrong   role edge1: it is too wide: it has select on registry.contact") || !strings.Contains(errs, "does not keep the contract") {
		t.Errorf("verify of a role that is too wide: exit %d\n%s%s", code, out, errs)
	}

	const deposits = "../../cache/feed/rde/testdata/"
	here, err := filepath.Abs(deposits)
	must(t, err)
	full, diff, bad := filepath.Join(here, "example_full.xml"), filepath.Join(here, "example_diff.xml"), filepath.Join(here, "nomulus_deposit_full_badref.xml")
	mustRun(t, "registry", "import", "--from", "rde:"+full, "--to", at, "--force")
	if out := mustRun(t, "registry", "import", "--from", "rde:"+diff, "--to", at); !strings.Contains(out, "imported deposit 20261102001") || !strings.Contains(out, "deleted 1 domains") {
		t.Errorf("import of a DIFF prints %q", out)
	}
	if _, errs, code := run(t, "registry", "import", "--from", "rde:"+diff, "--to", at); code != 1 || !strings.Contains(errs, "20261101001") {
		t.Errorf("a DIFF for the second time: exit %d, %s", code, errs)
	}
	if _, errs, code := run(t, "registry", "import", "--from", "rde:"+bad, "--to", at, "--force"); code != 1 || !strings.Contains(errs, "line 5") || !strings.Contains(errs, "example1.test") || !strings.Contains(errs, "ns1.LAFFO.com") {
		t.Errorf("a bad deposit: exit %d, %s", code, errs)
	}
	if names := texts(t, db.Connect(t, "postgres"), "select name from registry.domain where name like 'example%' order by 1"); strings.Join(names, " ") != "example1.test example2.test example5.test" {
		t.Errorf("after all that the registry holds %q", names)
	}

	// A password is told to nobody.
	for _, args := range [][]string{
		{"registry", "gen", "--to", "postgres:host=127.0.0.1 port=1 user=u password=hunter2 dbname=d"},
		{"registry", "gen", "--to", "postgres://u:hunter2@127.0.0.1:1/d"},
		{"registry", "verify", "--registry", "postgres://u:hunter2@127.0.0.1:1/d?sslmode=wrong"},
		{"registry", "import", "--from", "rde:" + full, "--to", "postgresql://u:hunter2@127.0.0.1:1/d"},
		{"registry", "churn", "--to", "postgres:password=hunter2 nonsense"},
	} {
		out, errs, code := run(t, args...)
		if code == 0 || strings.Contains(out+errs, "hunter2") {
			t.Errorf("rddsd %s: exit %d\n%s%s", strings.Join(args, " "), code, out, errs)
		}
	}
}
