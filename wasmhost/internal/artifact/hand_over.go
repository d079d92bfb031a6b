package artifact

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/tetratelabs/wazero"
)

// ErrNoNative is returned by Make where wazero interprets: there is no code that
// another process could be given.
var ErrNoNative = errors.New("wazero produces no native code on this system")

// Native is a module's code for a Compiler of another process, which runs this
// program too: see Make and Take. The caller closes it.
type Native struct{ code *native }

// Name is what wazero calls the code.
func (n *Native) Name() string { return n.code.name }

// File is the code. It is not to be changed, or closed.
func (n *Native) File() *os.File { return n.code.blob.file }

// Close frees the code.
func (n *Native) Close() error { return n.code.blob.Close() }

// Make is Compile for a module that runs in another process: nothing of it is loaded
// here, so no decoder of wazero sees it. Errors are those of Compile, and ErrNoNative.
func (c *Compiler) Make(ctx context.Context, key Key, wasm []byte, trusted bool) (*Native, Report, error) {
	var report Report
	if err := c.begin(); err != nil {
		return nil, report, err
	}
	defer c.active.Done()
	if c.loaded == "" {
		return nil, report, ErrNoNative
	}
	id := identify(key, wasm, c.engine, c.config.Options)
	code, err := c.obtain(ctx, id, wasm, trusted, &report)
	if err != nil {
		return nil, report, err
	}
	c.save(id, code, &report)
	return &Native{code: code}, report, nil
}

// Take is Compile for a process that was given the code of wasm, by the name that it
// has in Native: it is executed as it is. The file stays the caller's. A code that
// does not fit the module, or is of another wazero, is an error; the code itself is
// the word of whoever made it.
func (c *Compiler) Take(r wazero.Runtime, name string, file *os.File, wasm []byte) (wazero.CompiledModule, error) {
	if err := c.begin(); err != nil {
		return nil, err
	}
	defer c.active.Done()
	if !isName(name) {
		return nil, fmt.Errorf("take code: %q is no name of wazero's", name)
	}
	b, err := c.given(file)
	if err != nil {
		return nil, fmt.Errorf("take code: %w", err)
	}
	defer func() { _ = b.Close() }()
	return c.load(r, &native{blob: b, name: name}, wasm)
}

// given is a blob of what a file holds: another descriptor of it, where a path leads
// to that, else a copy.
func (c *Compiler) given(file *os.File) (*blob, error) {
	if b := descriptorBlob(file); b != nil {
		return b, nil
	}
	b, err := newFileBlob(c.private)
	if err != nil {
		return nil, err
	}
	if _, err := io.Copy(b, io.NewSectionReader(file, 0, 1<<62)); err != nil {
		return nil, errors.Join(err, b.Close())
	}
	return b, nil
}
