package rdap

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"rddsd/cache/cachetest"
)

// pairFor returns a certificate for host, which must hold names.
func pairFor(t *testing.T, host string, names ...string) *Certificate {
	t.Helper()
	certFile, keyFile := writePair(t, t.TempDir(), host, time.Now().Add(-time.Hour))
	c, err := OpenCertificate(certFile, keyFile, names...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestCertificateByName(t *testing.T) {
	ecdsa, err := SelfSigned(t.TempDir(), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	r := newRig(t, cachetest.RDAP(), func(s *Server) {
		s.Certificates = Certificates{pairFor(t, "one.example"), pairFor(t, "*.two.example"), pairFor(t, "localhost"), ecdsa}
	})
	for _, test := range []struct {
		rule, asked string
		suite       uint16
		want        string
	}{
		{"the first", "one.example", 0, "one.example"},
		{"in any case", "ONE.example", 0, "one.example"},
		{"the one that holds the name", "rdap.two.example", 0, "*.two.example"},
		{"the first where none does", "three.example", 0, "one.example"},
		{"a star is one label", "a.rdap.two.example", 0, "one.example"},
		{"the first where nobody says", "", 0, "one.example"},
		{"the first of two that do", "localhost", 0, "localhost"},
		{"the one that the client can check", "localhost", tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, "rddsd self-signed"},
	} {
		config := &tls.Config{InsecureSkipVerify: true, ServerName: test.asked}
		if test.suite != 0 {
			config.MaxVersion, config.CipherSuites = tls.VersionTLS12, []uint16{test.suite}
		}
		conn, err := tls.Dial("tcp", r.tls, config)
		if err != nil {
			t.Errorf("%s: %v", test.rule, err)
			continue
		}
		leaf := conn.ConnectionState().PeerCertificates[0]
		if got := leaf.Subject.CommonName; got != test.want && leaf.DNSNames[0] != test.want {
			t.Errorf("%s: who asks for %q is shown %q %q, want %q", test.rule, test.asked, got, leaf.DNSNames, test.want)
		}
		conn.Close()
	}
}

// TestNewFilesMustHoldTheNames: a certificate that lacks a name that it must hold is
// refused at the start, by a reload, and when its files change.
func TestNewFilesMustHoldTheNames(t *testing.T) {
	dir := t.TempDir()
	certFile, keyFile := writePair(t, dir, "one.example", time.Now())
	if _, err := OpenCertificate(certFile, keyFile, "two.example"); err == nil || !strings.Contains(err.Error(), "two.example") {
		t.Errorf("OpenCertificate: %v", err)
	}
	c, err := OpenCertificate(certFile, keyFile, "one.example")
	if err != nil {
		t.Fatal(err)
	}
	writePair(t, dir, "two.example", time.Now())
	if did, err := c.refresh(time.Now()); !did || err == nil || !strings.Contains(err.Error(), "one.example") {
		t.Errorf("refresh = %v, %v", did, err)
	}
	if err := c.Reload(); err == nil || !strings.Contains(err.Error(), "one.example") {
		t.Errorf("Reload: %v", err)
	}
	if got := c.current.Load().Leaf.DNSNames[0]; got != "one.example" {
		t.Errorf("in use is %s", got)
	}
}

// TestReloadIsWhole: where one certificate cannot be read, none changes.
func TestReloadIsWhole(t *testing.T) {
	good, bad := pairFor(t, "one.example"), pairFor(t, "two.example")
	before := good.current.Load()
	if err := os.WriteFile(bad.keyFile, []byte("torn"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := (Certificates{good, bad}).Reload(); err == nil || !strings.Contains(err.Error(), bad.keyFile) {
		t.Errorf("Reload: %v", err)
	}
	if good.current.Load() != before {
		t.Error("the good one was changed")
	}
}

// counting is a connection that counts what is written to it.
type counting struct {
	net.Conn
	writes *atomic.Int64
}

func (c counting) Write(p []byte) (int, error) {
	c.writes.Add(1)
	return c.Conn.Write(p)
}

// TestAnswerIsOneWrite: the first answer on a connection costs one system call, as the
// later ones do.
func TestAnswerIsOneWrite(t *testing.T) {
	r := newRig(t, cachetest.RDAP(), func(s *Server) { s.Certificates = Certificates{pairFor(t, "one.example")} })
	r.get(t, "/help") // it runs
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var writes atomic.Int64
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if c, err := l.Accept(); err == nil {
			r.serveConn(r.enter(counting{c, &writes}), port{config: r.Certificates.config()})
		}
	}()
	c := over(t, r.dialTo(t, l.Addr().String()))
	from, before := bufio.NewReader(c), writes.Load()
	const answers = 3
	for range answers {
		if _, err := io.WriteString(c, "GET /domain/example.coop HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		readResponse(t, from, "GET").check(t, "domain/example.coop")
	}
	c.Close()
	<-ended
	// One more may be the session ticket, one the end.
	if n := writes.Load() - before; n > answers+2 {
		t.Errorf("%d answers were %d writes", answers, n)
	}
}

// TestTicketsOutliveAReload: who has a ticket needs no full handshake afterwards.
func TestTicketsOutliveAReload(t *testing.T) {
	c := pairFor(t, "one.example")
	r := newRig(t, cachetest.RDAP(), func(s *Server) { s.Certificates = Certificates{c} })
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{
			InsecureSkipVerify: true, MaxVersion: version, ClientSessionCache: tls.NewLRUClientSessionCache(1),
		}}}
		for i := range 3 {
			res, err := client.Get("https://" + r.tls + "/help")
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(res.Body)
			res.Body.Close()
			if err != nil {
				t.Fatal(err)
			}
			received{res, body}.check(t, "help")
			if got := res.Header.Get("Strict-Transport-Security"); got != "max-age=31536000" {
				t.Errorf("Strict-Transport-Security is %q", got)
			}
			if res.TLS.DidResume != (i > 0) {
				t.Errorf("%s, request %d: resumed by a ticket: %v", tls.VersionName(version), i, res.TLS.DidResume)
			}
			if err := r.Certificates.Reload(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if got := r.get(t, "/help").Header.Get("Strict-Transport-Security"); got != "" {
		t.Errorf("without TLS Strict-Transport-Security is %q", got)
	}
}
