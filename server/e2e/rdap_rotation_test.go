package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// writeCertificate puts a certificate for name and 127.0.0.1 and its key into dir, in
// the place of those that are there. serial tells it from others.
func writeCertificate(t *testing.T, dir, name string, serial int64) (certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certFile, keyFile = filepath.Join(dir, name+".crt"), filepath.Join(dir, name+".key")
	for file, block := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: der}, keyFile: {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(file+".new", pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(file+".new", file); err != nil {
			t.Fatal(err)
		}
	}
	return certFile, keyFile
}

// TestRotationUnderLoad: certificates are replaced and the configuration is reloaded
// while clients ask over kept connections and over new ones: every request is answered.
func TestRotationUnderLoad(t *testing.T) {
	const first, second = "rdap.nic.example", "rdap.nic.test"
	dir := t.TempDir()
	config := filepath.Join(dir, "rddsd.toml")
	text := "[ratelimit]\nmode = \"off\"\n"
	for _, name := range []string{first, second} {
		certFile, keyFile := writeCertificate(t, dir, name, 1)
		text += fmt.Sprintf("[[certificate]]\ncert = %q\nkey = %q\nnames = [%q]\n", certFile, keyFile, name)
	}
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	d := newDaemon(t, dir)
	d.start("--config", config)
	d.waitReady()

	// shown returns the serial of the certificate that is shown for name.
	shown := func(name string) (int64, error) {
		conn, err := tls.Dial("tcp", d.https, &tls.Config{InsecureSkipVerify: true, ServerName: name})
		if err != nil {
			return 0, err
		}
		defer conn.Close()
		leaf := conn.ConnectionState().PeerCertificates[0]
		if leaf.DNSNames[0] != name {
			return 0, fmt.Errorf("who asks for %s is shown %s", name, leaf.DNSNames[0])
		}
		return leaf.SerialNumber.Int64(), nil
	}

	var (
		clients sync.WaitGroup
		enough  atomic.Bool
		done    [2]atomic.Int64 // requests on new connections, on kept ones
	)
	for i := range 6 {
		kept := i % 2
		clients.Go(func() {
			client := &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{
				DisableKeepAlives: kept == 0,
				TLSClientConfig:   &tls.Config{InsecureSkipVerify: true, ServerName: []string{first, second}[i/2%2]},
			}}
			defer client.CloseIdleConnections()
			for !enough.Load() {
				res, err := client.Get("https://" + d.https + "/domain/example.coop")
				if err == nil {
					_, err = io.Copy(io.Discard, res.Body)
					res.Body.Close()
				}
				if err != nil || res.StatusCode != http.StatusOK {
					t.Errorf("a request failed: %v, %v", err, res)
					return
				}
				done[kept].Add(1)
			}
		})
	}
	rounds := int64(3)
	if *long {
		rounds = 20
	}
	for serial := int64(2); serial < 2+rounds; serial++ {
		for _, name := range []string{first, second} {
			writeCertificate(t, dir, name, serial)
		}
		if err := d.cmd.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		before := [2]int64{done[0].Load(), done[1].Load()}
		d.within("the new certificates are shown, and requests go on", func() error {
			for _, name := range []string{first, second} {
				if got, err := shown(name); err != nil || got != serial {
					return fmt.Errorf("for %s certificate %d is shown, %v, want %d", name, got, err, serial)
				}
			}
			for i := range done {
				if done[i].Load() < before[i]+20 && !t.Failed() {
					return fmt.Errorf("%d requests so far", done[i].Load())
				}
			}
			return nil
		})
	}
	// One that lacks its name is not taken.
	wrong, key := writeCertificate(t, t.TempDir(), "other.example", 99)
	for from, to := range map[string]string{wrong: first + ".crt", key: first + ".key"} {
		if err := os.Rename(from, filepath.Join(dir, to)); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	d.within("the fault is told", func() error {
		if !strings.Contains(d.out.String(), "the running configuration stays in force") {
			return errors.New("the log does not tell it")
		}
		return nil
	})
	if got, err := shown(first); err != nil || got != 1+rounds {
		t.Errorf("for %s certificate %d is shown, %v, want %d", first, got, err, 1+rounds)
	}
	enough.Store(true)
	clients.Wait()
	t.Logf("%d requests on new connections, %d on kept ones", done[0].Load(), done[1].Load())
}
