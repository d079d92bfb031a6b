package wasmhost

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"github.com/graflow/graflow-wasm/sdk/abi"
)

func (a *attempt) toolCall(ctx context.Context, g guest) int64 {
	name, ok := g.text()
	args, ok2 := g.json(2)
	switch {
	case !ok || !ok2:
		return int64(abi.Invalid)
	case !a.mayCall(name):
		return a.refuse(CapabilityTools + ": " + name)
	}
	tools := a.opt.Services.Tools
	return a.ask(abi.FuncToolCall, tools != nil, func() ([]byte, error) {
		value, err := tools.CallTool(ctx, name, args)
		if failure, ok := errors.AsType[*abi.ToolError](err); ok {
			a.lines.Add(slog.LevelWarn, fmt.Appendf(nil, "tool %q: %v", name, failure))
			return nil, abi.Unreachable
		}
		a.endIfPaused(err, "tool "+name)
		return value, err
	})
}

func (a *attempt) mayCall(tool string) bool {
	return slices.Contains(a.opt.Grants.Tools, tool) || slices.Contains(a.opt.Grants.Tools, "*")
}

// endIfPaused ends a guest whose service has no answer yet.
func (a *attempt) endIfPaused(err error, what string) {
	if errors.Is(err, ErrPaused) {
		a.stop(KindPaused, what+" has no answer yet", err)
	}
}

// toolCalls makes several calls at once. Those that are not granted are answered
// here, the others by the service.
func (a *attempt) toolCalls(ctx context.Context, g guest) int64 {
	data, ok := g.json(0)
	if !ok {
		return int64(abi.Invalid)
	}
	calls, code := readCalls(data)
	if code != 0 {
		return int64(code)
	}
	tools := a.opt.Services.Tools
	if tools == nil {
		return int64(abi.Unavailable)
	}
	answers := make([]abi.ToolAnswer, len(calls))
	var granted []abi.ToolCall
	var places []int
	for i, call := range calls {
		if a.mayCall(call.Name) {
			granted, places = append(granted, call), append(places, i)
			continue
		}
		answers[i].Error = &abi.ToolError{Kind: abi.Denied.Word(), Message: fmt.Sprintf("tool %q is not granted", call.Name)}
	}
	given, err := CallAll(ctx, tools, granted)
	if err != nil {
		a.endIfPaused(err, fmt.Sprintf("one of %d calls of tools", len(granted)))
		return a.code(abi.FuncToolCalls, err)
	}
	for i, answer := range given {
		answers[places[i]] = answer
	}
	return a.answerJSON(answers)
}

// maxToolCalls bounds one batch: a guest needs three bytes for a call, the host a
// hundred.
const maxToolCalls = 10_000

// readCalls reads the calls of a batch.
func readCalls(data []byte) ([]abi.ToolCall, abi.Code) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	if open, err := decoder.Token(); err != nil || open != json.Delim('[') {
		return nil, abi.Invalid
	}
	var calls []abi.ToolCall
	for decoder.More() {
		if len(calls) == maxToolCalls {
			return nil, abi.TooLarge
		}
		var call abi.ToolCall
		if decoder.Decode(&call) != nil {
			return nil, abi.Invalid
		}
		calls = append(calls, call)
	}
	return calls, 0
}
