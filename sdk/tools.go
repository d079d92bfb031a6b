package sdk

import (
	"encoding/json"
	"fmt"

	"github.com/graflow/graflow-wasm/sdk/abi"
)

// Tools calls several tools, all at once, and answers in the order of the calls.
// What a tool fails with is in its answer; the error is that of the host, which
// then has answered none of them.
func (c *Context) Tools(calls ...abi.ToolCall) ([]abi.ToolAnswer, error) {
	data, err := json.Marshal(calls)
	if err != nil {
		return nil, fmt.Errorf("encode the arguments of %d tools: %w", len(calls), err)
	}
	if len(calls) == 0 {
		return nil, nil
	}
	answer, err := c.host.tools(data)
	if err != nil {
		return nil, fmt.Errorf("call %d tools: %w", len(calls), err)
	}
	var answers []abi.ToolAnswer
	if err := json.Unmarshal(answer, &answers); err != nil {
		return nil, fmt.Errorf("decode the answers of %d tools: %w", len(calls), err)
	}
	return answers, nil
}
