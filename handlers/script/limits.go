package script

import (
	"encoding/json"

	"github.com/graflow/graflow-wasm/handlers/internal/guest"
	"github.com/graflow/graflow-wasm/wasmhost"
)

// ParseLimits reads limits as a task of a flow file has them: {"memory": "64MiB",
// "timeout": "2s"}. nil is none.
func ParseLimits(limits json.RawMessage) (wasmhost.Limits, error) { return guest.ParseLimits(limits) }

// Explained adds to an error about grants that an operator does not allow, each as
// "grants.KEY…: the operator …", what explain says of that key.
func Explained(err error, explain func(key string) string) error {
	return guest.Most{Explain: explain}.Explained(err)
}
