package extism

import (
	"fmt"

	"github.com/graflow/graflow-wasm/sdk/abi"
)

// Trap is what a function of this package panics with to end the plug-in.
type Trap struct {
	Reason string
	cause  error
}

// Error says what the plug-in did.
func (t *Trap) Error() string {
	if t.cause != nil {
		return fmt.Sprintf("extism: %s: %v", t.Reason, t.cause)
	}
	return "extism: " + t.Reason
}

// Unwrap is abi.TooLarge where a limit was reached, abi.Denied where a grant is
// missing, the error of Config.HTTP, or nil: the plug-in is wrong.
func (t *Trap) Unwrap() error { return t.cause }

func trap(cause error, format string, args ...any) {
	panic(&Trap{Reason: fmt.Sprintf(format, args...), cause: cause})
}

// over traps because of a limit.
func over(limit string, bytes int64) {
	trap(abi.TooLarge, "%s of %d bytes is used up", limit, bytes)
}
