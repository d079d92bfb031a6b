package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/graflow/graflow-wasm/internal/loopback"
)

// TestRemoteTLS asks a server that has a certificate.
func TestRemoteTLS(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	certificate(t, dir)
	begin(t, dir, "server", "--dir", "srv", "--listen-nats", "127.0.0.1:0", "--listen", "127.0.0.1:0", "--name", "safe", "--tls-cert", "cert.pem", "--tls-key", "key.pem").await("ready$")
	raw, err := os.ReadFile(filepath.Join(dir, "srv", apiURLFile))
	if err != nil {
		t.Fatal(err)
	}
	address := strings.TrimSpace(string(raw))
	if !strings.HasPrefix(address, "https://127.0.0.1:") {
		t.Errorf("a server with a certificate is at %s, want https", address)
	}
	for _, args := range [][]string{
		{"--server", "./srv", "--tls-ca", "cert.pem"},
		{"--server", address, "--tls-ca", "cert.pem", "--token-file", "srv/tokens/viewer.token"},
	} {
		if out, code := ask(t, dir, append([]string{"workers", "ls"}, args...)...); code != 0 || !strings.HasPrefix(out, "safe ") {
			t.Errorf("workers ls %s ends with %d: %s", args, code, out)
		}
	}
	stranger := begin(t, dir, "workers", "ls", "--server", "./srv")
	stranger.await(`the certificate of the server is not trusted`)
	stranger.await(`--tls-ca FILE$`)
	if code := stranger.exit(); code != exitUsage {
		t.Errorf("without the CA it ends with %d, want %d", code, exitUsage)
	}
	plain := strings.Replace(address, "https", "http", 1)
	if _, code := ask(t, dir, "workers", "ls", "--server", plain, "--token-file", "srv/tokens/viewer.token"); code == 0 {
		t.Error("a server with a certificate answers without TLS")
	}
}

// TestRemoteRestart: who follows a run through a server goes on once that was killed and
// started anew, and is told nothing twice.
func TestRemoteRestart(t *testing.T) {
	t.Parallel()
	dir, at := t.TempDir(), loopback.Free(t)
	flow := "name: gate\ntasks:\n  first: {builtin: now}\n  gate: {builtin: pause, with: {name: ok, schema: {type: boolean}}}\nflow: first >> gate\n"
	if err := os.WriteFile(filepath.Join(dir, "gate.flow.yaml"), []byte(flow), 0o600); err != nil {
		t.Fatal(err)
	}
	serve := func() *process {
		p := begin(t, dir, "server", "--dir", "srv", "--listen-nats", "127.0.0.1:0", "--listen", at)
		p.await("ready$")
		return p
	}
	there := []string{"--server", "http://" + at, "--token-file", "srv/tokens/operator.token"}
	server := serve()
	run := begin(t, dir, append([]string{"run", "gate.flow.yaml", "--id", "r", "--wait"}, there...)...)
	run.await("first: succeeded")
	run.await("task gate waits for ok$")
	server.signal(syscall.SIGKILL)
	server.exit()
	serve()
	if out, code := ask(t, dir, append([]string{"runs", "resume", "r", "ok", "true", "-q"}, there...)...); code != 0 || out != "true\n" {
		t.Errorf("resume ends with %d: %s", code, out)
	}
	if code := run.exit(); code != 0 {
		t.Errorf("the run that was followed ends with %d", code)
	}
	for _, text := range []string{"first: succeeded", "gate: succeeded", "run r started"} {
		if n := strings.Count(run.all(), text); n != 1 {
			t.Errorf("%q was told %d times, want once", text, n)
		}
	}
}
