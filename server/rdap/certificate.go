package rdap

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// Certificate is what the TLS listeners show: a certificate chain and its key in
// two PEM files, read again when they change. All methods are safe for
// concurrent use.
type Certificate struct {
	certFile, keyFile string
	own               bool // made by us, and renewed by us until somebody puts another there

	current atomic.Pointer[tls.Certificate]

	mu   sync.Mutex     // one reading at a time
	read [2]os.FileInfo // the files as they were last read, or tried to be
}

// OpenCertificate reads the chain in certFile and its key in keyFile. The error
// names the file and what is wrong with it.
func OpenCertificate(certFile, keyFile string) (*Certificate, error) {
	c := &Certificate{certFile: certFile, keyFile: keyFile}
	if err := c.Reload(); err != nil {
		return nil, err
	}
	return c, nil
}

// Reload reads the files again and shows what they hold to every handshake that
// begins after it returns. After an error the last good pair stays in use.
func (c *Certificate) Reload() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.load()
}

// NotAfter returns when the certificate in use expires.
func (c *Certificate) NotAfter() time.Time { return c.current.Load().Leaf.NotAfter }

// load reads the files. The caller holds mu.
func (c *Certificate) load() error {
	// Looked at before they are read: a change in between is seen next time.
	c.read = [2]os.FileInfo{stat(c.certFile), stat(c.keyFile)}
	chain, err := os.ReadFile(c.certFile)
	if err != nil {
		return fmt.Errorf("read the TLS certificate: %w", err)
	}
	key, err := os.ReadFile(c.keyFile)
	if err != nil {
		return fmt.Errorf("read the key of TLS certificate %s: %w", c.certFile, err)
	}
	pair, err := tls.X509KeyPair(chain, key)
	if err != nil {
		return fmt.Errorf("read the TLS certificate %s with the key %s: %w", c.certFile, c.keyFile, err)
	}
	c.current.Store(&pair)
	return nil
}

// stat returns what the file system says of path, nil if nothing.
func stat(path string) os.FileInfo {
	info, err := os.Stat(path)
	if err != nil {
		return nil
	}
	return info
}

// changed reports whether a file is another one than when it was last read.
func (c *Certificate) changed() bool {
	for i, path := range [...]string{c.certFile, c.keyFile} {
		was, is := c.read[i], stat(path)
		if (was == nil) != (is == nil) {
			return true
		}
		if is != nil && (!os.SameFile(was, is) || was.Size() != is.Size() || !was.ModTime().Equal(is.ModTime())) {
			return true
		}
	}
	return false
}

// refresh does what time asks for: reads files that have changed, and renews a
// certificate of our own that is about to expire. did says that there was anything
// to do.
func (c *Certificate) refresh(now time.Time) (did bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.changed() {
		return true, c.load()
	}
	if !c.own || !expiring(c.current.Load(), now) {
		return false, nil
	}
	if ours, err := isOurs(c.certFile); err != nil || !ours {
		return false, err
	}
	if err := makeSelfSigned(c.certFile, c.keyFile, now); err != nil {
		return true, err
	}
	return true, c.load()
}

// watch refreshes c until ctx ends. It logs each new certificate, and each time
// it keeps the old one for another reason than before.
func (c *Certificate) watch(ctx context.Context, every time.Duration, log *slog.Logger) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	last := ""
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		did, err := c.refresh(time.Now())
		switch {
		case err != nil:
			if err.Error() != last {
				log.Error("the TLS certificate could not be renewed, the old one stays in use", "error", err, "expires", c.NotAfter())
			}
			last = err.Error()
		case did:
			log.Info("a new TLS certificate is in use", "file", c.certFile, "expires", c.NotAfter())
			last = ""
		}
	}
}

// config returns how TLS is spoken: 1.2 and 1.3, for 1.2 the four suites of the
// technical guide and no other, which Go would choose on machines without AES
// instructions (rdap.md §1.1). Session tickets are on, as by default.
func (c *Certificate) config() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		CipherSuites: []uint16{
			tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
			tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
			tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
			tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
		},
		NextProtos:     []string{"http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.current.Load(), nil },
	}
}
