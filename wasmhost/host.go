package wasmhost

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
)

// DefaultMaxModuleBytes is the size limit of a module when the Config names none.
const DefaultMaxModuleBytes = 64 << 20

// ErrClosed is returned by Compile and Call after the host was closed.
var ErrClosed = errors.New("wasm host is closed")

// Config configures a Host. The zero value is usable.
type Config struct {
	// CacheDir keeps compiled modules between processes, in a subdirectory of
	// mode 0700 named for the wazero version. Its content is native code: nobody
	// else may write there. Empty: compiled modules live in memory only.
	CacheDir string
	// MaxModuleBytes is the largest module Compile accepts. 0: 64 MiB.
	MaxModuleBytes int64
	// Logger receives what concerns the host itself (a panicking service), never
	// the guests' lines. nil: slog.Default.
	Logger *slog.Logger
}

// Host compiles and runs modules. It is safe for concurrent use.
type Host struct {
	config  Config
	runtime wazero.Runtime
	cache   wazero.CompilationCache // nil without CacheDir
	wasi    map[string]api.FunctionDefinition

	mu      sync.Mutex // guards closed, modules, and active.Add against Close
	closed  bool
	modules map[string]*compilation // by digest
	active  sync.WaitGroup
}

// compilation is one module on its way into the host, or in it.
type compilation struct {
	done   chan struct{} // closed when module and err are set
	module *Module
	err    error
}

// New returns a host that runs guests. It fails if the cache directory can't be
// used. The caller closes it.
func New(ctx context.Context, config Config) (*Host, error) {
	if config.MaxModuleBytes <= 0 {
		config.MaxModuleBytes = DefaultMaxModuleBytes
	}
	if config.Logger == nil {
		config.Logger = slog.Default()
	}
	h := &Host{config: config, modules: map[string]*compilation{}}
	rc := wazero.NewRuntimeConfig().WithCoreFeatures(api.CoreFeaturesV2).WithCloseOnContextDone(true)
	if config.CacheDir != "" {
		var err error
		if h.cache, err = openCache(config.CacheDir); err != nil {
			return nil, err
		}
		rc = rc.WithCompilationCache(h.cache)
	}
	h.runtime = wazero.NewRuntimeWithConfig(ctx, rc)
	if err := h.instantiateImports(ctx); err != nil {
		return nil, errors.Join(err, h.Close(ctx))
	}
	return h, nil
}

func (h *Host) instantiateImports(ctx context.Context) error {
	if _, err := wasi_snapshot_preview1.Instantiate(ctx, h.runtime); err != nil {
		return fmt.Errorf("instantiate wasi: %w", err)
	}
	h.wasi = h.runtime.Module(wasi_snapshot_preview1.ModuleName).ExportedFunctionDefinitions()
	return h.instantiateFunctions(ctx)
}

// openCache opens the compile cache under dir, private to this user.
func openCache(dir string) (wazero.CompilationCache, error) {
	sub := filepath.Join(dir, "wazero-"+wazeroVersion())
	if err := os.MkdirAll(sub, 0o700); err != nil {
		return nil, fmt.Errorf("create compile cache: %w", err)
	}
	if err := os.Chmod(sub, 0o700); err != nil {
		return nil, fmt.Errorf("protect compile cache: %w", err)
	}
	cache, err := wazero.NewCompilationCacheWithDir(sub)
	if err != nil {
		return nil, fmt.Errorf("open compile cache: %w", err)
	}
	return cache, nil
}

func wazeroVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "dev"
	}
	for _, dep := range info.Deps {
		if dep.Path == "github.com/tetratelabs/wazero" {
			return dep.Version
		}
	}
	return "dev"
}

// Close ends the host and every module of it. It waits for running calls;
// cancel their contexts to hurry them. Further calls answer ErrClosed.
func (h *Host) Close(ctx context.Context) error {
	h.mu.Lock()
	if h.closed {
		h.mu.Unlock()
		return nil
	}
	h.closed = true
	h.mu.Unlock()
	h.active.Wait()
	ctx = context.WithoutCancel(ctx)
	err := h.runtime.Close(ctx)
	if h.cache != nil {
		err = errors.Join(err, h.cache.Close(ctx))
	}
	return err
}

// begin registers work that Close waits for; the caller runs h.active.Done.
func (h *Host) begin() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return ErrClosed
	}
	h.active.Add(1)
	return nil
}

// Compile checks and compiles a module. Equal bytes give the same *Module,
// compiled once, and kept until the host is closed. The bytes are not retained.
// A module that can't be run is a *ModuleError.
func (h *Host) Compile(ctx context.Context, wasm []byte) (*Module, error) {
	if err := h.begin(); err != nil {
		return nil, err
	}
	defer h.active.Done()
	sum := sha256.Sum256(wasm)
	digest := "sha256:" + hex.EncodeToString(sum[:])

	h.mu.Lock()
	c, found := h.modules[digest]
	if !found {
		c = &compilation{done: make(chan struct{})}
		h.modules[digest] = c
	}
	h.mu.Unlock()
	if found {
		select {
		case <-c.done:
			return c.module, c.err
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
	// Others wait for this one, so that it doesn't end with this caller.
	c.module, c.err = h.compile(context.WithoutCancel(ctx), digest, wasm)
	if c.err != nil {
		h.mu.Lock()
		delete(h.modules, digest)
		h.mu.Unlock()
	}
	close(c.done)
	return c.module, c.err
}

// compile takes a module through all checks and wazero's compiler.
func (h *Host) compile(ctx context.Context, digest string, wasm []byte) (m *Module, err error) {
	defer func() {
		if r := recover(); r != nil {
			m, err = nil, &ModuleError{Digest: digest, Reason: fmt.Sprintf("the compiler panicked: %v", r)}
		}
	}()
	if size := int64(len(wasm)); size > h.config.MaxModuleBytes {
		return nil, &ModuleError{Digest: digest, Reason: fmt.Sprintf("%d bytes, more than the limit of %d", size, h.config.MaxModuleBytes)}
	}
	layout, err := readBinary(wasm)
	if err == nil {
		err = h.checkImports(layout.imports)
	}
	if err != nil {
		return nil, withDigest(err, digest)
	}
	compiled, err := h.runtime.CompileModule(ctx, wasm)
	if err != nil {
		return nil, &ModuleError{Digest: digest, Reason: "not valid: " + err.Error()}
	}
	m = &Module{host: h, compiled: compiled, digest: digest, size: int64(len(wasm)), layout: layout}
	if err := m.classify(); err != nil {
		return nil, errors.Join(withDigest(err, digest), compiled.Close(ctx))
	}
	return m, nil
}
