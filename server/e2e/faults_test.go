package e2e

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestNeverDark takes the registry away in every way that a file can go, and
// kills the edge: what was found stays found.
func TestNeverDark(t *testing.T) {
	damage := map[string]func(t *testing.T, path string){
		"removed": func(t *testing.T, path string) { must(t, os.Remove(path)) },
		"emptied": func(t *testing.T, path string) { must(t, os.Truncate(path, 0)) },
		"corrupted": func(t *testing.T, path string) {
			must(t, os.WriteFile(path, []byte(strings.Repeat("not a database ", 1000)), 0o600))
		},
		"a directory": func(t *testing.T, path string) {
			must(t, os.Remove(path))
			must(t, os.Mkdir(path, 0o700))
		},
		"another registry's": func(t *testing.T, path string) {
			mustRun(t, "registry", "gen", "--names", "100", "--seed", "77", "--force", "--to", "sqlite:"+path)
		},
	}
	for name, hurt := range damage {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			registry := filepath.Join(dir, "elsewhere", "registry.sqlite")
			must(t, os.Mkdir(filepath.Dir(registry), 0o700))
			mustRun(t, "registry", "gen", "--names", "1000", "--to", "sqlite:"+registry)
			backup := filepath.Join(dir, "backup.sqlite")
			copyFile(t, registry, backup)

			d := startDaemon(t, dir, "RDDSD_REGISTRY_SQLITE="+registry, "RDDSD_RATELIMIT_MODE=off")
			d.mustFind("example.coop")
			must(t, removeSidecars(registry))
			hurt(t, registry)
			d.mustFind("example.coop")
			d.kill()
			d.start()
			d.waitReady()
			for range 20 {
				d.mustFind("example.coop")
				if answer := d.mustAsk("unregistered.coop"); !strings.HasPrefix(answer, "Service temporarily unavailable") {
					t.Fatalf("a miss after kill -9 without a registry must not be told as not found:\n%s", answer)
				}
			}

			must(t, os.RemoveAll(registry))
			copyFile(t, backup, registry)
			d.within("misses are told again after the registry is back", func() error {
				d.mustFind("example.coop")
				if answer := d.mustAsk("unregistered.coop"); !strings.HasPrefix(answer, "Domain not found.") {
					return fmt.Errorf("answer is %q", answer)
				}
				return nil
			})
		})
	}
}

// TestFoundStaysFound registers a name, sees it in both protocols, takes the
// registry away, kills the edge, starts it, and asks again.
func TestFoundStaysFound(t *testing.T) {
	needs(t, "sqlite3")
	rounds := 5
	if *long {
		rounds = 200
	}
	dir := t.TempDir()
	registry := filepath.Join(dir, "elsewhere", "registry.sqlite")
	must(t, os.Mkdir(filepath.Dir(registry), 0o700))
	mustRun(t, "registry", "gen", "--names", "100", "--to", "sqlite:"+registry)
	d := startDaemon(t, dir, "RDDSD_REGISTRY_SQLITE="+registry, "RDDSD_RATELIMIT_MODE=off")
	for round := range rounds {
		name := fmt.Sprintf("free-round-%d.coop", round)
		sqlite3(t, registry, fmt.Sprintf(`insert into domain (roid, name, clid, created, expires) values ('D9%08d-COOP', '%s', 'example', 1767225600000000, 1798761600000000);`, round, name))
		d.within(name+" is found in both protocols", func() error {
			if answer := d.mustAsk(name); !strings.Contains(answer, "Domain Name: "+name) {
				return fmt.Errorf("WHOIS: %s", answer)
			}
			if status, _ := d.rdap("/domain/" + name); status != 200 {
				return fmt.Errorf("RDAP: %d", status)
			}
			return nil
		})
		away := registry + ".away"
		must(t, os.Rename(registry, away))
		d.kill()
		d.start()
		d.waitReady()
		d.mustFind(name)
		if status, _ := d.rdap("/domain/" + name); status != 200 {
			t.Fatalf("round %d: RDAP %s after kill -9: %d", round, name, status)
		}
		must(t, os.Rename(away, registry))
		d.within("the registry is followed again", func() error {
			if answer := d.mustAsk("unregistered.coop"); !strings.HasPrefix(answer, "Domain not found.") {
				return fmt.Errorf("answer is %q", answer)
			}
			return nil
		})
	}
	t.Logf("found %d times of %d", rounds, rounds)
}

