package wasmhost

import (
	"context"
	"encoding/json"
	"log/slog"

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

// Tools answers tool_call.
type Tools interface {
	// CallTool answers with JSON. A tool that Grants do not name is not called.
	CallTool(ctx context.Context, name string, args json.RawMessage) (json.RawMessage, error)
}
