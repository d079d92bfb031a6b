package wasm_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/wasm"
	"github.com/graflow/graflow-wasm/sdk/abi"
	"github.com/graflow/graflow-wasm/wasmhost"
)

// shelf is a registry in memory.
type shelf struct {
	mu      sync.Mutex // guards what follows
	names   map[string]string
	modules map[string][]byte
	opened  []string // digests, in the order of their being read
	down    error
}

func newShelf() *shelf { return &shelf{names: map[string]string{}, modules: map[string][]byte{}} }

// put stores a module and returns its digest.
func (s *shelf) put(name string, module []byte) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	sum := sha256.Sum256(module)
	digest := "sha256:" + hex.EncodeToString(sum[:])
	s.names[name], s.modules[digest] = digest, module
	return digest
}

func (s *shelf) Resolve(_ context.Context, ref string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	digest, ok := s.names[ref]
	if s.down == nil && !ok {
		return "", wasm.ErrNoModule
	}
	return digest, s.down
}

func (s *shelf) Open(_ context.Context, digest string) (io.ReadCloser, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down != nil {
		return nil, s.down
	}
	module, ok := s.modules[digest]
	if !ok {
		return nil, wasm.ErrNoModule
	}
	s.opened = append(s.opened, digest)
	return io.NopCloser(bytes.NewReader(module)), nil
}

// reads counts how often a module was read.
func (s *shelf) reads(digest string) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range s.opened {
		if d == digest {
			n++
		}
	}
	return n
}

// command is a WASI command that does nothing; each name makes another one.
func command(name string) []byte {
	module := []byte("\x00asm\x01\x00\x00\x00\x01\x04\x01\x60\x00\x00\x03\x02\x01\x00\x05\x03\x01\x00\x01" +
		"\x07\x13\x02\x06_start\x00\x00\x06memory\x02\x00\x0a\x04\x01\x02\x00\x0b")
	return append(append(module, 0, byte(len(name)+1), byte(len(name))), name...) // a section of its own
}

func guestBytes(tb testing.TB) []byte {
	tb.Helper()
	code, err := os.ReadFile(guest(tb))
	if err != nil {
		tb.Fatal(err)
	}
	return code
}

func TestFormOf(t *testing.T) {
	t.Parallel()
	for ref, want := range map[string]wasm.Form{
		"sha256:00": wasm.FormDigest, "sha256:": wasm.FormDigest,
		"a.wasm": wasm.FormPath, "./a": wasm.FormPath, "lib/a": wasm.FormPath, `lib\a`: wasm.FormPath, "..": wasm.FormPath, ".": wasm.FormPath,
		"./a@1": wasm.FormPath, "a@1.wasm": wasm.FormPath,
		"a@1.0": wasm.FormVersion, "@": wasm.FormVersion,
		"a": wasm.FormWord, "a.b": wasm.FormWord, "": wasm.FormWord,
	} {
		if got := wasm.FormOf(ref); got != want {
			t.Errorf("%q: got form %d, want %d", ref, got, want)
		}
	}
}

// TestRegistryRuns: with modules of a registry no file is needed.
func TestRegistryRuns(t *testing.T) {
	t.Parallel()
	s := newShelf()
	digest := s.put("hello@1", guestBytes(t))
	s.put("hello", guestBytes(t))
	h := newHandler(t, wasm.Config{Registry: s, Modules: wasm.NoFiles{}})
	for _, ref := range []string{digest, "hello@1", "hello"} {
		call := newCall(t, "echo", 7)
		call.Task.Spec = marshal(t, map[string]string{"module": ref, "export": "echo"})
		if err := h.Check(t.Context(), call.Task); err != nil {
			t.Fatalf("%s: %v", ref, err)
		}
		r, err := h.Handle(t.Context(), call)
		if err != nil || string(r.Value) != "7" {
			t.Errorf("%s: got %s, %v, want 7", ref, r.Value, err)
		}
		if _, got, err := h.Pin(t.Context(), call.Task); err != nil || got != digest {
			t.Errorf("%s: pinned to %s, %v, want %s", ref, got, err, digest)
		}
	}
	if n := s.reads(digest); n != 1 {
		t.Errorf("the module was read %d times, want once", n)
	}
	call := newCall(t, "echo", 7) // of a file
	if err := taskError(t, second(h.Handle(t.Context(), call))); !strings.Contains(err.Message, "from the registry alone") || !err.Permanent {
		t.Errorf("a file: got %v, want it to be refused", err)
	}
}

func second[T any](_ T, err error) error { return err }

