package wasmhost

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"time"

	"github.com/graflow/graflow-wasm/sdk/abi"
)

// Services are the embedder's answers to what a guest asks for. A nil field
// makes its calls answer abi.Unavailable (Log and Progress: dropped). They are
// called on the goroutine of Call, one at a time, and must return when their
// context ends: a guest that waits for one can't be stopped otherwise.
//
// A method that fails with an abi.Code (wrapped or not) hands that code to the
// guest, which goes on; any other error ends the attempt and is in the chain of
// its *TrapError.
type Services struct {
	Meta     *abi.Meta
	Results  Results
	Channel  Channel
	Control  Control
	Secrets  Secrets
	Tools    Tools
	Log      func(level slog.Level, line string)    // a line of the guest, valid UTF-8
	Progress func(done, total float64, note string) // NaN and infinities are not passed on
	// Stdout and Stderr take what the task prints, as bytes and as they come; nil
	// makes lines of it for Log. A WASI command's stdout is its output and stays
	// so. Limits.LogBytes bounds both and the log together: what exceeds it is
	// dropped, with one notice in Log. What is printed during initialization never
	// comes here. A writer must not block for ever: the guest can't be stopped
	// meanwhile. If it fails, the attempt ends with its error in the chain.
	Stdout, Stderr io.Writer
	// Waited is by how much a virtual clock is to be ahead beside what the guest
	// computed and slept: what has gone by while the guest waited for the embedder.
	// It is asked whenever the guest looks at the clock, and does not go back: less
	// than before counts as before. An isolated call's is asked when it begins and with
	// each answer of a service. nil: 0.
	Waited func() time.Duration

	// fetch sends requests of HTTP in a cell, which has no network. nil: the host does.
	fetch func(ctx context.Context, request abi.HTTPRequest) (abi.HTTPResponse, error)
}

// Results answers result_get.
type Results interface {
	// Result is the JSON result of a task, or abi.NotFound.
	Result(ctx context.Context, id string) (json.RawMessage, error)
}

// Channel answers the channel_* calls.
type Channel interface {
	// Get is the JSON value of a key, or abi.NotFound.
	Get(ctx context.Context, key string) (json.RawMessage, error)
	// Keys lists the keys with a prefix, sorted.
	Keys(ctx context.Context, prefix string) ([]string, error)
	// Apply changes a key. A value of the wrong type is abi.Invalid.
	Apply(ctx context.Context, op ChannelOp) error
}

// ChannelOp is one change of a channel.
type ChannelOp struct {
	Kind  string // "set", "delete", "append", "prepend", "add"
	Key   string
	Value json.RawMessage // valid JSON, nil for delete; the callee may keep it
}

// Control answers the calls that steer the run. Payloads are valid JSON or
// empty, and may be kept.
type Control interface {
	NextTask(ctx context.Context, next abi.NextTask) error
	NextIteration(ctx context.Context, data json.RawMessage) error
	Terminate(ctx context.Context, message string) error
	Cancel(ctx context.Context, message string) error
	// Checkpoint takes any name; "" is none.
	Checkpoint(ctx context.Context, name string, meta json.RawMessage) error
	// Pause answers with the input that somebody gave. An error of ErrPaused
	// ends the attempt, which is to be made again once there is an answer.
	Pause(ctx context.Context, pause abi.Pause) (json.RawMessage, error)
}

// Secrets answers secret_get.
type Secrets interface {
	// Secret is the value of a secret that Grants name, or abi.NotFound.
	Secret(ctx context.Context, name string) ([]byte, error)
}

// Tools answers tool_call and tool_calls. Tools that Grants do not name are not
// called.
type Tools interface {
	// CallTool answers with JSON. An *abi.ToolError is the tool's own failure,
	// which the guest is told. The calls of one tool_calls are made concurrently,
	// on goroutines of their own, unless Tools is a ToolBatch.
	CallTool(ctx context.Context, name string, args json.RawMessage) (json.RawMessage, error)
}

// ToolBatch is a Tools that takes the calls of one tool_calls together.
type ToolBatch interface {
	Tools
	// CallTools answers each call, in the order of the calls. An error of
	// ErrPaused ends the attempt, which is to be made again once there are
	// answers; other errors are as those of all services.
	CallTools(ctx context.Context, calls []abi.ToolCall) ([]abi.ToolAnswer, error)
}
