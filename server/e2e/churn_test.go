package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"rddsd/cache/feed/churn"
	"rddsd/cache/feed/sqlite"
	"rddsd/cache/registry"
)

// freshness is how far an answer may lag behind the registry.
const freshness = time.Second

// seen is one answer about a domain and when it was asked for.
type seen struct {
	name       string
	protocol   string
	begin, end registry.Time
	state      string // shown state, "" = not found
}

// reservedState is what WHOIS shows of a name that waits to be created.
const reservedState = "reserved"

// era is one state of a domain in the registry, and the moments, earliest and
// latest, between which it may have held.
type era struct {
	from, until registry.Time
	whois, rdap string // as the protocols would show it
}

// TestEveryAnswerIsACommittedState asks mixed questions from 64 connections
// while the registry changes 200 times a second, and holds every answer against
// the registry's own log: it must be a state that the registry was in between a
// second before the question and the end of the answer. Where the machine stands still,
// which the slowest answer tells, the feed may do so too.
func TestEveryAnswerIsACommittedState(t *testing.T) {
	length := 5 * time.Second
	if *long {
		length = 60 * time.Second
	}
	dir := t.TempDir()
	path, logPath := filepath.Join(dir, "registry.sqlite"), filepath.Join(dir, "churn.log")
	mustRun(t, "registry", "gen", "--names", "10000", "--to", "sqlite:"+path)
	// What compressed bodies may take is bounded by its key; here it is soon full.
	d := startDaemon(t, dir, "RDDSD_RATELIMIT_MODE=off", "RDDSD_RDAP_GZIP_CACHE=1")

	db, err := sqlite.OpenSession(t.Context(), path)
	must(t, err)
	initial, err := churn.ReadDomains(t.Context(), db)
	must(t, err)
	must(t, db.Close())
	names := make([]string, len(initial))
	for i, state := range initial {
		names[i] = state.Name
	}

	before := d.usage()
	churn := exec.Command(binary, "registry", "churn", "--rate", "200", "--for", (length + freshness).String(), "--log", logPath, "--to", "sqlite:"+path)
	churn.Stderr = os.Stderr
	must(t, churn.Start())
	t.Cleanup(func() { _ = churn.Process.Kill() })

	ctx, cancel := context.WithTimeout(t.Context(), length)
	defer cancel()
	var (
		wg      sync.WaitGroup
		mu      sync.Mutex
		answers []seen
		faults  []string
		middle  usage
	)
	for worker := range 64 {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(1, uint64(worker)))
			var mine []seen
			for ctx.Err() == nil {
				s, fault := d.askAbout(names[rng.IntN(len(names))], worker%4 == 0)
				if fault == nil && rng.IntN(10) == 0 {
					fault = d.askMixed(rng)
				}
				if fault != nil {
					mu.Lock()
					faults = append(faults, fault.Error())
					mu.Unlock()
					continue
				}
				mine = append(mine, s)
			}
			mu.Lock()
			answers = append(answers, mine...)
			mu.Unlock()
		})
	}
	wg.Go(func() {
		select {
		case <-ctx.Done():
		case <-time.After(length / 3):
			middle = d.usage()
		}
	})
	wg.Wait()
	if err := churn.Wait(); err != nil {
		t.Errorf("registry churn: %v", err)
	}
	after := d.usage()

	eras, changes := readEras(t, initial, logPath)
	lag := freshness
	for _, a := range answers {
		lag = max(lag, freshness+2*a.end.Std().Sub(a.begin.Std()))
	}
	wrong, hits := 0, 0
	for _, a := range answers {
		if a.state != "" {
			hits++
		}
		if !committed(eras[a.name], a, lag) {
			if wrong++; wrong <= 5 {
				t.Errorf("%s %s, asked %s to %s, was answered\n%s\nwhich the registry was not in; it was in\n%+v", a.protocol, a.name, a.begin.Std(), a.end.Std(), a.state, eras[a.name])
			}
		}
	}
	t.Logf("%d answers (%d found), %d committed changes, %d wrong answers within %v, %d faults", len(answers), hits, changes, wrong, lag.Round(time.Millisecond), len(faults))
	t.Logf("goroutines %d -> %d -> %d, memory %d -> %d -> %d MiB", before.goroutines, middle.goroutines, after.goroutines, before.rss>>20, middle.rss>>20, after.rss>>20)
	if wrong > 0 || len(faults) > 0 || hits == 0 || changes == 0 {
		t.Errorf("%d wrong answers, %d faults, first %q", wrong, len(faults), slices.Concat(faults, []string{"none"})[0])
	}
	d.within("the goroutines that served are gone", func() error {
		if after = d.usage(); after.goroutines > before.goroutines+10 {
			return fmt.Errorf("%d before the load, %d after it", before.goroutines, after.goroutines)
		}
		return nil
	})
	if *long && after.rss > middle.rss+middle.rss/4 {
		t.Errorf("memory grew from %d to %d MiB under a steady load", middle.rss>>20, after.rss>>20)
	}
}

