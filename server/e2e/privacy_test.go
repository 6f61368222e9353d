package e2e

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Tokens that stand for private and for published values in a test registry.
const (
	privateToken = "PRIVTOKEN"
	publicToken  = "PUBTOKEN"
)

// fillTokens gives every column of a registry that may hold a private value a
// token of its own in each row, and one contact published ones.
const fillTokens = `
	update registry.contact set
		id        = case when 'id'     = any (disclose) then id     else 'PRIVTOKEN-id-'     || roid end,
		name      = case when 'name'   = any (disclose) then name   else 'PRIVTOKEN-name-'   || roid end,
		org       = case when 'org'    = any (disclose) then org    else 'PRIVTOKEN-org-'    || roid end,
		street    = case when 'street' = any (disclose) then street else array['PRIVTOKEN-street-' || roid, 'PRIVTOKEN-street2-' || roid] end,
		city      = case when 'city'   = any (disclose) then city   else 'PRIVTOKEN-city-'   || roid end,
		pc        = case when 'pc'     = any (disclose) then pc     else 'PRIVTOKEN-pc-'     || roid end,
		voice     = case when 'voice'  = any (disclose) then voice  else 'PRIVTOKEN-voice-'  || roid end,
		voice_ext = case when 'voice'  = any (disclose) then voice_ext else 'PRIVTOKEN-voice_ext-' || roid end,
		fax       = case when 'fax'    = any (disclose) then fax    else 'PRIVTOKEN-fax-'    || roid end,
		fax_ext   = case when 'fax'    = any (disclose) then fax_ext else 'PRIVTOKEN-fax_ext-' || roid end,
		email     = case when 'email'  = any (disclose) then email  else 'PRIVTOKEN-email-'  || roid end,
		statuses  = array['PRIVTOKEN-status-' || roid];
	update registry.domain set authinfo = 'PRIVTOKEN-authinfo-' || roid, crid = 'PRIVTOKEN-crid-' || roid;
	update registry.registrar set billing_note = 'PRIVTOKEN-billing-' || clid;
	update registry.reserved set note = 'PRIVTOKEN-note-' || name;
	insert into registry.contact (roid, id, clid, name, email, disclose)
		values ('CBILL-COOP', 'PRIVTOKEN-id-billing', 'example', 'PRIVTOKEN-name-billing', 'PRIVTOKEN-email-billing', '{id,name,email}');
	insert into registry.domain_contact select roid, 'billing', 'CBILL-COOP' from registry.domain where name = 'published.coop';
	update registry.contact set org = 'PUBTOKEN-org', disclose = array(select distinct unnest(disclose || 'org'::text))
		where roid = (select registrant from registry.domain where name = 'published.coop')`

