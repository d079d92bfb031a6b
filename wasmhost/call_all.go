package wasmhost

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"github.com/graflow/graflow-wasm/sdk/abi"
)

// maxAtOnce is how many calls of one batch are on their way at once; more of them
// wait.
const maxAtOnce = 256

// CallOne is how a [ToolBatch] answers a single call: as a batch of one.
func CallOne(ctx context.Context, tools ToolBatch, name string, args json.RawMessage) (json.RawMessage, error) {
	answers, err := tools.CallTools(ctx, []abi.ToolCall{{Name: name, Args: args}})
	switch {
	case err != nil:
		return nil, err
	case answers[0].Error != nil:
		return nil, answers[0].Error
	}
	return answers[0].Value, nil
}

// CallAll has calls answered by tools, as tool_calls does: together if tools is a
// [ToolBatch], else each on a goroutine of its own, 256 at once. The answers are in the
// order of the calls; an abi.ToolError and an abi.Code are answers, of any other
// failure, and of a panic, CallAll itself fails. It returns when all calls have.
func CallAll(ctx context.Context, tools Tools, calls []abi.ToolCall) ([]abi.ToolAnswer, error) {
	if batch, ok := tools.(ToolBatch); ok {
		answers, err := batch.CallTools(ctx, calls)
		if err == nil && len(answers) != len(calls) {
			err = fmt.Errorf("%d calls of tools had %d answers", len(calls), len(answers))
		}
		return answers, err
	}
	answers, errs := make([]abi.ToolAnswer, len(calls)), make([]error, len(calls))
	slots := make(chan struct{}, maxAtOnce)
	var made sync.WaitGroup
	for i, call := range calls {
		slots <- struct{}{}
		made.Go(func() {
			defer func() { <-slots }()
			answers[i], errs[i] = callTool(ctx, tools, call)
		})
	}
	made.Wait()
	return answers, errors.Join(errs...)
}

// callTool makes one call. What the guest is to know of its failure is the answer.
func callTool(ctx context.Context, tools Tools, call abi.ToolCall) (answer abi.ToolAnswer, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("tool %q panicked: %v", call.Name, r)
		}
	}()
	value, err := tools.CallTool(ctx, call.Name, call.Args)
	if err == nil {
		if len(value) == 0 {
			value = json.RawMessage("null")
		}
		return abi.ToolAnswer{Value: value}, nil
	}
	if failure, ok := errors.AsType[*abi.ToolError](err); ok {
		return abi.ToolAnswer{Error: failure}, nil
	}
	var code abi.Code
	if errors.As(err, &code) && code < 0 {
		return abi.ToolAnswer{Error: &abi.ToolError{Kind: code.Word(), Message: err.Error()}}, nil
	}
	return abi.ToolAnswer{}, fmt.Errorf("tool %q: %w", call.Name, err)
}
