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

// Certificate is a certificate chain and its key in two PEM files, read again when
// they change. All methods are safe for concurrent use.
type Certificate struct {
	certFile, keyFile string
	names             []string // host names that it must hold
	own               bool     // made by us, and renewed by us until somebody puts another there

	current atomic.Pointer[tls.Certificate]

	mu   sync.Mutex     // one reading at a time
	read [2]os.FileInfo // the files as they were last read, or tried to be
}

// OpenCertificate reads the chain in certFile and its key in keyFile, now and after
// each change; it must hold all names. The error names the file and what is wrong with
// it.
func OpenCertificate(certFile, keyFile string, names ...string) (*Certificate, error) {
	c := &Certificate{certFile: certFile, keyFile: keyFile, names: names}
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

// show shows pair to every handshake that begins after it returns.
func (c *Certificate) show(pair *tls.Certificate) { c.current.Store(pair) }

// NotAfter returns when the certificate in use expires.
func (c *Certificate) NotAfter() time.Time { return c.current.Load().Leaf.NotAfter }

// load reads the files and shows what they hold. The caller holds mu.
func (c *Certificate) load() error {
	pair, err := c.open()
	if err != nil {
		return err
	}
	c.show(pair)
	return nil
}

// open reads the files. The caller holds mu.
func (c *Certificate) open() (*tls.Certificate, error) {
	// Looked at before they are read: a change in between is seen next time.
	c.read = [2]os.FileInfo{stat(c.certFile), stat(c.keyFile)}
	chain, err := os.ReadFile(c.certFile)
	if err != nil {
		return nil, fmt.Errorf("read the TLS certificate: %w", err)
	}
	key, err := os.ReadFile(c.keyFile)
	if err != nil {
		return nil, fmt.Errorf("read the key of TLS certificate %s: %w", c.certFile, err)
	}
	pair, err := tls.X509KeyPair(chain, key)
	if err != nil {
		return nil, fmt.Errorf("read the TLS certificate %s with the key %s: %w", c.certFile, c.keyFile, err)
	}
	for _, name := range c.names {
		if err := pair.Leaf.VerifyHostname(name); err != nil {
			return nil, fmt.Errorf("read the TLS certificate %s: it is not for %q, which its names demand", c.certFile, name)
		}
	}
	return &pair, nil
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
