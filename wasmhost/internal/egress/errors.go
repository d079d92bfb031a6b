package egress

import (
	"errors"
	"fmt"

	"github.com/graflow/graflow-wasm/sdk/abi"
)

// ErrTooManyRedirects ends a request that was redirected more than ten times.
var ErrTooManyRedirects = errors.New("more than 10 redirects")

// DeniedError says that the rules do not allow a request, or a redirect of it.
type DeniedError struct {
	Target string // "https://example.com:443", or the URL of another scheme
	Why    string // which rule it met, and what to grant if that is possible
}

// Error reads `egress to https://10.0.0.1:443 is denied: …`.
func (e *DeniedError) Error() string {
	return fmt.Sprintf("egress to %s is denied: %s", e.Target, e.Why)
}

// invalid is an error about the request itself; errors.Is finds abi.Invalid.
func invalid(format string, args ...any) error {
	return fmt.Errorf("http request: "+format+": %w", append(args, abi.Invalid)...)
}
