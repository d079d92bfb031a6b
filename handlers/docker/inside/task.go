package inside

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/graflow/graflow-wasm/sdk/abi"
	"github.com/graflow/graflow-wasm/wasmhost"
)

// WasmTask is what the verb wasm runs a module with: the value of [EnvWasm].
type WasmTask struct {
	// Name is the module's name in messages. "": its short digest.
	Name string
	// Limits are those inside the container, which has its own besides.
	Limits wasmhost.Limits
	// Grants are as outside: Secrets and Tools must also be granted by the host
	// that answers, Mounts and HTTP are of the container.
	Grants wasmhost.Grants
	// Cache is the directory that [PrepareCache] made, as it is mounted. "": none.
	Cache string
}

// wasmDocument is a WasmTask on its way. A timeout is no field of the JSON of
// wasmhost.Limits.
type wasmDocument struct {
	Name    string          `json:"name,omitempty"`
	Limits  wasmhost.Limits `json:"limits"`
	Timeout abi.Duration    `json:"timeout,omitempty"`
	Grants  wasmhost.Grants `json:"grants"`
	Cache   string          `json:"cache,omitempty"`
}

// MarshalText implements encoding.TextMarshaler: the value of EnvWasm.
func (t WasmTask) MarshalText() ([]byte, error) {
	return json.Marshal(wasmDocument{t.Name, t.Limits, abi.Duration(t.Limits.Timeout), t.Grants, t.Cache})
}

// UnmarshalText implements encoding.TextUnmarshaler. No text is the zero task.
func (t *WasmTask) UnmarshalText(text []byte) error {
	var d wasmDocument
	if len(text) > 0 {
		if err := json.Unmarshal(text, &d); err != nil {
			return fmt.Errorf("%s: %w", EnvWasm, err)
		}
	}
	d.Limits.Timeout = time.Duration(d.Timeout)
	*t = WasmTask{d.Name, d.Limits, d.Grants, d.Cache}
	return nil
}
