package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/wasm"
	"github.com/graflow/graflow-wasm/wasmhost"
)

// farWasm is the handler of WebAssembly tasks in a process that begins runs for others
// to execute. It checks tasks as those do, by compiling their modules; of what it
// found good it keeps a note in the cache directory, since to load compiled code takes
// longer than all else that a submission does. Who executes a task checks it anyway.
type farWasm struct {
	cacheDir string
	files    wasm.Modules
	registry wasm.Registry

	mu      sync.Mutex // guards what follows
	digests map[string]string
	host    *wasmhost.Host // nil: nothing had to be compiled yet
	handler *wasm.Handler
}

var (
	_ engine.Checker = (*farWasm)(nil)
	_ engine.Pinner  = (*farWasm)(nil)
)

func newFarWasm(cacheDir string, registry wasm.Registry) *farWasm {
	return &farWasm{cacheDir: cacheDir, files: &wasm.Files{CacheDir: cacheDir}, registry: registry, digests: map[string]string{}}
}

// Handle implements engine.Handler. It is not called: this process executes nothing.
func (*farWasm) Handle(context.Context, *engine.Call) (engine.Result, error) {
	return engine.Result{}, errors.New("tasks are executed elsewhere")
}

// Check implements engine.Checker, with the errors of [wasm.Handler.Check].
func (f *farWasm) Check(ctx context.Context, task *engine.Task) error {
	note := f.noteOf(ctx, task)
	if _, err := os.Stat(note); note != "" && err == nil {
		return nil
	}
	h, err := f.real(ctx)
	if err != nil {
		return err
	}
	if err := h.Check(ctx, task); err != nil {
		return err
	}
	if note != "" && os.MkdirAll(filepath.Dir(note), 0o700) == nil {
		_ = os.WriteFile(note, nil, 0o600) // else it is checked again
	}
	return nil
}

// Pin implements engine.Pinner, as [wasm.Handler.Pin].
func (f *farWasm) Pin(ctx context.Context, task *engine.Task) (name, digest string, err error) {
	module, err := wasm.ModuleOf(task.Spec)
	if err != nil {
		return "", "", err
	}
	if digest, err = f.digest(ctx, module); err != nil {
		return "", "", fmt.Errorf("module %q: %w", module, err)
	}
	return module, digest, nil
}

// Close lets go of the host.
func (f *farWasm) Close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.host != nil {
		_ = f.host.Close(context.Background()) // nothing runs on it
	}
}

// real is the handler that can compile.
func (f *farWasm) real(ctx context.Context) (*wasm.Handler, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.handler != nil {
		return f.handler, nil
	}
	host, cacheDir, err := newHost(ctx, f.cacheDir)
	if err != nil {
		return nil, err
	}
	f.host = host
	f.handler, err = newWasm(host, cacheDir, nil, wasm.Config{Registry: f.registry})
	return f.handler, err
}

// noteOf is the file that tells that a task was found good, by all that this depends
// on: of its module by the digest alone. "" is that it can't be told.
func (f *farWasm) noteOf(ctx context.Context, task *engine.Task) string {
	module, err := wasm.ModuleOf(task.Spec)
	if err != nil || module == "" {
		return ""
	}
	digest, err := f.digest(ctx, module)
	if err != nil {
		return ""
	}
	same := *task
	if same.Spec, err = wasm.WithModule(task.Spec, digest, ""); err != nil {
		return ""
	}
	about, err := json.Marshal(same)
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(fmt.Appendf(about, "\n%s", thisBuild().Version))
	return filepath.Join(f.cacheDir, "checked", hex.EncodeToString(sum[:]))
}

// digest is that of a module's bytes. In this process a reference means the same
// bytes throughout.
func (f *farWasm) digest(ctx context.Context, module string) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if d, ok := f.digests[module]; ok {
		return d, nil
	}
	if isRegistered(module) {
		d, err := f.registry.Resolve(ctx, module)
		if err == nil {
			f.digests[module] = d
		}
		return d, err
	}
	code, _, err := f.files.Load(ctx, module)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(code)
	f.digests[module] = "sha256:" + hex.EncodeToString(sum[:])
	return f.digests[module], nil
}
