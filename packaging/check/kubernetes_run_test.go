package check_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/big"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	core "k8s.io/api/core/v1"
)

// TestPodsRun runs the pods that the manifests describe, as containers with their
// arguments, mounts and probes, and the secrets that docs/packaging.md has made.
func TestPodsRun(t *testing.T) {
	t.Parallel()
	name, all := image(t), pods(t)
	secrets := map[string]map[string][]byte{"graflow-wasm-tls": certificates(t, "graflow-wasm")}
	maps.Copy(secrets, drawn(t))
	bus := thing(t, "network", "pods", "--internal")
	ids := map[string]string{}
	for kind, alias := range map[string]string{"Deployment graflow-wasm-worker": "worker", "StatefulSet graflow-wasm-server": "graflow-wasm"} {
		pod := all[kind].Spec
		c := pod.Containers[0]
		options := []string{
			"--network", bus, "--network-alias", alias, "--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges",
			"--user", fmt.Sprintf("%d:%d", *pod.SecurityContext.RunAsUser, *pod.SecurityContext.FSGroup),
		}
		for _, m := range c.VolumeMounts {
			options = append(options, mounted(t, pod, m, secrets)...)
		}
		ids[alias] = start(t, options, name, c.Args...)
	}
	for alias, kind := range map[string]string{"worker": "Deployment graflow-wasm-worker", "graflow-wasm": "StatefulSet graflow-wasm-server"} {
		c := all[kind].Spec.Containers[0]
		for _, probe := range []*core.Probe{c.ReadinessProbe, c.LivenessProbe} {
			until(t, alias+" "+probe.HTTPGet.Path, func() error { return asked(t, ids[alias], bus, c, probe) })
		}
	}
	until(t, "two nodes", func() error {
		out, err := docker(t.Context(), "exec", ids["graflow-wasm"], "/usr/bin/graflow-wasm", "workers", "ls", "-o", "json",
			"--nats=tls://graflow-wasm:4222", "--nkey=/var/lib/graflow-wasm/credentials/viewer.nk", "--tls-ca=/etc/graflow-wasm/tls/ca.crt")
		if err == nil && strings.Count(out, `"node"`) != 2 {
			err = fmt.Errorf("got workers %s", out)
		}
		return err
	})
}

// mounted are the options that mount what a pod mounts.
func mounted(tb testing.TB, pod core.PodSpec, m core.VolumeMount, secrets map[string]map[string][]byte) []string {
	tb.Helper()
	for _, v := range pod.Volumes {
		if v.Name != m.Name || v.Secret == nil {
			continue
		}
		dir := tb.TempDir()
		files := secrets[v.Secret.SecretName]
		if files == nil {
			tb.Fatalf("no secret %s is made", v.Secret.SecretName)
		}
		for file, text := range files {
			if len(v.Secret.Items) > 0 && !slices.ContainsFunc(v.Secret.Items, func(k core.KeyToPath) bool { return k.Key == file }) {
				continue
			}
			// As a kubelet does: root's, and readable for the group of the pod.
			path, mode := filepath.Join(dir, file), os.FileMode(*v.Secret.DefaultMode)
			err := os.WriteFile(path, text, 0o600)
			if os.Geteuid() != 0 {
				mode |= 0o004 // who is not root can't give it to the group
			} else {
				err = errors.Join(err, os.Chown(path, 0, int(*pod.SecurityContext.FSGroup)))
			}
			if err = errors.Join(err, os.Chmod(path, mode), os.Chmod(dir, 0o755)); err != nil {
				tb.Fatal(err)
			}
		}
		return []string{"-v", dir + ":" + m.MountPath + ":ro"}
	}
	if m.ReadOnly {
		tb.Fatalf("%s is mounted to be read, and nothing is in it", m.MountPath)
	}
	return []string{"--tmpfs", m.MountPath + ":uid=65532,gid=65532,mode=0770"}
}

// asked does what a kubelet does for a probe.
func asked(tb testing.TB, id, network string, c core.Container, probe *core.Probe) error {
	tb.Helper()
	port := slices.IndexFunc(c.Ports, func(p core.ContainerPort) bool { return p.Name == probe.HTTPGet.Port.StrVal })
	url := fmt.Sprintf("http://%s:%d%s", address(tb, id, network), c.Ports[port].ContainerPort, probe.HTTPGet.Path)
	request, err := http.NewRequestWithContext(tb.Context(), http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", answer.Status, text)
	}
	return err
}

// drawn are the secrets that a server draws for itself, as docs/packaging.md says.
func drawn(tb testing.TB) map[string]map[string][]byte {
	tb.Helper()
	dir := filepath.Join(tb.TempDir(), "srv")
	cmd := exec.CommandContext(tb.Context(), command(tb), "server", "--dir", dir, "--listen", "127.0.0.1:0", "--listen-nats", "127.0.0.1:0")
	cmd.Env = append(os.Environ(), "XDG_CACHE_HOME="+tb.TempDir())
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = time.Minute
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	until(tb, "what a server draws", func() error {
		_, err := os.Stat(filepath.Join(dir, "api.url"))
		return err
	})
	if err := errors.Join(cmd.Process.Signal(os.Interrupt), cmd.Wait()); err != nil {
		tb.Fatalf("the server that draws: %v", err)
	}
	secrets := map[string]map[string][]byte{}
	for _, kind := range []string{"credentials", "tokens"} {
		files := map[string][]byte{}
		entries, err := os.ReadDir(filepath.Join(dir, kind))
		if err != nil {
			tb.Fatal(err)
		}
		for _, e := range entries {
			if files[e.Name()], err = os.ReadFile(filepath.Join(dir, kind, e.Name())); err != nil {
				tb.Fatal(err)
			}
		}
		secrets["graflow-wasm-"+kind] = files
	}
	return secrets
}

// certificates are a certificate for a name, its key, and who signed it.
func certificates(tb testing.TB, name string) map[string][]byte {
	tb.Helper()
	files := map[string][]byte{}
	authority := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "check"}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	server := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name}, NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	key := func() *ecdsa.PrivateKey {
		k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			tb.Fatal(err)
		}
		return k
	}
	authorityKey, serverKey := key(), key()
	for _, c := range []struct {
		file string
		of   *x509.Certificate
		key  *ecdsa.PrivateKey
	}{{"ca.crt", authority, authorityKey}, {"tls.crt", server, serverKey}} {
		der, err := x509.CreateCertificate(rand.Reader, c.of, authority, &c.key.PublicKey, authorityKey)
		if err != nil {
			tb.Fatal(err)
		}
		files[c.file] = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	}
	der, err := x509.MarshalPKCS8PrivateKey(serverKey)
	if err != nil {
		tb.Fatal(err)
	}
	files["tls.key"] = pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	return files
}
