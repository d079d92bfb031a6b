package cluster

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/graflow/graflow-wasm/sdk/abi"
	"github.com/graflow/graflow-wasm/wasmhost"
)

// Describe tells all that is known of a module. One that the sandbox does not admit
// is an error. Of the module, only its initialization and graflow_describe are run,
// without any grant.
func Describe(ctx context.Context, host *wasmhost.Host, code []byte) (wasmhost.Description, error) {
	m, err := host.Compile(ctx, code)
	if err != nil {
		return wasmhost.Description{}, err
	}
	tasks, err := m.Tasks(ctx)
	if err != nil {
		return wasmhost.Description{}, fmt.Errorf("ask it for its tasks: %w", err)
	}
	broken := initialize(ctx, m)
	d := m.Describe()
	d.Tasks = tasks
	if broken != nil {
		d.Snapshotable, d.WhyNot = false, fmt.Sprintf("its initialization fails: %v", broken)
	}
	return d, nil
}

// initialize runs the module's initialization, without which nobody knows
// whether it can be snapshotted.
func initialize(ctx context.Context, m *wasmhost.Module) error {
	const bound = 5 * time.Second
	ctx, cancel := context.WithTimeout(ctx, bound)
	defer cancel()
	return m.Prewarm(ctx, 1, wasmhost.Options{})
}

// About is what the registry keeps of what a module tells of itself.
type About struct {
	ABI          string                `json:"abi"`
	Capabilities []string              `json:"capabilities"`
	Tasks        []abi.TaskDescription `json:"tasks"`
}

// AboutOf is what of a description is kept.
func AboutOf(d wasmhost.Description) (json.RawMessage, error) {
	return json.Marshal(About{d.ABI, d.Capabilities, d.Tasks})
}
