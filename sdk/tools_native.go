//go:build !wasip1

package sdk

import (
	"encoding/json"
	"errors"

	"github.com/graflow/graflow-wasm/sdk/abi"
)

// toolsInTurn answers several calls by one call each, for hosts that know no other
// way.
func toolsInTurn(data []byte, call func(name string, args []byte) ([]byte, error)) ([]byte, error) {
	var calls []abi.ToolCall
	if json.Unmarshal(data, &calls) != nil {
		return nil, abi.Invalid
	}
	answers := make([]abi.ToolAnswer, len(calls))
	for i, c := range calls {
		args := []byte(c.Args)
		if len(args) == 0 {
			args = []byte("null")
		}
		value, err := call(c.Name, args)
		if err == nil {
			answers[i].Value = value
			continue
		}
		if answers[i].Error = toolError(err); answers[i].Error == nil {
			return nil, err
		}
	}
	return json.Marshal(answers)
}

// toolError is an error that is the answer of one call; nil if it is that of all.
func toolError(err error) *abi.ToolError {
	if failure, ok := errors.AsType[*abi.ToolError](err); ok {
		return failure
	}
	if code, ok := errors.AsType[abi.Code](err); ok && code != abi.Unavailable {
		return &abi.ToolError{Kind: code.Word(), Message: err.Error()}
	}
	return nil
}
