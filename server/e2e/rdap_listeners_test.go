package e2e

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
)

// TestRDAPListeners: the same answer over IPv4 and IPv6, plain and under TLS, and a
// redirect that leads from the port of plain HTTP to it.
func TestRDAPListeners(t *testing.T) {
	six, err := net.Listen("tcp6", "[::1]:0")
	if err != nil {
		t.Skipf("this host has no IPv6: %v", err)
	}
	v6 := six.Addr().String()
	six.Close()
	redirect := freePorts(t, 1)[0]
	d := newDaemon(t, t.TempDir())
	d.env = append(d.env, "RDDSD_RDAP_HTTP="+d.http+","+v6, "RDDSD_RDAP_REDIRECT="+redirect, "RDDSD_RDAP_BASE_URL=https://"+d.https+"/")
	d.start()
	d.waitReady()

	root, err := os.ReadFile(d.root())
	if err != nil {
		t.Fatal(err)
	}
	trust := x509.NewCertPool()
	trust.AppendCertsFromPEM(root)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trust}}}
	defer client.CloseIdleConnections()
	for _, base := range []string{"http://" + d.http, "http://" + v6, "https://" + d.https, "http://" + redirect} {
		res, err := client.Get(base + "/domain/example.coop")
		if err != nil {
			t.Errorf("%s: %v", base, err)
			continue
		}
		body, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil || res.StatusCode != http.StatusOK || !strings.Contains(string(body), `"ldhName":"example.coop"`) {
			t.Errorf("%s: status %d, %v: %s", base, res.StatusCode, err, body)
		}
		if secure := res.Header.Get("Strict-Transport-Security") != ""; secure != (res.Request.URL.Scheme == "https") {
			t.Errorf("%s: asked %s, Strict-Transport-Security is %v", base, res.Request.URL, secure)
		}
	}
	if res, err := client.Head("http://" + redirect + "/domain/example.coop"); err != nil {
		t.Error(err)
	} else if res.Body.Close(); res.Request.URL.Scheme != "https" || res.StatusCode != http.StatusOK {
		t.Errorf("HEAD was led to %s, status %d", res.Request.URL, res.StatusCode)
	}
}
