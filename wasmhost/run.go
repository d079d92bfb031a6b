package wasmhost

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/graflow/graflow-wasm/sdk/abi"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
	"github.com/tetratelabs/wazero/sys"
)

// run instantiates the module, runs the export and closes the instance. Panics
// on the way are the attempt's failure, never the process's.
func (a *attempt) run(ctx context.Context) (err error) {
	if need := a.module.layout.memoryMin << 16; need > a.memory.limit {
		return a.trapError(KindMemory, fmt.Sprintf("the module needs %d bytes of memory at start, the limit is %d", need, a.memory.limit), ErrMemory)
	}
	mounts, err := openMounts(a.opt.Grants.Mounts)
	if err != nil {
		return fmt.Errorf("call module %q export %q: %w", a.opt.Name, a.export, err)
	}
	defer mounts.close()
	defer func() {
		if r := recover(); r != nil {
			err = a.trap(ctx, fmt.Errorf("the host panicked: %v", r))
		}
	}()
	ctx = context.WithValue(ctx, attemptKey{}, a)
	ctx = experimental.WithMemoryAllocator(ctx, &a.memory)
	if ctx.Err() != nil {
		return a.interrupted(ctx)
	}
	instance, err := a.module.host.runtime.InstantiateModule(ctx, a.module.compiled, a.moduleConfig(ctx, mounts))
	if err != nil {
		return a.trap(ctx, err)
	}
	defer func() { _ = instance.Close(context.WithoutCancel(ctx)) }()
	return a.runExport(ctx, instance)
}

func (a *attempt) runExport(ctx context.Context, instance api.Module) error {
	if initialize := instance.ExportedFunction(abi.ExportInitialize); initialize != nil {
		if _, err := initialize.Call(ctx); err != nil {
			return a.trap(ctx, err)
		}
	}
	results, err := instance.ExportedFunction(a.export).Call(ctx)
	if err != nil {
		return a.trap(ctx, err)
	}
	if len(results) == 0 { // a command
		return nil
	}
	return a.failed(api.DecodeI32(results[0]))
}

// moduleConfig is all that the instance gets to see of the machine.
func (a *attempt) moduleConfig(ctx context.Context, mounts mounts) wazero.ModuleConfig {
	c := wazero.NewModuleConfig().
		WithName("").
		WithStartFunctions().
		WithArgs(a.opt.Name).
		WithSysWalltime().
		WithSysNanotime().
		WithNanosleep(func(ns int64) { a.sleep(ctx, time.Duration(ns)) }).
		WithRandSource(rand.Reader).
		WithStderr(&a.lines).
		WithFSConfig(mounts.config())
	if a.module.abi == ABIWASICommand {
		c = c.WithStdin(bytes.NewReader(stdin(a.input))).WithStdout(a)
	} else {
		c = c.WithStdout(&a.lines)
	}
	keys := make([]string, 0, len(a.opt.Grants.Env))
	for key := range a.opt.Grants.Env {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	for _, key := range keys {
		c = c.WithEnv(key, a.opt.Grants.Env[key])
	}
	return c
}

// sleep waits for a guest, and ends it if its context ends first.
func (a *attempt) sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		a.stopped = a.interrupted(ctx)
		panic(errStopped)
	}
}

// interrupted says how the context ended.
func (a *attempt) interrupted(ctx context.Context) *TrapError {
	cause := context.Cause(ctx)
	switch {
	case errors.Is(cause, ErrTimeout):
		return a.trapError(KindTimeout, fmt.Sprintf("not done after %s", a.opt.Limits.Timeout), errors.Join(ErrTimeout, context.DeadlineExceeded))
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return a.trapError(KindTimeout, "the caller's deadline passed", errors.Join(ErrTimeout, cause))
	}
	return a.trapError(KindCanceled, cause.Error(), errors.Join(context.Canceled, cause))
}

// trap finds out why the guest did not return.
func (a *attempt) trap(ctx context.Context, err error) error {
	a.lines.flush()
	message, stack := parseTrap(err.Error())
	var exit *sys.ExitError
	switch {
	case a.stopped != nil:
		a.stopped.Stack = stack
		return a.stopped
	case errors.As(err, &exit):
		if ctx.Err() != nil && (exit.ExitCode() == sys.ExitCodeContextCanceled || exit.ExitCode() == sys.ExitCodeDeadlineExceeded) {
			return a.interrupted(ctx)
		}
		return a.exited(exit.ExitCode())
	}
	if line, frames := a.lines.diagnosis(); len(frames) > 0 {
		message, stack = line, frames // a Go guest aborts after its own traceback
	}
	e := a.trapError(KindTrap, message, nil)
	switch {
	case message == "stack overflow":
		e.Kind = KindStack
	case a.memory.exhausted():
		e.Kind, e.Message, e.cause = KindMemory, a.memoryMessage(message), ErrMemory
	}
	e.Stack = stack
	return e
}