// TestRegistryNames: a name means what it means now, and is in a run as a digest.
func TestRegistryNames(t *testing.T) {
	t.Parallel()
	s := newShelf()
	was := s.put("hello", guestBytes(t))
	h := newHandler(t, wasm.Config{Registry: s})
	call := newCall(t, "spawn", []abi.NextTask{{ID: "x", Handler: "wasm", Spec: json.RawMessage(`"hello#echo"`)}, {ID: "y", Handler: "wasm", Spec: json.RawMessage(`"#echo"`)}})
	call.Task.Spec, call.Task.Grants = json.RawMessage(`"hello#spawn"`), json.RawMessage(`{"spawn":["hello"]}`)
	r, err := h.Handle(t.Context(), call)
	if err != nil {
		t.Fatal(err)
	}
	for _, next := range r.Effects.Next {
		if got, want := string(next.Task.Spec), `{"module":"`+was+`","export":"echo","name":"hello"}`; got != want {
			t.Errorf("next task: got spec %s, want %s", got, want)
		}
	}
	s.put("hello", command("other"))
	if err := h.Check(t.Context(), &engine.Task{ID: "t", Handler: "wasm", Spec: json.RawMessage(`"hello#spawn"`)}); err == nil || !strings.Contains(err.Error(), `"_start"`) {
		t.Errorf("got %v, want the tasks of what is called so now", err)
	}
}

// TestRegistryFaults are modules that are not what they are to be, or not there.
func TestRegistryFaults(t *testing.T) {
	t.Parallel()
	s := newShelf()
	digest := s.put("m@1", command("faulty"))
	tampered := s.put("t@1", command("tampered"))
	s.modules[tampered] = command("temperad")
	broken := s.put("b@1", []byte("\x00asm\x01\x00\x00\x00\x63"))
	s.names["odd@1"] = "md5:1"
	for _, c := range []struct {
		ref, want string
		is        error
		kind      string
		passing   bool
		down      error
	}{
		{ref: tampered, want: "tampered with", is: wasm.ErrTampered, kind: wasm.KindTampered},
		{ref: "t@1", want: "tampered with", is: wasm.ErrTampered, kind: wasm.KindTampered},
		{ref: "m@2", want: "no such module", is: wasm.ErrNoModule, kind: engine.KindError},
		{ref: "sha256:" + strings.Repeat("0", 64), want: "no such module", is: wasm.ErrNoModule, kind: engine.KindError},
		{ref: "sha256:12", want: "64 hex digits", kind: engine.KindError, passing: false},
		{ref: strings.ToUpper(digest[:10]) + digest[10:], want: "no file or directory of that name, and the registry has no such module", is: wasm.ErrNoModule, kind: engine.KindError},
		{ref: "odd@1", want: "is no digest", kind: engine.KindError, passing: true},
		{ref: broken, want: "section", kind: engine.KindError},
		{ref: digest, want: "ask the registry: down", kind: engine.KindError, passing: true, down: errors.New("down")},
	} {
		h := newHandler(t, wasm.Config{Registry: s})
		s.down = c.down
		call := newCall(t, "", nil)
		call.Task.Spec = marshal(t, c.ref)
		err := taskError(t, second(h.Handle(t.Context(), call)))
		if !strings.Contains(err.Message, c.want) || err.Kind != c.kind || err.Permanent == c.passing || c.is != nil && !errors.Is(err, c.is) {
			t.Errorf("%s: got %s, %q, permanent %t; want %s, %q", c.ref, err.Kind, err.Message, err.Permanent, c.kind, c.want)
		}
		if c.down == nil {
			continue
		}
		s.down = nil // a failure is not kept
		if _, err := h.Handle(t.Context(), call); err != nil {
			t.Errorf("%s: when the registry is back: %v", c.ref, err)
		}
	}
	alone := newHandler(t, wasm.Config{})
	if err := alone.Check(t.Context(), &engine.Task{ID: "t", Spec: marshal(t, digest)}); err == nil || !strings.Contains(err.Error(), "there is none here") {
		t.Errorf("without a registry: got %v", err)
	}
}

// TestSpecName: messages call a module by the name in its spec.
func TestSpecName(t *testing.T) {
	t.Parallel()
	s := newShelf()
	spec, err := wasm.WithModule(json.RawMessage(`"./hello.wasm#nope"`), s.put("", guestBytes(t)), "hello.wasm")
	if err != nil {
		t.Fatal(err)
	}
	err = newHandler(t, wasm.Config{Registry: s}).Check(t.Context(), &engine.Task{ID: "t", Spec: spec})
	if err == nil || !strings.HasPrefix(err.Error(), `task "t": module "hello.wasm" export "nope": no such export`) {
		t.Errorf("got %v", err)
	}
	if module, err := wasm.ModuleOf(json.RawMessage(`{"export":"x"}`)); module != "" || err != nil {
		t.Errorf("got module %q, %v", module, err)
	}
	if _, err := wasm.ModuleOf(json.RawMessage(`{"modul":"x"}`)); err == nil {
		t.Error("a misspelled key is accepted")
	}
}

// ownHost is one whose modules nobody else has: they are closed.
func ownHost(t *testing.T) *wasmhost.Host {
	t.Helper()
	h, err := wasmhost.New(t.Context(), wasmhost.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	return h
}
