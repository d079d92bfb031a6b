package wasmhost

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"sync"
	"time"

	"github.com/graflow/graflow-wasm/wasmhost/internal/artifact"
	"github.com/graflow/graflow-wasm/wasmhost/internal/cell"
	"github.com/graflow/graflow-wasm/wasmhost/internal/egress"
	"github.com/graflow/graflow-wasm/wasmhost/internal/linmem"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
)

// Defaults of a Config.
const (
	DefaultMaxModuleBytes = 64 << 20
	DefaultIdleBytes      = 512 << 20
)

// mostMemory is the largest linear memory, a page less than 4 GiB: wazero tells
// sizes in 32 bits.
const mostMemory = 1<<32 - 1<<16

// ErrClosed is returned by Compile and Call after the host was closed.
var ErrClosed = errors.New("wasm host is closed")

// Config configures a Host. The zero value is usable.
type Config struct {
	// CacheDir keeps compiled modules between processes, in a subdirectory of
	// mode 0700, authenticated under a key of this installation. Empty: compiled
	// modules live in memory only.
	CacheDir string
	// CacheReadOnly takes CacheDir as it is: made by a host of another user, and
	// mounted, say, into a container. Nothing is written to it, and neither its
	// owner nor its modes are looked at. What it holds is executed, so it has to
	// be on a file system that nobody on this side can write.
	CacheReadOnly bool
	// MaxModuleBytes is the largest module Compile accepts. 0: 64 MiB.
	MaxModuleBytes int64
	// Trusted tells modules by digest that are compiled in this process. All
	// others are compiled in a child process under CompileLimits, if the program
	// has called Child. nil: none.
	Trusted func(digest string) bool
	// CompileLimits bound the compiling of one module in a child.
	CompileLimits CompileLimits
	// Isolate tells modules by digest whose calls run in cells: child processes that
	// have nothing of this one's. It is asked when a module is compiled. nil: none.
	Isolate func(digest string) bool
	// Cells bounds the cells of the host.
	Cells CellConfig
	// MemoryBytes bounds all linear memories of the host together, idle ones
	// and snapshots included. 0: no bound.
	MemoryBytes int64
	// IdleBytes bounds what sandboxes waiting for their next call hold together,
	// beside what they share. Negative: none are kept. 0: 512 MiB.
	IdleBytes int64
	// Portable does without the memory tricks of the operating system; results
	// are the same, calls cost more.
	Portable bool
	// Probe is told what the host does. The zero value costs nothing.
	Probe Probe
	// Logger receives what concerns the host itself (a panicking service, a
	// cache that was tampered with), never the guests' lines. nil: slog.Default.
	Logger *slog.Logger
}

// CompileLimits bound a compile child. A zero field means its default.
type CompileLimits struct {
	CPU    time.Duration // of all its threads, in whole seconds. 0: 60s
	Wall   time.Duration // 0: 120s
	Memory int64         // bytes of address space beside the program's own. 0: 2 GiB
}

