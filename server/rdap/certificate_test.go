package rdap

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rddsd/cache/cachetest"
	"rddsd/server/lookup"
)

func TestSelfSigned(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "tls")
	now := time.Now()
	c, err := SelfSigned(dir, now)
	if err != nil {
		t.Fatal(err)
	}
	leaf := c.current.Load().Leaf
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	for _, name := range []string{"localhost", "127.0.0.1", "::1"} {
		if _, err := leaf.Verify(x509.VerifyOptions{DNSName: name, Roots: pool, CurrentTime: now}); err != nil {
			t.Errorf("it is not for %s: %v", name, err)
		}
	}
	if leaf.PublicKeyAlgorithm != x509.ECDSA {
		t.Errorf("the key is %v", leaf.PublicKeyAlgorithm)
	}
	for file, want := range map[string]os.FileMode{"": os.ModeDir | 0o700, "key.pem": 0o600} {
		info, err := os.Stat(filepath.Join(dir, file))
		if err != nil || info.Mode() != want {
			t.Errorf("%q: mode %v, %v; want %v", file, info.Mode(), err, want)
		}
	}
	for _, test := range []struct {
		rule   string
		now    time.Time
		change func() error
		same   bool
	}{
		{"the next start uses it again", now.Add(24 * time.Hour), nil, true},
		{"until a month before it expires", now.Add(validFor - renewBefore - time.Hour), nil, true},
		{"then there is a new one", now.Add(validFor - renewBefore + time.Hour), nil, false},
		{"one without its key is replaced", now, func() error { return os.Remove(filepath.Join(dir, "key.pem")) }, false},
	} {
		before, err := os.ReadFile(filepath.Join(dir, "cert.pem"))
		if err != nil {
			t.Fatal(err)
		}
		if test.change != nil {
			if err := test.change(); err != nil {
				t.Fatal(err)
			}
		}
		again, err := SelfSigned(dir, test.now)
		if err != nil {
			t.Fatalf("%s: %v", test.rule, err)
		}
		after, err := os.ReadFile(filepath.Join(dir, "cert.pem"))
		if err != nil {
			t.Fatal(err)
		}
		if same := bytes.Equal(before, after); same != test.same {
			t.Errorf("%s: same certificate %v, want %v", test.rule, same, test.same)
		}
		if expiring(again.current.Load(), test.now) {
			t.Errorf("%s: what is in use expires", test.rule)
		}
	}
}

