package script

import (
	"encoding/json"

	"github.com/graflow/graflow-wasm/wasmhost"
)

// Result is what a run came to. After an error Value is nil, but Files and Ledger
// are set as far as the run came.
type Result struct {
	// Value is what the code came to, as JSON: the global named result, else what
	// its function main returned, else its last expression, else null. Bytes are
	// {"$bytes": "base64"} and times {"$time": "RFC 3339"} in it.
	Value json.RawMessage
	// Files are those that Options.FilesOut asked for, sorted by name.
	Files []File
	// Ledger is what the run used.
	Ledger wasmhost.Ledger
	// ToolCalls counts the calls of each of Options.Tools, refused ones included. nil:
	// none.
	ToolCalls map[string]int
}

// File is a file that code wrote.
type File struct {
	Name string // slash-separated, relative to /out
	Data []byte
}

// Decode stores the value in what into points to, as [Decode] does.
func (r Result) Decode(into any) error { return Decode(r.Value, into) }

// Any is the value as nil, bool, int64, float64, string, []byte, time.Time, []any
// and map[string]any.
func (r Result) Any() (any, error) {
	var v any
	err := Decode(r.Value, &v)
	return v, err
}
