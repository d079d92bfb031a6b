package script

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/graflow/graflow-wasm/sdk/abi"
	"github.com/graflow/graflow-wasm/wasmhost"
)

// call makes one call. An error ends the run; what code is to know is the answer.
func (b *toolbox) call(ctx context.Context, tool *namedTool, args json.RawMessage) (abi.ToolAnswer, error) {
	value, err := b.shielded(ctx, tool, args)
	if err != nil {
		return failed(err)
	}
	document, err := Encode(value)
	if err != nil {
		return failed(err)
	}
	return tool.checked(document), nil
}

// shielded calls the function, and makes an error of its panic.
func (b *toolbox) shielded(ctx context.Context, tool *namedTool, args json.RawMessage) (value any, err error) {
	defer func() {
		if r := recover(); r != nil {
			b.log.Error("a tool panicked", "tool", tool.Name, "err", r, "stack", string(debug.Stack()))
			err = fmt.Errorf("the tool panicked: %v", r)
		}
	}()
	if len(args) == 0 {
		args = json.RawMessage("null")
	}
	return tool.Call(ctx, args)
}

// failed is the answer that an error is, if code may know of it.
func failed(err error) (abi.ToolAnswer, error) {
	var own *abi.ToolError
	var code abi.Code
	switch {
	case errors.Is(err, wasmhost.ErrPaused):
		return abi.ToolAnswer{}, err
	case errors.As(err, &own):
		return abi.ToolAnswer{Error: own}, nil
	case errors.As(err, &code) && code < 0:
		return abi.ToolAnswer{Error: &abi.ToolError{Kind: code.Word(), Message: err.Error()}}, nil
	}
	return abi.ToolAnswer{Error: &abi.ToolError{Kind: wasmhost.KindError, Message: err.Error()}}, nil
}

// checked is the answer with a value that has to fit the tool's schema.
func (t *namedTool) checked(document json.RawMessage) abi.ToolAnswer {
	if t.output == nil {
		return abi.ToolAnswer{Value: document}
	}
	fault := ""
	if tree, err := parse(document); err != nil {
		fault = err.Error()
	} else {
		fault = misfits(t.output, tree)
	}
	if fault == "" {
		return abi.ToolAnswer{Value: document}
	}
	return abi.ToolAnswer{Error: &abi.ToolError{
		Kind: wasmhost.KindInvalidOutput, Message: fmt.Sprintf("what tool %q answered does not fit its schema: %s", t.Name, fault),
	}}
}