// askAbout asks about one name.
func (d *daemon) askAbout(name string, rdap bool) (seen, error) {
	s := seen{name: name, protocol: "WHOIS", begin: registry.TimeOf(time.Now())}
	if rdap {
		s.protocol = "RDAP"
		status, body, err := d.get("http://" + d.http + "/domain/" + name)
		if err != nil {
			return s, err
		}
		switch status {
		case 200:
			s.state, err = rdapState(body)
		case 404:
		default:
			err = fmt.Errorf("RDAP %s: status %d: %s", name, status, body)
		}
		s.end = registry.TimeOf(time.Now())
		return s, err
	}
	answer, err := d.ask(name)
	if err != nil {
		return s, err
	}
	s.end = registry.TimeOf(time.Now())
	switch {
	case strings.HasPrefix(answer, "Domain Name: "):
		s.state = whoisState(answer)
	case strings.HasPrefix(answer, "Reserved by Registry"):
		s.state = reservedState
	case !strings.HasPrefix(answer, "Domain not found."):
		return s, fmt.Errorf("WHOIS %s: %s", name, answer)
	}
	return s, nil
}

// askMixed asks something else, whose answer is known.
func (d *daemon) askMixed(rng *rand.Rand) error {
	questions := [...]struct{ line, want string }{
		{"unregistered.coop", "Domain not found."},
		{"reserved.coop", "Reserved by Registry"},
		{"nameserver ns1.example.coop", "Server Name: ns1.example.coop"},
		{"registrar 9995", "Registrar: Example Registrar Limited"},
		{"?", "% .coop registry WHOIS server"},
		{"example.com", "Malformed request."},
		{"foo*.coop", "Malformed request."},
	}
	q := questions[rng.IntN(len(questions))]
	answer, err := d.ask(q.line)
	if err == nil && !strings.HasPrefix(answer, q.want) {
		err = fmt.Errorf("WHOIS %s: %s", q.line, answer)
	}
	return err
}

// whoisState picks what both the answer and the log tell of a domain.
func whoisState(answer string) string {
	var registrar, updated, expires string
	var hosts, statuses, ds []string
	for line := range strings.SplitSeq(answer, "\r\n") {
		label, value, _ := strings.Cut(line, ": ")
		switch label {
		case "Registrar":
			registrar = value
		case "Updated Date":
			updated = value
		case "Registry Expiry Date":
			expires = value
		case "Name Server":
			hosts = append(hosts, value)
		case "DNSSEC DS Data":
			ds = append(ds, strings.ToLower(value))
		case "Domain Status":
			code, _, _ := strings.Cut(value, " ")
			statuses = append(statuses, code)
		}
	}
	return describe(registrar, updated, expires, hosts, ds, settled(statuses))
}

