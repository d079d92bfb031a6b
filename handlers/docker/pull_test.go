package docker

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/docker/docker/api/types/image"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/internal/guest"
	"github.com/graflow/graflow-wasm/internal/dockertest"
	"github.com/graflow/graflow-wasm/internal/loopback"
	"github.com/graflow/graflow-wasm/sdk/abi"
)

// secretsOf are secrets by name, and what finds them.
type secretsOf map[string]string

func (s secretsOf) Secret(_ context.Context, name string) ([]byte, error) {
	if value, ok := s[name]; ok {
		return []byte(value), nil
	}
	return nil, abi.NotFound
}

// finder finds secrets as they are.
type finder [][]byte

func (f finder) Redact(text string) string {
	for _, value := range f {
		text = strings.ReplaceAll(text, string(value), "***")
	}
	return text
}

func (f finder) Contains(data []byte) bool { return f.Redact(string(data)) != string(data) }

func newFinder(values [][]byte) guest.Redactor { return finder(values) }

// progressed counts what a task tells of its progress.
type progressed struct {
	recorder
	times *atomic.Int64
}

func (p progressed) Progress(_, total float64, note string) {
	if total > 0 && strings.HasPrefix(note, "pulling ") {
		p.times.Add(1)
	}
}

// unlike is an image that no other test has: its layers are pulled.
func unlike(t *testing.T, name, says string) string {
	t.Helper()
	program := dockertest.Program(t, "./testdata/hostile")
	return dockertest.Image(t, name, map[string]dockertest.File{"hostile": {Path: program}, "says": {Data: []byte(says)}}, `ENTRYPOINT ["/hostile", "id"]`)
}

// TestPull pulls an image from a registry that wants credentials.
func TestPull(t *testing.T) {
	t.Parallel()
	address := dockertest.PrivateRegistry(t)
	local := unlike(t, "pull", "pull")
	ref := dockertest.Push(t, local, address)
	secrets := secretsOf{
		"words": dockertest.User + ":" + dockertest.Password, "wrong": dockertest.User + ":wrong", "neither": "nothing of the kind",
		"json": `{"username":"` + dockertest.User + `","password":"` + dockertest.Password + `"}`,
	}
	h := newHandler(t, Config{Secrets: secrets, Redactor: newFinder, Policy: Policy{Pull: []string{"*"}}})
	forget := func() {
		_, _ = h.docker.ImageRemove(context.Background(), ref, image.RemoveOptions{}) // it may not be here
	}
	task := func(keys string) *engine.Call { return callOf(with(`{"image":"`+ref+`"}`, keys), "") }
	for _, test := range []struct{ name, keys, kind string }{
		{"without credentials", `"pull":"missing"`, KindImagePull},
		{"with wrong ones", `"registry_auth":"wrong"`, KindImagePull},
		{"with none that are any", `"registry_auth":"neither"`, engine.KindInvalidInput},
		{"with a secret that is missing", `"registry_auth":"gone"`, engine.KindDenied},
		{"never", `"pull":"never","registry_auth":"words"`, KindImageMissing},
	} {
		_, err := h.Handle(t.Context(), task(test.keys))
		if failed := failureOf(t, err, test.kind); strings.Contains(failed.Message, dockertest.Password) || strings.Contains(failed.Message, "nothing of the kind") {
			t.Errorf("%s: %q tells the secret", test.name, failed.Message)
		}
	}
	for _, keys := range []string{`"registry_auth":"words"`, `"registry_auth":"json"`, `"pull":"always","registry_auth":"words"`} {
		call := task(keys)
		if _, err := h.Handle(t.Context(), call); err != nil {
			t.Errorf("%s: %v", keys, err)
		}
		name, digest, err := h.Pin(t.Context(), call.Task)
		if err != nil || name != ref || !strings.Contains(digest, "@sha256:") {
			t.Errorf("pinned %q to %q, %v", name, digest, err)
		}
		if _, err := h.Handle(t.Context(), task(`"pull":"never"`)); err != nil {
			t.Errorf("it is here, and not found: %v", err)
		}
		forget()
	}
	_, err := h.Handle(t.Context(), callOf(`{"image":"`+strings.Replace(ref, "pull:", "nothing:", 1)+`","registry_auth":"words"}`, ""))
	wantKind(t, err, KindImageMissing)
	_, err = h.Handle(t.Context(), callOf(`{"image":"`+loopback.Free(t)+`/nobody:1"}`, ""))
	if failed := failureOf(t, err, KindImagePull); failed.Permanent {
		t.Errorf("%+v: a registry that is not there may come", failed)
	}
}

