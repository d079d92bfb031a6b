package wasmhost

import "github.com/graflow/graflow-wasm/wasmhost/internal/meter"

// MeterVersion changes whenever the same call may take another amount of fuel.
const MeterVersion = meter.Version
