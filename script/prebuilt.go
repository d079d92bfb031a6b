package script

import (
	"errors"

	"github.com/graflow/graflow-wasm/runtimes"
	"github.com/graflow/graflow-wasm/sdk/abi"
)

// prebuilt is how an interpreter runs a document that others have compiled: a command,
// which begins anew for each run, and knows nothing of the host. What code prints is
// on its stderr.
func (r *run) prebuilt(document []byte) (export string, input []byte, err error) {
	switch {
	case r.options.Session != nil:
		return "", nil, errors.New("the prebuilt Python keeps no sessions: make one that does with `make runtimes`, which needs a compiler")
	case len(r.options.Tools) > 0 || r.options.Services.Tools != nil:
		return "", nil, errors.New("the prebuilt Python calls no tools: make one that does with `make runtimes`, which needs a compiler")
	}
	input, err = runtimes.CommandInput(document)
	return abi.ExportStart, input, err
}