// No private value of the registry is in an answer, a file, the log, the metrics
// or the memory of the process, whatever was asked and while things change.
func TestPrivateValuesNeverArrive(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the memory of a process is read through /proc")
	}
	db := postgresRegistry(t, 400)
	db.Exec(t, fillTokens)
	dir := t.TempDir()
	d := startDaemon(t, dir, "RDDSD_REGISTRY_POSTGRES="+db.DSN("edge1"), "RDDSD_RATELIMIT_MODE=off", "RDDSD_LOG_LEVEL=debug")
	d.answers("published.coop", publicToken)

	conn := db.Connect(t, "postgres")
	names := texts(t, conn, "select name from registry.domain union all select name from registry.host union all select name from registry.reserved order by 1")
	var answers bytes.Buffer
	ask := func() {
		for _, name := range names {
			for _, line := range []string{name, "nameserver " + name} {
				answers.WriteString(d.mustAsk(line))
			}
			for _, path := range []string{"/domain/", "/nameserver/"} {
				_, body, err := d.get("http://" + d.http + path + name)
				must(t, err)
				answers.WriteString(body)
			}
		}
		for _, roid := range texts(t, conn, "select roid from registry.contact order by 1") {
			_, body, err := d.get("http://" + d.http + "/entity/" + roid)
			must(t, err)
			answers.WriteString(body)
		}
		for _, path := range []string{"/metrics", "/status", "/readyz", "/debug/pprof/heap?debug=1", "/debug/pprof/goroutine?debug=2"} {
			_, body, err := d.get("http://" + d.admin + path)
			must(t, err)
			answers.WriteString(body)
		}
	}
	ask()
	// Each contact and each domain changes, in its private columns as well.
	db.Exec(t, "update registry.contact set name = replace(name, '-name-', '-name2-'), cc = 'DE'; update registry.domain set authinfo = authinfo || '2', reseller = 'Another Reseller'")
	d.answers("published.coop", "Another Reseller")
	ask()

	tells := func(where string, text []byte, public bool) {
		t.Helper()
		if at := bytes.Index(text, []byte(privateToken)); at >= 0 {
			t.Errorf("%s hold a private value: %q", where, text[at:min(len(text), at+60)])
		}
		if public && !bytes.Contains(text, []byte(publicToken)) {
			t.Errorf("%s do not hold the published value: the test proves nothing", where)
		}
	}
	tells("the answers", answers.Bytes(), true)
	tells("the log lines", []byte(d.out.String()), false)
	var files bytes.Buffer
	must(t, filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		content, err := os.ReadFile(path)
		files.Write(content)
		return err
	}))
	tells("the files", files.Bytes(), true)
	public := false
	eachRegion(t, d.cmd.Process.Pid, func(region string, content []byte) {
		tells("region "+region+" of the memory does", content, false)
		public = public || bytes.Contains(content, []byte(publicToken))
	})
	if !public {
		t.Error("the memory does not hold the published value: the test proves nothing")
	}
	must(t, d.stop())
}

// eachRegion reads the memory of a process, mapped files included.
func eachRegion(t *testing.T, pid int, f func(region string, content []byte)) {
	t.Helper()
	maps, err := os.Open(fmt.Sprintf("/proc/%d/maps", pid))
	must(t, err)
	defer maps.Close()
	memory, err := os.Open(fmt.Sprintf("/proc/%d/mem", pid))
	must(t, err)
	defer memory.Close()
	read := 0
	lines := bufio.NewScanner(maps)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		from, to, _ := strings.Cut(fields[0], "-")
		start, err := strconv.ParseUint(from, 16, 64)
		must(t, err)
		end, err := strconv.ParseUint(to, 16, 64)
		must(t, err)
		if !strings.HasPrefix(fields[1], "r") || strings.Contains(lines.Text(), "[v") {
			continue // not readable, or the kernel's own
		}
		const chunk, overlap = 1 << 20, 256
		buf := make([]byte, chunk)
		for at := start; at < end; at += chunk - overlap {
			n, err := memory.ReadAt(buf[:min(chunk, end-at)], int64(at))
			if err != nil && err != io.EOF && n == 0 {
				break // taken back meanwhile
			}
			read += n
			f(lines.Text(), buf[:n])
		}
	}
	must(t, lines.Err())
	if read < 10<<20 {
		t.Fatalf("only %d bytes of the process could be read", read)
	}
}

