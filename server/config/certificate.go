package config

import (
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"strings"
)

// check reports a certificate that could not be served. One that has expired
// can: refusing to start would not make anything better.
func (c *Certificate) check(path string, report func(path, problem string)) {
	for _, file := range []struct{ key, name, what string }{{"cert", c.Cert, "the certificate"}, {"key", c.Key, "its key"}} {
		if file.name == "" {
			report(path+"."+file.key, fmt.Sprintf("is missing; write the path of the file with %s, in PEM", file.what))
			return
		}
		if _, err := os.ReadFile(file.name); err != nil {
			report(path+"."+file.key, fmt.Sprintf("%s cannot be read: %v; write the path of a file that this user may read", file.name, cause(err)))
			return
		}
	}
	pair, err := tls.LoadX509KeyPair(c.Cert, c.Key)
	if err != nil {
		report(path+".cert", fmt.Sprintf("%s and %s are not a certificate and its key: %s; write two files in PEM that belong together",
			c.Cert, c.Key, strings.TrimPrefix(err.Error(), "tls: ")))
		return
	}
	for _, name := range c.Names {
		if err := pair.Leaf.VerifyHostname(name); err != nil {
			report(path+".names", fmt.Sprintf("the certificate is not for %q; it is for %s", name, strings.Join(pair.Leaf.DNSNames, ", ")))
			return
		}
	}
}

// cause returns what is wrong with a file without its name.
func cause(err error) error {
	var detail *os.PathError
	if errors.As(err, &detail) {
		return detail.Err
	}
	return err
}
