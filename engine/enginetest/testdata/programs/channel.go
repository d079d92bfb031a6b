package main

import (
	"encoding/json"
	"fmt"

	"github.com/graflow/graflow-wasm/sdk"
)

type channelOp struct {
	Op    string          `json:"op"`
	Key   string          `json:"key"`
	Value json.RawMessage `json:"value"`
}

var channel = sdk.Task("channel", "reads and writes the channel", func(c *sdk.Context, ops []channelOp) ([]any, error) {
	var all []any
	for _, op := range ops {
		answer, err := op.apply(c.Channel())
		if err != nil {
			return nil, err
		}
		all = append(all, answer)
	}
	return all, nil
})

//go:wasmexport channel
func _channel() int32 { return channel.Run() }

func (op channelOp) apply(ch sdk.Channel) (any, error) {
	switch op.Op {
	case "get":
		var value json.RawMessage
		_, err := ch.Get(op.Key, &value)
		return value, err
	case "keys":
		keys, err := ch.Keys(op.Key)
		return append([]string{}, keys...), err
	case "set":
		return ch.Set(op.Key, op.Value) == nil, nil
	case "append":
		return ch.Append(op.Key, op.Value) == nil, nil
	case "prepend":
		return ch.Prepend(op.Key, op.Value) == nil, nil
	case "delete":
		return ch.Delete(op.Key) == nil, nil
	case "add":
		var n float64
		return json.Unmarshal(op.Value, &n) == nil && ch.Add(op.Key, n) == nil, nil
	}
	return nil, fmt.Errorf("no such op: %q", op.Op)
}
