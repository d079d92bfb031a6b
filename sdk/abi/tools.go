package abi

import "encoding/json"

// ToolCall is one call of a tool, as tool_calls takes them.
type ToolCall struct {
	Name string          `json:"name"`
	Args json.RawMessage `json:"args,omitempty"` // absent is null
}

// ToolAnswer is what came of one: a value, or an error.
type ToolAnswer struct {
	Value json.RawMessage `json:"value,omitempty"`
	Error *ToolError      `json:"error,omitempty"`
}

// ToolError is the failure of a tool that its caller may handle.
type ToolError struct {
	// Kind is the tool's own, or a Word…: "not_found" is a tool that there is
	// not, "denied" one that was not granted.
	Kind    string `json:"kind"`
	Message string `json:"message"`
}

// KindInvalidArgs is the kind of arguments that do not fit a tool's schema.
const KindInvalidArgs = "invalid_args"

// Error implements error.
func (e *ToolError) Error() string { return e.Kind + ": " + e.Message }
