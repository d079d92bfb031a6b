package artifact

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/tetratelabs/wazero"
)

// Source is where a module's code came from.
type Source string

// Sources of code.
const (
	FromCache   Source = "cache"   // of Config.Dir, verified
	FromChild   Source = "child"   // compiled in a compile child
	FromProcess Source = "process" // compiled in this process
)

// Report tells how a module was compiled.
type Report struct {
	Source Source
	// Rejected says why the cache's entry was not run, nil if there was none or it
	// was good. The module was compiled again. Worth a warning: a disk, or
	// somebody, changed it.
	Rejected error
	// Unsaved says why the code could not be kept in the cache. It runs all the
	// same.
	Unsaved error
}

// Compile compiles wasm for r, which was made with RuntimeConfig. The module must
// have been admitted before: a decoder of wazero sees it in this process. Modules
// that are not trusted are compiled in a child if Child was called, trusted ones
// in this process. Those bytes must stay as they are until it returns.
//
// It blocks for as long as compiling takes. ctx ends a child at once; a compile
// in this process ends by itself. The values of ctx don't reach wazero. Errors:
// InvalidError, LimitError, CrashError, ErrClosed, the cause of ctx, or what the
// system said. The caller closes the module.
func (c *Compiler) Compile(ctx context.Context, r wazero.Runtime, key Key, wasm []byte, trusted bool) (wazero.CompiledModule, Report, error) {
	var report Report
	if err := c.begin(); err != nil {
		return nil, report, err
	}
	defer c.active.Done()
	if c.loaded == "" { // wazero interprets: reading is all there is to do
		report.Source = FromProcess
		m, err := compileModule(r, wasm) //nolint:contextcheck // see there
		return m, report, err
	}
	id := identify(key, wasm, c.engine, c.config.Options)
	code, err := c.obtain(ctx, id, wasm, trusted, &report)
	if err != nil {
		return nil, report, err
	}
	defer code.close()
	m, err := c.load(r, code, wasm) //nolint:contextcheck // see compileModule
	if err != nil {
		return nil, report, err
	}
	c.save(id, code, &report)
	return m, report, nil
}

// obtain is the code of wasm, of the cache or new.
func (c *Compiler) obtain(ctx context.Context, id identity, wasm []byte, trusted bool, report *Report) (*native, error) {
	code, err := c.cached(id, report)
	if err == nil && code == nil {
		code, err = c.fresh(ctx, wasm, trusted, report)
	}
	return code, err
}

// save keeps code that is new.
func (c *Compiler) save(id identity, code *native, report *Report) {
	if c.store != nil && report.Source != FromCache {
		report.Unsaved = c.store.save(id, code.name, code.blob)
	}
}

// native is a module's code, and the name under which wazero looks for it.
type native struct {
	blob *blob
	name string
}

func (n *native) close() { _ = n.blob.Close() }

// cached gives the verified entry of the cache, nil if there is none.
func (c *Compiler) cached(id identity, report *Report) (*native, error) {
	if c.store == nil {
		return nil, nil
	}
	b, err := newBlob(c.private)
	if err != nil {
		return nil, fmt.Errorf("make room for code: %w", err)
	}
	name, err := c.store.load(id, b)
	if err != nil {
		if !missing(err) {
			report.Rejected = fmt.Errorf("cached code %s: %w", id, err)
		}
		return nil, b.Close()
	}
	report.Source = FromCache
	return &native{blob: b, name: name}, nil
}

// fresh compiles wasm, when it is its turn.
func (c *Compiler) fresh(ctx context.Context, wasm []byte, trusted bool, report *Report) (n *native, err error) {
	select {
	case c.slots <- struct{}{}:
		defer func() { <-c.slots }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	scratch, err := makeScratch(c.private, len(wasm))
	if err != nil {
		return nil, fmt.Errorf("create directory for compiling: %w", err)
	}
	defer func() { _ = os.RemoveAll(scratch) }()
	b, err := newBlob(c.private)
	if err != nil {
		return nil, fmt.Errorf("make room for code: %w", err)
	}
	n = &native{blob: b}
	if ChildEnabled() && !trusted {
		report.Source = FromChild
		n.name, err = compileInChild(ctx, b, scratch, wasm, c.config.Options, c.config.Limits, c.config.Workers)
	} else {
		report.Source = FromProcess
		n.name, err = c.compileHere(ctx, b, scratch, wasm)
	}
	if err == nil {
		err = b.seal()
	}
	if err != nil {
		n.close()
		return nil, err
	}
	return n, nil
}

// compileHere compiles in this process, and copies the code to b.
func (c *Compiler) compileHere(ctx context.Context, b *blob, scratch string, wasm []byte) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", context.Cause(ctx)
	}
	path, err := guarded(context.WithoutCancel(ctx), scratch, wasm, c.config.Options, c.config.Workers)
	if err != nil {
		return "", err
	}
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }()
	if _, err := io.Copy(b, f); err != nil {
		return "", err
	}
	return filepath.Base(path), nil
}

// compileModule gives wazero no context: its values could change the code (by
// function listeners) and so its name.
func compileModule(r wazero.Runtime, wasm []byte) (m wazero.CompiledModule, err error) {
	defer func() {
		if p := recover(); p != nil {
			m, err = nil, &CrashError{Status: "panic", Output: fmt.Sprint(p)}
		}
	}()
	if m, err = r.CompileModule(context.Background(), wasm); err != nil {
		return nil, refusal(err)
	}
	return m, nil
}
