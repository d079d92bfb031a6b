package script

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/graflow/graflow-wasm/wasmhost"
)

// Kinds of Error beside those of a wasmhost.TrapError, of which timeout, canceled,
// memory, stack, fuel, host_calls, output_too_large, denied and paused are to be
// reckoned with. Code may choose any other, and say these, too: what the host did is
// found by errors.Is alone.
const (
	KindSyntax        = "syntax"         // the code can't be parsed
	KindException     = "exception"      // it raised or threw what nobody caught
	KindInvalidResult = "invalid_result" // its value can't be converted; the message names the place
	KindExit          = "exit"           // it exited with a code other than 0
	KindRuntime       = "runtime"        // the interpreter could not go on
)

// Error is the failure of code, or of its limits.
type Error struct {
	Kind    string
	Type    string // the class of what was raised, such as ValueError, or ""
	Message string
	File    string // the code's, or that of a library
	Line    int    // in File, from 1; 0: unknown
	Column  int    // from 1; 0: unknown
	// Traceback is the whole story in the language's usual form, with the code's own
	// frames, or "".
	Traceback  string
	Permanent  bool          // the code said that another attempt is of no use
	RetryAfter time.Duration // what the code asked to wait, or 0

	cause *wasmhost.TrapError
}

// Error reads `main.py:3: ValueError: bad`, or `main.py: timeout: not done after
// 10s`.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.File)
	if e.Line > 0 {
		fmt.Fprintf(&b, ":%d", e.Line)
	}
	if what := cmp.Or(e.Type, e.Kind); what != "" {
		b.WriteString(": " + what)
	}
	if e.Message != "" {
		b.WriteString(": " + e.Message)
	}
	return b.String()
}

// Unwrap is a *wasmhost.TrapError if the host ended the run or the code chose the
// kind, so that errors.Is finds wasmhost.ErrTimeout and the like.
func (e *Error) Unwrap() error {
	if e.cause == nil {
		return nil
	}
	return e.cause
}
