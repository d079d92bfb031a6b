package artifact

import (
	"context"
	"io"
	"os"
	"os/exec"

	"github.com/graflow/graflow-wasm/wasmhost/internal/selfexec"
)

const (
	ChildVariable = selfexec.Variable
	ChildCompile  = childCompile
	ExitOrphan    = exitOrphan
	EntriesDir    = entriesDirectory
)

// Exchange has cmd compile wasm, as a child does, and says what came of it.
func Exchange(cmd *exec.Cmd, dir string, wasm []byte) error {
	run := childRun{cmd: cmd}
	cmd.Stderr = &run.stderr
	limits := Limits{}.withDefaults()
	req := request{Dir: dir, Limits: limits, Options: Options{}.withDefaults(), Workers: 1, Size: int64(len(wasm))}
	if _, err := run.converse(req, wasm, io.Discard); err != nil {
		return run.diagnose(err, limits)
	}
	return nil
}

// SendRequest writes a request for wasm, and nothing after it.
func SendRequest(w io.Writer, dir string, wasm []byte) error {
	req := request{Dir: dir, Limits: Limits{}.withDefaults(), Options: Options{}.withDefaults(), Workers: 1, Size: int64(len(wasm))}
	if err := writeHeader(w, req); err != nil {
		return err
	}
	_, err := w.Write(wasm)
	return err
}

// LimitSelf binds this process as a child with limits l is.
func LimitSelf(l Limits) error { return limitSelf(l.withDefaults()) }

// Left lists what is in the directory where wazero looks for code.
func (c *Compiler) Left() ([]os.DirEntry, error) { return os.ReadDir(c.loaded) }

// CompileInto compiles in this process without cache or child.
func CompileInto(ctx context.Context, dir string, wasm []byte, workers int) (string, error) {
	return compileInto(ctx, dir, wasm, Options{}.withDefaults(), workers)
}

// NewSealed returns the path and the file of a blob with content, sealed.
func NewSealed(dir, content string, memory bool) (path string, f *os.File, err error) {
	b, err := newFileBlob(dir)
	if memory {
		b, err = newBlob(dir)
	}
	if err != nil {
		return "", nil, err
	}
	if _, err := b.Write([]byte(content)); err != nil {
		return "", nil, err
	}
	return b.path, b.file, b.seal()
}
