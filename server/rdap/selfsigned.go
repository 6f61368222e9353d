package rdap

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
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

const (
	// selfSignedName is the common name by which a certificate of ours is known
	// again.
	selfSignedName = "rddsd self-signed"

	validFor    = 365 * 24 * time.Hour
	renewBefore = 30 * 24 * time.Hour
	clockSkew   = time.Hour // by which a client's clock may be behind ours
)

// SelfSigned returns the certificate that is kept in dir for trying TLS on this
// machine: for localhost, 127.0.0.1 and ::1, good for a year from now. It makes
// dir and the certificate if there is none, or none that can be used, and makes
// a new one 30 days before the old one expires. A pair that somebody else has
// put there is used and never replaced. One that cannot be written is used all
// the same, and the next start makes another.
func SelfSigned(dir string, now time.Time) (*Certificate, error) {
	c := &Certificate{certFile: filepath.Join(dir, "cert.pem"), keyFile: filepath.Join(dir, "key.pem")}
	ours, err := isOurs(c.certFile)
	if err != nil {
		return nil, err
	}
	if !ours {
		return c, c.Reload()
	}
	c.own = true
	// A pair of ours that cannot be used was cut off between its two files.
	if err := c.Reload(); err != nil || expiring(c.current.Load(), now) {
		chain, key, err := newSelfSigned(now)
		if err != nil {
			return nil, err
		}
		if os.MkdirAll(dir, 0o700) == nil && keepSelfSigned(c.certFile, c.keyFile, chain, key) == nil {
			return c, c.Reload()
		}
		pair, invalid := tls.X509KeyPair(chain, key)
		if invalid != nil {
			return nil, fmt.Errorf("make a self-signed TLS certificate: %w", invalid)
		}
		c.current.Store(&pair)
	}
	return c, nil
}

// isOurs reports whether the certificate in certFile is one that we made, or is
// still to be made.
func isOurs(certFile string) (bool, error) {
	chain, err := os.ReadFile(certFile)
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("read the TLS certificate: %w", err)
	}
	block, _ := pem.Decode(chain)
	if block == nil {
		return false, fmt.Errorf("read the TLS certificate %s: it holds no PEM block: remove it to have one made", certFile)
	}
	leaf, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return false, fmt.Errorf("read the TLS certificate %s: %w: remove it to have one made", certFile, err)
	}
	return leaf.Subject.CommonName == selfSignedName, nil
}

// expiring reports whether a certificate of ours is due for renewal.
func expiring(pair *tls.Certificate, now time.Time) bool {
	return now.After(pair.Leaf.NotAfter.Add(-renewBefore)) || now.Before(pair.Leaf.NotBefore)
}

// makeSelfSigned writes a new key and its certificate.
func makeSelfSigned(certFile, keyFile string, now time.Time) error {
	chain, key, err := newSelfSigned(now)
	if err != nil {
		return err
	}
	return keepSelfSigned(certFile, keyFile, chain, key)
}

// keepSelfSigned writes a key and its certificate, which are in PEM.
func keepSelfSigned(certFile, keyFile string, chain, key []byte) error {
	if err := writePEM(keyFile, key); err != nil {
		return err
	}
	return writePEM(certFile, chain)
}

// newSelfSigned makes a certificate and its key, in PEM.
func newSelfSigned(now time.Time) (chain, secret []byte, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, fmt.Errorf("make a key for a self-signed TLS certificate: %w", err)
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127)) // RFC 5280 §4.1.2.2 allows 20 octets
	if err != nil {
		return nil, nil, fmt.Errorf("make a serial number for a self-signed TLS certificate: %w", err)
	}
	template := x509.Certificate{
		SerialNumber:          serial,
		Subject:               pkix.Name{CommonName: selfSignedName},
		NotBefore:             now.Add(-clockSkew),
		NotAfter:              now.Add(validFor),
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
		DNSNames:              []string{"localhost"},
		IPAddresses:           []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, key.Public(), key)
	if err != nil {
		return nil, nil, fmt.Errorf("make a self-signed TLS certificate: %w", err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, nil, fmt.Errorf("make a key for a self-signed TLS certificate: %w", err)
	}
	chain = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return chain, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), nil
}

// writePEM replaces path, so that nobody reads half a file. Its owner alone may
// read it.
func writePEM(path string, text []byte) error {
	temporary := path + ".new"
	err := os.WriteFile(temporary, text, 0o600)
	if err == nil {
		err = os.Rename(temporary, path)
	}
	if err != nil {
		return fmt.Errorf("write the self-signed TLS certificate: %w", err)
	}
	return nil
}
