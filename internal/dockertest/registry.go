package dockertest

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/internal/loopback"
)

// User and Password are whom a private registry lets in.
const (
	User     = "graflow"
	Password = "swordfish"
)

// passwords holds them as Apache's htpasswd -B writes it: bcrypt.
const passwords = User + ":$2a$05$DkDRYnceDz8fSAGv/Ap/QOftTovX2xGUoyXLVGrAJjxYjTcOECqg6\n"

// Registry starts a registry with plain HTTP on the loopback, whose images end with
// the test, and returns its address, HOST:PORT. It is Debian's docker-registry;
// without it the test is skipped, and fails in continuous integration.
func Registry(tb testing.TB) (address string) {
	tb.Helper()
	return registry(tb, "")
}

// PrivateRegistry is a Registry that wants User and Password for everything.
func PrivateRegistry(tb testing.TB) (address string) {
	tb.Helper()
	file := filepath.Join(tb.TempDir(), "htpasswd")
	if err := os.WriteFile(file, []byte(passwords), 0o600); err != nil {
		tb.Fatal(err)
	}
	return registry(tb, fmt.Sprintf("auth: {htpasswd: {realm: test, path: %q}}\n", file))
}

func registry(tb testing.TB, more string) (address string) {
	tb.Helper()
	binary, err := exec.LookPath("docker-registry")
	if err != nil {
		absent(tb, "a registry", "apt-get install docker-registry", err)
	}
	address, dir := loopback.Free(tb), tb.TempDir()
	config := filepath.Join(dir, "config.yml")
	text := fmt.Sprintf("version: 0.1\nstorage: {filesystem: {rootdirectory: %q}}\nhttp: {addr: %q}\n", filepath.Join(dir, "images"), address)
	if err := os.WriteFile(config, []byte(text+more), 0o600); err != nil {
		tb.Fatal(err)
	}
	log := &watched{word: []byte("listening on "), seen: make(chan struct{})}
	cmd := exec.CommandContext(tb.Context(), binary, "serve", config) // killed when the test ends
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Env = []string{"OTEL_TRACES_EXPORTER=none"} // settings of this machine's registry are not ours
	if err := cmd.Start(); err != nil {
		tb.Fatalf("start a registry: %v", err)
	}
	ended := make(chan struct{})
	go func() { defer close(ended); _ = cmd.Wait() }() // it is killed
	tb.Cleanup(func() { <-ended })
	select {
	case <-log.seen:
	case <-ended:
		tb.Fatalf("the registry has ended:\n%s", log.text())
	case <-time.After(time.Minute):
		tb.Fatalf("the registry does not listen:\n%s", log.text())
	}
	return address
}

// watched collects what a process writes and tells when a word is there.
type watched struct {
	word []byte
	seen chan struct{}

	mu  sync.Mutex // guards all
	all []byte
}

// Write implements io.Writer.
func (w *watched) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	before := bytes.Contains(w.all, w.word)
	w.all = append(w.all, p...)
	if !before && bytes.Contains(w.all, w.word) {
		close(w.seen)
	}
	return len(p), nil
}

func (w *watched) text() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return string(w.all)
}

// Push puts an image into a registry, also a private one, and returns the reference
// under which it can be pulled. The daemon forgets that reference at once and, if it
// has been pulled, at the test's end; the image that was pushed stays.
func Push(tb testing.TB, image, address string) (reference string) {
	tb.Helper()
	d := connect(tb)
	repository, tag := split(image)
	repository = address + "/" + repository
	reference = repository + ":" + tag
	login, err := json.Marshal(map[string]string{"username": User, "password": Password, "serveraddress": address})
	if err != nil {
		tb.Fatal(err)
	}
	query := url.Values{"repo": {repository}, "tag": {tag}}
	if err := d.call(tb.Context(), http.MethodPost, "/images/"+image+"/tag?"+query.Encode(), nil, nil); err != nil {
		tb.Fatalf("name %s %s: %v", image, reference, err)
	}
	forget := func(ctx context.Context) {
		if err := d.removeImage(ctx, reference); err != nil {
			tb.Errorf("remove the image %s: %v", reference, err)
		}
	}
	tb.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(tb.Context()), 30*time.Second)
		defer cancel()
		forget(ctx)
	})
	header := http.Header{"X-Registry-Auth": {base64.URLEncoding.EncodeToString(login)}}
	if err := d.progress(tb.Context(), "/images/"+repository+"/push?tag="+tag, nil, header); err != nil {
		tb.Fatalf("push %s: %v", reference, err)
	}
	forget(tb.Context())
	return reference
}
