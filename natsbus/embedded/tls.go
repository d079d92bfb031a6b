package embedded

import (
	"crypto/tls"
	"fmt"

	"github.com/nats-io/nats-server/v2/server"
)

// config reads the files. Without a certificate it is nil: no TLS.
func (t TLS) config() (*tls.Config, error) {
	if t.Cert == "" {
		return nil, nil
	}
	c, err := server.GenTLSConfig(&server.TLSConfigOpts{CertFile: t.Cert, KeyFile: t.Key, CaFile: t.CA, Verify: t.Verify})
	if err != nil {
		return nil, fmt.Errorf("TLS: %w", err)
	}
	c.MinVersion = tls.VersionTLS13
	return c, nil
}

// routeConfig is for connections between servers, where both sides show and verify
// a certificate.
func (t TLS) routeConfig() (*tls.Config, error) {
	c, err := t.config()
	if c != nil {
		c.ClientAuth = tls.RequireAndVerifyClientCert
		c.RootCAs = c.ClientCAs
	}
	return c, err
}
