package script

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/graflow/graflow-wasm/wasmhost"
)

// interpreter is a runtime on its way from bytes to a module.
type interpreter struct {
	name   string
	turn   chan struct{} // a token is in it while what follows is read or changed
	wasm   []byte        // until it was compiled
	info   RuntimeInfo   // zero until it was opened
	module *wasmhost.Module

	isolated *wasmhost.Module // for runs that ask for it
}

// enter waits for the interpreter's turn, and leave ends it.
func (i *interpreter) enter(ctx context.Context) error {
	select {
	case i.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for %s to be compiled: %w", i.name, context.Cause(ctx))
	}
}

func (i *interpreter) leave() { <-i.turn }

// describe opens the interpreter if need be.
func (i *interpreter) describe(ctx context.Context, s *Sandbox) (RuntimeInfo, error) {
	if err := i.enter(ctx); err != nil {
		return RuntimeInfo{}, err
	}
	defer i.leave()
	if err := i.open(s, false); err != nil {
		return RuntimeInfo{}, err
	}
	return i.info, nil
}

// open gets the interpreter's bytes, if it was not opened yet, or they are needed again.
func (i *interpreter) open(s *Sandbox, again bool) error {
	if i.info.Digest != "" && (i.wasm != nil || !again) {
		return nil
	}
	r, err := s.config.Open(i.name)
	if err != nil {
		return fmt.Errorf("open the runtime %q: %w", i.name, err)
	}
	sum := sha256.Sum256(r.Wasm)
	i.wasm = r.Wasm
	i.info = RuntimeInfo{
		Name: i.name, Version: r.Version, Recipe: r.Recipe, Prebuilt: r.Prebuilt,
		Digest: "sha256:" + hex.EncodeToString(sum[:]), Size: int64(len(r.Wasm)),
	}
	s.trusted.Store(i.info.Digest, true)
	if s.config.Own != nil {
		s.config.Own(i.info.Digest)
	}
	return nil
}

// compile opens, compiles and starts the interpreter if need be: the time that this takes
// is not that of a run.
func (i *interpreter) compile(ctx context.Context, s *Sandbox, isolated bool) (*wasmhost.Module, error) {
	if err := i.enter(ctx); err != nil {
		return nil, err
	}
	defer i.leave()
	compiled, compile := &i.module, s.host.Compile
	if isolated {
		compiled, compile = &i.isolated, s.host.CompileIsolated
	}
	if *compiled != nil {
		return *compiled, nil
	}
	if err := i.open(s, true); err != nil {
		return nil, err
	}
	module, err := compile(ctx, i.wasm)
	if err != nil {
		return nil, fmt.Errorf("compile the runtime %q: %w", i.name, err)
	}
	standard := (&run{sandbox: s, runtime: i.name, tools: &toolbox{}}).callOptions()
	standard.Limits = wasmhost.Limits{} // those of runs are not for it
	if err := module.Prewarm(ctx, 1, standard); err != nil {
		return nil, fmt.Errorf("start the runtime %q: %w", i.name, err)
	}
	*compiled, i.wasm = module, nil
	return module, nil
}

// module is the compiled interpreter of a language that there is.
func (s *Sandbox) module(ctx context.Context, l Language, isolated bool) (*wasmhost.Module, error) {
	return s.runtimes[l.runtime()].compile(ctx, s, isolated)
}
