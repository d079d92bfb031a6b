package artifact

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/tetratelabs/wazero"
)

// errNotLoaded says that wazero compiled what was compiled before, here and
// without limits.
var errNotLoaded = errors.New("load code: wazero compiled the module again; make its runtime with RuntimeConfig")

// load has wazero take the code, which it looks for by the name.
func (c *Compiler) load(r wazero.Runtime, code *native, wasm []byte) (m wazero.CompiledModule, err error) {
	lock := &c.loads[int(code.name[0])%len(c.loads)]
	lock.Lock()
	defer lock.Unlock()
	place := filepath.Join(c.loaded, code.name)
	c.setLinked(code.name, true)
	defer c.setLinked(code.name, false)
	if err := code.blob.link(place); err != nil {
		return nil, fmt.Errorf("load code: %w", err)
	}
	// Before the blob is closed, come what may.
	defer func() { err = errors.Join(err, os.Remove(place)) }()
	if m, err = compileModule(r, wasm); err != nil {
		return nil, err
	}
	if !code.blob.linked(place) || c.strangers() {
		return nil, errors.Join(errNotLoaded, m.Close(context.Background()))
	}
	return m, nil
}

func (c *Compiler) setLinked(name string, linked bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if linked {
		c.linked[name] = true
	} else {
		delete(c.linked, name)
	}
}

// strangers says whether wazero wrote code of its own, and removes it.
func (c *Compiler) strangers() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	files, err := os.ReadDir(c.loaded)
	found := err != nil
	for _, f := range files {
		if !c.linked[f.Name()] {
			found = true
			_ = os.Remove(filepath.Join(c.loaded, f.Name()))
		}
	}
	return found
}