// TestKilledWhileFolding kills the edge at moments drawn at random while it folds
// megabytes of changes into new bases, and starts it without the registry: every
// name that was ever found is found.
func TestKilledWhileFolding(t *testing.T) {
	needs(t, "sqlite3")
	rounds := 6
	if *long {
		rounds = 30 // package cache kills a writer 200 times; here each takes two seconds
	}
	dir := t.TempDir()
	registry := filepath.Join(dir, "elsewhere", "registry.sqlite")
	must(t, os.Mkdir(filepath.Dir(registry), 0o700))
	mustRun(t, "registry", "gen", "--names", "100", "--to", "sqlite:"+registry)
	sqlite3(t, registry, `insert into reserved (name, reason) with recursive n(i) as (select 0 union all select i + 1 from n where i < 2999)
		select 'free-reserved-' || i || '.coop', 'variant' from n;`)
	d := startDaemon(t, dir, "RDDSD_REGISTRY_SQLITE="+registry, "RDDSD_RATELIMIT_MODE=off")
	bases := map[string]bool{}
	for round := range rounds {
		name := fmt.Sprintf("free-round-%d.coop", round)
		sqlite3(t, registry, fmt.Sprintf(`begin immediate;
			update reserved set of = printf('%%.1000c', 'a%d'), idn_table = printf('%%.1000c', 'b'), public_text = printf('%%.1000c', '%d') where name like 'free-%%';
			insert into domain (roid, name, clid, created, expires) values ('D9%08d-COOP', '%s', 'example', 1767225600000000, 1798761600000000);
			commit;`, round%10, round%10, round, name))
		d.within(name+" is found", func() error {
			if answer := d.mustAsk(name); !strings.Contains(answer, "Domain Name: "+name) {
				return fmt.Errorf("WHOIS: %s", answer)
			}
			return nil
		})
		time.Sleep(time.Duration(rand.Int64N(int64(150 * time.Millisecond)))) // the moment of the crash
		away := registry + ".away"
		must(t, os.Rename(registry, away))
		d.kill()
		files, err := filepath.Glob(filepath.Join(dir, "snapshots", "base-*"))
		must(t, err)
		for _, file := range files {
			bases[filepath.Base(file)] = true
		}
		d.start()
		d.waitReady()
		for known := range round + 1 {
			d.mustFind(fmt.Sprintf("free-round-%d.coop", known))
		}
		must(t, os.Rename(away, registry))
		d.within("the registry is followed again", func() error {
			if answer := d.mustAsk("unregistered.coop"); !strings.HasPrefix(answer, "Domain not found.") {
				return fmt.Errorf("answer is %q", answer)
			}
			return nil
		})
	}
	t.Logf("killed %d times, with %d bases and unfinished ones", rounds, len(bases))
	if len(bases) < rounds/2 {
		t.Errorf("only %d bases were begun: the test saw too little", len(bases))
	}
}

// TestBaseThatIsCutUnderneath cuts the file that is being served from, which reads
// as a faulty disk does: the process lives, answers what it cannot read as
// unavailable, and is whole again once the registry has been read.
func TestBaseThatIsCutUnderneath(t *testing.T) {
	needs(t, "sqlite3")
	dir := t.TempDir()
	registry := filepath.Join(dir, "registry.sqlite")
	mustRun(t, "registry", "gen", "--names", "5000", "--to", "sqlite:"+registry)
	names := strings.Fields(sqlite3(t, registry, "select name from domain where name not like 'xn--%' limit 40;"))
	d := startDaemon(t, dir, "RDDSD_RATELIMIT_MODE=off")
	must(t, d.stop())
	d.start()
	d.waitReady()
	bases, err := filepath.Glob(filepath.Join(dir, "snapshots", "base-*"))
	must(t, err)
	for _, base := range bases {
		must(t, os.Truncate(base, 4096))
	}
	unavailable := 0
	for _, name := range names {
		switch answer := d.mustAsk(name); {
		case strings.HasPrefix(answer, "Service temporarily unavailable"):
			unavailable++
		case !strings.Contains(answer, "Domain Name: "+name+"\r\n"):
			t.Fatalf("%s is answered with\n%s", name, answer)
		}
		if status, body, err := d.get("http://" + d.http + "/domain/" + name); err == nil && status == 404 {
			t.Fatalf("%s is answered with %d\n%s", name, status, body)
		}
	}
	if unavailable == 0 {
		t.Error("every name could be read: the test cut nothing that matters")
	}
	sqlite3(t, registry, "update domain set expires = expires + 1 where roid in (select roid from domain limit 500);")
	d.within("all is found again", func() error {
		for _, name := range names {
			if answer := d.mustAsk(name); !strings.Contains(answer, "Domain Name: "+name+"\r\n") {
				return fmt.Errorf("%s is answered with %s", name, answer)
			}
		}
		return nil
	})
	if n := strings.Count(d.out.String(), "what is served cannot be read"); n > 1 {
		t.Errorf("the log says %d times that the file cannot be read", n)
	}
}

