package e2e

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"

	"rddsd/cache/feed/postgres/pgtest"
	"rddsd/cache/registry"
	"rddsd/server/admin"
)

// postgresRegistry makes a generated registry in a PostgreSQL server of its own.
func postgresRegistry(t *testing.T, names int) *pgtest.Database {
	t.Helper()
	db := pgtest.Start(t).Database(t)
	mustRun(t, "registry", "gen", "--names", fmt.Sprint(names), "--to", "postgres:"+db.DSN("postgres"))
	db.Login(t, "edge1", "rdds_reader")
	return db
}

// status returns what /status tells.
func (d *daemon) status() *admin.Status {
	d.t.Helper()
	s, _, err := admin.FetchStatus(d.t.Context(), "http://"+d.admin)
	must(d.t, err)
	return s
}

// answers waits until WHOIS says something about a name.
func (d *daemon) answers(name, what string) {
	d.t.Helper()
	d.within(fmt.Sprintf("%s says %q", name, what), func() error {
		answer, err := d.ask(name)
		if err == nil && !strings.Contains(answer, what) {
			err = fmt.Errorf("it says %s", answer)
		}
		return err
	})
}

// A registry in PostgreSQL is answered from first light to its loss and return.
func TestPostgresRegistry(t *testing.T) {
	db := postgresRegistry(t, 2000)
	dir := t.TempDir()
	d := startDaemon(t, dir, "RDDSD_REGISTRY_POSTGRES="+db.DSN("edge1"), "RDDSD_RATELIMIT_MODE=off", "RDDSD_FEED_POLL_INTERVAL=200ms", "RDDSD_FEED_MAX_AGE=3s", "RDDSD_FEED_MAX_MISS_AGE=2s")
	d.answers("example.coop", "Domain Name: example.coop")
	if status, body := d.rdap("/domain/example.coop"); status != http.StatusOK || body["ldhName"] != "example.coop" {
		t.Errorf("RDAP answers %d %v", status, body["ldhName"])
	}
	s := d.status()
	if s.Registry.Kind != "postgres" || s.Registry.Reading == nil || s.Registry.ResyncsBy["start"] != 1 || s.Objects.Domains < 2000 {
		t.Errorf("the status is %+v", s)
	}
	// A change wakes the edge.
	db.Exec(t, "update registry.domain set reseller = 'Another Reseller' where name = 'published.coop'")
	d.answers("published.coop", "Another Reseller")
	if reading := d.status().Registry.Reading; reading.WakeUps == 0 || !reading.Listening {
		t.Errorf("the change woke nobody: %+v", reading)
	}

	// The registry goes: hits go on, misses become unknown, and the edge says that
	// it is degraded, and why.
	must(t, db.Server.Kill())
	d.within("/readyz says degraded", func() error {
		_, body, err := d.get("http://" + d.admin + "/readyz")
		if err == nil && !strings.Contains(body, "degraded") {
			err = fmt.Errorf("it says %s", body)
		}
		return err
	})
	d.answers("example.coop", "Domain Name: example.coop")
	if answer := d.mustAsk("unregistered.coop"); strings.Contains(answer, "No match") || strings.Contains(answer, "not found") {
		t.Errorf("without the registry a miss is told as %s", answer)
	}
	if s := d.status(); s.Registry.Connected || s.Registry.LastError == "" {
		t.Errorf("the status tells of no fault: %+v", s.Registry)
	}
	// A start without it: from the copy on disk.
	must(t, d.stop())
	d.start()
	d.waitReady()
	d.answers("published.coop", "Another Reseller")
	must(t, db.Server.Run())
	db.Exec(t, "update registry.domain set reseller = 'A Third' where name = 'published.coop'")
	d.answers("published.coop", "A Third")
	if s := d.status(); s.Registry.Resyncs != 0 {
		t.Errorf("a snapshot was taken: %v", s.Registry.ResyncsBy)
	}
	must(t, d.stop())
}

// The edge is killed again and again while the registry changes, wherever it
// happens to stand: in its snapshot, in a poll, writing its files. What was found
// is found after each start, and in the end all is as the registry has it.
func TestKilledEdgeFollowsPostgresOn(t *testing.T) {
	kills := 5
	if *long {
		kills = 40
	}
	db := postgresRegistry(t, 10_000)
	dir := t.TempDir()
	d := newDaemon(t, dir, "RDDSD_REGISTRY_POSTGRES="+db.DSN("edge1"), "RDDSD_RATELIMIT_MODE=off")
	churn := exec.Command(binary, "registry", "churn", "--rate", "200", "--for", "1h", "--to", "postgres:"+db.DSN("postgres"))
	churn.Stdout, churn.Stderr = new(lockedBuffer), new(lockedBuffer)
	must(t, churn.Start())
	t.Cleanup(func() { _ = churn.Process.Kill() })

	rng := rand.New(rand.NewPCG(7, 7))
	found := false
	for range kills {
		d.start()
		// Some are killed before there is anything to serve.
		select {
		case <-d.done:
			t.Fatalf("rddsd has ended by itself: %v\n%s", d.err, d.out)
		case <-time.After(time.Duration(rng.IntN(1500)) * time.Millisecond):
		}
		answer, err := d.ask("example.coop")
		if err == nil {
			if !strings.Contains(answer, "Domain Name: example.coop") {
				t.Errorf("example.coop is told as %s", answer)
			}
			found = true
		} else if found && !strings.Contains(err.Error(), "refused") {
			t.Error(err)
		}
		d.kill()
	}
	d.start()
	d.waitReady()
	_ = churn.Process.Kill()
	_ = churn.Wait()

	conn := db.Connect(t, "postgres")
	rows, err := conn.Query(t.Context(), "select name, expires from registry.domain where not 'pendingCreate' = any (statuses) order by name")
	must(t, err)
	want := map[string]string{}
	for rows.Next() {
		var (
			name    string
			expires time.Time
		)
		must(t, rows.Scan(&name, &expires))
		want[name] = registry.TimeOf(expires).String()
	}
	must(t, rows.Err())
	if len(want) < 5000 {
		t.Fatalf("the registry has %d names", len(want))
	}
	// An edge that was down for long meets more deletions at once than it lets
	// through by itself.
	d.within("nothing is held", func() error {
		s := d.status()
		if s.Held == nil && s.Registry.Connected && s.Registry.Reading.RowsBehind == 0 {
			return nil
		}
		if s.Held != nil {
			_, _, _ = run(t, "accept", "--data", dir, "--reason", "the test was away") // it may have ended by itself
		}
		return fmt.Errorf("the status is %+v, held %v", s.Registry, s.Held)
	})
	for name, expires := range want {
		d.answers(name, expires)
	}
	var all int
	must(t, conn.QueryRow(t.Context(), "select count(*) from rdds.domain").Scan(&all))
	if s := d.status(); s.Objects.Domains != all {
		t.Errorf("%d domains are served, the registry has %d; status %+v", s.Objects.Domains, all, s)
	}
	must(t, d.stop())
}
