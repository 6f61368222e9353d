package e2e

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
)

// TestReplacedUnderLoad: certificates are rotated, the configuration is changed and
// reloaded, and the process is replaced, round after round, while clients ask over new
// connections and over kept ones, with TLS and without: every request is answered, and
// what changed is seen by all.
func TestReplacedUnderLoad(t *testing.T) {
	const first, second = "rdap.nic.example", "rdap.nic.test"
	rounds := int64(3)
	if *long {
		rounds = 20
	}
	dir := t.TempDir()
	config := filepath.Join(dir, "rddsd.toml")
	configure := func(serial int64) {
		t.Helper()
		text := fmt.Sprintf("[[tld]]\nname = \"coop\"\nterms_url = \"https://www.nic.example/terms-%d\"\n", serial)
		for _, name := range []string{first, second} {
			certFile, keyFile := writeCertificate(t, dir, name, serial)
			text += fmt.Sprintf("[[certificate]]\ncert = %q\nkey = %q\nnames = [%q]\n", certFile, keyFile, name)
		}
		must(t, os.WriteFile(config+".new", []byte(text), 0o600))
		must(t, os.Rename(config+".new", config))
	}
	configure(1)
	s := newSupervisor(t)
	s.args = []string{"--config", config}
	d := newDaemon(t, dir, "RDDSD_RATELIMIT_MODE=off")
	d.http, d.https = s.listen("rdap-http"), s.listen("rdap-https")
	s.start(d)
	s.hear(d, "READY=1")

	// ask gets an answer, whole, and returns whose terms it names and the serial of the
	// certificate under which it came.
	ask := func(client *http.Client, url string) (terms string, serial int64, err error) {
		res, err := client.Get(url)
		if err != nil {
			return "", 0, err
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		_, after, found := strings.Cut(string(body), `"href":"https://www.nic.example/`)
		if err != nil || res.StatusCode != http.StatusOK || !found || !strings.HasSuffix(string(body), "}") {
			return "", 0, fmt.Errorf("%s: %v, status %s, %s", url, err, res.Status, body)
		}
		if res.TLS != nil {
			serial = res.TLS.PeerCertificates[0].SerialNumber.Int64()
		}
		terms, _, _ = strings.Cut(after, `"`)
		return terms, serial, nil
	}
	newClient := func(name string, keeps bool) *http.Client {
		return &http.Client{Timeout: patience, Transport: &http.Transport{
			DisableKeepAlives: !keeps, TLSClientConfig: &tls.Config{InsecureSkipVerify: true, ServerName: name},
		}}
	}
	var (
		asking   sync.WaitGroup
		enough   atomic.Bool
		answered [3]atomic.Int64 // over new connections with TLS, over kept ones with TLS, without TLS
	)
	defer func() {
		enough.Store(true)
		asking.Wait()
	}()
	for i := range 6 {
		sort := i % 3
		url := "https://" + d.https
		if sort == 2 {
			url = "http://" + d.http
		}
		asking.Go(func() {
			client := newClient([]string{first, second}[i/3], sort == 1)
			defer client.CloseIdleConnections()
			for !enough.Load() {
				if _, _, err := ask(client, url+"/domain/example.coop"); err != nil {
					t.Errorf("a request failed: %v", err)
					return
				}
				answered[sort].Add(1)
			}
		})
	}
	goesOn := func(what string) {
		t.Helper()
		var before [3]int64
		for i := range answered {
			before[i] = answered[i].Load()
		}
		d.within("requests go on after "+what, func() error {
			for i := range answered {
				if n := answered[i].Load() - before[i]; n < 20 && !t.Failed() {
					return fmt.Errorf("%d requests of sort %d so far", n, i)
				}
			}
			return nil
		})
	}
	goesOn("the start")
	for serial := int64(2); serial < 2+rounds; serial++ {
		configure(serial)
		must(t, d.cmd.Process.Signal(syscall.SIGHUP))
		s.hear(d, "READY=1")
		d.within("what changed is seen", func() error {
			for _, name := range []string{first, second} {
				client := newClient(name, false)
				terms, shown, err := ask(client, "https://"+d.https+"/domain/example.coop")
				if want := fmt.Sprintf("terms-%d", serial); err != nil || terms != want || shown != serial {
					return errors.Join(err, fmt.Errorf("%s: %s under certificate %d, want %s", name, terms, shown, want))
				}
			}
			return nil
		})
		goesOn("the reload")
		if err := d.stop(); err != nil {
			t.Fatalf("rddsd ended with %v\n%s", err, d.out)
		}
		s.start(d)
		s.hear(d, "READY=1")
		goesOn("the replacement")
	}
	enough.Store(true)
	asking.Wait()
	t.Logf("%d requests over new connections with TLS, %d over kept ones, %d without TLS", answered[0].Load(), answered[1].Load(), answered[2].Load())
	if err := d.stop(); err != nil {
		t.Errorf("rddsd ended with %v\n%s", err, d.out)
	}
}
