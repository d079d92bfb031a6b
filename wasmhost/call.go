package wasmhost

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/graflow/graflow-wasm/sdk/abi"
)

// Result is what a call gave, and what it took. After an error only the Ledger
// is set, and the rest too if the failure was the guest's own: it returned or
// exited, and neither trapped nor met a limit.
type Result struct {
	Output json.RawMessage // after a failure what was written, if it is JSON; else nil
	Files  []File          // those that Options.Collect names, sorted by name
	Image  *Image          // what Options.Keep asked for
	// NoImage says why Image is nil though it was asked for.
	NoImage string
	Ledger  Ledger
}

// File is a file that the guest left behind.
type File struct {
	Name string // its guest path, as "/out/a.csv"
	Data []byte
}

// Ledger is what a call used.
type Ledger struct {
	Wall         time.Duration  `json:"wall_ns"`
	Fuel         int64          `json:"fuel"`                    // of the task itself, without initialization
	PeakMemory   int64          `json:"peak_memory"`             // bytes of linear memory
	PagesDirtied int            `json:"pages_dirtied,omitempty"` // at most, of the system's size: those kept since earlier calls count; 0 if its sandbox was thrown away
	BytesIn      int64          `json:"bytes_in"`                // the input
	BytesOut     int64          `json:"bytes_out"`               // the output, as written
	BytesLogged  int64          `json:"bytes_logged"`            // without what was dropped
	DiskBytes    int64          `json:"disk_bytes,omitempty"`    // see Limits.DiskBytes
	HTTPRequests int64          `json:"http_requests,omitempty"` // redirects included
	HTTPBytes    int64          `json:"http_bytes,omitempty"`    // both ways
	HostCalls    map[string]int `json:"host_calls,omitempty"`    // by name
}

// Call runs one task in a pristine sandbox and returns when it has ended; it may
// be called concurrently. input is JSON, nil is null. A WASI command's only
// task is "_start"; it finds the input on stdin, raw if it is a JSON string.
//
// The failure of a guest, of its limits or of the context is a *TrapError.
// Other errors are the caller's: ErrClosed, an input that is not JSON, a mount
// that can't be opened, ErrImageMismatch, ErrNoImage.
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
	if err := m.begin(); err != nil {
		return Result{}, err
	}
	defer m.done()
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
	if m.isolated {
		return m.callIsolated(ctx, export, input, opt)
	}
	start := time.Now() // not after the deadline is set, or it would seem another's
	if !opt.began.IsZero() {
		start = opt.began
	}
	if timeout := opt.Limits.Timeout; timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, timeout, ErrTimeout)
		defer cancel()
	}
	a, err := newAttempt(m, export, input, opt)
	if err != nil {
		return Result{}, fmt.Errorf("call module %q export %q: %w", opt.Name, export, err)
	}
	defer a.close()
	a.start = start
	err = a.run(ctx)
	var result Result
	switch {
	case err == nil:
		result.Output, err = a.finish()
	case a.ended && a.written() > 0:
		if output, invalid := a.finish(); invalid == nil {
			result.Output = output
		}
	}
	if a.ended {
		result.Files = a.files()
	}
	result.Image, result.NoImage = a.image, a.noImage
	result.Ledger = a.ledger(time.Since(a.start))
	m.host.tellCalled(&result.Ledger, err)
	return result, err
}

// finish makes JSON of what the guest wrote.
func (a *attempt) finish() (json.RawMessage, error) {
	written := a.output.Bytes()
	switch a.module.abi {
	case ABIWASICommand:
		return a.text("stdout", written)
	case ABIExtism:
		return a.text("the output", a.extism.Output())
	}
	if len(written) == 0 {
		return json.RawMessage("null"), nil
	}
	if !utf8.Valid(written) || !json.Valid(written) { // JSON is UTF-8 (RFC 8259, 8.1), at which Valid does not look
		return nil, a.trapError(KindInvalidOutput, "the output is not JSON in UTF-8, it begins "+beginning(written), nil)
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
		Wall: wall, Fuel: a.used.fuel, PeakMemory: a.used.memory, PagesDirtied: a.used.pages,
		BytesIn: int64(len(a.input)), BytesOut: a.written(), BytesLogged: a.lines.Logged(),
		HostCalls: map[string]int{},
	}
	if a.disk != nil {
		l.DiskBytes = a.disk.Used()
	}
	if a.web != nil {
		l.HTTPRequests = a.opt.Limits.HTTPRequests - int64(a.web.Requests)
		l.HTTPBytes = a.opt.Limits.HTTPBytes - a.web.Bytes
	}
	for i, n := range a.calls {
		if n > 0 {
			l.HostCalls[hostFunctions[i].name] += n
		}
	}
	return l
}

func (a *attempt) written() int64 {
	if a.extism != nil {
		return int64(len(a.extism.Output()))
	}
	return int64(a.output.Len())
}

// failed turns fail calls and a nonzero return value into an error.
func (a *attempt) failed(status int32) error {
	switch {
	case a.failure != nil:
	case a.extism != nil && (status != 0 || a.extism.Err() != ""):
		a.failure = a.trapError(KindError, cmp.Or(a.extism.Err(), fmt.Sprintf("the plug-in returned %d without a message", status)), nil)
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