func (c Config) withDefaults() Config {
	if c.MaxModuleBytes <= 0 {
		c.MaxModuleBytes = DefaultMaxModuleBytes
	}
	if c.MemoryBytes <= 0 {
		c.MemoryBytes = math.MaxInt64
	}
	if c.IdleBytes == 0 {
		c.IdleBytes = DefaultIdleBytes
	}
	if c.Trusted == nil {
		c.Trusted = func(string) bool { return false }
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return c
}

// Host compiles and runs modules. It is safe for concurrent use.
type Host struct {
	config   Config
	compiler *artifact.Compiler
	runtime  wazero.Runtime
	memories *linmem.Budget
	web      *egress.Client

	mu      sync.Mutex // guards closed, modules, cells, and active.Add against Close
	closed  bool
	modules map[string]*compilation // by their keys
	cells   *cells                  // nil: no module is isolated
	active  sync.WaitGroup

	poolMu    sync.Mutex // guards what follows and Module.pools
	clock     uint64     // counts uses of pools
	idleBytes int64
	building  sync.WaitGroup
}

// compilation is one module on its way into the host, or in it.
type compilation struct {
	done   chan struct{} // closed when module and err are set
	module *Module
	err    error
}

// Child must be called first in the main function (and in TestMain) of a program
// that compiles modules it does not trust: the host starts the program again to
// compile in a process of its own, or to run what is isolated there, and there Child
// does that and never returns.
func Child() {
	artifact.Child()
	cell.Child(serveCell)
}

// New returns a host that runs guests. It fails if the cache directory can't be
// used. The caller closes it.
func New(ctx context.Context, config Config) (*Host, error) {
	config = config.withDefaults()
	compiler, err := artifact.New(ctx, artifact.Config{
		Dir: config.CacheDir, ReadOnly: config.CacheReadOnly,
		Limits: artifact.Limits{
			CPU: config.CompileLimits.CPU, Wall: config.CompileLimits.Wall, Memory: config.CompileLimits.Memory,
		},
		Options: artifact.Options{
			Features:    api.CoreFeaturesV2 | experimental.CoreFeaturesTailCall,
			NoDebugInfo: true,
		},
	})
	if err != nil {
		return nil, err
	}
	h := &Host{
		config: config, compiler: compiler, modules: map[string]*compilation{},
		memories: linmem.NewBudget(config.MemoryBytes), web: egress.NewClient(egress.Config{}),
	}
	h.runtime = wazero.NewRuntimeWithConfig(ctx, compiler.RuntimeConfig())
	if err := h.instantiateImports(ctx); err != nil {
		return nil, errors.Join(err, h.Close(ctx))
	}
	return h, nil
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
	err := h.cells.close()
	for _, c := range h.modules {
		if c.module.isolated {
			err = errors.Join(err, c.module.native.Close())
			continue
		}
		h.closePools(ctx, c.module)
	}
	h.building.Wait()
	err = errors.Join(err, h.runtime.Close(ctx))
	h.web.Close()
	return errors.Join(err, h.compiler.Close(ctx))
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

// Compile admits and compiles a module: it is read by a strict parser, metered,
// and only then given to the compiler. Equal bytes give the same *Module,
// compiled once, and kept until the host is closed. The bytes are not retained,
// unless Config.Isolate names the module. A module that can't be run is a
// *ModuleError. If the context ends, the compiling does, unless another caller waits
// for it too.
func (h *Host) Compile(ctx context.Context, wasm []byte) (*Module, error) {
	digest := digestOf(wasm)
	isolated := h.config.Isolate != nil && h.config.Isolate(digest)
	return h.compileOnce(ctx, digest, wasm, isolated)
}

// CompileIsolated is Compile for a module whose calls are to run in cells, whatever
// Config.Isolate says: another *Module than that of Compile, with the same results.
// Nothing of it is loaded into this process. Where there can be no cells it fails with
// ErrNoCells.
func (h *Host) CompileIsolated(ctx context.Context, wasm []byte) (*Module, error) {
	return h.compileOnce(ctx, digestOf(wasm), wasm, true)
}

func digestOf(wasm []byte) string {
	sum := sha256.Sum256(wasm)
	return "sha256:" + hex.EncodeToString(sum[:])
}

func (h *Host) compileOnce(ctx context.Context, digest string, wasm []byte, isolated bool) (*Module, error) {
	if err := h.begin(); err != nil {
		return nil, err
	}
	defer h.active.Done()
	key := digest
	if isolated {
		if err := h.openCells(); err != nil {
			return nil, fmt.Errorf("compile module %s: %w", short(digest), err)
		}
		key += " isolated"
	}
	for {
		c, first := h.join(key)
		if first {
			return h.lead(ctx, c, wasm, &Module{host: h, key: key, digest: digest, isolated: isolated})
		}
		select {
		case <-c.done:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
		// Who led may have left; then somebody else must.
		if c.err == nil || !errors.Is(c.err, errLeft) {
			return c.module, c.err
		}
	}
}

// errLeft marks a compile that ended because its caller's context did.
var errLeft = errors.New("compiling was canceled")

// join finds the compilation of a module, or begins it.
func (h *Host) join(key string) (c *compilation, first bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if c := h.modules[key]; c != nil {
		return c, false
	}
	c = &compilation{done: make(chan struct{})}
	h.modules[key] = c
	return c, true
}

func (h *Host) lead(ctx context.Context, c *compilation, wasm []byte, m *Module) (*Module, error) {
	began := time.Now()
	c.module, c.err = h.compile(ctx, m, wasm)
	if tell := h.config.Probe.Compiled; tell != nil && ctx.Err() == nil {
		tell(time.Since(began), c.err)
	}
	if c.err != nil {
		if ctx.Err() != nil {
			c.err = fmt.Errorf("%w: %w", errLeft, context.Cause(ctx))
		}
		h.mu.Lock()
		delete(h.modules, m.key)
		h.mu.Unlock()
	}
	close(c.done)
	return c.module, c.err
}