func TestSelfSignedLeavesOthersAlone(t *testing.T) {
	dir := t.TempDir()
	long := time.Now().Add(-400 * 24 * time.Hour)
	writePair(t, dir, "operator", long) // expired by now
	before, err := os.ReadFile(filepath.Join(dir, "cert.pem"))
	if err != nil {
		t.Fatal(err)
	}
	c, err := SelfSigned(dir, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if did, err := c.refresh(time.Now()); did || err != nil {
		t.Errorf("refresh = %v, %v", did, err)
	}
	if after, err := os.ReadFile(filepath.Join(dir, "cert.pem")); err != nil || !bytes.Equal(before, after) {
		t.Errorf("a certificate that somebody else made was replaced: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "cert.pem"), []byte("torn"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := SelfSigned(dir, time.Now()); err == nil || !strings.Contains(err.Error(), "cert.pem") {
		t.Errorf("a certificate that cannot be read: %v", err)
	}
}

// TestSelfSignedGivesWay: a pair that somebody puts in the place of ours while we
// run is taken, and not replaced when it is about to expire.
func TestSelfSignedGivesWay(t *testing.T) {
	dir, now := t.TempDir(), time.Now()
	c, err := SelfSigned(dir, now)
	if err != nil {
		t.Fatal(err)
	}
	writePair(t, dir, "operator", now)
	due := now.Add(validFor - renewBefore + time.Hour)
	for range 3 {
		if _, err := c.refresh(due); err != nil {
			t.Fatal(err)
		}
	}
	if got := c.current.Load().Leaf.Subject.CommonName; got != "operator" {
		t.Errorf("in use is the pair of %s", got)
	}
}

// writePair writes cert.pem and key.pem, RSA, for name, from notBefore for a year.
func writePair(t *testing.T, dir, name string, notBefore time.Time) (certFile, keyFile string) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template := x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: notBefore, NotAfter: notBefore.Add(validFor),
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for file, block := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: der}, keyFile: {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return certFile, keyFile
}

func TestBadCertificateIsNamed(t *testing.T) {
	dir := t.TempDir()
	certFile, keyFile := writePair(t, dir, "one.example", time.Now())
	other, _ := writePair(t, t.TempDir(), "two.example", time.Now())
	for _, test := range []struct{ rule, cert, key, named string }{
		{"no such certificate", filepath.Join(dir, "none.pem"), keyFile, "none.pem"},
		{"no such key", certFile, filepath.Join(dir, "none.pem"), "none.pem"},
		{"not the key of the certificate", other, keyFile, other},
		{"a key where a certificate should be", keyFile, keyFile, keyFile},
	} {
		if _, err := OpenCertificate(test.cert, test.key); err == nil || !strings.Contains(err.Error(), test.named) {
			t.Errorf("%s: the error should name %s: %v", test.rule, test.named, err)
		}
	}
}

func TestReloadKeepsTheOldPair(t *testing.T) {
	dir := t.TempDir()
	certFile, keyFile := writePair(t, dir, "one.example", time.Now())
	c, err := OpenCertificate(certFile, keyFile)
	if err != nil {
		t.Fatal(err)
	}
	if did, err := c.refresh(time.Now()); did || err != nil {
		t.Errorf("nothing has changed: refresh = %v, %v", did, err)
	}
	if err := os.WriteFile(keyFile, []byte("torn"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := c.Reload(); err == nil || !strings.Contains(err.Error(), keyFile) {
		t.Errorf("Reload of a torn key: %v", err)
	}
	if got := c.current.Load().Leaf.DNSNames[0]; got != "one.example" {
		t.Errorf("in use is %s", got)
	}
	if did, err := c.refresh(time.Now()); did || err != nil {
		t.Errorf("a pair that was tried is tried again only once it changes: refresh = %v, %v", did, err)
	}
	writePair(t, dir, "two.example", time.Now())
	if did, err := c.refresh(time.Now()); !did || err != nil {
		t.Errorf("refresh of a new pair = %v, %v", did, err)
	}
	if got := c.current.Load().Leaf.DNSNames[0]; got != "two.example" {
		t.Errorf("in use is %s", got)
	}
}

func TestWatch(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		c, err := SelfSigned(dir, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		first := c.NotAfter()
		var log bytes.Buffer
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			c.watch(ctx, time.Hour, slog.New(slog.NewTextHandler(&log, nil)))
			close(ended)
		}()
		time.Sleep(validFor - renewBefore + 2*time.Hour)
		synctest.Wait()
		if !c.NotAfter().After(first) {
			t.Errorf("it was not renewed: expires %v", c.NotAfter())
		}
		if err := os.WriteFile(c.keyFile, []byte("torn"), 0o600); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Hour)
		cancel()
		<-ended
		if got := strings.Count(log.String(), "a new TLS certificate is in use"); got != 1 {
			t.Errorf("%d new certificates are told: %s", got, log.String())
		}
		if got := strings.Count(log.String(), "the old one stays in use"); got != 1 {
			t.Errorf("a torn key is told %d times: %s", got, log.String())
		}
	})
}

