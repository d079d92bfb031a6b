package artifact

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"

	"github.com/tetratelabs/wazero"
)

// DefaultMaxBytes is the size of a cache when the Config names none.
const DefaultMaxBytes = 4 << 30

// Config configures a Compiler. The zero value compiles, and keeps nothing on
// disk.
type Config struct {
	// Dir holds compiled code between processes, and may be shared by them. It is
	// made with mode 0700; New refuses one that other users own or can write. "":
	// nothing is kept.
	Dir string
	// ReadOnly takes Dir as it is, whoever owns it, and writes nothing to it. Its
	// key may be readable by all: what is asked of Dir is then that nobody who is
	// not trusted can write it.
	ReadOnly bool
	// MaxBytes bounds the code in Dir; what was not used for longest goes first.
	// 0: DefaultMaxBytes.
	MaxBytes int64
	// Limits bound each compile child.
	Limits Limits
	// Options are those of the runtime.
	Options Options
	// Concurrency is how many compiles run at once. 0: GOMAXPROCS.
	Concurrency int
	// Workers is how many threads one compile uses; the code is the same. 0:
	// GOMAXPROCS, 4 at most.
	Workers int
	// Wazero tells one wazero's code from another's. "": what the build says.
	Wazero string
}

func (c Config) withDefaults() Config {
	if c.MaxBytes <= 0 {
		c.MaxBytes = DefaultMaxBytes
	}
	c.Limits = c.Limits.withDefaults()
	c.Options = c.Options.withDefaults()
	if c.Concurrency <= 0 {
		c.Concurrency = runtime.GOMAXPROCS(0)
	}
	if c.Workers <= 0 {
		c.Workers = min(runtime.GOMAXPROCS(0), 4)
	}
	if c.Wazero == "" {
		c.Wazero = wazeroVersion()
	}
	return c
}

// Compiler compiles modules for wazero runtimes made with its RuntimeConfig. It
// is safe for concurrent use.
type Compiler struct {
	config  Config
	own     *private
	private string // its path
	cache   wazero.CompilationCache
	loaded  string // directory in private where wazero looks for code
	engine  string // tells this wazero on this CPU from others
	store   *store // nil without Config.Dir
	slots   chan struct{}
	loads   [16]sync.Mutex // by the first digit of a name: it is linked by one load at a time

	mu     sync.Mutex      // guards linked and closed, and active.Add against Close
	linked map[string]bool // names in loaded that are being loaded
	closed bool
	active sync.WaitGroup
}

// How directories are named.
const (
	privatePattern = "graflow-wasm-"
	scratchPattern = "compile-"
)

// New returns a Compiler. It fails if Dir can't be used, or not safely. The
// caller closes it, after the runtimes.
func New(ctx context.Context, config Config) (*Compiler, error) {
	c := &Compiler{config: config.withDefaults(), linked: map[string]bool{}}
	c.slots = make(chan struct{}, c.config.Concurrency)
	if err := c.open(ctx); err != nil {
		return nil, errors.Join(err, c.Close(ctx))
	}
	return c, nil
}

func (c *Compiler) open(ctx context.Context) (err error) {
	if c.config.Dir != "" {
		if c.store, err = openStore(c.config.Dir, c.config.MaxBytes, c.config.ReadOnly); err != nil {
			return err
		}
	}
	if c.own, err = makePrivate(); err != nil {
		return fmt.Errorf("create directory for loading code: %w", err)
	}
	c.private = c.own.dir
	if c.cache, err = wazero.NewCompilationCacheWithDir(c.private); err != nil {
		return fmt.Errorf("open directory for loading code: %w", err)
	}
	return c.probe(ctx)
}

// probe compiles the empty module, which is fast and safe. What wazero names its
// code tells where wazero looks, and digests what the CPU can do.
func (c *Compiler) probe(ctx context.Context) error {
	scratch, err := os.MkdirTemp(c.private, scratchPattern)
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(scratch) }()
	path, err := compileInto(ctx, scratch, []byte("\x00asm\x01\x00\x00\x00"), c.config.Options, 1)
	if errors.Is(err, errNoCode) {
		return nil // an interpreter: nothing to keep, and nothing to fear
	}
	if err != nil {
		return fmt.Errorf("try wazero's compiler: %w", err)
	}
	version := filepath.Base(filepath.Dir(path))
	c.loaded = filepath.Join(c.private, version)
	c.engine = strings.Join([]string{c.config.Wazero, version, filepath.Base(path)}, " ")
	return nil
}

// RuntimeConfig is what the runtimes given to Compile are made with. Of it only
// what is not in [Options] may be changed. All runtimes share what is loaded.
func (c *Compiler) RuntimeConfig() wazero.RuntimeConfig {
	return c.config.Options.runtimeConfig(c.cache)
}

// Close waits for running compiles (cancel their contexts to hurry them), frees
// the code of all modules, and removes this process's own files. Runtimes must
// be closed before.
func (c *Compiler) Close(ctx context.Context) error {
	c.mu.Lock()
	closed := c.closed
	c.closed = true
	c.mu.Unlock()
	if closed {
		return nil
	}
	c.active.Wait()
	var errs []error
	if c.cache != nil {
		errs = append(errs, c.cache.Close(context.WithoutCancel(ctx)))
	}
	if c.own != nil {
		errs = append(errs, c.own.remove())
	}
	if c.store != nil {
		errs = append(errs, c.store.Close())
	}
	return errors.Join(errs...)
}

// begin registers work that Close waits for; the caller runs active.Done.
func (c *Compiler) begin() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return ErrClosed
	}
	c.active.Add(1)
	return nil
}
