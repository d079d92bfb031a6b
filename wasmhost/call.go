package wasmhost

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/graflow/graflow-wasm/sdk/abi"
)

// Result is what a call gave, and what it took. After an error only the Ledger
// is set.
type Result struct {
	Output json.RawMessage
	Ledger Ledger
}

// Ledger is what a call used.
type Ledger struct {
	Wall        time.Duration  `json:"wall_ns"`
	PeakMemory  int64          `json:"peak_memory"`          // bytes of linear memory
	BytesIn     int64          `json:"bytes_in"`             // the input
	BytesOut    int64          `json:"bytes_out"`            // the output, as written
	BytesLogged int64          `json:"bytes_logged"`         // without what was dropped
	HostCalls   map[string]int `json:"host_calls,omitempty"` // of graflow_v1, by name
}

// Call runs one task in a fresh instance and returns when it has ended; it may
// be called concurrently. input is JSON, nil is null. A WASI command's only
// task is "_start"; it finds the input on stdin, raw if it is a JSON string.
//
// The failure of a guest, of its limits or of the context is a *TrapError.
// Other errors are the caller's: ErrClosed, an input that is not JSON, a mount
// that can't be opened.
func (m *Module) Call(ctx context.Context, export string, input []byte, opt Options) (Result, error) {
	if opt.Name == "" {
		opt.Name = short(m.digest)
	}
	if !slices.Contains(m.tasks, export) {
		return Result{}, &TrapError{
			Kind: KindNoExport, Module: opt.Name, Export: export, Permanent: true,
			Message: "the module has no such task, it offers: " + strings.Join(m.tasks, ", "),
		}
	}
	return m.call(ctx, export, input, opt)
}

func (m *Module) call(ctx context.Context, export string, input []byte, opt Options) (Result, error) {
	if err := m.host.begin(); err != nil {
		return Result{}, err
	}
	defer m.host.active.Done()
	if opt.Name == "" {
		opt.Name = short(m.digest)
	}
	if len(input) == 0 {
		input = []byte("null")
	}
	if !json.Valid(input) {
		return Result{}, fmt.Errorf("call module %q export %q: the input is not JSON", opt.Name, export)
	}
	opt.Limits = opt.Limits.withDefaults()
	if timeout := opt.Limits.Timeout; timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, timeout, ErrTimeout)
		defer cancel()
	}
	a := newAttempt(m, export, input, opt)
	start := time.Now()
	err := a.run(ctx)
	a.lines.flush()
	var result Result
	if err == nil {
		result.Output, err = a.finish()
	}
	result.Ledger = a.ledger(time.Since(start))
	return result, err
}

func newAttempt(m *Module, export string, input []byte, opt Options) *attempt {
	return &attempt{
		module: m, export: export, opt: opt, input: input,
		memory: linearMemory{limit: uint64(opt.Limits.Memory)},
		lines:  lineLog{most: opt.Limits.LogBytes, sink: opt.Services.Log},
		calls:  make([]int, len(functions)),
	}
}

// finish makes JSON of what the guest wrote.
func (a *attempt) finish() (json.RawMessage, error) {
	written := a.output.Bytes()
	if a.module.abi == ABIWASICommand {
		return a.finishCommand(written)
	}
	if len(written) == 0 {
		return json.RawMessage("null"), nil
	}
	if !json.Valid(written) {
		return nil, a.trapError(KindInvalidOutput, "the output is not JSON, it begins "+beginning(written), nil)
	}
	return written, nil
}

func beginning(b []byte) string {
	const most = 64
	if len(b) > most {
		return fmt.Sprintf("%q…", b[:most])
	}
	return fmt.Sprintf("%q", b)
}

func (a *attempt) ledger(wall time.Duration) Ledger {
	l := Ledger{
		Wall: wall, PeakMemory: a.memory.peak(), BytesIn: int64(len(a.input)),
		BytesOut: int64(a.output.Len()), BytesLogged: a.lines.logged, HostCalls: map[string]int{},
	}
	for i, n := range a.calls {
		if n > 0 {
			l.HostCalls[functions[i].name] = n
		}
	}
	return l
}

// failed turns fail calls and a nonzero return value into an error.
func (a *attempt) failed(status int32) error {
	switch {
	case a.failure != nil:
	case status != 0:
		a.failure = a.trapError(KindError, fmt.Sprintf("the task returned %d without a message", status), nil)
	default:
		return nil
	}
	return a.blame(a.failure)
}

// blame names the missing grant if that is what the guest gave up over.
func (a *attempt) blame(e *TrapError) *TrapError {
	saysSo := e.Kind == KindDenied || e.Kind == KindError && strings.Contains(e.Message, abi.Denied.Error())
	if a.denied != "" && saysSo {
		e.Kind, e.cause = KindDenied, &DeniedError{Capability: a.denied}
	}
	return e
}
