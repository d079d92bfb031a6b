package guest

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/graflow/graflow-wasm/wasmhost"
)

// isolationKey is the key by which a task's limits ask for a cell, and isolationProcess
// its only value: a flow may ask for more isolation than the operator, never for less.
const (
	isolationKey     = "isolation"
	isolationProcess = "process"
)

// parseLimits reads the limits of a task, and whether it asks for a cell.
func parseLimits(data json.RawMessage) (l wasmhost.Limits, isolated bool, err error) {
	d, err := Object("limits", data, append(slices.Clone(limitKeys), isolationKey)...)
	l, limitsErr := limitsOf(d)
	word := ""
	isolationErr := d.Text(isolationKey, &word)
	if isolationErr == nil && d.Field(isolationKey) != nil && word != isolationProcess {
		isolationErr = fmt.Errorf("limits.isolation: got %q, want %q, a process of its own: a task may ask for more isolation, and how much there is at least is for the operator to say", word, isolationProcess)
	}
	return l, word == isolationProcess, errors.Join(err, limitsErr, isolationErr)
}
