package mcp

import (
	"encoding/json"

	"github.com/graflow/graflow-wasm/script"
	"github.com/graflow/graflow-wasm/wasmhost"
	protocol "github.com/modelcontextprotocol/go-sdk/mcp"
)

// outcome is the structured result of run_code, as [outputSchema] says.
type outcome struct {
	Value   json.RawMessage `json:"value"` // nil: null
	Stdout  string          `json:"stdout"`
	Stderr  string          `json:"stderr"`
	Error   *failure        `json:"error,omitempty"`
	Files   []fileOutcome   `json:"files,omitempty"`
	Session *sessionOutcome `json:"session,omitempty"`
	Usage   usage           `json:"usage"`
}

// failure is how a call failed.
type failure struct {
	Kind      string `json:"kind"`
	Type      string `json:"type,omitempty"`
	Message   string `json:"message"`
	File      string `json:"file,omitempty"`
	Line      int    `json:"line,omitempty"`
	Column    int    `json:"column,omitempty"`
	Traceback string `json:"traceback,omitempty"`
}

// fileOutcome is a file that code left in /out.
type fileOutcome struct {
	Name     string `json:"name"`
	Size     int    `json:"size"`
	Type     string `json:"mime_type"`
	Included bool   `json:"included"` // its content is part of the result
}

// sessionOutcome tells of the session that code ran in.
type sessionOutcome struct {
	Name  string `json:"name"`
	New   bool   `json:"new"`  // it was begun by this call
	Kept  bool   `json:"kept"` // the next call finds what this one left
	Bytes int64  `json:"bytes"`
}

// usage is what a call took.
type usage struct {
	Seconds      float64 `json:"seconds"`
	Instructions int64   `json:"instructions"`
	PeakMemory   int64   `json:"peak_memory"`
	HTTPRequests int64   `json:"http_requests,omitempty"`
}

func usageOf(l wasmhost.Ledger) usage {
	return usage{Seconds: l.Wall.Seconds(), Instructions: l.Fuel, PeakMemory: l.PeakMemory, HTTPRequests: l.HTTPRequests}
}

// result is the result of the call, with the files that there is room for.
func (o *outcome) result(files []script.File) *protocol.CallToolResult {
	var contents []protocol.Content
	if o.Value == nil {
		o.Value = json.RawMessage("null")
	}
	o.Files, contents = fileContents(files)
	return &protocol.CallToolResult{
		Content:           append([]protocol.Content{jsonText(o)}, contents...),
		StructuredContent: o,
		IsError:           o.Error != nil,
	}
}

// jsonText is what clients read that know no structured results.
func jsonText(v any) protocol.Content {
	data, err := json.Marshal(v)
	if err != nil { // a value that is no JSON, which the sandbox does not let pass
		data = []byte(err.Error())
	}
	return &protocol.TextContent{Text: string(data)}
}

// refused is the result of a call that was not even begun.
func refused(kind string, err error) *protocol.CallToolResult {
	return refusedWith(&failure{Kind: kind, Message: err.Error()})
}

func refusedBy(err error) *protocol.CallToolResult { return refusedWith(failureOf(err)) }

func refusedWith(f *failure) *protocol.CallToolResult {
	return (&outcome{Error: f}).result(nil)
}
