package e2e

import (
	"bytes"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"rddsd/cache/registry"
)

// copyDomain makes in a registry a domain like example.coop under another name.
const copyDomain = `insert into domain (roid, name, clid, registrant, created, expires, statuses)
	select '%[1]s', '%[2]s', clid, registrant, created, expires, '%[3]s' from domain where name = 'published.coop';
	insert into domain_contact select '%[1]s', role, contact_roid from domain_contact where domain_roid = (select roid from domain where name = 'published.coop');
	insert into domain_host select '%[1]s', host_roid from domain_host where domain_roid = (select roid from domain where name = 'published.coop');
`

// TestTLDsOfTheirOwn: each TLD of a registry has its own words, profile and contact model,
// and port 43 may be off for one, which RDAP goes on answering for. All of it changes by a
// reload; contacts are answered for where the operator wants it.
func TestTLDsOfTheirOwn(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "registry.sqlite")
	mustRun(t, "registry", "gen", "--names", "200", "--to", "sqlite:"+path)
	sqlite3(t, path, "insert into tld (name, gtld) values ('test', 0), ('example', 0);"+
		fmt.Sprintf(copyDomain, "D1-TEST", "published.test", "[]")+fmt.Sprintf(copyDomain, "D1-EXAMPLE", "published.example", "[]"))
	file := filepath.Join(dir, "rddsd.toml")
	write := func(text string) { must(t, os.WriteFile(file, []byte("[ratelimit]\nmode = \"off\"\n"+text), 0o600)) }
	write(`[[tld]]
name = "coop"
whois_profile = "2017"
contact_model = "minimum"
complaint = "URL of the form of .coop: https://www.nic.coop/form"
[[tld]]
name = "test"
port43 = false
[[tld]]
name = "example"
port43 = "whois.nic.example"
terms_url = "https://www.nic.example/terms"
disclaimer = "Access to WHOIS information is provided in the words of .example"
`)
	d := newDaemon(t, dir)
	d.start("--config", file)
	d.waitReady()
	for _, test := range []struct{ query, holds, lacks string }{
		{"published.coop", "For more information on Whois status codes", "Registrant"},
		{"published.coop", "URL of the form of .coop: https://www.nic.coop/form\r\n", "ICANN"},
		{"published.coop", "provided by the .coop registry", "words of .example"},
		{"published.example", "Registrant Name: ", "Admin"},
		{"published.example", "For more information on domain status codes", "Whois status"},
		{"published.example", "in the words of .example\r\n", "the .coop registry"},
		{"published.test", "This server answers only for names that end in .coop or .example\r\nNames that end in .test are answered by RDAP alone.\r\n", "Domain Name"},
		{"unregistered.test", "Names that end in .test are answered by RDAP alone.\r\n", "ound"},
		{"example.com", "This server answers only for names that end in .coop or .example\r\nSend", ".test"},
		{"?", "Names end in .coop or .example\r\n", "contact ID"},
		{"contact C1-COOP", "Malformed request.", "ound"},
	} {
		if answer := d.mustAsk(test.query); !strings.Contains(answer, test.holds) || strings.Contains(answer, test.lacks) {
			t.Errorf("%s lacks %q or holds %q:\n%s", test.query, test.holds, test.lacks, answer)
		}
	}
	for name, port43 := range map[string]any{"published.coop": nil, "published.test": nil, "published.example": "whois.nic.example"} {
		if status, body := d.rdap("/domain/" + name); status != http.StatusOK || body["port43"] != port43 {
			t.Errorf("RDAP of %s: status %d, port43 %v, want %v", name, status, body["port43"], port43)
		}
	}

	write("[whois]\ncontacts = true\n[[tld]]\nname = \"test\"\n")
	mustRun(t, "reload", "--data", dir, "--reason", "port 43 for .test, and contacts")
	if answer := d.mustAsk("published.test"); !strings.Contains(answer, "Domain Name: published.test\r\n") {
		t.Errorf("published.test after the reload:\n%s", answer)
	}
	_, id, _ := strings.Cut(d.mustAsk("published.coop"), "Registry Registrant ID: ")
	id, _, _ = strings.Cut(id, "\r\n")
	if answer := d.mustAsk("contact " + id); !strings.HasPrefix(answer, "Registry Contact ID: "+id+"\r\nContact Name: ") {
		t.Errorf("contact %s:\n%s", id, answer)
	}
	for _, text := range []string{
		"[[tld]]\nname = \"test\"\nstatus_help = \"Nothing found here\"\n",
		"[[tld]]\nname = \"test\"\ncomplaint = \"Registrar: https://www.nic.test\"\n",
		"[[tld]]\nname = \"test\"\nterms_url = \"https://www.nic.test/terms@x\"\n",
		"[whois]\nredaction = \"Not available\"\n",
	} {
		write(text)
		if _, stderr, code := run(t, "reload", "--data", dir, "--reason", "a bad text"); code != 1 || !strings.Contains(stderr, "rddsd.toml:") {
			t.Errorf("reload of\n%s: exit %d\n%s", text, code, stderr)
		}
	}
	if answer := d.mustAsk("contact " + id); !strings.HasPrefix(answer, "Registry Contact ID: ") {
		t.Errorf("after bad texts contact %s:\n%s", id, answer)
	}
	must(t, d.stop())
}