func rdapState(body string) (string, error) {
	var b struct {
		Events      []struct{ EventAction, EventDate string }
		Nameservers []struct{ LdhName string }
		Entities    []struct {
			Roles      []string
			VcardArray []any
		}
		SecureDNS struct {
			DsData []struct {
				KeyTag, Algorithm, DigestType int
				Digest                        string
			}
		}
	}
	if err := json.Unmarshal([]byte(body), &b); err != nil {
		return "", fmt.Errorf("RDAP body: %w", err)
	}
	var registrar, updated, expires string
	var hosts, ds []string
	for _, e := range b.Events {
		switch e.EventAction {
		case "last changed":
			updated = e.EventDate
		case "expiration":
			expires = e.EventDate
		}
	}
	for _, n := range b.Nameservers {
		hosts = append(hosts, n.LdhName)
	}
	for _, r := range b.SecureDNS.DsData {
		ds = append(ds, fmt.Sprintf("%d %d %d %s", r.KeyTag, r.Algorithm, r.DigestType, strings.ToLower(r.Digest)))
	}
	for _, e := range b.Entities {
		if !slices.Contains(e.Roles, "registrar") {
			continue
		}
		for _, property := range e.VcardArray[1].([]any) {
			if p := property.([]any); p[0] == "fn" {
				registrar = p[3].(string)
			}
		}
	}
	return describe(registrar, updated, expires, hosts, ds, nil), nil
}

func describe(registrar, updated, expires string, hosts, ds, statuses []string) string {
	slices.Sort(hosts)
	slices.Sort(ds)
	slices.Sort(statuses)
	return fmt.Sprintf("%s | %s | %s | %s | %s | %s", registrar, updated, expires, strings.Join(hosts, " "), strings.Join(ds, ", "), strings.Join(statuses, " "))
}

// settled leaves out the statuses that are derived or that the clock ends.
func settled(statuses []string) []string {
	return slices.DeleteFunc(slices.Clone(statuses), func(s string) bool {
		switch s {
		case "ok", "inactive", "addPeriod", "renewPeriod", "autoRenewPeriod", "transferPeriod":
			return true
		}
		return false
	})
}

func readEras(t *testing.T, initial []churn.Domain, path string) (eras map[string][]era, changes int) {
	t.Helper()
	eras = make(map[string][]era)
	const ever = registry.MaxTime
	for i := range initial {
		eras[initial[i].Name] = []era{eraOf(&initial[i], 0)}
	}
	file, err := os.Open(path)
	must(t, err)
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		var entry churn.Entry
		must(t, json.Unmarshal(lines.Bytes(), &entry))
		changes++
		for i := range entry.Domains {
			state := &entry.Domains[i]
			list := eras[state.Name]
			if len(list) > 0 {
				list[len(list)-1].until = entry.After
			} else {
				list = append(list, era{until: entry.After})
			}
			eras[state.Name] = append(list, eraOf(state, entry.Before))
		}
	}
	must(t, lines.Err())
	for _, list := range eras {
		list[len(list)-1].until = ever
	}
	return eras, changes
}

func eraOf(state *churn.Domain, from registry.Time) era {
	if !state.Exists {
		return era{from: from}
	}
	if slices.Contains(state.Statuses, "pendingCreate") {
		return era{from: from, whois: reservedState} // RDAP says 404 to both (whois.md Q-07)
	}
	date := func(t registry.Time) string {
		if t == 0 {
			return ""
		}
		return t.String()
	}
	show := func(statuses []string) string {
		return describe(state.RegistrarName, date(state.Updated), date(state.Expires), slices.Clone(state.Hosts), slices.Clone(state.DS), statuses)
	}
	return era{from: from, whois: show(settled(state.Statuses)), rdap: show(nil)}
}

// committed reports whether the registry was in the answered state at some
// moment between lag before the question and the end of the answer.
func committed(eras []era, a seen, lag time.Duration) bool {
	for _, e := range eras {
		state := e.whois
		if a.protocol == "RDAP" {
			state = e.rdap
		}
		if state == a.state && e.from <= a.end && e.until >= a.begin-registry.Time(lag/time.Microsecond) {
			return true
		}
	}
	return false
}

// usage is what a daemon uses of the machine.
type usage struct{ goroutines, rss int }

func (d *daemon) usage() usage {
	d.t.Helper()
	_, text, err := d.get("http://" + d.admin + "/metrics")
	if err != nil {
		d.t.Fatalf("read the metrics: %v", err)
	}
	read := func(name string) int {
		for line := range strings.SplitSeq(text, "\n") {
			if value, ok := strings.CutPrefix(line, name+" "); ok {
				f, err := strconv.ParseFloat(value, 64)
				must(d.t, err)
				return int(f)
			}
		}
		d.t.Fatalf("there is no metric %s", name)
		return 0
	}
	return usage{goroutines: read("go_goroutines"), rss: read("process_resident_memory_bytes")}
}
