package command

import (
	"time"

	"rddsd/cache/response"
	"rddsd/server/config"
	"rddsd/server/rdap"
)

// NewRDAP returns an RDAP server that is set up as configured, but for what it shares
// with others. The caller closes its Compressed when it has ended.
func NewRDAP(cfg *config.Config) (*rdap.Server, error) {
	certificates, err := openCertificates(cfg)
	if err != nil {
		return nil, err
	}
	s := &rdap.Server{
		Certificates: certificates,
		Proxies:      rdap.Proxies{Networks: cfg.RDAP.ForwardedFrom, Field: rdap.Field(cfg.RDAP.Forwarded)},
		Balancers:    cfg.RDAP.ProxyFrom,
	}
	if mib := cfg.RDAP.GzipCache; mib > 0 {
		s.Compressed, err = response.New(int64(mib) << 20)
	}
	return s, err
}

// openCertificates opens the configured certificates, or makes one for loopback. There
// are none when nothing is served over TLS.
func openCertificates(cfg *config.Config) (rdap.Certificates, error) {
	if len(cfg.RDAP.HTTPS) == 0 {
		return nil, nil
	}
	if len(cfg.Certificates) == 0 {
		own, err := rdap.SelfSigned(cfg.TLSDir(), time.Now())
		return rdap.Certificates{own}, err
	}
	certificates := make(rdap.Certificates, len(cfg.Certificates))
	for i, c := range cfg.Certificates {
		var err error
		if certificates[i], err = rdap.OpenCertificate(c.Cert, c.Key, c.Names...); err != nil {
			return nil, err
		}
	}
	return certificates, nil
}
