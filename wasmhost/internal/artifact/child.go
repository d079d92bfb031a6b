package artifact

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"runtime/metrics"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/graflow/graflow-wasm/wasmhost/internal/selfexec"
)

// childCompile in selfexec.Variable makes a process a compile child.
const childCompile = "compile"

var childCalled atomic.Bool

// Child lets this program compile in child processes. It must be the first thing
// that main (and TestMain) does. In a process that was started as a compile
// child it does that work and never returns: it limits itself, clears its
// environment, compiles the one module it gets on stdin, and exits. In any other
// process it only notes that children may be started.
func Child() {
	childCalled.Store(true)
	if os.Getenv(selfexec.Variable) != childCompile {
		return
	}
	os.Clearenv()
	os.Exit(serve(os.Stdin, os.Stdout, os.Stderr))
}

// ChildEnabled says whether Child was called in this process, so that starting
// its executable again gives a compile child.
func ChildEnabled() bool { return childCalled.Load() }

// serve answers one request. It returns the exit code of the process.
func serve(in io.Reader, out, problems io.Writer) int {
	fail := func(err error) int {
		fmt.Fprintln(problems, err)
		return exitFailed
	}
	var req request
	if err := readHeader(in, &req); err != nil {
		return fail(err)
	}
	if err := limitSelf(req.Limits); err != nil {
		return fail(fmt.Errorf("limit compile child: %w", err))
	}
	debug.SetMemoryLimit(req.Limits.Memory / 4 * 3) // collect harder before giving up
	go watchMemory(req.Limits.Memory)
	wasm := make([]byte, req.Size)
	if _, err := io.ReadFull(in, wasm); err != nil {
		return fail(fmt.Errorf("read module: %w", err))
	}
	go watchParent(in)
	path, err := compileInto(context.Background(), req.Dir, wasm, req.Options, req.Workers)
	var invalid *InvalidError
	switch {
	case errors.As(err, &invalid):
		fmt.Fprint(out, invalid.Reason)
		return exitInvalid
	case errors.Is(err, syscall.EFBIG):
		return exitCode
	case err != nil:
		return fail(err)
	}
	if err := sendCode(out, path, req.Limits.Code); errors.Is(err, syscall.EFBIG) {
		return exitCode
	} else if err != nil {
		return fail(err)
	}
	return exitDone
}

// sendCode writes the answer that is the file at path.
func sendCode(out io.Writer, path string, most int64) error {
	code, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if int64(len(code)) > most {
		return syscall.EFBIG
	}
	header := answer{Name: filepath.Base(path), Size: int64(len(code)), Sum: sha256.Sum256(code)}
	if err := writeHeader(out, header); err != nil {
		return err
	}
	_, err = out.Write(code)
	return err
}

// watchParent ends this process when its stdin ends: whoever wanted its work is
// gone. It works where no signal tells of a parent's death.
func watchParent(in io.Reader) {
	_, _ = io.Copy(io.Discard, in)
	os.Exit(exitOrphan)
}

// watchMemory ends this process when Go holds more than limit bytes. The kernel
// stops what is faster than this, where it can be asked to.
func watchMemory(limit int64) {
	held := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	for range time.Tick(memoryCheck) {
		metrics.Read(held)
		if held[0].Value.Uint64()-held[1].Value.Uint64() > uint64(limit) {
			os.Exit(exitMemory)
		}
	}
}
