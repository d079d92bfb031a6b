package script

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"

	"github.com/graflow/graflow-wasm/runtimes"
	"github.com/graflow/graflow-wasm/wasmhost"
)

// Sandbox runs code. It is safe for concurrent use.
type Sandbox struct {
	config   Config
	host     *wasmhost.Host
	log      *slog.Logger
	schemas  schemas
	bundles  bundles
	erased   erased
	runtimes map[string]*interpreter // by name; not changed
	trusted  sync.Map                // digest of each interpreter: compiled in this process
}

// New returns a sandbox, which opens and compiles an interpreter when it is first
// needed; see Prepare. It fails if the cache directory can't be used. The caller
// closes it.
func New(config Config) (*Sandbox, error) {
	s := &Sandbox{config: config, host: config.Host, log: config.Logger}
	if s.log == nil {
		s.log = slog.Default()
	}
	if s.config.Open == nil {
		s.config.Open = runtimes.Open
	}
	s.runtimes = map[string]*interpreter{}
	for _, l := range Languages() {
		s.runtimes[l.runtime()] = &interpreter{name: l.runtime(), turn: make(chan struct{}, 1)}
	}
	if s.host != nil {
		return s, nil
	}
	var err error
	s.host, err = wasmhost.New(context.Background(), wasmhost.Config{
		CacheDir: cacheDir(config.CacheDir),
		Trusted:  func(digest string) bool { _, ours := s.trusted.Load(digest); return ours },
		Logger:   s.log,
	})
	if err != nil {
		return nil, fmt.Errorf("start a host for scripts: %w", err)
	}
	return s, nil
}

// cacheDir is dir, or the user's, or "" if there is none.
func cacheDir(dir string) string {
	if dir != "" {
		return dir
	}
	user, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(user, "graflow-wasm")
}

// Prepare does what the first run of a language would have to wait for: it opens and
// compiles the interpreter, starts it, and takes the snapshot from which all runs
// begin. An interpreter that the program lacks is a *runtimes.MissingError, whose
// text says how to get it.
func (s *Sandbox) Prepare(ctx context.Context, l Language) error {
	if err := l.check(); err != nil {
		return err
	}
	_, err := s.module(ctx, l, false)
	return err
}

// PrepareIsolated is Prepare for runs with Options.Isolated. Where there can be no
// cells it fails with wasmhost.ErrNoCells.
func (s *Sandbox) PrepareIsolated(ctx context.Context, l Language) error {
	if err := l.check(); err != nil {
		return err
	}
	_, err := s.module(ctx, l, true)
	return err
}

// RuntimeInfo tells what runs a language.
type RuntimeInfo struct {
	Name     string `json:"name"`     // "python", "javascript"
	Version  string `json:"version"`  // of the implementation
	Recipe   string `json:"recipe"`   // digest of what it was built by
	Prebuilt bool   `json:"prebuilt"` // it is somebody else's build
	Digest   string `json:"digest"`   // of the module, "sha256:…"
	Size     int64  `json:"size"`     // of the module, in bytes
}

// Runtime tells what runs a language. It opens it, but does not compile it.
func (s *Sandbox) Runtime(ctx context.Context, l Language) (RuntimeInfo, error) {
	if err := l.check(); err != nil {
		return RuntimeInfo{}, err
	}
	return s.runtimes[l.runtime()].describe(ctx, s)
}

// Close ends the sandbox, and its host if it is its own. It waits for runs: cancel
// their contexts to hurry them. Further ones answer wasmhost.ErrClosed.
func (s *Sandbox) Close(ctx context.Context) error {
	if s.config.Host != nil {
		return nil
	}
	if err := s.host.Close(ctx); err != nil && !errors.Is(err, wasmhost.ErrClosed) {
		return fmt.Errorf("close the host of scripts: %w", err)
	}
	return nil
}
