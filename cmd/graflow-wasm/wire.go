package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"path/filepath"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/flowfile"
	"github.com/graflow/graflow-wasm/handlers/builtin"
	"github.com/graflow/graflow-wasm/handlers/direct"
	"github.com/graflow/graflow-wasm/handlers/docker"
	scripts "github.com/graflow/graflow-wasm/handlers/script"
	"github.com/graflow/graflow-wasm/handlers/wasm"
	"github.com/graflow/graflow-wasm/internal/secrets"
	"github.com/graflow/graflow-wasm/internal/telemetry"
	"github.com/graflow/graflow-wasm/script"
	"github.com/graflow/graflow-wasm/wasmhost"
)

// wiringConfig says how to wire an engine.
type wiringConfig struct {
	cacheDir    string // "": the user's
	concurrency int    // 0: the engine's default
	observe     func(engine.Notice)
	secrets     secrets.Store   // nil: tasks have none
	backend     *engine.Backend // where runs are kept; nil: nowhere
	part        engine.Part     // of a backend that is shared
	name        string          // of this process, on one
	registry    wasm.Registry   // of modules; nil: there are files only
	docker      dockerFlags     // what tasks in containers may have
	telemetry   *telemetry.Telemetry
	flowDir     string  // whose files are theirs, where no policy says; "": the working directory
	bounds      *bounds // nil: what is run may have what it asks for
}

// wiring is an engine with all handlers of the command.
type wiring struct {
	engine   *engine.Engine
	handlers map[string]engine.Handler
	host     *wasmhost.Host
	wasm     *wasm.Handler
	docker   *docker.Handler // nil: no containers are run
	bounds   *bounds         // nil: none
	log      *slog.Logger
}

// newWiring starts a host and an engine on it. The caller closes it.
func newWiring(ctx context.Context, c wiringConfig) (*wiring, error) {
	host, cacheDir, err := newHostWith(ctx, c.cacheDir, c.telemetry.Host(), c.bounds)
	if err != nil {
		return nil, err
	}
	var files wasm.Modules // as they are
	if c.registry != nil {
		files = wasm.NoFiles{} // who submits a task may name any; they are not this process's to read
	}
	modules := wasm.Config{Registry: c.registry, Modules: files, CheckSchema: flowfile.CheckSchema}
	c.bounds.modules(&modules)
	w, err := newWasm(host, cacheDir, c.secrets, modules)
	if err != nil {
		return nil, errors.Join(err, host.Close(ctx))
	}
	containers, d := newDocker(c, cacheDir, w)
	s, err := newScripts(host, c) //nolint:contextcheck // it lives as long as the host
	if err != nil {
		return nil, errors.Join(err, host.Close(ctx))
	}
	handlers, err := handlersWith(steadyWasm{w}, containers, steadyScript{s})
	if err != nil {
		return nil, errors.Join(err, host.Close(ctx))
	}
	e, err := engine.New(engine.Config{
		Handlers: handlers, Concurrency: c.concurrency, Observe: c.observe,
		Backend: c.backend, Retain: c.backend != nil, Part: c.part, Name: c.name, CheckSchema: flowfile.CheckSchema, Probe: c.telemetry.Engine(),
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start the engine: %w", err), host.Close(ctx))
	}
	return &wiring{engine: e, handlers: handlers, host: host, wasm: w, docker: d, bounds: c.bounds, log: slog.Default()}, nil
}

// newHost starts a WebAssembly host that caches below dir.
func newHost(ctx context.Context, dir string) (host *wasmhost.Host, cacheDir string, err error) {
	return newHostWith(ctx, dir, wasmhost.Probe{}, nil)
}

// newHostWith is newHost with a probe, and within bounds.
func newHostWith(ctx context.Context, dir string, probe wasmhost.Probe, b *bounds) (host *wasmhost.Host, cacheDir string, err error) {
	if dir, err = cacheDirectory(dir); err != nil {
		return nil, "", err
	}
	config := wasmhost.Config{CacheDir: dir, Probe: probe}
	b.host(&config)
	host, err = wasmhost.New(context.WithoutCancel(ctx), config)
	if err != nil {
		return nil, "", fmt.Errorf("start the WebAssembly host: %w; name another directory with --cache-dir", err)
	}
	return host, dir, nil
}

// cacheDirectory is dir, or the user's.
func cacheDirectory(dir string) (string, error) {
	if dir != "" {
		return dir, nil
	}
	user, err := os.UserCacheDir()
	if err != nil {
		return "", usagef("find the cache directory: %w; name one with --cache-dir", err)
	}
	return filepath.Join(user, "graflow-wasm"), nil
}

// newWasm makes the handler of WebAssembly tasks, which finds modules as config says.
func newWasm(host *wasmhost.Host, cacheDir string, store secrets.Store, config wasm.Config) (*wasm.Handler, error) {
	config.Host, config.CacheDir = host, cacheDir
	if store != nil {
		config.Secrets, config.Redactor = guestSecrets{store}, newRedactor
	}
	w, err := wasm.New(config)
	if err != nil {
		return nil, fmt.Errorf("start the wasm handler: %w", err)
	}
	return w, nil
}

// newScripts makes the handler of tasks that are source code. A task's time is for the
// task to bound, as that of other tasks is.
func newScripts(host *wasmhost.Host, c wiringConfig) (*scripts.Handler, error) {
	of := script.Config{Host: host, Defaults: wasmhost.Limits{Timeout: math.MaxInt64}}
	c.bounds.sandbox(&of)
	sandbox, err := script.New(of)
	if err != nil {
		return nil, fmt.Errorf("start the sandbox of source code: %w", err)
	}
	config := scripts.Config{Sandbox: sandbox, Bundles: c.registry == nil}
	c.bounds.scripts(&config)
	if c.secrets != nil {
		config.Secrets, config.Redactor = guestSecrets{c.secrets}, newRedactor
	}
	s, err := scripts.New(config)
	if err != nil {
		return nil, fmt.Errorf("start the script handler: %w", err)
	}
	return s, nil
}

// handlersWith are all handlers that a flow file may name, of which three were made.
// Direct tasks are functions in Go: the command has none, so that it can say so by
// name.
func handlersWith(w, d, s engine.Handler) (map[string]engine.Handler, error) {
	b, err := builtin.New(builtin.Config{CheckSchema: flowfile.CheckSchema})
	if err != nil {
		return nil, fmt.Errorf("start the builtin handler: %w", err)
	}
	return map[string]engine.Handler{"wasm": w, "docker": d, "script": s, "builtin": b, "direct": direct.New()}, nil
}

// Close ends the engine, then what it ran tasks on.
func (w *wiring) Close() {
	_ = w.engine.Close() // nothing is left to be told
	if w.docker != nil {
		if err := w.docker.Close(); err != nil { // containers may be left
			w.log.Error("close what containers were run with", "err", err)
		}
	}
	_ = w.host.Close(context.Background()) // likewise
}