// TestDataDirectoryThatMayOnlyBeRead starts where nothing can be written: the copy
// is served, with its age, until the right to write is given back.
func TestDataDirectoryThatMayOnlyBeRead(t *testing.T) {
	dir := t.TempDir()
	d := startDaemon(t, dir, "RDDSD_RATELIMIT_MODE=off")
	d.mustFind("example.coop")
	must(t, d.stop())
	mode := func(dirs, files os.FileMode) {
		must(t, filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case e.IsDir():
				return os.Chmod(path, dirs)
			}
			return os.Chmod(path, files)
		}))
	}
	mode(0o555, 0o444)
	defer mode(0o700, 0o600) // for TempDir
	if os.Geteuid() == 0 {   // root may write everywhere
		for above := filepath.Dir(dir); above != os.TempDir() && len(above) > 1; above = filepath.Dir(above) {
			must(t, os.Chmod(above, 0o755))
		}
		must(t, os.Chmod(filepath.Dir(binary), 0o755))
		d.user = &syscall.Credential{Uid: 65534, Gid: 65534}
	}
	d.start()
	d.waitReady()
	d.mustFind("example.coop")
	if out := d.out.String(); !strings.Contains(out, "the data directory cannot be written") || !strings.Contains(out, "no admin socket") {
		t.Errorf("the log does not say what cannot be written:\n%s", out)
	}
	if out := mustRun(t, "status", "--admin", "http://"+d.admin); !strings.Contains(out, "permission denied") {
		t.Errorf("status does not say that the copy cannot be written:\n%s", out)
	}
}

// TestSecondStartSaysWhichPort starts beside a running server.
func TestSecondStartSaysWhichPort(t *testing.T) {
	d := startDaemon(t, t.TempDir())
	other := newDaemon(t, t.TempDir())
	other.env = append(other.env, "RDDSD_WHOIS_LISTEN="+d.whois)
	other.start()
	select {
	case <-other.done:
	case <-time.After(patience):
		t.Fatalf("a second start on a taken port goes on:\n%s", other.out)
	}
	out := other.out.String()
	if other.cmd.ProcessState.ExitCode() != 1 || !strings.Contains(out, d.whois) || !strings.Contains(out, "[whois] listen") {
		t.Errorf("exit %d, want 1 and the port and key that sets it:\n%s", other.cmd.ProcessState.ExitCode(), out)
	}

	same := newDaemon(t, d.dir)
	same.start()
	<-same.done
	if out := same.out.String(); same.cmd.ProcessState.ExitCode() != 1 || !strings.Contains(out, d.dir) {
		t.Errorf("exit %d, want 1 and the directory that is in use:\n%s", same.cmd.ProcessState.ExitCode(), out)
	}
	d.mustFind("example.coop")
}

func TestBadConfigurationExits2(t *testing.T) {
	tests := []struct {
		name, text string
		want       []string
	}{
		{"unknown key", "[whois]\nlistne = [\"127.0.0.1:43\"]\n", []string{":2:", "listne", "listen"}},
		{"wrong type", "[feed]\npoll_interval = 5\n", []string{":2:", "poll_interval"}},
		{"unreadable certificate", "[[certificate]]\ncert = \"/nonexistent/cert.pem\"\nkey = \"/nonexistent/key.pem\"\n", []string{"certificate", "/nonexistent/cert.pem"}},
		{"plain RDAP to the world", "[rdap]\nhttp = [\"0.0.0.0:80\"]\n", []string{"http_plain"}},
		{"forbidden word", "[[tld]]\nname = \"coop\"\ndisclaimer = \"Access to WHOIS information is provided as is; if a name is not found, try again.\"\n", []string{"not found"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "rddsd.toml")
			must(t, os.WriteFile(file, []byte(tt.text), 0o600))
			for _, command := range []string{"check", "serve"} {
				_, stderr, code := run(t, command, "--config", file)
				if code != 2 {
					t.Errorf("%s: exit %d, want 2\n%s", command, code, stderr)
				}
				for _, want := range append(tt.want, file) {
					if !strings.Contains(stderr, want) {
						t.Errorf("%s: the message lacks %q:\n%s", command, want, stderr)
					}
				}
			}
		})
	}
	if stdout, stderr, code := run(t, "check"); code != 0 || strings.TrimSpace(stdout) != "ok" {
		t.Errorf("check without a file: exit %d, %q %q", code, stdout, stderr)
	}
	if _, _, code := run(t, "serve", "--no-such-flag"); code != 2 {
		t.Errorf("an unknown flag: exit %d, want 2", code)
	}
	if _, _, code := run(t, "no-such-command"); code != 2 {
		t.Errorf("an unknown command: exit %d, want 2", code)
	}
}

