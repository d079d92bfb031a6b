package main

import (
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/internal/loopback"
)

// get is the status of a page; 0 is that nobody answers.
func get(t *testing.T, url string) int {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0
	}
	defer func() { _ = answer.Body.Close() }()
	_, _ = io.Copy(io.Discard, answer.Body)
	return answer.StatusCode
}

// getUntil asks until the status is as wanted.
func getUntil(t *testing.T, url string, want int) {
	t.Helper()
	got := -1
	for end := time.Now().Add(patience); time.Now().Before(end); {
		if got = get(t, url); got == want {
			return
		}
		<-time.After(20 * time.Millisecond) // nobody tells
	}
	t.Fatalf("%s answers %d, want %d", url, got, want)
}

// TestWorkerReconnects ends the server of a worker by kill -9: the worker says that
// it is not ready, and is there again when a server is.
func TestWorkerReconnects(t *testing.T) {
	t.Parallel()
	dir, address := t.TempDir(), loopback.Free(t)
	worker := begin(t, dir, "worker", "--nats", address, "--nkey", "srv/credentials/worker.nk", "--work-only", "--name", "patient", "--health", "127.0.0.1:0")
	if code := worker.exit(); code != exitUsage { // there is no seed yet
		t.Errorf("without its seed it ends with %d, want %d", code, exitUsage)
	}
	server := begin(t, dir, "server", "--dir", "srv", "--listen-nats", address, "--name", "one")
	server.await("ready")
	worker = begin(t, dir, "worker", "--nats", address, "--nkey", "srv/credentials/worker.nk", "--work-only", "--name", "patient", "--health", "127.0.0.1:0")
	ready := worker.await("health on (.*)")
	worker.await("ready$")
	getUntil(t, ready, http.StatusOK)
	askUntil(t, dir, "^patient +work-only ", "workers", "ls", "--nats", "./srv")

	server.signal(syscall.SIGKILL)
	server.exit()
	getUntil(t, ready, http.StatusServiceUnavailable)
	if got := get(t, strings.Replace(ready, "readyz", "healthz", 1)); got != http.StatusOK {
		t.Errorf("/healthz answers %d: the process would be killed", got)
	}
	if _, code := ask(t, dir, "worker", "--nats", address, "--nkey", "srv/credentials/worker.nk"); code != exitUnreachable {
		t.Errorf("a worker that finds no server ends with %d, want %d", code, exitUnreachable)
	}
	late := begin(t, dir, "worker", "--nats", address, "--nkey", "srv/credentials/owner.nk", "--wait", "--name", "late")
	late.await("waiting for the cluster")

	server = begin(t, dir, "server", "--dir", "srv", "--listen-nats", address, "--name", "two")
	server.await("ready$")
	getUntil(t, ready, http.StatusOK)
	late.await("ready$")
	askUntil(t, dir, `^late .*\npatient .*\ntwo `, "workers", "ls", "--nats", "./srv")
	for _, p := range []*process{worker, late, server} {
		p.signal(syscall.SIGTERM)
		if code := p.exit(); code != 0 {
			t.Errorf("%s ends with %d, want 0", p.cmd.Args[1], code)
		}
	}
}

// threeServers runs a cluster of the servers a, b and c in a directory, until they are
// ready.
func threeServers(t *testing.T, dir string) map[string]*process {
	t.Helper()
	names, routes := []string{"a", "b", "c"}, []string{loopback.Free(t), loopback.Free(t), loopback.Free(t)}
	servers := map[string]*process{}
	for i, name := range names {
		servers[name] = begin(t, dir, "server", "--dir", name, "--name", name, "--listen-nats", "127.0.0.1:0",
			"--cluster-listen", routes[i], "--routes", strings.Join(routes, ","))
		if i > 0 {
			continue
		}
		servers[name].await("not ready yet")
		for _, other := range names[1:] {
			if err := os.CopyFS(filepath.Join(dir, other, "credentials"), os.DirFS(filepath.Join(dir, name, "credentials"))); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, name := range names {
		servers[name].await("ready$")
	}
	return servers
}

// TestThreeServers runs a cluster of three, and loses one.
func TestThreeServers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	servers := threeServers(t, dir)
	askUntil(t, dir, `^a .*\nb .*\nc `, "workers", "ls", "--nats", "./b")
	if out, code := ask(t, dir, "doctor", "--nats", "./c", "--replicas", "3"); code != 0 || !strings.Contains(out, "as they are to be") || !strings.Contains(out, "everything is stored by 3 servers, all up to date") {
		t.Errorf("doctor ends with %d:\n%s", code, out)
	}
	if out, code := ask(t, dir, "doctor", "--nats", "./c", "--replicas", "1"); code != 0 || !strings.Contains(out, "num_replicas is 3, would be 1") {
		t.Errorf("doctor ends with %d and does not tell that there are three replicas:\n%s", code, out)
	}
	servers["a"].signal(syscall.SIGKILL)
	askUntil(t, dir, `^b .*\nc [^\n]*\n$`, "workers", "ls", "--nats", "./b") // a is gone after 10 s
	askUntil(t, dir, "^warning +replicas +[0-9]+ streams have a server that is behind or gone", "doctor", "--nats", "./c")
	servers["b"].signal(syscall.SIGTERM)
	if code := servers["b"].exit(); code != 0 {
		t.Errorf("a server ends with %d, want 0", code)
	}
}