// TestRetag has a run use the image that it began with, whatever becomes of its name.
func TestRetag(t *testing.T) {
	t.Parallel()
	first, second := unlike(t, "retag", "first"), unlike(t, "retag", "second")
	name := "graflow-test/moving:" + strings.NewReplacer("/", "-", ":", "-").Replace(strings.TrimPrefix(scratchName(t), "/"))
	h := newHandler(t, Config{})
	retag := func(to string) {
		if err := h.docker.ImageTag(t.Context(), to, name); err != nil {
			t.Fatal(err)
		}
	}
	retag(first)
	t.Cleanup(func() { _, _ = h.docker.ImageRemove(context.Background(), name, image.RemoveOptions{}) })
	call := callOf(`{"image":"`+name+`"}`, "")
	pinned, digest, err := h.Pin(t.Context(), call.Task)
	if err != nil || !strings.HasSuffix(pinned, name) || digest == "" {
		t.Fatalf("pinned %q to %q, %v", pinned, digest, err)
	}
	retag(second)
	for want, pins := range map[string]map[string]string{first: {pinned: digest}, second: nil} {
		call := callOf(`{"image":"`+name+`"}`, "")
		call.Pins = pins
		got, err := h.Handle(t.Context(), call)
		if err != nil {
			t.Fatal(err)
		}
		expected, err := h.docker.ImageInspect(t.Context(), want)
		if err != nil {
			t.Fatal(err)
		}
		var used ledger
		if json.Unmarshal(got.Ledger, &used) != nil || used.Image != expected.ID {
			t.Errorf("pins %v: it used %s, want %s", pins, used.Image, expected.ID)
		}
	}
	call.Pins = map[string]string{pinned: "sha256:" + strings.Repeat("0", 64)}
	_, err = h.Handle(t.Context(), call)
	wantKind(t, err, KindImageMissing)
}

// TestPullProgress tells of a pull that the daemon does, here one that only says so.
func TestPullProgress(t *testing.T) {
	t.Parallel()
	b := newBetween(t)
	h := newHandler(t, Config{Host: b.host})
	call := callOf(`{"image":"x"}`, "")
	var times atomic.Int64
	call.Sink = progressed{recorder{make(chan string, 10)}, &times}
	s, err := h.settings(t.Context(), call.Task)
	if err != nil {
		t.Fatal(err)
	}
	a := &attempt{handler: h, call: call, settings: s}
	lines := `{"status":"Pulling from x","id":"1"}
{"status":"Downloading","progressDetail":{"current":1,"total":2},"id":"a"}
{"status":"Downloading","progressDetail":{"current":2,"total":2},"id":"a"}
`
	if err := a.tellPull(strings.NewReader(lines)); err != nil || times.Load() != 2 {
		t.Errorf("told %d times, %v", times.Load(), err)
	}
	if err := a.tellPull(strings.NewReader(lines + `{"error":"no space"}`)); err == nil || err.Error() != "no space" {
		t.Errorf("error %v", err)
	}
	b.on(func(*http.Request) { panic(http.ErrAbortHandler) })
	_, err = h.Handle(t.Context(), call)
	wantKind(t, err, KindUnavailable)
}

func scratchName(t *testing.T) string {
	t.Helper()
	return strings.ToLower(t.TempDir())
}