// TestReload changes what may change while serving, by signal and by command.
func TestReload(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "rddsd.toml")
	write := func(disclaimer string) {
		must(t, os.WriteFile(file, []byte("[ratelimit]\nmode = \"off\"\n[[tld]]\nname = \"coop\"\ndisclaimer = \""+disclaimer+"\"\n"), 0o600))
	}
	write("Access to WHOIS information is provided under the first terms.")
	d := newDaemon(t, dir)
	d.start("--config", file)
	d.waitReady()
	has := func(text string) func() error {
		return func() error {
			if answer := d.mustAsk("example.coop"); !strings.Contains(answer, text) {
				return fmt.Errorf("answer is %s", answer)
			}
			return nil
		}
	}
	must(t, has("first terms")())

	write("Access to WHOIS information is provided under the second terms.")
	must(t, d.cmd.Process.Signal(syscall.SIGHUP))
	d.within("SIGHUP loads the second terms", has("second terms"))

	write("Access to WHOIS information is provided; no match for anything.")
	_, stderr, code := run(t, "reload", "--data", dir, "--reason", "test of a bad text")
	if code != 1 || !strings.Contains(stderr, "no match") {
		t.Errorf("reload of a bad text: exit %d\n%s", code, stderr)
	}
	must(t, has("second terms")())

	write("Access to WHOIS information is provided under the third terms.")
	mustRun(t, "reload", "--data", dir, "--reason", "third terms")
	d.within("reload loads the third terms", has("third terms"))
}

// TestHeldDelta deletes more names than anybody means to, and asks the operator.
func TestHeldDelta(t *testing.T) {
	needs(t, "sqlite3")
	dir := t.TempDir()
	mustRun(t, "registry", "gen", "--names", "2000", "--to", "sqlite:"+filepath.Join(dir, "registry.sqlite"))
	d := startDaemon(t, dir, "RDDSD_RATELIMIT_MODE=off")
	victim := strings.TrimSpace(sqlite3(t, filepath.Join(dir, "registry.sqlite"), "select name from domain where clid <> 'example' and name not like 'xn--%' order by name limit 1;"))
	d.mustFind(victim)
	const massDeletion = "delete from domain where roid in (select roid from domain where clid <> 'example' and name not like 'xn--%%' order by name limit 500);"
	sqlite3(t, filepath.Join(dir, "registry.sqlite"), strings.ReplaceAll(massDeletion, "%%", "%"))
	held := func() error {
		out := mustRun(t, "status", "--admin", "http://"+d.admin, "--json")
		if !strings.Contains(out, `"held"`) {
			return fmt.Errorf("status does not tell that a delta is held: %s", out)
		}
		return nil
	}
	d.within("the deletion is held", held)
	d.mustFind(victim)

	mustRun(t, "accept", "--data", dir, "--reason", "the registry's purge of today")
	d.within("the accepted deletion is answered", func() error {
		if answer := d.mustAsk(victim); !strings.HasPrefix(answer, "Domain not found.") {
			return fmt.Errorf("answer is %s", answer)
		}
		return nil
	})
	if out := d.out.String(); !strings.Contains(out, "the registry's purge of today") {
		t.Errorf("no audit line with the reason:\n%s", out)
	}
}

// TestStatusExitCode holds the promise that scripts rely on.
func TestStatusExitCode(t *testing.T) {
	d := startDaemon(t, t.TempDir())
	for _, args := range [][]string{{"status", "--admin", "http://" + d.admin}, {"status", "--admin", "http://" + d.admin, "--json"}} {
		if out := mustRun(t, args...); !strings.Contains(out, "sqlite") {
			t.Errorf("%v prints\n%s", args, out)
		}
	}
	if err := d.stop(); err != nil {
		t.Errorf("stop: %v", err)
	}
	if _, stderr, code := run(t, "status", "--admin", "http://"+d.admin); code != 1 || !strings.Contains(stderr, d.admin) {
		t.Errorf("status of nobody: exit %d\n%s", code, stderr)
	}
}

func (d *daemon) mustFind(name string) {
	d.t.Helper()
	if answer := d.mustAsk(name); !strings.Contains(answer, "Domain Name: "+name+"\r\n") {
		d.t.Fatalf("%s is not found:\n%s", name, answer)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	b, err := os.ReadFile(from)
	must(t, err)
	must(t, os.WriteFile(to, b, 0o600))
}

// removeSidecars removes SQLite's -wal and -shm files beside path.
func removeSidecars(path string) error {
	for _, suffix := range []string{"-wal", "-shm"} {
		if err := os.Remove(path + suffix); err != nil && !os.IsNotExist(err) {
			return err
		}
	}
	return nil
}