func TestTLS(t *testing.T) {
	dir := t.TempDir()
	certFile, keyFile := writePair(t, dir, "rdap.nic.coop", time.Now().Add(-time.Hour))
	rsaPair, err := OpenCertificate(certFile, keyFile)
	if err != nil {
		t.Fatal(err)
	}
	own, err := SelfSigned(t.TempDir(), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	four := map[uint16]*Certificate{
		tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256: rsaPair, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384: rsaPair,
		tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256: own, tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384: own,
	}
	for _, c := range []*Certificate{rsaPair, own} {
		r := newRig(t, cachetest.RDAP(), func(s *Server) { s.Certificates = Certificates{c} })
		for _, suite := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
			config := &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{suite.ID}}
			conn, err := tls.Dial("tcp", r.tls, config)
			if want := four[suite.ID] == c; (err == nil) != want {
				t.Errorf("%s: %v, want it accepted: %v", suite.Name, err, want)
			}
			if err == nil {
				conn.Close()
			}
		}
		for version, want := range map[uint16]bool{tls.VersionTLS10: false, tls.VersionTLS11: false, tls.VersionTLS12: true, tls.VersionTLS13: true} {
			config := &tls.Config{InsecureSkipVerify: true, MinVersion: version, MaxVersion: version, NextProtos: []string{"h2", "http/1.1"}}
			conn, err := tls.Dial("tcp", r.tls, config)
			if (err == nil) != want {
				t.Errorf("%s: %v, want it accepted: %v", tls.VersionName(version), err, want)
			}
			if err != nil {
				continue
			}
			if got := conn.ConnectionState().NegotiatedProtocol; got != "http/1.1" {
				t.Errorf("%s: ALPN chose %q", tls.VersionName(version), got)
			}
			conn.Close()
		}
		r.stop()
		if n := len(r.counted()); n != 0 {
			t.Errorf("handshakes were counted as queries: %v", r.counted())
		}
	}
}

// TestPlainOnTLS: who forgets the s of https is told so; what is neither gets no
// answer.
func TestPlainOnTLS(t *testing.T) {
	own, err := SelfSigned(t.TempDir(), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	r := newRig(t, cachetest.RDAP(), func(s *Server) { s.Certificates = Certificates{own} })
	r.plain = r.tls
	for _, method := range []string{"GET", "HEAD"} {
		res := r.exchange(t, method+" /domain/example.coop HTTP/1.1\r\nHost: x\r\n\r\n")
		if res.StatusCode != http.StatusBadRequest || !res.Close {
			t.Errorf("%s: status %d, close %v", method, res.StatusCode, res.Close)
		}
		res.checkHead(t)
		if method == "HEAD" {
			continue
		}
		res.check(t, "")
		if !strings.Contains(string(res.body), "ask with https") {
			t.Errorf("it is not said why: %s", res.body)
		}
	}
	c := r.dial(t)
	if _, err := io.WriteString(c, "SSH-2.0-x\r\n"); err != nil {
		t.Fatal(err)
	}
	if answer, err := io.ReadAll(c); err != nil || bytes.Contains(answer, []byte("HTTP")) {
		t.Errorf("to what is no HTTP comes %q, %v", answer, err)
	}
	if got, broken := r.counted(), r.Counts().Broken; got[lookup.Invalid] != 2 || broken != 3 {
		t.Errorf("counted %v, %d broken", got, broken)
	}
}

// TestCertificateRotation changes the certificate between requests.
func TestCertificateRotation(t *testing.T) {
	dir := t.TempDir()
	certFile, keyFile := writePair(t, dir, "one.example", time.Now().Add(-time.Hour))
	c, err := OpenCertificate(certFile, keyFile)
	if err != nil {
		t.Fatal(err)
	}
	r := newRig(t, cachetest.RDAP(), func(s *Server) { s.Certificates = Certificates{c} })
	cache := tls.NewLRUClientSessionCache(1)
	for i, name := range []string{"one.example", "one.example", "two.example"} {
		if name == "two.example" {
			writePair(t, dir, name, time.Now().Add(-time.Hour))
			if err := c.Reload(); err != nil {
				t.Fatal(err)
			}
			cache = tls.NewLRUClientSessionCache(1)
		}
		client := &http.Client{Transport: &http.Transport{
			TLSClientConfig: &tls.Config{InsecureSkipVerify: true, ClientSessionCache: cache}, DisableKeepAlives: true,
		}}
		res, err := client.Get("https://" + r.tls + "/domain/example.coop")
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		received{res, body}.check(t, "domain/example.coop")
		if got := res.TLS.PeerCertificates[0].DNSNames[0]; got != name {
			t.Errorf("request %d: the certificate is for %s, want %s", i, got, name)
		}
		if res.TLS.DidResume != (i == 1) {
			t.Errorf("request %d: resumed by a ticket: %v", i, res.TLS.DidResume)
		}
	}
}

func TestTLSNeedsACertificate(t *testing.T) {
	if err := new(Server).Serve(t.Context(), Listeners{TLS: []net.Listener{nil}}); err == nil {
		t.Error("Serve took a TLS listener without a certificate")
	}
}
