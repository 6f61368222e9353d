package rdap

import (
	"crypto/tls"
	"errors"
	"slices"
	"strings"
)

// Certificates are what the TLS listeners show: to each client the first that holds
// the name which it asks for and that it can check, else the first of all. One name may
// have an RSA and an ECDSA certificate.
type Certificates []*Certificate

// Reload reads all files again and shows what they hold to every handshake that begins
// after it returns. After an error all certificates stay as they were.
func (cs Certificates) Reload() error {
	pairs := make([]*tls.Certificate, len(cs))
	faults := make([]error, len(cs))
	for i, c := range cs {
		c.mu.Lock()
		defer c.mu.Unlock()
		pairs[i], faults[i] = c.open()
	}
	if err := errors.Join(faults...); err != nil {
		return err
	}
	for i, c := range cs {
		c.show(pairs[i])
	}
	return nil
}

// pick returns the certificate for a client. Who asks for a name that none holds gets
// the first one: many programs connect by address, and check nothing or by name.
func (cs Certificates) pick(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	for _, c := range cs {
		if pair := c.current.Load(); c.isFor(hello.ServerName, pair) && hello.SupportsCertificate(pair) == nil {
			return pair, nil
		}
	}
	return cs[0].current.Load(), nil
}

// isFor reports whether clients that ask for name are shown c, whose pair is in use.
func (c *Certificate) isFor(name string, pair *tls.Certificate) bool {
	if slices.ContainsFunc(c.names, func(own string) bool { return strings.EqualFold(own, name) }) {
		return true
	}
	return name != "" && pair.Leaf.VerifyHostname(name) == nil
}

// config returns how TLS is spoken: 1.2 and 1.3, for 1.2 the four suites of the
// technical guide and no other, which Go would choose on machines without AES
// instructions (rdap.md §1.1). Session tickets are on: crypto/tls changes their key each
// day and takes those of a week. The config lives as long as the server, so tickets stay
// good when certificates change.
func (cs Certificates) config() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		CipherSuites: []uint16{
			tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
			tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
			tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
			tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
		},
		// An answer is one record and one write. Small records at first help who can
		// show a page before it has come whole; here they made three writes of the
		// first answer of each connection, which is mostly the only one.
		DynamicRecordSizingDisabled: true,

		NextProtos:     []string{"http/1.1"},
		GetCertificate: cs.pick,
	}
}