// Each of the nine elements is disclosed and withheld again: both protocols
// follow within a second, and what was withdrawn leaves the newest files.
func TestDisclosureOfEachElementIsFollowed(t *testing.T) {
	db := postgresRegistry(t, 300)
	const contact = "(select registrant from registry.domain where name = 'example.coop')"
	roid := texts(t, db.Connect(t, "postgres"), "select registrant from registry.domain where name = 'example.coop'")[0]
	db.Exec(t, `update registry.contact set id = 'tok-id', name = 'Tok Name', org = 'Tok Org', street = '{Tok Street 1}', city = 'Tok City', pc = 'TOKPC1',
		voice = '+44.7000000001', fax = '+44.7000000002', email = 'tok@element.example', disclose = '{}' where roid = `+contact)
	dir := t.TempDir()
	d := startDaemon(t, dir, "RDDSD_REGISTRY_POSTGRES="+db.DSN("edge1"), "RDDSD_RATELIMIT_MODE=off")
	elements := []struct{ name, value string }{
		{"id", roid},
		{"name", "Tok Name"},
		{"org", "Tok Org"},
		{"street", "Tok Street 1"},
		{"city", "Tok City"},
		{"pc", "TOKPC1"},
		{"voice", "44.7000000001"},
		{"fax", "44.7000000002"},
		{"email", "tok@element.example"},
	}
	shown := func(value string) (whois, rdap bool) {
		_, body, err := d.get("http://" + d.http + "/domain/example.coop")
		must(t, err)
		return strings.Contains(d.mustAsk("example.coop"), value), strings.Contains(body, value)
	}
	// Some protocols show less of a contact than it discloses: what each shows of
	// one that discloses everything is what must come and go.
	db.Exec(t, "update registry.contact set disclose = '{id,name,org,street,city,pc,voice,fax,email}' where roid = "+contact)
	d.answers("example.coop", "Tok City")
	inWhois, inRDAP := map[string]bool{}, map[string]bool{}
	for _, e := range elements {
		inWhois[e.name], inRDAP[e.name] = shown(e.value)
		if !inRDAP[e.name] || !inWhois[e.name] && e.name != "email" {
			t.Errorf("%s: of a contact that discloses it WHOIS shows it: %v, RDAP: %v", e.name, inWhois[e.name], inRDAP[e.name])
		}
	}
	late := 0
	flip := func(disclose, name, value string, want bool) {
		t.Helper()
		db.Exec(t, "update registry.contact set disclose = '{"+disclose+"}' where roid = "+contact)
		committed := time.Now()
		d.within(fmt.Sprintf("%s is shown: %v", name, want), func() error {
			whois, rdap := shown(value)
			if whois != (want && inWhois[name]) || rdap != want {
				return fmt.Errorf("WHOIS shows it: %v, RDAP: %v", whois, rdap)
			}
			return nil
		})
		if took := time.Since(committed); took > freshness {
			late++
			t.Logf("%s: %v after %v", name, want, took)
		}
	}
	for _, e := range elements {
		flip("", e.name, e.value, false)
		for _, other := range elements {
			if whois, rdap := shown(other.value); whois || rdap {
				t.Errorf("with nothing disclosed %s is shown: WHOIS %v, RDAP %v", other.name, whois, rdap)
			}
		}
		flip(e.name, e.name, e.value, true)
		for _, other := range elements {
			if whois, rdap := shown(other.value); other.name != e.name && (whois || rdap) {
				t.Errorf("with %s disclosed %s is shown: WHOIS %v, RDAP %v", e.name, other.name, whois, rdap)
			}
		}
		flip("", e.name, e.value, false)
	}
	// A machine under load may be slow to ask; polls alone would be late nearly always.
	if late > 3*len(elements)/2 {
		t.Errorf("%d of %d changes showed later than %v", late, 3*len(elements), freshness)
	}
	if !*long {
		return
	}
	withdrawn := time.Now()
	d.within("the withdrawn values leave the newest files", func() error {
		bases, err := filepath.Glob(filepath.Join(dir, "snapshots", "base-*"))
		if err != nil || len(bases) == 0 {
			return fmt.Errorf("bases: %q, %v", bases, err)
		}
		number := strings.TrimPrefix(filepath.Base(bases[len(bases)-1]), "base-")
		newest, err := filepath.Glob(filepath.Join(dir, "snapshots", "*-*"))
		if err != nil {
			return err
		}
		for _, path := range newest {
			if _, n, _ := strings.Cut(filepath.Base(path), "-"); n < number {
				continue
			}
			content, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			for _, e := range elements[1:] {
				if bytes.Contains(content, []byte(e.value)) {
					return fmt.Errorf("%s holds %s", path, e.name)
				}
			}
		}
		return nil
	})
	t.Logf("the withdrawn values left the newest files after %v", time.Since(withdrawn).Round(time.Second))
}

// texts reads a query of one column.
func texts(t *testing.T, conn *pgx.Conn, query string) []string {
	t.Helper()
	rows, err := conn.Query(t.Context(), query)
	must(t, err)
	list, err := pgx.CollectRows(rows, pgx.RowTo[string])
	must(t, err)
	return list
}