// Both protocols count a question under the same TLD, object and class, and one that
// stands under no TLD under none.
func TestProtocolsCountAlike(t *testing.T) {
	d := startDaemon(t, t.TempDir(), "RDDSD_RATELIMIT_MODE=off")
	asked := []struct{ line, path, counted string }{
		{"example.coop", "/domain/example.coop", `tld="coop",service="%s",object="domain",class="found"`},
		{"unregistered.coop", "/domain/unregistered.coop", `tld="coop",service="%s",object="domain",class="notfound"`},
		{"reserved.coop", "/domain/reserved.coop", `tld="coop",service="%s",object="domain",class="reserved"`},
		{"domain xn--99999999.coop", "/domain/xn--99999999.coop", `tld="coop",service="%s",object="domain",class="invalid"`},
		{"example.com", "/domain/example.com", `tld="none",service="%s",object="domain",class="othertld"`},
		{"nameserver ns1.example.coop", "/nameserver/ns1.example.coop", `tld="coop",service="%s",object="nameserver",class="found"`},
		{"nameserver 198.41.0.4", "/nameservers?ip=198.41.0.4", `tld="none",service="%s",object="nameservers",class="found"`},
		{"registrar 9995", "/entity/9995", `tld="none",service="%s",object="registrar",class="found"`},
		{"domain -", "/domain/-", `tld="none",service="%s",object="none",class="invalid"`},
		{"?", "/help", `tld="none",service="%s",object="none",class="help"`},
	}
	for _, a := range asked {
		d.mustAsk(a.line)
		_, _, err := d.get("http://" + d.http + a.path)
		must(t, err)
	}
	_, metrics, err := d.get("http://" + d.admin + "/metrics")
	must(t, err)
	for _, a := range asked {
		for _, service := range []string{"whois", "rdap"} {
			line := "rddsd_queries_total{" + fmt.Sprintf(a.counted, service) + `,audience="anonymous"} 1`
			if !strings.Contains(metrics, line+"\n") {
				t.Errorf("%s, %s: the metrics lack %s", a.line, a.path, line)
			}
		}
	}
	if n := strings.Count(metrics, "rddsd_queries_total{"); n != 2*len(asked) {
		t.Errorf("%d series of queries, want %d", n, 2*len(asked))
	}
	must(t, d.stop())
}

// TestVerificationIsNeverTold is A-11: whether a co-operative has been verified, or waits
// for it, is in no answer, log line or metric, and no value of it in a file, nor has any
// type a place for it. A name that waits (pendingCreate) is answered as a reserved one.
func TestVerificationIsNeverTold(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "registry.sqlite")
	mustRun(t, "registry", "gen", "--names", "200", "--to", "sqlite:"+path)
	sqlite3(t, path, fmt.Sprintf(copyDomain, "DWAITING-COOP", "waiting.coop", `["pendingCreate"]`)+`
		create table verification (domain text, state text, document text, checked text);
		insert into verification values ('waiting.coop', 'VERIFTOKEN-pending', 'VERIFTOKEN-document', 'VERIFTOKEN-date'), ('published.coop', 'VERIFTOKEN-verified', 'VERIFTOKEN-document', '');
		update domain set authinfo = 'VERIFTOKEN-authinfo';
		update registrar set billing_note = 'VERIFTOKEN-billing';`)
	d := startDaemon(t, dir, "RDDSD_RATELIMIT_MODE=off", "RDDSD_LOG_LEVEL=debug", "RDDSD_WHOIS_CONTACTS=true")

	var told bytes.Buffer
	both := func(line, path string) (text string, status int, body string) {
		text = d.mustAsk(line)
		status, body, err := d.get("http://" + d.http + path)
		must(t, err)
		told.WriteString(text + body)
		return text, status, body
	}
	text, status, body := both("waiting.coop", "/domain/waiting.coop")
	likeText, likeStatus, likeBody := both("reserved.coop", "/domain/reserved.coop")
	if text != likeText || status != likeStatus || strings.ReplaceAll(body, "waiting.coop", "reserved.coop") != likeBody {
		t.Errorf("a name that waits is told from one that is reserved:\n%s\n%s\n%d %s\n%d %s", text, likeText, status, body, likeStatus, likeBody)
	}
	for _, line := range []string{"roid DWAITING-COOP", "DWAITING-COOP", "domain waiting.coop", "published.coop", "nameserver ns1.example.coop", "registrar 9995", "?"} {
		told.WriteString(d.mustAsk(line))
	}
	both("published.coop", "/domain/published.coop")
	for _, page := range []string{"/metrics", "/status", "/readyz"} {
		_, text, err := d.get("http://" + d.admin + page)
		must(t, err)
		told.WriteString(text)
	}

	// The name passes, and the registry's state with it.
	sqlite3(t, path, "update verification set state = 'VERIFTOKEN-passed'; update domain set statuses = '[]' where name = 'waiting.coop';")
	d.answers("waiting.coop", "Domain Name: waiting.coop")
	both("waiting.coop", "/domain/waiting.coop")
	must(t, d.stop())
	told.WriteString(d.out.String())
	must(t, filepath.WalkDir(dir, func(file string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() || strings.HasPrefix(file, path) {
			return err
		}
		content, err := os.ReadFile(file)
		told.Write(content)
		return err
	}))
	for _, word := range []string{"veriftoken", "pendingcreate", "pending create", "verif", "eligib"} {
		if at := bytes.Index(bytes.ToLower(told.Bytes()), []byte(word)); at >= 0 {
			t.Errorf("%q is told: %q", word, told.Bytes()[max(0, at-60):min(told.Len(), at+60)])
		}
	}

	for _, object := range []any{registry.TLD{}, registry.Registrar{}, registry.Contact{}, registry.Nameserver{}, registry.Domain{}, registry.Reserved{}} {
		for _, field := range reflect.VisibleFields(reflect.TypeOf(object)) {
			for _, word := range []string{"verif", "eligib", "document", "consent", "auth", "billing", "payment", "lock"} {
				if strings.Contains(strings.ToLower(field.Name), word) {
					t.Errorf("%T has a place for %s", object, field.Name)
				}
			}
		}
	}
}
