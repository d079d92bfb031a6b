package sdk

import "encoding/json"

// describeExport writes the description of the module's tasks to the output.
//
//go:wasmexport graflow_describe
func describeExport() int32 {
	h := thisHost()
	data, err := json.Marshal(Describe())
	if err == nil {
		err = h.output(data)
	}
	if err != nil {
		h.fail(KindError, "describe: "+err.Error(), 0)
		return 1
	}
	return 0
}

// warmupExport runs before the host's snapshot: every instance then starts with
// the codecs of its tasks built and what [Warmup] was given done.
//
//go:wasmexport graflow_warmup
func warmupExport() { warmUp() }
