package e2e

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"rddsd/cache/feed/sqlite"
	"rddsd/server/rdap/rdapcheck"
)

// TestThreeTLDs: one process answers for three TLDs, two at hosts of their own and one
// below a path, each under its certificate, with its texts, links and contact model.
func TestThreeTLDs(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "registry.sqlite")
	mustRun(t, "registry", "gen", "--names", "300", "--to", "sqlite:"+path)
	addTLDs(t, path)

	tlds := []struct {
		name, base, more string // more lines of its table
		contacts         bool   // are shown
	}{
		{"coop", "https://rdap.nic.coop/", ``, true},
		{"test", "https://rdap.nic.test/", `hosts = ["old-rdap.nic.test"]`, false}, // its contact model in the registry is minimum
		{"example", "https://rdap.nic.test/example/", `contact_model = "full"`, true},
	}
	text := "[ratelimit]\nmode = \"off\"\n"
	roots := x509.NewCertPool()
	for i, name := range []string{"rdap.nic.coop", "rdap.nic.test", "old-rdap.nic.test"} {
		certFile, keyFile := writeCertificate(t, dir, name, int64(i+1))
		chain, err := os.ReadFile(certFile)
		must(t, err)
		roots.AppendCertsFromPEM(chain)
		text += fmt.Sprintf("[[certificate]]\ncert = %q\nkey = %q\nnames = [%q]\n", certFile, keyFile, name)
	}
	for _, tld := range tlds {
		text += fmt.Sprintf("[[tld]]\nname = %q\nbase_url = %q\nterms_url = \"https://www.nic.%s/terms\"\nhelp_url = \"https://www.nic.%s/help\"\nport43 = \"whois.nic.%s\"\n%s\n",
			tld.name, tld.base, tld.name, tld.name, tld.name, tld.more)
	}
	config := filepath.Join(dir, "rddsd.toml")
	must(t, os.WriteFile(config, []byte(text), 0o600))
	d := newDaemon(t, dir)
	d.start("--config", config)
	d.waitReady()

	// Every host is this one, and its certificate is checked.
	client := &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: roots},
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, d.https)
		},
	}}
	defer client.CloseIdleConnections()
	get := func(url string) rdapcheck.Response {
		t.Helper()
		res, err := client.Get(url)
		must(t, err)
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		must(t, err)
		return rdapcheck.Response{URL: url, Status: res.StatusCode, Header: res.Header, Body: body}
	}
	for _, tld := range tlds {
		world := &rdapcheck.Registry{
			Suffixes: map[string]bool{"COOP": true}, Registrars: map[int][]string{9995: {}}, Bases: map[string][]string{tld.name: {tld.base}},
		}
		for _, target := range []string{
			"help", "entity/9995", "entity/" + url.PathEscape("Example Registrar Limited"), "nameserver/ns1.example.coop", "nameservers?ip=198.41.0.4",
			"domain/published." + tld.name, "domain/PubLished." + tld.name, "domain/nosuch." + tld.name, "domain/test.invalid",
		} {
			r := get(tld.base + target)
			for _, finding := range slices.Concat(rdapcheck.Check(r, world), rdapcheck.CheckTested(r)) {
				t.Errorf("%s: %v\n%s", r.URL, finding, r.Body)
			}
			// A name server is of its own TLD, whichever is asked.
			terms := tld.name
			if strings.HasPrefix(target, "nameserver/") {
				terms = "coop"
			}
			if want := fmt.Sprintf(`"value":%q,"rel":"terms-of-service","href":"https://www.nic.%s/terms"`, r.URL, terms); !strings.Contains(string(r.Body), want) {
				t.Errorf("%s: no %s in %s", r.URL, want, r.Body)
			}
		}
		r := get(tld.base + "domain/published." + tld.name)
		if shown := strings.Contains(string(r.Body), `"roles":["registrant"]`); r.Status != http.StatusOK || shown != tld.contacts {
			t.Errorf("%s: status %d, shows its registrant: %v, want %v", r.URL, r.Status, shown, tld.contacts)
		}
		for _, want := range []string{
			`"rel":"self","href":"` + tld.base + `domain/published.` + tld.name + `"`,
			`"rel":"self","href":"` + tld.base + `entity/9995"`,
			`"port43":"whois.nic.` + tld.name + `"`,
		} {
			if !strings.Contains(string(r.Body), want) {
				t.Errorf("%s: no %s in %s", r.URL, want, r.Body)
			}
		}
	}
	// The old host answers with the links and the texts of the new one.
	for _, target := range []string{"help", "domain/published.test"} {
		r := get("https://old-rdap.nic.test/" + target)
		if want := `"value":"https://rdap.nic.test/` + target + `","rel":"terms-of-service","href":"https://www.nic.test/terms"`; !strings.Contains(string(r.Body), want) {
			t.Errorf("%s: no %s in %s", r.URL, want, r.Body)
		}
	}
}

// addTLDs adds two TLDs to the registry at path, each with a name like published.coop.
func addTLDs(t *testing.T, path string) {
	t.Helper()
	db, err := sqlite.OpenSession(t.Context(), path)
	must(t, err)
	defer db.Close()
	must(t, db.Change(t.Context(), func(ctx context.Context) error {
		for i, tld := range []string{"test", "example"} {
			model := []string{"minimum", "per-registrar"}[i]
			if err := db.Exec(ctx, "insert into tld (name, contact_model) values (?, ?)", tld, model); err != nil {
				return err
			}
			if err := db.Exec(ctx, `insert into domain (roid, name, clid, registrant, created, expires)
				select ?, ?, clid, registrant, created, expires from domain where name = 'published.coop'`, fmt.Sprintf("D999%d-COOP", i), "published."+tld); err != nil {
				return err
			}
		}
		return nil
	}))
}
