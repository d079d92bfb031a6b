package natsbus

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/internal/loopback"
	"github.com/graflow/graflow-wasm/natsbus/embedded"
)

// authority signs certificates; its own is in a file.
type authority struct {
	dir  string
	file string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(tb testing.TB) *authority {
	tb.Helper()
	a := &authority{dir: tb.TempDir()}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	a.cert, a.key = template, newKey(tb)
	der, err := x509.CreateCertificate(rand.Reader, template, template, &a.key.PublicKey, a.key)
	if err != nil {
		tb.Fatal(err)
	}
	a.file = writePEM(tb, filepath.Join(a.dir, "ca.pem"), "CERTIFICATE", der)
	return a
}

// sign makes a certificate for both sides of connections to a host.
func (a *authority) sign(tb testing.TB, name, host string) (cert, key string) {
	tb.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	if ip := net.ParseIP(host); ip != nil {
		template.IPAddresses = []net.IP{ip}
	} else {
		template.DNSNames = []string{host}
	}
	own := newKey(tb)
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &own.PublicKey, a.key)
	if err != nil {
		tb.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(own)
	if err != nil {
		tb.Fatal(err)
	}
	return writePEM(tb, filepath.Join(a.dir, name+".pem"), "CERTIFICATE", der), writePEM(tb, filepath.Join(a.dir, name+".key"), "PRIVATE KEY", raw)
}

func newKey(tb testing.TB) *ecdsa.PrivateKey {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	return key
}

func writePEM(tb testing.TB, file, kind string, der []byte) string {
	tb.Helper()
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		tb.Fatal(err)
	}
	return file
}

func TestDialTLS(t *testing.T) {
	t.Parallel()
	ours, theirs := newAuthority(t), newAuthority(t)
	cert, key := ours.sign(t, "server", "127.0.0.1")
	s, err := embedded.Start(t.Context(), embedded.Config{
		Dir: t.TempDir(), Listen: "127.0.0.1:0", Logger: slog.New(slog.DiscardHandler),
		TLS:   embedded.TLS{Cert: cert, Key: key, CA: ours.file, Verify: true},
		Users: []embedded.User{{Name: "u", All: true}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Shutdown)
	openBus(t, s.Connect, "main") // within the process there is no TLS
	myCert, myKey := ours.sign(t, "client", "client")
	badCert, badKey := theirs.sign(t, "client", "client")
	other := strings.Replace(s.ClientURL(), "127.0.0.1", "localhost", 1)
	for name, test := range map[string]struct {
		cfg  DialConfig
		want string // part of the error; "" is none
	}{
		"right":               {cfg: DialConfig{URL: s.ClientURL(), CA: ours.file, Cert: myCert, Key: myKey}},
		"another authority":   {cfg: DialConfig{URL: s.ClientURL(), CA: theirs.file, Cert: myCert, Key: myKey}, want: "give the CA"},
		"the system's":        {cfg: DialConfig{URL: s.ClientURL(), Cert: myCert, Key: myKey}, want: "give the CA"},
		"another name":        {cfg: DialConfig{URL: other, CA: ours.file, Cert: myCert, Key: myKey}, want: "use a name that is in"},
		"no certificate":      {cfg: DialConfig{URL: s.ClientURL(), CA: ours.file}, want: "give yours"},
		"another certificate": {cfg: DialConfig{URL: s.ClientURL(), CA: ours.file, Cert: badCert, Key: badKey}, want: "tls:"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.cfg.NKey = s.Credentials("u")
			nc, err := Dial(test.cfg)()
			if err == nil {
				err = nc.Flush()
				nc.Close()
			}
			switch {
			case test.want == "" && err != nil:
				t.Error(err)
			case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
				t.Errorf("error %v, want one with %q", err, test.want)
			}
		})
	}
}

// TestClusterTLS joins three servers that prove to one another who they are, one of
// which has another's certificate: two are a cluster.
func TestClusterTLS(t *testing.T) {
	t.Parallel()
	ours, theirs := newAuthority(t), newAuthority(t)
	routes := []string{loopback.Free(t), loopback.Free(t), loopback.Free(t)}
	credentials := t.TempDir()
	var servers []*embedded.Server
	for i, a := range []*authority{ours, ours, theirs} {
		cert, key := a.sign(t, routes[i], "127.0.0.1")
		s, err := embedded.Start(t.Context(), embedded.Config{
			Dir: t.TempDir(), Listen: "127.0.0.1:0", Credentials: credentials, TLS: embedded.TLS{Cert: cert, Key: key, CA: a.file},
			Cluster: embedded.Cluster{Name: "c", Listen: routes[i], Routes: routes}, Logger: slog.New(slog.DiscardHandler),
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(s.Shutdown)
		servers = append(servers, s)
	}
	for _, s := range servers[:2] {
		if err := within(t, 30*time.Second, s.Ready); err != nil {
			t.Error(err)
		}
	}
	if err := within(t, 100*time.Millisecond, servers[2].Ready); err == nil {
		t.Error("the server with a foreign certificate is of the cluster")
	}
}

func within(tb testing.TB, d time.Duration, f func(context.Context) error) error {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), d)
	defer cancel()
	return f(ctx)
}
