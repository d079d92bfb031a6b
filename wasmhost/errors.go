package wasmhost

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/graflow/graflow-wasm/sdk/abi"
	"github.com/graflow/graflow-wasm/wasmhost/internal/meter"
)

// Kinds of TrapError. A guest that fails by itself may name any other kind.
const (
	KindError          = "error"            // the guest failed the task, or exited nonzero as a command
	KindTrap           = "trap"             // unreachable, out of bounds, division by zero, a panicking service
	KindTimeout        = "timeout"          // the time limit or the context's deadline
	KindCanceled       = "canceled"         // the context was canceled
	KindMemory         = "memory"           // out of linear memory
	KindExit           = "exit"             // a reactor called proc_exit
	KindInvalidOutput  = "invalid_output"   // the output is not JSON (a command's: not UTF-8)
	KindOutputTooLarge = "output_too_large" // more than Limits.OutputBytes
	KindDenied         = "denied"           // the guest gave up over a missing grant
	KindStack          = "stack"            // recursion past the stack limit
	KindFuel           = "fuel"             // out of fuel
	KindHostCalls      = "host_calls"       // too many calls of the host
	KindNoExport       = "no_export"        // the module offers no such task
	KindPaused         = "paused"           // the guest waits for an answer
	KindCrash          = "crash"            // the call's cell died
	KindQuarantined    = "quarantined"      // the module has ended too many cells
)

// Causes that errors.Is finds in a *TrapError. They are set by the host alone: a
// guest that names its failure "timeout" is not an ErrTimeout.
var (
	ErrTimeout        = errors.New("time limit reached")
	ErrMemory         = errors.New("memory limit reached")
	ErrFuel           = errors.New("fuel limit reached")
	ErrStack          = errors.New("stack limit reached")
	ErrHostCalls      = errors.New("limit of host calls reached")
	ErrOutputTooLarge = errors.New("output limit reached")
	// ErrPaused is what Control.Pause returns when there is no answer yet. It
	// tells a paused guest from one that names its failure "paused".
	ErrPaused = errors.New("paused")
)

// TrapError is the failure of one call, attributable to the guest or its limits.
type TrapError struct {
	Kind       string
	Module     string // Options.Name
	Export     string
	Message    string
	Stack      []string      // the guest's functions, innermost first; may be empty
	Permanent  bool          // retrying is of no use
	RetryAfter time.Duration // what the guest asked to wait, or 0

	cause error
}

// Error reads `module "img" export "resize": trap: unreachable`.
func (e *TrapError) Error() string {
	return fmt.Sprintf("module %q export %q: %s: %s", e.Module, e.Export, e.Kind, e.Message)
}

// Unwrap is ErrTimeout, ErrMemory, ErrFuel, ErrStack, ErrHostCalls,
// ErrOutputTooLarge, ErrPaused, a *DeniedError, the context's error, the error of a
// service, or nil.
func (e *TrapError) Unwrap() error { return e.cause }

// DeniedError names the capability that a guest lacked.
type DeniedError struct{ Capability string }

// Error tells what to grant.
func (e *DeniedError) Error() string {
	return fmt.Sprintf("the capability %q is not granted", e.Capability)
}

// parseTrap takes wazero's error text apart: the message, and the guest's
// frames without types and without host functions.
func parseTrap(text string) (message string, stack []string) {
	message, trace, _ := strings.Cut(text, "\nwasm stack trace:\n")
	message = strings.TrimPrefix(message, "wasm error: ")
	message = strings.TrimSuffix(message, " (recovered by wazero)")
	message, _, _ = strings.Cut(message, "\n")
	for line := range strings.SplitSeq(trace, "\n") {
		if line == "" {
			break // what follows is the host's own trace
		}
		frame := strings.TrimPrefix(strings.TrimSpace(line), ".")
		if strings.HasPrefix(line, "\t\t") || isHostFrame(frame) {
			continue
		}
		if cut := strings.LastIndexByte(frame, '('); cut > 0 {
			frame = withoutTypes(frame)
		}
		stack = append(stack, frame)
	}
	return message, stack
}

func isHostFrame(frame string) bool {
	for _, prefix := range []string{abi.Module + ".", wasiModule + ".", extismModule + ".", meter.Prefix} {
		if strings.HasPrefix(frame, prefix) {
			return true
		}
	}
	return false
}

// withoutTypes cuts the signature off "main.(*T).run(i32,i32) i32": the last
// parenthesis that holds nothing but value types, before the results.
func withoutTypes(frame string) string {
	if strings.HasSuffix(frame, ")") { // "f(i32)", "f(i32) (i32,i64)"
		if head, ok := beforeLast(frame, ") ("); ok {
			frame = head + ")"
		}
	} else if head, ok := beforeLast(frame, ") "); ok {
		frame = head + ")"
	}
	return frame[:strings.LastIndexByte(frame, '(')]
}

// beforeLast is what stands before the last separator.
func beforeLast(s, sep string) (before string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, false
	}
	return s[:i], true
}
