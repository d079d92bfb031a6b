package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// certificate writes a certificate for 127.0.0.1 that signs itself, and its key.
func certificate(t *testing.T, dir string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	of := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	cert, err := x509.CreateCertificate(rand.Reader, of, of, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{"cert.pem": {Type: "CERTIFICATE", Bytes: cert}, "key.pem": {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// TestServerTLS joins a server that has a certificate.
func TestServerTLS(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	certificate(t, dir)
	begin(t, dir, "server", "--dir", "srv", "--listen-nats", "0.0.0.0:0", "--name", "safe", "--tls-cert", "cert.pem", "--tls-key", "key.pem").await("ready$")
	raw, err := os.ReadFile(filepath.Join(dir, "srv", urlFile))
	if err != nil {
		t.Fatal(err)
	}
	address := strings.TrimSpace(string(raw))
	if !strings.HasPrefix(address, "tls://127.0.0.1:") {
		t.Errorf("a server with a certificate that listens everywhere is at %s here, want tls://127.0.0.1", address)
	}
	if out, code := ask(t, dir, "workers", "ls", "--nats", "./srv", "--tls-ca", "cert.pem"); code != 0 || !strings.HasPrefix(out, "safe ") {
		t.Errorf("workers ls ends with %d: %s", code, out)
	}
	if _, code := ask(t, dir, "workers", "ls", "--nats", address, "--nkey", "srv/credentials/viewer.nk"); code != exitUsage {
		t.Errorf("without the CA it ends with %d, want %d", code, exitUsage)
	}
}
