package inside

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/graflow/graflow-wasm/sdk/abi"
	"github.com/graflow/graflow-wasm/wasmhost"
)

// exitTaskFailed is the code of a wasm task that failed; why is in its op fail.
const exitTaskFailed = 1

// runWasm is the verb wasm.
func runWasm(args []string) int {
	if len(args) != 2 {
		return usage("%s: want MODULE EXPORT", VerbWasm)
	}
	spare()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	var task WasmTask
	err := task.UnmarshalText([]byte(os.Getenv(EnvWasm)))
	if err == nil {
		err = task.run(ctx, args[0], args[1])
	}
	if err == nil {
		return 0
	}
	errorf(os.Stderr, "%v", err)
	if trap := (*wasmhost.TrapError)(nil); errors.As(err, &trap) {
		return exitTaskFailed
	}
	return ExitFailed
}

// run runs the task and tells the host how it ended.
func (t WasmTask) run(ctx context.Context, module, export string) error {
	host, err := dial(os.Getenv(abi.EnvSocket))
	if err != nil {
		return err
	}
	defer func() { _ = host.Close() }()
	output, err := t.call(ctx, host, module, export)
	if err == nil {
		_, err = host.ask(ctx, abi.Request{Op: abi.OpOutput, Value: output})
		return err
	}
	if errors.Is(err, wasmhost.ErrPaused) || errors.Is(err, errHungUp) {
		return err // the host knows, and waits for this program's end
	}
	// Also after a signal: what was made of it is the task's failure.
	_, told := host.ask(context.WithoutCancel(ctx), failRequest(err))
	return errors.Join(err, told)
}

func (t WasmTask) call(ctx context.Context, host *client, path, export string) ([]byte, error) {
	code, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read module: %w", err)
	}
	input, err := host.ask(ctx, abi.Request{Op: abi.OpInput})
	if err != nil {
		return nil, err
	}
	services, err := servicesOf(ctx, host)
	if err != nil {
		return nil, err
	}
	if t.Cache != "" {
		if err := checkReadOnly(t.Cache); err != nil {
			return nil, err
		}
	}
	sandbox, err := wasmhost.New(ctx, wasmhost.Config{
		CacheDir: t.Cache, CacheReadOnly: t.Cache != "",
		IdleBytes: -1, // there is one call
		Logger:    slog.New(slog.NewTextHandler(os.Stderr, nil)),
	})
	if err != nil {
		return nil, err
	}
	defer func() { _ = sandbox.Close(ctx) }()
	compiled, err := sandbox.Compile(ctx, code)
	if err != nil {
		return nil, err
	}
	result, err := compiled.Call(ctx, export, input, wasmhost.Options{
		Name: t.Name, Limits: t.Limits, Grants: t.Grants, Services: services,
	})
	return result.Output, err
}

// failRequest is a failure as the host hears of it. What the guest's author
// reads outside is what it reads here: kind, message and stack.
func failRequest(err error) abi.Request {
	r := abi.Request{Op: abi.FuncFail, Kind: wasmhost.KindError, Message: err.Error(), Permanent: true}
	var trap *wasmhost.TrapError
	if !errors.As(err, &trap) {
		return r
	}
	r.Kind, r.Message = trap.Kind, trap.Message
	r.Permanent = trap.Permanent || trap.Kind == wasmhost.KindNoExport
	r.RetryAfter, r.Stack = abi.Duration(trap.RetryAfter), strings.Join(trap.Stack, "\n")
	if denied := (*wasmhost.DeniedError)(nil); errors.As(trap, &denied) {
		r.Message += ": " + denied.Error()
	}
	return r
}
