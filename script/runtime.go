package script

import "github.com/graflow/graflow-wasm/runtimes"

// Runtime is an interpreter as a WebAssembly module.
type Runtime = runtimes.Runtime
